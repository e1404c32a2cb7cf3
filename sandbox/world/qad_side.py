"""A site's QAD before anything is posted: one entity with its calendar, chart, daybooks, rates and customers."""

from sandbox.qad.books.master import (
    BusinessRelation,
    ControlProfile,
    CreditTerms,
    Entity,
    Operations,
    Period,
    PeriodStatus,
    SharedSet,
)
from sandbox.qad.books.master import Customer as QadCustomer
from sandbox.qad.world import Client, User
from sandbox.qad.world import World as QadWorld
from sandbox.world.chart import analysis_codes, currencies, daybooks, exchange_rates, gl_accounts
from sandbox.world.names import plain_name
from sandbox.world.population import Customer, Population
from sandbox.world.sites import Site

# Zuora's terms with a QAD code of their own; Net 90 has one too, and nobody put it into the mapping.
CREDIT_TERMS = {
    "Due Upon Receipt": ("NET0", 0),
    "Net 14": ("NET14", 14),
    "Net 30": ("NET30", 30),
    "Net 45": ("NET45", 45),
}
_INVOICES, _PUBLIC_INVOICES, _CREDIT_NOTES, _PREPAYMENTS = "CUSTINV", "CUSTPUB", "CUSTCN", "CUSTPRE"


def qad_world(site: Site, population: Population, *, client: Client, user: User) -> QadWorld:
    """Return an installation's master data.

    Args:
        site: Whose QAD it is.
        population: Its customers.
        client: The client that the product signs in with.
        user: The user that it signs in as.
    """
    return QadWorld(
        format="ml-connector/sandbox/qad/1",
        currencies=currencies(site),
        credit_terms=[
            *(CreditTerms(credit_terms_code=code, days=days) for code, days in CREDIT_TERMS.values()),
            CreditTerms(credit_terms_code="NET90", days=90),
        ],
        business_relations=[_relation(customer) for customer in population.customers],
        shared_sets=[_shared_set(site, population)],
        entities=[_entity(site)],
        users=[user],
        clients=[client],
    )


def _shared_set(site: Site, population: Population) -> SharedSet:
    return SharedSet(
        shared_set_code=site.shared_set,
        control_profiles=[
            ControlProfile(profile_code=_INVOICES, gl_account_code="1200"),
            ControlProfile(profile_code=_PUBLIC_INVOICES, gl_account_code="1205"),
            ControlProfile(profile_code=_CREDIT_NOTES, gl_account_code="1210"),
            ControlProfile(profile_code=_PREPAYMENTS, gl_account_code="2400"),
        ],
        gl_accounts=gl_accounts(site),
        daybooks=daybooks(),
        exchange_rates=exchange_rates(site),
        customers=[_customer(site, customer) for customer in population.customers],
        **analysis_codes(),
    )


def _entity(site: Site) -> Entity:
    return Entity(
        entity_code=site.entity,
        name=site.entity_name,
        domain_code=site.domain,
        shared_set_code=site.shared_set,
        base_currency_code=site.base_currency,
        rounding_gl_account_code="7790",
        realised_gain_gl_account_code="7700",
        realised_loss_gl_account_code="7710",
        periods=[
            Period(
                year=period.year,
                period=period.period,
                first_day=period.first_day,
                last_day=period.last_day,
                # December exists, and waits for November's close.
                status=PeriodStatus.OPEN if period.is_open or period.period == 12 else PeriodStatus.LOCKED,
                is_open_for_sales=period.is_open,
            )
            for period in site.fiscal_periods
        ],
    )


def _relation(customer: Customer) -> BusinessRelation:
    return BusinessRelation(
        business_relation_code=f"BR{customer.code}",
        business_relation_name=customer.name,
        search_name=plain_name(customer.name, 28),
        city=customer.place.city,
        postal_code=customer.place.postal_code,
        country_code=customer.country,
    )


def _customer(site: Site, customer: Customer) -> QadCustomer:
    return QadCustomer(
        customer_code=customer.code,
        business_relation_code=f"BR{customer.code}",
        currency_code=customer.currency,
        credit_terms_code="NET30",
        invoice_status_code="OK",
        invoice_control_gl_profile_code=_PUBLIC_INVOICES if customer.is_public else _INVOICES,
        credit_note_control_gl_profile_code=_CREDIT_NOTES,
        pre_payment_control_gl_profile_code=_PREPAYMENTS,
        sales_account_gl_profile_code="SALES",
        is_active=customer.is_active,
        is_locked_credit_limit=customer.is_held,
        custom_short_0=customer.zuora_account,
        operations={site.domain: Operations(site_code="10-100", daybook_set_code="ZUORA")},
    )
