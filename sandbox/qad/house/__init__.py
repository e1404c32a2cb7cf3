"""The dialect that the stand-in speaks when no other is given, called "house".

Public knowledge names the shape of the interface and the customer resources; paths, lists and fields of financial
documents are not public. What is not public is spelled here as one would expect of the vendor: the books' names in
camel case, `gl` in the middle of a name in capitals.
"""

from sandbox.qad.dialect import Dialect
from sandbox.qad.house.browses import BROWSES
from sandbox.qad.house.qdocs import QXTEND
from sandbox.qad.house.resources import RESOURCES

HOUSE = Dialect(name="house", codes={"FIELD_TOO_LONG": "47"}, resources=RESOURCES, browses=BROWSES, qxtend=QXTEND)
