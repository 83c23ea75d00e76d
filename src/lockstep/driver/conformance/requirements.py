"""What a case may require of a world, each a named predicate on its traits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from lockstep.driver.conformance.suite import Requirement
from lockstep.driver.conformance.world import Traits, Trouble
from lockstep.model.capabilities import (
    Addressing,
    Apply,
    CodeChooser,
    Comparison,
    Delete,
    DuplicateBehaviour,
    Evidence,
    ReadBack,
    ScheduleZone,
    Scope,
)


def can_trouble(*kinds: Trouble) -> Requirement:
    """The world can let these things go wrong."""
    return lambda traits: traits.troubles >= set(kinds)


def duplicates(behaviour: DuplicateBehaviour) -> Requirement:
    """What the vendor does with digits given twice."""
    return lambda traits: traits.capabilities.duplicates.behaviour is behaviour


def either(*requirements: Callable[[Traits], bool]) -> Requirement:
    """At least one holds."""
    return lambda traits: any(holds(traits) for holds in requirements)


def caller_chooses(traits: Traits) -> bool:
    return traits.capabilities.chooser is CodeChooser.CALLER


def vendor_chooses(traits: Traits) -> bool:
    return traits.capabilities.chooser is CodeChooser.VENDOR


def can_update(traits: Traits) -> bool:
    return traits.capabilities.can_update and caller_chooses(traits)


def cannot_update(traits: Traits) -> bool:
    return not traits.capabilities.can_update and caller_chooses(traits)


def can_delete(traits: Traits) -> bool:
    return traits.capabilities.delete is not Delete.IMPOSSIBLE


def cannot_delete(traits: Traits) -> bool:
    return not can_delete(traits)


def has_own_schedule(traits: Traits) -> bool:
    return traits.capabilities.schedule.is_own


def has_no_schedule(traits: Traits) -> bool:
    return not traits.capabilities.schedule.is_own


def holds_disabled(traits: Traits) -> bool:
    return traits.capabilities.schedule.can_hold_disabled


def opens_without_limit_of_use(traits: Traits) -> bool:
    return traits.capabilities.schedule.must_be_used_within is None


def has_coarse_steps(traits: Traits) -> bool:
    return has_own_schedule(traits) and traits.capabilities.schedule.granularity > timedelta(minutes=1)


def is_lock_local(traits: Traits) -> bool:
    return has_own_schedule(traits) and traits.capabilities.schedule.zone is ScheduleZone.LOCK_LOCAL


def can_be_read(traits: Traits) -> bool:
    return traits.capabilities.read_back is not ReadBack.NONE


def shows_content(traits: Traits) -> bool:
    return traits.capabilities.read_back in (ReadBack.DIGITS, ReadBack.VERSION)


def keeps_names(traits: Traits) -> bool:
    return traits.capabilities.name.is_kept and can_be_read(traits)


def has_name_characters(traits: Traits) -> bool:
    return keeps_names(traits) and traits.capabilities.name.pattern is not None


def has_unique_names(traits: Traits) -> bool:
    return keeps_names(traits) and traits.capabilities.name.is_unique


def has_code_rules(traits: Traits) -> bool:
    return caller_chooses(traits) and bool(traits.capabilities.constraints)


def compares_by_window(traits: Traits) -> bool:
    duplicates = traits.capabilities.duplicates
    return duplicates.compared_by is Comparison.WINDOW and has_own_schedule(traits)


def compares_by_presence(traits: Traits) -> bool:
    return traits.capabilities.duplicates.compared_by is Comparison.PRESENCE and has_own_schedule(traits)


def is_unique_per_lock(traits: Traits) -> bool:
    return traits.capabilities.duplicates.scope is Scope.LOCK


def is_unique_per_site(traits: Traits) -> bool:
    return traits.capabilities.duplicates.scope is Scope.SITE


def has_few_places(traits: Traits) -> bool:
    return traits.capabilities.most_codes is not None and caller_chooses(traits)


def is_addressed_by_slot(traits: Traits) -> bool:
    return traits.capabilities.addressing is Addressing.SLOT


def makes_jobs(traits: Traits) -> bool:
    return traits.capabilities.apply is Apply.JOB


def opens_several_doors(traits: Traits) -> bool:
    return traits.capabilities.targets_per_entry > 1


def opens_one_door(traits: Traits) -> bool:
    return not opens_several_doors(traits)


def has_app(traits: Traits) -> bool:
    return traits.has_app


def loses_or_refuses_offline(traits: Traits) -> bool:
    return traits.loses_or_refuses_offline


def reads_live(traits: Traits) -> bool:
    return traits.reads_live


def device_proves(traits: Traits) -> bool:
    return traits.capabilities.best_evidence >= Evidence.ACKNOWLEDGED and can_be_read(traits)


def may_apply_late(traits: Traits) -> bool:
    return traits.capabilities.late_apply > traits.capabilities.settling


def can_unlock(traits: Traits) -> bool:
    return traits.capabilities.can_unlock


def can_lock(traits: Traits) -> bool:
    return traits.capabilities.can_lock


def can_configure_auto_lock(traits: Traits) -> bool:
    return traits.capabilities.can_configure_auto_lock


def can_act(traits: Traits) -> bool:
    return can_unlock(traits) or can_lock(traits) or can_configure_auto_lock(traits)


def has_log(traits: Traits) -> bool:
    return traits.capabilities.has_log


def has_battery(traits: Traits) -> bool:
    return traits.capabilities.has_battery


def registers_callbacks(traits: Traits) -> bool:
    return traits.registers_callbacks


def has_push(traits: Traits) -> bool:
    return traits.capabilities.has_push
