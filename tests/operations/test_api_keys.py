"""API keys: shown once, hashed, scoped, revocable, and never able to do more than whoever made them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lockstep.emulation.clock import VirtualClock
from lockstep.model.permissions import DEFAULT_SCOPES, Actor, ActorKind, NotAllowed, Scope
from lockstep.operations import api_keys
from lockstep.operations.api_keys import CreateApiKey, NewApiKey
from lockstep.operations.errors import Invalid, NotFound
from lockstep.operations.gate import Gate


async def make(gate: Gate, actor: Actor, command: CreateApiKey | None = None) -> NewApiKey:
    async with gate.transaction(actor.workspace_id) as tx:
        return await api_keys.create(tx, actor, command or CreateApiKey("Channel sync"))


async def test_a_key_signs_in_as_an_actor_of_its_workspace(gate: Gate, owner: Actor) -> None:
    made = await make(gate, owner, CreateApiKey("Reader", ["bookings:read"]))
    signed_in = await api_keys.authenticate(gate, made.secret)
    assert signed_in is not None
    actor = signed_in.actor
    assert (actor.kind, actor.workspace_id) == (ActorKind.API_KEY, owner.workspace_id)
    assert actor.scopes == {Scope.BOOKINGS_READ}
    assert actor.name == f"api_key:{made.api_key.api_key_id}"


async def test_the_usual_scopes_neither_open_doors_nor_show_digits(gate: Gate, owner: Actor) -> None:
    made = await make(gate, owner)
    assert set(made.api_key.scopes) == DEFAULT_SCOPES
    assert not {"devices:unlock", "codes:read", "api_keys:write"} & set(made.api_key.scopes)


async def test_of_a_secret_only_its_hash_and_its_beginning_are_stored(gate: Gate, owner: Actor) -> None:
    made = await make(gate, owner)
    async with gate.database.reading(owner.workspace_id) as db:
        (row,) = await db.fetch("select * from api_keys")
    assert made.secret not in repr(dict(row))
    assert made.secret not in repr(made)
    assert made.secret.startswith(row["shown"])
    assert len(made.secret) - len(row["shown"]) >= 36


@pytest.mark.parametrize(
    "secret", ["", "seam_lockstep_", "seam_lockstep_" + "x" * 40, "x" * 100_000, "seam_lockstep_\x00"]
)
async def test_what_is_no_key_signs_nobody_in(gate: Gate, owner: Actor, secret: str) -> None:
    assert await api_keys.authenticate(gate, secret) is None


async def test_a_revoked_key_signs_nobody_in(gate: Gate, owner: Actor) -> None:
    made = await make(gate, owner)
    async with gate.transaction(owner.workspace_id) as tx:
        revoked = await api_keys.revoke(tx, owner, made.api_key.api_key_id)
        assert await api_keys.revoke(tx, owner, made.api_key.api_key_id) == revoked
    assert revoked.revoked_at is not None
    assert await api_keys.authenticate(gate, made.secret) is None


async def test_an_expired_key_signs_nobody_in(gate: Gate, owner: Actor, clock: VirtualClock) -> None:
    made = await make(gate, owner, CreateApiKey("Short", expires_at=clock.now() + timedelta(hours=1)))
    assert await api_keys.authenticate(gate, made.secret) is not None
    clock.advance(timedelta(hours=1))
    assert await api_keys.authenticate(gate, made.secret) is None


async def test_a_known_secret_is_stored_for_a_sandbox_and_no_other_form_is_taken(
    gate: Gate, owner: Actor
) -> None:
    assert await api_keys.authenticate(gate, "seam_apikey1_token") is None
    async with gate.transaction(owner.workspace_id) as tx:
        made = await api_keys.import_secret(tx, owner, CreateApiKey("Seeded"), "seam_apikey1_token")
        with pytest.raises(Invalid):
            await api_keys.import_secret(tx, owner, CreateApiKey("Seeded"), "apikey1_token")
    assert (await api_keys.authenticate(gate, "seam_apikey1_token")) is not None
    assert len(made.api_key.shown) <= len("seam_apikey1_token") // 2


async def test_a_key_gives_on_only_what_it_has(gate: Gate, owner: Actor) -> None:
    maker = replace(owner, scopes=frozenset({Scope.API_KEYS_WRITE, Scope.BOOKINGS_READ}))
    await make(gate, maker, CreateApiKey("Less", ["bookings:read"]))
    with pytest.raises(NotAllowed, match="devices:unlock"):
        await make(gate, maker, CreateApiKey("More", ["bookings:read", "devices:unlock"]))


async def test_a_key_without_the_scope_makes_none_but_may_revoke_itself(gate: Gate, owner: Actor) -> None:
    made = await make(gate, owner, CreateApiKey("Reader", ["bookings:read"]))
    signed_in = await api_keys.authenticate(gate, made.secret)
    assert signed_in is not None
    with pytest.raises(NotAllowed):
        await make(gate, signed_in.actor)
    async with gate.transaction(owner.workspace_id) as tx:
        await api_keys.revoke(tx, signed_in.actor, made.api_key.api_key_id)
    assert await api_keys.authenticate(gate, made.secret) is None


async def test_a_neighbours_key_is_not_found(gate: Gate, owner: Actor, neighbour: Actor) -> None:
    theirs = await make(gate, neighbour)
    async with gate.transaction(owner.workspace_id) as tx:
        with pytest.raises(NotFound):
            await api_keys.revoke(tx, owner, theirs.api_key.api_key_id)


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (CreateApiKey(" "), "name"),
        (CreateApiKey("A", []), "scopes"),
        (CreateApiKey("A", ["doors:all"]), "scopes"),
    ],
)
async def test_a_key_that_makes_no_sense_is_refused(
    gate: Gate, owner: Actor, command: CreateApiKey, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await make(gate, owner, command)
    assert refused.value.field == field


async def test_keys_are_listed_page_by_page_oldest_first(gate: Gate, owner: Actor) -> None:
    ids = [(await make(gate, owner)).api_key.api_key_id for _ in range(3)]
    async with gate.reading(owner.workspace_id) as tx:
        first = await api_keys.listed(tx, owner, None, 2)
        second = await api_keys.listed(tx, owner, first[-1].api_key_id, 2)
    assert [key.api_key_id for key in first + second] == ids
