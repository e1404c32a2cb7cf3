"""What is written to the log: our own lines always, a client's sentence once in a while, what is no news not at all."""

import json
import logging
import subprocess
import sys

import structlog
from click.testing import CliRunner

from console.cli import main

SPEAKS = """
import logging
import structlog
from aiokafka.errors import ProducerFenced
from console.logs import set_up_logs
set_up_logs("info", process="test")
structlog.get_logger("ours").info("ours", amount="10.00")
structlog.get_logger("ours").info("ours", amount="10.00")
for node in range(90):
    logging.getLogger("aiokafka.client").error("node %s is away", node)
never_read = "Future exception was never retrieved"
logging.getLogger("asyncio").error(never_read, exc_info=ProducerFenced())
logging.getLogger("asyncio").error(never_read, exc_info=ValueError("a bug"))
"""


def test_lines_are_json_and_each_says_something():
    done = subprocess.run([sys.executable, "-c", SPEAKS], capture_output=True, text=True, check=True, timeout=30)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["logger"], line["event"]) for line in lines] == [
        ("ours", "ours"),
        ("ours", "ours"),
        ("aiokafka.client", "node 0 is away"),
        ("asyncio", "Future exception was never retrieved"),
    ]
    assert "a bug" in lines[-1]["exception"]
    assert {line["process"] for line in lines if line["logger"] == "ours"} == {"test"}
    assert logging.getLevelName(lines[-1]["level"].upper()) == logging.ERROR


def test_what_a_command_logs_is_no_part_of_what_it_prints(tmp_path, capsys):
    CliRunner().invoke(main, ["topics", "describe", str(tmp_path)], catch_exceptions=False)
    structlog.get_logger("adapters.zuora").info("a call of Zuora failed")
    printed, logged = capsys.readouterr()
    assert "a call of Zuora failed" in logged
    assert printed == ""
