"""A site's Zuora tenant before anything is billed: accounts with contacts, codes, periods, callouts."""

from datetime import date, timedelta

from sandbox.world.chart import accounting_codes
from sandbox.world.configuration import CalloutDoor
from sandbox.world.population import Account, Population
from sandbox.world.sites import Site
from sandbox.zuora import (
    BasicAuthentication,
    CalloutConfiguration,
    Client,
    CustomField,
    EventTrigger,
    Settings,
    Signature,
)
from sandbox.zuora import World as ZuoraWorld
from sandbox.zuora.acts import NewAccount, NewAccountingPeriod, NewContact, NewPaymentMethod

# Zuora writes countries in full.
_COUNTRIES = {
    "BG": "Bulgaria",
    "BH": "Bahrain",
    "BR": "Brazil",
    "CA": "Canada",
    "CN": "China",
    "DE": "Germany",
    "ES": "Spain",
    "FR": "France",
    "GB": "United Kingdom",
    "GR": "Greece",
    "IE": "Ireland",
    "IL": "Israel",
    "JP": "Japan",
    "KR": "Korea, Republic of",
    "KW": "Kuwait",
    "MX": "Mexico",
    "PL": "Poland",
    "PT": "Portugal",
    "UA": "Ukraine",
    "US": "United States",
}
# The event of an account that somebody edits; the stand-in's own AccountChanged also fires for each new account.
# Fields in which the ERP's code and number may be written; empty unless somebody does.
CODE_FIELD, NUMBER_FIELD = "QADCode__c", "QADDocument__c"
_ACCOUNT_EDITED = "AccountEdited"
_HINTS = {
    "InvoicePosted": "Invoice",
    "CreditMemoPosted": "CreditMemo",
    "DebitMemoPosted": "DebitMemo",
    "PaymentProcessed": "Payment",
    _ACCOUNT_EDITED: "Account",
}


def zuora_world(site: Site, population: Population, *, client: Client, door: CalloutDoor | None) -> ZuoraWorld:
    """Return a tenant's master data.

    Args:
        site: Whose tenant it is.
        population: Its accounts.
        client: The OAuth client that the product uses.
        door: Where callouts go; without it none are configured.
    """
    return ZuoraWorld(
        tenant_id=site.tenant_id,
        clients=[client],
        settings=Settings(time_zone=site.time_zone),
        custom_fields=[
            CustomField(object="Account", name=site.customer_field),
            CustomField(object="Account", name=CODE_FIELD),
            *(CustomField(object=name, name=NUMBER_FIELD) for name in ("Invoice", "Payment", "Refund")),
        ],
        accounting_codes=accounting_codes(),
        accounting_periods=[_accounting_period(month) for month in range(7, 13)],
        accounts=[_account(site, account) for account in population.accounts],
        event_triggers=[EventTrigger(name=_ACCOUNT_EDITED, base_object="Account", change_types=["UPDATE"])],
        callouts=callouts_to(door) if door is not None else [],
    )


def callouts_to(door: CalloutDoor) -> list[CalloutConfiguration]:
    """Return the callouts that a tenant is asked to send: which object, and its id.

    Payments that no gateway made fire none, as in Zuora.
    """
    signature = Signature(header=door.hmac_header, secret=door.hmac_secret) if door.hmac_secret else None
    return [
        CalloutConfiguration(
            name=f"ml-connector {event}",
            event=event,
            url=door.url,
            body=f'{{"object": "{kind}", "id": "{{{{DataSource.{kind}.Id}}}}"}}',
            basic=BasicAuthentication(username=door.user, password=door.password),
            signature=signature,
        )
        for event, kind in _HINTS.items()
    ]


def accounting_period_name(day: date) -> str:
    """Return the name of Zuora's accounting period of a day."""
    return day.strftime("%Y-%m")


def _accounting_period(month: int) -> NewAccountingPeriod:
    first = date(2026, month, 1)
    return NewAccountingPeriod(
        name=accounting_period_name(first),
        start_date=first,
        end_date=date(first.year + month // 12, month % 12 + 1, 1) - timedelta(days=1),
        fiscal_year="2026",
        fiscal_quarter=(month + 2) // 3,
    )


def _account(site: Site, account: Account) -> NewAccount:
    return NewAccount(
        account_number=account.number,
        name=account.name,
        currency=account.currency,
        payment_term=account.payment_term,
        auto_pay=account.pays != "wire",
        tax_exempt_status="Yes" if account.is_exempt else "No",
        bill_to=NewContact(
            last_name=account.contact,
            country=_COUNTRIES[account.country],
            state=account.state or None,
            city=account.place.city,
            postal_code=account.place.postal_code,
            work_email=f"billing@{account.number.lower()}.example",
        ),
        payment_methods=_payment_methods(account),
        custom={site.customer_field: account.field_text} if account.field_text else {},
    )


def _payment_methods(account: Account) -> list[NewPaymentMethod]:
    if account.pays == "cards":
        return [
            NewPaymentMethod(type="CreditCard", credit_card_type="Visa", credit_card_mask_number="************1111")
        ]
    if account.pays == "debit":
        return [NewPaymentMethod(type="BankTransfer", bank_name="Musterbank", mandate_id=f"M-{account.number}")]
    return [NewPaymentMethod(type="Check")]
