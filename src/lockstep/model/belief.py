"""What an entry may carry on its lock: a set of states that writes widen and readings narrow. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from lockstep.model.capabilities import Capabilities, Evidence, ReadBack
from lockstep.model.declared import ABSENT, OTHER, Carried, Spec, is_enabled, revision_of
from lockstep.model.window import Window


@dataclass(frozen=True, slots=True)
class Seen:
    """An entry of a reading, matched to one of ours. None: the vendor does not show this field."""

    reference: str
    evidence: Evidence
    fingerprint: UUID | None = None
    version: str | None = None
    window: Window | None = None
    is_enabled: bool | None = None
    targets: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Belief:
    """The states that an entry may be in, and what is known about them."""

    possible: frozenset[Carried] = frozenset({ABSENT})
    evidence: Evidence = Evidence.NONE
    """Rank of proof of the last reading or outcome that spoke of it."""
    references: frozenset[str] = frozenset()
    """Vendor's references at which it stands or may stand."""
    accepted: Carried | None = None
    """The state that the vendor last said yes to; decides where a reading cannot tell states apart."""
    version: str | None = None
    """The vendor's version of what it accepted, where read-back is by version."""
    last_write_at: datetime | None = None
    """The last instant at which a write of ours may have reached the vendor."""
    late_until: datetime | None = None
    """Until then a write that was not seen may still appear."""
    read_at: datetime | None = None
    """When the last reading that counts for it began."""
    proven_at: datetime | None = None
    """When the reading that last proved its only possible state began."""
    attempts: int = 0
    """Writes of the current revision since it was last proven or changed."""

    @property
    def only(self) -> Carried | None:
        """The one possible state, or None in doubt."""
        return next(iter(self.possible)) if len(self.possible) == 1 else None

    @property
    def may_be_present(self) -> bool:
        return self.possible != {ABSENT}

    def has_settled(self, capabilities: Capabilities, now: datetime) -> bool:
        """Whether no write of ours can still be under way unseen: one may be made."""
        if self.last_write_at is None:
            return True
        settled_at = self.last_write_at + capabilities.settling
        if capabilities.read_back is ReadBack.NONE:
            return now >= settled_at
        return self.read_at is not None and self.read_at >= settled_at

    def may_appear_late(self, at: datetime) -> bool:
        return self.late_until is not None and at < self.late_until


def widen(
    belief: Belief, state: Carried, reference: str | None, capabilities: Capabilities, deadline: datetime
) -> Belief:
    """Before a write leaves: the entry may carry what it did or `state`, until proof."""
    references = belief.references | ({reference} if reference else frozenset())
    return replace(
        belief,
        possible=belief.possible | {state},
        references=references,
        last_write_at=_later(belief.last_write_at, deadline),
        late_until=_later(belief.late_until, deadline + capabilities.late_apply),
        accepted=None,
        attempts=belief.attempts + 1,
    )


def after_done(
    belief: Belief,
    state: Carried,
    reference: str | None,
    version: str | None,
    evidence: Evidence,
    capabilities: Capabilities,
    at: datetime,
) -> Belief:
    """The vendor said yes at `at`. Where nothing can be read back that is the best proof there is."""
    evidence = min(evidence, capabilities.best_evidence)
    has_proof = capabilities.read_back is ReadBack.NONE
    return replace(
        belief,
        possible=frozenset({state}) if has_proof else belief.possible,
        references=frozenset({reference}) if reference and state != ABSENT else belief.references,
        accepted=state,
        version=version or belief.version,
        evidence=evidence if state != ABSENT else Evidence.NONE,
        last_write_at=at,
        late_until=at + capabilities.late_apply,
        proven_at=at if has_proof else belief.proven_at,
    )


def after_refusal(belief: Belief, before: frozenset[Carried], last_write_before: datetime | None) -> Belief:
    """An explicit refusal changed nothing: back to what was possible before the write."""
    return replace(belief, possible=before, accepted=None, last_write_at=last_write_before)


