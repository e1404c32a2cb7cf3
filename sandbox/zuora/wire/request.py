"""One request as it arrived: what those who count, keep and refuse calls know of it, without the tenant behind."""

from dataclasses import dataclass
from urllib.parse import SplitResult


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, read to its end.

    Attributes:
        parameters: Query string, every name with all its values.
        path: Path without the query string.
        names: Parts of the path that the route names.
        url: The whole URL as the client wrote it.
        headers: By name in lower case.
    """

    request_id: str
    method: str
    path: str
    url: SplitResult
    names: dict[str, str]
    parameters: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    remote: str

    def parameter(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        return next(iter(self.parameters.get(name, ())), default)
