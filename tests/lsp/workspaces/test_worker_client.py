"""A worker process is started, heard, restarted with patience and ended with all it started."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path

import pytest

from lsp.fakes import SCRIPTED_WORKER, worker_environment
from sleepy_agent.config import Settings, find_places
from sleepy_agent.live.messages import ChangeTexts, CheckText, FromWorker, OpenWorkspace, TextChecked, WorkspaceOpened
from sleepy_lsp.workspaces.worker_client import WORKER_COMMAND_VARIABLE, WorkerClient, wait_before_start, worker_command

LONGEST_SECONDS = 30.0


def run(work: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(work, LONGEST_SECONDS))


class Ears:
    """What a client heard, as queues to wait on."""

    def __init__(self) -> None:
        self.records: asyncio.Queue[FromWorker] = asyncio.Queue()
        self.ends: asyncio.Queue[str] = asyncio.Queue()

    def client(self, *command: str) -> WorkerClient:
        return WorkerClient(self.records.put_nowait, self.ends.put_nowait, command=command or SCRIPTED_WORKER)


@pytest.fixture(autouse=True)
def tests_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in worker_environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Cargo.toml").write_text("[package]\n", encoding="utf-8")
    (tmp_path / "lib.rs").write_text("broken_one", encoding="utf-8")
    return tmp_path


def opening(project: Path) -> OpenWorkspace:
    return OpenWorkspace(project, find_places(), Settings())


def is_alive(process_id: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process_id, 0)
        # What has ended and nobody waited for is a zombie, which no longer runs.
        return "Z" not in Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    return False


def test_records_go_both_ways_and_closing_ends_the_process(project: Path) -> None:
    async def work() -> None:
        ears = Ears()
        client = ears.client()
        client.send(opening(project))
        client.send(CheckText(0))
        assert isinstance(await ears.records.get(), WorkspaceOpened)
        checked = await ears.records.get()
        assert isinstance(checked, TextChecked)
        assert [known.problem.code for known in checked.problems] == ["E0425"]
        assert client.process_id is not None
        assert is_alive(client.process_id)
        await client.close()
        assert not is_alive(client.process_id)
        assert ears.ends.empty()

    run(work())


def test_closing_before_it_runs_leaves_nothing_behind(project: Path) -> None:
    async def work() -> None:
        ears = Ears()
        client = ears.client()
        client.send(opening(project))
        await client.close()
        assert client.process_id is None or not is_alive(client.process_id)
        assert ears.ends.empty()

    run(work())


@pytest.mark.parametrize(
    ("command", "text", "words"),
    [
        pytest.param(SCRIPTED_WORKER, b"// worker: crash", "exit code 3", id="it crashes"),
        pytest.param(SCRIPTED_WORKER, b"// worker: garbage", "no record", id="it writes garbage"),
        pytest.param(("no-such-program-anywhere",), b"", "could not be started", id="it cannot be started"),
        pytest.param(
            (sys.executable, "-c", "import sys; sys.stdout.buffer.write(bytes([255]) * 4); sys.stdin.read()"),
            b"",
            "no record",
            id="a length that cannot be",
        ),
        pytest.param((sys.executable, "-c", "raise SystemExit(7)"), b"", "exit code 7", id="it ends at once"),
    ],
)
def test_an_end_that_nobody_asked_for_is_told_once(
    project: Path, command: tuple[str, ...], text: bytes, words: str
) -> None:
    async def work() -> None:
        ears = Ears()
        client = ears.client(*command)
        client.send(opening(project))
        client.send(ChangeTexts(1, {project / "lib.rs": text}))
        client.send(CheckText(1))
        assert words in await ears.ends.get()
        # Late words to a dead worker are no error.
        client.send(CheckText(2))
        await client.close()
        assert client.process_id is None or not is_alive(client.process_id)
        assert ears.ends.empty()

    run(work())


def test_a_worker_that_does_not_read_is_behind_and_ends_all_the_same(project: Path) -> None:
    async def work() -> None:
        ears = Ears()
        client = ears.client()
        client.send(opening(project))
        assert isinstance(await ears.records.get(), WorkspaceOpened)
        assert not client.is_behind
        client.send(ChangeTexts(1, {project / "lib.rs": b"// worker: deaf"}))
        client.send(CheckText(1))
        client.send(ChangeTexts(2, {project / "lib.rs": b" " * 4_000_000}))
        assert client.is_behind
        await client.close()
        assert client.process_id is not None
        assert not is_alive(client.process_id)

    run(work())


@pytest.mark.parametrize(
    ("crashes", "now", "wait"),
    [
        ([], 100.0, 0.0),
        ([100.0], 100.0, 0.5),
        ([100.0], 100.25, 0.25),
        ([100.0], 101.0, 0.0),
        ([100.0, 101.0], 101.0, 1.0),
        ([100.0, 101.0, 103.0], 103.0, 2.0),
        ([100.0, 101.0, 103.0, 107.0], 107.0, 53.0),
        ([100.0, 101.0, 103.0, 107.0, 160.0], 160.0, 1.0),
        ([10.0, 20.0], 100.0, 0.0),
    ],
)
def test_the_wait_before_a_worker_is_started_again(crashes: list[float], now: float, wait: float) -> None:
    assert wait_before_start(crashes, now) == pytest.approx(wait)


def test_a_worker_that_always_crashes_is_started_a_few_times_a_minute() -> None:
    crashes: list[float] = []
    now = 0.0
    while now < 600.0:
        now += wait_before_start(crashes, now)
        crashes.append(now)
    for start in range(0, 540, 7):
        assert len([crash for crash in crashes if start <= crash < start + 60]) <= 5


def test_the_worker_is_the_real_one_unless_a_test_says_otherwise() -> None:
    assert worker_command({}) == (sys.executable, "-P", "-m", "sleepy_agent.live.worker")
    assert worker_command({WORKER_COMMAND_VARIABLE: json.dumps(["other", "one"])}) == ("other", "one")
