"""`python -m console`: the command line, for the supervisor's children."""

from console.cli import main

main(prog_name="ml-connector")
