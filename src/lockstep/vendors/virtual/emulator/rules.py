"""The vendor's rules for digits, names and windows. Knows no cloud and no lock's memory."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from lockstep.vendors.virtual.emulator.features import Features
from lockstep.vendors.virtual.emulator.replies import malformed, rule_broken


def _has_run(digits: str) -> bool:
    return any(a + b + c in "0123456789" or c + b + a in "0123456789" for a, b, c in _threes(digits))


def _threes(digits: str) -> list[tuple[str, str, str]]:
    return list(zip(digits, digits[1:], digits[2:], strict=False))


CODE_RULES: dict[str, Callable[[str], bool]] = {
    "no_zeros": lambda digits: "0" not in digits,
    "not_starting_with_12": lambda digits: not digits.startswith("12"),
    "no_runs": lambda digits: not _has_run(digits),
    "three_different": lambda digits: len(set(digits)) >= 3,
}


def check_digits(digits: str, features: Features) -> None:
    """Raise Refused for digits against a rule."""
    if not (digits.isascii() and digits.isdigit()):
        raise rule_broken(f"{digits} has other characters than digits.")
    if len(digits) not in features.code_lengths:
        raise rule_broken(f"{digits} has {len(digits)} digits, allowed are {features.code_lengths}.")
    for rule in features.code_rules:
        if not CODE_RULES[rule](digits):
            raise rule_broken(f"{digits} breaks the rule {rule}.")


def _letters(name: str, features: Features) -> str:
    """What the rule for characters is asked of: not the space between a first and a last name."""
    return name.replace(" ", "", 1) if features.names.split else name


def checked_name(name: str, features: Features) -> str:
    """The name as it will be kept. Raises Refused."""
    rules = features.names
    if rules.characters and not all(re.fullmatch(rules.characters, one) for one in _letters(name, features)):
        raise rule_broken(f"The name may have these characters only: {rules.characters}.")
    if len(name) < rules.shortest:
        raise rule_broken(f"The name needs at least {rules.shortest} characters.")
    if len(name) > rules.longest and not rules.truncated:
        raise rule_broken(f"The name may have at most {rules.longest} characters.")
    return name[: rules.longest] if rules.kept else ""


def read_instant(text: str, features: Features, time_zone: ZoneInfo) -> datetime:
    """An instant from the wire: with an offset, or the lock's wall time where its schedule says so.

    A wall time that comes twice in a night means its first coming.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise malformed(f"{text!r} is no time.") from error
    is_local = features.schedule.zone == "lock_local"
    if is_local == (at.tzinfo is not None):
        raise malformed(
            f"{text!r}: times are {'wall times without' if is_local else 'given with'} an offset."
        )
    if not features.schedule.begins_step(at):
        raise rule_broken(f"{text} does not begin a step of {features.schedule.step_seconds} seconds.")
    return (at.replace(tzinfo=time_zone) if is_local else at).astimezone(UTC)


def write_instant(at: datetime | None, features: Features, time_zone: ZoneInfo) -> str | None:
    """An instant as the wire shows it."""
    if at is None:
        return None
    if features.schedule.zone == "lock_local":
        return at.astimezone(time_zone).replace(tzinfo=None).isoformat()
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
