"""Keys that a document waits for, and what changes them.

A reason names the keys that release it; a side record, or a document's own arrival, says which keys it changes. Both
sides make them here, so that they cannot differ. No other module looks into a key.
"""

from collections.abc import Iterable

from schemas.decisions import (
    AnyDecision,
    CustomerLinked,
    CustomerUnlinked,
    DocumentReleased,
    DocumentReplayed,
    MappingPublished,
)
from schemas.references import Customer, QadReference, ZuoraReference, reference_code, reference_kind

MAPPING = "mapping"

_ACCOUNT = "account:"
_DOCUMENT = "document:"
_ROOM = "room:"
_TAKEN_BACK = "taken-back:"
_POSTING = "posting:"
_ITEM = "item:"
_E_INVOICE = "e-invoice:"


def account(account_id: str) -> str:
    """Return the key of a billing account: its record comes or changes."""
    return f"{_ACCOUNT}{account_id}"


def accounts_among(keys: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the billing accounts that such keys are about."""
    return tuple(name.removeprefix(_ACCOUNT) for name in keys if name.startswith(_ACCOUNT))


def link(account_id: str) -> str:
    """Return the key of a person's link of a billing account to a customer."""
    return f"link:{account_id}"


def release(document: str) -> str:
    """Return the key of a person's release of one document."""
    return f"release:{document}"


def document(name: str) -> str:
    """Return the key of a Zuora document (`kind:id`): the ledger has decided that it makes no posting."""
    return f"{_DOCUMENT}{name}"


def room(document: str) -> str:
    """Return the key of what a Zuora document can still take: it was charged more, or something came off."""
    return f"{_ROOM}{document}"


def taken_back(document: str) -> str:
    """Return the key of a Zuora document's end: what was posted of it is undone."""
    return f"{_TAKEN_BACK}{document}"


def named(key: str) -> str:
    """Return the document (`kind:id`) that a key of a document is about."""
    return key.removeprefix(_DOCUMENT).removeprefix(_TAKEN_BACK)


def is_room(key: str) -> bool:
    """Return whether a key is about what a document can still take."""
    return key.startswith(_ROOM)


def is_taken_back(key: str) -> bool:
    """Return whether a key is about a document's end."""
    return key.startswith(_TAKEN_BACK)


def is_document(key: str) -> bool:
    """Return whether a key is about a document."""
    return key.startswith(_DOCUMENT)


def posting(name: str) -> str:
    """Return the key of a posting: it is in QAD, or will never be."""
    return f"{_POSTING}{name}"


def item(name: str) -> str:
    """Return the key of the open item of a posting: an amount was moved on it."""
    return f"{_ITEM}{name}"


def e_invoice(status: str) -> str:
    """Return the key of an e-invoice that has another status in Zuora than this one, "" for none yet."""
    return f"{_E_INVOICE}{status}"


def e_invoice_waited_for(keys: Iterable[str]) -> str | None:
    """Return the status in Zuora, "" for none yet, that has to change first; None where no e-invoice is waited for."""
    return next((name.removeprefix(_E_INVOICE) for name in keys if name.startswith(_E_INVOICE)), None)


def of_postings(keys: Iterable[str]) -> bool:
    """Return whether any of these keys is changed by postings, not by a record of a side topic."""
    return any(name.startswith((_POSTING, _ITEM)) for name in keys)


def zuora_reference(kind: str) -> str:
    """Return the key of all Zuora references of a kind."""
    return f"zuora:{kind}"


def qad_reference(kind: str, code: str = "") -> str:
    """Return the key of one QAD reference, or of all of its kind when no code is given."""
    return f"qad:{kind}:{code}"


def holder_of(account_number: str) -> str:
    """Return the key of the customers of QAD that hold a Zuora account number: one comes to, or holds it no more."""
    return f"qad:holder:{account_number}"


def changed_by_decision(decision: AnyDecision) -> tuple[str, ...]:
    """Return the keys that a decision changes."""
    match decision:
        case MappingPublished():
            return (MAPPING,)
        case CustomerLinked() | CustomerUnlinked():
            return (link(decision.account_id),)
        case DocumentReleased() | DocumentReplayed():
            return (release(decision.document),)
        case _:
            return ()


def changed_by_qad(reference: QadReference) -> tuple[str, ...]:
    """Return the keys that a QAD reference changes."""
    kind = reference_kind(reference)
    keys = (qad_reference(kind, reference_code(reference)), qad_reference(kind))
    if isinstance(reference, Customer) and reference.zuora_account:
        return (*keys, holder_of(reference.zuora_account))
    return keys


def changed_by_zuora(reference: ZuoraReference) -> tuple[str, ...]:
    """Return the keys that a Zuora reference changes."""
    return (zuora_reference(reference_kind(reference)),)
