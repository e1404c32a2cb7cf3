"""The bill-to contact of an account: which fields of it are asked for, and that nothing else of it goes any further.

Zuora is asked for these fields alone. What it answers beyond them is struck out before the row is compared, written or
named anywhere: no person's name and no phone gets into a topic. A row without a contact stays as it came, byte for
byte. Where Zuora refuses contacts, accounts are read without: documents wait for accounts, nothing waits for a contact.
"""

import asyncio

import msgspec
import structlog

from schemas.errors import ConnectorError
from schemas.parties import Contact

log = structlog.get_logger(__name__)

# So long a refusal is believed: then contacts are asked for again.
_BELIEVED_S = 3600.0

BILL_TO = "billto"
# By folded name: Zuora spells first letters either way, records have the contract's spelling.
_KEPT = {field.encode_name.casefold(): field.encode_name for field in msgspec.structs.fields(Contact)}
FIELDS = tuple(_KEPT.values())

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode


def kept(account: msgspec.Raw) -> msgspec.Raw:
    """Return the row of an account with what is kept of its bill-to contact, and all else of it verbatim."""
    try:
        fields = _fields.decode(account)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # It is no account, and becomes no record.
        return account
    if all(name.casefold() != BILL_TO for name in fields):
        return account
    return msgspec.Raw(
        _encode({name: _contact(value) if name.casefold() == BILL_TO else value for name, value in fields.items()})
    )


def _contact(raw: msgspec.Raw) -> dict[str, str] | None:
    """Return what is kept of a contact: texts; none where it is no object. Nothing in it can make a row unreadable."""
    try:
        fields = _fields.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    found = {_KEPT[name.casefold()]: _text_of(value) for name, value in fields.items() if name.casefold() in _KEPT}
    return {name: found[name] for name in FIELDS if found.get(name)}


def _text_of(raw: msgspec.Raw) -> str:
    try:
        return _text.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


class Refusal:
    """Whether Zuora refuses one tenant's contacts."""

    def __init__(self, tenant: str) -> None:
        """Begin with asking for them.

        Args:
            tenant: Its name.
        """
        self._log = log.bind(tenant=tenant)
        self._until_s = float("-inf")
        self.why = ""

    @property
    def now(self) -> bool:
        """Whether they need not be asked for now."""
        return asyncio.get_running_loop().time() < self._until_s

    def note(self, error: ConnectorError) -> None:
        """Note that accounts can be read, and not with their contacts; it is said once."""
        self._until_s = asyncio.get_running_loop().time() + _BELIEVED_S
        if not self.why:
            self._log.warning(
                "bill-to contacts are refused: accounts are read without, and customers are proposed without addresses",
                reason=str(error),
                next_step="give the OAuth user's role the right to read contacts by API",
            )
        self.why = str(error)
