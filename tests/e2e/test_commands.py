"""Every command as people use it, on a product that runs: in words, as JSON, with exit codes; no secret anywhere."""

import re

import aiohttp
import pytest

from adapters.kafka.reader import read_whole
from console.demo.house import House
from console.demo.product import CommandFailed
from console.demo.quiet import until_quiet
from console.demo.screen import Screen
from console.output import EXIT_FINDINGS
from console.wiring import Wiring
from sandbox.world import tell_story
from schemas.topics import Topic

SITE = "emea"


@pytest.mark.timeout(480)
async def test_commands_say_in_words_and_as_json_what_is_so(house, eventually):
    command, ask = house.product.command, house.product.ask
    await the_credentials_are_complete_and_stay_sealed(house)
    with pytest.raises(CommandFailed, match="ml-connector topics create"):
        await command("run")
    assert "made 10 topics" in await command("topics", "create")
    assert "all topics are there" in await command("topics", "create")
    assert (await ask("topics", "create"))["partitions"] == {"emea": 0, "amer": 1}

    pinged = await ask("ping")
    assert {finding["subject"] for finding in pinged} == {"kafka", "emea", "amer"}
    assert [finding for finding in pinged if not finding["ok"]] == []
    async with tell_story(house.world, house.controls(), receiver=house.receiver) as story:
        await story.tell("opening")
        house.product.start()
        for site in story.scenes:
            file = house.files.mappings[site][0].name

            async def is_well(file: str = file, site: str = site) -> None:
                try:
                    assert "nothing is wrong" in await command("mapping", "check", file, "--connection", site)
                except CommandFailed as failed:
                    raise AssertionError(str(failed)) from None

            await eventually(is_well, within_s=60)
            words = ("mapping", "publish", file, "--connection", site, "--why", "agreed", "--yes")
            assert "published version 1" in await command(*words)
        await story.tell("october_run")
        read_to = {name: await scene.zuora.next_second() for name, scene in story.scenes.items()}
        await until_quiet(Wiring(house.site()), read_to=read_to, screen=Screen())

        number = story.case(SITE, "long_invoice").documents[0]
        await the_trace_is_whole(house, number)
        await the_page_shows_what_the_commands_say(house)
        for row in (await ask("lag"))["stages"]:
            assert row["records"] == 0
            assert row["group"].startswith("Stable")
        lag = await ask("lag")
        assert {row["stage"] for row in lag["stages"]} == {"read", "match", "ledger", "sink"}
        assert {"poll", "read"} <= {use["process"] for use in lag["budgets"]}
        assert all(use["usage"]["refused"] == 0 for use in lag["budgets"])
        assert isinstance(lag["rereads"], list)
        assert "standing still: 0; dead letters: 0" in await command("parked", "list", "--waiting")
        assert (await ask("parked", "list"))["dead_letters"] == []
        assert "does not stand still" in await command("parked", "show", number, "-c", SITE)
        assert await ask("match", "list", "--connection", SITE)
        with pytest.raises(CommandFailed, match="stage is running"):
            await command("replay", "--stage", "sink", "--connection", SITE, "--from", "0", "--why", "x", "--yes")
        plan = await command(
            *("replay", "--stage", "sink", "--connection", SITE, "--from", "0", "--why", "x", "--plan"),
            codes=(EXIT_FINDINGS,),
        )
        assert "must be Empty" in plan
        await one_document_is_decided_again(house, number, eventually)
        said = await command("reconcile", codes=(EXIT_FINDINGS,))
        assert "QAD has no opening item with its number" in said
        assert "duplicates 0, lost 0, foreign 0, other differences 1, unexplained 0 in every currency" in said
        assert "reconciliation of emea" in await page(house)
    await what_does_not_exist_is_said(house)
    await no_secret_is_written_anywhere(house)


async def the_credentials_are_complete_and_stay_sealed(house: House) -> None:
    secrets = house.world.secrets()
    listed = await house.product.command("credentials", "list")
    assert {row["owner"] for row in await house.product.ask("credentials", "list")} == set(secrets)
    assert not [text for fields in secrets.values() for text in fields.values() if len(text) > 12 and text in listed]
    assert "none is missing" in await house.product.command("credentials", "check")
    await house.product.command("credentials", "set", "qad/emea", "client_secret", stdin="another word\n")
    versions = {(row["owner"], row["field"]): row["version"] for row in await house.product.ask("credentials", "list")}
    assert versions["qad/emea", "client_secret"] == 1
    with pytest.raises(CommandFailed, match="an empty secret is not sealed"):
        await house.product.command("credentials", "set", "qad/emea", "password", stdin="\n")


