"""The words `tokens ...`: personal tokens of operators, made, listed and revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from lockstep.cli.running import operator_of, with_lockstep
from lockstep.cli.tables import plain, print_table
from lockstep.cli.terminal import AsJson, print_json, print_text, say
from lockstep.cli.wiring import Built
from lockstep.model.permissions import Role
from lockstep.operations import operators
from lockstep.operations.operators import NewToken, OperatorToken

words = typer.Typer(
    name="tokens",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Personal tokens: whoever shows one is an operator, in each workspace that they belong to.",
)

Workspace = Annotated[str | None, typer.Option(help="Public id, where there are several.")]


@words.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for, in words; also the name of a new operator.")],
    operator: Annotated[
        str | None, typer.Option(help="Whose it is, by id. Without: a new operator is made.")
    ] = None,
    role: Annotated[Role, typer.Option(help="What the operator is in the workspace.")] = Role.OWNER,
    days: Annotated[int | None, typer.Option(min=1, help="It expires after so many days.")] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Make a personal token, whose operator belongs to the workspace. Its secret is shown once."""

    async def work(lockstep: Built) -> NewToken:
        actor = await operator_of(lockstep.gate, workspace)
        gate = lockstep.gate
        operator_id = operator or (await operators.create(gate, name)).operator_id
        await operators.join(gate, operator_id, actor.workspace_id, role)
        expires_at = gate.clock.now() + timedelta(days=days) if days is not None else None
        return await operators.create_token(gate, operator_id, name, expires_at)

    made = with_lockstep(work)
    if as_json:
        print_json(made)
        return
    token = made.token
    say(f"{token.operator_token_id} is the operator {token.operator_id}. Its secret, shown only now:")
    print_text(made.secret)


@words.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """Show the personal tokens of all operators, revoked ones too; of each secret only how it begins."""

    async def work(lockstep: Built) -> list[OperatorToken]:
        return await operators.every_token(lockstep.gate)

    found = with_lockstep(work)
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "operator", "name", "begins", "made", "expires", "revoked"),
        (
            (
                token.operator_token_id,
                token.operator_id,
                plain(token.name),
                f"{token.shown}…",
                f"{token.created_at:%Y-%m-%d}",
                f"{token.expires_at:%Y-%m-%d}" if token.expires_at else "never",
                f"{token.revoked_at:%Y-%m-%d}" if token.revoked_at else "",
            )
            for token in found
        ),
    )


@words.command()
def revoke(
    identity: Annotated[str, typer.Argument(help="Its id, as `lockstep tokens list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Refuse a personal token from now on."""

    async def work(lockstep: Built) -> OperatorToken:
        return await operators.revoke_token(lockstep.gate, identity)

    revoked = with_lockstep(work)
    if as_json:
        print_json(revoked)
    else:
        print_text(f"{revoked.operator_token_id} ({revoked.name}) is revoked.")
