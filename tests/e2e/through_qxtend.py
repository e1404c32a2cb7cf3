"""A connection of the trial's that posts through QXtend: its profile rewritten, its user sealed."""

import re

from adapters.credentials.store import CredentialStore
from console.config import load_site
from console.demo.house import House
from console.demo.product import Product
from tests.adapters.qad_company import through_qxtend


def speak_qxtend(product: Product, house: House, site: str, *, seal: bool = True) -> None:
    """Put QXtend in the place of a profile's documents over REST, and seal whom it works as."""
    found = load_site(product.configuration)
    path = found.path(found.config.connections[site].profile)
    text = path.read_text(encoding="utf-8")
    base_url = re.search(r'^base_url = "(.*)/clouderp"$', text, re.MULTILINE)
    assert base_url is not None
    url = f"{base_url[1]}/qxi/services/QdocWebService"
    path.write_text(through_qxtend(text).replace("@QXTEND_URL@", url), encoding="utf-8")
    store = CredentialStore(found.path(found.config.store.credentials), found.path(found.config.store.key_file))
    secrets = house.world.secrets()[f"qad/{site}"]
    for name in ("username", "password") if seal else ():
        store.set(f"qad/{site}", f"qxtend_{name}", secrets[name])
