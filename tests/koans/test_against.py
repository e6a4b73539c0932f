"""Whether the programs of a file are koans."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from koans.small_koans import DOOR, FOUNTAIN
from sleepy_agent.errors import BadUsage
from sleepy_agent.koans.check import programs_against
from sleepy_agent.koans.records import KoanSet
from sleepy_agent.koans.texts import code_of
from sleepy_agent.process import CancelToken

KOANS = KoanSet(Path(), (DOOR, FOUNTAIN), {}, {})
RENAMED = code_of(DOOR.exercise).replace("Door", "Turnstile").replace("visitors", "people")
OWN = "pub fn first_word(line: &str) -> Option<&str> {\n    line.split_whitespace().next()\n}\n"


def said_of(folder: Path, *records: object) -> list[str]:
    file = folder / "pairs.jsonl"
    file.write_text("".join(json.dumps(record) + "\n\n" for record in records), encoding="utf-8")
    return [f"{one.koan}: {one.text}" for one in programs_against(KOANS, file, CancelToken())]


@pytest.mark.parametrize("record", [RENAMED, {"broken": RENAMED, "code": "E0594"}, {"files": [OWN, {"lib": RENAMED}]}])
def test_a_koan_is_found_wherever_it_stands(tmp_path: Path, record: object) -> None:
    assert said_of(tmp_path, OWN, record) == [
        "museum_door: line 2 of pairs.jsonl has 100% of it: take that program out."
    ]


def test_programs_of_ones_own_are_none(tmp_path: Path) -> None:
    assert said_of(tmp_path, OWN, {"broken": OWN, "number": 3, "nothing": None}) == []


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="cannot be read"):
        programs_against(KOANS, tmp_path / "missing.jsonl", CancelToken())
    (tmp_path / "words.txt").write_text("fn main() {}\n", encoding="utf-8")
    with pytest.raises(BadUsage, match="Line 1 of"):
        programs_against(KOANS, tmp_path / "words.txt", CancelToken())
