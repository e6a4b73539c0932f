"""An open workspace on real projects: texts that change, fixes that are proven alone, answers that are remembered."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cargo.projects import SETTINGS, places_in, single_package

from sleepy_agent.cargo.recorder import hash_of
from sleepy_agent.code.edits import apply_edits
from sleepy_agent.config import Settings
from sleepy_agent.errors import Interrupted, SleepyError
from sleepy_agent.live.messages import (
    BundleKind,
    ChangeTexts,
    FixesFound,
    LiveOffer,
    OpenWorkspace,
    SearchEnded,
    SearchFixes,
    TextChecked,
    Trigger,
)
from sleepy_agent.live.workspace import LiveWorkspace
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.episodes import list_episodes
from sleepy_agent.process import CancelToken

GREEN = """\
pub fn total(prices: &[u32]) -> u32 {
    let mut sum = 0;
    for price in prices {
        sum += *price;
    }
    sum
}

pub fn longest(words: &[String]) -> usize {
    let mut most = 0;
    for word in words {
        most = most.max(word.len());
    }
    most
}
"""
ONE_ERROR = GREEN.replace("let mut sum", "let sum")
TWO_ERRORS = ONE_ERROR.replace("let mut most", "let most")


class Open:
    """A workspace with what it told."""

    def __init__(self, root: Path, folder: Path, settings: Settings = SETTINGS) -> None:
        self.root = root
        self.file = root / "src" / "lib.rs"
        self.places = places_in(folder)
        self.stages: list[str] = []
        opening = OpenWorkspace(root, self.places, settings)
        self.live = LiveWorkspace(opening, CancelToken(), self.stages.append)
        self.generation = 0

    def lay(self, text: str | None, *disk: Path) -> TextChecked:
        buffer = None if text is None else text.encode()
        return self.change({self.file: buffer}, *disk)

    def change(self, buffers: dict[Path, bytes | None], *disk: Path) -> TextChecked:
        self.generation += 1
        self.live.change(ChangeTexts(self.generation, buffers, frozenset(disk)))
        return self.live.check(self.generation, CancelToken())

    def search(
        self, *files: Path, dismissed: frozenset[str] = frozenset(), muted: frozenset[str] = frozenset()
    ) -> tuple[list[FixesFound], SearchEnded]:
        told: list[FixesFound] = []
        request = SearchFixes(self.generation, Trigger.OWN_REPLAY, files, muted, dismissed)
        return told, self.live.search(request, CancelToken(), told.append)

    def offers(self) -> list[LiveOffer]:
        told, _ = self.search()
        latest = {one.problem_ids: one.offers for one in told if one.problem_ids}
        return [offer for offers in latest.values() for offer in offers]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    found = Open(single_package(tmp_path / "one", GREEN), tmp_path / "places")
    yield found
    found.live.close()


def codes(checked: TextChecked) -> list[str | None]:
    return [one.problem.code for one in checked.problems]


def test_an_unsaved_buffer_is_what_counts(opened: Open) -> None:
    assert codes(opened.lay(GREEN)) == []
    assert codes(opened.lay(ONE_ERROR)) == ["E0384"]
    assert codes(opened.lay(None)) == []
    assert opened.file.read_text() == GREEN


def test_a_text_that_was_saved_is_not_taken_for_another_one_that_was_saved(opened: Open) -> None:
    assert codes(opened.lay(GREEN)) == []
    opened.lay(ONE_ERROR)
    opened.file.write_text(ONE_ERROR)
    assert codes(opened.lay(TWO_ERRORS)) == ["E0384", "E0384"]
    assert codes(opened.lay(ONE_ERROR)) == ["E0384"]
    opened.lay(GREEN)
    opened.file.write_text(GREEN)
    assert codes(opened.lay(GREEN)) == []


def test_an_offer_says_what_it_was_computed_from_and_mends_it(opened: Open) -> None:
    opened.lay(ONE_ERROR)
    told, ended = opened.search(opened.file)
    first, last = told[0].offers[0], told[-1].offers[0]
    assert (first.is_provisional, first.fix.preferred) == (True, False)
    assert (last.is_provisional, last.fix.preferred) == (False, True)
    assert first.offer_id == last.offer_id
    assert last.texts == {opened.file: hash_of(ONE_ERROR.encode())}
    assert opened.file in last.inputs
    assert apply_edits(last.fix.candidate.edits, lambda _path: ONE_ERROR.encode()) == {opened.file: GREEN.encode()}
    assert "+    let mut sum = 0;" in last.diff
    assert ended.unsolved == {}


def test_what_is_offered_alone_was_compiled_alone(opened: Open) -> None:
    opened.lay(TWO_ERRORS)
    offers = [offer for offer in opened.offers() if not offer.is_provisional]
    assert len(offers) == 2
    for offer in offers:
        after = apply_edits(offer.fix.candidate.edits, lambda _path: TWO_ERRORS.encode())
        assert isinstance(after, dict)
        left = codes(opened.lay(after[opened.file].decode()))
        assert left == ["E0384"], "each mends its own problem and leaves the other"


def test_all_safe_fixes_of_a_file_and_of_a_kind_are_compiled_as_a_whole(opened: Open) -> None:
    opened.lay(TWO_ERRORS)
    told, _ = opened.search()
    bundles = [bundle for one in told for bundle in one.bundles]
    assert {(bundle.kind, bundle.subject) for bundle in bundles} == {
        (BundleKind.FILE, str(opened.file)),
        (BundleKind.KIND, "E0384"),
    }
    for bundle in bundles:
        assert apply_edits(bundle.edits, lambda _path: TWO_ERRORS.encode()) == {opened.file: GREEN.encode()}


def test_the_same_text_is_not_searched_twice(opened: Open) -> None:
    opened.lay(ONE_ERROR)
    first, _ = opened.search(opened.file)
    opened.lay(GREEN)
    opened.stages.clear()
    opened.lay(ONE_ERROR)
    again, _ = opened.search(opened.file)
    assert again[-1].generation == opened.generation
    assert again[-1].offers == first[-1].offers
    with open_database(opened.places.store_file) as database:
        assert len(list_episodes(database)) == 1


def test_offers_carry_the_number_of_their_attempt(opened: Open) -> None:
    opened.lay(TWO_ERRORS)
    numbers = {offer.episode_id for offer in opened.offers()}
    with open_database(opened.places.store_file) as database:
        assert numbers == {stored.episode_id for stored in list_episodes(database)}


def test_what_is_muted_or_dismissed_is_not_offered(opened: Open) -> None:
    checked = opened.lay(ONE_ERROR)
    family = checked.problems[0].problem.family
    (offer,) = opened.offers()
    assert opened.search(muted=frozenset({family}))[0] == []
    told, _ = opened.search(dismissed=frozenset({offer.offer_id}))
    assert all(offer.offer_id != one.offer_id for found in told for one in found.offers)


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda file: file.write_text(ONE_ERROR), ["E0384"]),
        (lambda file: file.with_name("more.rs").write_text("pub fn more() {}\n"), []),
    ],
)
def test_files_that_others_write_and_remove_are_seen(
    opened: Open, write: Callable[[Path], object], expected: list[str | None]
) -> None:
    opened.change({})
    write(opened.file)
    assert codes(opened.change({}, opened.file, opened.file.with_name("more.rs"))) == expected


def test_a_file_that_was_written_and_read_before_it_was_told_of_is_seen(opened: Open) -> None:
    assert opened.change({}).problems == ()
    opened.file.write_text(ONE_ERROR, encoding="utf-8")
    # What is done while nothing else is to do reads the files, maybe for the first time.
    opened.live.warm(CancelToken())
    assert codes(opened.change({}, opened.file)) == ["E0384"]


def test_a_written_file_is_noticed_without_being_named(opened: Open) -> None:
    opened.change({})
    # The text was read once, as it is for every candidate of its file.
    opened.live.session.read(opened.file)
    opened.file.write_text(ONE_ERROR)
    assert codes(opened.change({})) == ["E0384"]


def test_a_module_that_was_missing_counts_once_it_is_there(opened: Open) -> None:
    assert codes(opened.lay(GREEN + "mod more;\n")) == ["E0583"]
    more = opened.file.with_name("more.rs")
    more.write_text("pub fn more() {}\n")
    assert codes(opened.change({}, more)) == []
    more.unlink()
    assert codes(opened.change({}, more)) == ["E0583"]


def test_a_new_target_and_a_new_manifest_are_recorded(opened: Open) -> None:
    opened.change({})
    program = opened.root / "src" / "bin" / "tool.rs"
    program.parent.mkdir()
    program.write_text("fn main() { missing(); }\n")
    assert codes(opened.change({}, program)) == ["E0425"]
    shutil.rmtree(program.parent)
    assert codes(opened.change({}, program)) == []
    manifest = opened.root / "Cargo.toml"
    manifest.write_text(manifest.read_text() + "\n[lints.rust]\nunused_variables = 'deny'\n")
    assert codes(opened.change({opened.file: b"pub fn f() { let x = 1; }\n"}, manifest)) == ["unused_variables"]


def test_a_broken_manifest_is_told_until_it_is_mended(opened: Open) -> None:
    opened.change({})
    manifest = opened.root / "Cargo.toml"
    good = manifest.read_text()
    manifest.write_text(good + "[nonsense")
    for disk in ([manifest], [manifest], []):
        with pytest.raises(SleepyError):
            opened.change({}, *disk)
    manifest.write_text(good)
    assert codes(opened.lay(ONE_ERROR, manifest)) == ["E0384"]


def test_only_what_somebody_could_see_is_the_developers_own_fix(opened: Open) -> None:
    opened.lay(ONE_ERROR)
    assert opened.lay(GREEN).vanished == ()
    opened.lay(ONE_ERROR)
    opened.search(opened.file)
    hidden = opened.lay(ONE_ERROR + "fn half( {")
    assert hidden.vanished == ()
    (own,) = opened.lay(GREEN).vanished
    assert own.problem.code == "E0384" and not own.deleted
    assert "+    let mut sum = 0;" in own.diff_unified
    assert opened.lay(GREEN).vanished == ()


def test_cancelled_work_leaves_the_workspace_ready(opened: Open) -> None:
    cancelled = CancelToken()
    cancelled.cancel()
    opened.generation += 1
    opened.live.change(ChangeTexts(opened.generation, {opened.file: TWO_ERRORS.encode()}))
    with pytest.raises(Interrupted):
        opened.live.check(opened.generation, cancelled)
    assert codes(opened.lay(TWO_ERRORS)) == ["E0384", "E0384"]
    with pytest.raises(Interrupted):
        opened.live.search(SearchFixes(opened.generation, Trigger.OWN_REPLAY), cancelled, lambda _one: None)
    assert len(opened.offers()) == 2


def test_every_slot_is_warm_once_there_was_time(tmp_path: Path) -> None:
    found = Open(single_package(tmp_path / "one", GREEN), tmp_path / "places", replace(SETTINGS, warm_above_lines=1))
    found.live.warm(CancelToken())
    found.lay(GREEN)
    found.live.warm(CancelToken())
    session = found.live.session
    library = next(unit for unit in session.recording.units if not unit.is_test)
    slots = list(found.places.cache.glob("workspaces/*/seats/0/slot-*"))
    assert len(slots) == SETTINGS.slot_count
    for slot in slots:
        assert any((slot / "incremental" / library.unit_id).glob("*/*/*.bin"))
    found.live.close()


def test_a_fix_beside_an_error_that_hides_the_rest_is_not_preferred(opened: Open) -> None:
    alone = GREEN + "pub fn f() -> u32 {\n    let counter = 1;\n    countr\n}\n"
    hidden = alone.replace("    countr\n", "    zzqx();\n    countr\n")
    opened.lay(alone)
    (offer,) = [one for one in opened.offers() if not one.is_provisional]
    assert offer.fix.preferred
    opened.lay(hidden)
    offers = [one for one in opened.offers() if "counter" in one.diff]
    assert offers
    assert not offers[0].fix.preferred and "unchecked_to_the_end" in offers[0].fix.verdict.flags
