"""States how the broker is set up: its server settings, its log, and the flags of its Java.

One node that is broker and controller, small in memory and quick to start, and that forgets nothing by itself. Every
path is relative to the broker's directory, where its Java runs, so no character in a path needs an escape.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sandbox.kafka.ports import HOST

DATA = "data"
SERVER_FILE = "server.properties"
LOGGING_FILE = "log4j.properties"
LOG_FILE = "broker.log"
LOCK_FILE = "lock"

_MIB = 1 << 20
# A dead letter of a Zuora record of 16 MiB with its key, headers and batch around it.
_RECORD_LIMIT = 41 * _MIB
_TEN_YEARS_MINUTES = 10 * 366 * 24 * 60

# The log is the only truth of the product, and an idle group's offsets belong to it.
_RETENTION = {
    "log.retention.ms": -1,
    "log.retention.bytes": -1,
    "offsets.retention.minutes": _TEN_YEARS_MINUTES,
    # A topic that a misspelt name makes by itself would hide the mistake.
    "auto.create.topics.enable": False,
}

_SIZES = {
    "message.max.bytes": _RECORD_LIMIT,
    "replica.fetch.max.bytes": _RECORD_LIMIT,
    # All requests in hand wait in the heap. By default there is no such limit, and sixteen large ones end the broker.
    "socket.request.max.bytes": 100 * _MIB,
    "queued.max.request.bytes": 100 * _MIB,
    # After a kill the broker reads the newest segment of each partition again before it answers: not 1 GB of each.
    "log.segment.bytes": 128 * _MIB,
    # Enough for such a segment (an entry of 12 bytes per 4 KB); each partition maps two of them into memory.
    "log.index.size.max.bytes": _MIB,
    # Taken from the heap at the start; the default is half of it. Holds the keys of 150,000 cursors and offsets.
    "log.cleaner.dedupe.buffer.size": 4 * _MIB,
    "log.cleaner.threads": 1,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "background.threads": 2,
}

_TIMES = {
    # A new group waits for nobody: by default its first member waits 3 s for others.
    "group.initial.rebalance.delay.ms": 0,
    # Lets a test end a member as quickly as it needs to; the default is 6 s.
    "group.min.session.timeout.ms": 1_000,
    # How late a transaction may be found to have timed out: the product's do so after 10 s, the default would add 10.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1_000,
    # After a kill the controller takes the broker for alive until this has passed, and lets no new one in: 4 s, not 9.
    # Four heartbeats have to be missed, so a busy machine does not part the two.
    "broker.session.timeout.ms": 4_000,
    "broker.heartbeat.interval.ms": 1_000,
}

_ONE_NODE = {
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 8,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.num.partitions": 8,
    "transaction.state.log.min.isr": 1,
}

# They print every setting several times per start, and every partition at every change of a leader.
_TALKATIVE = (
    "org.apache.kafka.common.config.AbstractConfig",
    "org.apache.kafka.controller.ReplicationControlManager",
    "state.change.logger",
)

JAVA_FLAGS = (
    # Holds the requests in hand and one more of the largest; everything else of a broker this size takes 40 MB.
    "-Xmx256m",
    # Else each network thread keeps memory outside the heap as large as the largest requests that it ever read.
    "-Djdk.nio.maxCachedBufferSize=262144",
    # One collector thread and the quick compiler only: up in 2 s instead of 3, with half the processor time and less
    # memory. A sandbox does not live long enough for the slow compiler to earn back what it costs.
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    # A broker that is out of memory ends, so that what is wrong is seen.
    "-XX:+ExitOnOutOfMemoryError",
    # Nothing of it outside its directory: no counters and no unpacked libraries in the system's temporary one.
    "-XX:-UsePerfData",
    "-XX:ErrorFile=crash.log",
    "-Djava.io.tmpdir=.",
    f"-Dlog4j.configuration=file:{LOGGING_FILE}",
    # Kafka asks a second logger for its level, which then complains that nobody configured it.
    "-Dlog4j2.StatusLogger.level=OFF",
)


class Detour(NamedTuple):
    """A second way in, through a proxy: who comes that way is told the proxy's port, and so stays on it.

    Attributes:
        port: Where the broker listens for the proxy.
        proxy_port: Where the proxy listens for clients.
    """

    port: int
    proxy_port: int


def server_properties(*, port: int, controller_port: int, detour: Detour | None = None) -> str:
    """Give the content of the broker's settings file."""
    listeners, told, protocols = f"CLIENTS://{HOST}:{port}", f"CLIENTS://{HOST}:{port}", "CLIENTS:PLAINTEXT"
    if detour:
        listeners += f",DETOUR://{HOST}:{detour.port}"
        told += f",DETOUR://{HOST}:{detour.proxy_port}"
        protocols += ",DETOUR:PLAINTEXT"
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "listeners": f"{listeners},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": told,
        "listener.security.protocol.map": f"{protocols},CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "CLIENTS",
        "controller.listener.names": "CONTROLLER",
        # Named here and not kept in the log, so that the controller may have another port at each start.
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "log.dirs": DATA,
        **_RETENTION,
        **_SIZES,
        **_TIMES,
        **_ONE_NODE,
    }
    return _properties(settings)


def log4j_properties() -> str:
    """Give the content of the logging file: all that matters to one file, nothing to the console."""
    settings = {
        "log4j.rootLogger": "INFO, file",
        **{f"log4j.logger.{name}": "WARN" for name in _TALKATIVE},
        "log4j.appender.file": "org.apache.log4j.FileAppender",
        "log4j.appender.file.File": LOG_FILE,
        "log4j.appender.file.layout": "org.apache.log4j.PatternLayout",
        "log4j.appender.file.layout.ConversionPattern": "%d{ISO8601} %p %m (%c{1})%n",
    }
    return _properties(settings)


def _properties(settings: Mapping[str, object]) -> str:
    return "".join(f"{name}={value}\n" for name, value in settings.items())
