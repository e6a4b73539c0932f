"""What is held back: nobody learns it before the nights, its sides share nothing, its mistakes are those meant."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest

import trainer
from sleepy_agent.code.syntax import parse_rust
from sleepy_agent.process import CancelToken
from trainer.pretrain.heldback.dependencies import INVENTED, Externs, built_externs, requirements_of
from trainer.pretrain.heldback.house_style import contexts, house_programs, house_rules, house_templates
from trainer.pretrain.heldback.judging import working_with
from trainer.pretrain.heldback.making import Plan, attempts_of_templates, judged, pattern_mistakes
from trainer.pretrain.heldback.sides import SIDES, side_of
from trainer.pretrain.heldback.templates import HeldBack, family_programs, family_templates, with_comparisons
from trainer.pretrain.leaks import is_a_koan
from trainer.pretrain.lessons import HELD_BACK
from trainer.pretrain.parts import Plan as DataPlan
from trainer.pretrain.parts import make_part
from trainer.pretrain.programs.marked import MarkedProgram
from trainer.pretrain.records import Program
from trainer.pretrain.registry import generators, mutators
from trainer.pretrain.split import split_of

PACKAGE = Path(trainer.__file__).parent / "pretrain"
MAKERS = (
    "data.py",
    "parts.py",
    "rounds.py",
    "registry.py",
    "lessons.py",
    "mixing.py",
    "programs",
    "mutations",
    "crates",
)
OF_THE_HOUSE = re.compile(
    r"\b(?:use )?(?:house|ledger|serde|serde_json)::|\basync fn\b|\.await\b|\bCents\b|\bHouseError\b"
)


def all_first_programs(side: str) -> list[HeldBack]:
    """One program of each template of a side."""
    families = itertools.islice(family_programs(side, "test"), len(family_templates(side)))
    house = itertools.islice(house_programs(side, "test"), len(house_templates(side)))
    return [*families, *house]


# ---- nothing of it is learnt ------------------------------------------------------------------------------


def test_nothing_that_makes_lessons_knows_what_is_held_back() -> None:
    files = [
        file
        for name in MAKERS
        for file in ([PACKAGE / name] if name.endswith(".py") else (PACKAGE / name).rglob("*.py"))
    ]
    assert len(files) > 20
    assert [file.name for file in files if "heldback" in file.read_text(encoding="utf-8")] == []
    owners = [function.__module__ for one in generators() for function in (one.programs, one.mutations)]
    owners += [mutator.__module__ for mutator in mutators()]
    assert not [owner for owner in owners if "heldback" in owner]


def test_lessons_have_nothing_of_the_house_and_no_family_that_is_held_back(tmp_path: Path) -> None:
    for generator in generators():
        for program in itertools.islice(generator.programs("held back"), 60):
            assert not OF_THE_HOUSE.search(program.text), program.source
    made = make_part(DataPlan("held back", count=12, size=2, crates=0), 0, tmp_path / "work", CancelToken())
    assert made.told
    for told in made.told:
        assert told.lesson.family not in HELD_BACK
        assert "heldback" not in told.lesson.source and not OF_THE_HOUSE.search(told.lesson.prompt)


def test_programs_of_the_seed_models_report_are_reported_here_too() -> None:
    for number in range(200):
        split = split_of(f"template:some.{number}")
        assert (side_of(f"template:some.{number}") == "report") == (split == "report")
        assert (side_of(f"template:some.{number}") == "gate") == (split == "gate")


# ---- sides ------------------------------------------------------------------------------------------------


def test_no_template_is_on_two_sides() -> None:
    names = [(family, template.name) for side in SIDES for family, template in family_templates(side)]
    assert len(set(names)) == len(names)
    kinds = sorted({rule.kind for rule in house_rules()})
    bodies = [one.text for kind in kinds for side in SIDES for one in contexts(kind, side)]
    assert len(set(bodies)) == len(bodies)


def test_every_rule_of_the_house_is_on_every_side() -> None:
    assert len(house_rules()) >= 12
    for side in SIDES:
        assert {rule.name for rule, _ in house_templates(side)} == {rule.name for rule in house_rules()}


@pytest.mark.parametrize("family", sorted(HELD_BACK))
def test_each_family_reports_on_many_templates(family: str) -> None:
    assert sum(one == family for one, _ in family_templates("report")) >= 20


# ---- programs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", SIDES)
def test_programs_are_rust_with_mistakes_and_like_no_koan(side: str) -> None:
    for held in all_first_programs(side):
        program = held.program
        assert not parse_rust(program.text.encode()).has_error, program.text
        assert program.mistakes, program.source
        assert all(one.text != program.text for one in program.mistakes), program.source
        assert all(len(line) <= 120 for line in program.text.splitlines()), program.source
        assert "⟦" not in program.text and "$" not in program.text.replace("{$", ""), program.text
        if not held.house_rule:
            assert not is_a_koan(program.text), program.source


def test_the_same_seed_gives_the_same_programs() -> None:
    def first(seed: str) -> list[str]:
        made = [
            *itertools.islice(family_programs("learn", seed), 30),
            *itertools.islice(house_programs("gate", seed), 30),
        ]
        return [held.program.text + held.program.behaviour for held in made]

    assert first("a") == first("a") != first("b")


def test_crates_are_named_as_manifests_name_them() -> None:
    assert requirements_of(INVENTED) == (("house", '{ path = "house" }'), ("ledger", '{ path = "ledger" }'))
    assert dict(requirements_of(("serde",)))["serde"].startswith('{ version = "1"')


MATCH = """pub enum Kind {
    Odd(u32, u32),
    Even,
}

