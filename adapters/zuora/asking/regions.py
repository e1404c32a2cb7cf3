"""Zuora's data centres and their hosts, to say which one a tenant may be at. Nothing is ever sent to find out.

Source: the server list of the API reference, 2026-09; Zuora names none for Japan.
"""

from collections.abc import Mapping

from yarl import URL

_PRODUCTION, _SANDBOX, _TEST = "production", "API sandbox", "developer or central sandbox"
# Host, data centre, kind of tenant; the two that are mistaken for each other most come first.
_HOSTS: Mapping[str, tuple[str, str]] = {
    "rest.na.zuora.com": ("US Cloud 1", _PRODUCTION),
    "rest.sandbox.na.zuora.com": ("US Cloud 1", _SANDBOX),
    "rest.test.zuora.com": ("US Cloud 1", _TEST),
    "rest.zuora.com": ("US Cloud 2", _PRODUCTION),
    "rest.apisandbox.zuora.com": ("US Cloud 2", _SANDBOX),
    "rest.eu.zuora.com": ("EU", _PRODUCTION),
    "rest.sandbox.eu.zuora.com": ("EU", _SANDBOX),
    "rest.test.eu.zuora.com": ("EU", _TEST),
    "rest.ap.zuora.com": ("APAC", _PRODUCTION),
    "rest.test.ap.zuora.com": ("APAC", _TEST),
}


def elsewhere(base_url: str) -> str:
    """Return where else a tenant of this kind may be, likeliest first, as words; "" for a host that is none of Zuora's.

    The two US data centres are mistaken for each other most: which one is a matter of the tenant's age.
    """
    host = URL(base_url).host or ""
    if host not in _HOSTS:
        return ""
    centre, kind = _HOSTS[host]
    others = [other for other, (_, of_kind) in _HOSTS.items() if of_kind == kind and other != host]
    named = ", ".join(f"{other} ({_HOSTS[other][0]})" for other in others)
    other_kinds = " or ".join(sorted({of_kind for _, of_kind in _HOSTS.values()} - {kind}))
    return (
        f"{host} is {kind}, {centre}; another data centre would be {named}; a tenant of {other_kinds} has other hosts"
    )


def named(location: str | None) -> str:
    """Return which data centre a redirect names, as words; "" where it names none of Zuora's: no other is repeated."""
    try:
        host = URL(location or "").host or ""
    except ValueError:
        return ""
    return f"https://{host} ({_HOSTS[host][0]}, {_HOSTS[host][1]})" if host in _HOSTS else ""
