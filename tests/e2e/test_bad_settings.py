"""Settings that are wrong: each command and process says so in one sentence, with the right exit code.

The stand-ins run, topics and mappings are there; each test breaks one thing of its own copy of the installation. Shown
elsewhere: what each key of a configuration, profile or mapping may say (tests/console, tests/adapters); a document or
connection that does not exist (test_commands.py); a profile that is not confirmed (test_bad_input.py).
"""

import asyncio
import json
import re
import shutil
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.credentials.store import CredentialStore
from console.demo.house import House, standing_house
from console.demo.product import Product
from console.output import EXIT_FAILED, EXIT_FINDINGS, EXIT_OK, EXIT_USAGE

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITE = "emea"
CONFIGURATION, KEY, STORE = "ml-connector.toml", "credentials.key", "credentials.json"
# The place of the site's Zuora in the configuration, and a word that opens nothing.
BASE_URL, WRONG = r'(?<=\[tenants\.emea\]\nbase_url = ")([^"]*)', "canary-wrong-word"
# A process that goes on although something is wrong is watched for so long at most.
# As long as a busy machine may take to begin a process and read two tenants.
_WATCH_S = 90.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(kafka, tmp_path_factory):
    directory = tmp_path_factory.mktemp("bad_settings") / "house"
    async with standing_house(directory, seed=7, size=0.1, kafka=kafka) as found:
        await found.product.command("topics", "create")
        yield found


class Copy:
    """An installation of its own beside the same world."""

    def __init__(self, house: House, directory: Path) -> None:
        self.directory = directory
        for path in house.directory.iterdir():
            if path.is_file():
                shutil.copy(path, directory)
        self.product = Product(directory / CONFIGURATION, log=directory / "run.log")

    def edit(self, name: str, pattern: str, replacement: str) -> None:
        """Change the one place of a file that a pattern finds."""
        path = self.directory / name
        text, count = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert count == 1, f"{pattern} is in {name} {count} times"
        path.write_text(text, encoding="utf-8")

    async def run(self, *words: str, stdin: str = "") -> tuple[int, str, str]:
        """Run a command to its end; return its code, and what it said to people and beside that."""
        process = await self.start(*words, err=PIPE)
        out, err = await process.communicate(stdin.encode())
        return process.returncode or 0, out.decode(), err.decode()

    async def start(self, *words: str, err: int = STDOUT) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "console", "--config", str(self.product.configuration), *words),
            stdin=PIPE, stdout=PIPE, stderr=err, cwd=self.directory,
        )  # fmt: skip


@pytest.fixture
def copy(house, tmp_path):
    return Copy(house, tmp_path)


@pytest_asyncio.fixture(loop_scope="module")
async def unread(kafka, tmp_path):
    """An installation whose world nobody has polled yet: the tests of this file run in any order."""
    async with standing_house(tmp_path / "house", seed=7, size=0.1, kafka=kafka) as found:
        await found.product.command("topics", "create")
        (tmp_path / "copy").mkdir()
        yield Copy(found, tmp_path / "copy")


def sentence_of(err: str) -> str:
    """Return the one sentence of a command that failed; log lines of a process are JSON, and are not for people."""
    assert "Traceback" not in err
    [line] = [line for line in err.splitlines() if not line.startswith("{")]
    assert line.startswith("ml-connector: ")
    return line.removeprefix("ml-connector: ")


async def test_a_configuration_that_is_not_there(copy):
    (copy.directory / CONFIGURATION).unlink()
    commands = [copy.run(*words.split()) for words in ("run", "poll", "work sink", "ping")]
    for code, _, err in await asyncio.gather(*commands):
        assert code == EXIT_USAGE
        missing = f"{copy.directory / CONFIGURATION} is not there"
        assert sentence_of(err) == f"{missing}: ml-connector init writes one, --config names one"


@pytest.mark.parametrize(
    ("pattern", "replacement", "said"),
    [
        (r"^bootstrap = .*$", r"\g<0>\nbotstrap = 1", "the key 'botstrap' is not known there"),
        (r"^\[kafka\]$", "[kafka", "(at line 3"),
        (r'^tenant = "emea"$', 'tenant = "apac"', "connections.emea.tenant: there is no [tenants.apac]"),
    ],
)
async def test_a_configuration_that_says_what_is_not_known(copy, pattern, replacement, said):
    copy.edit(CONFIGURATION, pattern, replacement)
    code, _, err = await copy.run("run")
    assert code == EXIT_USAGE
    assert sentence_of(err).startswith(str(copy.directory / CONFIGURATION))
    assert said in err


@pytest.mark.parametrize("words", ["work sink", "work read", "receive", "poll", "credentials list"])
async def test_without_the_key_nothing_starts(copy, words):
    (copy.directory / KEY).unlink()
    code, _, err = await copy.run(*words.split())
    assert code == EXIT_USAGE
    assert KEY in sentence_of(err)