pub fn of(kind: &Kind, row: [u8; 2]) -> u32 {
    let [first, ..] = row;
    match kind {
        Kind::Odd(left, _) => left + u32::from(first),
        Kind::Even => 0,
    }
}
"""
MISTAKES = {
    "match_arm.last_removed": "        Kind::Odd(left, _) => left + u32::from(first),\n    }",
    "pattern_place.too_many": "Kind::Odd(left, _, _)",
    "pattern_place.too_few": "Kind::Odd(left) =>",
    "pattern_kind.place_of_unit": "Kind::Even(_) => 0",
    "pattern_kind.without_path": " Odd(left, _) =>",
    "pattern_slice.too_few": "let [first] = row",
}


def test_mistakes_of_patterns_are_found_in_any_program() -> None:
    made = {
        one.mistake.name: one for one in pattern_mistakes(Program("template:any", "", MATCH), Plan("test", "learn"))
    }
    for name, part in MISTAKES.items():
        assert part in made[name].mistake.text, name


# ---- judged by rustc --------------------------------------------------------------------------------------


def test_items_are_verified_mistakes(tmp_path: Path) -> None:
    plan = Plan("test", "gate", of_template=1)
    attempts = [one for one in attempts_of_templates(plan) if one.held.program.family == "async_runtime"]
    items = list(judged(attempts, built_externs((), tmp_path, CancelToken()), "gate", tmp_path / "work", CancelToken()))
    assert len(items) == len({one.source for one in items}) >= 5
    for one in items:
        assert one.family == "async_runtime" and one.side == "gate" and one.kind == "template"
        assert one.broken != one.right and one.code and one.lines_changed > 0


def test_the_house_is_built_and_its_rules_are_enforced(tmp_path: Path) -> None:
    externs = built_externs(("house",), tmp_path / "crates", CancelToken())
    plan = Plan("test", "gate", of_template=1)
    wanted = {"money", "journal_pages", "missing_things", "lists"}
    attempts = [one for one in attempts_of_templates(plan) if one.held.house_rule in wanted]
    chosen = list({one.held.house_rule: one for one in attempts}.values())
    items = list(judged(chosen, externs, "gate", tmp_path / "work", CancelToken()))
    assert {one.house_rule for one in items} == wanted
    assert all(
        one.dependencies == (("house", '{ path = "house" }'),) and one.behaviour
        for one in items
        if one.house_rule != "lists"
    )


def test_what_compiles_and_does_something_else_is_found_out(tmp_path: Path) -> None:
    meant = "pub fn half(of: u32) -> u32 {\n    of / 2\n}\n\npub async fn rest(of: u32) -> u32 {\n    of % 2\n}\n"
    written = MarkedProgram("template:any", "", meant, "= half(9)\n= await rest(9)\n")
    program = with_comparisons(written)
    others = [
        replace(program, text=meant.replace("/ 2", "- 4")),
        replace(program, text=meant.replace("% 2", "/ 8 * 3")),
    ]
    tmp_path.joinpath("work").mkdir()
    found = working_with([program, *others], Externs(()), tmp_path / "work", CancelToken())
    assert found == [True, False, False]
