"""The command `lockstep`: its words, each in a module of its own beside this one."""

import typer

from lockstep.cli import testing
from lockstep.cli.demo.command import demo

app = typer.Typer(
    name="lockstep",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps codes on smart locks in step with what was declared, and proves it.",
)
app.command("test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(testing.test)
app.command("demo")(demo)


@app.callback()
def _words() -> None:
    """A callback keeps `test` a word of its own while there is no other."""


def run() -> None:
    """The installed command."""
    app()
