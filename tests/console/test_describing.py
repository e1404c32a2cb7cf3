"""What docs/events says of the topics is what the code writes there."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator, FormatChecker

from console.cli import main
from console.wiring import STAGES
from schemas.callouts import Callout
from schemas.codec import encode
from schemas.describing import _structs, schema_of
from schemas.events import EVENTS
from schemas.outcomes import Parked
from schemas.reasons import Reason
from schemas.topics import SPEC, Topic
from tests.golden.record import OUTPUTS, read_log

DOCS = Path(__file__).resolve().parents[2] / "docs" / "events"

formats = FormatChecker(formats=["date"])


@formats.checks("date-time", raises=ValueError)
def is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def errors_of(topic: Topic, value: bytes) -> list[str]:
    validator = Draft202012Validator(schema_of(topic), format_checker=formats)
    return [error.message for error in validator.iter_errors(msgspec.json.decode(value))]


def parked(**changes: Any) -> dict[str, Any]:
    reason = Reason(rule="unmapped_code", message="no row")
    fields = {"connection": "c", "stage": "ledger", "subject": "invoice:1", "document": "invoice:1", "origin": 3}
    event = Parked(**fields, reason=reason, currency="EUR", value=Decimal("1E+2"))
    return msgspec.json.decode(encode(event)) | changes


def test_the_files_are_what_the_command_writes(tmp_path):
    assert CliRunner().invoke(main, ["topics", "describe", str(tmp_path)]).exit_code == 0
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text() for path in DOCS.glob("*.json")}
    assert sorted(made) == sorted(f"{topic.value}.json" for topic in Topic)
    assert made == kept, "run: ml-connector topics describe docs/events"


@pytest.mark.parametrize("topic", Topic)
def test_each_schema_is_one(topic):
    Draft202012Validator.check_schema(schema_of(topic))


def test_all_that_was_recorded_is_as_described():
    recorded = [(line.topic, bytes(line.event)) for line in read_log()]
    recorded += [(topic, line) for topic, path in OUTPUTS.items() for line in path.read_bytes().splitlines()]
    for topic, value in recorded:
        assert errors_of(topic, value) == []


def test_bytes_are_base64():
    at = datetime.fromisoformat("2026-03-10T12:00:00Z")
    callout = Callout(
        connection="c", tenant="t", received_at=at, notification_id="n", headers={}, content_type="", body=b"\xff{"
    )
    assert errors_of(Topic.CALLOUTS, encode(callout)) == []
    assert schema_of(Topic.CALLOUTS)["$defs"]["Callout"]["properties"]["body"]["contentEncoding"] == "base64"


@pytest.mark.parametrize("value", ["100.00", "-0.5", "1E+2", "0", None])
def test_an_amount_is_a_string(value):
    assert errors_of(Topic.OUTCOMES, msgspec.json.encode(parked(value=value))) == []


@pytest.mark.parametrize("value", [100.5, 100, "NaN", "Infinity", "1,5", ".5", ""])
def test_an_amount_is_nothing_else(value):
    assert errors_of(Topic.OUTCOMES, msgspec.json.encode(parked(value=value)))


@pytest.mark.parametrize("topic", Topic)
def test_every_amount_day_and_moment_is_described_as_one(topic):
    described = schema_of(topic)["$defs"]
    named = {Decimal: "decimal", date: "date", datetime: "date-time"}
    structs = _structs(EVENTS[topic].kind)
    assert set(structs) == {name for name, schema in described.items() if "properties" in schema}
    for name, struct in structs.items():
        for field in msgspec.structs.fields(struct):
            for kind in {field.type, *get_args(field.type)} & named.keys():
                assert f"'format': '{named[kind]}'" in str(described[name]["properties"][field.encode_name])


def test_the_table_of_the_readme_is_that_of_the_code():
    table = [line for line in (DOCS / "README.md").read_text().splitlines() if line.startswith("| `")]
    rows = {
        Topic(cells[0].strip("`")): cells[1:]
        for cells in ([cell.strip() for cell in row.strip("|").split("|")] for row in table)
    }
    assert list(rows) == list(Topic)
    for topic, (key, written_by, read_by, kept) in rows.items():
        assert key == SPEC[topic].key
        assert kept == ("the newest of each key" if SPEC[topic].compacted else "for ever")
        for stage in STAGES.values():
            assert topic not in stage.writes or f"`{stage.name}`" in written_by
            assert topic not in {stage.source, stage.material, *stage.sides} or f"`{stage.name}`" in read_by