def narrow(
    belief: Belief,
    seen: Seen | None,
    begun_at: datetime,
    specs: Mapping[int, Spec],
    capabilities: Capabilities,
) -> Belief:
    """What a reading that covers the entry's targets leaves possible. `seen` None: it is not there.

    A reading that began before the last possible write has settled says nothing, and changes nothing.
    """
    if not _counts(belief, begun_at, capabilities):
        return belief
    if capabilities.read_back is ReadBack.NONE:
        return replace(belief, read_at=begun_at)
    states = _consistent(belief, seen, begun_at, specs, capabilities)
    only_proven = len(states) == 1 and (
        ABSENT in states or (seen is not None and seen.evidence >= capabilities.best_evidence)
    )
    if states == {ABSENT}:
        late = belief.late_until if belief.may_appear_late(begun_at) else None
        references = belief.references if late is not None else frozenset()
    else:
        late = None if only_proven else belief.late_until
        references = frozenset({seen.reference}) if seen is not None else belief.references
    return replace(
        belief,
        possible=states,
        references=references,
        evidence=seen.evidence if seen is not None else Evidence.NONE,
        read_at=begun_at,
        proven_at=begun_at if only_proven else belief.proven_at,
        late_until=late,
        attempts=0 if only_proven and belief.accepted in states | {None} else belief.attempts,
    )


def is_proven(belief: Belief, state: Carried, capabilities: Capabilities) -> bool:
    """Believed equal to `state` by a reading begun after the last write that could touch it (or by the vendor's
    word, where nothing can be read back)."""
    if belief.possible != {state} or belief.proven_at is None:
        return state == ABSENT and belief.possible == {ABSENT} and belief.last_write_at is None
    if belief.last_write_at is not None and belief.proven_at < belief.last_write_at:
        return False
    return state == ABSENT or belief.evidence >= min(capabilities.best_evidence, Evidence.ACKNOWLEDGED)


def _counts(belief: Belief, begun_at: datetime, capabilities: Capabilities) -> bool:
    if belief.read_at is not None and begun_at < belief.read_at:
        return False
    return belief.last_write_at is None or begun_at >= belief.last_write_at + capabilities.settling


def _consistent(
    belief: Belief,
    seen: Seen | None,
    begun_at: datetime,
    specs: Mapping[int, Spec],
    capabilities: Capabilities,
) -> frozenset[Carried]:
    if seen is None:
        return frozenset({ABSENT})
    candidates = {s for s in belief.possible if s != ABSENT}
    candidates |= {str(r) for r in specs} | {
        f"{r}-" for r in specs if capabilities.schedule.can_hold_disabled
    }
    fitting = frozenset(
        s for s in candidates if s != OTHER and _explains(s, seen, begun_at, specs, belief, capabilities)
    )
    if not fitting:
        return frozenset({OTHER})
    if len(fitting) > 1 and belief.accepted in fitting:
        return frozenset({belief.accepted})
    likely = fitting & belief.possible
    return likely or fitting


def _explains(
    state: Carried,
    seen: Seen,
    begun_at: datetime,
    specs: Mapping[int, Spec],
    belief: Belief,
    capabilities: Capabilities,
) -> bool:
    revision = revision_of(state)
    spec = specs.get(revision) if revision is not None else None
    if spec is None:
        return False
    if seen.fingerprint is not None and spec.fingerprint is not None and seen.fingerprint != spec.fingerprint:
        return False
    if seen.window is not None and capabilities.schedule.is_own:
        written = spec.window.widened_to(capabilities.schedule.granularity)
        if not seen.window.same_from(written, begun_at):
            return False
    if seen.is_enabled is not None and seen.is_enabled != is_enabled(state):
        return False
    if seen.version is not None and belief.version is not None and state == belief.accepted:
        return seen.version == belief.version
    return seen.targets is None or seen.targets == spec.targets


def _later(a: datetime | None, b: datetime) -> datetime:
    return b if a is None or a < b else a
