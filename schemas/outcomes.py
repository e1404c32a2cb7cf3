"""Topic `outcomes`: where each document and each posting stands. Read committed, always.

Stages that decide write one outcome per document when its standing changes; the sink writes one per posting and
step. The newest outcome of a (stage, subject) is its standing; together they say what is not in QAD and why.
"""

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from schemas.codec import Event
from schemas.ids import PostingId
from schemas.reasons import Reason


class Outcome(Event, frozen=True, kw_only=True):
    """Base of every outcome.

    Attributes:
        stage: Who says so: read, match, ledger, sink, mark, customers, align.
        subject: `kind:id` of a document, or a posting's id when the sink speaks.
        document: `kind:id` of the Zuora document.
        number: Zuora's number of it.
        origin: Offset of the input it comes from.
        index: Which posting of that input.
        input_pass: live, or which release or replay.
        stamp: Newest stamp of the version that was decided, UTC; "" where the sink speaks.
    """

    connection: str
    stage: str
    subject: str
    document: str
    number: str = ""
    origin: int
    index: int = 0
    input_pass: str = msgspec.field(name="pass", default="live")
    stamp: str = ""


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """Under whom money stands.

    Attributes:
        account: Billing account in Zuora.
        customer: QAD customer.
    """

    account: str
    customer: str


class Standstill(Outcome, frozen=True, kw_only=True):
    """Base of the outcomes in which a document does not go on.

    Attributes:
        reason: Why.
        currency: Of the document, where it could be read.
        value: Its total, where it could be read.
        said: What QAD answered, scrubbed.
        record_id: For match: which version of the record stands still; the same version read again says nothing.
        sides: For the sink: the last offset of each side topic that it knew; only what comes after releases it.
        cancels: For the sink: how much of which allocations this unapplication took back before they were sent; by so
            much less is sent of both.
        whose: For the ledger, of a payment: under whom its money stands, where no posting says so.
    """

    reason: Reason
    currency: str = ""
    value: Decimal | None = None
    said: tuple[str, ...] = ()
    record_id: str = ""
    sides: dict[str, int] = msgspec.field(default_factory=dict)
    cancels: dict[PostingId, Decimal] | msgspec.UnsetType = msgspec.UNSET
    whose: Whose | msgspec.UnsetType = msgspec.UNSET


class Waiting(Standstill, frozen=True, kw_only=True, tag="waiting"):
    """It goes on by itself when what it waits for comes."""


class Parked(Standstill, frozen=True, kw_only=True, tag="parked"):
    """A person must act; the reason says how."""


class Ignored(Standstill, frozen=True, kw_only=True, tag="ignored"):
    """It does not go to QAD, by a named rule."""


class Superseded(Standstill, frozen=True, kw_only=True, tag="superseded"):
    """A posting that will not be made: a later act undid it before it was."""


class Released(Outcome, frozen=True, kw_only=True, tag="released"):
    """It no longer waits and is no longer parked here."""


