"""How events become bytes and bytes become events: JSON by msgspec, amounts as strings, times as ISO 8601.

An event says its version in `v`. A newer version than this process knows is never guessed at: it is `Unreadable`,
goes to dead letters whole, and is put back after an upgrade. New optional fields do not raise the version.
"""

from typing import Any, Generic, TypeVar

import msgspec

from schemas.errors import Unreadable

E = TypeVar("E")


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of everything that is written to a topic; each subclass has its tag.

    Attributes:
        v: Version of this type of event. A newer one than a process knows is never guessed at.
    """

    v: int = 1


class _Version(msgspec.Struct):
    v: int = 1


_encoder = msgspec.json.Encoder(decimal_format="string")
_canonical = msgspec.json.Encoder(decimal_format="string", order="sorted")
_version = msgspec.json.Decoder(_Version)


def encode(event: Event) -> bytes:
    """Write an event as JSON."""
    return _encoder.encode(event)


def canonical(value: Any) -> bytes:
    """Write any value as JSON with sorted keys: the same value gives the same bytes, so that they can be hashed."""
    return _canonical.encode(value)


class Decoder(Generic[E]):
    """Reads the events of one topic from bytes.

    Attributes:
        kind: The type of its events, or the union of their types.
    """

    def __init__(self, kind: Any, *, version: int = 1) -> None:
        self.kind = kind
        self._decoder = msgspec.json.Decoder(kind)
        self._version = version

    def __call__(self, value: bytes | None) -> E:
        """Return the event.

        Raises:
            Unreadable: Not JSON, not an event of this topic, or of a newer version.
        """
        if value is None:
            raise Unreadable("the record has no value")
        try:
            event: E = self._decoder.decode(value)
        except (msgspec.DecodeError, ValueError) as error:
            self._refuse_newer(value)
            raise Unreadable(f"not an event of this topic: {error}") from None
        except RecursionError:
            raise Unreadable("nested too deeply to be an event") from None
        if getattr(event, "v", 1) > self._version:
            self._refuse_newer(value)
        return event

    def _refuse_newer(self, value: bytes) -> None:
        try:
            version = _version.decode(value).v
        except (msgspec.DecodeError, ValueError, RecursionError):
            return
        if version > self._version:
            raise Unreadable(
                f"written by a newer version (v{version}, this process knows v{self._version}): "
                "upgrade it, then put this back"
            )
