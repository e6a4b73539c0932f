"""The koans that come with Sleepy are what they must be."""

from __future__ import annotations

from pathlib import Path

from sleepy_agent.koans.check import check_koans
from sleepy_agent.koans.records import koans_folder, read_koans
from sleepy_agent.koans.table_checks import lock_complaints
from sleepy_agent.process import CancelToken

ROOT = Path(__file__).parents[2]


def test_every_koan_is_broken_in_its_one_way_and_mended_in_every_way() -> None:
    koans = read_koans(koans_folder())
    assert koans.folder == ROOT / "koans"
    said = [f"{one.koan or 'the koans'}: {one.text}" for one in check_koans(koans, CancelToken(), lambda _text: None)]
    assert said == []


def test_what_is_frozen_is_as_it_was() -> None:
    koans = read_koans(ROOT / "koans")
    assert len(koans.locked) == 60
    assert list(lock_complaints(koans, None)) == []
