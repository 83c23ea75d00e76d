"""Operators: people with personal tokens, who act in the workspaces that they belong to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.operations.places import told

from lockstep.emulation.clock import VirtualClock
from lockstep.model.permissions import ALL_SCOPES, Actor, ActorKind, NotAllowed, Role
from lockstep.operations import operators, workspaces
from lockstep.operations.errors import Invalid, NotFound
from lockstep.operations.gate import Gate
from lockstep.operations.operators import Operator
from lockstep.operations.workspaces import ChangeWorkspace, CreateWorkspace


@pytest.fixture
async def john(gate: Gate, owner: Actor) -> Operator:
    john = await operators.create(gate, "John")
    await operators.join(gate, john.operator_id, owner.workspace_id, Role.OWNER)
    return john


async def ws(gate: Gate, actor: Actor) -> str:
    return await gate.public_id_of(actor.workspace_id)


async def test_a_personal_token_is_its_operator_in_the_workspaces_that_they_belong_to(
    gate: Gate, owner: Actor, neighbour: Actor, john: Operator
) -> None:
    made = await operators.create_token(gate, john.operator_id, "Laptop")
    assert made.secret.startswith("seam_at1_")
    signed_in = await operators.authenticate(gate, made.secret)
    assert signed_in is not None
    actor = await operators.actor_in(gate, signed_in, await ws(gate, owner))
    assert actor is not None
    assert (actor.kind, actor.name) == (ActorKind.OPERATOR, f"operator:{john.operator_id}")
    assert (actor.workspace_id, actor.scopes) == (owner.workspace_id, ALL_SCOPES)
    assert await operators.actor_in(gate, signed_in, await ws(gate, neighbour)) is None
    assert await operators.actor_in(gate, signed_in, "ws_unknown") is None
    assert [w.name for w in await operators.workspaces_of(gate, signed_in)] == ["Harbour flats"]


async def test_a_member_changes_neither_the_workspace_nor_who_may_use_it(
    gate: Gate, owner: Actor, john: Operator
) -> None:
    await operators.join(gate, john.operator_id, owner.workspace_id, Role.MEMBER)
    secret = (await operators.create_token(gate, john.operator_id, "Laptop")).secret
    signed_in = await operators.authenticate(gate, secret)
    assert signed_in is not None
    actor = await operators.actor_in(gate, signed_in, await ws(gate, owner))
    assert actor is not None
    async with gate.transaction(owner.workspace_id) as tx:
        with pytest.raises(NotAllowed):
            await workspaces.change(tx, actor, ChangeWorkspace("John's flats"))


async def test_a_token_is_refused_once_it_is_revoked_or_over_or_its_operator_gone(
    gate: Gate, owner: Actor, john: Operator, clock: VirtualClock
) -> None:
    ends = clock.now() + timedelta(hours=1)
    revoked, short, left = [
        await operators.create_token(gate, john.operator_id, name, at)
        for name, at in (("A", None), ("B", ends), ("C", None))
    ]
    assert (await operators.revoke_token(gate, revoked.token.operator_token_id)).revoked_at is not None
    assert await operators.authenticate(gate, revoked.secret) is None
    clock.advance(timedelta(hours=1))
    assert await operators.authenticate(gate, short.secret) is None
    signed_in = await operators.authenticate(gate, left.secret)
    assert signed_in is not None
    await operators.leave(gate, john.operator_id, owner.workspace_id)
    assert await operators.actor_in(gate, signed_in, await ws(gate, owner)) is None
    await operators.remove(gate, john.operator_id)
    assert await operators.authenticate(gate, left.secret) is None
    assert await operators.every(gate) == []
    assert await operators.every_token(gate) == []


async def test_who_belongs_to_a_workspace_and_their_tokens_are_told_in_it(
    gate: Gate, owner: Actor, john: Operator
) -> None:
    made = await operators.create_token(gate, john.operator_id, "Laptop")
    await operators.revoke_token(gate, made.token.operator_token_id)
    await operators.revoke_token(gate, made.token.operator_token_id)
    await operators.remove(gate, john.operator_id)
    assert await told(gate, owner) == [
        "workspace.created",
        "operator.joined",
        "operator_token.created",
        "operator_token.revoked",
        "operator.left",
    ]


async def test_an_operator_makes_a_workspace_and_owns_it(gate: Gate, john: Operator) -> None:
    secret = (await operators.create_token(gate, john.operator_id, "Laptop")).secret
    signed_in = await operators.authenticate(gate, secret)
    assert signed_in is not None
    command = CreateWorkspace(
        "Try", is_sandbox=True, partner_name="Acme", webview_look={"logo_shape": "circle"}
    )
    made = await operators.create_workspace(gate, signed_in, command)
    assert (made.is_sandbox, made.partner_name, made.webview_look.logo_shape) == (True, "Acme", "circle")
    assert (made.publishable_key or "").startswith("seam_pk1_")
    assert made.workspace_id in [w.workspace_id for w in await operators.workspaces_of(gate, signed_in)]
    actor = await operators.actor_in(gate, signed_in, made.workspace_id)
    assert actor is not None
    assert actor.scopes == ALL_SCOPES


async def test_within_a_workspace_nobody_sees_who_operators_are(
    gate: Gate, owner: Actor, john: Operator
) -> None:
    await operators.create_token(gate, john.operator_id, "Laptop")
    async with gate.database.reading(owner.workspace_id) as db:
        assert await db.fetchval("select count(*) from operators") == 0
        assert await db.fetchval("select count(*) from operator_tokens") == 0
        assert await db.fetchval("select count(*) from memberships") == 1


@pytest.mark.parametrize(
    "look", [{"logo_shape": "star"}, {"primary_button_color": "red;}"}, {"font": "serif"}], ids=str
)
async def test_a_look_is_a_shape_colors_and_words(gate: Gate, look: dict[str, str | None]) -> None:
    with pytest.raises(Invalid):
        await workspaces.create(gate, CreateWorkspace("Try", webview_look=look))


async def test_what_is_not_known_is_not_found(gate: Gate) -> None:
    with pytest.raises(NotFound):
        await operators.create_token(gate, "operator_x", "Laptop")
    with pytest.raises(NotFound):
        await operators.revoke_token(gate, "token_x")
