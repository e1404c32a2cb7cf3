"""What the clients of one process share: tokens by credential, budgets by tenant, the pace of token calls by address.

Made once per process and handed to each client: nothing is global.
"""

from yarl import URL

from adapters.credentials.secret import Secret
from adapters.reach import Reach
from adapters.zuora.asking.allowances import Allowance
from adapters.zuora.asking.budget import Budget
from adapters.zuora.asking.pacing import TokenPace
from adapters.zuora.asking.token import Token


class Commons:
    """The shared things of one process."""

    def __init__(self) -> None:
        """Hold nothing yet; each thing is made when it is first asked for."""
        self.budgets: dict[str, Budget] = {}
        self.used_by: dict[str, Token] = {}
        self._tokens: dict[tuple[str, str, str], Token] = {}
        self._paces: dict[str, TokenPace] = {}

    def tokens_of(self, tenant: str) -> int:
        """Return how many tokens were asked for on behalf of a tenant."""
        token = self.used_by.get(tenant)
        return token.fetched if token is not None else 0

    def token(self, base_url: str, *, client_id: Secret, client_secret: Secret, reach: Reach) -> Token:
        """Return the token of a credential at an address."""
        name = base_url, client_id.reveal(), client_secret.reveal()
        if name not in self._tokens:
            pace = self._paces.setdefault(URL(base_url).host or "", TokenPace())
            self._tokens[name] = Token(
                base_url, client_id=client_id, client_secret=client_secret, pace=pace, reach=reach
            )
        return self._tokens[name]

    def budget(self, tenant: str, allowance: Allowance) -> Budget:
        """Return the budget of a tenant."""
        if tenant not in self.budgets:
            self.budgets[tenant] = Budget(allowance)
        return self.budgets[tenant]
