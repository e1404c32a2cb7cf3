"""A secret in memory: it shows itself to nobody who does not ask for it by name."""


class Secret:
    """Wraps a secret text so that logs, errors and encoders show `***`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Wrap a text."""
        self._text = text

    def reveal(self) -> str:
        """Return the text, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")
