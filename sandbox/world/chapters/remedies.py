"""What mends a case, as data: an act in Zuora or QAD, commands of the product, or both."""

from datetime import date

from sandbox.world.cases import Command, Fix
from sandbox.world.files import mapping_name
from sandbox.world.population import Account
from sandbox.world.scene import Row, Scene
from sandbox.zuora.acts import NewItem


def link_account(scene: Scene, account: Account) -> Fix:
    """Have a person link an account to its customer, by the product's command."""
    return Fix(
        about=f"Somebody who knows both decides that {account.number} is customer {account.customer}.",
        commands=(("match", "link", account.number, account.customer, *_decided(scene, "known to the sales desk")),),
    )


def fill_customer_field(account: Account) -> Fix:
    """Have the account itself say its customer, in Zuora."""
    return Fix(
        about=f"Fill the account's field in Zuora: {account.number} is customer {account.customer}.",
        act="set_customer_field",
        arguments={"account": account.number, "customer": account.customer},
    )


def correct_in_zuora(invoice: Row, items: list[NewItem], about: str) -> Fix:
    """Have an invoice unposted, its items replaced, and posted again."""
    return Fix(about=about, act="correct_invoice", arguments={"invoice": invoice["invoiceNumber"], "items": items})


def open_period(scene: Scene, day: date, about: str) -> Fix:
    """Have the GL period of a day opened."""
    period = scene.site.fiscal_period_of(day)
    return Fix(about=about, act="open_period", arguments={"year": period.year, "period": period.period})


def publish_third_version(scene: Scene, about: str, *, after: tuple[str, ...] = ()) -> Fix:
    """Have the third version of the mapping published; several cases wait for the one command."""
    command = ("mapping", "publish", mapping_name(scene.site, 3), *_decided(scene, "rows that were missing"))
    return Fix(about=about, commands=(command,), after=after)


def release(scene: Scene, number: str, why: str) -> Command:
    """Return the command that has a parked document decided again."""
    return ("parked", "release", number, *_decided(scene, why))


def _decided(scene: Scene, why: str) -> Command:
    return ("--connection", scene.site.name, "--why", why, "--yes")
