"""What the story says of its special documents, as data: what happens to each, where it must end, and what mends it.

Tests and the demo hold the product against this. Names of rules are the product's own, as plain words.
"""

from decimal import Decimal
from typing import Any, Literal

import msgspec

from sandbox.world.sites import Fact

# posted:      it is in QAD, with its applications
# parked:      it stands still until a person does something
# waiting:     it goes on by itself when what it waits for comes
# ignored:     a named rule says that it is not for QAD
# reversed:    it was in QAD and was undone there
# foreign:     it is in QAD and not ours
# dead_letter: it is no document at all
Fate = Literal["posted", "parked", "waiting", "ignored", "reversed", "foreign", "dead_letter"]
Kind = Literal["invoice", "credit_memo", "debit_memo", "payment", "refund", "qad_document", "callout"]

# A command of the product: its words after `ml-connector`.
Command = tuple[str, ...]


class Fix(Fact, frozen=True, kw_only=True):
    """What mends a case.

    Attributes:
        act: Name of the act in `fixes.py` that is done in Zuora or QAD, "" for none.
        arguments: Its arguments.
        about: What a person does, in a sentence.
        commands: The product's commands that come after the act, in order.
        after: Cases that must be mended first.
    """

    about: str
    act: str = ""
    arguments: dict[str, Any] = msgspec.field(default_factory=dict)
    commands: tuple[Command, ...] = ()
    after: tuple[str, ...] = ()


class Case(Fact, frozen=True, kw_only=True):
    """Something special that happens to a document, or to several of one kind.

    Attributes:
        name: Its name; unique within a site.
        site: Where.
        chapter: The chapter after which it is so.
        about: What happened, in a sentence.
        kind: Kind of its documents.
        documents: Their numbers in Zuora, or QAD's key of a foreign one.
        fate: Where they must be then.
        rule: The product's rule that holds or ignores them.
        or_rule: Another rule by which they may be held, where it depends on what the product has read by then.
        fate_seen_late: Fate where the product first reads them after everything has happened; "" for the same.
        rule_seen_late: The rule in that case.
        partners: Numbers of the documents of other kinds that belong to the story.
        currency: Currency of a document that Zuora does not have.
        amount: Its total; or what its fix makes of a document's total, where that is another.
        fix: What mends it; without one it stays.
        follows: The case whose mending frees this one too.
    """

    name: str
    site: str
    chapter: str
    about: str
    kind: Kind
    documents: tuple[str, ...]
    fate: Fate
    rule: str = ""
    or_rule: str = ""
    fate_seen_late: Fate | Literal[""] = ""
    rule_seen_late: str = ""
    partners: tuple[str, ...] = ()
    currency: str = ""
    amount: Decimal | None = None
    fix: Fix | None = None
    follows: str = ""

    @property
    def is_mended(self) -> bool:
        """Whether its documents are in QAD once every fix is done."""
        return self.fate == "posted" or self.fix is not None or bool(self.follows)
