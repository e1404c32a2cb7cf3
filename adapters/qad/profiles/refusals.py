"""What a tenant's refusals mean."""

from adapters.qad.profiles.part import Part

TRANSIENT = "transient"


class ErrorClass(Part, frozen=True, kw_only=True):
    """Which refusals belong to a class: by code, else by field, else by words in the message.

    Attributes:
        means: Class of streams/sink/answers.py, or `transient` where nothing was changed and another try may succeed.
        codes: Codes of the tenant.
        fields: Fields, in any case.
        words: Words of the message, in any case.
    """

    means: str
    codes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
