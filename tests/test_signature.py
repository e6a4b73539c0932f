"""Signatures are blind to names and numbers, and tell mistakes apart."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepy_agent.domain import Diagnostic, Level
from sleepy_agent.signature import normalise_message, signature_of


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("mismatched types", "mismatched types"),
        ("expected `i32`, found `&str`", "expected `_`, found `_`"),
        (
            "cannot borrow `*x` as mutable, as it is behind a `&` reference",
            "cannot borrow `_` as mutable, as it is behind a `&` reference",
        ),
        ("cannot borrow `*self` as mutable", "cannot borrow `*self` as mutable"),
        ("the `?` operator can only be applied to `Vec<T>`", "the `?` operator can only be applied to `_`"),
        ("expected one of `.`, `;`, or `else`, found `x`", "expected one of `.`, `;`, or `else`, found `_`"),
        ("this closure only implements `FnMut`", "this closure only implements `FnMut`"),
        (
            "this function takes 1 argument but 3 arguments were supplied",
            "this function takes N argument but N argument was supplied",
        ),
        ("non-exhaustive patterns: `A`, `B` and 2 more not covered", "non-exhaustive patterns: `_` not covered"),
        ("non-exhaustive patterns: `None` not covered", "non-exhaustive patterns: `_` not covered"),
        ("use of undeclared lifetime name `'a`", "use of undeclared lifetime name `_`"),
        ("lifetime 'a does not outlive '1", "lifetime '_ does not outlive '_"),
        ("couldn't read src/data/nope.txt: No such file", "couldn't read PATH: No such file"),
        ("couldn't read C:\\code\\nope.txt: No such file", "couldn't read PATH: No such file"),
        ("reads and/or writes", "reads and/or writes"),
        ('unknown value "some \\"text\\"" and \'c\'', "unknown value \"_\" and '_'"),
        ("literal 0xFF_u8 and 3.5 out of range", "literal N and N out of range"),
        ("two\n  lines", "two lines"),
        ("an unclosed `tick", "an unclosed `tick"),
        ("", ""),
    ],
)
def test_messages_are_normalised(message: str, expected: str) -> None:
    assert normalise_message(message) == expected


names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}|[A-Z][a-zA-Z0-9]{0,8}(<[a-z]{1,4}[0-9]?>)?", fullmatch=True).filter(
    lambda name: normalise_message(f"`{name}`") == "`_`"
)
templates = st.sampled_from(
    [
        "borrow of moved value: `{}`",
        "expected `{}`, found `{}`",
        "no method named `{}` found for struct `{}` in the current scope",
        "the trait bound `{}: {}` is not satisfied",
        "missing fields `{}` and `{}` in initializer of `{}`",
    ]
)


@given(templates, st.lists(names, min_size=3, max_size=3), st.lists(names, min_size=3, max_size=3))
def test_a_signature_survives_renaming(template: str, first: list[str], second: list[str]) -> None:
    one = Diagnostic(Level.ERROR, "E0001", template.format(*first), ())
    other = Diagnostic(Level.ERROR, "E0001", template.format(*second), ())
    assert signature_of(one) == signature_of(other)


def test_only_words_of_the_language_keep_a_name_from_being_abstracted() -> None:
    # The strategy above leaves those words out; this holds it to nothing more.
    kept = [
        word
        for word in ("count", "Vec<i32>", "x1", "_", "union", "Result", "a::b")
        if word in normalise_message(f"`{word}`")
    ]
    assert kept == ["_"]


@given(st.text(alphabet=st.sampled_from("`'\"\\/.:,_ \n0123abAN&<>mutself and or more")))
def test_normalising_twice_changes_nothing(message: str) -> None:
    once = normalise_message(message)
    assert normalise_message(once) == once


DIFFERENT_MISTAKES = [
    ("E0308", "mismatched types"),
    ("E0277", "mismatched types"),
    ("E0277", "the trait bound `A: B` is not satisfied"),
    ("E0277", "`?` couldn't convert the error to `A`"),
    ("E0277", "`A` is not an iterator"),
    ("E0596", "cannot borrow `a` as mutable, as it is not declared as mutable"),
    ("E0596", "cannot borrow `a` as mutable, as it is behind a `&` reference"),
    (None, "expected one of `;`, found `a`"),
    (None, "expected one of `,`, found `a`"),
    (None, "expected one of `,`, found keyword `let`"),
]


def test_different_mistakes_have_different_signatures() -> None:
    signatures = {signature_of(Diagnostic(Level.ERROR, code, message, ())) for code, message in DIFFERENT_MISTAKES}
    assert len(signatures) == len(DIFFERENT_MISTAKES)


@pytest.mark.parametrize(("code", "start"), [("E0308", "E0308"), (None, "syntax"), ("unused_mut", "unused_mut")])
def test_a_signature_is_code_and_hash(code: str | None, start: str) -> None:
    assert re.fullmatch(rf"{start}:[0-9a-f]{{12}}", signature_of(Diagnostic(Level.ERROR, code, "a message", ())))


def test_a_signature_is_the_same_in_every_version() -> None:
    # Stored episodes are found again by it: changing the normalisation needs a migration.
    assert signature_of(Diagnostic(Level.ERROR, "E0382", "use of moved value: `x`", ())) == "E0382:4f06330fba53"
