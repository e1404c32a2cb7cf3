"""Commands for a QAD tenant: its profile written, checked, asked column by column, and rehearsed in a test entity."""

import sys
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import msgspec

from adapters.qad.profiles.profile import Profile
from adapters.qad.profiles.schema import profile_schema
from adapters.qad.qxtend.port import QxtendQad
from adapters.settings import load_settings
from console.context import Context, ask, command_options, connection_option
from console.decisions import decided
from console.golive.checklist import walk
from console.golive.probing import probe as probe_columns
from console.golive.rehearsing import Rehearsal, Rehearsed, left_open
from console.golive.script import Stage, Step, script
from console.output import EXIT_FINDINGS
from console.reconciliation.reading import open_items
from schemas.decisions import MappingPublished
from schemas.errors import ConnectorError, Misconfigured
from schemas.mapping import Mapping


@click.group()
def qad() -> None:
    """Describe a QAD tenant, and try the description out."""


@qad.group()
def profile() -> None:
    """A tenant's profile: write, check, probe, rehearse."""


@profile.command("init")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--connection", "-c", default="CONNECTION", help="Name of the connection, for its first line.")
@click.option("--base-url", default="https://<TENANT>/clouderp", help="Address of the tenant, whole.")
@click.option("--domain", default="<DOMAIN>", help="Domain code.")
@click.option("--entity", default="<ENTITY>", help="Entity code.")
@click.option("--qxtend", is_flag=True, help="Documents go through QXtend (SOAP) instead of REST.")
@click.option("--files", "into_files", is_flag=True, help="Documents go into files, and no QAD is called.")
@command_options
def init_profile(
    context: Context,
    file: Path,
    connection: str,
    base_url: str,
    domain: str,
    entity: str,
    qxtend: bool,
    into_files: bool,
) -> None:
    """Write a commented profile to FILE; what nobody could know stands in <...> and says confirmed = false."""
    if file.exists():
        raise Misconfigured(f"{file} is there already: nothing is written over")
    if qxtend and into_files:
        raise click.UsageError("documents go through QXtend or into files: leave out --qxtend or --files")
    text = _template("files.toml" if into_files else "profile.toml")
    if qxtend:
        before, _, rest = text.partition("# -- documents --")
        text = f"{before}{_template('qxtend.toml')}\n{rest[rest.index('# -- open items') :]}"
    blanks = {"CONNECTION": connection, "https://<TENANT>/clouderp": base_url, "<DOMAIN>": domain, "<ENTITY>": entity}
    for blank, said in blanks.items():
        text = text.replace(blank, said)
    file.write_text(text, encoding="utf-8")
    context.output.result({"written": str(file)})
    following = "fill in what stands in <...>, qad profile check, probe, rehearse"
    if into_files:
        following = "make its directory with done, refused and lists in it, qad profile check, ping"
    context.output.say(f"wrote {file}. Next: {following}")


@profile.command("check")
@connection_option
@command_options
def check_profile(context: Context, connection: str) -> None:
    """Validate the profile, and walk the go-live list (docs/go-live.md); asks nobody but Kafka for the mapping."""
    name = context.connection(connection)
    files_of = context.wiring.files(name)
    if files_of is not None:
        context.output.result({"hash": files_of.content_hash, "unconfirmed": [], "items": [], "mapping_not_read": ""})
        context.output.say(f"{name}: profile {files_of.content_hash} is valid; ping tries its directory and its lists")
        return
    found = context.wiring.profile(name)
    mapping, unread = _published(context, name)
    items = walk(found, mapping)
    unconfirmed = found.unconfirmed
    if found.customers is not None and not found.customers.confirmed:
        unconfirmed.append("customers")
    facts = {"hash": found.content_hash, "unconfirmed": unconfirmed, "items": items, "mapping_not_read": unread}
    context.output.result(facts)
    context.output.table(
        ("", "what a site must confirm", "state", "found"),
        [(item.number, item.title, item.state, item.found) for item in items],
        title=f"{name}: profile {found.content_hash} is valid",
    )
    missing = [item for item in items if item.state == "open"]
    if missing:
        context.output.say(f"{len(missing)} lines are open: docs/go-live.md says how to close each")
        sys.exit(EXIT_FINDINGS)


