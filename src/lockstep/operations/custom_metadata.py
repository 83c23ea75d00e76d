"""Values that callers keep with a thing and only they understand."""

from __future__ import annotations

from collections.abc import Mapping

from lockstep.operations.errors import Invalid

MOST = 50
_LONGEST_NAME, _LONGEST_VALUE = 40, 500


def laid_over(
    before: Mapping[str, str | bool], given: Mapping[str, str | bool | None]
) -> dict[str, str | bool]:
    """What is kept afterwards; null or an empty text takes a value away. Raises Invalid."""
    after = dict(before)
    for name, value in given.items():
        if len(name) > _LONGEST_NAME or (isinstance(value, str) and len(value) > _LONGEST_VALUE):
            raise Invalid(
                f"A name in custom_metadata has at most {_LONGEST_NAME} characters, a value {_LONGEST_VALUE}.",
                code="custom_metadata_too_long",
                field="custom_metadata",
            )
        if value is None or value == "":
            after.pop(name, None)
        else:
            after[name] = value
    if len(after) > MOST:
        raise Invalid(
            f"There are at most {MOST} values in custom_metadata.",
            code="custom_metadata_too_many",
            field="custom_metadata",
        )
    return after
