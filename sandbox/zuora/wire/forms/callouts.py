"""The attempts of a callout."""

from sandbox.zuora.callouts.delivery import Attempt
from sandbox.zuora.clock import TenantZone
from sandbox.zuora.wire.forms.shape import Form


def callout_form(zone: TenantZone, attempt: Attempt, *, with_content: bool, as_shown: bool) -> Form:
    """Return one attempt of a callout: all values are strings, or look as in Zuora's example."""
    typed = _callout_as_typed(zone, attempt, with_content=with_content)
    if not as_shown:
        return typed
    return typed | {
        "attemptedNum": attempt.number,
        "createTime": zone.without_zone(attempt.at).replace(" ", "T"),
        "eventCategory": int(attempt.category) if attempt.category.isdigit() else attempt.category,
        "eventContext": attempt.context,
        "responseCode": attempt.response_code,
    }


def _callout_as_typed(zone: TenantZone, attempt: Attempt, *, with_content: bool) -> Form:
    return {
        "attemptedNum": str(attempt.number),
        "createTime": zone.without_zone(attempt.at),
        "eventCategory": attempt.category,
        "eventContext": attempt.request_body,
        "notification": attempt.notification,
        "requestMethod": attempt.method,
        "requestUrl": attempt.url,
        "responseCode": str(attempt.response_code),
        "responseContent": attempt.response_content if with_content else None,
    }
