"""All tables by name."""

from sandbox.qad.wire.columns import Table
from sandbox.qad.wire.document_tables import DOCUMENT_TABLES
from sandbox.qad.wire.master_tables import MASTER_TABLES

TABLES: dict[str, Table] = DOCUMENT_TABLES | MASTER_TABLES

# Where a record of a kind is written from.
TABLE_OF_KIND = {
    "invoice": TABLES["customer_invoices"],
    "payment": TABLES["customer_payments"],
    "adjustment": TABLES["open_item_adjustments"],
    "banking": TABLES["banking_entries"],
    "journal": TABLES["journal_entries"],
    "customer": TABLES["customers"],
    "business_relation": TABLES["business_relations"],
    "operations": TABLES["operations"],
}
