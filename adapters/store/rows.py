"""The rows of one record, written: whatever order topics are read in, the same rows stand in the end."""

import sqlite3

import msgspec

from adapters.kafka.reader import LogRecord
from adapters.store.projection import PostingRow, Projected
from schemas.codec import encode
from schemas.references import reference_code, reference_kind

# A posting that stands so for the sink needs nothing more of QAD.
_ENDED = ("posted", "superseded")
_ENDED_JSON = msgspec.json.encode(_ENDED).decode()


def write_rows(database: sqlite3.Connection, partition: int, record: LogRecord, projected: Projected) -> None:
    """Write what one record says; inside a transaction."""
    event, execute = projected.event, database.execute
    execute(
        "insert or replace into events values (?,?,?,?,?,?,?,?,?)",
        (
            record.topic.value,
            partition,
            record.offset,
            record.timestamp_ms,
            event.type,
            event.connection,
            event.document,
            event.number,
            event.subject,
        ),
    )
    execute(
        "insert into positions values (?,?,?,?) on conflict do update set next_offset=excluded.next_offset, "
        "at_ms=max(at_ms, excluded.at_ms)",
        (record.topic.value, partition, record.offset + 1, record.timestamp_ms),
    )
    document, standing, letter = projected.document, projected.standing, projected.dead_letter
    if projected.put_back is not None:
        put_back = projected.put_back
        execute(
            "insert or replace into put_back values (?,?,?)", (put_back.connection, put_back.topic, put_back.offset)
        )
    if document is not None:
        execute(
            "insert or replace into documents values (?,?,?,?,?)",
            (document.connection, document.document, document.number, document.currency, str(document.value)),
        )
    if standing is not None:
        execute(
            "insert or replace into standings values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                standing.connection,
                standing.stage,
                standing.subject,
                standing.document,
                standing.number,
                standing.status,
                standing.rule,
                standing.message,
                standing.next_step,
                standing.blocked_by,
                standing.currency,
                "" if standing.value is None else str(standing.value),
                msgspec.json.encode(standing.said).decode(),
                standing.account,
                record.timestamp_ms,
                standing.origin,
            ),
        )
    if projected.reread is not None:
        told = projected.reread
        execute("insert or replace into rereads values (?,?,?)", (told.connection, told.kind, encode(told)))
    if letter is not None:
        execute(
            "insert or replace into dead_letters values (?,?,?,?,?,?,?,?)",
            (
                letter.connection,
                letter.topic,
                letter.offset,
                letter.stage,
                letter.reason,
                letter.next_step,
                record.timestamp_ms,
                record.offset if letter.offset < 0 else 0,
            ),
        )
    for posting in projected.postings:
        _write_posting(database, event.connection, posting)
    if standing is not None and standing.stage == "sink":
        execute(
            "update postings set pending=? where connection=? and posting=?",
            (standing.status not in _ENDED, standing.connection, standing.subject),
        )
    if projected.shown is not None:
        shown = projected.shown
        execute(
            "insert or replace into shown values (?,?,?,?)",
            (partition, reference_kind(shown), reference_code(shown), encode(shown)),
        )
    if projected.published is not None:
        published = projected.published
        execute("insert or replace into published values (?,?)", (published.connection, encode(published)))


def _write_posting(database: sqlite3.Connection, connection: str, posting: PostingRow) -> None:
    """Write what a posting uses; built anew, it may use something else."""
    key = (connection, posting.posting)
    database.execute("delete from uses where connection=? and posting=?", key)
    database.execute(
        "insert or replace into postings select ?,?,?,?,?,?, not exists (select 1 from standings "
        "where connection=?1 and stage='sink' and subject=?2 and status in (select value from json_each(?7)))",
        (*key, posting.document, posting.currency, str(posting.total), posting.day, _ENDED_JSON),
    )
    database.executemany("insert into uses values (?,?,?)", [(*key, use) for use in posting.uses])
