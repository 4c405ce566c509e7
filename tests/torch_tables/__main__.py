"""Make ``tables.json`` with the PyTorch that is installed: ``python -m tests.torch_tables``."""

import json

import torch

from .cases import CASES, TABLES, torch_path

tables: dict[str, object] = {"made with": f"torch {torch.__version__.split('+')[0]}"}
for dtype in ("float64", "float32"):
    # repr of a float, which json writes, reads back as the same float.
    tables[dtype] = {case.name: torch_path(case, dtype).astype(float).tolist() for case in CASES}
TABLES.write_text(
    json.dumps(tables, indent=1).replace("\n     ", " ").replace("\n    ]", " ]") + "\n"
)
