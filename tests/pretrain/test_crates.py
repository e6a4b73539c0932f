"""Functions of crates that are broken in place: the list, what is fetched, and pairs out of a crate of our own."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tree_sitter import Node

from sleepy_agent.code.syntax import parse_rust
from sleepy_agent.process import CancelToken
from trainer.pretrain.crates.__main__ import measure
from trainer.pretrain.crates.breaking import all_mutators, mistakes_of, verified
from trainer.pretrain.crates.excerpts import excerpt_around
from trainer.pretrain.crates.fetching import CannotFetch, fetched_crates, keep, manifest_of_fetcher
from trainer.pretrain.crates.listed import ListedCrate, is_free, listed_crates
from trainer.pretrain.crates.opened import errors_of, open_crate
from trainer.pretrain.crates.targets import targets_of
from trainer.pretrain.crates.together import NOBODY, Mistake, Together, with_edits
from trainer.pretrain.lessons import NotALesson, lesson_of
from trainer.pretrain.mutations.mutant import ByteEdit, Mutant
from trainer.pretrain.records import FILE, Verified
from trainer.pretrain.split import origin_of

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
OURS = ListedCrate("shelf", "0.1.0", ("std",), "0" * 64)
MANIFEST = '[package]\nname = "shelf"\nversion = "0.1.0"\nedition = "2018"\nlicense = "MIT"\n'
LIB = """//! A shelf of jars.

mod jar;

use std::collections::BTreeMap;

pub use jar::Jar;

/// Jars by their place.
#[derive(Debug, Default)]
pub struct Shelf {
    jars: BTreeMap<usize, Jar>,
}

impl Shelf {
    /// Puts a jar somewhere.
    pub fn put(&mut self, place: usize, jar: Jar) -> Option<Jar> {
        // Whatever stood there comes back.
        let before = self.jars.insert(place, jar);
        before
    }

    pub fn weight(&self) -> usize {
        self.jars.values().map(|jar| jar.weight()).sum()
    }

    pub fn names(&self) -> Vec<String> {
        let mut found = Vec::new();
        for jar in self.jars.values() {
            found.push(jar.name().to_string());
        }
        found
    }

    #[cfg(feature = "std")]
    pub fn heaviest(&self) -> Option<&Jar> {
        self.jars.values().max_by_key(|jar| jar.weight())
    }
}

pub fn first_name(shelf: &Shelf) -> Option<String> {
    let mut names = shelf.names();
    names.sort();
    let first = names.first()?.clone();
    Some(first)
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_here_is_broken() {
        let mut count = 1;
        count += 1;
        assert_eq!(count, 2);
    }
}
"""
JAR = """#[derive(Debug, Clone, PartialEq)]
pub struct Jar {
    name: String,
    grams: usize,
}

