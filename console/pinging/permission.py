"""Whether our user may make a record of QAD: asked of QAD itself, where the tenant says how."""

from adapters.qad.asking.answers import read_object
from adapters.qad.asking.client import QadClient
from adapters.qad.places import pick
from adapters.qad.profiles.calls import Permission
from console.pinging.write_back import Trial
from schemas.errors import ConnectorError


async def try_permission(client: QadClient, asked: Permission, name: str, view_uri: str) -> Trial:
    """Return whether the user may make what a view stands for.

    Args:
        client: Asks.
        asked: How it is asked.
        name: What the profile calls it.
        view_uri: The view.
    """
    what = f"permission for {name}"
    try:
        reply = await client.get(asked.path, [(asked.resource, view_uri), (asked.action, asked.create)])
    except ConnectorError as error:
        return Trial(what=what, ok=False, found="does not work", next_step=str(error))
    told = pick(read_object(reply.body) or {}, asked.given)
    return Trial(
        what=what,
        ok=told not in asked.no,
        found="not told by this tenant" if told is None else ("not given" if told in asked.no else "given"),
        next_step="Give the user a role that may create this kind of record.",
    )
