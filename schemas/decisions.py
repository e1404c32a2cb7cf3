"""Topic `decisions`: what people decided; who, when, why. Stages act on these alone, never on a file."""

from datetime import date, datetime

from msgspec import UNSET, UnsetType

from schemas.codec import Event
from schemas.mapping import Analysis, Mapping
from schemas.postings import GlLine


class Decision(Event, frozen=True, kw_only=True):
    """Base of every decision.

    Attributes:
        by: The person, as the operating system names them until roles exist.
        at: When, by the clock of the machine they sat at.
        why: In their own words.
    """

    connection: str
    by: str
    at: datetime
    why: str = ""


class ConnectionAssigned(Decision, frozen=True, kw_only=True, tag="connection_assigned"):
    """This partition belongs to this connection for ever: the first such event of a partition counts."""


class MappingPublished(Decision, frozen=True, kw_only=True, tag="mapping_published"):
    """A mapping, whole. Versions count from 1 in the order of the log."""

    version: int
    content_hash: str
    mapping: Mapping


class CustomerLinked(Decision, frozen=True, kw_only=True, tag="customer_linked"):
    """This billing account goes to this QAD customer; the newest link of an account counts.

    Attributes:
        open_items: How many open items of the account stood in QAD under another customer, where it had one: they
            settle where they are.
        approved_by: The second person, asked for where there are open items. Until roles exist the first one names
            them: nobody has authenticated them.
    """

    account_id: str
    account_number: str
    customer: str
    open_items: int | UnsetType = UNSET
    approved_by: str | UnsetType = UNSET


class CustomerUnlinked(Decision, frozen=True, kw_only=True, tag="customer_unlinked"):
    """The link of this billing account counts no more: the other rules say where it goes from now on.

    Attributes:
        customer: Where the link went.
        open_items: As of a link.
        approved_by: As of a link.
    """

    account_id: str
    account_number: str
    customer: str
    open_items: int | UnsetType = UNSET
    approved_by: str | UnsetType = UNSET


class CustomerApproved(Decision, frozen=True, kw_only=True, tag="customer_approved"):
    """This billing account gets a customer of its own in QAD, as it was shown to the people who approved it.

    Attributes:
        customer: Code that the customer gets.
        relation: Code that its business relation gets.
        name: What it is called, where Zuora's name is not taken; "" where it is.
        search_name: As a person shortened it; "" for the name, cut.
        origin: Offset of the account's record in `zuora.records` that was shown.
        content_hash: Of the records of QAD that were shown: nothing else is written for this decision.
        approved_by: The second person; as of a link.
    """

    account_id: str
    account_number: str
    customer: str
    relation: str
    name: str = ""
    search_name: str = ""
    origin: int
    content_hash: str
    approved_by: str


class DocumentReleased(Decision, frozen=True, kw_only=True, tag="document_released"):
    """Try this document again: whichever stage holds it decides it again, the others do nothing.

    Attributes:
        document: `kind:id` of the Zuora document.
    """

    document: str
    number: str


class DocumentReplayed(Decision, frozen=True, kw_only=True, tag="document_replayed"):
    """Decide this document again with today's links, mapping and references; what is in QAD already stays as it is."""

    document: str
    number: str


class DocumentCorrected(Decision, frozen=True, kw_only=True, tag="document_corrected"):
    """Take a posting of a document back and post it anew, by the newest mapping.

    The first of a posting proposes it; the first by another name approves, and its day counts.

    Attributes:
        document: `kind:id` of the Zuora document.
        n: Which posting of it; one that does not stand any more is not corrected.
        day: Posting date of what comes of it: a day of the current open period.
    """

    document: str
    number: str
    n: int
    day: date


class DocumentReclassified(Decision, frozen=True, kw_only=True, tag="document_reclassified"):
    """Move lines of a posting that is in QAD to another GL account, by a journal beside it.

    The first proposes it, the first by another name who says the same approves, and that one's day counts.

    Attributes:
        document: `kind:id` of the Zuora document.
        n: Which posting of it; of one that does not stand any more nothing is moved.
        m: Which reclass of that posting, from 1: of several that say otherwise, the first that is approved counts.
        lines: The lines as they stand in QAD, moved ones where they were moved to.
        to: Where they go.
        day: Posting date of the journal: a day of the current open period.
    """

    document: str
    number: str
    n: int
    m: int
    lines: tuple[GlLine, ...]
    to: Analysis
    day: date


class StageReplayed(Decision, frozen=True, kw_only=True, tag="stage_replayed"):
    """The stage reads its input again from an offset; inputs of that range count as a new pass.

    Attributes:
        number: Which replay of this stage this is, from 1.
        from_offset: First input that is decided again.
        to_offset: End of the input when the replay was ordered; later inputs are live.
    """

    stage: str
    number: int
    from_offset: int
    to_offset: int


class DeadLetterPutBack(Decision, frozen=True, kw_only=True, tag="dead_letter_put_back"):
    """The bytes of a dead letter stand in their topic again, behind all that was there.

    Attributes:
        topic: Name of the topic, without the namespace.
        offset: Where they stood in this connection's partition when a stage could not read them.
        again_at: Where they stand now.
    """

    topic: str
    offset: int
    again_at: int


AnyDecision = (
    ConnectionAssigned
    | MappingPublished
    | CustomerLinked
    | CustomerUnlinked
    | CustomerApproved
    | DocumentReleased
    | DocumentReplayed
    | DocumentCorrected
    | DocumentReclassified
    | StageReplayed
    | DeadLetterPutBack
)
