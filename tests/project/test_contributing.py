"""What CONTRIBUTING.md calls by name is there, and no room is left out of its map."""

import re
from pathlib import Path

from tests.processes import ROOT

TEXT = Path(ROOT, "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_path_is_there():
    paths = re.findall(r"`((?:tests|benchmarks|examples|docs|fastadam|\.ci)/[\w./]*)`", TEXT)
    assert len(paths) > 10
    assert [path for path in paths if not Path(ROOT, path).exists()] == []


def test_every_room_is_on_the_map():
    rooms = {
        path.name + "/" * path.is_dir()
        for path in Path(ROOT, "fastadam").iterdir()
        if path.name not in ("__init__.py", "__pycache__", "py.typed")
    }
    named = set(re.findall(r"`(\w+(?:/|\.py))`", TEXT.partition("## Where things are")[2]))
    assert rooms <= named
    assert {name for name in named if name.startswith("_") and name not in rooms} <= {"_shared/"}
