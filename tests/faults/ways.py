"""The ways in which a place's QAD is spoken to: over REST, through QXtend, and over REST in another tenant's dialect.

Each way has its places, so that every scenario is played over all of them in one go.
"""

from typing import NamedTuple

from sandbox.qad.calls import Call
from sandbox.qad.dialect import Dialect
from sandbox.qad.elsewhere import ELSEWHERE
from sandbox.qad.house import HOUSE
from sandbox.world.configuration import profile_text
from sandbox.world.sites import Site
from tests.adapters.qad_company import through_qxtend

_PAGE_SIZE = "page_size = 500"


class Way(NamedTuple):
    """One way.

    Attributes:
        name: For people.
        dialect: What the stand-in speaks.
        writes: How a request begins that posts a document.
        is_qxtend: Whether documents go through QXtend.
        page_size: Rows of a page.
    """

    name: str
    dialect: Dialect
    writes: str
    is_qxtend: bool = False
    page_size: int = 500

    def profile(self, site: Site, *, base_url: str, qxtend_url: str) -> str:
        """Return the profile of a site that is spoken to in this way."""
        text = profile_text(site, base_url=base_url, dialect=self.dialect.name)
        assert text.count(_PAGE_SIZE) == 1
        text = text.replace(_PAGE_SIZE, f"page_size = {self.page_size}")
        return through_qxtend(text).replace("@QXTEND_URL@", qxtend_url) if self.is_qxtend else text

    def errors(self, call: Call) -> frozenset[str]:
        """Return the codes by which a call was refused, in the words of the books."""
        words = {told: word for word, told in self.dialect.codes.items()}
        return frozenset(words.get(told, told) for told in call.errors)


REST = Way("REST", HOUSE, "POST /clouderp/api/erp/")
QXTEND = Way("QXtend", HOUSE, "POST /qxi/services/", is_qxtend=True)
# So small that what a place holds does not fit on one page.
DIALECT = Way("another dialect", ELSEWHERE, "POST /qad-central/live/services/ar/", page_size=8)
WAYS = (REST, QXTEND, DIALECT)
OVER_ALL = tuple(way.name for way in WAYS)
