"""docs/cli.md says what the parsers accept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_reference_is_what_the_parsers_say() -> None:
    made = subprocess.run([sys.executable, "tools/cli_reference.py"], cwd=ROOT, capture_output=True, check=True)
    assert (ROOT / "docs" / "cli.md").read_bytes() == made.stdout, (
        "docs/cli.md is old: python tools/cli_reference.py > docs/cli.md"
    )
