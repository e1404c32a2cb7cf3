"""What every command is given: the site, its adapters when asked for, and where to write."""

import asyncio
import getpass
from collections.abc import Callable, Coroutine
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import click

from adapters.store.readmodel import ReadModel
from console.config import Site, load_site
from console.output import Output, duration
from console.wiring import Wiring
from schemas.errors import Misconfigured

Result = TypeVar("Result")
Function = TypeVar("Function", bound=Callable[..., Any])

# What the read model shows may be this old before a command says so in its first line.
_STALE_S = 10.0


class Context:
    """One call of the command line."""

    def __init__(self, config: Path) -> None:
        """Name the configuration; it is read when something of it is asked for."""
        self.config_path = config
        self.output = Output(as_json=False)

    @cached_property
    def site(self) -> Site:
        """The site."""
        return load_site(self.config_path)

    @cached_property
    def wiring(self) -> Wiring:
        """Its adapters."""
        return Wiring(self.site)

    @property
    def read_model_path(self) -> Path:
        """Where the read model stands."""
        return self.wiring.data / "readmodel.sqlite"

    def read_model(self) -> ReadModel:
        """Return the read model, after saying how old it is where that matters."""
        model = ReadModel(self.read_model_path)
        age_s = model.age_s()
        if age_s > _STALE_S:
            click.echo(f"The read model is {duration(age_s)} old: is ml-connector observe running?", err=True)
        return model

    @property
    def person(self) -> str:
        """Who sits here, as the operating system names them."""
        return getpass.getuser().strip()

    def connection(self, name: str) -> str:
        """Return the name of a connection, or of the only one there is.

        Raises:
            Misconfigured: There is no such connection, or several and none was named.
        """
        names = list(self.site.config.connections)
        if not name and len(names) == 1:
            return names[0]
        if name not in names:
            raise Misconfigured(f"name a connection with --connection: {', '.join(names)}")
        return name

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run something asynchronous to its end."""
        return asyncio.run(work)


def command_options(function: Function) -> Function:
    """Give a command --json and its context."""

    @click.option("--json", "as_json", is_flag=True, help="Write JSON instead of text.")
    @click.pass_obj
    def with_context(context: Context, /, *args: Any, as_json: bool, **kwargs: Any) -> Any:
        context.output = Output(as_json=as_json)
        return function(context, *args, **kwargs)

    with_context.__doc__ = function.__doc__
    with_context.__name__ = function.__name__
    return with_context  # type: ignore[return-value]  # click's decorators change the type


def connection_option(function: Function) -> Function:
    """Give a command --connection."""
    return click.option(
        "--connection", "-c", default="", help="Name of the connection; may be left out where there is one."
    )(function)


def ask(question: str, *, yes: bool) -> None:
    """Ask before something is changed, on standard error, since --json is on the other; end where the answer is no."""
    if not yes and not click.confirm(question, err=True):
        raise click.Abort
