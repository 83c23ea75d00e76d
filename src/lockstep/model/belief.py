"""What an entry may carry on its lock: a set of states that writes widen and readings narrow. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from lockstep.kit.frozen import dataclass
from lockstep.model.capabilities import Capabilities, Evidence, ReadBack
from lockstep.model.declared import ABSENT, OTHER, Carried, Spec, is_enabled, revision_of
from lockstep.model.edit import Edit, edit_of
from lockstep.model.naming import is_shown_as
from lockstep.model.seen import Seen

OVERWRITTEN_WITHIN = timedelta(hours=24)
"""Being overwritten again counts on only where the last time is no longer ago than this."""


@dataclass(frozen=True, slots=True)
class Belief:
    """The states that an entry may be in, and what is known about them."""

    possible: frozenset[Carried] = frozenset({ABSENT})
    evidence: Evidence = Evidence.NONE
    """Rank of proof of the last reading or outcome that spoke of it."""
    references: frozenset[str] = frozenset()
    """Vendor's references at which it stands or may stand, or may yet appear."""
    accepted: Carried | None = None
    """The state that the vendor last said yes to; decides where a reading cannot tell states apart."""
    version: str | None = None
    """The vendor's version of what it accepted, where read-back is by version."""
    last_write_at: datetime | None = None
    """The last instant at which a write of ours may have reached the vendor."""
    late_until: datetime | None = None
    """Until then a write that was not seen may still appear; None: each was seen, or its time is over."""
    read_at: datetime | None = None
    """When the last reading that counts for it began."""
    proven_at: datetime | None = None
    """When the reading that last proved its only possible state began."""
    tried: tuple[Carried, ...] = ()
    """What was written and not yet seen on the lock, oldest first. An explicit refusal counts as a try."""
    overwritten: int = 0
    """How often in a row (see OVERWRITTEN_WITHIN) what was proven was changed by somebody else."""
    overwritten_at: datetime | None = None
    """When the reading that last found it so began."""
    edit: Edit | None = None
    """What somebody else changed: until the declared state is proven again, or, where it has become the declaration,
    until the next one."""

    @property
    def only(self) -> Carried | None:
        """The one possible state, or None in doubt."""
        return next(iter(self.possible)) if len(self.possible) == 1 else None

    @property
    def may_be_present(self) -> bool:
        return self.possible != {ABSENT}

    @property
    def attempts(self) -> int:
        """Writes since the entry last stood as it should."""
        return len(self.tried)

    def attempts_at(self, state: Carried) -> int:
        """Writes of this state that were not seen on the lock."""
        return self.tried.count(state)

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


UNWRITTEN = Belief()
"""What is believed of an entry of which nothing was ever written."""


def as_seen(state: Carried, seen: Seen, begun_at: datetime, capabilities: Capabilities) -> Belief:
    """Of an entry that is declared to be what a reading shows: it stands there already."""
    return Belief(
        frozenset({state}),
        seen.evidence,
        frozenset({seen.reference}),
        accepted=state,
        version=seen.version,
        read_at=begun_at,
        proven_at=begun_at if seen.evidence >= is_enough(capabilities) else None,
    )