impl Jar {
    pub fn new(name: &str, grams: usize) -> Self {
        Jar { name: name.to_string(), grams }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn weight(&self) -> usize {
        let glass = 120;
        self.grams + glass
    }
}
"""


def shelf_in(folder: Path) -> Path:
    """A cache that has our crate as if it had been fetched."""
    package = folder / OURS.label
    (package / "src").mkdir(parents=True)
    (package / "Cargo.toml").write_text(MANIFEST)
    (package / "src" / "lib.rs").write_text(LIB)
    (package / "src" / "jar.rs").write_text(JAR)
    return folder


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[Verified]:
    """The first pairs of our crate."""
    folder = shelf_in(tmp_path_factory.mktemp("shelf"))
    return list(itertools.islice(verified("s", CancelToken(), crates=[OURS], folder=folder), 30))


# ---- the list ---------------------------------------------------------------------------------------------


def test_every_crate_is_pinned_once() -> None:
    crates = listed_crates()
    assert len(crates) >= 100
    assert len({crate.name.lower() for crate in crates}) == len(crates)
    for crate in crates:
        assert re.fullmatch(r"\d+\.\d+\.\d+[\w.+-]*", crate.version), crate.name
        assert re.fullmatch(r"[0-9a-f]{64}", crate.checksum), crate.name


def test_no_crate_of_a_benchmark_is_on_the_list() -> None:
    real = tomllib.loads((BENCHMARKS / "real_crates" / "crates.toml").read_text())["crate"]
    measured = {name for one in real for name in (one["name"], *one.get("dev_dependencies", ()))}
    bumped = tomllib.loads((BENCHMARKS / "dependency_bumps" / "cases.toml").read_text())["case"]
    for case in bumped:
        measured |= {case["dependency"], case.get("crate", case["dependency"])}
        measured |= {one["dependency"] for one in case.get("also", ())} | set(case.get("others", ()))
    assert {"smallvec", "rand"} <= measured
    assert not measured & {crate.name for crate in listed_crates()}


@pytest.mark.parametrize(
    ("licence", "free"),
    [
        ("MIT", True),
        ("MIT/Apache-2.0", True),
        ("Apache-2.0 OR GPL-3.0", True),
        ("MIT AND BSD-3-Clause", True),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", False),
        ("GPL-3.0", False),
        ("", False),
    ],
)
def test_a_licence_must_leave_a_free_choice(licence: str, free: bool) -> None:
    assert is_free(licence) is free


# ---- fetching ---------------------------------------------------------------------------------------------


def test_what_was_fetched_once_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = fetched_crates([OURS], shelf_in(tmp_path), CancelToken())
    assert [(one.listed, one.folder) for one in found] == [(OURS, tmp_path / OURS.label)]


def test_without_a_network_one_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARGO_NET_OFFLINE", "true")
    # An empty home of cargo's: nothing of this machine's own is found in it.
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "home"))
    with pytest.raises(CannotFetch) as raised:
        fetched_crates(listed_crates()[:1], tmp_path / "cache", CancelToken())
    assert "could not be fetched" in raised.value.message
    assert "\n" not in raised.value.message
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_fetcher_asks_for_exactly_these_versions() -> None:
    dependencies = tomllib.loads(manifest_of_fetcher([OURS]))["dependencies"]
    assert dependencies == {"shelf": {"version": "=0.1.0", "default-features": False}}


@pytest.mark.parametrize(
    ("checksum", "licence", "words"),
    [("1" * 64, "MIT", "the checksum"), ("0" * 64, "GPL-3.0", "none of the free licences")],
)
def test_a_package_that_is_not_what_was_pinned_is_not_kept(
    tmp_path: Path, checksum: str, licence: str, words: str
) -> None:
    package = tmp_path / "vendor"
    package.mkdir()
    (package / "Cargo.toml").write_text(MANIFEST.replace("MIT", licence))
    (package / ".cargo-checksum.json").write_text(json.dumps({"package": checksum}))
    with pytest.raises(CannotFetch, match=words):
        keep(OURS, package, tmp_path / OURS.label)
    assert not (tmp_path / OURS.label).exists()


# ---- many mistakes at once --------------------------------------------------------------------------------


def mistakes_in(sources: dict[Path, bytes]) -> list[Mistake]:
    """A longer word in each function's name, and a statement that goes."""
    found = []
    for target in targets_of(sources).functions:
        text = sources[target.file]
        inside = text.index(b"{", target.start) + 1
        found.append(
            Mistake(
                target,
                Mutant("t.two", ("",), (ByteEdit(inside, inside, b" loop {}"), ByteEdit(inside + 5, inside + 9, b""))),
            )
        )
    return found


def test_every_place_of_a_text_with_all_mistakes_is_found_in_that_with_one() -> None:
    sources = {Path("lib.rs"): LIB.encode(), Path("jar.rs"): JAR.encode()}
    mistakes = mistakes_in(sources)
    together = Together(mistakes, sources)
    assert len(mistakes) == 8
    for number, mistake in enumerate(mistakes):
        file = mistake.target.file
        alone = with_edits(sources[file], mistake.edits)
        everything = together.texts[file]
        places = [together.alone(number, file, position) for position in range(len(everything))]
        assert places == sorted(places)
        begin = next(position for position, place in enumerate(places) if place == mistake.target.start)
        length = mistake.target.end - mistake.target.start + 4
        assert everything[begin : begin + length] == alone[mistake.target.start : mistake.target.start + length]
        assert places[begin : begin + length] == list(range(mistake.target.start, mistake.target.start + length))


# ---- excerpts ---------------------------------------------------------------------------------------------


def test_an_excerpt_has_imports_and_the_item_without_comments() -> None:
    sources = {Path("lib.rs"): LIB.encode()}
    targets = targets_of(sources)
    target = next(one for one in targets.functions if one.name == "Shelf::put")
    plain = excerpt_around(target, sources, targets, None, with_comments=False).text(target.file).decode()
    assert plain.startswith("use std::collections::BTreeMap;\npub use jar::Jar;\n")
    assert "impl Shelf {\n    pub fn put(" in plain
    assert "//" not in plain
    assert "nothing_here_is_broken" not in plain
    told = excerpt_around(target, sources, targets, None, with_comments=True).text(target.file).decode()
    assert "// Whatever stood there comes back." in told


def test_of_a_large_item_only_what_is_near_is_kept() -> None:
    methods = "".join(
        f"    fn m{n}(&self) -> usize {{\n        self.value + {n} * {'1' * 60}\n    }}\n" for n in range(40)
    )
    sources = {Path("lib.rs"): f"struct Big {{ value: usize }}\nimpl Big {{\n{methods}}}\n".encode()}
    targets = targets_of(sources)
    target = next(one for one in targets.functions if one.name == "Big::m20")
    text = excerpt_around(target, sources, targets, None, with_comments=False).text(target.file)
    assert not parse_rust(text).has_error
    assert b"fn m20(" in text
    assert b"fn m0(" not in text
    assert 1200 < len(text) < 2000


# ---- pairs ------------------------------------------------------------------------------------------------


def test_together_rustc_says_what_it_says_of_each_alone(tmp_path: Path) -> None:
    opened = open_crate(fetched_crates([OURS], shelf_in(tmp_path / "cache"), CancelToken())[0], tmp_path, CancelToken())
    assert opened is not None
    rows = list(mistakes_of(opened, targets_of(opened.sources), all_mutators(), "s"))
    inside = [next(one for one in row if one.is_inside and "" not in one.mutant.codes) for row in rows]
    together = Together(inside, opened.sources)
    said = together.by_mistake(errors_of(opened, together.texts, CancelToken()) or ())
    assert len(said) >= 4
    for number, mistake in enumerate(inside):
        alone = errors_of(opened, Together([mistake], opened.sources).texts, CancelToken())
        assert alone is not None
        assert [one.message for one in said.get(number, ())] == [one.message for one in alone]


def test_all_places_lie_in_the_excerpt(pairs: list[Verified]) -> None:
    assert len(pairs) == 30
    for pair in pairs:
        text = pair.broken.text.encode()
        spans = pair.diagnostic.spans
        assert any(span.is_primary for span in spans)
        for span in spans:
            assert span.file == FILE
            if pair.broken.code:
                shown = text[span.byte_start : span.byte_end].decode()
                assert " ".join(shown.split()) == " ".join(span.text.split()), pair.broken.mutation
            assert text[: span.byte_start].count(b"\n") == span.line_start - 1
        assert all(edit.file == FILE for one in pair.diagnostic.suggestions for edit in one.edits)


def test_pairs_become_lessons_of_their_crate(pairs: list[Verified]) -> None:
    lessons = [lesson for pair in pairs if not isinstance(lesson := lesson_of(pair), NotALesson)]
    assert len(lessons) >= 0.8 * len(pairs)
    assert {origin_of(lesson.source) for lesson in lessons} == {"crate:shelf"}
    assert len({lesson.mutation for lesson in lessons}) >= 10
    assert len({lesson.code for lesson in lessons}) >= 5


def test_the_same_seed_makes_the_same_pairs(tmp_path: Path) -> None:
    def few(place: str) -> list[Verified]:
        folder = shelf_in(tmp_path / place)
        return list(itertools.islice(verified("again", CancelToken(), crates=[OURS], folder=folder), 5))

