"""The sinks under contract. All tests of this folder run against each of them.

To add one: write its `Driver` (books.py says what it must show, without the product), and name it in SINKS. What
speaks to the stand-in QAD in another way needs no driver of its own:

    SINKS["other"] = lambda directory: stand_in(directory, speak=over_another_way, account="what it calls the account")

where `over_another_way(qad)` returns the port to the stand-in `qad` (tests/adapters/qad_company.py has its address and
its profiles). What a sink does that the contract does not speak of is tested beside its adapter.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.adapters.qad_company import QadCompany
from tests.ports.books import Driver
from tests.ports.files import site
from tests.ports.stand_in import stand_in
from tests.ports.tables import tables

SINKS: Mapping[str, Callable[[Path], AbstractAsyncContextManager[Driver]]] = {
    "rest": lambda directory: stand_in(directory, speak=QadCompany.erp),
    "rest elsewhere": lambda directory: stand_in(
        directory, speak=QadCompany.erp, account="tcGlAccountCode", dialect="elsewhere"
    ),
    "qxtend": lambda directory: stand_in(directory, speak=QadCompany.qxtend, account="tcGLCode"),
    "files": site,
    "files as xml": lambda directory: site(directory, layout="xml"),
    "example": tables,
}
