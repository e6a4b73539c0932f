"""What the compiler's warnings tell about an edit that compiles: on a real crate, and on what the toy says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from cargo.projects import open_session, places_in, single_package

from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.code.flags import all_flags
from sleepy_agent.domain import Candidate, Edit, Problem
from sleepy_agent.fixes.search import Search
from sleepy_agent.fixes.sources import SourceContext
from sleepy_agent.fixes.warnings import warning_rules

from .toy_session import Answer, ScriptedSource, body, search_with, toy

LIBRARY = """\
pub fn total(prices: &[u32], count: u32) -> u32 {
    let first = prices.len() as u32;
    let second = count + 1;
    let sum = frist + 1;
    sum
}

pub fn checked(text: &str) -> Result<u32, String> {
    parsed(text);
    Ok(1)
}

fn parsed(text: &str) -> Result<u32, String> {
    text.parse::<u32>().map_err(|_| String::new())
}

pub fn early(text: &str) -> usize {
    let length = text.len();
    length
}

fn helper(number: u32) -> u32 {
    number
}

pub fn uses_helper(number: u32) -> u32 {
    helper(number) + 1
}
"""


@dataclass(frozen=True)
class Replacing:
    """A source that replaces a piece of the text, for every problem."""

    pairs: Sequence[tuple[str, str]]
    name: str = "replacing"

    def candidates(self, problem: Problem, context: SourceContext) -> Iterator[Candidate]:
        assert problem.span is not None
        text = context.read(problem.span.file)
        for number, (old, new) in enumerate(self.pairs):
            start = text.find(old.encode())
            if start >= 0:
                edit = Edit(problem.span.file, start, start + len(old.encode()), new)
                yield Candidate(self.name, f"write {new}", (edit,), 0.1 + number / 100)


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CheckSession]:
    """A crate with an unknown name: before it is mended, rustc warns of nothing that is unused."""
    yield from opened(tmp_path_factory.mktemp("warned"), LIBRARY)


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CheckSession]:
    """The same where the unknown name stands elsewhere."""
    mended = LIBRARY.replace("frist", "first")
    yield from opened(
        tmp_path_factory.mktemp("warned"), mended.replace("helper(number) + 1", "helper(number) + nonumber")
    )


def opened(folder: Path, library: str) -> Iterator[CheckSession]:
    root = single_package(folder / "one", library)
    with open_session(root, places_in(folder / "places")) as session:
        yield session


def search_in(session: CheckSession, *pairs: tuple[str, str]) -> Search:
    """A search for the one problem there is."""
    problems = session.check()
    assert len(problems) == 1
    context = SourceContext(session.workspace, session.read, session.is_editable)
    search = Search(session, (Replacing(pairs),), context, lambda *_: None, lambda: True)
    search.run(problems)
    return search


@pytest.mark.parametrize(
    ("new", "flags"),
    [
        pytest.param("first", (), id="what was unused before counts against nobody"),
        pytest.param("{ let third = second; second }", ("left_unused",), id="a variable that the edit brings in"),
        pytest.param('{ parsed(""); first }', ("left_unused",), id="a result thrown away on its line"),
        pytest.param("{ return first; 0 }", ("unreachable_code", "left_unused"), id="code that is never reached"),
        pytest.param("{ let mut x = first; x }", ("new_warning",), id="a `mut` that is not needed"),
    ],
)
def test_what_an_edit_causes(crate: CheckSession, new: str, flags: tuple[str, ...]) -> None:
    search = search_in(crate, ("frist", new))
    assert search.found[0].verdict.flags == flags
    assert search.found[0].is_preferred == ("left_unused" not in flags)


def test_what_loses_its_only_use_is_told(another: CheckSession) -> None:
    search = search_in(another, ("helper(number) + nonumber", "number"))
    assert "new_warning" in search.found[0].verdict.flags
    assert search_in(another, ("nonumber", "number")).found[0].verdict.flags == ()


def test_a_name_that_nothing_else_uses_decides_between_two(crate: CheckSession) -> None:
    """`first` is the only thing that is left unused without it; `count` has another use."""
    search = search_in(crate, ("frist", "count"), ("frist", "first"))
    found = search.found[0]
    assert found.tried.attempt.ranked.candidate.title == "write first"
    assert found.is_preferred
    assert [other.verdicts[0].flags for other in found.others] == [("left_unused",)]


def test_where_each_leaves_the_other_unused_nothing_decides(crate: CheckSession) -> None:
    search = search_in(crate, ("frist", "first"), ("frist", "second"))
    assert not search.found[0].is_preferred


TILL = """\
pub fn count(text: &str, coins: &mut Vec<u32>) {
    coins.push(text.parse()?);
}

pub fn day(texts: &[&str], coins: &mut Vec<u32>) -> Result<usize, std::num::ParseIntError> {
    for text in texts {
        count(text, coins);
    }
    Ok(coins.len())
}
"""
RETURNING = "&mut Vec<u32>) -> Result<(), std::num::ParseIntError> {\n    coins.push(text.parse()?);\n    Ok(())\n}"


@pytest.mark.parametrize(
    ("caller", "flags"), [("count(text, coins);", ("left_unused",)), ("let _count = count(text, coins);", ())]
)
def test_an_error_that_no_caller_hears_of_is_told(tmp_path: Path, caller: str, flags: tuple[str, ...]) -> None:
    for session in opened(tmp_path, TILL.replace("count(text, coins);", caller)):
        search = search_in(session, ("&mut Vec<u32>) {\n    coins.push(text.parse()?);\n}", RETURNING))
        assert search.found[0].verdict.flags == flags
        assert search.found[0].is_preferred == (not flags)


def test_what_is_suspicious_is_passed_over_for_what_is_not() -> None:
    session = toy(body("bad_a"))
    answers = (Answer("unused_a", 0.1), Answer("wrong_b", 0.3), Answer("c", 0.4))
    search, _, _ = search_with(session, ScriptedSource({"bad_a": answers}))
    assert search.found[0].tried.attempt.ranked.candidate.title == "write c"
    assert search.found[0].is_preferred
    assert len(session.tried) == 3


def test_every_rule_names_flags_that_there_are() -> None:
    rules = warning_rules()
    assert {rule.flag for rule in rules} == {"left_unused", "new_warning"} <= set(all_flags())
    assert all_flags()["left_unused"].blocks_preference and not all_flags()["new_warning"].blocks_preference
    lints = [lint for rule in rules for lint in rule.lints]
    assert len(lints) == len(set(lints))
