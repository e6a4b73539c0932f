"""One broken program as a question to a model."""

from __future__ import annotations

from pathlib import Path

from benchmarks.programs import context_of, problems_of
from sleepy_agent.code.syntax import parse_rust
from sleepy_agent.domain import Problem
from sleepy_agent.fixes.prompts.compose import Prompt, TriedAnswer, compose
from sleepy_agent.fixes.prompts.profiles import profile_for
from sleepy_agent.fixes.prompts.view import CodeView, ShownLine, add_lines, line_starts
from sleepy_agent.fixes.sources import SourceContext

SHELF = """\
use std::collections::HashMap;

/// Holds books.
struct Shelf {
    books: Vec<String>,
    counts: HashMap<String, u32>,
}

impl Shelf {
    fn add(&self, name: &str) -> usize {
        self.books.push(name.to_string());
        self.books.len()
    }
}

pub fn total(prices: &[u32]) -> u32 {
    let paid = 0;
    for price in prices {
        paid += *price;
    }
    println!("{paid} of {}", prices.len());
    paid
}

pub fn fill(shelf: &Shelf) -> usize {
    shelf.remove("x")
}
"""


def problem_with(folder: Path, text: str, code: str | None) -> tuple[Problem, SourceContext]:
    """The problem with that code."""
    found = [problem for problem in problems_of(folder, text) if problem.code == code]
    assert found, f"rustc says no {code}"
    return found[0], context_of(folder, text)


def prompt_for(
    folder: Path, text: str, code: str | None, model: str = "stand-in", tried: tuple[TriedAnswer, ...] = ()
) -> Prompt:
    problem, context = problem_with(folder, text, code)
    prompt = compose(problem, context, profile_for(model), tried)
    assert prompt is not None
    return prompt


def plain_view(text: str, folder: Path = Path("/crate")) -> tuple[CodeView, SourceContext]:
    """A view that shows all lines of a program, and its first item."""
    context = context_of(folder, text)
    file, raw = folder / "src/lib.rs", text.encode()
    lines: list[ShownLine] = []
    starts = line_starts(raw)
    add_lines(lines, file, raw, starts, range(len(starts)), ())
    item = parse_rust(raw).named_children[0]
    return CodeView(tuple(lines), (), (file, item.start_byte, item.end_byte)), context
