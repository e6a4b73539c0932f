"""Deeper proofs: what clippy and the tests say, and that tests run shut off from the user's home and the network."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.config import Settings
from sleepy_agent.domain import Proof
from sleepy_agent.errors import Interrupted
from sleepy_agent.fixes import proof as proof_module
from sleepy_agent.fixes.proof import clippy_proof, prove, test_proof, without_network
from sleepy_agent.process import CancelToken, run_process

# Not a test of this file, whatever its name.
prove_tests = test_proof
del test_proof

Keys = frozenset[object] | None


def session_with(before: Keys, after: Keys, folder: Path = Path()) -> CheckSession:
    """A session whose clippy says this, and whose copy of the text lies in `folder`."""

    def run_on_copy(work: Callable[[Path, Path], object]) -> object:
        return work(folder / "target", folder)

    fake = SimpleNamespace(
        clippy_keys=lambda *, changed: after if changed else before,
        run_on_copy=run_on_copy,
        settings=Settings(niceness=0),
    )
    return cast("CheckSession", fake)


ONE, TWO = ("clippy::len_zero", "message", "line"), ("clippy::redundant_clone", "message", "line")


@pytest.mark.parametrize(
    ("before", "after", "passed", "summary"),
    [
        (frozenset(), frozenset(), True, "clippy has nothing new to say"),
        (frozenset({ONE}), frozenset({ONE}), True, "clippy has nothing new to say"),
        (frozenset({ONE}), frozenset(), True, "clippy has nothing new to say"),
        (frozenset({ONE}), frozenset({ONE, TWO}), False, "clippy has 1 new warning"),
        (frozenset(), frozenset({ONE, TWO}), False, "clippy has 2 new warnings"),
        (None, frozenset(), False, "clippy is not installed: `rustup component add clippy`"),
    ],
)
def test_clippy(before: Keys, after: Keys, passed: bool, summary: str) -> None:
    made = clippy_proof(session_with(before, after))
    assert (made.proof, made.passed, made.summary) == (Proof.CLIPPY, passed, summary)


def fake_cargo(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `cargo` on PATH that does what the test wants."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "cargo").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "cargo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")


TWO_BINARIES = """
echo 'test a ... ok'
echo 'test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out'
echo 'test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out'
"""
FAILING = """
echo 'test tests::fee_is_kept ... FAILED'
echo 'test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out'
exit 101
"""


@pytest.mark.parametrize(
    ("script", "passed", "summary"),
    [
        (TWO_BINARIES, True, "7 tests passed"),
        ("echo 'test result: ok. 1 passed; 0 failed; 0 ignored'", True, "1 test passed"),
        ("true", True, "0 tests passed"),
        (FAILING, False, "1 of 4 tests failed: tests::fee_is_kept"),
        ("echo 'error: could not compile' >&2; exit 101", False, "the tests do not build"),
    ],
)
def test_what_the_tests_say(
    script: str, passed: bool, summary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_cargo(tmp_path, script, monkeypatch)
    made = prove_tests(session_with(frozenset(), frozenset(), tmp_path), CancelToken())
    assert (made.proof, made.passed, made.summary) == (Proof.TEST, passed, summary)


def test_tests_that_hang_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_cargo(tmp_path, "exec tail -f /dev/null", monkeypatch)
    monkeypatch.setattr(proof_module, "TEST_TIMEOUT_SECONDS", 0.3)
    made = prove_tests(session_with(frozenset(), frozenset(), tmp_path), CancelToken())
    assert not made.passed and made.summary == "the tests did not end within 0 s"


def test_a_stop_ends_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_cargo(tmp_path, "exec tail -f /dev/null", monkeypatch)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Interrupted):
        prove_tests(session_with(frozenset(), frozenset(), tmp_path), token)


def test_tests_see_a_home_of_their_own_and_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "said"
    user = tmp_path / "user"
    (user / "documents").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(user))
    monkeypatch.delenv("CARGO_HOME", raising=False)
    monkeypatch.delenv("RUSTUP_HOME", raising=False)
    script = f"""
for name in HOME TMPDIR CARGO_HOME RUSTUP_HOME; do eval echo "$name=\\$$name" >> {said}; done
cat /proc/net/dev >> {said}
echo "$@" >> {said}
echo x > "$HOME/x"
"""
    fake_cargo(tmp_path, script, monkeypatch)
    assert prove_tests(session_with(frozenset(), frozenset(), tmp_path), CancelToken()).passed
    lines = said.read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines if "=" in line and line.isascii() and line[0].isupper())
    assert told["HOME"] == told["TMPDIR"] and not Path(told["HOME"]).is_relative_to(user)
    assert not Path(told["HOME"]).exists()
    assert told["CARGO_HOME"] == str(user / ".cargo") and told["RUSTUP_HOME"] == str(user / ".rustup")
    assert sorted(path.name for path in user.iterdir()) == ["documents"]
    assert any("--offline" in line and "--workspace" in line for line in lines)
    if without_network():
        interfaces = [line.split(":")[0].strip() for line in lines if ":" in line and "=" not in line]
        assert set(interfaces) <= {"lo"}


def test_the_network_is_gone_where_the_system_allows_it() -> None:
    prefix = without_network()
    # A name of the documentation's own (RFC 2606): it leads nowhere, and here not even to a name server.
    program = "import socket\ntry: socket.create_connection(('192.0.2.1', 9), 5)\nexcept OSError as e: print(e.errno)"
    outcome = run_process([*prefix, "python3", "-c", program]) if prefix else None
    import errno

    assert outcome is None or outcome.stdout.decode().strip() == str(errno.ENETUNREACH)


def test_each_level_includes_the_ones_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_cargo(tmp_path, TWO_BINARIES, monkeypatch)
    said: list[str] = []
    session = session_with(frozenset(), frozenset(), tmp_path)
    made = prove(session, Proof.CLIPPY, CancelToken(), said.append)
    assert [one.proof for one in made] == [Proof.CLIPPY]
    made = prove(session, Proof.TEST, CancelToken(), said.append)
    assert [one.proof for one in made] == [Proof.CLIPPY, Proof.TEST]
    assert said == ["asking clippy", "asking clippy", "running the tests on a copy"]
