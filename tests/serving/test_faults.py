"""Everything that may go wrong with the local model, and the tests that hold what becomes of it.

Each is one clear sentence with its remedy, and the other sources of fixes go on. What belongs to one module is tested
beside that; what concerns a whole run, or several processes, stands here.
"""

from __future__ import annotations

import ast
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from cargo.projects import SETTINGS, places_in, single_package
from process_watch import ended_afterwards

from serving.clients.test_lifecycle import connected, ensured
from serving.tiny_models import corrupted, write_tiny_adapter, write_tiny_model
from sleepy_agent.config import Places
from sleepy_agent.errors import ModelError
from sleepy_agent.fixes.engine import FixOptions, fix_workspace
from sleepy_agent.fixes.events import Decision, Event, SourceUnavailable
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import ModelUnavailable
from sleepy_agent.serving.server import process as server_process

HERE = Path(__file__).parent

FAULTS: dict[str, tuple[str, ...]] = {
    "truncated, wrong or hostile GGUF": (
        "files/test_gguf_header.py::test_whatever_the_bytes_are_there_is_a_header_or_one_sentence",
        "files/test_gguf_header.py::test_what_is_wrong_is_said_in_one_sentence",
        "llama/test_llama_faults.py::test_a_file_that_is_no_sound_base_is_one_sentence",
        "llama/test_llama_faults.py::test_weights_that_are_no_numbers_are_found_when_they_are_used",
        "models/test_pull.py::test_what_is_no_model_is_not_kept",
        "models/test_pull.py::test_what_is_here_and_damaged_is_fetched_again",
        "server/test_serve_llama.py::test_a_damaged_model_is_told_by_its_name",
        "test_faults.py::test_whatever_is_wrong_with_the_model_the_other_sources_go_on",
    ),
    "adapter for another base": (
        "llama/test_llama_faults.py::test_an_adapter_that_does_not_fit_changes_nothing",
        "files/test_merge.py::test_an_adapter_for_another_base_is_one_sentence",
        "server/test_served_snapshots.py::test_a_broken_snapshot_leaves_the_old_one_in_use",
        "server/test_serve_llama.py::test_an_adapter_for_another_base_is_told_and_the_base_answers",
    ),
    "missing model": (
        "clients/test_endpoint.py::test_a_missing_model_of_the_settings_is_told",
        "clients/test_lifecycle.py::test_without_a_model_the_real_command_says_what_to_do",
        "test_faults.py::test_whatever_is_wrong_with_the_model_the_other_sources_go_on",
    ),
    "port or socket taken": (
        "server/test_server_faults.py::test_a_taken_port_is_no_obstacle",
        "clients/test_lifecycle.py::test_somebody_else_at_that_port_never_hears_the_token",
        "test_faults.py::test_a_computer_without_loopback_is_told",
    ),
    "two servers racing to start": (
        "clients/test_lifecycle.py::test_who_races_to_start_it_gets_the_same_one",
        "clients/test_lifecycle.py::test_of_two_processes_that_race_one_serves_and_the_other_says_so",
    ),
    "killed mid-stream": (
        "clients/test_served_model.py::test_a_server_that_is_killed_in_the_middle_is_told_and_replaced",
        "clients/test_lifecycle.py::test_a_killed_server_is_replaced",
        "test_faults.py::test_a_stream_whose_server_is_killed_breaks_off_and_the_next_is_whole",
    ),
    "out of memory": (
        "llama/test_llama_faults.py::test_a_context_that_does_not_fit_into_memory_is_refused",
        "llama/test_llama_faults.py::test_a_container_s_limit_counts",
        "llama/test_llama_faults.py::test_the_library_running_out_of_memory_is_told",
        "server/test_server_faults.py::test_what_fails_is_told_and_the_next_one_is_answered",
        "server/test_server_faults.py::test_a_model_that_cannot_be_loaded_is_told_and_the_server_ends",
        "test_faults.py::test_a_server_that_is_killed_while_it_loads_is_told_to_need_memory",
    ),
    "slow disk": (
        "server/test_server_faults.py::test_while_the_model_is_loaded_requests_wait_and_health_says_so",
        "clients/test_lifecycle.py::test_a_slow_disk_is_waited_for_with_progress_and_not_longer_than_wanted",
        "clients/test_served_model.py::test_a_model_that_is_still_loading_is_told_and_asked_again",
    ),
    "clock jump": ("clients/test_lifecycle.py::test_the_clock_may_jump",),
    "client disconnect": (
        "server/test_server_faults.py::test_a_client_that_leaves_stops_the_work",
        "server/test_server_faults.py::test_a_client_that_leaves_in_the_middle_of_a_stream_stops_the_work",
        "server/test_server_faults.py::test_a_client_that_leaves_the_queue_is_not_served",
    ),
    "200 queued requests": (
        "server/test_server_faults.py::test_two_hundred_wait_and_the_next_is_told_to_come_again",
        "server/test_server_faults.py::test_clients_take_turns",
    ),
}


