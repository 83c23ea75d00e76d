"""What the wheel holds: the program, and nothing that only tests need."""

from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]


def test_a_wheel_holds_the_program_and_neither_tests_nor_vendors_documents() -> None:
    inside = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert {
        "lockstep/vendors/nuki/emulator/operations.txt",
        "lockstep/storage/migrations/0001_first.sql",
    } <= inside
    assert not {path for path in inside if "tests" in Path(path).parts or path.endswith(".openapi.json")}
