"""What `ping` tries where a profile says how customers are made and changed: that it is confirmed, and the rights.

It makes and changes nothing. Documents need none of it: what is wrong here holds no posting up.
"""

from collections.abc import AsyncIterator

from adapters.qad.asking.client import QadClient
from adapters.qad.profiles.masters import Masters
from adapters.qad.profiles.profile import Profile
from adapters.qad.rest.customers import RestCustomers
from console.pinging.permission import try_permission
from console.pinging.write_back import Trial
from schemas.errors import ConnectorError
from streams.customers.wanted import PARTS

UNCONFIRMED = "[customers] is not confirmed: no customer is made or changed; documents go on"
CONFIRM = (
    "In a test environment compare [customers] with the tenant, have one customer made (ml-connector match create) and "
    "one changed (ml-connector match align), look at both in QAD, then set [customers] confirmed = true."
)
# No business relation has this code: to ask who stands under it must answer, and find nobody.
_NOBODYS_RELATION = "zzzzzzzz"


async def try_customers(client: QadClient, profile: Profile) -> AsyncIterator[Trial]:
    """Yield what works of making and changing customers; nothing where the profile says nothing of it."""
    masters = profile.customers
    if masters is None:
        return
    yield Trial(
        what="customers in QAD",
        ok=masters.confirmed,
        found="confirmed" if masters.confirmed else UNCONFIRMED,
        next_step=CONFIRM,
    )
    yield await _sharers(client, profile)
    for name, view_uri in _views(masters):
        if profile.permission.path and view_uri:
            yield await try_permission(client, profile.permission, name, view_uri)


def _views(masters: Masters) -> list[tuple[str, str]]:
    return [(f"customers.{part}", masters.of(part).view_uri) for part in PARTS]


async def _sharers(client: QadClient, profile: Profile) -> Trial:
    """Ask who stands under a business relation: a name or an address that others share is not changed."""
    what = "customers of one business relation"
    if "relation" not in profile.browses["customers"].columns:
        found = "[browses.customers] names no column for relation: names and addresses are not aligned"
        return Trial(what=what, ok=True, found=found)
    try:
        await RestCustomers(client, profile).under(_NOBODYS_RELATION)
    except ConnectorError as error:
        return Trial(what=what, ok=False, found="does not work", next_step=str(error))
    return Trial(what=what, ok=True, found="can be told")
