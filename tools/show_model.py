"""What `make run` shows of the model that comes with Sleepy: who serves it, and what it mends of the example, alone."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

from sleepy_agent.config import find_places, load_settings
from sleepy_agent.fixes.sources import model_sources
from sleepy_agent.fixes.sources.model import ModelSource
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import ModelUnavailable
from sleepy_agent.serving.clients.lifecycle import ensure_server

BUDGET: Final = "1m"
START_SECONDS: Final = 120.0


def main() -> int:
    """Have the model asked about a broken workspace (the first argument), and print two lines."""
    places = find_places()
    settings = load_settings(places)
    source = model_sources(places, settings)["model"]
    if not isinstance(source, ModelSource):
        print(f"The model that comes with Sleepy is not asked. {source.reason} {source.remedy}")
        return 0
    # A machine that has just compiled llama.cpp may take longer to start it than a question waits.
    server = ensure_server(places, settings, CancelToken(), seconds=START_SECONDS)
    if isinstance(server, ModelUnavailable):
        print(f"The model that comes with Sleepy is not asked. {server.reason} {server.remedy}")
        return 0
    problems = problems_after("--sources", "model", "--budget", BUDGET, sys.argv[1])
    # What so small a model writes is never applied unasked: what it offers is what counts.
    mended = sum(bool(one["fixed"] or one["alternatives"]) for one in problems)
    where = f"{server.address.base_url}/v1"
    print(f"Served by {server.model} at {where}: alone it has a fix")
    print(f"that rustc accepts for {mended} of {len(problems)} problems.")
    print("It is asked about what the other sources leave open; `sleepy model info` shows its card.")
    return 0


def problems_after(*words: str) -> list[dict[str, Any]]:
    """What `sleepy fix --json` says of each problem."""
    command = (sys.executable, "-P", "-m", "sleepy_agent.cli", "fix", "--json", *words)
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    found: list[dict[str, Any]] = json.loads(ended.stdout).get("problems", [])
    return found


if __name__ == "__main__":
    sys.exit(main())
