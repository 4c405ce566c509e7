"""Make ``tables.json`` with what is installed: ``python -m tests.author_tables``."""

import json
from importlib.metadata import version

from .cases import CASES, TABLES, author_path

packages = [f"{name} {version(name)}" for name in ("schedulefree", "pytorch-optimizer", "torch")]
tables: dict[str, object] = {"made with": ", ".join(packages).split("+")[0]}
for case in CASES:
    # repr of a float, which json writes, reads back as the same float.
    tables[case.name] = author_path(case).tolist()
TABLES.write_text(json.dumps(tables, indent=1).replace("\n   ", " ").replace("\n  ]", " ]") + "\n")
