"""The events of each topic: one table that stages, adapters, commands and the documentation read by.

What a topic is (key, retention) stands in `schemas/topics.py`, what an event says in the module of its topic. Bytes
that are no event of their topic are `Unreadable`, never guessed at: whoever reads them says what becomes of them.
"""

from collections.abc import Mapping
from typing import Any

from schemas.callouts import Callout
from schemas.codec import Decoder
from schemas.cursors import Position
from schemas.deadletters import DeadLetter
from schemas.decisions import AnyDecision
from schemas.matching import MatchedEvent
from schemas.outcomes import AnyOutcome
from schemas.postings import PostingSet
from schemas.records import ZuoraRecord
from schemas.references import QadReference, ZuoraReference
from schemas.topics import Topic

read_callout: Decoder[Callout] = Decoder(Callout)
read_record: Decoder[ZuoraRecord] = Decoder(ZuoraRecord)
read_zuora_reference: Decoder[ZuoraReference] = Decoder(ZuoraReference)
read_qad_reference: Decoder[QadReference] = Decoder(QadReference)
read_decision: Decoder[AnyDecision] = Decoder(AnyDecision)
read_matched: Decoder[MatchedEvent] = Decoder(MatchedEvent)
read_postings: Decoder[PostingSet] = Decoder(PostingSet)
read_outcome: Decoder[AnyOutcome] = Decoder(AnyOutcome)
read_dead_letter: Decoder[DeadLetter] = Decoder(DeadLetter)
read_cursor: Decoder[Position] = Decoder(Position)

EVENTS: Mapping[Topic, Decoder[Any]] = {
    Topic.CALLOUTS: read_callout,
    Topic.RECORDS: read_record,
    Topic.ZUORA_REFERENCE: read_zuora_reference,
    Topic.QAD_REFERENCE: read_qad_reference,
    Topic.DECISIONS: read_decision,
    Topic.MATCHED: read_matched,
    Topic.POSTINGS: read_postings,
    Topic.OUTCOMES: read_outcome,
    Topic.DEAD_LETTERS: read_dead_letter,
    Topic.CURSORS: read_cursor,
}
