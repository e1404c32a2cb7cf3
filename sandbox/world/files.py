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
    configuration = directory / "ml-connector.toml"
    paths = {name: site_world.keys.callout_path for name, site_world in world.sites.items()}
    configuration.write_text(
        configuration_text(addresses, callout_paths=paths, pace=pace or Pace()), encoding="utf-8"
    )
    files = Files(configuration=configuration, profiles={}, mappings={}, zuora_worlds={}, qad_worlds={})
    for name, site_world in world.sites.items():
        site = site_world.site
        files.profiles[name] = directory / profile_name(site)
        files.profiles[name].write_text(profile_text(site, base_url=addresses.qad[name]), encoding="utf-8")
        files.mappings[name] = tuple(directory / mapping_name(site, version) for version in VERSIONS)
        for version, path in zip(VERSIONS, files.mappings[name], strict=True):
            path.write_text(mapping_text(site, version), encoding="utf-8")
        files.zuora_worlds[name] = directory / f"zuora-{name}.json"
        files.zuora_worlds[name].write_bytes(world_json(site_world.zuora(receiver=receiver)))
        files.qad_worlds[name] = directory / f"qad-{name}.json"
        files.qad_worlds[name].write_bytes(world_json(site_world.qad()))
    return files
