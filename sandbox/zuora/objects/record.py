"""What all Zuora objects share: an id, who made and changed them and when, and their custom fields.

A record is frozen. A change makes a new version, so that a reader can still be shown the old one while a late commit
is under way. A field that is not set is None, and None is not written: that is how Object Query leaves nulls out.
Field names turn into the camelCase of Object Query; where Zuora's spelling is its own (sKU, uOM, vATId) the field
says so.
"""

import msgspec

from sandbox.zuora.clock import Stamp


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """A version of one Zuora object.

    Attributes:
        custom: Custom fields as the tenant named them, for example `QADCustomer__c`; None when there are none.
    """

    id: str
    created_by_id: str
    created_date: Stamp
    updated_by_id: str
    updated_date: Stamp
    custom: dict[str, str] | None = None
