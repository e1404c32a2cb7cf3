"""The receiver's ways in: one door for each tenant that sends callouts, with its secrets as they are sealed now."""

from adapters.credentials.secret import Secret
from adapters.credentials.store import CredentialStore
from adapters.zuora.receiving.doors import Door, Login
from console.config import Site


def doors_of(site: Site, credentials: CredentialStore) -> dict[str, Door]:
    """Return the doors by path.

    Raises:
        Misconfigured: A secret is missing or does not open.
    """
    found: dict[str, Door] = {}
    for name, tenant in site.config.tenants.items():
        if tenant.callouts is None:
            continue
        owner = f"zuora/{name}"
        user, password = credentials.get(owner, "callout_user"), credentials.get(owner, "callout_password")
        logins = [Login(user=user, password=password)]
        next_user = credentials.get_optional(owner, "callout_user_next")
        next_password = credentials.get_optional(owner, "callout_password_next")
        if next_user or next_password:
            logins.append(Login(user=next_user or user, password=next_password or password))
        secrets: list[Secret] = []
        if tenant.callouts.hmac:
            next_secret = credentials.get_optional(owner, "hmac_secret_next")
            secrets = [credentials.get(owner, "hmac_secret"), *([next_secret] if next_secret else [])]
        found[tenant.callouts.path] = Door(
            tenant=name,
            connection=site.connections_of(name)[0],
            logins=tuple(logins),
            hmac_rule=tenant.callouts.hmac,
            hmac_secrets=tuple(secrets),
        )
    return found
