"""The workers beside the stages: they write what the log says to a system, marks to Zuora and customers to QAD."""

from collections.abc import Mapping

from adapters.kafka.align_lane import AlignLane
from adapters.kafka.customer_lane import CustomerLane
from adapters.kafka.log_worker import LogWorker
from adapters.kafka.mark_lane import MarkLane
from adapters.kafka.publishing import Publisher
from adapters.qad.rest.customers import RestCustomers
from adapters.zuora.marks import ZuoraMarks
from console.wiring import Wiring
from streams.customers.spec import ALIGN_SPEC
from streams.customers.spec import SPEC as CUSTOMERS
from streams.mark.spec import SPEC as MARK
from streams.stage import StageSpec


def mark_worker(
    wiring: Wiring,
    *,
    slot: str,
    partitions: Mapping[str, int],
    tenants: Mapping[str, ZuoraMarks],
    publisher: Publisher,
) -> LogWorker:
    """Return what writes back.

    Args:
        wiring: The adapters.
        slot: This process's own name, stable over restarts.
        partitions: Partition of every connection.
        tenants: The tenants to which something is written back; no other is written to.
        publisher: Writes outcomes.
    """
    connections = {partition: connection for connection, partition in partitions.items()}

    def make_lane(partition: int) -> MarkLane | None:
        connection = connections.get(partition, "")
        marks = tenants.get(wiring.site.config.connections[connection].tenant) if connection else None
        if marks is None:
            return None
        return MarkLane(
            cluster=wiring.site.cluster,
            connection=connection,
            partition=partition,
            settings=wiring.site.write_back_of(connection),
            marks=marks,
            publisher=publisher,
        )

    return LogWorker(wiring.site.cluster, MARK, slot=slot, make_lane=make_lane)


def customer_worker(
    wiring: Wiring,
    *,
    slot: str,
    partitions: Mapping[str, int],
    books: Mapping[str, RestCustomers],
    publisher: Publisher,
) -> LogWorker:
    """Return what makes customers in QAD.

    Args:
        wiring: The adapters.
        slot: This process's own name, stable over restarts.
        partitions: Partition of every connection.
        books: QAD by connection, of those that have customers made.
        publisher: Writes outcomes.
    """
    return _of_customers(wiring, CUSTOMERS, CustomerLane, slot, partitions, books, publisher)


def align_worker(
    wiring: Wiring,
    *,
    slot: str,
    partitions: Mapping[str, int],
    books: Mapping[str, RestCustomers],
    publisher: Publisher,
) -> LogWorker:
    """Return what aligns customers in QAD.

    Args:
        wiring: The adapters.
        slot: This process's own name, stable over restarts.
        partitions: Partition of every connection.
        books: QAD by connection, of those whose customers follow their accounts.
        publisher: Writes outcomes.
    """
    return _of_customers(wiring, ALIGN_SPEC, AlignLane, slot, partitions, books, publisher)


def _of_customers(
    wiring: Wiring,
    spec: StageSpec,
    lane: type[CustomerLane] | type[AlignLane],
    slot: str,
    partitions: Mapping[str, int],
    books: Mapping[str, RestCustomers],
    publisher: Publisher,
) -> LogWorker:
    connections = {partition: connection for connection, partition in partitions.items()}

    def make_lane(partition: int) -> CustomerLane | AlignLane | None:
        connection = connections.get(partition, "")
        if connection not in books:
            return None
        masters = wiring.profile(connection).customers
        return lane(
            cluster=wiring.site.cluster,
            connection=connection,
            partition=partition,
            books=books[connection],
            countries=masters.countries if masters else {},
            lengths=masters.lengths if masters else {},
            publisher=publisher,
        )

    return LogWorker(wiring.site.cluster, spec, slot=slot, make_lane=make_lane)
