"""What only the server or a question needs is imported by nobody else: editors start with these modules."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("httpx", "starlette", "uvicorn", "numpy", "llama_cpp", "gguf", "huggingface_hub", "asyncio", "jinja2")


@pytest.mark.parametrize("module", ["sleepy_agent.serving.clients.model_choice", "sleepy_agent.cli.serve"])
def test_nothing_heavy_is_imported_before_it_is_needed(module: str) -> None:
    code = f"import sys; import {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