async def the_trace_is_whole(house: House, number: str) -> None:
    """From the callout's bytes to QAD's answer."""
    traced = await house.product.ask("trace", number, "-c", SITE)
    [(name, events)] = traced.items()
    assert name.startswith("emea invoice:")
    types = [event["content"]["type"] for event in events]
    assert {"callout", "record", "matched", "postings", "intended", "posted"} <= set(types)
    assert types.index("record") < types.index("matched") < types.index("postings") < types.index("intended")
    said = await house.product.command("trace", number, "-c", SITE)
    assert re.search(r"QAD 2026/ZINV/\d+ by answer", said)
    assert '"object"' in said


async def page(house: House) -> str:
    async with aiohttp.ClientSession() as session, session.get(house.page) as answer:
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        return await answer.text()


async def the_page_shows_what_the_commands_say(house: House) -> None:
    shown = await page(house)
    assert "How far behind" in shown
    for stage in ("read", "match", "ledger", "sink"):
        assert f"<td>emea</td><td>{stage}</td><td class=n>0</td>" in shown
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{house.page}metrics") as answer:
            text = await answer.text()
            assert 'ml_connector_lag_records{connection="amer",stage="sink"} 0.0' in text
            assert 'ml_connector_zuora_calls_allowed{process="poll",slot="0",tenant=' in text
        async with session.get(f"{house.page}ready") as answer:
            assert answer.status == 200
        async with session.post(house.page, data=b"x") as answer:
            assert answer.status == 405


async def one_document_is_decided_again(house: House, number: str, eventually) -> None:
    before = len(next(iter((await house.product.ask("trace", number, "-c", SITE)).values())))
    words = ("replay", "--document", number, "--why", "a test", "--yes")
    with pytest.raises(CommandFailed, match=f"amer and emea have a {number} each"):
        await house.product.command(*words)
    assert "stay" in await house.product.command(*words, "-c", SITE)

    async def decided_again() -> None:
        events = next(iter((await house.product.ask("trace", number, "-c", SITE)).values()))
        assert len(events) > before
        assert [event["content"]["type"] for event in events].count("intended") == 1

    await eventually(decided_again, within_s=30)


async def what_does_not_exist_is_said(house: House) -> None:
    for words, sentence in (
        (("trace", "INV99999999"), "nothing is known of INV99999999"),
        (("parked", "show", "INV99999999"), "nothing is known of INV99999999"),
        (("parked", "release", "INV99999999", "--why", "x", "--yes"), "nothing is known of INV99999999"),
        (("parked", "release", "--why", "x", "--yes"), "name documents, or --rule"),
        (("match", "list"), "name a connection with --connection: emea, amer"),
        (("match", "list", "--connection", "apac"), "name a connection with --connection: emea, amer"),
        (
            ("match", "link", "EM-99999999", "20001004", "-c", "emea", "--why", "x", "--yes"),
            "account EM-99999999 has not been read",
        ),
        (("credentials", "set", "zuora/apac", "client_id"), "zuora/emea"),
        (("credentials", "set", "zuora/emea", "pass"), "client_id"),
        (("replay", "--stage", "sink", "-c", "emea", "--why", "x"), "--from"),
        (("replay", "--why", "x"), "--document"),
    ):
        with pytest.raises(CommandFailed, match=re.escape(sentence)) as failed:
            await house.product.command(*words)
        assert "Traceback" not in str(failed.value)
        assert "ended with 2" in str(failed.value)


async def no_secret_is_written_anywhere(house: House) -> None:
    """Look for every secret in every file that the product wrote, and in every topic."""
    secrets = [text.encode() for fields in house.world.secrets().values() for text in fields.values() if len(text) > 12]
    assert len(secrets) >= 8
    # The stand-ins are the locks: they say what opens them.
    locks = {path.name for paths in (house.files.zuora_worlds, house.files.qad_worlds) for path in paths.values()}
    locks |= {f"{name}.log" for name in house.stand_ins()}
    written = [path for path in house.directory.rglob("*") if path.is_file() and path.name not in locks]
    assert house.product.log in written
    assert not [path for path in written for secret in secrets if secret in path.read_bytes()]
    wiring = Wiring(house.site())
    partitions = await wiring.partitions()
    records = [
        record
        for number in partitions.values()
        for record in await read_whole(wiring.site.cluster, number, list(Topic))
    ]
    assert len(records) > 300
    assert not [record.topic for record in records for secret in secrets if secret in record.value]
