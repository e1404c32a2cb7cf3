"""The files of a deployment agree with the code: every process has its container, every alert its metric."""

import re
from pathlib import Path

import yaml

from console.wiring import STAGES
from schemas.topics import TOPICS

ROOT = Path(__file__).resolve().parents[2]


def compose() -> dict:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def test_every_process_has_a_container():
    services = compose()["services"]
    commands = {tuple(service["command"]) for service in services.values() if "command" in service}
    assert {("receive",), ("poll",), ("observe",)} <= commands
    assert {("work", stage) for stage in STAGES} <= commands
    assert "kafka" in services


def test_the_broker_of_the_containers_takes_what_topics_take():
    settings, most = compose()["services"]["kafka"]["environment"], max(spec.message_bytes_max for spec in TOPICS)
    assert settings["KAFKA_MESSAGE_MAX_BYTES"] >= most
    assert settings["KAFKA_REPLICA_FETCH_MAX_BYTES"] >= most
    assert settings["KAFKA_LOG_RETENTION_MS"] == -1


def test_containers_listen_on_loopback_only():
    for name, service in compose()["services"].items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name


def test_every_alert_asks_for_a_metric_that_there_is():
    alerts = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8"))
    asked = set(re.findall(r"ml_connector_\w+", str(alerts)))
    offered = set(
        re.findall(r'"(ml_connector_\w+)"', (ROOT / "console" / "watching" / "metrics.py").read_text(encoding="utf-8"))
    )
    assert asked
    assert asked <= offered


def test_the_image_installs_what_the_lock_names():
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes -r run.lock" in image
    for room in ("schemas", "streams", "adapters", "console", "sandbox"):
        assert f"COPY {room} {room}" in image
