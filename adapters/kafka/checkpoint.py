"""A stage's state of one partition in one file: it saves time, and says nothing that the log does not say.

The file is a SHA-256 and one msgpack list: whose state this is and up to where the log was read, then its parts.
Whatever is wrong with it (missing, cut, garbled, another stage's or version's, ahead of the log, of a log made anew) is
said once; then the file goes, and the log is read. It must never be the only place where anything stands.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b, sha256
from io import BufferedIOBase
from pathlib import Path

import msgspec
import structlog
from aiokafka.errors import KafkaError

from adapters.kafka.cluster import Cluster
from adapters.kafka.reader import ByOffset, LogRecord, LogShorterError, ends_of
from schemas.topics import Topic
from streams.shelf import Kept, Snapshot, packed

log = structlog.get_logger(__name__)

# A million records load in some seconds: a tenth of it is not worth writing a file for.
RECORDS_NEWER = 100_000
# To be raised when the rule by which state is folded changes; what is written changes the shape by itself.
VERSION = 1

_DIGEST_BYTES = 32
# The head of a list, and of bytes, in msgpack: what it is, and how many.
_HEAD_BYTES = 5
_GARBLED = "it is cut off or garbled: its checksum is another"
_MARK_BYTES = 16


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Whose state a file holds, and up to where.

    Attributes:
        group: The stage's consumer group, with the namespace of the deployment.
        shape: How the state is written (streams/shelf.py).
        positions: Next offset to read of each topic that it is folded from.
        marks: Digest of the last record read of each: a log that holds another one there is another log.
    """

    version: int
    stage: str
    group: str
    connection: str
    partition: int
    shape: str
    positions: dict[Topic, int]
    marks: dict[Topic, bytes]


class _Unusable(Exception):
    """The file is not what it should be; the message says why."""


class Checkpoint:
    """The checkpoint of one stage and partition."""

    def __init__(self, path: Path, *, cluster: Cluster, stage: str, connection: str, partition: int) -> None:
        """Name the file, and whose it is."""
        self._path = path
        self._cluster = cluster
        self._stage = stage
        self._connection = connection
        self._partition = partition
        self._log = log.bind(stage=stage, connection=connection, partition=partition)
        self._kept_records = 0
        self._writing: asyncio.Task[None] | None = None
        self._log_is_cut = False

    @property
    def log_is_cut(self) -> bool:
        """Whether a file knew more of the log than the log holds, or another log."""
        return self._log_is_cut

    async def restore(self, kept: Kept) -> dict[Topic, int]:
        """Fill an empty state; return from where each topic is read on, nothing where there is no file to be used."""
        self._kept_records = 0
        try:
            about, parts = await self._usable(kept.shape)
        except FileNotFoundError:
            self._log.info("no checkpoint: state is read from the log")
            return {}
        except _Unusable as error:
            self._log.warning("the checkpoint is not used: state is read from the log", why=str(error))
            with suppress(OSError):
                await self._remove()
            return {}
        kept.restore(iter(parts))
        self._kept_records = sum(about.positions.values())
        return dict(about.positions)

    def is_due(self, positions: Mapping[Topic, int]) -> bool:
        """Return whether so much is newer than the file that another is worth while."""
        return sum(positions.values()) - self._kept_records >= RECORDS_NEWER

    def keep(self, kept: Kept, positions: Mapping[Topic, int]) -> None:
        """Write state down as it stands now, folded up to these positions; it is written beside what goes on."""
        if self._writing is None or self._writing.done():
            self._kept_records = sum(positions.values())
            self._writing = asyncio.create_task(self._keep(kept.shape, kept.parts(), dict(positions)))

    async def written(self) -> None:
        """Wait until what is being written stands in the file, or could not be written."""
        if self._writing is not None:
            await self._writing

    async def _keep(self, shape: str, parts: Sequence[Snapshot], positions: dict[Topic, int]) -> None:
        try:
            about = About(
                version=VERSION,
                stage=self._stage,
                group=self._cluster.group(self._stage),
                connection=self._connection,
                partition=self._partition,
                shape=shape,
                positions=positions,
                marks={topic: await self._mark(topic, end) for topic, end in positions.items() if end},
            )
            await self._store(about, parts)
        except (OSError, OverflowError, KafkaError, LogShorterError) as error:
            self._log.warning("no checkpoint is written: the next start takes longer", why=str(error))
        else:
            self._log.info("checkpoint written", read_to={topic.value: end for topic, end in positions.items()})

    async def _usable(self, shape: str) -> tuple[About, list[bytearray]]:
        """Return what the file holds, if it is ours and the log goes on where it ends.

        Raises:
            FileNotFoundError: There is none.
            _Unusable: It is not what it should be.
        """
        try:
            about, parts = await self._load()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _Unusable(str(error)) from error
        self._check(about, shape)
        try:
            await self._compare(about)
        except LogShorterError as error:
            self._log_is_cut = True
            raise _Unusable(str(error)) from error
        return about, parts

    def _check(self, about: About, shape: str) -> None:
        pairs = (
            ("version", about.version, VERSION),
            ("stage", about.stage, self._stage),
            ("group", about.group, self._cluster.group(self._stage)),
            ("connection", about.connection, self._connection),
            ("partition", about.partition, self._partition),
            ("shape", about.shape, shape),
        )
        differing = [f"{name} {there}, here it is {here}" for name, there, here in pairs if there != here]
        if differing:
            raise _Unusable(f"it is of another: {'; '.join(differing)}")

    async def _compare(self, about: About) -> None:
        """Hold that the log goes on where the file ends.

        Raises:
            LogShorterError: A topic was cut off or made anew since.
        """
        ends = await ends_of(self._cluster, self._partition, list(about.positions))
        for topic, position in about.positions.items():
            if ends[topic] < position:
                raise LogShorterError(f"{topic} ends at {ends[topic]}, before {position} that was read of it")
            if position and await self._mark(topic, position) != about.marks.get(topic):
                raise LogShorterError(f"{topic} has another record at {position - 1}: it was cut off or made anew")

    async def _mark(self, topic: Topic, end: int) -> bytes:
        async with ByOffset(self._cluster, topic, self._partition) as records:
            return _mark_of((await records.get([end - 1]))[end - 1])

    # The file: where it lies is all that differs between this machine's disk and one that is simulated.

    async def _load(self) -> tuple[About, list[bytearray]]:
        return await asyncio.to_thread(_read, self._path)

    async def _store(self, about: About, parts: Sequence[Snapshot]) -> None:
        await asyncio.to_thread(_write, self._path, about, parts)

    async def _remove(self) -> None:
        await asyncio.to_thread(self._path.unlink)