    assert few("one") == few("other") != []


def removed_returns(node: Node, text: bytes) -> Iterator[Mutant]:
    """The type that a function returns is another one: whoever calls it hears of it."""
    for one in node.children:
        yield from removed_returns(one, text)
    kind = node.child_by_field_name("return_type") if node.type == "function_item" else None
    if kind is not None:
        yield Mutant("t.returns_unit", ("E0308",), (ByteEdit(kind.start_byte, kind.end_byte, b"()"),))


def test_a_changed_head_counts_only_where_nobody_else_has_an_error(tmp_path: Path) -> None:
    made = list(verified("s", CancelToken(), crates=[OURS], folder=shelf_in(tmp_path), mutators=[removed_returns]))
    # `weight` and `names` are called by others, which then have errors, too.
    names = {pair.broken.program.source.rpartition("::")[2] for pair in made}
    assert "put" in names
    assert not names & {"names", "name", "weight"}


def test_an_error_in_no_broken_function_is_nobodys() -> None:
    sources = {Path("lib.rs"): LIB.encode()}
    together = Together(mistakes_in(sources)[:1], sources)
    assert together.by_mistake([]) == {}
    assert NOBODY not in range(len(together.mistakes))


def test_the_rate_counts_what_was_made(pairs: list[Verified]) -> None:
    clock = iter([10.0, 14.0])
    rate = measure(pairs, 20, lambda: next(clock))
    assert (rate.pairs, rate.seconds, rate.pairs_a_second) == (20, 4.0, 5.0)
    assert sum(rate.codes.values()) == 20
    assert rate.functions == len({pair.broken.program.source for pair in pairs[:20]})
