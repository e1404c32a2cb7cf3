"""Every way in which one Zuora tenant may differ from another, as one strict structure with the default of each.

Where the sources disagree or are silent, the difference is a switch here, so that a test can prove the product both
ways. JSON names are the Python names; an unknown name is refused. Rates and concurrency are counted in the machine's
time, because a client waits in it; everything else follows the stand-in's clock.
"""

from typing import Any, Literal

import msgspec

from sandbox.zuora.refusal import ANY_RESOURCE, Category


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many calls are answered before a client is sent away with a 429.

    Attributes:
        token_calls: Calls to /oauth/token per window and address.
        calls_per_minute: API calls per window, for the whole tenant.
        calls_per_hour: API calls in sixty windows.
        calls_per_day: API calls in 1,440 windows.
        window_s: Length of the "minute" of all of these, shortened by tests.
        concurrent: Calls in flight on /v1.
        concurrent_object_query: Calls in flight on /object-query.
        concurrency_retry_after_s: What Retry-After says when too many are in flight.
    """

    token_calls: int = 100
    calls_per_minute: int = 50_000
    calls_per_hour: int = 2_250_000
    calls_per_day: int = 27_000_000
    window_s: float = 60.0
    concurrent: int = 40
    concurrent_object_query: int = 80
    concurrency_retry_after_s: int = 120


class CalloutPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How callouts are delivered.

    Attributes:
        attempts: Tries per callout; Zuora allows at most 5.
        interval_s: Wait between tries, half an hour in Zuora.
        connect_timeout_s: Time to connect.
        data_timeout_s: Time to be answered once connected.
        parallel: Callouts on their way at the same time.
        confirm_by_content: Whether a 200 with `{"success": false}` in JSON is a failure.
        history_rows: Attempts kept; the oldest go first.
    """

    attempts: int = 3
    interval_s: float = 1800.0
    connect_timeout_s: float = 10.0
    data_timeout_s: float = 15.0
    parallel: int = 20
    confirm_by_content: bool = False
    history_rows: int = 100_000


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The switches of a tenant.

    Attributes:
        time_zone: Zone of the tenant; Zuora's own system time is Pacific.
        invoice_settlement: Whether memos, unapplied payments and their objects exist.
        invoice_settlement_off_code: Code of the refusal when they do not; no source gives it.
        invoice_settlement_off_status: HTTP status of that refusal.
        zoql_with_settlement: Whether ZOQL still answers for what Invoice Settlement has replaced; no source says.
        zoql_batch_max: Most rows of one ZOQL answer.
        zoql_locator_life_s: How long a locator stands when nobody asks, by the stand-in's clock.
        zoql_results: Whether what a locator brings was found with the query, or is found when it is asked.
        zoql_size: Whether size counts all that was found, or the rows of the answer.
        negative_totals: What a bill run makes of a negative total.
        cursors: Kind of cursor by Object Query path, where it is not the usual one of that object.
        filterable: Further fields, in lower case, that filter[] takes, by Object Query path.
        match_case: Whether EQ, NE, IN and SW tell upper from lower case; Zuora says they do not.
        unapply_rows: Whether an unapply row has a negative amount, or a positive one and a status of its own.
        unapplied_part: Whether the rest of a payment or memo is listed among its parts.
        processing_type: Whether Object Query gives the code of a processing type or its name.
        amounts: Whether numbers are shortened as Zuora shows them, or keep the digits they were given with.
        v1_amounts: Whether amounts of a v1 invoice are numbers or strings.
        v1_nulls: Whether v1 writes null for what is not set.
        callout_history: Whether rows are typed as the API reference says, all text, or look as its example: numbers,
            and the merge fields as an object.
        v1_not_found_status: HTTP status of a v1 read of an unknown key; clients saw 200 with success false.
        action_types: Types that POST /v1/action/update takes; Actions know no memos, and whether they know payments and
            refunds of tenants with settlement no source says.
        default_version: Zuora-Version of a request that names none.
        page_size_max: Largest pageSize of Object Query; the SDK still says 50.
        v1_page_size_max: Largest pageSize of v1; more is taken as this.
        expires_in: Whether expires_in is a number or a string.
        token_life_s: Life of a token by the stand-in's clock.
        error_codes: Whether v1 codes are numbers or strings.
        hand_posted_bill_run: Which variant of Invoice Posted fires when a person posts a bill run.
        payment_processed_for_external: Whether external payments fire Payment Processed.
        balance_fires_account_event: Whether a changed balance alone counts as an update of the account.
        contacts: Whether the user sees contacts; no source says what one who may not is answered: that there is none,
            or no answer at all to whoever asks for one.
        contact_moves_account: Whether a changed contact moves the update stamp of the accounts whose bill-to it is; no
            source says.
        e_invoice_moves_document: Whether a new e-invoice status moves the update stamp of its document; no source says.
        gzip: Whether answers over 1,000 bytes are compressed for clients that take it.
        latency_s: Time every API call takes at least.
        request_log_rows: Requests kept for a judge; the oldest go first.
        limits: Rates and concurrency.
        callouts: Delivery of callouts.
    """

    time_zone: str = "America/Los_Angeles"
    invoice_settlement: bool = True
    invoice_settlement_off_code: int = ANY_RESOURCE * 100 + Category.PERMISSION
    invoice_settlement_off_status: int = 403
    zoql_with_settlement: bool = False
    zoql_batch_max: int = 2000
    zoql_locator_life_s: float = 900.0
    zoql_results: Literal["snapshot", "live"] = "snapshot"
    zoql_size: Literal["all", "batch"] = "all"
    negative_totals: Literal["credit_memo", "invoice"] = "credit_memo"
    cursors: dict[str, Literal["keyset", "offset"]] = {}
    filterable: dict[str, list[str]] = {}
    match_case: bool = False
    unapply_rows: Literal["negative", "positive"] = "negative"
    unapplied_part: bool = True
    processing_type: Literal["code", "name"] = "code"
    amounts: Literal["trimmed", "as_given"] = "trimmed"
    v1_amounts: Literal["number", "text"] = "number"
    v1_nulls: bool = False
    callout_history: Literal["as_typed", "as_shown"] = "as_typed"
    v1_not_found_status: Literal[200, 404] = 200
    action_types: tuple[str, ...] = ("Account", "Invoice", "InvoiceItem", "Payment", "Refund")
    default_version: str = "186.0"
    page_size_max: int = 99
    v1_page_size_max: int = 40
    expires_in: Literal["number", "text"] = "number"
    token_life_s: int = 3598
    error_codes: Literal["number", "text"] = "number"
    hand_posted_bill_run: Literal["manual", "api", "bill_run"] = "bill_run"
    payment_processed_for_external: bool = False
    balance_fires_account_event: bool = False
    contacts: Literal["shown", "absent", "refused"] = "shown"
    contact_moves_account: bool = False
    e_invoice_moves_document: bool = False
    gzip: bool = True
    latency_s: float = 0.0
    request_log_rows: int = 50_000
    limits: Limits = Limits()
    callouts: CalloutPolicy = CalloutPolicy()


def merge_settings(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Return the settings with the named ones changed; limits and callouts are merged one level deeper.

    Raises:
        msgspec.ValidationError: A name is unknown or a value has the wrong type.
    """
    merged = msgspec.to_builtins(settings)
    for name, value in changes.items():
        known = merged.get(name)
        merged[name] = {**known, **value} if name in ("limits", "callouts") and isinstance(value, dict) else value
    return msgspec.convert(merged, Settings)
