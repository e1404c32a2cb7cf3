"""How a tenant is called: what it bears."""

from adapters.qad.profiles.part import Count, Part, Seconds


class CallLimits(Part, frozen=True, kw_only=True):
    """What the tenant bears.

    Attributes:
        concurrency: Posting calls at once.
        timeout_s: How long one call may take.
        page_size: Rows per browse page.
        age_s: How old an intent may be when its first byte is sent.
        settle_s: From when on "absent" is believed: above time-out + age, and above the idle-connection time-out of
            QAD and whatever stands before it.
    """

    concurrency: Count = 4
    timeout_s: Seconds = 30.0
    page_size: Count = 500
    age_s: Seconds = 2.0
    settle_s: Seconds = 45.0
