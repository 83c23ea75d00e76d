"""The words of the command `lockstep`, each in a module of its own beside this one, loaded when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from lockstep.cli.failing import ending_of

WORDS = {
    "serve": "lockstep.cli.serve",
    "work": "lockstep.cli.work",
    "migrate": "lockstep.cli.migrate",
    "connect": "lockstep.cli.connect",
    "status": "lockstep.cli.status",
    "doctor": "lockstep.cli.doctor",
    "backup": "lockstep.cli.backup",
    "restore": "lockstep.cli.restore",
    "confirm-ruling": "lockstep.cli.confirm_ruling",
    "keys": "lockstep.cli.keys",
    "tokens": "lockstep.cli.tokens",
    "emulate": "lockstep.cli.emulate",
    "sandbox": "lockstep.cli.sandbox.command",
    "demo": "lockstep.cli.demo.command",
    "test": "lockstep.cli.testing",
    "version": "lockstep.cli.version",
}
"""Word -> module. The module has `words`, a Typer, or a function of the word's name."""

_TAKES_ALL = {"allow_extra_args": True, "ignore_unknown_options": True}


class Words(TyperGroup):
    """Loads a word's module only when that word is said, so that short answers are quick."""

    def list_commands(self, _context: Any) -> list[str]:
        return list(WORDS)

    def get_command(self, _context: Any, cmd_name: str) -> Any:
        if cmd_name not in WORDS:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _loaded(cmd_name)
        return self.commands[cmd_name]

    def invoke(self, context: Any) -> Any:
        """Expected trouble ends in one sentence; a fault of ours goes on up, to be seen whole."""
        try:
            return super().invoke(context)
        except (typer.Exit, typer.Abort):
            raise
        except (Exception, BaseExceptionGroup) as fault:
            ending = ending_of(fault)
            if ending is None:
                raise
            from lockstep.cli.terminal import say

            say(ending.sentence)
            raise typer.Exit(ending.status) from None


app = typer.Typer(
    name="lockstep",
    cls=Words,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps codes on smart locks in step with what was declared, and proves it.",
)


@app.callback()
def _words() -> None:
    """Keeps each word a word of its own."""


def _loaded(word: str) -> Any:
    module = import_module(WORDS[word])
    words = getattr(module, "words", None)
    if words is None:
        words = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        settings = _TAKES_ALL if word == "test" else {}
        words.command(word, context_settings=settings)(getattr(module, word.replace("-", "_")))
    command = get_command(words)
    command.name = word
    return command
