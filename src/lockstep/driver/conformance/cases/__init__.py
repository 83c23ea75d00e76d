"""Every case of the suite, by subject."""

from lockstep.driver.conformance.cases.extras import extras
from lockstep.driver.conformance.cases.rules import rules
from lockstep.driver.conformance.cases.secrecy import secrecy
from lockstep.driver.conformance.cases.strangers import strangers
from lockstep.driver.conformance.cases.troubles import troubles
from lockstep.driver.conformance.cases.windows import windows
from lockstep.driver.conformance.cases.writing import writing

ALL_CASES = tuple(
    case
    for subject in (writing, windows, rules, troubles, strangers, extras, secrecy)
    for case in subject.all
)
