"""What people do in Zuora and QAD to mend a case; the product's own commands come after it and are not done here."""

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.world import hand
from sandbox.world.cases import Fix
from sandbox.world.chart import currency, forgotten_yen_rate, swiss_rate
from sandbox.world.scene import Scene
from sandbox.zuora.acts import NewItem


async def apply_fix(scene: Scene, fix: Fix) -> None:
    """Do what a fix does in Zuora or QAD; its commands are the caller's to run afterwards."""
    if fix.act:
        await _ACTS[fix.act](scene, **fix.arguments)


async def activate_customer(scene: Scene, *, customer: str) -> None:
    """Activate a customer in QAD."""
    await scene.qad.act("customers", shared_set_code=scene.site.shared_set, customer_code=customer, is_active=True)


async def lift_credit_hold(scene: Scene, *, customer: str) -> None:
    """Let a customer have invoices again."""
    await scene.qad.act(
        "customers", shared_set_code=scene.site.shared_set, customer_code=customer, is_locked_credit_limit=False
    )


async def activate_account(scene: Scene, *, account: str) -> None:
    """Activate a GL account in QAD."""
    await scene.qad.act("accounts", shared_set_code=scene.site.shared_set, gl_account_code=account, is_active=True)


async def open_period(scene: Scene, *, year: int, period: int) -> None:
    """Open a GL period, and for sales too."""
    await scene.qad.act(
        "periods", entity_code=scene.site.entity, year=year, period=period, status="OPEN", is_open_for_sales=True
    )


async def set_customer_field(scene: Scene, *, account: str, customer: str) -> None:
    """Say in Zuora which customer an account is."""
    await scene.zuora.act("update_account", account=account, custom={scene.site.customer_field: customer})


async def correct_invoice(scene: Scene, *, invoice: str, items: list[NewItem]) -> None:
    """Unpost an invoice, replace its items and post it again, in a later second than it was posted before."""
    await scene.zuora.act("unpost_invoice", invoice=invoice)
    await scene.zuora.next_second()
    await scene.zuora.act("edit_invoice", invoice=invoice, items=items)
    await scene.zuora.act("post_invoice", invoice=invoice)


async def assign_payment(scene: Scene, *, payment: str, account: str) -> None:
    """Give money without an account to the account it came from."""
    await scene.zuora.act("transfer_payment", payment=payment, account=account)


async def enter_yen_rate(scene: Scene) -> None:
    """Enter the rate that was forgotten."""
    await scene.qad.act("rates", shared_set_code=scene.site.shared_set, rate=forgotten_yen_rate())


async def set_up_swiss_francs(scene: Scene) -> None:
    """Set a currency up, its rate first: what waits for the currency goes on as soon as that is there."""
    await scene.qad.act("rates", shared_set_code=scene.site.shared_set, rate=swiss_rate())
    await scene.qad.act("currencies", currency=currency("CHF"))


async def load_opening_item(
    scene: Scene, *, number: str, customer: str, currency: str, amount: Decimal, invoice_date: date
) -> None:
    """Load an opening item late, on the first day that is open."""
    await hand.load_opening_invoice(
        scene,
        number=number,
        customer=customer,
        currency=currency,
        amount=amount,
        invoice_date=invoice_date,
        posting_date=scene.site.october.run_date,
    )


_ACTS: dict[str, Callable[..., Awaitable[Any]]] = {
    act.__name__: act
    for act in (
        activate_customer,
        lift_credit_hold,
        activate_account,
        open_period,
        set_customer_field,
        correct_invoice,
        assign_payment,
        enter_yen_rate,
        set_up_swiss_francs,
        load_opening_item,
    )
}
