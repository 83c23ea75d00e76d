"""`python -m lockstep.cli`: the command where it is not installed."""

from lockstep.cli.main import run

run()
