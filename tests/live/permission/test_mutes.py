"""Muted families and files: kept, taken back, and changed by several processes at a time."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sleepy_agent.config import Places, find_places
from sleepy_agent.errors import BadUsage, CannotWrite, StoreError
from sleepy_agent.live.permission.mutes import Mutes, mute_family, mute_file, mutes_file, read_mutes, unmute


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return find_places({"SLEEPY_HOME": str(tmp_path / "home")})


def test_nothing_is_muted_at_first_and_asking_writes_nothing(places: Places) -> None:
    assert read_mutes(places) == Mutes()
    assert not places.state.exists()


def test_what_is_muted_is_kept(places: Places, tmp_path: Path) -> None:
    root = tmp_path / "project"
    mute_family(places, "serde")
    mute_family(places, "lifetimes")
    mute_file(places, root, root / "src/lib.rs")
    answered = mute_file(places, root, root / "src/main.rs")
    found = read_mutes(places)
    assert found == answered
    assert found.families == {"serde", "lifetimes"}
    assert found.files_of(root) == {root / "src/lib.rs", root / "src/main.rs"}
    assert found.files_of(tmp_path / "another checkout") == frozenset()
    assert stat.S_IMODE(mutes_file(places).stat().st_mode) == 0o600


def test_a_file_is_the_same_through_a_link(places: Places, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "project")
    mute_file(places, tmp_path / "link", tmp_path / "link/lib.rs")
    assert read_mutes(places).files_of(tmp_path / "project") == {tmp_path / "project/lib.rs"}
    assert read_mutes(places).files_of(tmp_path / "link") == {tmp_path / "project/lib.rs"}


def test_taking_back(places: Places, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for family in ("serde", "lifetimes"):
        mute_family(places, family)
    for root in (here, there):
        mute_file(places, root, root / "a.rs")
        mute_file(places, root, root / "b.rs")
    assert unmute(places, what="serde").families == {"lifetimes"}
    assert unmute(places, what="never muted").families == {"lifetimes"}
    assert unmute(places, what=here / "a.rs").files_of(here) == {here / "b.rs"}
    rest = unmute(places, here)
    assert rest.families == frozenset()
    assert rest.files_of(here) == frozenset()
    assert rest.files_of(there) == {there / "a.rs", there / "b.rs"}
    assert unmute(places).files_of(there) == frozenset()
    assert read_mutes(places) == Mutes()


def test_a_word_that_is_no_family_is_told(places: Places) -> None:
    with pytest.raises(BadUsage, match="'borrows'") as raised:
        mute_family(places, "borrows")
    assert "borrow_checker" in raised.value.remedy
    assert read_mutes(places) == Mutes()


def test_a_family_of_the_users_own_can_be_muted(places: Places) -> None:
    places.config.mkdir(parents=True)
    text = 'schema = 1\n[[family]]\nname = "mine"\ndescription = "Mine."\n'
    places.user_families_file.write_text(text, encoding="utf-8")
    assert mute_family(places, "mine").families == {"mine"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"{}",
        b'{"schema": 2, "families": [], "files": {}}',
        b'{"schema": 1, "families": 3, "files": {}}',
        b'{"schema": 1, "families": [], "files": []}',
        b'{"schema": 1, "families": [], "files": {"a": [1]}}',
    ],
)
def test_a_damaged_file_is_told_and_left_alone(content: bytes, places: Places) -> None:
    places.state.mkdir(parents=True)
    mutes_file(places).write_bytes(content)
    with pytest.raises(StoreError, match="cannot be read") as raised:
        read_mutes(places)
    assert "delete" in raised.value.remedy
    with pytest.raises(StoreError):
        mute_family(places, "serde")
    assert mutes_file(places).read_bytes() == content


def test_a_place_that_cannot_be_written_is_told(places: Places) -> None:
    places.state.parent.mkdir(parents=True)
    places.state.write_bytes(b"a file where the folder should be")
    with pytest.raises(CannotWrite):
        mute_family(places, "serde")


MUTING_PROCESS = """
import sys
from pathlib import Path
from sleepy_agent.config import find_places
from sleepy_agent.live.permission.mutes import mute_file
root = Path(sys.argv[2])
for number in range(10):
    mute_file(find_places({"SLEEPY_HOME": sys.argv[1]}), root, root / f"{sys.argv[3]}{number}.rs")
"""


def test_no_change_of_several_processes_is_lost(places: Places, tmp_path: Path) -> None:
    commands = [
        [sys.executable, "-c", MUTING_PROCESS, str(places.state.parent), str(tmp_path), name] for name in ("a", "b")
    ]
    processes = [subprocess.Popen(command) for command in commands]
    assert [process.wait() for process in processes] == [0, 0]
    assert read_mutes(places).files_of(tmp_path) == {
        tmp_path / f"{name}{number}.rs" for name in ("a", "b") for number in range(10)
    }
    leftovers = {path.name for path in places.state.iterdir()} - {"mutes.json", "mutes.lock"}
    assert leftovers == set()
