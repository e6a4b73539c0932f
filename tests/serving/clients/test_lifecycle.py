"""The server's life: started by whoever needs it, one for all, found again, replaced where it died, ended."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from filelock import FileLock
from process_watch import ended_afterwards, is_running

from serving.running_server import PATIENCE_SECONDS, RunningServer, running, until
from serving.scripted_engine import ScriptedEngine
from sleepy_agent import __version__
from sleepy_agent.cli.main import main
from sleepy_agent.config import Places, Settings, find_places
from sleepy_agent.errors import Interrupted, ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import ModelUnavailable
from sleepy_agent.serving.clients.lifecycle import Connection, Progress, connect, ensure_server, stop_server
from sleepy_agent.serving.serve_folder import (
    LARGEST_LOG_BYTES,
    Address,
    last_lines_of_log,
    make_folder,
    make_token,
    read_address,
    serve_folder_of,
    write_address,
)

PROGRAM = Path(__file__).parents[1] / "serving_program.py"


def command(mode: str = "ok") -> tuple[str, ...]:
    return (sys.executable, str(PROGRAM), mode)


def ensured(places: Places, mode: str = "ok", **more: object) -> Connection | ModelUnavailable:
    return ensure_server(places, Settings(), CancelToken(), command=command(mode), **more)  # type: ignore[arg-type]


def connected(places: Places, mode: str = "ok") -> Connection:
    found = ensured(places, mode)
    assert isinstance(found, Connection), found
    return found


def starts(places: Places) -> int:
    """How many server processes were started."""
    return len((places.state / "starts.txt").read_text().splitlines())


@pytest.fixture(autouse=True)
def no_server_is_left(places: Places) -> Iterator[None]:
    places.state.mkdir(parents=True)
    with ended_afterwards():
        yield


def test_a_server_is_started_once_and_found_again(places: Places) -> None:
    told: list[Progress] = []
    first = ensured(places, on_progress=told.append)
    assert isinstance(first, Connection)
    assert (first.state, first.model) == ("ready", "tiny")
    assert told[0].text == "The model server is starting."
    assert connected(places).address == first.address
    assert starts(places) == 1
    folder = places.serve_folder
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("address.json", "token", "log.txt"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600
    assert first.token not in (folder / "log.txt").read_text(), "a log is sent to others"


def test_who_races_to_start_it_gets_the_same_one(places: Places) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = [one.result() for one in [pool.submit(connected, places) for _ in range(4)]]
    assert len({one.address for one in found}) == 1
    assert starts(places) == 1


def test_of_two_processes_that_race_one_serves_and_the_other_says_so(places: Places) -> None:
    processes = [
        subprocess.Popen(command(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _ in range(2)
    ]
    until(lambda: read_address(serve_folder_of(places)) is not None)
    first = connected(places)
    (loser,) = [process for process in processes if process.pid != first.address.pid]
    assert loser.communicate(timeout=PATIENCE_SECONDS)[0] == "already running\n"
    assert stop_server(places)
    (winner,) = [process for process in processes if process.pid == first.address.pid]
    assert winner.communicate(timeout=PATIENCE_SECONDS)[0] == "ended\n"
    assert starts(places) == 2, "nobody started a third"


def test_a_killed_server_is_replaced(places: Places) -> None:
    first = connected(places)
    os.kill(first.address.pid, signal.SIGKILL)
    assert not is_running(first.address.pid)
    assert serve_folder_of(places).address_file.exists(), "it had no time to tidy up"
    assert read_address(serve_folder_of(places)) is None
    second = connected(places)
    assert second.address.pid != first.address.pid
    assert second.token == first.token, "programs that were set up with the token go on working"


def test_a_server_of_another_version_is_replaced(places: Places) -> None:
    first = connected(places)
    write_address(serve_folder_of(places), Address(first.address.pid, first.address.port, "0.0.0"))
    second = connected(places)
    assert second.address.pid != first.address.pid
    assert second.address.version == __version__


class Imposter(http.server.BaseHTTPRequestHandler):
    """Somebody else at the port of a server: answers everything, and remembers what it heard."""

    heard: list[str]

    def do_GET(self) -> None:
        self.heard.append(f"{self.path} {self.headers}")
        body = json.dumps({"server": "sleepy", "state": "ready", "model": "x", "proof": "0" * 64}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def test_somebody_else_at_that_port_never_hears_the_token(places: Places) -> None:
    files = serve_folder_of(places)
    make_folder(files)
    token = make_token(files)
    Imposter.heard = []
    with http.server.HTTPServer(("127.0.0.1", 0), Imposter) as listener, FileLock(files.server_lock):
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        write_address(files, Address(os.getpid(), listener.server_port, __version__))
        assert connect(files, CancelToken()) is None
        listener.shutdown()
    assert len(Imposter.heard) == 1
    assert token not in Imposter.heard[0]


def open_to_others(token: Path) -> None:
    token.chmod(0o644)


def empty(token: Path) -> None:
    token.write_text("")


def no_text(token: Path) -> None:
    token.write_bytes(b"\xff" * 43)


def link(token: Path) -> None:
    token.rename(token.with_name("elsewhere"))
    token.symlink_to(token.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (open_to_others, "others may read it"),
        (empty, "damaged"),
        (no_text, "no text"),
        (Path.unlink, "no such file"),
        (link, "others may read it"),
    ],
)
def test_a_broken_token_is_told_and_made_anew_by_the_next_server(
    damage: Callable[[Path], None], told: str, places: Places
) -> None:
    first = connected(places)
    damage(serve_folder_of(places).token_file)
    refused = ensured(places)
    assert isinstance(refused, ModelUnavailable)
    assert told in refused.reason and "--stop" in refused.remedy
    assert stop_server(places)
    assert connected(places).token != first.token


def test_a_model_that_cannot_be_loaded_is_told_in_the_server_s_own_words(places: Places) -> None:
    assert ensured(places, "broken") == ModelUnavailable("The file is truncated.", "Pull it again.", is_lasting=True)


def test_a_crash_at_the_start_is_told_with_the_last_line_of_the_log(places: Places) -> None:
    found = ensured(places, "crash")
    assert isinstance(found, ModelUnavailable)
    assert "signal 6" in found.reason and "GGML_ASSERT(native) failed" in found.reason
    assert str(serve_folder_of(places).log_file) in found.remedy


def test_a_program_that_cannot_be_started_is_told(places: Places) -> None:
    found = ensure_server(places, Settings(niceness=0), CancelToken(), command=(str(places.state / "nothing"),))
    assert isinstance(found, ModelUnavailable)
    assert "cannot be started: no such file" in found.reason


def test_without_a_model_the_real_command_says_what_to_do(places: Places) -> None:
    found = ensure_server(places, Settings(), CancelToken())
    assert isinstance(found, ModelUnavailable)
    assert found.reason == "There is no local model."
    assert "sleepy model pull" in found.remedy


def started(places: Places, mode: str) -> subprocess.Popen[str]:
    """A server process that listens already."""
    process = subprocess.Popen(command(mode), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    until(lambda: read_address(serve_folder_of(places)) is not None or process.poll() is not None)
    return process


def test_a_slow_disk_is_waited_for_with_progress_and_not_longer_than_wanted(places: Places, sleepy_home: Path) -> None:
    process = started(places, "slow")
    told: list[Progress] = []
    found = ensured(places, "slow", on_progress=told.append, seconds=1.0)
    assert isinstance(found, ModelUnavailable)
    assert "still being loaded" in found.reason and not found.is_lasting
    assert told[-1].text == "The local model is being loaded: 50%."
    assert told[-1].seconds > 0
    (sleepy_home / "go").touch()
    assert connected(places, "slow").state == "ready"
    assert starts(places) == 1, "the one that was loading went on"
    assert stop_server(places)
    assert process.communicate(timeout=PATIENCE_SECONDS)[0] == "ended\n"


def test_a_server_that_is_loading_ends_when_it_is_told(places: Places) -> None:
    process = started(places, "slow")
    assert stop_server(places)
    assert process.communicate(timeout=PATIENCE_SECONDS)[0] == "ended\n"


def test_a_server_that_hangs_is_told(places: Places) -> None:
    hanging = started(places, "mute")
    try:
        found = ensured(places, seconds=1.0)
        assert isinstance(found, ModelUnavailable)
        assert found.reason == f"The model server (process {hanging.pid}) does not answer."
        assert stop_server(places)
    finally:
        hanging.kill()
        hanging.communicate()


def test_whoever_loses_patience_leaves_at_once(places: Places) -> None:
    cancel = CancelToken()

    def lose_patience(_progress: Progress) -> None:
        cancel.cancel()

    with pytest.raises(Interrupted):
        ensure_server(places, Settings(), cancel, on_progress=lose_patience, command=command("slow"))


def test_ending_lets_finish_what_is_answered(places: Places) -> None:
    server = RunningServer(places, ScriptedEngine())
    with running(server), ThreadPoolExecutor(1) as pool:
        server.wait_until_ready()
        asked = pool.submit(server.post, "/v1/completions", {"prompt": "wait"})
        assert server.engine.has_begun.acquire(timeout=PATIENCE_SECONDS)
        server.stop()
        until(lambda: not (places.serve_folder / "address.json").exists())
        server.engine.go_on.set()
        assert asked.result().status_code == 200
    assert not server.engine.was_cancelled.is_set()


def test_ending_does_not_wait_for_ever(places: Places) -> None:
    server = RunningServer(places, ScriptedEngine())
    with running(server), ThreadPoolExecutor(1) as pool:
        server.wait_until_ready()
        asked = pool.submit(server.post, "/v1/completions", {"prompt": "forever"})
        assert server.engine.has_begun.acquire(timeout=PATIENCE_SECONDS)
        server.stop()
        assert asked.result().json()["choices"][0]["finish_reason"] == "cancelled"


def test_a_second_signal_ends_it_at_once(places: Places) -> None:
    process = started(places, "ok")
    found = connected(places)
    assert found.address.pid == process.pid
    headers = {"Authorization": f"Bearer {found.token}"}
    body = {"prompt": "forever", "stream": True}
    url = f"{found.address.base_url}/v1/completions"
    with httpx.stream("POST", url, json=body, headers=headers, timeout=PATIENCE_SECONDS) as response:
        lines = response.iter_lines()
        assert next(lines).startswith("data: ")
        process.send_signal(signal.SIGTERM)
        while serve_folder_of(places).address_file.exists():
            next(lines)
        process.send_signal(signal.SIGINT)
        assert any('"finish_reason":"cancelled"' in line for line in lines)
    assert process.communicate(timeout=PATIENCE_SECONDS)[0] == "ended\n"
    assert process.returncode == 0


def test_where_none_runs_there_is_nothing_to_end(places: Places) -> None:
    assert not stop_server(places)


def test_a_process_that_does_not_end_is_told(places: Places) -> None:
    files = serve_folder_of(places)
    make_folder(files)
    stubborn = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        with FileLock(files.server_lock):
            write_address(files, Address(stubborn.pid, 1, __version__))
            with pytest.raises(ModelError, match=f"process {stubborn.pid}.*does not end"):
                stop_server(places, seconds=0.1)
    finally:
        stubborn.kill()
        stubborn.wait()


def test_the_clock_may_jump(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    server = RunningServer(places, ScriptedEngine(), settings=Settings(serve_idle_seconds=30.0))
    with running(server):
        server.wait_until_ready()
        for years in (10, -10):
            seconds = years * 365 * 86_400
            monkeypatch.setattr(time, "time", lambda seconds=seconds: real() + seconds)
            answer = server.post("/v1/completions", {"prompt": "x", "extra": {"deadline_seconds": 20}})
            assert answer.status_code == 200
            assert server.get("/health").json()["seconds"] < 30
            monkeypatch.setattr(time, "time", real)
    assert server.engine.is_closed


def test_a_long_log_is_put_aside(places: Places) -> None:
    files = serve_folder_of(places)
    make_folder(files)
    files.log_file.write_bytes(b"x" * (LARGEST_LOG_BYTES + 1))
    connected(places)
    assert files.log_file.stat().st_size < LARGEST_LOG_BYTES
    assert (files.folder / "log.old.txt").exists()
    assert any("listening" in line for line in last_lines_of_log(files))


def test_the_command_says_whether_one_runs_and_ends_it(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: str) -> tuple[int, object]:
        code = main(["serve", "--json", *words])
        return code, json.loads(capsys.readouterr().out)

    assert said("--status") == (0, {"running": False, "problem": None})
    assert said("--stop") == (0, {"stopped": False})
    found = connected(places)
    code, status = said("--status")
    assert code == 0 and isinstance(status, dict)
    assert (status["running"], status["model"], status["state"]) == (True, "tiny", "ready")
    assert status["base_url"] == f"{found.address.base_url}/v1"
    assert Path(status["token_file"]).read_text().strip() == found.token
    assert found.token not in json.dumps(status), "secrets do not belong on a screen"
    assert main(["serve", "--status"]) == 0
    assert f"tiny at {found.address.base_url}/v1, ready" in capsys.readouterr().out
    empty(serve_folder_of(places).token_file)
    assert said("--status")[0] == 2
    assert said("--stop") == (0, {"stopped": True})


@pytest.mark.parametrize("words", [["--status", "--stop"], ["--port", "-1"], ["--port", "65536"]])
def test_options_that_mean_nothing(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", *words]) == 2
    assert capsys.readouterr().err.startswith("sleepy: --")


def test_a_home_that_is_named_from_here_is_the_server_s_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLEEPY_HOME", "here")
    places = find_places()
    places.state.mkdir(parents=True)
    connection = connected(places)
    assert connection.state == "ready"
    assert (tmp_path / "here" / "state" / "serve" / "address.json").exists()
