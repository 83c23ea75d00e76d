"""Edits that become the declaration: what is declared then."""

from datetime import UTC, datetime

from lockstep.model.belief import Belief
from lockstep.model.capabilities import Evidence
from lockstep.model.declared import Spec
from lockstep.model.edit import ChangeType, Edit, EditedField, FieldChange
from lockstep.model.honouring import honoured_spec
from lockstep.model.seen import Seen
from lockstep.model.window import Window

NOW = datetime(2028, 3, 5, tzinfo=UTC)


def test_an_end_that_is_over_is_declared_also_where_it_is_a_leap_day() -> None:
    ended_at = datetime(2028, 2, 29, tzinfo=UTC)
    spec = Spec(None, Window(datetime(2028, 3, 1, tzinfo=UTC), None), "Anna", frozenset({"lock"}))
    edit = Edit(ChangeType.MODIFIED, (FieldChange(EditedField.ENDS_AT),), NOW)
    seen = Seen("1", Evidence.LISTED, window=Window(datetime(1, 1, 1, tzinfo=UTC), ended_at))
    window = honoured_spec(spec, Belief(edit=edit), seen, None).window
    assert window.ends_at == ended_at
