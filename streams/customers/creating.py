"""A customer that people approved: under which codes its records stand, in which order, and what is said of each.

Never anything but what they were shown: the approval carries a hash of all that is written. Source: ACCOUNTING 5, 9.
"""

from collections.abc import Mapping

import msgspec

from schemas.decisions import CustomerApproved
from schemas.ids import document_key
from schemas.outcomes import Parked, Written
from schemas.reasons import Reason
from schemas.records import RecordKind
from streams.customers.settling import Step
from streams.customers.spec import STAGE
from streams.customers.wanted import CUSTOMER, OPERATIONS, RELATION, Value, Wanted


class Creation(msgspec.Struct, frozen=True, kw_only=True):
    """One customer to make.

    Attributes:
        decision: What was approved.
        origin: Offset of the approval in `decisions`.
        input_pass: live, or which release.
    """

    decision: CustomerApproved
    origin: int
    input_pass: str

    @property
    def account(self) -> str:
        """The billing account as the log names it."""
        return document_key(RecordKind.ACCOUNT, self.decision.account_id)

    @property
    def codes(self) -> dict[str, str]:
        """The code of each record; the domain record stands under that of the customer."""
        return codes_of(self.decision.customer, self.decision.relation)

    def written(self, part: str, step: Step) -> Written:
        """Return the outcome that says that a record stands in QAD."""
        return Written(
            connection=self.decision.connection,
            stage=STAGE,
            subject=self.account,
            document=self.account,
            number=self.decision.account_number,
            origin=self.origin,
            input_pass=self.input_pass,
            part=part,
            code=self.codes[part],
            how="made" if step.how == "make" else "changed" if step.how == "change" else "found",
            values=step.values,
            left=step.left,
        )

    def parked(self, rule: str, what: str, next_step: str, *, said: tuple[str, ...] = ()) -> Parked:
        """Return the outcome that says that it does not go on, and what to do."""
        number = self.decision.account_number
        return Parked(
            connection=self.decision.connection,
            stage=STAGE,
            subject=self.account,
            document=self.account,
            number=number,
            origin=self.origin,
            input_pass=self.input_pass,
            reason=Reason(
                rule=rule,
                message=f"{number}: customer {self.decision.customer} is not made: {what}",
                next_step=next_step,
                field="customer",
                value=self.decision.customer,
            ),
            said=said,
        )


def codes_of(customer: str, relation: str) -> dict[str, str]:
    """Return the code of each record."""
    return {RELATION: relation, CUSTOMER: customer, OPERATIONS: customer}


def values_of(wanted: Wanted, relation: str) -> Mapping[str, Mapping[str, Value]]:
    """Return the values of each record: a customer names its relation."""
    return {**wanted.values, CUSTOMER: {**wanted.values[CUSTOMER], "relation": relation}}
