"""The peer kit's documents as postings of ours, and as they are sent.

A document is an invoice to its account over its number within the account, with its text as description: a posting
holds all of it, and a look-up shows by account and amount whether the right one was found. Who an account's document
comes after is known from its number, with nothing remembered.
"""

from datetime import date
from decimal import Decimal

import msgspec

from schemas.ids import PostingId, hash_of, machine_reference, posting_id
from schemas.postings import Act, GlLine, InvoiceContent, Posting, PostingSet, content_hash

CONNECTION = "peer-kit"
KIND = "document"
CURRENCY = "USD"
DAYBOOK = "KIT"

# The kit's documents have no date, and a posting has one.
_DAY = date(2026, 1, 1)


class KitDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One document of the kit.

    Attributes:
        id: Its name.
        account: Whose it is; documents of one account keep their order.
        seq: Its number within the account, from 1, without gaps.
        text: Makes it 1 KB.
    """

    id: str
    account: str
    seq: int
    text: str


def posting_set_of(value: bytes, *, offset: int) -> PostingSet:
    """Return what a record of the kit's topic becomes: one posting, after the one before it of the same account.

    Args:
        value: The record's value, JSON.
        offset: Its offset.

    Raises:
        msgspec.DecodeError: It is no document.
    """
    document = _decode(value)
    zuora_id = _name(document.account, document.seq)
    name, amount = _posting_id(zuora_id), Decimal(document.seq)
    content = InvoiceContent(
        customer=document.account,
        currency=CURRENCY,
        total=amount,
        document_date=_DAY,
        posting_date=_DAY,
        due_date=_DAY,
        daybook=DAYBOOK,
        description=document.text,
        lines=(GlLine(account="4000", credit=amount),),
    )
    posting = Posting(
        id=name,
        reference=machine_reference(name),
        number=document.id,
        document=f"{KIND}:{zuora_id}",
        act=Act.POST,
        n=1,
        step="document",
        content=content,
        source_hash=hash_of(value),
        content_hash=content_hash(content),
        after=(_posting_id(_name(document.account, document.seq - 1)),) if document.seq > 1 else (),
    )
    return PostingSet(
        connection=CONNECTION,
        kind=KIND,
        id=zuora_id,
        number=document.id,
        origin=offset,
        record=offset,
        record_id=hash_of(value),
        stamp="",
        customer=document.account,
        mapping_version=1,
        currency=CURRENCY,
        value=amount,
        postings=(posting,),
    )


def document_of(number: str, content: InvoiceContent) -> KitDocument:
    """Return the document that a posting was made of."""
    return KitDocument(id=number, account=content.customer, seq=int(content.total), text=content.description)


def _name(account: str, seq: int) -> str:
    return f"{account}.{seq}"


def _posting_id(zuora_id: str) -> PostingId:
    return posting_id(CONNECTION, kind=KIND, zuora_id=zuora_id, act=Act.POST, n=1, step="document")


_decode = msgspec.json.Decoder(KitDocument).decode
