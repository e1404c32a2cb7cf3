"""Commands of the implementer: configuration, credentials, topics, mappings, and a ping of both systems."""

import sys
from collections.abc import Collection
from collections.abc import Mapping as Table
from importlib.resources import files
from pathlib import Path

import click
import msgspec

from adapters.credentials.keys import make_key_file
from adapters.kafka.administration import create_topics
from adapters.kafka.assignments import assign, read_assignments
from adapters.settings import load_settings
from console import publishing
from console.config import name_problem
from console.context import Context, ask, command_options, connection_option
from console.output import EXIT_FINDINGS
from console.pinging import site as pinging
from schemas.describing import schema_of
from schemas.errors import Misconfigured
from schemas.mapping import Mapping
from schemas.topics import Topic

# What each owner's credentials are; the first ones are needed, the others only where the site has them.
FIELDS = {
    "zuora": (
        "client_id",
        "client_secret",
        "callout_user",
        "callout_password",
        "hmac_secret",
        "callout_user_next",
        "callout_password_next",
        "hmac_secret_next",
    ),
    "qad": ("client_id", "username", "password", "client_secret", "qxtend_username", "qxtend_password"),
}


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--tenant", default="acme", show_default=True, help="Name of the Zuora tenant.")
@click.option("--connection", default="acme-main", show_default=True, help="Name of the connection.")
@click.option("--files", "into_files", is_flag=True, help="Documents go into files, for a site without an API.")
@command_options
def init(context: Context, directory: Path, tenant: str, connection: str, into_files: bool) -> None:
    """Write a commented configuration, a profile, a mapping and a key."""
    for option, name in (("--tenant", tenant), ("--connection", connection)):
        if name_problem(name):
            raise Misconfigured(f"{option} {name!r}: {name_problem(name)}")
    directory.mkdir(parents=True, exist_ok=True)
    targets = {
        directory / "ml-connector.toml": "ml-connector.toml",
        directory / f"profile-{connection}.toml": "files.toml" if into_files else "profile.toml",
        directory / f"mapping-{connection}.toml": "mapping.toml",
    }
    standing = [path for path in (*targets, directory / "credentials.key") if path.exists()]
    if standing:
        raise Misconfigured(f"{standing[0]} is there already: nothing is written over")
    key = make_key_file(directory / "credentials.key")
    for path, template in targets.items():
        text = files("console.templates").joinpath(template).read_text(encoding="utf-8")
        path.write_text(
            text.replace("CONNECTION", connection)
            .replace("tenants.TENANT", f"tenants.{tenant}")
            .replace('tenant = "TENANT"', f'tenant = "{tenant}"'),
            encoding="utf-8",
        )
    context.output.result({"written": [str(path) for path in targets], "key_id": key.id})
    for path in targets:
        context.output.say(f"wrote {path}")
    context.output.say(f"wrote {directory / 'credentials.key'}: keep a copy elsewhere; without it the secrets are gone")
    if into_files:
        folders = directory / f"{connection}-files"
        context.output.say(f"Next: mkdir -p {folders}/done {folders}/refused {folders}/lists (docs/files.md)")
    context.output.say(
        "Next: fill in what stands in <...>, then credentials set, topics create, start poll, ping, mapping publish."
    )


@click.group()
def credentials() -> None:
    """Seal, list and check the secrets of tenants and connections."""


@credentials.command("set")
@click.argument("owner")
@click.argument("field")
@click.argument("surplus", nargs=-1, metavar="")
@command_options
def set_credential(context: Context, owner: str, field: str, surplus: tuple[str, ...]) -> None:
    """Seal one secret of OWNER (zuora/TENANT or qad/CONNECTION); it is asked for, or read from standard input."""
    if surplus:
        # What stands there may be the secret: it is not repeated.
        raise Misconfigured(
            "a secret is never an argument, where others can read it: leave it out and be asked, or pipe it"
        )
    _check_owner(context, owner, field)
    if sys.stdin.isatty():
        text = click.prompt(f"{owner} {field}", hide_input=True, confirmation_prompt=True)
    else:
        text = sys.stdin.readline().rstrip("\r\n")
    if not text:
        raise Misconfigured("an empty secret is not sealed")
    version = context.wiring.credentials.set(owner, field, text)
    context.output.result({"owner": owner, "field": field, "version": version})
    context.output.say(f"sealed {owner} {field}, version {version}")


@credentials.command("list")
@command_options
def list_credentials(context: Context) -> None:
    """List what is sealed; never what it says."""
    names = context.wiring.credentials.names()
    context.output.result([{"owner": owner, "field": field, "version": version} for owner, field, version in names])
    context.output.table(("owner", "field", "version"), names)


@credentials.command("check")
@command_options
def check_credentials(context: Context) -> None:
    """Open every secret, and say which are missing."""
    store = context.wiring.credentials
    problems = store.check()
    present = {(owner, field) for owner, field, _ in store.names()}
    for owner, field in _needed(context):
        if (owner, field) not in present:
            problems.append(f"{owner} {field} is not set: ml-connector credentials set {owner} {field}")
    context.output.result({"secrets": len(present), "problems": problems})
    for problem in problems:
        context.output.say(problem)
    if problems:
        sys.exit(EXIT_FINDINGS)
    context.output.say(f"all {len(present)} secrets open, none is missing")


@click.group()
def topics() -> None:
    """Make the topics, and describe their events."""


