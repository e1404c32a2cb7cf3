"""The QXtend APIs of the house: element names as far as they are public, the others by their likeness."""

from sandbox.qad.qxtend.spelling import Api, Qxtend, Table

_LINE = {
    "sequence": "PostingLineSequence",
    "gl_account_code": "tcGLCode",
    "sub_account_code": "tcDivisionCode",
    "cost_centre_code": "tcCostCentreCode",
    "project_code": "tcProjectCode",
    "text": "PostingLineText",
    "debit_amount": "PostingLineDebitTC",
    "credit_amount": "PostingLineCreditTC",
}

QXTEND = Qxtend(
    apis=(
        Api(
            kind="invoice",
            name="bdinvoicejournalentry",
            root="BDInvoiceJournalEntry",
            tables=(
                Table(
                    name="tApiDInvoiceDIJE",
                    fields={
                        "invoice_type": "DInvoiceType",
                        "customer_code": "tcDebtorCode",
                        "currency_code": "tcCurrencyCode",
                        "invoice_date": "DInvoiceDate",
                        "posting_date": "DInvoicePostingDate",
                        "posting_year": "DInvoicePostingYear",
                        "due_date": "DInvoiceDueDate",
                        "tax_point_date": "DInvoiceTaxPointDate",
                        "credit_terms_code": "tcNormalPaymentConditionCode",
                        "daybook_code": "tcJournalCode",
                        "voucher": "DInvoiceVoucher",
                        "description": "DInvoiceDescription",
                        "reference": "DInvoiceDIText",
                        "custom_short_0": "CustomShort0",
                        "is_taxable": "DInvoiceIsTaxable",
                        "linked_posting_year": "tiLinkedPeriodYear",
                        "linked_daybook_code": "tcLinkedJournalCode",
                        "linked_voucher": "tiLinkedDInvoiceVoucher",
                    },
                    sides={"original_amount": ("DInvoiceOriginalDebitTC", "DInvoiceOriginalCreditTC")},
                ),
                Table(name="tApiDInvoicePostingDIJE", parent="tApiDInvoiceDIJE"),
                Table(
                    name="tApiPostingDIJE",
                    parent="tApiDInvoicePostingDIJE",
                    fields={"daybook_code": "tcJournalCode", "posting_date": "PostingDate"},
                ),
                Table(
                    name="tApiPostingLineDIJE",
                    parent="tApiPostingDIJE",
                    part="posting_lines",
                    fields=_LINE,
                    has_control_row=True,
                ),
                Table(
                    name="tApiPostingVatDIJE",
                    parent="tApiPostingDIJE",
                    part="tax_lines",
                    fields={
                        "sequence": "PostingVatSequence",
                        "tax_code": "tcVatCode",
                        "tax_type": "TxtyTaxType",
                        "tax_class": "TxclTaxCls",
                        "tax_usage": "TxuTaxUsage",
                        "tax_environment": "TxenvTaxEnv",
                        "gl_account_code": "tcGLCode",
                        "sub_account_code": "tcDivisionCode",
                    },
                    sides={
                        "base_amount": ("PostingVatBaseDebitTC", "PostingVatBaseCreditTC"),
                        "tax_amount": ("PostingVatTaxDebitTC", "PostingVatTaxCreditTC"),
                    },
                ),
            ),
            values={
                "invoice_type": {
                    "INVOICE": "Invoice",
                    "CREDITNOTE": "Credit Note",
                    "INVOICECORRECTION": "Invoice Correction",
                    "CREDITNOTECORRECTION": "Credit Note Correction",
                }
            },
        ),
        Api(
            kind="payment",
            name="bddocument",
            root="BDDocument",
            tables=(
                Table(
                    name="tDDocument",
                    fields={
                        "customer_code": "tcDebtorCode",
                        "currency_code": "tcCurrencyCode",
                        "bank_gl_account_code": "tcBankGLCode",
                        "payment_date": "DDocumentDate",
                        "posting_date": "DDocumentPostingDate",
                        "posting_year": "DDocumentYear",
                        "daybook_code": "tcJournalCode",
                        "voucher": "DDocumentNumber",
                        "amount": "DDocumentOriginalDebitTC",
                        "payment_reference": "DDocumentReference",
                        "custom_short_0": "CustomShort0",
                        "status": "DDocumentStatus",
                        "description": "DDocumentDescription",
                        "linked_posting_year": "tiLinkedDDocumentYear",
                        "linked_daybook_code": "tcLinkedJournalCode",
                        "linked_voucher": "tiLinkedDDocumentNumber",
                    },
                ),
                Table(
                    name="tDDocumentInvoiceXref",
                    parent="tDDocument",
                    part="allocations",
                    fields={
                        "invoice_posting_year": "tiDInvoicePostingYear",
                        "invoice_daybook_code": "tcDInvoiceJournalCode",
                        "invoice_voucher": "tiDInvoiceVoucher",
                        "amount": "DDocumentInvoiceXrefAlloTC",
                    },
                ),
            ),
        ),
        Api(
            kind="adjustment",
            name="bopenitemadjustment",
            root="BOpenItemAdjustment",
            tables=(
                Table(
                    name="tOIAdjust",
                    fields={
                        "posting_date": "OIAdjustPostingDate",
                        "posting_year": "OIAdjustPostingYear",
                        "daybook_code": "OIAdjustJournalCode",
                        "voucher": "OIAdjustVoucher",
                        "description": "OIAdjustDescription",
                        "currency_code": "tcCurrencyCode",
                        "custom_short_0": "CustomShort0",
                    },
                ),
                Table(
                    name="tOIAdjustLn",
                    parent="tOIAdjust",
                    part="lines",
                    fields={
                        "customer_code": "tcDebtorCode",
                        "item_posting_year": "OIAdjustLnInvPostingYear",
                        "item_daybook_code": "OIAdjustLnInvJournalCode",
                        "item_voucher": "OIAdjustLnInvVoucher",
                        "new_item_type": "OIAdjustLnNewItemType",
                        "debit_amount": "OIAdjustLnDebitTC",
                        "credit_amount": "OIAdjustLnCreditTC",
                    },
                ),
                Table(name="tOIAdjustPostingLine", parent="tOIAdjust", part="gl_lines", fields=_LINE),
            ),
        ),
        Api(
            kind="banking",
            name="bbankentry",
            root="BBankEntry",
            tables=(
                Table(
                    name="tBankState",
                    fields={
                        "bank_gl_account_code": "tcGLCode",
                        "currency_code": "tcCurrencyCode",
                        "posting_date": "BankStatePostingDate",
                        "posting_year": "BankStateYear",
                        "daybook_code": "tcJournalCode",
                        "voucher": "BankStateNumber",
                        "custom_short_0": "CustomShort0",
                    },
                ),
                Table(
                    name="tBankStateLine",
                    parent="tBankState",
                    fields={
                        "customer_code": "tcDebtorCode",
                        "direction": "BankStateLineInOut",
                        "value_date": "BankStateLineValueDate",
                        "amount": "BankStateLineAmountTC",
                        "description": "BankStateLineDescription",
                        "external_reference": "BankStateLineExtReference",
                    },
                ),
                Table(
                    name="tBankStateAlloc",
                    parent="tBankStateLine",
                    part="allocations",
                    fields={
                        "item_posting_year": "tiDInvoicePostingYear",
                        "item_daybook_code": "tcDInvoiceJournalCode",
                        "item_voucher": "tiDInvoiceVoucher",
                        "amount": "BankStateAllocAmountTC",
                    },
                ),
            ),
            values={"direction": {"IN": "+", "OUT": "-"}},
        ),
        Api(
            kind="journal",
            name="bjournalentry",
            root="BJournalEntry",
            tables=(
                Table(
                    name="tPosting",
                    fields={
                        "daybook_code": "tcJournalCode",
                        "voucher": "PostingVoucher",
                        "posting_date": "PostingDate",
                        "posting_year": "PostingYear",
                        "description": "PostingText",
                        "custom_short_0": "CustomShort0",
                    },
                ),
                Table(
                    name="tPostingLine",
                    parent="tPosting",
                    part="lines",
                    fields={**_LINE, "currency_code": "tcCurrencyCode"},
                ),
            ),
        ),
    )
)
