"""Puts a world into a directory: what the stand-ins are started with, and what the product is set up with.

The product's files hold no secret. The stand-ins' worlds hold what opens them, because they are the locks.
"""

from pathlib import Path

from sandbox.world.building import World, world_json
from sandbox.world.configuration import Addresses, Pace, configuration_text, profile_name, profile_text
from sandbox.world.mapping import VERSIONS, mapping_text
from sandbox.world.sites import Fact, Site


class Files(Fact, frozen=True, kw_only=True):
    """Where everything stands.

    Attributes:
        configuration: ml-connector.toml.
        profiles: QAD profile by site.
        mappings: Versions of the mapping, the first one first, by site.
        zuora_worlds: World of the Zuora stand-in by site.
        qad_worlds: World of the QAD stand-in by site.
    """

    configuration: Path
    profiles: dict[str, Path]
    mappings: dict[str, tuple[Path, ...]]
    zuora_worlds: dict[str, Path]
    qad_worlds: dict[str, Path]


def mapping_name(site: Site, version: int) -> str:
    """Return the name of a version of a site's mapping."""
    return f"mapping-{site.name}-{version}.toml"


def write_files(world: World, directory: Path, *, addresses: Addresses, pace: Pace | None = None) -> Files:
    """Write all files for both sites; what stood there under the same names is written over.

    Args:
        world: The world.
        directory: Where; it is made if it is not there.
        addresses: Where everything will be.
        pace: How quickly the product looks around.
    """
    directory.mkdir(parents=True, exist_ok=True)
    receiver = f"http://{addresses.receiver.host}:{addresses.receiver.port}"
    paths = {name: site_world.keys.callout_path for name, site_world in world.sites.items()}
    configuration = configuration_text(addresses, callout_paths=paths, pace=pace or Pace())

    def write(name: str, content: str | bytes) -> Path:
        path = directory / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return Files(
        configuration=write("ml-connector.toml", configuration),
        profiles={
            name: write(profile_name(one.site), profile_text(one.site, base_url=addresses.qad[name]))
            for name, one in world.sites.items()
        },
        mappings={
            name: tuple(write(mapping_name(one.site, version), mapping_text(one.site, version)) for version in VERSIONS)
            for name, one in world.sites.items()
        },
        zuora_worlds={
            name: write(f"zuora-{name}.json", world_json(one.zuora(receiver=receiver)))
            for name, one in world.sites.items()
        },
        qad_worlds={name: write(f"qad-{name}.json", world_json(one.qad())) for name, one in world.sites.items()},
    )
