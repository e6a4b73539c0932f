"""Whether koans do what their tests say: built together, run one by one, shut off as tests of a repair are."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.domain import Level
from sleepy_agent.fixes.proof import sheltered_environment, without_network
from sleepy_agent.koans.packages import Packages, ask_cargo
from sleepy_agent.process import CancelToken, run_process

LONGEST_TEST_SECONDS = 20.0
"""A koan's test takes milliseconds; a wrong repair may never end."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What became of a koan's tests. `compiles`: whether there was anything to run; `reason`: a short sentence."""

    compiles: bool
    passed: bool
    reason: str


def run_tests_of(
    packages: Packages, texts: Mapping[str, str], cancel: CancelToken, longest_seconds: float = LONGEST_TEST_SECONDS
) -> dict[str, Behaviour]:
    """Compile the koans of `texts` with these texts and run their tests, each in a process of its own."""
    packages.write(texts)
    said = ask_cargo(packages, ["build", "--lib", "--tests"], cancel)
    prefix = without_network()
    environment = os.environ | {"RUST_BACKTRACE": "0"}

    def outcome_of(name: str) -> Behaviour:
        program = said.programs.get(name)
        if program is None:
            errors = [one.message for one in said.messages[name] if one.level in {Level.ERROR, Level.CRASH}]
            return Behaviour(False, False, f"it does not compile: {errors[0] if errors else 'cargo did not build it'}")
        with tempfile.TemporaryDirectory(prefix="sleepy-tests-") as scratch:
            outcome = run_process(
                [*prefix, str(program)],
                cwd=packages.root / name,
                environment=sheltered_environment(environment, Path(scratch)),
                timeout_seconds=longest_seconds,
                cancel=cancel,
            )
        output = outcome.stdout.decode(errors="replace")
        if outcome.timed_out:
            return Behaviour(True, False, f"its tests did not end within {longest_seconds:.0f} s")
        counts = re.search(r"^test result: \w+\. (\d+) passed", output, re.MULTILINE)
        if outcome.succeeded and counts is not None and int(counts.group(1)) > 0:
            return Behaviour(True, True, "its tests pass")
        failed = re.findall(r"^test (\S+) \.\.\. FAILED", output, re.MULTILINE)
        return Behaviour(True, False, f"{failed[0]} fails" if failed else "its tests do not run to their end")

    with ThreadPoolExecutor(max(1, min(4, os.cpu_count() or 1))) as pool:
        found = dict(zip(texts, pool.map(outcome_of, texts), strict=True))
    cancel.raise_if_cancelled()
    return found