async def test_another_key_opens_nothing(copy):
    (copy.directory / KEY).unlink()
    (copy.directory / "new").mkdir()
    assert (await copy.run("init", str(copy.directory / "new")))[0] == EXIT_OK
    shutil.copy(copy.directory / "new" / KEY, copy.directory)
    code, _, err = await copy.run("work", "sink")
    assert code in (EXIT_USAGE, EXIT_FAILED)
    assert "key" in sentence_of(err)


async def test_no_broker(copy):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{taken.getsockname()[1]}"
        copy.edit(CONFIGURATION, r"^bootstrap = .*$", f'bootstrap = "{nobody}"')
        for words in ("run", "work match"):
            code, _, err = await copy.run(*words.split())
            assert code == EXIT_FAILED
            assert sentence_of(err) == f"no Kafka answers at {nobody}: start it, or set [kafka] bootstrap"


@pytest.mark.parametrize(("process", "table"), [("receive", "receiver"), ("observe", "observe")])
async def test_a_port_that_is_taken(copy, process, table):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        copy.edit(CONFIGURATION, rf"(\[{table}\]\nhost = .*\nport = ).*$", rf"\g<1>{port}")
        code, _, err = await copy.run(process)
    assert code == EXIT_USAGE
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use)" in sentence_of(err)


async def failed_pings(copy: Copy) -> dict[tuple[str, str], str]:
    """Return the next step of everything that does not work, by subject and what was tried."""
    code, out, err = await copy.run("ping", "--json")
    assert code == EXIT_FINDINGS
    assert "Traceback" not in out + err
    failed = {(one["subject"], one["what"]): one["next_step"] for one in json.loads(out) if not one["ok"]}
    assert all(failed.values())
    return failed


async def test_a_base_url_of_zuora_where_nobody_listens(copy):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        copy.edit(CONFIGURATION, BASE_URL, f"http://127.0.0.1:{taken.getsockname()[1]}")
        failed = await failed_pings(copy)
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
    assert set(failed) == {(SITE, "Zuora")}
    assert f"Zuora cannot be reached at {address}/oauth/token (base_url)" in failed[SITE, "Zuora"]


async def test_a_base_url_of_zuora_where_something_else_answers(copy):
    copy.edit(CONFIGURATION, BASE_URL, r"\g<1>/nowhere")
    failed = await failed_pings(copy)
    assert set(failed) == {(SITE, "Zuora")}
    assert "/oauth/token (HTTP 404" in failed[SITE, "Zuora"]


async def test_a_secret_of_zuora_that_is_wrong(copy):
    await set_wrong(copy, "zuora/emea", "client_secret")
    failed = await failed_pings(copy)
    assert set(failed) == {(SITE, "Zuora")}
    assert "Zuora does not accept the client id and secret" in failed[SITE, "Zuora"]
    assert WRONG not in str(failed)


async def test_a_password_of_qad_that_is_wrong(copy):
    await set_wrong(copy, "qad/emea", "password")
    failed = await failed_pings(copy)
    assert set(failed) == {(SITE, "QAD")}, "asked once: seven wrong log-ins lock a service user out"
    assert "QAD does not accept the credentials (HTTP 401): user name or password is wrong" in failed[SITE, "QAD"]
    assert WRONG not in str(failed)


async def test_a_profile_that_does_not_show_what_a_receipt_carries(copy):
    copy.edit("profile-emea.toml", r"^allocated = .*$", "")
    _, out, _ = await copy.run("ping", "--json")
    found = {
        one["subject"]: (one["ok"], one["found"]) for one in json.loads(out) if one["what"] == "look-up of receipt"
    }
    assert found["amer"] == (True, "answers")
    assert found[SITE][0]
    assert "no column says what a receipt carries" in found[SITE][1]


async def test_processes_go_on_with_what_is_wrong_outside_and_say_what_it_is(copy):
    """They cannot know that it is a person's fault: each tries again by itself, in sentences, and ends when told."""
    await set_wrong(copy, "zuora/emea", "client_secret")
    await set_wrong(copy, "qad/amer", "password")
    copy.edit("profile-emea.toml", r'(?<=^base_url = ")([^"]*)', r"\g<1>/nowhere")
    process = await copy.start("poll")
    wanted = {
        "Zuora does not accept the client id and secret",
        "QAD does not accept the credentials",
        "(HTTP 404)",
    }
    lines: list[str] = []
    async with asyncio.timeout(_WATCH_S):
        while wanted:
            line = (await process.stdout.readline()).decode()
            assert line, "it ended: " + "".join(lines)
            lines.append(line)
            wanted = {said for said in wanted if said not in line}
    process.terminate()
    rest, _ = await process.communicate()
    text = "".join(lines) + rest.decode()
    assert process.returncode == EXIT_OK
    assert "Traceback" not in text
    assert '"exception"' not in text
    assert WRONG not in text


