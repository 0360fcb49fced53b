"""Each slip of tests/mutations.py finds the line that it changes, and the tests that must catch it."""

from pathlib import Path

from tests.mutations import MUTATIONS


def test_each_slip_finds_its_line_and_its_tests(root: Path) -> None:
    for slip in MUTATIONS:
        assert (root / slip.file).read_text("utf-8").count(slip.before) == 1, slip.family
        assert all((root / test).is_file() for test in slip.tests), slip.family
