"""Deeper proofs of a green result, on request: clippy has nothing new to say, the tests pass.

They run in the copied tree, never in the user's, the tests with a home and a temporary folder of their own
and, where Linux allows it, without a network.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.cargo.toolchain import cargo_build_environment
from sleepy_agent.cargo.workspace import feature_arguments
from sleepy_agent.domain import Proof
from sleepy_agent.fixes.events import ProofMade
from sleepy_agent.process import CancelToken, ProcessOutcome, run_process

# Tests of a real project take minutes; one that hangs must not hang us.
TEST_TIMEOUT_SECONDS = 900.0


def prove(session: CheckSession, proof: Proof, cancel: CancelToken, progress: Callable[[str], None]) -> list[ProofMade]:
    """The proofs up to `proof`, beyond the check, in their order."""
    progress("asking clippy")
    proofs = [clippy_proof(session)]
    if proof == Proof.TEST:
        progress("running the tests on a copy")
        proofs.append(test_proof(session, cancel))
    return proofs


def clippy_proof(session: CheckSession) -> ProofMade:
    """Whether clippy says nothing about the changed lines' files that it did not say before."""
    before = session.clippy_keys(changed=False)
    after = session.clippy_keys(changed=True)
    if before is None or after is None:
        return ProofMade(Proof.CLIPPY, False, "clippy is not installed: `rustup component add clippy`")
    new = after - before
    if new:
        return ProofMade(Proof.CLIPPY, False, f"clippy has {len(new)} new warning{'s' if len(new) > 1 else ''}")
    return ProofMade(Proof.CLIPPY, True, "clippy has nothing new to say")


def test_proof(session: CheckSession, cancel: CancelToken) -> ProofMade:
    """`cargo test` of the whole workspace on the final text."""
    with tempfile.TemporaryDirectory(prefix="sleepy-tests-") as scratch:
        outcome = session.run_on_copy(lambda target, folder: run_tests(target, folder, Path(scratch), session, cancel))
    cancel.raise_if_cancelled()
    output = outcome.stdout.decode(errors="replace") + outcome.stderr.decode(errors="replace")
    results = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed", output, re.MULTILINE)
    passed = sum(int(one) for one, _ in results)
    failed = sum(int(two) for _, two in results)
    if outcome.timed_out:
        return ProofMade(Proof.TEST, False, f"the tests did not end within {TEST_TIMEOUT_SECONDS:.0f} s")
    if outcome.succeeded:
        return ProofMade(Proof.TEST, True, f"{passed} test{'s' if passed != 1 else ''} passed")
    names = re.findall(r"^test (\S+) \.\.\. FAILED", output, re.MULTILINE)
    what = f"{failed} of {passed + failed} tests failed: {', '.join(names[:5])}" if failed else "the tests do not build"
    return ProofMade(Proof.TEST, False, what)


def run_tests(target: Path, folder: Path, scratch: Path, session: CheckSession, cancel: CancelToken) -> ProcessOutcome:
    """Run cargo test, shut off from the user's home and, where possible, from the network."""
    environment = sheltered_environment(cargo_build_environment(target), scratch)
    command = ["cargo", "test", "--workspace", "--no-fail-fast", "--offline", "--target-dir", str(target)]
    command += feature_arguments(session.settings)
    return run_process(
        [*without_network(), *command],
        cwd=folder,
        environment=environment,
        timeout_seconds=TEST_TIMEOUT_SECONDS,
        niceness=session.settings.niceness,
        cancel=cancel,
    )


def sheltered_environment(environment: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """What a test sees: a home and a temporary folder of its own."""
    real_home = Path.home()
    # Cargo and rustup live in the home by default, so they are told where they really are.
    there = {"CARGO_HOME": str(real_home / ".cargo"), "RUSTUP_HOME": str(real_home / ".rustup"), **environment}
    return there | {"HOME": str(scratch), "USERPROFILE": str(scratch), "TMPDIR": str(scratch), "TEMP": str(scratch)}


def without_network() -> list[str]:
    """A prefix that gives a program a network with nobody in it, or nothing where that is not possible."""
    unshare = shutil.which("unshare") if os.name == "posix" else None
    if unshare is None:
        return []
    prefix = [unshare, "--map-current-user", "--net", "--"]
    return prefix if run_process([*prefix, "true"]).succeeded else []
