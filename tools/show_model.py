"""What `make run` shows of the model that comes with Sleepy: who serves, and what it mends of the example, alone."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

SLEEPY = (sys.executable, "-P", "-m", "sleepy_agent.cli")
BUDGET = "30s"


def main() -> int:
    """Ask the model about the broken example (the first argument), and print two lines."""
    found = answer_of("fix", "--json", "--sources", "model", "--budget", BUDGET, sys.argv[1])
    if found is None or "problems" not in found:
        told = (found or {}).get("error") or {"message": "`sleepy fix` says nothing.", "remedy": "sleepy doctor"}
        print(f"The model that comes with Sleepy is not asked: {told['message']} {told['remedy']}")
        return 0
    problems = found["problems"]
    mended = sum(one["fixed"] for one in problems)
    status = answer_of("serve", "--status", "--json") or {}
    where = f"{status['model']} at {status['base_url']}" if status.get("running") else "no server is running"
    print(f"Served by the seed model ({where}), which rustc lets mend {mended} of {len(problems)} problems alone.")
    print("It is asked about what the other sources leave open; `sleepy model info` shows its card.")
    return 0


def answer_of(*words: str) -> dict[str, Any] | None:
    """The JSON object that a command of `sleepy` prints; None where it prints none."""
    ended = subprocess.run([*SLEEPY, *words], stdout=subprocess.PIPE, text=True, check=False)
    try:
        said = json.loads(ended.stdout)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


if __name__ == "__main__":
    sys.exit(main())
