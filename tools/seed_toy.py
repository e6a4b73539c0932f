"""The whole way of the seed model in under two minutes: data, training, export, serving, an answer that rustc judges.

What comes out is worth nothing; that it comes out is the proof. `make seed-toy` runs this, and the build machine with
it: the model that is shipped is never trained there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TRAINER = (sys.executable, "-P", "-m", "trainer.pretrain")
SLEEPY = (sys.executable, "-P", "-m", "sleepy_agent.cli")
LESSONS, STEPS = "120", "100"
KOAN = "bell_ringing"


def main() -> int:
    """Go the whole way in a folder that is gone afterwards."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sleepy-seed-toy-") as scratch:
        folder = Path(scratch)
        lessons, run, model = folder / "lessons.jsonl", folder / "run", folder / "seed.gguf"
        done([*TRAINER, "data", "--seed", "toy", "--count", LESSONS, "--out", str(lessons), "--no-crates"])
        done([*TRAINER, "train", "--lessons", str(lessons), "--run", str(run), "--toy", "--steps", STEPS])
        done([*TRAINER, "export", "--run", str(run), "--out", str(model)])
        environment = os.environ | {"SLEEPY_HOME": str(folder / "home")}
        command = [*SLEEPY, "koans", "run", "--json", "--only", KOAN, "--sources", "model", "--model", str(model)]
        command += ["--samples", "2", "--rounds", "1"]
        asked = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        said: dict[str, Any] = json.loads(asked.stdout)
    answered = sum(koan["tokens_out"] for koan in said.get("koans", []))
    if said.get("unavailable") or not answered:
        sys.stderr.write(f"The toy model did not answer: {said}\n")
        return 1
    print(f"data, training, export, serving: {answered} tokens answered, {time.monotonic() - began:.0f} s")
    return 0


def done(command: list[str]) -> None:
    """Run a step; where it fails, so does everything."""
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
