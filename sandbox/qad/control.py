"""What a judge, a rehearsal or a person at the ERP's own screens may see and do; the object behind `/control`.

Nothing here speaks a dialect: documents are shown and keyed by the books' own names. By hand everything is booked
under the user that is named, by the same rules as through the interface.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, structs

from sandbox.qad.books.audit import TrialLine, audit, trial_balance
from sandbox.qad.books.documents import Content, Document, DocumentKey, Kind, Origin
from sandbox.qad.books.errors import Code, Refused, refuse
from sandbox.qad.books.ledger import Balance, GlLine, Ledger
from sandbox.qad.books.master import (
    Catalogue,
    Currency,
    Customer,
    Daybook,
    ExchangeRate,
    GlAccount,
    Period,
    PeriodStatus,
)
from sandbox.qad.books.open_items import OpenItem
from sandbox.qad.books.reversals import Reversal
from sandbox.qad.calls import Call
from sandbox.qad.conversation import Conversation
from sandbox.qad.faults import Armed, Fault
from sandbox.qad.installation import Installation
from sandbox.qad.settings import Settings
from sandbox.qad.world import World


class Control:
    """Sees and moves an installation."""

    def __init__(self, installation: Installation, conversation: Conversation) -> None:
        self._installation = installation
        self._conversation = conversation
        self._settings_at_start = msgspec.json.encode(installation.settings)

    # What there is.

    def state(self) -> dict[str, Any]:
        """Return the installation at a glance."""
        installation, traffic = self._installation, self._conversation.traffic
        return {
            "dialect": installation.dialect.name,
            "now": installation.clock.now(),
            "is_down": self._conversation.is_down,
            "workspaces": list(installation.views),
            "counts": self.counts(),
            "requests": installation.log.count,
            "serving": traffic.serving,
            "serving_max": traffic.serving_max,
            "pending_commits": self._conversation.pending_commits(),
            "sessions": installation.sessions.count,
            "violations": installation.violations,
            "settings": installation.settings,
        }

    def counts(self) -> dict[str, dict[str, int]]:
        """Return, per entity, how many documents of each kind, open items and GL lines there are."""
        return {
            code: {
                **{str(kind): len(ledger.by_kind[kind]) for kind in Kind},
                "open_items": sum(1 for item in ledger.items.values() if item.open_amount),
                "gl_lines": len(ledger.lines),
            }
            for code, ledger in self._installation.books.ledgers.items()
        }

    def duplicates(self) -> list[dict[str, Any]]:
        """Return every machine reference that stands on more than one document of a kind, and the documents."""
        duplicates = []
        for code, ledger in self._installation.books.ledgers.items():
            for kind, alike in ledger.by_custom_short_0.repeated():
                # The index does not tell capitals from small letters; references that differ in them are two.
                for text, count in Counter(one.content.custom_short_0 for one in alike).items():
                    keys = [str(one.key) for one in alike if one.content.custom_short_0 == text]
                    if count > 1:
                        duplicates.append(
                            {"entity_code": code, "kind": kind, "custom_short_0": text, "documents": keys}
                        )
        return duplicates

    def documents(
        self, entity_code: str, *, kind: Kind | None = None, offset: int = 0, limit: int = 1000
    ) -> list[dict[str, Any]]:
        """Return documents with their entries and open items, in the order of their commits."""
        ledger = self._ledger(entity_code)
        found = ledger.by_kind[kind] if kind else list(ledger.documents.values())
        return [_shown(ledger, document) for document in found[offset : offset + limit]]

    def find(self, custom_short_0: str) -> list[dict[str, Any]]:
        """Return the documents of all entities and kinds with a machine reference."""
        return [
            _shown(ledger, document)
            for ledger in self._installation.books.ledgers.values()
            for kind in Kind
            for document in ledger.by_custom_short_0.find(kind, custom_short_0)
        ]

    def items(self, entity_code: str, *, offset: int = 0, limit: int = 1000) -> list[dict[str, Any]]:
        """Return open items, also those that are closed."""
        found = list(self._ledger(entity_code).items.values())[offset : offset + limit]
        return [_shown_item(item) for item in found]

    def balances(self, entity_code: str) -> list[Balance]:
        """Return the period balances of an entity."""
        return list(self._ledger(entity_code).balances.values())

    def trial_balance(self, entity_code: str) -> list[TrialLine]:
        """Return what each account holds per currency, and in base; both come to zero."""
        return trial_balance(self._ledger(entity_code))

    def audit(self) -> dict[str, list[str]]:
        """Recompute all books; return the contradictions per entity, none where they are right."""
        books = self._installation.books
        return {code: audit(ledger, books.master.catalogue_of(ledger.entity)) for code, ledger in books.ledgers.items()}

    def requests(self, *, after: int = 0, limit: int = 1000) -> list[Call]:
        """Return the requests that came after a number, oldest first."""
        return self._installation.log.after(after, limit=limit)

    # Master data.

    def set_period(
        self,
        entity_code: str,
        year: int,
        period: int,
        *,
        status: PeriodStatus | None = None,
        is_open_for_sales: bool | None = None,
    ) -> Period:
        """Open or lock a period, or its sales flag."""
        entity = self._ledger(entity_code).entity
        found = next((one for one in entity.periods if (one.year, one.period) == (year, period)), None)
        if found is None:
            raise refuse(Code.NOT_FOUND, "period", period, f"Entity {entity_code} has no period {year}/{period}.")
        return _changed(found, status=status, is_open_for_sales=is_open_for_sales)

    def set_customer(
        self,
        shared_set_code: str,
        customer_code: str,
        *,
        is_active: bool | None = None,
        is_locked_credit_limit: bool | None = None,
        custom_short_0: str | None = None,
    ) -> Customer:
        """Activate, deactivate or hold a customer, or change the field that links it."""
        found = _known(self._catalogue(shared_set_code).customers, customer_code)
        return _changed(
            found, is_active=is_active, is_locked_credit_limit=is_locked_credit_limit, custom_short_0=custom_short_0
        )

    def set_account(self, shared_set_code: str, gl_account_code: str, *, is_active: bool) -> GlAccount:
        """Activate or deactivate a GL account."""
        return _changed(_known(self._catalogue(shared_set_code).gl_accounts, gl_account_code), is_active=is_active)

    def set_daybook(self, shared_set_code: str, daybook_code: str, *, is_active: bool) -> Daybook:
        """Activate or deactivate a daybook."""
        return _changed(_known(self._catalogue(shared_set_code).daybooks, daybook_code), is_active=is_active)

    def add_rate(self, shared_set_code: str, rate: ExchangeRate) -> ExchangeRate:
        """Add an accounting rate."""
        self._catalogue(shared_set_code).add_rate(rate)
        return rate

    def set_currency(self, currency: Currency) -> Currency:
        """Set a currency up, or change it."""
        self._installation.books.master.currencies[currency.currency_code] = currency
        return currency

    # Work by hand.

    def post_by_hand(self, entity_code: str, content: Content, *, user: str) -> dict[str, Any]:
        """Book a document as a user at the screens.

        Raises:
            Refused: where the ERP would not take it.
        """
        ledger = self._ledger(entity_code)
        booked = self._installation.books.post(entity_code, [content], origin=self._origin(user))
        if booked.refusals:
            raise Refused(booked.refusals[0])
        return _shown(ledger, booked.documents[0])

    def reverse_by_hand(self, key: DocumentKey, asked: Reversal, *, user: str) -> dict[str, Any]:
        """Reverse a document as a user at the screens; returns the reversal.

        Raises:
            Refused: where the ERP would not.
        """
        document = self._installation.books.reverse(key, asked, origin=self._origin(user))
        return _shown(self._ledger(key.entity_code), document)

    def pay_by_hand(self, key: DocumentKey, *, user: str) -> dict[str, Any]:
        """Set a payment from Initial to Paid.

        Raises:
            Refused: where the ERP would not.
        """
        document = self._installation.books.pay(key, origin=self._origin(user))
        return _shown(self._ledger(key.entity_code), document)

    def cancel_by_hand(self, key: DocumentKey, *, user: str) -> dict[str, Any]:
        """Set a payment from Initial to Cancelled.

        Raises:
            Refused: where the ERP would not.
        """
        document = self._installation.books.cancel(key, origin=self._origin(user))
        return _shown(self._ledger(key.entity_code), document)

    def amend_by_hand(self, key: DocumentKey, changes: dict[str, str | date], *, user: str) -> dict[str, Any]:
        """Change texts, due date or terms of a document.

        Raises:
            Refused: where there is no such document, or a text is too long.
        """
        document = self._installation.books.amend(key, changes, origin=self._origin(user))
        return _shown(self._ledger(key.entity_code), document)

    # The server.

    def arm(self, fault: Fault) -> Armed:
        """Arm a fault."""
        return self._installation.faults.arm(fault)

    def disarm(self, *, id: int | None = None, name: str | None = None) -> int:  # noqa: A002 - the caller's word
        """Disarm faults by id, by name, or all; returns how many were armed."""
        return self._installation.faults.disarm(id=id, name=name)

    def faults(self) -> list[Armed]:
        """Return every fault that was armed, with how often it fired."""
        return self._installation.faults.list()

    def fired(self, name: str) -> int:
        """Return how often faults of a name have fired."""
        return self._installation.faults.fired(name)

    def change_settings(self, changes: Mapping[str, Mapping[str, Any]]) -> Settings:
        """Change settings, section by section; they count from the next call on."""
        settings = self._installation.settings
        # All sections are checked, by the way of JSON as they came, before the first is changed.
        fresh = {
            name: msgspec.json.decode(
                msgspec.json.encode({**structs.asdict(getattr(settings, name)), **said}),
                type=type(getattr(settings, name)),
            )
            for name, said in changes.items()
            if name in settings.__struct_fields__
        }
        unknown = set(changes) - set(fresh)
        if unknown:
            raise msgspec.ValidationError(f"There are no settings {sorted(unknown)}.")
        for name, section in fresh.items():
            _copy(section, getattr(settings, name))
        self._installation.log.resize(settings.calls.requests_kept)
        return settings

    def set_clock(self, *, now: datetime | None = None, advance_s: float = 0, is_real: bool = False) -> datetime:
        """Stop the clock at a moment, move it on, or let it follow real time again; returns what it says now."""
        clock = self._installation.clock
        if is_real:
            clock.follow_real_time()
        if now is not None:
            clock.stop_at(now)
        if advance_s:
            clock.advance(timedelta(seconds=advance_s))
        return clock.now()

    def set_down(self, *, is_down: bool) -> None:
        """Cut every call to the ERP as it arrives, or stop doing so; the control goes on."""
        self._conversation.is_down = is_down

    def end_sessions(self) -> int:
        """End every session; returns how many."""
        return self._installation.sessions.end_all()

    async def reset(self, world: World | None = None) -> None:
        """Start afresh, with the world of the start or another one, as if nothing had happened."""
        await self._conversation.forget_pending()
        at_start = msgspec.json.decode(self._settings_at_start, type=Settings)
        for name in at_start.__struct_fields__:
            _copy(getattr(at_start, name), getattr(self._installation.settings, name))
        self._installation.clock.follow_real_time()
        self._conversation.is_down = False
        self._installation.load(world)

    def _origin(self, user: str) -> Origin:
        return Origin(user, self._installation.clock.now())

    def _ledger(self, entity_code: str) -> Ledger:
        return _known(self._installation.books.ledgers, entity_code)

    def _catalogue(self, shared_set_code: str) -> Catalogue:
        return _known(self._installation.books.master.catalogues, shared_set_code)


_Found = TypeVar("_Found")


def _known(mapping: Mapping[str, _Found], code: str) -> _Found:
    if code not in mapping:
        raise refuse(Code.NOT_FOUND, "code", code, f"There is no {code}.")
    return mapping[code]


_Changed = TypeVar("_Changed", bound=Struct)


def _changed(record: _Changed, **changes: Any) -> _Changed:
    """Change a record in place where something was said."""
    for name, value in changes.items():
        if value is not None:
            setattr(record, name, value)
    return record


def _copy(source: Struct, target: Struct) -> None:
    for name in source.__struct_fields__:
        setattr(target, name, getattr(source, name))


def _shown(ledger: Ledger, document: Document) -> dict[str, Any]:
    """Show a document with its entry and its open item."""
    item = ledger.items.get(document.key)
    return {
        "kind": document.kind,
        "key": document.key._asdict(),
        "content": structs.asdict(document.content),
        "posting_period": document.posting_period,
        "is_posted": document.is_posted,
        "created_by": document.created_by,
        "created_at": document.created_at,
        "modified_by": document.modified_by,
        "modified_at": document.modified_at,
        "reversal_of": document.reversal_of and str(document.reversal_of),
        "reversed_by": document.reversed_by and str(document.reversed_by),
        "entry": [_shown_line(line) for line in ledger.lines_of(document)],
        "open_item": item and _shown_item(item),
    }


def _shown_line(line: GlLine) -> dict[str, Any]:
    shown = {name: getattr(line, name) for name in line.__struct_fields__ if name not in ("document", "item")}
    shown["item"] = line.item and str(line.item.key)
    return shown


def _shown_item(item: OpenItem) -> dict[str, Any]:
    shown = {name: getattr(item, name) for name in item.__struct_fields__ if name not in ("document", "key")}
    shown["key"] = item.key._asdict()
    shown["is_debit"] = item.is_debit
    return shown
