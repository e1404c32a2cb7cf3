"""The dialects that are here, by name."""

from sandbox.qad.dialect import Dialect
from sandbox.qad.elsewhere import ELSEWHERE
from sandbox.qad.house import HOUSE

DIALECTS: dict[str, Dialect] = {one.name: one for one in (HOUSE, ELSEWHERE)}
