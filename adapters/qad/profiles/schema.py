"""The JSON Schema of a profile, from its types and what their docstrings say: for editors, and for people."""

from typing import Any

from adapters.qad.profiles.documents import DOCUMENT_KINDS, OPTIONAL_KINDS, SIGNED
from adapters.qad.profiles.lists import BROWSES
from adapters.qad.profiles.profile import Profile
from adapters.qad.words import HEAD, LINE
from schemas.describing import described


def profile_schema() -> dict[str, Any]:
    """Return the JSON Schema of a profile; of tables whose keys are words of ours it names the words."""
    schema = described(Profile, title="QAD profile", description="How one tenant's QAD is spoken to.")
    parts = schema["$defs"]
    _keys(parts["Profile"], "documents", (*DOCUMENT_KINDS, *OPTIONAL_KINDS))
    _keys(parts["Profile"], "browses", BROWSES)
    _keys(parts["Profile"], "lengths", tuple(dict.fromkeys((*HEAD, *LINE))))
    _keys(parts["Document"], "lengths", tuple(dict.fromkeys((*HEAD, *LINE))))
    _keys(parts["Document"], "fields", HEAD)
    _keys(parts["Lines"], "fields", (*LINE, SIGNED))
    return schema


def _keys(part: dict[str, Any], name: str, words: tuple[str, ...]) -> None:
    part["properties"][name]["propertyNames"] = {"enum": list(words)}
