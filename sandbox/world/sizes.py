"""How much of everything there is: one number for people, each count for tests that want another."""

import msgspec

from sandbox.world.cast import parts_of
from sandbox.world.sites import AMER, EMEA, Site


class SiteSize(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one site.

    Attributes:
        accounts: Billing accounts, beside the cast.
        billed: Of those, how many each bill run bills beside the cast.
    """

    accounts: int
    billed: int


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of the whole world.

    Attributes:
        emea: The European site.
        amer: The American site.
        branches: Invoices of the wholesale customer, one per branch; its bonus memo is applied to all, taken back, and
            applied again, so three times as many applications hang on one memo.
        lines_max: Lines of the longest invoice.
        tax_rows: Tax rows of the most taxed line: more than a page of Zuora's shows.
        run_memos: Negative totals per bill run and site, which become credit memos.
        goodwill_memos: Standalone credit memos per site.
        item_memos: Credit memos per site that credit items of an invoice.
    """

    emea: SiteSize
    amer: SiteSize
    branches: int
    lines_max: int
    tax_rows: int = 120
    run_memos: int
    goodwill_memos: int
    item_memos: int

    @classmethod
    def of(cls, size: float) -> "Sizes":
        """Return the counts for a size: 1.0 is a full trial with about 400 accounts, 0.1 a small one with about 40."""

        def scaled(full: int, least: int) -> int:
            return max(least, int(full * size + 0.5))

        def site(facts: Site, *, accounts: int, billed: int) -> SiteSize:
            # The cast counts among the accounts, and is there whatever the size.
            regular = max(4, scaled(accounts, 0) - len(parts_of(facts)))
            return SiteSize(accounts=regular, billed=min(scaled(billed, 4), regular))

        return cls(
            emea=site(EMEA, accounts=250, billed=56),
            amer=site(AMER, accounts=150, billed=52),
            # 3 x 36 applications are more than Zuora shows on one page.
            branches=scaled(36, 6),
            lines_max=scaled(400, 110),
            run_memos=scaled(4, 1),
            goodwill_memos=scaled(7, 2),
            item_memos=scaled(6, 1),
        )

    def of_site(self, name: str) -> SiteSize:
        """Return the counts of a site by its name."""
        return {"emea": self.emea, "amer": self.amer}[name]
