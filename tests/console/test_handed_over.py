"""What is said of files that the site has not taken, or has refused: in lag, on the page, in the metrics."""

import errno
import os
import re
import time
from pathlib import Path

import pytest
import yaml

from console.config import load_site
from console.watching.handed_over import handed_over, handed_over_rows
from console.watching.metrics import Metrics
from console.wiring import Wiring
from tests.adapters.qad_company import post
from tests.console.test_files_wired import CONFIGURATION
from tests.ports.files import PROFILE, Site

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def site(tmp_path):
    (tmp_path / "ml-connector.toml").write_text(CONFIGURATION)
    (tmp_path / "files.toml").write_text(PROFILE)
    return Site(tmp_path)


@pytest.fixture
def wiring(site):
    return Wiring(load_site(site.path.parent / "ml-connector.toml"))


@pytest.fixture
async def files(site):
    """Four files, oldest first: one taken, two refused, one to be taken."""
    erp = await site.port()
    for _ in range(4):
        await post(erp, site.commands.invoice())
    taken, *refused, waiting = site.files()
    taken.rename(site.path / "done" / taken.name)
    refused = [path.rename(site.path / "refused" / path.name) for path in refused]
    refused[0].with_name(f"{refused[0].name}.reason.txt").write_text("the period\nis closed")
    for path, age_s in ((refused[0], 100), (refused[1], 500), (waiting, 7200)):
        os.utime(path, (time.time() - age_s,) * 2)
    return refused, waiting


def metrics_of(found):
    metrics = Metrics()
    metrics.update_files(found)
    text = metrics.text().decode()
    return dict(re.findall(r"^(ml_connector_files\w*\{.*\}) (\S+)$", text, re.MULTILINE))


async def test_what_is_refused_and_what_is_not_taken_is_named_with_its_next_step(wiring, files):
    refused, waiting = files
    [found] = handed_over(wiring)
    assert [one.name for one in found.waiting] == [waiting.name]
    assert [(one.name, one.reason) for one in found.refused] == [
        (refused[1].name, "no reason given"),
        (refused[0].name, "the period is closed"),
    ]
    rows = list(handed_over_rows(found))
    assert [(row[1], row[2]) for row in rows] == [("to be taken", 1), ("refused", 2), ("refused", 2)]
    assert "move the same file from refused back into the directory" in rows[-1][-1]


async def test_metrics_count_both_and_tell_the_age_of_the_oldest(wiring, files):
    found = metrics_of(handed_over(wiring))
    assert found['ml_connector_files{connection="acme-main",standing="refused"}'] == "2.0"
    assert found['ml_connector_files{connection="acme-main",standing="waiting"}'] == "1.0"
    assert found['ml_connector_files_seen{connection="acme-main"}'] == "1.0"
    assert 7200 <= float(found['ml_connector_files_oldest_seconds{connection="acme-main",standing="waiting"}']) < 7300


async def test_a_file_that_is_moved_back_is_to_be_taken_again(site, wiring, files):
    for path in files[0]:
        path.rename(site.path / path.name)
    found = metrics_of(handed_over(wiring))
    assert found['ml_connector_files{connection="acme-main",standing="refused"}'] == "0.0"
    assert found['ml_connector_files{connection="acme-main",standing="waiting"}'] == "3.0"


def test_a_directory_that_is_away_is_said_and_is_no_empty_one(site, wiring):
    site.path.rename(site.path.with_name("away"))
    [found] = handed_over(wiring)
    assert "mount or make it" in found.trouble
    assert metrics_of([found]) == {'ml_connector_files_seen{connection="acme-main"}': "0.0"}
    assert "not seen" in next(handed_over_rows(found))


def test_a_directory_that_may_not_be_read_is_said_as_well(site, wiring, monkeypatch):
    def forbidden(self):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "is_dir", forbidden)
    [found] = handed_over(wiring)
    assert "this user may not write or read there" in found.trouble


def test_alerts_ask_for_standings_that_there_are():
    alerts = (ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8")
    rules = {rule["alert"]: rule for group in yaml.safe_load(alerts)["groups"] for rule in group["rules"]}
    asked = set(re.findall(r'ml_connector_files\w*\{standing="(\w+)"\}', str(rules)))
    assert asked == {"waiting", "refused"}
    assert all("connection" in rules[name]["annotations"]["summary"] for name in rules if name.startswith("Files"))
