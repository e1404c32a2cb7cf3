"""Postings of this stage, read again to know what was made: without their lines, and without checking them again.

They were checked when they were made, and are again before they are sent; here a million of them are read at a start.
Nothing that is written may come from here as it is: what is built anew from itself is checked anew
(`building/rebuilding.py`).
"""

import msgspec

from schemas.codec import Decoder
from schemas.postings import (
    AllocationContent,
    CreditNoteContent,
    InverseContent,
    InvoiceContent,
    JournalContent,
    OpeningContent,
    Posting,
    PostingSet,
    ReceiptContent,
    RefundContent,
    TransferContent,
)


class _Invoice(InvoiceContent, frozen=True, kw_only=True, tag="invoice"):
    lines: msgspec.Raw  # type: ignore[assignment]  # They are passed over, not read.

    def __post_init__(self) -> None:
        """Check nothing."""


class _CreditNote(CreditNoteContent, frozen=True, kw_only=True, tag="credit_note"):
    lines: msgspec.Raw  # type: ignore[assignment]  # They are passed over, not read.

    def __post_init__(self) -> None:
        """Check nothing."""


class _Receipt(ReceiptContent, frozen=True, kw_only=True, tag="receipt"):
    def __post_init__(self) -> None:
        """Check nothing."""


class _Allocation(AllocationContent, frozen=True, kw_only=True, tag="allocation"):
    def __post_init__(self) -> None:
        """Check nothing."""


class _Inverse(InverseContent, frozen=True, kw_only=True, tag="inverse"):
    def __post_init__(self) -> None:
        """Check nothing."""


class _Refund(RefundContent, frozen=True, kw_only=True, tag="refund"):
    def __post_init__(self) -> None:
        """Check nothing."""


class _Journal(JournalContent, frozen=True, kw_only=True, tag="journal"):
    def __post_init__(self) -> None:
        """Check nothing."""


class _Transfer(TransferContent, frozen=True, kw_only=True, tag="transfer"):
    def __post_init__(self) -> None:
        """Check nothing."""


class _Posting(Posting, frozen=True, kw_only=True):
    content: (
        _Invoice | _CreditNote | _Receipt | _Allocation | _Inverse | _Refund | _Journal | _Transfer | OpeningContent
    )


class _PostingSet(PostingSet, frozen=True, kw_only=True, tag="postings"):
    postings: tuple[_Posting, ...]


read_known_postings: Decoder[PostingSet] = Decoder(_PostingSet)
