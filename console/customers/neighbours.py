"""Which connections have the same customers: then an account of one may share a customer with an account of another.

A worker knows the accounts of its own connection, so nothing of such a customer is aligned.
"""

from console.wiring import Wiring
from schemas.errors import Misconfigured


def same_customers(wiring: Wiring, connection: str) -> list[str]:
    """Return the other connections whose customers are those of this one: the same QAD, and the same shared set.

    One whose profile cannot be read, as while it is being set up, may be such a one.
    """
    mine = wiring.profile(connection)
    found = []
    for name in wiring.site.config.connections:
        try:
            if name == connection or wiring.files(name) is not None:
                continue
            other = wiring.profile(name)
        except Misconfigured:
            found.append(name)
            continue
        if other.base_url.rstrip("/") != mine.base_url.rstrip("/"):
            continue
        # Where either does not say which shared set it is, it may be the same.
        said = [one.customers.customer.keys for one in (mine, other) if one.customers is not None]
        if len(said) < len((mine, other)) or said[0] == said[1]:
            found.append(name)
    return found
