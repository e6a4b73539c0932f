"""The table of koans is read strictly: what means nothing is said so, with the file to mend."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from koans.small_koans import DOOR, FOUNTAIN, entry_of, write_koans
from sleepy_agent.errors import BadKoans
from sleepy_agent.koans.records import read_koans

ENTRY = entry_of(DOOR)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    frozen = replace(DOOR, frozen=True, shape="missing Ord", dependencies=("serde",))
    folder = write_koans(
        tmp_path, [frozen, FOUNTAIN], '[dependencies]\nserde = { version = "1" }', "0" * 64 + "  a.rs\n"
    )
    koans = read_koans(folder)
    assert koans.koans == (frozen, FOUNTAIN)
    assert koans.requirements == {"serde": {"version": "1"}}
    assert koans.locked == {"a.rs": "0" * 64}
    assert koans.strays == ()


def test_files_without_an_entry_are_found(tmp_path: Path) -> None:
    folder = write_koans(tmp_path, [DOOR])
    (folder / "exercises" / "attic.rs").write_text("", encoding="utf-8")
    (folder / "solutions" / "museum_door.txt").write_text("", encoding="utf-8")
    assert read_koans(folder).strays == ("exercises/attic.rs", "solutions/museum_door.txt")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("schema = 1\n[[koan", "is no TOML"),
        ("schema = 2\n", "schema = 1"),
        ("schema = 1\nkoans = []\n", "nothing else"),
        (ENTRY, "schema = 1"),
        ("schema = 1\n" + ENTRY + ENTRY, "two koans are called museum_door"),
        ("schema = 1\n" + ENTRY.replace("museum_door", "Museum-Door"), "small letters"),
        ("schema = 1\n" + ENTRY.replace('code = "E0594"\n', ""), "museum_door needs a code"),
        ("schema = 1\n" + ENTRY.replace("Look at what `let_in` does to the door.", ""), "museum_door needs a hint"),
        ("schema = 1\n" + ENTRY.replace('"E0594"', "594"), "needs a code"),
        ("schema = 1\n" + ENTRY + 'frozen = "yes"\n', "frozen = 'yes', which means nothing"),
        ("schema = 1\n" + ENTRY + "colour = 3\n", "colour = 3, which means nothing"),
        ("schema = 1\n" + ENTRY + 'dependencies = ["serde"]\n', "needs the crate serde"),
        ("schema = 1\n" + ENTRY.replace("museum_door", "attic_door"), "exercises/attic_door.rs is missing"),
    ],
)
def test_what_means_nothing_is_said_so(tmp_path: Path, table: str, says: str) -> None:
    folder = write_koans(tmp_path, [DOOR])
    (folder / "koans.toml").write_text(table, encoding="utf-8")
    with pytest.raises(BadKoans, match=says) as caught:
        read_koans(folder)
    assert caught.value.remedy


@pytest.mark.parametrize("lock", ["abc  exercises/museum_door.rs\n", "0" * 64 + " one-space.rs\n"])
def test_a_lock_that_is_none(tmp_path: Path, lock: str) -> None:
    with pytest.raises(BadKoans, match="no checksum and file"):
        read_koans(write_koans(tmp_path, [DOOR], lock=lock))


def test_a_folder_without_koans(tmp_path: Path) -> None:
    with pytest.raises(BadKoans, match=r"koans\.toml is missing"):
        read_koans(tmp_path)


def test_a_text_that_is_not_utf_8(tmp_path: Path) -> None:
    folder = write_koans(tmp_path, [DOOR])
    (folder / "solutions" / "museum_door.rs").write_bytes(b"\xff")
    with pytest.raises(BadKoans, match=r"solutions/museum_door\.rs cannot be read"):
        read_koans(folder)
