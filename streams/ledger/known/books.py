"""What the ledger stage knows of both systems: mapping versions, accounting codes, and what QAD allows.

Learnt from side topics. Every `check_*` and `find_*` either answers or raises `CannotGoOn` with the sentence for a
person.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from schemas.decisions import AnyDecision, DocumentCorrected, DocumentReclassified, MappingPublished
from schemas.errors import CannotGoOn
from schemas.mapping import Analysis, Mapping
from schemas.money import MoneyError, scale_of
from schemas.references import (
    AccountingCode,
    AccountingPeriod,
    Daybook,
    GlAccount,
    Period,
    QadCurrency,
    QadReference,
    ZuoraReference,
)
from streams.ledger.known.corrections import Corrections, Reclasses
from streams.ledger.stopping import lacking, reasons

Shown = TypeVar("Shown")


@dataclass(slots=True)
class Books:
    """References and mappings as last shown and published."""

    versions: list[MappingPublished] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)
    zuora_periods: dict[str, AccountingPeriod] = field(default_factory=dict)
    accounts: dict[str, GlAccount] = field(default_factory=dict)
    daybooks: dict[str, Daybook] = field(default_factory=dict)
    periods: dict[str, Period] = field(default_factory=dict)
    currencies: dict[str, QadCurrency] = field(default_factory=dict)
    corrections: Corrections = field(default_factory=Corrections)
    reclasses: Reclasses = field(default_factory=Reclasses)

    def decided(self, decision: AnyDecision) -> bool:
        """Take up a decision; return whether it is one by which two people have decided something of a posting."""
        match decision:
            case MappingPublished():
                self.versions.append(decision)
            case DocumentCorrected():
                return self.corrections.take(decision)
            case DocumentReclassified():
                return self.reclasses.take(decision)
            case _:
                pass
        return False

    def shown_by_zuora(self, reference: ZuoraReference) -> None:
        """Take up a reference of Zuora."""
        match reference:
            case AccountingCode():
                self.codes[reference.id] = reference.name
            case AccountingPeriod():
                _keep(self.zuora_periods, reference.id, reference, gone=reference.gone)
            case _:
                pass

    def shown_by_qad(self, reference: QadReference) -> None:
        """Take up a reference of QAD."""
        match reference:
            case GlAccount():
                _keep(self.accounts, reference.code, reference, gone=reference.gone)
            case Daybook():
                _keep(self.daybooks, reference.code, reference, gone=reference.gone)
            case Period():
                _keep(self.periods, reference.code, reference, gone=reference.gone)
            case QadCurrency():
                _keep(self.currencies, reference.code, reference, gone=reference.gone)
            case _:
                pass

    def closed_in_zuora(self, day: date) -> str:
        """Return the name of Zuora's period of a day if Zuora has closed it, "" where it has not, or shows none."""
        periods = (period for period in self.zuora_periods.values() if period.first_day <= day <= period.last_day)
        return next((period.name for period in periods if period.status == "Closed"), "")

    def version_for(self, number: str, day: date) -> MappingPublished:
        """Return the newest published mapping whose first document date is not after the day.

        A day before the cut-over counts as the day of the cut-over: what is dated so goes by that day's rules.

        Raises:
            CannotGoOn: There is none.
        """
        cut_over = self.cut_over()
        asked = day if cut_over is None else max(day, cut_over)
        for decision in reversed(self.versions):
            if decision.mapping.first_document_date <= asked:
                return decision
        raise CannotGoOn(lacking.no_mapping(number, day))

    def cut_over(self) -> date | None:
        """Return the agreed cut-over date, or None before the first mapping is published."""
        return self.versions[-1].mapping.cut_over if self.versions else None

    def code_name(self, number: str, code_id: str | None) -> str:
        """Return the name of an accounting code that Object Query gives by id, "" for none.

        Raises:
            CannotGoOn: The code has not been read yet.
        """
        if not code_id:
            return ""
        if code_id not in self.codes:
            raise CannotGoOn(lacking.unknown_code_id(number, code_id))
        return self.codes[code_id]

    def check_currency(self, number: str, currency: str) -> None:
        """Hold that ISO and QAD agree on the decimals of a currency.

        Raises:
            CannotGoOn: QAD does not have it, not active, or with other decimals.
        """
        try:
            scale = scale_of(currency)
        except MoneyError as error:
            raise CannotGoOn(reasons.bad_amount(number, str(error))) from None
        if not self.currencies:
            raise CannotGoOn(lacking.reference_not_read(number, "currency"))
        known = self.currencies.get(currency)
        if known is None or not known.active:
            raise CannotGoOn(lacking.currency_refused(number, currency, "is not set up in QAD"))
        if known.decimals != scale:
            why = f"has {known.decimals} decimals in QAD and {scale} in ISO 4217"
            raise CannotGoOn(lacking.currency_refused(number, currency, why))

    def check_account(self, number: str, place: Analysis) -> None:
        """Hold that QAD takes a posting to this account with this analysis.

        Raises:
            CannotGoOn: It does not exist, is not active, or asks for more analysis than the mapping gives.
        """
        if not self.accounts:
            raise CannotGoOn(lacking.reference_not_read(number, "gl_account"))
        account = self.accounts.get(place.account)
        if account is None:
            raise CannotGoOn(lacking.account_unfit(number, place.account, "does not exist in QAD"))
        if not account.active:
            raise CannotGoOn(lacking.account_unfit(number, place.account, "is not active in QAD"))
        for asked, given, what in (
            (account.sub_account_required, place.sub_account, "sub-account"),
            (account.cost_centre_required, place.cost_centre, "cost centre"),
            (account.project_required, place.project, "project"),
        ):
            if asked and not given:
                raise CannotGoOn(lacking.account_unfit(number, place.account, f"asks for a {what}"))

    def check_journal_account(self, number: str, place: Analysis) -> None:
        """Hold that a journal may post to this account with this analysis.

        Raises:
            CannotGoOn: As of any account; or it is a control account, which only documents move.
        """
        self.check_account(number, place)
        if self.accounts[place.account].is_control:
            raise CannotGoOn(lacking.account_unfit(number, place.account, "is a control account: no journal moves it"))

    def check_daybook(self, number: str, code: str) -> None:
        """Hold that a daybook exists and is active.

        Raises:
            CannotGoOn: It is not.
        """
        if not self.daybooks:
            raise CannotGoOn(lacking.reference_not_read(number, "daybook"))
        daybook = self.daybooks.get(code)
        if daybook is None or not daybook.active:
            raise CannotGoOn(
                lacking.daybook_unfit(number, code, "is not active in QAD" if daybook else "does not exist")
            )

    def named_daybook(self, number: str, mapping: Mapping, name: str) -> str:
        """Return a daybook that a mapping may leave out, or have another stand for.

        Raises:
            CannotGoOn: It leaves it out; or QAD does not have it active.
        """
        code: str = getattr(mapping.daybooks, name)
        if not code and name == "bounce":
            code = mapping.daybooks.receipt
        if not code:
            raise CannotGoOn(lacking.no_daybook(number, name))
        self.check_daybook(number, code)
        return code

    def period_of(self, number: str, day: date) -> Period:
        """Return QAD's period of a day.

        Raises:
            CannotGoOn: QAD has none, or more than one.
        """
        if not self.periods:
            raise CannotGoOn(lacking.reference_not_read(number, "period"))
        found = [period for period in self.periods.values() if period.first_day <= day <= period.last_day]
        if not found:
            raise CannotGoOn(lacking.period_not_defined(number, day))
        if len(found) > 1:
            raise CannotGoOn(lacking.periods_overlap(number, day, [period.code for period in found]))
        return found[0]

    def posting_date(self, number: str, day: date, mapping: Mapping, *, kind: str) -> tuple[date, date | None]:
        """Return the posting date of a document dated `day`, and that day where the posting date is another.

        A closed period holds the document, or moves it to the first open day after, as the site says of its kind; never
        silently.

        Args:
            number: Its number, for the reason.
            day: Its date.
            mapping: For the policy.
            kind: Zuora's, or `application`.

        Raises:
            CannotGoOn: The period is not open, and the site holds, or no later period is open.
        """
        period = self.period_of(number, day)
        if period.open:
            return day, None
        if mapping.policy.in_closed(kind) == "first_open":
            later = sorted(other.first_day for other in self.periods.values() if other.open and other.first_day > day)
            if later:
                return later[0], day
        raise CannotGoOn(lacking.period_closed(number, day, period))


def _keep(table: dict[str, Shown], code: str, value: Shown, *, gone: bool) -> None:
    if gone:
        table.pop(code, None)
    else:
        table[code] = value
