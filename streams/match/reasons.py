"""Why the match stage holds a document, in sentences; and which of them waits, parks or is ignored."""

from schemas.matching import AccountSeen
from schemas.outcomes import Ignored, Parked, Waiting
from schemas.reasons import Reason
from streams import waits
from streams.documents import Facts
from streams.match.claims import Claim, owner_elsewhere

OTHER_CONNECTION = "other_connection"
TAKEN_OVER = "taken_from_other_connection"
# Rules that are not for a person: the first two go on by themselves, the last is another connection's document.
HOW: dict[str, type[Waiting] | type[Parked] | type[Ignored]] = {
    "account_not_read": Waiting,
    "no_mapping": Waiting,
    OTHER_CONNECTION: Ignored,
}
# A payment that comes from another connection stands still for one of these, and each says from which: no other
# version of it may forget that.
_TELL_THE_GIVER = frozenset({TAKEN_OVER, "account_not_read", "no_account", "unreadable_record"})


def giver_told_by(reason: Reason) -> str:
    """Return the connection that gave a payment away, where the reason for which it stands still says so."""
    return reason.value if reason.rule in _TELL_THE_GIVER else ""


def unreadable(what: str) -> Reason:
    """Say that a record is not what Zuora documents."""
    return Reason(
        rule="unreadable_record",
        message=what,
        next_step="Look at the record (ml-connector trace) and at Zuora; report it if Zuora shows it so.",
    )


def not_posted(facts: Facts) -> Reason:
    """Say that a document was never posted."""
    return Reason(
        rule="not_posted", message=f"{facts.number} is {facts.status} in Zuora and was never posted", value=facts.status
    )


def deleted(number: str, kind: str) -> Reason:
    """Say that an object is gone from Zuora, and nothing of it went on."""
    return Reason(rule="deleted", message=f"{number or kind} was deleted in Zuora, and nothing of it went to QAD")


def no_account(facts: Facts) -> Reason:
    """Say that a document stands under no billing account."""
    return Reason(
        rule="no_account",
        message=f"{facts.number} has no billing account",
        next_step="Assign it to an account in Zuora; it is read again then. A payment can go to unassigned cash until "
        "then: [policy] unassigned_cash in the mapping, for a tenant with one connection.",
        field="accountId",
        waits_for=(waits.MAPPING,),
    )


def account_not_read(facts: Facts) -> Reason:
    """Say that the account's record has not come yet."""
    return Reason(
        rule="account_not_read",
        message=f"{facts.number}: its billing account has not been read yet",
        next_step="Nothing: the poll brings it. If it stays, look at ml-connector lag and ml-connector ping.",
        waits_for=(waits.account(facts.account_id),),
    )


def no_mapping(facts: Facts) -> Reason:
    """Say that no mapping is published, so that no rule is known."""
    return Reason(
        rule="no_mapping",
        message=f"{facts.number}: no mapping is published for this connection",
        next_step="Publish one: ml-connector mapping publish FILE.",
        waits_for=(waits.MAPPING,),
    )


def given_away(facts: Facts, stop: Reason) -> Reason:
    """Say that a payment that went on from here is for another connection now: its money stands here."""
    return Reason(
        rule="given_to_other_connection",
        message=f"{facts.number} went from here to an account of connection {stop.value}; its receipt stays in QAD",
        next_step="Move the money in QAD by hand, out of this entity, naming the Zuora number: the other connection "
        "does not receive it from the bank again, it parks there.",
        value=stop.value,
        waits_for=stop.waits_for,
    )


def taken_over(facts: Facts, *, giver: str) -> Reason:
    """Say that a payment was another connection's before: the bank of that one has its money."""
    return Reason(
        rule=TAKEN_OVER,
        message=f"{facts.number} came from an account of connection {giver}, whose bank its money went to",
        next_step="Look for its receipt in QAD under that connection. Where it stands, move the money into this entity "
        "by hand, naming the Zuora number; where it does not, book the receipt here by hand.",
        value=giver,
        waits_for=(waits.account(facts.account_id),),
    )


def not_ours(account: AccountSeen, facts: Facts, *, claims: tuple[Claim, ...], connection: str) -> Reason:
    """Say whose account it is: another's, nobody's, or two connections'."""
    owners = account.claimed_by
    whose = owner_elsewhere(owners, claims=claims, connection=connection)
    if whose:
        return Reason(
            rule=OTHER_CONNECTION,
            message=f"{facts.number}: billing account {account.number} is for connection {whose}",
            value=whose,
            waits_for=(waits.account(account.id),),
        )
    told = f"is claimed by {' and '.join(owners)}" if owners else "is claimed by no connection"
    return Reason(
        rule="account_claims",
        message=f"{facts.number}: billing account {account.number} {told}",
        next_step="State in the configuration which one connection the account belongs to, and start again.",
        field="account",
        value=account.number,
        waits_for=(waits.account(account.id),),
    )
