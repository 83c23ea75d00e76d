"""What stands in a space, and how often that of its property has changed: who declares access there compares it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from lockstep.storage.database import Connection
from lockstep.storage.spaces import FAMILY, OPENED


@dataclass(frozen=True, slots=True)
class Furnished:
    """What a booking of a space opens, see `spaces.devices_of`."""

    property_id: UUID
    generation: int
    """Of what stands in the property: another one means that it has changed since."""
    device_ids: list[UUID]


async def of_space(db: Connection, workspace_id: UUID, space_id: UUID) -> Furnished | None:
    """None where it was removed."""
    row = await db.fetchrow(
        f"""{FAMILY} select f.property_id, f.generation, array({OPENED}) as device_ids
            from spaces s join furnishings f on f.workspace_id = s.workspace_id and f.property_id = s.property_id
            where s.workspace_id = $1 and s.id = $2 and s.removed_at is null""",  # noqa: S608
        workspace_id,
        space_id,
    )
    return Furnished(**dict(row)) if row else None


async def change(db: Connection, workspace_id: UUID, space_id: UUID) -> None:
    """What stands in this space is another in this transaction. Whoever declares access there was before, and is seen
    from here on, or comes afterwards, and sees what is changed."""
    await db.execute(
        """update furnishings set generation = generation + 1
           where workspace_id = $1 and property_id = (
             select property_id from spaces where workspace_id = $1 and id = $2)""",
        workspace_id,
        space_id,
    )


async def hold(db: Connection, workspace_id: UUID, space_ids: list[UUID]) -> None:
    """What stands in these spaces stays as it is until this transaction ends. In the order of their properties, and
    before any domain is locked. Shared: those who declare access there do not wait for each other."""
    await db.execute(
        """select from furnishings where workspace_id = $1 and property_id in (
             select property_id from spaces where workspace_id = $1 and id = any($2)) order by property_id for share""",
        workspace_id,
        space_ids,
    )
