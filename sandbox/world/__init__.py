"""A world to try it in: two sites with data a controller would believe, and the story that happens to them.

`build_world` makes all master data from a seed and a size; `write_files` puts it where the stand-ins and the product
read it; `Story` acts through the control APIs of both stand-ins, and says what must become of each special document.
It imports nothing of the product and knows of it only what a person would write into its files.
"""

from sandbox.world.building import SiteWorld, World, build_world
from sandbox.world.cases import Case, Command, Fate, Fix
from sandbox.world.configuration import Address, Addresses, Pace, qad_path
from sandbox.world.control import ControlRefused, QadControl, ZuoraControl
from sandbox.world.expected import ExpectedBooks, Staying, Total, expected_books
from sandbox.world.files import Files, write_files
from sandbox.world.fixes import apply_fix
from sandbox.world.scene import Receiver, Scene
from sandbox.world.sites import AMER, CUT_OVER, EMEA, SITES, Site
from sandbox.world.sizes import Sizes
from sandbox.world.story import CHAPTERS, Controls, Story, tell_story

__all__ = [
    "AMER",
    "CHAPTERS",
    "CUT_OVER",
    "EMEA",
    "SITES",
    "Address",
    "Addresses",
    "Case",
    "Command",
    "ControlRefused",
    "Controls",
    "ExpectedBooks",
    "Fate",
    "Files",
    "Fix",
    "Pace",
    "QadControl",
    "Receiver",
    "Scene",
    "Site",
    "SiteWorld",
    "Sizes",
    "Staying",
    "Story",
    "Total",
    "World",
    "ZuoraControl",
    "apply_fix",
    "build_world",
    "expected_books",
    "qad_path",
    "tell_story",
    "write_files",
]
