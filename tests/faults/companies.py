"""One company of the faults' house: its Zuora tenant, and what is billed there; its ERP is said by who is derived."""

from sandbox.world import Scene, SiteWorld
from sandbox.world.population import Account
from sandbox.zuora import Sandbox


class Company:
    """One company.

    Attributes:
        name: Of its tenant and its connection.
        world: Its people and keys.
        zuora: Its Zuora stand-in.
        zuora_url: Where that answers.
        scene: Where its business is acted on.
    """

    def __init__(self, name: str, world: SiteWorld, *, zuora: Sandbox, zuora_url: str) -> None:
        self.name = name
        self.world = world
        self.zuora = zuora
        self.zuora_url = zuora_url
        self.scene: Scene

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Who is billed: all have their customer in the ERP."""
        return self.world.population.billed

    def secrets(self) -> dict[str, dict[str, str]]:
        """Return what goes into the credential store."""
        return {f"{owner.split('/')[0]}/{self.name}": fields for owner, fields in self.world.secrets().items()}
