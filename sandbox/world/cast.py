"""The accounts to which something special happens, by the part that they play.

Everyone here is billed by both bill runs unless `billed` says otherwise; what happens to whom stands in `chapters/`.
"""

from typing import Literal

from sandbox.world.sites import Fact, Site

# How an account finds its customer: by what stands in its own field, or by the account number that QAD keeps.
Matched = Literal["field", "qad_field", "neither"]


class Part(Fact, frozen=True, kw_only=True):
    """One part of the story.

    Attributes:
        name: Name of the part.
        currency: Currency of the account.
        country: Where it is.
        matched: How it finds its customer.
        billed: Whether the bill runs bill it.
        awkward: Its name is one of those that break things.
        is_exempt: It has shown a tax exemption certificate.
    """

    name: str
    currency: str
    country: str
    matched: Matched = "field"
    billed: bool = True
    awkward: bool = False
    is_exempt: bool = False


_EMEA = (
    Part(name="reseller", currency="EUR", country="DE"),
    Part(name="sister_one", currency="EUR", country="DE"),
    Part(name="sister_two", currency="EUR", country="DE"),
    Part(name="neighbour", currency="EUR", country="FR", matched="qad_field"),
    Part(name="unlinked", currency="EUR", country="DE", matched="neither", billed=False),
    Part(name="inactive", currency="GBP", country="GB", billed=False),
    Part(name="dinars", currency="BHD", country="BH", billed=False),
    Part(name="reversed", currency="EUR", country="DE"),
    Part(name="written_off", currency="GBP", country="GB", awkward=True),
    Part(name="reposted", currency="JPY", country="JP", matched="qad_field"),
    Part(name="withdrawn", currency="EUR", country="FR", awkward=True),
    Part(name="credited", currency="EUR", country="DE", matched="qad_field", awkward=True),
    Part(name="goodwill", currency="USD", country="IL"),
    Part(name="prepayer", currency="EUR", country="PL", awkward=True),
    Part(name="overpayer", currency="GBP", country="GB", matched="qad_field", awkward=True),
    Part(name="wavering", currency="USD", country="UA"),
    Part(name="splitter", currency="EUR", country="GR", matched="qad_field"),
    Part(name="instalments", currency="KWD", country="KW"),
    Part(name="metered", currency="EUR", country="DE", awkward=True),
    Part(name="veteran", currency="EUR", country="DE", awkward=True),
    Part(name="forgotten", currency="EUR", country="BG", matched="qad_field"),
    Part(name="returned", currency="EUR", country="DE"),
    Part(name="refunded", currency="EUR", country="FR", matched="qad_field"),
    Part(name="mistaken", currency="EUR", country="DE"),
    Part(name="rightful", currency="EUR", country="ES", matched="qad_field"),
)
_AMER = (
    Part(name="sister_one", currency="USD", country="US"),
    Part(name="sister_two", currency="USD", country="US"),
    Part(name="neighbour", currency="USD", country="US", matched="qad_field"),
    Part(name="unlinked", currency="USD", country="US", matched="neither", billed=False),
    Part(name="on_hold", currency="USD", country="US", billed=False),
    Part(name="mislabelled", currency="USD", country="US", billed=False),
    Part(name="reversed", currency="USD", country="US", awkward=True),
    Part(name="written_off", currency="USD", country="US", awkward=True),
    Part(name="reposted", currency="EUR", country="IE"),
    Part(name="withdrawn", currency="USD", country="US", matched="qad_field", awkward=True),
    Part(name="credited", currency="USD", country="CA"),
    Part(name="goodwill", currency="USD", country="US", matched="qad_field", awkward=True),
    Part(name="prepayer", currency="USD", country="US", awkward=True),
    Part(name="overpayer", currency="USD", country="MX"),
    Part(name="wavering", currency="EUR", country="PT", matched="qad_field"),
    Part(name="splitter", currency="USD", country="US", awkward=True),
    Part(name="instalments", currency="USD", country="BR"),
    Part(name="metered", currency="USD", country="US", awkward=True),
    Part(name="veteran", currency="USD", country="US", is_exempt=True),
    Part(name="forgotten", currency="USD", country="US", matched="qad_field"),
    Part(name="returned", currency="USD", country="US"),
    Part(name="refunded", currency="USD", country="CA", matched="qad_field"),
    Part(name="mistaken", currency="USD", country="US"),
    Part(name="rightful", currency="USD", country="MX", matched="qad_field"),
)


def parts_of(site: Site) -> tuple[Part, ...]:
    """Return the parts of a site's story."""
    return {"emea": _EMEA, "amer": _AMER}[site.name]