class Intended(Outcome, frozen=True, kw_only=True, tag="intended"):
    """The next thing that happens is the call; written and acknowledged before it.

    Content is frozen here, and only here.

    Attributes:
        reference: The machine reference QAD is asked to carry.
        attempt: From 1.
        customer: The customer it goes to; allocations take that of the open item.
        mapping_version: The mapping that built it.
        source_hash: Zuora's financial content.
        content_hash: What is sent, after freezing.
        currency: Control column.
        total: Control column.
        day: Control column: the posting date.
        carried: Postings of allocations that a receipt carries itself.
        tax: Control column: the tax that QAD is to report; unset where that is nothing.
    """

    reference: str
    attempt: int
    customer: str
    mapping_version: int
    source_hash: str
    content_hash: str
    currency: str
    total: Decimal
    day: date
    carried: tuple[PostingId, ...] = ()
    tax: Decimal | UnsetType = UNSET


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What QAD calls a document: its key, and the control columns read back.

    Attributes:
        year: Posting year.
        daybook: Daybook code.
        voucher: Voucher number.
        customer: Customer code it stands under; "" for adjustments over several.
        total: Transaction-currency total as QAD has it, where it says so.
    """

    year: int
    daybook: str
    voucher: int
    customer: str = ""
    currency: str = ""
    total: Decimal | None = None


class Posted(Outcome, frozen=True, kw_only=True, tag="posted"):
    """It is in QAD.

    Attributes:
        qad: Its key there.
        how: "answer" when the call said so, "look_up" when it was found by its reference, "carried" when a receipt
            carried it, "opening" when it was there before the cut-over.
        carried: Postings of allocations that it carries, when it is a receipt.
        untold: Postings of allocations of which nobody can tell whether it carries them: it was found in QAD, and the
            log has lost what it was sent with.
        warnings: What QAD said beside its yes.
    """

    qad: Document
    attempt: int
    customer: str
    currency: str
    total: Decimal
    how: Literal["answer", "look_up", "carried", "opening"]
    source_hash: str = ""
    content_hash: str = ""
    carried: tuple[PostingId, ...] = ()
    untold: tuple[PostingId, ...] = ()
    warnings: tuple[str, ...] = ()


class RejectedByQad(Outcome, frozen=True, kw_only=True, tag="rejected"):
    """QAD said no and changed nothing; a Parked of the same posting says what to do.

    Attributes:
        reason_class: What the profile takes it for.
        messages: QAD's words.
        answer: Its whole answer, scrubbed.
    """

    attempt: int
    reason_class: str
    messages: tuple[str, ...]
    answer: str = ""


class Unknown(Outcome, frozen=True, kw_only=True, tag="unknown"):
    """The call was sent and no answer says what became of it; it is looked up before anything else.

    Attributes:
        what: What happened.
        answer: What came in the place of an answer, scrubbed.
    """

    attempt: int
    what: str
    answer: str = ""


class Marked(Outcome, frozen=True, kw_only=True, tag="marked"):
    """Fields of ours stand on the object in Zuora as they should; that moves no money.

    Attributes:
        fields: Texts by Zuora's name of the field.
        how: "answer" when they were written and Zuora said yes, "found" when they stood there already.
    """

    fields: dict[str, str]
    how: Literal["answer", "found"]


class Written(Outcome, frozen=True, kw_only=True, tag="written"):
    """A record of a customer stands in QAD as it should; that moves no money.

    Attributes:
        part: relation, customer, operations.
        code: Its code in QAD.
        how: "made" or "changed" when QAD said yes, "found" when it stood there already.
        values: What was written, by our words.
        left: Words that were left alone: somebody has changed them in QAD.
    """

    part: str
    code: str
    how: Literal["made", "changed", "found"]
    values: dict[str, str | bool] = msgspec.field(default_factory=dict)
    left: tuple[str, ...] = ()


class Aligning(Outcome, frozen=True, kw_only=True, tag="aligning"):
    """A record of a customer is changed next; written and acknowledged before the call, so that our own is known again.

    Attributes:
        customer: The customer that it is about.
        part: relation, customer.
        code: The record's code in QAD.
        words: By our word, the fingerprint of what it is to say: no value of a person stands here.
    """

    customer: str
    part: str
    code: str
    words: dict[str, str]


class Aligned(Outcome, frozen=True, kw_only=True, tag="aligned"):
    """How an account and its customer compare, in what the mapping lets flow; that moves no money.

    Attributes:
        customer: The customer; "" where the account goes to none any more.
        written: Words that were changed in QAD.
        base: By word, the fingerprint of what both systems say now: what QAD says otherwise later is QAD's own.
        left: What was left as it is in QAD, with why: never_in_line, owned_by_qad, differs, accounts_disagree,
            relation_shared, relation_not_told, not_held.
    """

    customer: str
    written: tuple[str, ...] = ()
    base: dict[str, str] = msgspec.field(default_factory=dict)
    left: dict[str, str] = msgspec.field(default_factory=dict)


AnyOutcome = (
    Waiting
    | Parked
    | Ignored
    | Superseded
    | Released
    | Intended
    | Posted
    | RejectedByQad
    | Unknown
    | Marked
    | Written
    | Aligning
    | Aligned
)
