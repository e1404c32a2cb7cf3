"""What tests do at a tenant without Invoice Settlement, and with what they read it."""

from decimal import Decimal

from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.settlement import Settlement
from sandbox.zuora.acts import (
    Application,
    NewAdjustment,
    NewPayment,
    adjust_invoice,
    adjust_invoice_item,
    create_applied_payment,
)


async def settlement(zuora, said="probe"):
    return Settlement(await zuora.client(), "acme", said)


async def objects(zuora):
    """Return a reader of objects that has found out already."""
    client = await zuora.client()
    reading = ZuoraObjects(client, "acme", Settlement(client, "acme"))
    await reading.kinds()
    return reading


def pay(zuora, amount, *applied):
    invoices = [Application(invoice=invoice.id, amount=Decimal(part)) for invoice, part in applied]
    request = NewPayment(account="A-00000001", amount=Decimal(amount), invoices=invoices)
    return create_applied_payment(zuora.tenant, request=request)


def credit(zuora, invoice, amount="1", **fields):
    request = NewAdjustment(invoice=invoice.id, amount=Decimal(amount), type="Credit", **fields)
    return (adjust_invoice_item if "source" in fields else adjust_invoice)(zuora.tenant, request=request)
