"""A tenant's QAD, as configuration: where it is, how it is asked, what its fields are called, what its refusals mean.

Most of what a financial document is called over REST is not public, so nothing of it stands in the code. Dots in names
go one object deeper. A part that a site must still confirm says `confirmed = false`, and posting is refused while any
remains.
"""

import hashlib
from collections.abc import Mapping
from typing import Annotated

import msgspec

from adapters.qad.profiles.auth import Auth
from adapters.qad.profiles.calls import Browsing, CallLimits, Envelope, Numbers, Permission
from adapters.qad.profiles.documents import TAXED, Document, Find, Lengths
from adapters.qad.profiles.lists import Browse, OpenItems
from adapters.qad.profiles.masters import Masters
from adapters.qad.profiles.part import Part, Value
from adapters.qad.profiles.qxtend import QDocument, Qxtend
from adapters.qad.profiles.refusals import ErrorClass
from schemas.codec import canonical
from schemas.errors import Refused

# Where a gateway, not QAD, has answered: the request itself was refused, or (503) had nobody to go to. Behind any other
# failure there may be a document.
_Definite = Annotated[int, msgspec.Meta(ge=400, le=503)]


class Profile(Part, frozen=True, kw_only=True):
    """One tenant's QAD. Any text of it may hold `{domain}`, `{entity}` and `{workspace}`: load_profile fills them in.

    Attributes:
        base_url: Its address, whole, with the environment's path.
        workspace: Value of the workspace header, e.g. `{domain}_{entity}`.
        workspace_header: Its name, "" where none is sent.
        view_parameter: Query parameter with the view of a call.
        entity: Entity code.
        domain: Domain code.
        headers: Further headers.
        envelope: Where things stand in bodies.
        browsing: How browses are asked for.
        permission: How it is asked whether our user may post.
        date_format: How a date is written, in strftime's words.
        numbers: How numbers are written.
        yes: What a yes-or-no field of a document says for yes, over REST.
        no: Likewise, for no.
        lengths: How long a text may be, by our word; what is longer is refused before it is sent, never cut.
        documents: By kind, as REST makes them; none where documents go through QXtend.
        browses: By name.
        errors: Classes of refusals, first that fits.
        open_items: Where open items are shown.
        balances: Where balances of GL accounts are shown, by period.
        customers: How customers are made and changed; without it none is.
        gl_transactions: Where the lines of the general ledger are shown, for `reconcile`; None where they are not.
        adjustment_lines: Where the lines of open item adjustments are shown, likewise.
        qxtend: Where documents go through QXtend instead of REST; what is read is read over REST all the same.
        definite: HTTP statuses after which certainly nothing was changed; any other failure is looked up.
    """

    base_url: str
    workspace: str
    workspace_header: str = "x-qad-workspace-id"
    view_parameter: str = "viewUri"
    entity: str
    domain: str = ""
    auth: Auth = Auth()
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    limits: CallLimits = CallLimits()
    envelope: Envelope = Envelope()
    browsing: Browsing = Browsing()
    permission: Permission = Permission()
    date_format: str = "%Y-%m-%dT00:00:00.000Z"
    numbers: Numbers = Numbers()
    yes: Value = True
    no: Value = False
    lengths: Lengths = msgspec.field(default_factory=dict)
    definite: tuple[_Definite, ...] = (429,)
    documents: dict[str, Document] = msgspec.field(default_factory=dict)
    browses: dict[str, Browse]
    errors: tuple[ErrorClass, ...] = ()
    open_items: OpenItems | None = None
    balances: Browse | None = None
    customers: Masters | None = None
    gl_transactions: Browse | None = None
    adjustment_lines: Browse | None = None
    qxtend: Qxtend | None = None

    @property
    def table(self) -> str:
        """Name of the table in which the kinds stand."""
        return "qxtend.documents" if self.qxtend else "documents"

    @property
    def posted(self) -> Mapping[str, Document | QDocument]:
        """How each kind is made, over REST or through QXtend."""
        return self.qxtend.documents if self.qxtend else self.documents

    @property
    def finds(self) -> dict[str, Find | None]:
        """How each kind that can be posted is found again."""
        return {kind: document.find for kind, document in self.posted.items()}

    @property
    def without_tax_rows(self) -> list[str]:
        """The kinds that can carry tax rows and have no place for them here."""
        return [
            f"{self.table}.{kind}" for kind in TAXED if kind in self.posted and not self.posted[kind].takes_tax_rows
        ]

    @property
    def concurrency(self) -> int:
        """Posting calls at once."""
        return self.qxtend.concurrency if self.qxtend else self.limits.concurrency

    @property
    def unconfirmed(self) -> list[str]:
        """The parts that the site has not confirmed."""
        parts: dict[str, Document | Browse | OpenItems | QDocument | Qxtend | None] = {
            **{f"documents.{kind}": document for kind, document in self.documents.items()},
            **{f"browses.{name}": browse for name, browse in self.browses.items()},
            "open_items": self.open_items,
            "balances": self.balances,
            "gl_transactions": self.gl_transactions,
            "adjustment_lines": self.adjustment_lines,
            "qxtend": self.qxtend,
        }
        if self.qxtend is not None:
            parts |= {f"qxtend.documents.{kind}": document for kind, document in self.qxtend.documents.items()}
        return [name for name, part in parts.items() if part is not None and not part.confirmed]

    def require_confirmed(self) -> None:
        """Hold that the site has confirmed everything.

        Raises:
            Refused: It has not; nothing may be posted.
        """
        if waiting := self.unconfirmed:
            raise Refused(f"the profile is not confirmed ({', '.join(waiting)}): ml-connector ping says what to do")

    @property
    def content_hash(self) -> str:
        """Hash of the whole profile: outputs name it."""
        return hashlib.sha256(canonical(self)).hexdigest()[:16]
