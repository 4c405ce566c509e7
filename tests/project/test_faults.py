"""Each fault that was once found has a test of what is right, by number."""

import re

from tests.processes import ROOT

FAULTS = 36


def test_each_fault_has_its_tests():
    """`python -m pytest -m "fault(number=7)"` runs those of one."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    numbers = re.findall(r"pytest\.mark\.fault\(number=(\d+)\)", "\n".join(sources))
    assert set(map(int, numbers)) == set(range(1, FAULTS + 1))
