"""Where a document is by the log: in QAD, explained, on its way, or nowhere, which is what the judge looks for.

"On its way" is no excuse: it holds only for what a stage has not worked off yet, or for what moved while the systems
were read. What is behind a stage's committed offset and came to nothing is lost.
"""

from datetime import timedelta
from typing import NamedTuple

from console.verification.facts import RESTING, DocumentFacts, Log, PostingFacts, later
from console.zuora_side import ZuoraDocument
from schemas.ids import document_parts
from schemas.topics import Topic


class Place(NamedTuple):
    """Where a document is.

    Attributes:
        how: there, explained, on_its_way, or lost; `named` where its posting is lost, which is named by itself.
        why: In a sentence.
        at: Topic and offset that say so, where one does.
    """

    how: str
    why: str = ""
    at: tuple[str, ...] = ()


THERE = Place("there")


def place_of(name: str, document: ZuoraDocument | None, log: Log) -> Place:
    """Return where a document is that should be in QAD."""
    facts = log.documents.get(name)
    if facts is not None and facts.moving:
        return Place("on_its_way", "it moved while both systems were read")
    if document is not None and is_unread(name, document, log):
        return Place("on_its_way", "it changed after the last poll")
    if facts is not None and facts.dead is not None:
        return Place("explained", "a dead letter", (log.evidence(*facts.dead),))
    if facts is None or facts.read_at < 0:
        return Place("lost", "Zuora has it, polls have passed it, and it was never read")
    if document is not None and later(document.stamp, facts.stamp):
        at = (log.evidence(Topic.RECORDS, facts.read_at),)
        return Place("lost", f"its version of {document.stamp} was never read, only that of {facts.stamp}", at)
    return _by_log(facts, log)


def _by_log(facts: DocumentFacts, log: Log) -> Place:
    for held in facts.held:
        return Place("explained", held.rule, (log.evidence(Topic.OUTCOMES, held.at),))
    effects = [log.postings[name] for name in facts.postings if log.postings[name].is_effect]
    if effects:
        return _of_posting(max(effects, key=lambda posting: (posting.n, posting.act != "post")), log)
    at = (log.evidence(Topic.RECORDS, facts.read_at),)
    if facts.matched_at >= log.committed.get("ledger", 0) or facts.read_at >= log.committed.get("match", 0):
        return Place("on_its_way", "a stage has not come to it yet", at)
    if facts.matched_at >= 0:
        at = (log.evidence(Topic.MATCHED, facts.matched_at),)
        return Place("lost", "ledger has passed it, and it became neither a posting nor an outcome", at)
    return Place("lost", "match has passed it, and it was neither matched nor said to stand still", at)


def _of_posting(posting: PostingFacts, log: Log) -> Place:
    if posting.status == "posted":
        return THERE
    at = (log.evidence(Topic.POSTINGS, posting.origin),)
    if not posting.status:
        if posting.origin >= log.committed.get("sink", 0):
            return Place("on_its_way", f"the sink has not come to {posting.step} yet", at)
        return Place("named", f"the sink has passed {posting.step} and said nothing of it", at)
    said = (log.evidence(Topic.OUTCOMES, posting.said_at),)
    if posting.status == "superseded":
        return Place("lost", f"its {posting.step} will not be made ({posting.rule}), and nothing came after it", said)
    if posting.status in RESTING:
        return Place("explained", posting.rule, said)
    return Place("on_its_way", f"{posting.step} is {posting.status}", said)


def is_unread(name: str, document: ZuoraDocument, log: Log) -> bool:
    """Return whether a document may have changed after the moment up to which its kind was polled."""
    read_to = log.read_to.get(document_parts(name)[0], "")
    if not read_to or not document.stamp:
        return not read_to
    # Stamps are of whole seconds: what carries one may have changed until that second ended.
    return not later(read_to, document.stamp, by=timedelta(seconds=1))