@topics.command("create")
@command_options
def create(context: Context) -> None:
    """Make the topics that are missing, check those that are there, and give every connection its partition."""
    kafka, connections = context.site.config.kafka, context.site.config.connections
    made = context.run(create_topics(context.site.cluster, partitions=kafka.partitions, replicas=kafka.replicas))
    before = context.run(read_assignments(context.site.cluster, partitions=kafka.partitions))
    owners = context.run(
        assign(context.site.cluster, list(connections), partitions=kafka.partitions, by=context.person)
    )
    later = joined_later(before, {name: connection.tenant for name, connection in connections.items()})
    context.output.result({"made": [topic.value for topic in made], "partitions": owners, "joined_later": later})
    context.output.say(
        f"made {len(made)} topics with {kafka.partitions} partitions" if made else "all topics are there"
    )
    context.output.table(("connection", "partition"), sorted(owners.items(), key=lambda owner: owner[1]))
    for name, tenant in later.items():
        context.output.say(
            f"{name} joins tenant {tenant} later than others: what was read before, it has none of. Restart the "
            f"processes, then: ml-connector backfill --tenant {tenant} --from CUT-OVER --again"
        )


def joined_later(before: Collection[str], tenants: Table[str, str]) -> dict[str, str]:
    """Return the connections that are new to a tenant of which others were there, with that tenant.

    Args:
        before: The connections that had a partition.
        tenants: The tenant of each connection of the configuration.
    """
    read = {tenant for name, tenant in tenants.items() if name in before}
    return {name: tenant for name, tenant in tenants.items() if name not in before and tenant in read}


@topics.command("describe")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@command_options
def describe(context: Context, directory: Path) -> None:
    """Write the JSON Schema of every topic's events into DIRECTORY."""
    directory.mkdir(parents=True, exist_ok=True)
    schemas = {directory / f"{topic.value}.json": schema_of(topic) for topic in Topic}
    for path, schema in schemas.items():
        path.write_bytes(msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n")
    context.output.result({"written": [str(path) for path in schemas]})
    context.output.say(f"wrote {len(schemas)} schemas into {directory}")


@click.command()
@command_options
def ping(context: Context) -> None:
    """Call both systems of every connection and say what works, and what to do where it does not."""
    findings = context.run(pinging.ping(context.wiring))
    context.output.result(findings)
    context.output.table(
        ("connection", "what", "", "found"),
        [(row.subject, row.what, "ok" if row.ok else "NOT OK", row.found) for row in findings],
    )
    for row in findings:
        if not row.ok:
            context.output.say(f"{row.subject}, {row.what}: {row.next_step}")
    if not all(row.ok for row in findings):
        sys.exit(EXIT_FINDINGS)


@click.group()
def mapping() -> None:
    """Check and publish GL mappings."""


@mapping.command("check")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@connection_option
@command_options
def check_mapping(context: Context, file: Path, connection: str) -> None:
    """Say what is wrong with a mapping, by itself and against what QAD last showed."""
    name = context.connection(connection)
    problems = context.run(publishing.check_mapping(context.wiring, name, load_settings(file, Mapping)))
    context.output.result({"connection": name, "problems": problems})
    for problem in problems:
        context.output.say(f"{file}: {problem}")
    if problems:
        sys.exit(EXIT_FINDINGS)
    context.output.say(f"{file}: nothing is wrong with it")


@mapping.command("publish")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@connection_option
@click.option("--why", required=True, help="Why, in your words: it is kept.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command_options
def publish_mapping(context: Context, file: Path, connection: str, why: str, yes: bool) -> None:
    """Make a mapping count, whole, with a version and your name."""
    name = context.connection(connection)
    content = load_settings(file, Mapping)
    problems = context.run(publishing.check_mapping(context.wiring, name, content))
    if problems:
        raise Misconfigured(f"{file}: " + "; ".join(problems))
    ask(f"Publish {file} for {name}? Documents dated from {content.first_document_date} will use it.", yes=yes)
    published = context.run(publishing.publish_mapping(context.wiring, name, content, by=context.person, why=why))
    context.output.result(
        {"connection": name, "version": published.version, "content_hash": published.content_hash, "by": published.by}
    )
    context.output.say(f"published version {published.version} ({published.content_hash}) for {name}")


def _check_owner(context: Context, owner: str, field: str) -> None:
    kind, _, name = owner.partition("/")
    config = context.site.config
    known: dict[str, list[str]] = {"zuora": list(config.tenants), "qad": list(config.connections)}
    if name not in known.get(kind, ()):
        owners = [*(f"zuora/{tenant}" for tenant in config.tenants), *(f"qad/{name}" for name in config.connections)]
        raise Misconfigured(f"there is no owner {owner}; there are {', '.join(owners)}")
    if field not in FIELDS[kind]:
        raise Misconfigured(f"{owner} has no {field}; its fields are {', '.join(FIELDS[kind])}")


def _needed_of_qad(context: Context, connection: str) -> tuple[str, ...]:
    """Return what a connection needs by its profile; what is usual while that cannot be opened yet."""
    usual = ("client_id", "username", "password")
    try:
        if context.wiring.files(connection) is not None:
            return ()
        profile = context.wiring.profile(connection)
    except Misconfigured:
        return usual
    by_grant = {"client_credentials": ("client_id", "client_secret"), "basic": ("username", "password")}
    own = by_grant.get(profile.auth.grant, usual)
    return (*own, "qxtend_username", "qxtend_password") if profile.qxtend else own


def _needed(context: Context) -> list[tuple[str, str]]:
    config = context.site.config
    needed = [(f"zuora/{name}", field) for name in config.tenants for field in ("client_id", "client_secret")]
    for name, tenant in config.tenants.items():
        if tenant.callouts:
            needed += [(f"zuora/{name}", field) for field in tenant.callouts.secrets]
    for name in config.connections:
        needed += [(f"qad/{name}", field) for field in _needed_of_qad(context, name)]
    return needed
