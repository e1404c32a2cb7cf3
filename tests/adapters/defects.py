"""The mark of a test that says what should be and is not yet: strict, so that who mends it takes the mark off."""

import pytest


def defect(what: str, *, raises: type[BaseException] | tuple[type[BaseException], ...] = AssertionError):
    """Return the mark.

    Args:
        what: File, function, and what is wrong there.
        raises: How the test fails today; any other failure is a failure.
    """
    return pytest.mark.xfail(strict=True, raises=raises, reason=what)


class NotGivenError(Exception):
    """The ground of a test is not as it should be: no defect raises this."""


def given(so: bool, what: str) -> None:
    """Hold what a test stands on: where that is not so, the test fails, also one that is expected to fail."""
    if not so:
        raise NotGivenError(what)
