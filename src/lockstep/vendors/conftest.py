"""Lets the suite's assertions say what they compared, as those of test files do."""

import pytest

pytest.register_assert_rewrite("lockstep.driver.conformance")