def widen(
    belief: Belief, state: Carried, reference: str | None, capabilities: Capabilities, deadline: datetime
) -> Belief:
    """Before a write leaves: the entry may carry what it did or `state`, until proof.

    Where a driver error says that nothing was sent, the belief from before is put back whole."""
    references = belief.references | ({reference} if reference else frozenset())
    return replace(
        belief,
        possible=belief.possible | {state},
        references=references,
        last_write_at=_later(belief.last_write_at, deadline),
        late_until=_later(belief.late_until, deadline + capabilities.late_apply),
        accepted=None,
        tried=(*belief.tried, state),
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
    late_until = at + capabilities.late_apply
    if len(belief.tried) > 1:
        # An earlier write may outlive this one.
        late_until = _later(belief.late_until, late_until)
    done = replace(
        belief,
        references=frozenset({reference}) if reference and state != ABSENT else belief.references,
        accepted=state,
        version=version,
        evidence=evidence if state != ABSENT else Evidence.NONE,
        last_write_at=at,
        late_until=late_until,
    )
    if capabilities.read_back is ReadBack.NONE:
        return _settled(replace(done, possible=frozenset({state}), proven_at=at), state, at)
    return done


def after_unknown(
    belief: Belief, at: datetime, capabilities: Capabilities, horizon: timedelta | None = None
) -> Belief:
    """No clear answer by `at`: neither done nor undone, and it may appear until the horizon is over."""
    late_until = at + (capabilities.late_apply if horizon is None else horizon)
    return replace(
        belief,
        last_write_at=_later(belief.last_write_at, at),
        late_until=_later(belief.late_until, late_until),
        accepted=None,
    )


def after_refusal(belief: Belief, before: frozenset[Carried], last_write_before: datetime | None) -> Belief:
    """An explicit refusal changed nothing: back to what was possible before the write. It counts as a try."""
    only = next(iter(before)) if len(before) == 1 else None
    is_first = len(belief.tried) <= 1
    return replace(
        belief,
        possible=before,
        references=frozenset() if is_first and only == ABSENT else belief.references,
        accepted=None if only in (ABSENT, OTHER) else only,
        last_write_at=last_write_before,
        late_until=None if is_first else belief.late_until,
    )


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
        late_until = belief.late_until if belief.may_appear_late(begun_at) else None
        return replace(belief, read_at=begun_at, late_until=late_until)
    states = _consistent(belief, seen, begun_at, specs, capabilities)
    only = next(iter(states)) if len(states) == 1 else None
    is_proven_now = only == ABSENT or (
        only is not None and seen is not None and seen.evidence >= is_enough(capabilities)
    )
    changed = replace(
        belief,
        possible=states,
        references=belief.references if seen is None else frozenset({seen.reference}),
        evidence=seen.evidence if seen is not None else Evidence.NONE,
        version=seen.version if seen is not None and only not in (None, OTHER) else belief.version,
        # From here on another version is somebody else's, also where the write itself was never answered.
        accepted=only if is_proven_now and only not in (ABSENT, OTHER) else belief.accepted,
        read_at=begun_at,
        proven_at=begun_at if is_proven_now else belief.proven_at,
        late_until=belief.late_until if belief.may_appear_late(begun_at) else None,
    )
    is_right_again = is_proven_now and only is not None and revision_of(only) == max(specs, default=None)
    if _was_overwritten(belief, states, begun_at, specs, capabilities):
        spec = specs.get(revision_of(belief.only or ABSENT) or 0)
        changed = _overwritten(changed, begun_at)
        edit = edit_of(spec, seen, begun_at, capabilities) if spec and not is_right_again else None
        changed = replace(changed, edit=edit)
    elif is_right_again and changed.edit and not changed.edit.is_honoured:
        changed = replace(changed, edit=None)
    return _settled(changed, only, begun_at) if is_proven_now else changed


def is_proven(belief: Belief, state: Carried, capabilities: Capabilities) -> bool:
    """Believed equal to `state` by a reading begun after the last write that could touch it; where nothing can be
    read back, by the vendor's word."""
    if belief.possible != {state} or belief.proven_at is None:
        return state == ABSENT and belief.possible == {ABSENT} and belief.last_write_at is None
    if belief.last_write_at is not None and belief.proven_at < belief.last_write_at:
        return False
    return state == ABSENT or belief.evidence >= is_enough(capabilities)


def is_enough(capabilities: Capabilities) -> Evidence:
    """The rank that proves: a code need not have opened the door."""
    return min(capabilities.best_evidence, Evidence.ACKNOWLEDGED)


def _settled(belief: Belief, only: Carried | None, at: datetime) -> Belief:
    """Its state is proven: what of its writes is still awaited.

    A single write that was seen cannot appear again. Of several, one was seen and the others may come late.
    """
    is_resolved = belief.tried in ((), (only,))
    if belief.may_appear_late(at) and not is_resolved:
        return belief
    if only == OTHER:
        return replace(belief, late_until=None)
    tried = tuple(s for s in belief.tried if s != only)
    if only != ABSENT and belief.tried[-1:] == (only,):
        tried = ()
    references = frozenset[str]() if only == ABSENT else belief.references
    return replace(belief, late_until=None, tried=tried, references=references)


def _counts(belief: Belief, begun_at: datetime, capabilities: Capabilities) -> bool:
    if belief.read_at is not None and begun_at < belief.read_at:
        return False
    return belief.last_write_at is None or begun_at >= belief.last_write_at + capabilities.settling


def _was_overwritten(
    belief: Belief,
    states: frozenset[Carried],
    begun_at: datetime,
    specs: Mapping[int, Spec],
    capabilities: Capabilities,
) -> bool:
    """Whether what was proven is no longer so although nothing of ours was on its way.

    A code that vanishes after its end was put away by the lock itself."""
    only = belief.only
    if only in (None, ABSENT, OTHER) or only in states or belief.may_appear_late(begun_at):
        return False
    if capabilities.read_back is ReadBack.VERSION and belief.late_until is not None:
        # The other version may be that of a write of ours that came late.
        return False
    spec = specs.get(revision_of(only) or 0)
    is_over = spec is not None and spec.window.is_over(begun_at) and states == {ABSENT}
    return not is_over and is_proven(belief, only, capabilities)


def _overwritten(belief: Belief, at: datetime) -> Belief:
    is_again = belief.overwritten_at is not None and at - belief.overwritten_at <= OVERWRITTEN_WITHIN
    return replace(belief, overwritten=belief.overwritten + 1 if is_again else 1, overwritten_at=at)


def _consistent(
    belief: Belief,
    seen: Seen | None,
    begun_at: datetime,
    specs: Mapping[int, Spec],
    capabilities: Capabilities,
) -> frozenset[Carried]:
    if seen is None:
        return frozenset({ABSENT})
    likely = {s for s in belief.possible if s not in (ABSENT, OTHER)}
    every = {f"{r}" for r in specs}
    if capabilities.schedule.can_hold_disabled:
        every |= {f"{r}-" for r in specs}
    shows_content = seen.fingerprint is not None
    may_be_other = OTHER in belief.possible and not shows_content
    # What shows no digits brings in no revision that was not possible, unless nothing was thought to be there
    candidates = likely | every if shows_content or not (likely or may_be_other) else likely
    fitting = frozenset(s for s in candidates if _explains(s, seen, begun_at, specs, belief, capabilities))
    if not fitting:
        return frozenset({OTHER})
    if belief.accepted in fitting:
        return frozenset({belief.accepted})
    left = fitting & likely or fitting
    return left | {OTHER} if may_be_other else left


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
    if not is_shown_as(seen.name, spec.name, capabilities.name):
        return False
    if seen.is_enabled is not None and seen.is_enabled != is_enabled(state):
        return False
    if seen.targets is not None and seen.targets != spec.targets:
        return False
    if seen.version is not None and belief.version is not None and state == belief.accepted:
        return seen.version == belief.version
    return True


def _later(a: datetime | None, b: datetime) -> datetime:
    return b if a is None or a < b else a