def test_every_fault_has_its_tests() -> None:
    named = {name for tests in FAULTS.values() for name in tests}
    there: set[str] = set()
    for file in {name.partition("::")[0] for name in named}:
        tree = ast.parse((HERE / file).read_bytes())
        there |= {f"{file}::{node.name}" for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert named <= there, named - there


@pytest.fixture(autouse=True)
def no_server_is_left() -> Iterator[None]:
    with ended_afterwards():
        yield


# The compiler knows what is wrong with the first function, and of the second only a model could say what was meant.
BROKEN = """\
/// The sum of some prices.
pub fn total(prices: &[u32]) -> u32 {
    let sum = 0;
    for price in prices {
        sum += price;
    }
    sum
}

/// The price of some apples in cents.
pub fn price_of(apples: u32) -> u32 {
    apples * cents_of_an_apple_today()
}
"""


def a_model(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return write_tiny_model(folder / "tiny.gguf")


def missing(folder: Path) -> Path:
    return folder / "tiny.gguf"


def truncated(folder: Path) -> Path:
    file = a_model(folder)
    return corrupted(file, file, length=file.stat().st_size - 5000)


def wrong(folder: Path) -> Path:
    file = a_model(folder)
    return write_tiny_adapter(file)


def hostile(folder: Path) -> Path:
    file = a_model(folder)
    return corrupted(file, file, [(16, b"\xff\xff\xff\xff\0\0\0\0")])


def a_page_of_an_error(folder: Path) -> Path:
    file = a_model(folder)
    file.write_text("<!DOCTYPE html>")
    return file


@pytest.mark.parametrize("make", [missing, truncated, wrong, hostile, a_page_of_an_error])
def test_whatever_is_wrong_with_the_model_the_other_sources_go_on(
    make: Callable[[Path], Path], tmp_path: Path, sleepy_home: Path
) -> None:
    root = single_package(tmp_path / "shop", BROKEN)
    places = places_in(sleepy_home)
    file = make(tmp_path / "model")
    places.config.mkdir(parents=True, exist_ok=True)
    # The server reads the settings itself.
    places.settings_file.write_text(f"model = {json.dumps(str(file))}\nserve_threads = 1\n")
    events: list[Event] = []
    report = fix_workspace(
        root,
        FixOptions(),
        places=places,
        settings=replace(SETTINGS, model=str(file), model_seconds=60.0),
        decide=lambda offer: Decision.YES if offer.fix.preferred else Decision.NO,
        emit=events.append,
        cancel=CancelToken(),
    )
    assert "let mut sum" in (root / "src/lib.rs").read_text(), "rustc's own suggestion was taken all the same"
    assert not report.green
    told = [event for event in events if isinstance(event, SourceUnavailable)]
    assert [event.source for event in told] == ["model"], "once, not for every problem"
    (event,) = told
    assert "tiny.gguf" in event.reason and event.reason.count(". ") == 0, "one sentence that names the file"
    assert "sleepy model" in event.remedy


def test_a_server_that_is_killed_while_it_loads_is_told_to_need_memory(started: Places) -> None:
    found = ensured(started, "killed")
    assert isinstance(found, ModelUnavailable) and found.is_lasting
    assert "memory" in found.reason and "context_tokens" in found.remedy


def test_a_stream_whose_server_is_killed_breaks_off_and_the_next_is_whole(started: Places) -> None:
    first = connected(started)
    headers = {"Authorization": f"Bearer {first.token}"}
    body = {"prompt": "forever", "stream": True}
    url = f"{first.address.base_url}/v1/completions"
    with (
        pytest.raises(httpx.RemoteProtocolError),
        httpx.stream("POST", url, json=body, headers=headers, timeout=30, trust_env=False) as response,
    ):
        for number, line in enumerate(response.iter_lines()):
            assert "[DONE]" not in line, "what was broken off does not look whole"
            if number == 5:
                os.kill(first.address.pid, signal.SIGKILL)
    second = connected(started)
    assert second.address.pid != first.address.pid and second.token == first.token
    url = f"{second.address.base_url}/v1/completions"
    whole = httpx.post(url, json={"prompt": "x", "stream": True}, headers=headers, timeout=30, trust_env=False)
    assert whole.text.rstrip().endswith("data: [DONE]")


def test_a_computer_without_loopback_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # RFC 5737: an address that no computer has.
    monkeypatch.setattr(server_process, "LOOPBACK", "192.0.2.1")
    with pytest.raises(ModelError, match=r"cannot listen on 192\.0\.2\.1") as caught:
        server_process.bound_socket(0)
    assert "loopback" in caught.value.remedy


@pytest.fixture
def started(places: Places) -> Places:
    """Places in which a server may be started."""
    places.state.mkdir(parents=True)
    return places
