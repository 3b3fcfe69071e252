"""Measurements. Those of the whole system start it with the harness of the tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))
