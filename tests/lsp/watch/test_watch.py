"""`sleepy watch` as its user has it: offers, keys, files written and taken back, an end without leftovers."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from process_watch import is_running

from lsp.watch.watched import Watched, watching
from sleepy_agent.config import find_places
from sleepy_agent.fixes.undo import undo_last_run

MENDED = "use `mended_one`"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / "Cargo.toml").write_text('[package]\nname = "p"\nversion = "0.1.0"\nedition = "2021"\n', encoding="utf-8")
    (root / "src/lib.rs").write_text("// fine\n", encoding="utf-8")
    return root


def write(project: Path, name: str, text: str) -> None:
    (project / "src" / name).write_text(text, encoding="utf-8")


def read(project: Path, name: str) -> str:
    return (project / "src" / name).read_text(encoding="utf-8")


def quit_by_key(watched: Watched) -> None:
    watched.type("q")
    assert watched.end() == 0
    assert "Traceback" not in watched.shown
    assert not any(is_running(process_id) for process_id in watched.process_ids())


def test_an_offer_appears_is_applied_and_taken_back(project: Path, tmp_path: Path) -> None:
    with watching(project, tmp_path) as watched:
        watched.until("Watching", "? help")
        write(project, "lib.rs", "pub fn f() { broken_one(); }\n")
        block = watched.until("error[E0425]", "proof:", "also proven (o): use `other_one`")
        assert "cannot find value `broken_one` in this scope   src/lib.rs:1:14   missing_items" in block
        assert f"{MENDED}   from compiler" in block
        assert "proof: rustc accepts it" in block
        assert "-pub fn f() { broken_one(); }" in block
        assert "+pub fn f() { mended_one(); }" in block
        watched.type("a")
        watched.until("applied: use `mended_one`", "src/lib.rs")
        applied = watched.until_server_heard("workspace/executeCommand")
        assert applied["params"] == {"command": "sleepy.applied", "arguments": ["mended broken_one"]}
        assert read(project, "lib.rs") == "pub fn f() { mended_one(); }\n"
        quit_by_key(watched)
        methods = [message.get("method") for message in watched.heard()]
        assert methods.index("workspace/executeCommand") > max(
            place for place, method in enumerate(methods) if method == "codeAction/resolve"
        )
    report = undo_last_run(project, places=find_places({"SLEEPY_HOME": str(tmp_path / "home")}))
    assert report.restored == (project / "src/lib.rs",)
    assert read(project, "lib.rs") == "pub fn f() { broken_one(); }\n"


def test_the_progress_of_recording_is_shown(project: Path, tmp_path: Path) -> None:
    with watching(project, tmp_path) as watched:
        watched.until("recording how cargo builds the workspace: recording the rustc calls", "no errors known")
        quit_by_key(watched)


def test_going_through_several(project: Path, tmp_path: Path) -> None:
    write(project, "lib.rs", "fn f() { broken_one(); }\n")
    write(project, "other.rs", "fn g() { broken_two(); broken_three(); }\n")
    with watching(project, tmp_path) as watched:
        watched.until("[1/3]", "`broken_one`", "3 problems, 3 with a fix, 3 preferred")
        watched.type("n")
        watched.until("[2/3]", "`broken_two`", "mended_two")
        watched.type("o")
        watched.until("[2/3]", "other_two", "flags: copies the value on every turn of a loop")
        watched.type("x")
        watched.until("[2/3]", "`broken_two`", "mended_two")
        assert watched.until_server_heard("workspace/executeCommand")["params"]["arguments"] == ["other broken_two"]
        watched.type("nn")
        watched.until("[1/3]", "`broken_one`")
        watched.type("e")
        watched.until("Why", "Because of problem broken_one.")
        watched.type("?")
        watched.until("a  apply this fix", "q  quit")
        quit_by_key(watched)
    assert "broken_one" in read(project, "lib.rs")


def test_all_preferred_fixes_file_after_file(project: Path, tmp_path: Path) -> None:
    write(project, "lib.rs", "fn f() { broken_one(); }\n")
    write(project, "other.rs", "fn g() { broken_two(); broken_three(); }\n")
    with watching(project, tmp_path) as watched:
        watched.until("[1/3]", "? help")
        watched.type("A")
        watched.until("applied: fix all 1", "+fn f() { mended_one(); }", "applied: fix all 2", "mended_three")
        watched.until("No preferred fix is left.")
        quit_by_key(watched)
    assert read(project, "lib.rs") == "fn f() { mended_one(); }\n"
    assert read(project, "other.rs") == "fn g() { mended_two(); mended_three(); }\n"


def test_pause_and_go_on(project: Path, tmp_path: Path) -> None:
    with watching(project, tmp_path) as watched:
        watched.until("no errors known")
        watched.type("p")
        watched.until("paused: you paused it")
        watched.type("p")
        watched.until("watching")
        commands = [
            one["params"]["command"] for one in watched.heard() if one.get("method") == "workspace/executeCommand"
        ]
        assert commands == ["sleepy.pause", "sleepy.resume"]
        quit_by_key(watched)


@pytest.mark.parametrize("mood", ["server: liar", "server: forgetful"])
def test_nothing_is_written_but_what_was_shown(mood: str, project: Path, tmp_path: Path) -> None:
    text = f"// {mood}\nfn f() {{ broken_one(); }}\n"
    write(project, "lib.rs", text)
    with watching(project, tmp_path) as watched:
        watched.until("[1/1]", "? help")
        watched.type("a")
        watched.until("so nothing was written")
        quit_by_key(watched)
    assert read(project, "lib.rs") == text


def test_a_file_that_cannot_be_written_is_told_and_watching_goes_on(project: Path, tmp_path: Path) -> None:
    write(project, "lib.rs", "fn f() { broken_one(); }\n")
    (project / "src/lib.rs").chmod(0o444)
    with watching(project, tmp_path) as watched:
        watched.until("[1/1]", "? help")
        watched.type("a")
        watched.until("is read-only")
        (project / "src/lib.rs").chmod(0o644)
        watched.type("a")
        watched.until("applied: use `mended_one`")
        quit_by_key(watched)


def test_keys_that_mean_nothing(project: Path, tmp_path: Path) -> None:
    with watching(project, tmp_path) as watched:
        watched.until("no errors known")
        watched.type("\x1b[A")
        watched.type("zno")
        watched.type("a")
        watched.until("Nothing is on offer now.")
        quit_by_key(watched)


@pytest.mark.parametrize(
    ("mood", "stop"),
    [("fine", signal.SIGINT), ("fine", signal.SIGTERM), ("server: deaf", signal.SIGINT)],
)
def test_a_signal_ends_it_with_everything_it_started(
    mood: str, stop: signal.Signals, project: Path, tmp_path: Path
) -> None:
    write(project, "lib.rs", f"// {mood}\n")
    with watching(project, tmp_path) as watched:
        watched.until("no errors known")
        if stop is signal.SIGINT:
            watched.type("\x03")
        else:
            watched.process.send_signal(stop)
        assert watched.end() == 130
        assert len(watched.process_ids()) == (2 if mood == "server: deaf" else 1)
        assert not any(is_running(process_id) for process_id in watched.process_ids())
    assert "Traceback" not in watched.shown


def test_the_server_ends_when_watch_is_killed(project: Path, tmp_path: Path) -> None:
    with watching(project, tmp_path) as watched:
        watched.until("no errors known")
        watched.process.kill()
        watched.process.wait()
        assert not any(is_running(process_id) for process_id in watched.process_ids())


def test_a_server_that_ends_is_told_with_its_last_words(project: Path, tmp_path: Path) -> None:
    with watching(project, tmp_path) as watched:
        watched.until("no errors known")
        write(project, "lib.rs", "// server: crash\n")
        watched.until("The language server ended (exit code 3). Its last words: thread main panicked")
        assert watched.end() == 2
    assert "Traceback" not in watched.shown


def test_the_server_gets_an_answer_to_whatever_it_asks(project: Path, tmp_path: Path) -> None:
    write(project, "lib.rs", "// server: asks\n")
    with watching(project, tmp_path) as watched:
        watched.until("no errors known")
        quit_by_key(watched)
    answers = {str(one["id"]): one for one in watched.heard() if "method" not in one}
    assert answers["q0"]["result"] is None
    assert answers["q1"]["result"] == [None, None]
    assert answers["q2"]["error"]["code"] == -32601


def test_in_a_pipe_offers_are_lines(project: Path, tmp_path: Path) -> None:
    with watching(project, tmp_path, in_terminal=False) as watched:
        watched.until("Watching", "recording")
        write(project, "lib.rs", "fn f() { broken_one(); }\n")
        watched.until("error[E0425]", MENDED, "+fn f() { mended_one(); }", "also proven")
        write(project, "other.rs", "fn g() { broken_two(); }\n")
        watched.until("`broken_two`", "mended_two")
        watched.process.send_signal(signal.SIGTERM)
        assert watched.end() == 130
    assert "\x1b" not in watched.raw
    assert watched.shown.count("cannot find value `broken_one`") == 1


def test_json_is_one_object_a_line(project: Path, tmp_path: Path) -> None:
    with watching(project, tmp_path, "--json", in_terminal=False) as watched:
        watched.until('"idle"')
        write(project, "lib.rs", "fn f() { broken_one(); }\n")
        watched.until('"offer"', '"offer"')
        write(project, "lib.rs", "fn f() { mended_one(); }\n")
        watched.until('"gone"', '"gone"')
        watched.process.send_signal(signal.SIGTERM)
        assert watched.end() == 130
    events = [json.loads(line) for line in watched.shown.splitlines()]
    assert events[0]["event"] == "note"
    assert {event["event"] for event in events} == {"note", "status", "offer", "gone"}
    offers = [event for event in events if event["event"] == "offer"]
    assert [offer["preferred"] for offer in offers] == [True, False]
    assert offers[0]["file"] == "src/lib.rs"
    assert (offers[0]["line"], offers[0]["column"], offers[0]["code"]) == (1, 10, "E0425")
    assert {event["offer_id"] for event in events if event["event"] == "gone"} == {one["offer_id"] for one in offers}


def test_a_folder_without_a_project_is_told(tmp_path: Path) -> None:
    with watching(tmp_path, tmp_path) as watched:
        assert watched.end() == 2
    assert "There is no cargo project" in watched.shown
