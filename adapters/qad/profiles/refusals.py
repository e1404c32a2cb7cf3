"""What a tenant's refusals mean."""

from adapters.qad.profiles.part import Part

# Classes that are of no single document: it is tried again, by fewer at once, or the connection stops.
TRANSIENT, CAPACITY = "transient", "capacity"
PERMISSION, WORKSPACE = "permission", "workspace"
STOPS = {
    WORKSPACE: "Look at workspace, domain and entity of the profile, and at the shared sets of the service user.",
    PERMISSION: "Give the service user a role that may do this; or look at workspace, domain and shared set.",
}


class ErrorClass(Part, frozen=True, kw_only=True):
    """Which refusals belong to a class: by code, else by field, else by words in the message.

    Attributes:
        means: Class of streams/sink/meanings.py; or `transient` where nothing was changed and another try may succeed,
            `capacity` where it may with fewer calls at once, `permission` or `workspace` where no document may go.
        codes: Codes of the tenant.
        fields: Fields, in any case.
        words: Words of the message, in any case.
    """

    means: str
    codes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