async def test_what_one_connection_lacks_keeps_no_other_and_no_zuora_from_being_polled(unread):
    """A profile that cannot be read and a secret that was never set: both are mended while the process goes on."""
    profile = unread.directory / "profile-amer.toml"
    whole = profile.read_text(encoding="utf-8")
    profile.write_text("[", encoding="utf-8")
    store = CredentialStore(unread.directory / STORE, unread.directory / KEY)
    secret = store.get("zuora/amer", "client_secret").reveal()
    unset(store, "zuora/amer", "client_secret")
    process = await unread.start("poll")
    lines: list[dict[str, object]] = []

    async def said(*wanted: dict[str, object]) -> None:
        left = list(wanted)
        try:
            async with asyncio.timeout(_WATCH_S):
                while left:
                    line = await process.stdout.readline()
                    assert line, f"it ended: {lines}"
                    lines.append(json.loads(line))
                    left = [one for one in left if not one.items() <= lines[-1].items()]
        except TimeoutError:
            raise AssertionError(f"never said: {left}; but {[line['event'] for line in lines]}") from None

    ended = "this has ended; it begins again by itself"
    read = {"event": "reference data changed", "what": "gl_accounts"}
    try:
        await said(
            {"event": ended, "whose": "amer", "what": "polling QAD's reference data"},
            {"event": ended, "whose": "amer", "what": "polling Zuora"},
            {"event": ended, "whose": "amer", "what": "looking back in Zuora"},
            {"event": "no cursor: everything is read from the start", "tenant": SITE, "kind": "invoice"},
            {**read, "connection": SITE},
        )
        profile.write_text(whole, encoding="utf-8")
        assert (await unread.run("credentials", "set", "zuora/amer", "client_secret", stdin=secret + "\n"))[
            0
        ] == EXIT_OK
        await said(
            {**read, "connection": "amer"},
            {"event": "no cursor: everything is read from the start", "tenant": "amer", "kind": "invoice"},
        )
    finally:
        process.terminate()
        rest, _ = await process.communicate()
    assert process.returncode == EXIT_OK
    reasons = {str(line["reason"]) for line in lines if line["event"] == ended}
    assert any("zuora/amer client_secret is not set" in reason for reason in reasons)
    assert any("profile-amer.toml" in reason for reason in reasons)
    assert not any("exception" in line for line in lines)
    assert secret not in str(lines) + rest.decode()


def unset(store: CredentialStore, owner: str, field: str) -> None:
    """Make a store anew without one of its secrets: no command takes one away."""
    names = [(other, name) for other, name, _ in store.names() if (other, name) != (owner, field)]
    kept = {name: store.get(*name).reveal() for name in names}
    store._path.unlink()
    anew = CredentialStore(store._path, store._key_file)
    for (other, name), text in kept.items():
        anew.set(other, name, text)


async def set_wrong(copy: Copy, owner: str, field: str) -> None:
    code, _, err = await copy.run("credentials", "set", owner, field, stdin=WRONG + "\n")
    assert code == EXIT_OK, err


@pytest.mark.parametrize(
    ("pattern", "replacement", "said"),
    [
        (r"^\[daybooks\]$", r"\g<0>\nledger = 'ZINV'", "daybooks: the key 'ledger' is not known there"),
        (r"^account = \"4300\"$", "", "account"),
        (r'^account = "4300"$', 'account = "4310"', "GL account 4310 does not exist in QAD"),
        (r'^account = "4300"$', 'account = "4990"', "GL account 4990 is not active in QAD"),
        (r'^code = "Support Revenue"$', 'code = "Suport Revenue"', "Zuora has no accounting code of that name"),
        (r"^cut_over = .*$", "cut_over = 'soon'", "cut_over"),
    ],
)
async def test_a_mapping_that_cannot_count(copy, read, pattern, replacement, said):
    name = f"mapping-{SITE}-1.toml"
    copy.edit(name, pattern, replacement)
    checked, published = await asyncio.gather(
        copy.run("mapping", "check", name, "--connection", SITE),
        copy.run("mapping", "publish", name, "--connection", SITE, "--why", "x", "--yes"),
    )
    code, out, err = checked
    assert code in (EXIT_USAGE, EXIT_FINDINGS)
    assert name in out + err
    assert said in out + err
    code, _, err = published
    assert code == EXIT_USAGE
    assert said in sentence_of(err)
    assert name in err


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def read(house):
    """References have been read, so that a mapping can be held against them."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console", "--config", str(house.files.configuration), "poll"), stdout=PIPE
    )
    try:
        async with asyncio.timeout(60):
            while process.returncode is None:
                words = ("mapping", "check", house.files.mappings[SITE][0].name, "--connection", SITE)
                said = await house.product.command(*words, codes=(EXIT_OK, EXIT_FINDINGS))
                if "nothing is wrong" in said:
                    break
                await asyncio.sleep(0.5)
    finally:
        process.terminate()
        await process.communicate()
