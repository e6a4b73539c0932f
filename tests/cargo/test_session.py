"""A session on real projects: dependents, chains, what a commit leaves usable, seats, cancelling."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cargo.projects import (
    SETTINGS,
    chain_of_three,
    codes,
    open_session,
    places_in,
    replace_text,
    single_package,
    tree_bytes,
    write_project,
)
from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.cargo.slots import Slot, UnitReport, UnitStatus
from sleepy_agent.errors import Interrupted
from sleepy_agent.process import CancelToken

GREEN = "pub fn right() {}\n"
RED = "pub fn wrong() -> u32 {\n    1u8\n}\n"


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[tuple[Path, CheckSession]]:
    root = chain_of_three(tmp_path / "chain")
    with open_session(root, places_in(tmp_path / "places")) as session:
        assert session.check() == ()
        yield root, session


def packages_of(session: CheckSession, unit_ids: object) -> set[str]:
    return {session.recording.unit(str(unit_id)).package for unit_id in unit_ids}  # type: ignore[attr-defined]


def test_a_public_change_that_breaks_a_dependent_is_rejected(chain: tuple[Path, CheckSession]) -> None:
    root, session = chain
    trial = session.try_edits([replace_text(root / "base/src/lib.rs", "u32", "u64")], [])
    assert not trial.is_clean
    assert [error.code for error in trial.new_errors] == ["E0308"]


def test_a_private_body_rebuilds_no_dependent(chain: tuple[Path, CheckSession]) -> None:
    root, session = chain
    trial = session.try_edits([replace_text(root / "base/src/lib.rs", "41 + 1", "40 + 2")], [])
    assert trial.is_clean and trial.dependents_checked
    assert packages_of(session, trial.reports) == {"base"}


def test_a_public_change_rebuilds_the_whole_chain(chain: tuple[Path, CheckSession]) -> None:
    root, session = chain
    trial = session.try_edits([replace_text(root / "base/src/lib.rs", "}\n", "}\npub fn more() {}\n")], [])
    assert trial.is_clean and trial.dependents_checked
    assert packages_of(session, trial.reports) == {"base", "middle", "top"}


def test_the_chain_stays_usable_after_commits(chain: tuple[Path, CheckSession]) -> None:
    """Private and public changes by turns, at every place of the chain: metadata must fit together after each."""
    root, session = chain
    steps = [
        ("base", "41 + 1", "40 + 2"),
        ("middle", "* 2", "* 3"),
        ("base", "pub fn count", "pub fn added() -> u8 {\n    1\n}\npub fn count"),
        ("middle", "}\n", "}\npub fn uses() -> u8 {\n    base::added()\n}\n"),
        ("top", "}\n", "}\npub fn top() -> u8 {\n    middle::uses()\n}\n"),
        ("base", "40 + 2", "39 + 3"),
    ]
    for package, old, new in steps:
        path = root / package / "src/lib.rs"
        trial = session.try_edits([replace_text(path, old, new, text=session.read(path))], [])
        assert trial.is_clean, trial.new_errors
        session.commit(trial)
        assert session.check() == ()
        assert {report.status for report in session.reports().values()} == {UnitStatus.GREEN}
    assert tree_bytes(root / "base")[root / "base/src/lib.rs"].startswith(b"pub fn count() -> u32 {\n    41 + 1")


def test_going_back_makes_dependents_stale(chain: tuple[Path, CheckSession]) -> None:
    root, session = chain
    before = session.overlay
    path = root / "base/src/lib.rs"
    trial = session.try_edits([replace_text(path, "}\n", "}\npub fn more() -> u8 {\n    1\n}\n")], [])
    session.commit(trial)
    session.restore(before)
    assert session.check() == ()
    uses = replace_text(root / "middle/src/lib.rs", "}\n", "}\npub fn uses() -> u8 {\n    base::more()\n}\n")
    assert [error.code for error in session.try_edits([uses], []).new_errors] == ["E0425"]


def test_going_back_to_the_text_that_was_committed(tmp_path: Path) -> None:
    """rustc hands out the metadata of an unchanged text as a hard link to what it kept before."""
    root = single_package(tmp_path / "one", "pub fn count() -> u32 {\n    1\n}\n")
    path = root / "src/lib.rs"
    settings = replace(SETTINGS, slots=1)
    with CheckSession.open(root, places_in(tmp_path / "places"), settings, CancelToken()) as session:
        assert session.check() == ()
        session.restore({path: session.original(path).replace(b"u32", b"u33")})
        problems = session.check()
        trial = session.try_edits([replace_text(path, "u33", "u32", text=session.read(path))], problems)
        session.commit(trial)
        session.restore({})
        assert session.check() == ()


def test_earlier_errors_of_a_dependent_are_the_baseline(tmp_path: Path) -> None:
    root = chain_of_three(tmp_path / "chain")
    write_project(root, {"top/src/lib.rs": RED})
    with open_session(root, places_in(tmp_path / "places")) as session:
        assert codes(session.check()) == ["E0308"]
        trial = session.try_edits([replace_text(root / "base/src/lib.rs", "}\n", "}\npub fn more() {}\n")], [])
    assert trial.is_clean and packages_of(session, trial.reports) == {"base", "middle", "top"}


def test_a_broken_crate_does_not_hide_its_dependents_calls(tmp_path: Path) -> None:
    root = chain_of_three(tmp_path / "chain")
    write_project(root, {"base/src/lib.rs": RED})
    with open_session(root, places_in(tmp_path / "places")) as session:
        assert codes(session.check()) == ["E0308"]
        assert {unit.package for unit in session.recording.units} == {"base", "middle", "top"}
        assert set(session.blocked_packages()) == {"middle", "top"}
        problem = session.check()
        trial = session.try_edits([replace_text(root / "base/src/lib.rs", "1u8", "1")], problem)
        session.commit(trial)
        # `count` is gone, which nobody could know before.
        assert codes(session.check()) == ["E0425"]


def test_another_process_takes_another_seat_and_leaves_none_locked(tmp_path: Path) -> None:
    """The other process is killed while it holds a seat; the third session finds it free again."""
    root = single_package(tmp_path / "one", RED)
    places = places_in(tmp_path / "places")
    program = (
        "import sys, os, signal\nfrom pathlib import Path\n"
        "sys.path[:0] = [sys.argv[1]]\nfrom cargo.projects import open_session, places_in\n"
        "session = open_session(Path(sys.argv[2]), places_in(Path(sys.argv[3])))\n"
        "print([str(problem.code) for problem in session.check()], flush=True)\n"
        "sys.stdin.read()\n"
    )
    arguments = [sys.executable, "-c", program, str(Path(__file__).parents[1]), str(root), str(tmp_path / "places")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "['E0308']"
        with open_session(root, places) as session:
            assert codes(session.check()) == ["E0308"]
        seats = next((tmp_path / "places/cache/workspaces").iterdir()) / "seats"
        assert {"0", "1"} <= {path.name for path in seats.iterdir()}
        other.kill()
        other.wait()
    with open_session(root, places), open_session(root, places):
        assert not (seats / "2").exists()


def test_two_copies_of_a_workspace_do_not_share_anything(tmp_path: Path) -> None:
    places = places_in(tmp_path / "places")
    for name, expected in (("red", ["E0308"]), ("green", [])):
        root = single_package(tmp_path / name / "one", RED if expected else "pub fn right() {}\n")
        with open_session(root, places) as session:
            assert codes(session.check()) == expected
    assert len(list((tmp_path / "places/cache/workspaces").iterdir())) == 2


def running_children() -> set[int]:
    """Process ids of everything below this process."""
    parents = {}
    for entry in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = (int(fields[1]), fields[0])
    mine = {os.getpid()}
    while more := {one for one, (parent, _) in parents.items() if parent in mine and one not in mine}:
        mine |= more
    return {one for one in mine - {os.getpid()} if parents[one][1] != "Z"}


@pytest.mark.parametrize("stage", range(8))
def test_stopped_at_any_stage_nothing_runs_on_and_nothing_is_harmed(stage: int, tmp_path: Path) -> None:
    """Cancelled from another thread when the session starts its nth stage, or before."""
    root = single_package(tmp_path / "one", RED)
    before = tree_bytes(root)
    cancel = CancelToken()
    seen: list[str] = []

    def progress(text: str) -> None:
        seen.append(text)
        if len(seen) == stage:
            stopper = threading.Thread(target=cancel.cancel)
            stopper.start()
            stopper.join()

    if stage == 0:
        cancel.cancel()
    try:
        with CheckSession.open(root, places_in(tmp_path / "places"), SETTINGS, cancel, progress) as session:
            problems = session.check()
            cancel.cancel()
            with pytest.raises(Interrupted):
                session.try_edits([replace_text(root / "src/lib.rs", "1u8", "1")], problems)
    except Interrupted as error:
        assert error.remedy
    assert not running_children()
    assert tree_bytes(root) == before
    with open_session(root, places_in(tmp_path / "places")) as session:
        assert codes(session.check()) == ["E0308"]


def test_files_with_spaces_and_other_letters(tmp_path: Path) -> None:
    library = '#[path = "gr\u00fc\u00dfe und mehr.rs"]\npub mod greetings;\n'
    root = single_package(tmp_path / "a b \u00fc \U0001f980", library, {"src/gr\u00fc\u00dfe und mehr.rs": RED})
    with open_session(root, places_in(tmp_path / "places")) as session:
        (problem,) = session.check()
        assert problem.span is not None and problem.span.file == root / "src/gr\u00fc\u00dfe und mehr.rs"
        trial = session.try_edits([replace_text(problem.span.file, "1u8", "1")], [problem])
    assert trial.is_clean and trial.method == "replay"


def test_a_dependency_from_the_network_fails_cleanly(tmp_path: Path) -> None:
    root = single_package(tmp_path / "one", RED)
    with open_session(root, places_in(tmp_path / "places")) as session:
        problems = session.check()
        edit = replace_text(root / "Cargo.toml", "[dependencies]\n", '[dependencies]\nno_such_crate_here = "1"\n')
        trial = session.try_edits([edit], problems)
    assert not trial.is_clean and trial.refusal is not None and "cargo does not accept it" in trial.refusal
    assert b"no_such" not in (root / "Cargo.toml").read_bytes()


def test_errors_in_a_target_whose_upstream_turned_red_are_not_gone(tmp_path: Path) -> None:
    """An edit of the library that the tests complain of, which breaks the library, proves nothing."""
    root = single_package(
        tmp_path / "one",
        "fn hidden() {}\npub fn seen() {\n    hidden()\n}\n",
        {"tests/uses.rs": "#[test]\nfn uses() {\n    one::hidden();\n}\n"},
    )
    with open_session(root, places_in(tmp_path / "places")) as session:
        problems = session.check()
        assert codes(problems) == ["E0603"]
        moved_twice = "pub fn hidden() {\n    let x = String::new();\n    drop(x);\n    drop(x);\n}"
        edit = replace_text(root / "src/lib.rs", "fn hidden() {}", moved_twice)
        trial = session.try_edits([edit], problems)
    assert not trial.is_clean


@pytest.mark.parametrize(("before", "after"), [(GREEN, RED), (RED, GREEN), ("pub fn unfinished( {", GREEN)])
def test_a_text_that_is_saved_while_it_is_compiled_is_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str
) -> None:
    """rustc has read the text of before, and nobody reads the file here until it bears the text of after."""
    root = single_package(tmp_path / "package", before)
    file, really, saved = root / "src/lib.rs", Slot.replay, [after]

    def replay_and_save(slot: Slot, *arguments: Any, **options: Any) -> UnitReport:
        report = really(slot, *arguments, **options)
        if saved:
            file.write_text(saved.pop())
        return report

    monkeypatch.setattr(Slot, "replay", replay_and_save)
    with open_session(root, places_in(tmp_path / "places")) as session:
        expected = codes_of_text(after)
        assert codes(session.check()) == expected
        assert session.change_texts({file: after.encode()}) == frozenset()
        assert codes(session.check()) == expected


def test_what_cargo_says_of_a_text_saved_meanwhile_proves_nothing(tmp_path: Path) -> None:
    root = single_package(tmp_path / "package", GREEN)
    file, saved = root / "src/lib.rs", [RED]

    def save(stage: str) -> None:
        if stage.startswith("comparing") and saved:
            file.write_text(saved.pop())

    with CheckSession.open(root, places_in(tmp_path / "places"), SETTINGS, CancelToken(), save) as session:
        session.check()
        assert not session.recording.is_compared and not session.recording.untrusted_packages
        session.change_texts({}, {file})
        assert codes(session.check()) == codes_of_text(RED)
        assert session.recording.is_compared and not session.recording.untrusted_packages


def codes_of_text(text: str) -> list[str | None]:
    return ["E0308"] if text == RED else []


def test_one_mistake_is_one_problem_however_a_unit_names_what_it_is_about(tmp_path: Path) -> None:
    """The library says `Meter`, its tests, which import all, say `meter::Meter`."""
    library = """mod meter {
    #[derive(Default)]
    pub struct Meter {
        dial: u32,
    }
}
pub use meter::Meter;

pub fn read(meter: &Meter) -> u32 {
    meter.dial
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads() {
        assert_eq!(read(&Meter::default()), 0);
    }
}
"""
    with open_session(single_package(tmp_path / "package", library), places_in(tmp_path / "places")) as session:
        (problem,) = session.check()
        assert problem.code == "E0616" and len(problem.units) == 2
