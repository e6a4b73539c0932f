"""Stand-ins for what surrounds the language server: the worker, and the editor."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from lsp.scripted_worker import JOURNAL_VARIABLE
from sleepy_lsp.worker_client import WORKER_COMMAND_VARIABLE

TESTS = Path(__file__).parents[1]
SCRIPTED_WORKER = (sys.executable, "-m", "lsp.scripted_worker")
"""The command of a worker without a compiler."""


def worker_environment(journal: Path | None = None) -> dict[str, str]:
    """What must be in the environment of whoever starts the scripted worker instead of the real one."""
    paths = [str(TESTS), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(filter(None, paths))),
        WORKER_COMMAND_VARIABLE: json.dumps(SCRIPTED_WORKER),
    }
    return environment | ({JOURNAL_VARIABLE: str(journal)} if journal else {})