@profile.command("describe")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@command_options
def describe_profile(context: Context, file: Path) -> None:
    """Write the JSON Schema of profiles into FILE: editors complete and check a profile by it."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(profile_schema()), indent=2) + b"\n")
    context.output.result({"written": str(file)})
    context.output.say(f"wrote {file}")


@profile.command("probe")
@connection_option
@command_options
def probe(context: Context, connection: str) -> None:
    """Call the real QAD, read-only, and report every browse and column that the profile names."""
    name = context.connection(connection)
    found = context.wiring.profile(name)

    async def ask_qad() -> list[Any]:
        async with context.wiring.qad(name, found) as client:
            # Once and first: a wrong password that is tried for every line locks the service user out.
            await client.token.get()
            return [one async for one in probe_columns(client, found)]

    columns = context.run(ask_qad())
    context.output.result(columns)
    context.output.table(
        ("part", "our word", "column", "", "found", "next step"),
        [(one.part, one.word, one.column, "ok" if one.ok else "wrong", one.found, one.next_step) for one in columns],
    )
    wrong = sum(not one.ok for one in columns)
    context.output.say(f"{len(columns)} looked at, {wrong} wrong")
    if wrong:
        sys.exit(EXIT_FINDINGS)


@profile.command("rehearse")
@click.option("--mapping", "mapping_file", required=True, type=click.Path(path_type=Path), help="Mapping to post by.")
@click.option("--customer", required=True, help="Customer of the test entity.")
@click.option("--other-customer", default="", help="Another one, to rehearse transfers.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), default=None, help="Date of all documents; today without it.")
@click.option("--entity", required=True, help="The entity that is posted to, as the profile says it: typed on purpose.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_option
@command_options
def rehearse(
    context: Context,
    mapping_file: Path,
    customer: str,
    other_customer: str,
    day: datetime | None,
    entity: str,
    yes: bool,
    connection: str,
) -> None:
    """Post one small document of each kind to a TEST entity, read each back and compare, and undo it."""
    name = context.connection(connection)
    found = context.wiring.profile(name)
    if entity != found.entity:
        raise Misconfigured(f"--entity {entity} is not the profile's, {found.entity}: name the one that is posted to")
    steps = script(
        Stage(
            customer=customer,
            other=other_customer,
            day=day.date() if day else datetime.now(UTC).date(),
            rules=load_settings(mapping_file, Mapping),
            nets=found.posted["credit_note"].nets,
        )
    )
    ask(f"Post {len(steps)} documents to entity {entity} of {found.base_url}? It must be a test entity.", yes=yes)
    results, left = context.run(_rehearse(context, name, _as_confirmed(found), steps))
    context.output.result({"steps": results, "left_open": left})
    context.output.table(
        ("step", "kind", "document", "", "what"),
        [
            (one.step, one.kind, one.document, "ok" if one.ok else "; ".join(one.differences), one.what)
            for one in results
        ],
    )
    for step, amount in left.items():
        context.output.say(f"{step}: {amount} is still open in QAD: close it there by hand")
    if left or not all(one.ok for one in results):
        sys.exit(EXIT_FINDINGS)
    context.output.say("every document reads as it was sent, and nothing of it is open: set confirmed = true")


async def _rehearse(
    context: Context, name: str, found: Profile, steps: list[Step]
) -> tuple[list[Rehearsed], dict[str, Decimal]]:
    run = datetime.now(UTC).strftime("%y%m%d%H%M%S")
    async with context.wiring.qad(name, found) as client, context.wiring.erp(name, found, client) as erp:
        rehearsal = Rehearsal(
            erp,
            look=erp.validate if isinstance(erp, QxtendQad) else None,
            connection=name,
            run=run,
            age_s=found.limits.age_s,
            settle_s=found.limits.settle_s,
            say=lambda line: click.echo(line, err=True),
        )
        results = await rehearsal.play(steps)
        left: dict[str, Decimal] = {}
        if found.open_items is not None:
            left = left_open(rehearsal.made, [item async for item in open_items(client, found)])
    return results, left


def _as_confirmed(found: Profile) -> Profile:
    """Return the profile with every part confirmed: a rehearsal is how a site comes to confirm them."""
    sure: Profile = _sure(found)
    return sure


def _sure(part: Any) -> Any:
    """Return a part with itself and every part below it confirmed, so that a table that is new is never forgotten."""
    if isinstance(part, dict):
        return {name: _sure(one) for name, one in part.items()}
    if not isinstance(part, msgspec.Struct):
        return part
    parts = {name: _sure(getattr(part, name)) for name in part.__struct_fields__}
    return msgspec.structs.replace(part, **parts | ({"confirmed": True} if "confirmed" in parts else {}))


def _template(name: str) -> str:
    return files("console.templates").joinpath(name).read_text(encoding="utf-8")


def _published(context: Context, name: str) -> tuple[Mapping | None, str]:
    """Return the newest mapping, and why it is not known where Kafka cannot be asked; that is said as well."""
    try:
        decisions = context.run(decided(context.wiring, name))
    except ConnectorError as error:
        context.output.say(f"the mapping is not looked at, and counts as none below: {error}")
        return None, str(error)
    published = [one.mapping for one in decisions if isinstance(one, MappingPublished)]
    return (published[-1] if published else None), ""
