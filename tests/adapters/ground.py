"""What a test stands on, held before it says anything of the product."""


class NotGivenError(Exception):
    """The ground of a test is not as it should be."""


def given(so: bool, what: str) -> None:
    """Hold what a test stands on."""
    if not so:
        raise NotGivenError(what)
