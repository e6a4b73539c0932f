"""Programs as values: how they end, and that nothing of them is left when they are ended."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from process_watch import is_running

from sleepy_agent.errors import Interrupted
from sleepy_agent.process import CancelToken, InterruptSignals, ProcessOutcome, own_command, run_process

# Blocks until it is killed: it waits for itself.
BLOCKS = "import signal; signal.pause()"
# Starts a child that blocks and says both process ids.
FAMILY = (
    "import subprocess, sys, os, signal\n"
    f"child = subprocess.Popen([sys.executable, '-c', {BLOCKS!r}])\n"
    "print(os.getpid(), child.pid, flush=True)\n"
)


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_what_a_program_says_and_how_it_ends() -> None:
    outcome = run_process(python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"))
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (3, b"out\n", b"err\n")
    assert not outcome.succeeded and not outcome.timed_out and not outcome.cancelled and outcome.start_error is None
    assert outcome.seconds > 0


def test_a_program_that_ends_well() -> None:
    assert run_process(python("")).succeeded


def test_environment_and_folder(tmp_path: Path) -> None:
    program = "import os; print(os.getcwd(), os.environ.get('COLOUR'), os.environ.get('SLEEPY_HOME'))"
    outcome = run_process(python(program), cwd=tmp_path, environment={"COLOUR": "blue"})
    assert outcome.stdout.decode().split() == [str(tmp_path.resolve()), "blue", "None"]


def test_a_program_has_no_input() -> None:
    assert run_process(python("import sys; print(repr(sys.stdin.read()))")).stdout == b"''\n"


@pytest.mark.parametrize("niceness", [0, 5])
@pytest.mark.parametrize("name", ["no-such-program-here", "/no/such/program", "./no-such-program"])
def test_a_program_that_is_not_there(name: str, niceness: int) -> None:
    outcome = run_process([name, "x"], niceness=niceness)
    assert isinstance(outcome.start_error, FileNotFoundError)
    assert outcome.returncode is None and not outcome.succeeded


@pytest.mark.parametrize("niceness", [0, 5])
def test_a_program_that_may_not_be_run(niceness: int, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o644)
    assert isinstance(run_process([str(program)], niceness=niceness).start_error, PermissionError)
    assert isinstance(run_process(["./program"], cwd=tmp_path, niceness=niceness).start_error, PermissionError)


@pytest.mark.parametrize("niceness", [0, 5])
def test_a_program_beside_the_folder_it_runs_in(niceness: int, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho here\n")
    program.chmod(0o755)
    assert run_process(["./program"], cwd=tmp_path, niceness=niceness).stdout == b"here\n"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert isinstance(run_process(python(""), cwd=tmp_path / "none").start_error, FileNotFoundError)


def test_a_program_of_another_path(tmp_path: Path) -> None:
    program = tmp_path / "own-program"
    program.write_text("#!/bin/sh\necho own\n")
    program.chmod(0o755)
    outcome = run_process(["own-program"], environment={"PATH": f"{tmp_path}:/usr/bin:/bin"}, niceness=5)
    assert outcome.stdout == b"own\n"


def test_low_priority() -> None:
    program = "import os; print(os.nice(0))"
    usual = int(run_process(python(program)).stdout)
    assert int(run_process(python(program), niceness=5).stdout) == min(19, usual + 5)


def test_a_program_that_takes_too_long() -> None:
    outcome = run_process(python(BLOCKS), timeout_seconds=0.2)
    assert outcome.timed_out and outcome.returncode is None and not outcome.succeeded


def test_a_program_that_takes_too_long_while_it_is_read() -> None:
    lines: list[bytes] = []
    program = f"print('first', flush=True)\n{BLOCKS}"
    outcome = run_process(python(program), timeout_seconds=1.0, on_stdout_line=lines.append)
    assert outcome.timed_out and outcome.returncode is None
    assert lines == [b"first\n"] and outcome.stdout == b"first\n"


@pytest.mark.parametrize("reads_lines", [False, True])
@pytest.mark.parametrize("parent_ends_first", [False, True])
def test_grandchildren_die_as_well(reads_lines: bool, parent_ends_first: bool) -> None:
    # Where the parent has ended, its child still holds the output open: nothing may wait for that for ever.
    program = FAMILY + ("os._exit(0)" if parent_ends_first else "signal.pause()")
    on_line = (lambda _line: None) if reads_lines else None
    outcome = run_process(python(program), timeout_seconds=1.0, on_stdout_line=on_line)
    assert outcome.timed_out
    parent, child = map(int, outcome.stdout.split())
    assert not is_running(parent)
    assert not is_running(child)


@pytest.mark.parametrize("number", [1, 4])
def test_cancel_ends_everything_that_runs(number: int) -> None:
    token = CancelToken()
    outcomes: list[ProcessOutcome] = []
    ready = threading.Barrier(number + 1)

    def say_ready(_line: bytes) -> None:
        ready.wait()

    def work() -> None:
        outcomes.append(run_process(python(f"{FAMILY}signal.pause()"), cancel=token, on_stdout_line=say_ready))

    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    ready.wait()
    token.cancel()
    token.cancel()
    for thread in threads:
        thread.join()
    assert len(outcomes) == number
    for outcome in outcomes:
        assert outcome.cancelled and outcome.returncode is None and not outcome.timed_out
        assert not any(is_running(int(process_id)) for process_id in outcome.stdout.split())
    with pytest.raises(Interrupted):
        token.raise_if_cancelled()


def test_nothing_runs_on_under_a_token_that_was_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    assert run_process(python(BLOCKS), cancel=token).cancelled


def test_a_token_that_was_not_cancelled_stops_nothing() -> None:
    token = CancelToken()
    assert run_process(python(""), cancel=token).succeeded
    token.raise_if_cancelled()
    assert not token.cancelled


def test_lines_come_while_the_program_runs(tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    os.mkfifo(answer)
    program = f"print('question', flush=True)\nprint(open({str(answer)!r}).read())\nprint('last', end='')"
    lines: list[bytes] = []

    def reply(line: bytes) -> None:
        lines.append(line)
        if line == b"question\n":
            # The program cannot go on before it was heard.
            answer.write_text("heard")

    outcome = run_process(python(program), on_stdout_line=reply)
    assert lines == [b"question\n", b"heard\n", b"last"]
    assert outcome.stdout == b"question\nheard\nlast" and outcome.succeeded


def test_much_output_on_both_streams_does_not_block() -> None:
    program = "import sys\nfor _ in range(20000): print('o' * 50); print('e' * 50, file=sys.stderr)"
    for on_line in (None, lambda _line: None):
        outcome = run_process(python(program), on_stdout_line=on_line)
        assert outcome.stdout.count(b"\n") == outcome.stderr.count(b"\n") == 20000


def test_a_listener_that_fails_ends_the_program() -> None:
    heard: list[int] = []

    def fail(line: bytes) -> None:
        heard.extend(map(int, line.split()))
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        run_process(python(f"{FAMILY}signal.pause()"), on_stdout_line=fail, timeout_seconds=600)
    assert not any(is_running(process_id) for process_id in heard)
    # The timer is gone, too: it would keep this program from ending for ten minutes.
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(10)
            assert not thread.is_alive()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_cancel_instead_of_raising(number: signal.Signals) -> None:
    token = CancelToken()
    before = signal.getsignal(number)
    with InterruptSignals(token):
        outcome = run_process(
            python(f"print(flush=True); {BLOCKS}"),
            cancel=token,
            on_stdout_line=lambda _line: os.kill(os.getpid(), number),
        )
    assert outcome.cancelled and token.cancelled
    assert signal.getsignal(number) == before


def test_signals_are_left_alone_outside_the_main_thread() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work() -> None:
        with InterruptSignals(CancelToken()):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_ctrl_c_in_the_terminal_does_not_reach_the_programs() -> None:
    outcome = run_process(python("import os; print(os.getpgrp() == os.getpid())"))
    assert outcome.stdout == b"True\n"


def test_modules_of_ours_are_not_looked_for_in_the_user_s_project(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('somebody else has run')\n")
    outcome = run_process([*own_command("sleepy_agent.cli", "doctor", "--help")], cwd=tmp_path)
    assert outcome.succeeded, outcome.stderr
    assert b"sleepy doctor" in outcome.stdout
