"""What storage remembers belongs to a workspace: each of its functions is told which one, first of all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

STORAGE = Path(__file__).parents[2] / "src" / "lockstep" / "storage"

# Plumbing beneath the workspaces: connections, schema, the server itself.
PLUMBING = {"database.py", "dump.py", "inspection.py", "passing.py", "__init__.py"}

# What must look across workspaces, each with its reason.
ACROSS_WORKSPACES = {
    "callbacks.every_by_token": "a vendor's call names no workspace",
    "api_keys.find_in_every_workspace": "a key tells which workspace it is for, not the other way round",
    "emulated_worlds.find_in_every_workspace": "a call to the emulated vendor names no workspace, its token does",
    "bookings.every_to_declare": "the sweep serves all workspaces",
    "backup_pools.next_due": "the sweep sleeps until any workspace has one",
    "backup_pools.every_due": "the sweep serves all workspaces",
    "bookings.next_to_declare": "the sweep sleeps until any workspace has one",
    "client_sessions.find_in_every_workspace": "a token tells which workspace it is for, not the other way round",
    "claims.claim": "workers serve all workspaces in turn",
    "claims.extend": "the claim names its workspace",
    "claims.holds": "the claim names its workspace",
    "claims.next_due": "workers sleep until any workspace has work",
    "claims.next_due_of_each": "workers sleep until any workspace has work",
    "claims.next_lapse": "workers sleep until any workspace has work",
    "claims.release": "the claim names its workspace",
    "connect_webviews.find_in_every_workspace": "a link tells which workspace it is of",
    "customer_portals.find_in_every_workspace": "a link tells which workspace it is of",
    "events.waiting": "the sequencer serves all workspaces",
    "figures.accounts": "how the whole installation does; counts alone",
    "figures.calendars": "how the whole installation does; counts alone",
    "figures.locks": "how the whole installation does; counts alone",
    "figures.queues": "how the whole installation does; counts alone",
    "figures.unsequenced": "how the whole installation does; counts alone",
    "figures.webhooks": "how the whole installation does; counts alone",
    "instant_keys.find_in_every_workspace": "a link tells which workspace it is for, not the other way round",
    "operators.by_public_id": "an operator belongs to no workspace",
    "operators.every": "an operator belongs to no workspace",
    "operators.every_token": "an operator belongs to no workspace",
    "operators.insert": "an operator belongs to no workspace",
    "operators.insert_token": "a personal token is for all workspaces of its operator",
    "operators.memberships_of": "which workspaces an operator belongs to",
    "operators.remove": "an operator belongs to no workspace",
    "operators.revoke_token": "a personal token is for all workspaces of its operator",
    "operators.token_by_hash": "a personal token is for all workspaces of its operator",
    "operators.token_by_public_id": "a personal token is for all workspaces of its operator",
    "retention.make_partitions": "a table's months are everybody's",
    "rotation.versions_in_use": "the master key is the installation's; counts alone",
    "workspaces.by_publishable_key": "a key tells which workspace it is for, not the other way round",
    "workspaces.get_many": "an operator sees those that they belong to",
    "workspaces.every": "sweeps and the wiring begin here",
    "workspaces.make_first_alone": "there is no workspace yet",
    "workspaces.swept_first": "the sweep sleeps until any workspace is due",
}


def public_functions() -> Iterator[tuple[str, ast.AsyncFunctionDef]]:
    """All that can reach the database; what is not asynchronous cannot."""
    for module in sorted(STORAGE.glob("*.py")):
        if module.name in PLUMBING:
            continue
        for node in ast.parse(module.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_"):
                yield f"{module.stem}.{node.name}", node


def is_told_first(function: ast.AsyncFunctionDef) -> bool:
    """`workspace_id` comes first, or second after the connection."""
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return "workspace_id" in names[:2]


FUNCTIONS = list(public_functions())


@pytest.mark.parametrize(("name", "function"), FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_a_storage_function_is_told_its_workspace_first(name: str, function: ast.AsyncFunctionDef) -> None:
    assert is_told_first(function) or name in ACROSS_WORKSPACES


def test_what_looks_across_workspaces_exists_and_says_why() -> None:
    assert set(ACROSS_WORKSPACES) <= {name for name, _ in FUNCTIONS}
    assert all(ACROSS_WORKSPACES.values())