def _mark_of(record: LogRecord) -> bytes:
    parts = (record.timestamp_ms.to_bytes(8, "big", signed=True), record.key, record.value)
    return blake2b(msgspec.msgpack.encode(parts), digest_size=_MARK_BYTES).digest()


def unpack(file: BufferedIOBase, size: int) -> tuple[About, list[bytearray]]:
    """Return what a file holds, each part in a buffer of its own: there is no room for a second copy of a large state.

    Raises:
        OSError: It cannot be read.
        _Unusable: It is cut, garbled, or no checkpoint.
    """
    digest = sha256()
    left = size - _DIGEST_BYTES

    def take(size: int) -> bytearray:
        nonlocal left
        left -= size
        if left < 0:
            raise _Unusable(_GARBLED)
        taken = bytearray(size)
        file.readinto(taken)
        digest.update(taken)
        return taken

    def number() -> int:
        return int.from_bytes(take(_HEAD_BYTES)[1:], "big")

    checksum = file.read(_DIGEST_BYTES)
    about, *parts = [take(number()) for _ in range(number())] or [bytearray()]
    if left or digest.digest() != checksum:
        raise _Unusable(_GARBLED)
    try:
        return msgspec.msgpack.decode(about, type=About), parts
    except msgspec.MsgspecError as error:
        raise _Unusable(f"it is of another version: {error}") from None


def pack(file: BufferedIOBase, about: About, parts: Sequence[Snapshot]) -> None:
    """Write what `unpack` reads."""
    digest = sha256()
    file.write(bytes(_DIGEST_BYTES))
    for piece in _body(about, parts):
        digest.update(piece)
        file.write(piece)
    file.seek(0)
    file.write(digest.digest())


def _read(path: Path) -> tuple[About, list[bytearray]]:
    with path.open("rb") as file:
        return unpack(file, os.fstat(file.fileno()).st_size)


def _write(path: Path, about: About, parts: Sequence[Snapshot]) -> None:
    """Write a file beside and put it in place whole: a machine that stops leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    with beside.open("wb") as file:
        pack(file, about, parts)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _body(about: About, parts: Sequence[Snapshot]) -> Iterator[bytes]:
    """Yield the msgpack of a list of bytes, without ever holding all of it."""
    yield b"\xdd" + (1 + len(parts)).to_bytes(_HEAD_BYTES - 1, "big")
    for part in (packed(about), *parts):
        yield b"\xc6" + part.size.to_bytes(_HEAD_BYTES - 1, "big")
        yield from part.pieces()
