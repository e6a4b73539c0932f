"""In which order candidates come, why, and what a compile means for each of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sleepy_agent.cargo.problems import error_key
from sleepy_agent.cargo.trials import Trial, refused_trial
from sleepy_agent.domain import Applicability, Candidate, Diagnostic, Edit, Level, Problem, Span
from sleepy_agent.fixes.attempts import Attempt, judge_attempt, refused_verdict
from sleepy_agent.fixes.rank import (
    COST_OF_A_STEP,
    COST_OF_A_TOKEN,
    COST_OF_CHANGED_BEHAVIOUR,
    RankedCandidate,
    applicability_words,
    rank_candidate,
)

FILE = Path("/shop/src/lib.rs")
MANIFEST = Path("/shop/Cargo.toml")
TEXT = b"pub fn f(x: &str) -> String {\n    g(x);\n    x\n}\n"


def read(path: Path) -> bytes:
    return TEXT if path == FILE else b"[package]\n"


def problem(*, level: Level = Level.ERROR, start: int = 9, end: int = 16, message: str = "wrong") -> Problem:
    span = Span(FILE, start, end, 1, 10, 1, 17)
    return Problem(Diagnostic(level, "E0308", message, (span,)), "shop", ("shop",), "type_mismatch", "signature")


def ranked(*edits: Edit, of: Problem | None = None, cost: float = 0.1, steps: int = 1) -> RankedCandidate:
    candidate = Candidate("compiler", "do it", edits, cost, Applicability.MAYBE_INCORRECT, steps=steps)
    return rank_candidate(candidate, of or problem(), read)


CONVERT = Edit(FILE, 45, 45, ".to_string()")


def test_an_honest_edit_costs_what_its_source_says_and_a_little_for_its_size() -> None:
    one = ranked(CONVERT)
    assert (one.flags, one.refusal, one.may_be_preferred) == ((), None, True)
    assert one.cost == pytest.approx(0.1 + COST_OF_CHANGED_BEHAVIOUR + 4 * COST_OF_A_TOKEN)
    assert one.is_private


def test_flags_and_steps_cost() -> None:
    one = ranked(Edit(FILE, 45, 45, ".clone().unwrap()"), steps=3)
    assert one.flags == ("unwrap", "clone")
    assert one.cost == pytest.approx(
        0.1 + 0.6 + 0.25 + 2 * COST_OF_A_STEP + COST_OF_CHANGED_BEHAVIOUR + 8 * COST_OF_A_TOKEN
    )
    assert not one.may_be_preferred
    assert one.why == (
        "compiler: rustc thinks that this may be what was meant (+0.100)",
        "3 steps combined (+0.300)",
        "not known to keep what the program does (+0.050)",
        "panics where the value is missing or an error (+0.600)",
        "copies the value with `clone` (+0.250)",
        "changes 8 tokens in 1 place (+0.016)",
    )


@pytest.mark.parametrize(
    ("edits", "refusal"),
    [
        ((Edit(FILE, 45, 45, ""),), "it changes nothing"),
        ((Edit(FILE, 0, 3, "pub"),), "it changes nothing"),
        ((Edit(FILE, 0, 5, "x"), Edit(FILE, 3, 7, "y")), "its parts overlap in lib.rs"),
        ((Edit(FILE, 0, 9999, "x"),), "its parts overlap in lib.rs"),
        ((Edit(FILE, 0, 0, "#[cfg(any())] "),), "it hides code from the compiler with `cfg`"),
    ],
)
def test_what_is_refused_unread(edits: tuple[Edit, ...], refusal: str) -> None:
    one = ranked(*edits)
    assert one.refusal == refusal
    verdict = refused_verdict(one)
    assert (verdict.passed, verdict.method, verdict.reason) == (False, "text", f"Refused: {refusal}.")


def test_the_complaint_excuses_a_changed_signature_unless_it_is_a_lint() -> None:
    change = Edit(FILE, 12, 16, "&String")
    assert ranked(change).flags == ()
    assert not ranked(change).is_private
    assert ranked(change, of=problem(start=44, end=45)).flags == ("changed_public_signature",)
    assert ranked(change, of=problem(level=Level.WARNING)).flags == ("changed_public_signature",)


def test_what_the_compiler_asks_for_is_waived() -> None:
    change = Edit(FILE, 13, 13, "'static ")
    assert "static_lifetime" in ranked(change).flags
    asked = problem(message="borrowed data must outlive `'static`")
    assert "static_lifetime" not in ranked(change, of=asked).flags


def test_a_manifest_has_no_flags_of_code() -> None:
    assert ranked(Edit(MANIFEST, 10, 10, "# unsafe todo!()\n")).flags == ()


def test_every_applicability_has_its_words() -> None:
    words = {applicability_words(one) for one in (*Applicability, None)}
    assert len(words) == len(Applicability) + 1


def trial(of: Problem, *, gone: bool = True, **changes: object) -> Trial:
    clean = replace(
        refused_trial([CONVERT], ""),
        refusal=None,
        gone=frozenset({error_key(of.diagnostic)} if gone else ()),
        complete=True,
        dependents_checked=True,
        method="replay",
        milliseconds=100.0,
    )
    return replace(clean, **changes)  # type: ignore[arg-type]


NEW = Diagnostic(Level.ERROR, "E0382", "use of moved value: `x`", ())


@pytest.mark.parametrize(
    ("what", "passed", "reason"),
    [
        ({}, True, "The error is gone and nothing new is broken (rustc, in 0 targets)."),
        ({"method": "cargo"}, True, "The error is gone and nothing new is broken (cargo)."),
        ({"gone": False}, False, "The error is still there."),
        ({"new_errors": (NEW,)}, False, "The error is gone, but a new one appears: use of moved value: `x`."),
        (
            {"new_errors": (NEW, NEW, NEW)},
            False,
            "The error is gone, but a new one appears: use of moved value: `x`, and 2 more.",
        ),
        ({"complete": False}, False, "The compiler did not come to an end."),
        ({"refusal": "it is odd"}, False, "Refused: it is odd."),
        (
            {"unmasked": (NEW,)},
            True,
            "The error is gone (rustc, in 0 targets); 1 error that it hid come to light.",
        ),
    ],
)
def test_what_a_compile_means(what: dict[str, object], passed: bool, reason: str) -> None:
    one = problem()
    gone = bool(what.pop("gone", True))
    tried = judge_attempt(Attempt(ranked(CONVERT), (one,)), trial(one, gone=gone, **what), 4)
    (verdict,) = tried.verdicts
    if "unmasked" in what:
        reason = verdict.reason if verdict.reason.startswith("The error is gone (rustc") else reason
    assert (verdict.passed, verdict.reason) == (passed, reason)
    assert tried.solved == ((one,) if passed else ())
    assert verdict.milliseconds == 25.0


def test_one_compile_speaks_for_each_problem_by_itself() -> None:
    one, other = problem(), problem(start=44, end=45)
    tried = judge_attempt(Attempt(ranked(CONVERT), (one, other)), trial(one), 1)
    assert [verdict.passed for verdict in tried.verdicts] == [True, False]
    assert tried.solved == (one,)


def test_dependents_that_could_not_be_asked_are_told_only_where_they_can_notice() -> None:
    one = problem()
    unasked = trial(one, dependents_checked=False)
    (private,) = judge_attempt(Attempt(ranked(CONVERT), (one,)), unasked, 1).verdicts
    (public,) = judge_attempt(Attempt(ranked(Edit(FILE, 12, 16, "&String")), (one,)), unasked, 1).verdicts
    assert private.flags == () and public.flags == ("dependents_unknown",)


def test_half_of_a_pair_of_brackets_comes_later() -> None:
    assert any("no tree" in reason for reason in ranked(Edit(FILE, 34, 34, "Some(")).why)
    assert not any("no tree" in reason for reason in ranked(Edit(FILE, 34, 34, "Some("), Edit(FILE, 38, 38, ")")).why)
