"""The text form of templates: choices, tables, mistakes, and what is put around them."""

from __future__ import annotations

import random

import pytest

from trainer.pretrain.programs.marked import (
    MarkedProgram,
    marked_mutations,
    marked_program,
    read_tables,
    read_templates,
)
from trainer.pretrain.programs.surroundings import imports_of, may_follow, with_other_statements, wrapped_in_impl

TABLES = """
==== kinds
KIND ¦ MAKE
u8 ¦ §1
u8 ¦ ⟨1¦2⟩ + §1
"""
TEMPLATE = """
//// add E0308 early=E0425
:: use kinds 2
:: NAME ¦ SHOWN
: left ¦ $NAME
pub fn add($NAME: $KIND2) -> $KIND2 {
    ⟨println!("…");¦⟩
    let other = ⟦$MAKE2¦"…"⟧;
    $SHOWN + ⟦early›other¦nobody¦nothing⟧⟦¦ + 'x'⟧
}
////test
#[test]
fn adds() {
    assert!(add(1) > §1);
}
"""  # noqa: RUF001 (the signs are meant)


def program_of(seed: str) -> MarkedProgram:
    return marked_program(read_templates(TEMPLATE, read_tables(TABLES))[0], seed, "family", "group")


def test_a_program_has_no_signs_of_its_template() -> None:
    for number in range(20):
        program = program_of(str(number))
        texts = [program.text, program.behaviour, *(one.text for one in program.mistakes)]
        assert not any(set(text) & set("⟨⟩⟦⟧¦§…$\x00") for text in texts)
        assert program.source == "template:group.add"
        assert program.family == "family"


def test_the_same_number_stands_in_the_text_and_in_its_test() -> None:
    program = program_of("one")
    number = program.behaviour.split("> ")[1].split(")")[0]
    assert f"{number};" in program.text


def test_all_places_of_a_label_go_wrong_together_and_others_stay() -> None:
    program = program_of("one")
    broken = {one.mutation: one for one in marked_mutations(program, "any")}
    assert set(broken) == {"group.add", "group.add_early", "group.add_early_1"}
    assert "+ 'x'" in broken["group.add"].text
    assert 'let other = "' in broken["group.add"].text
    assert broken["group.add_early"].code == "E0425"
    assert broken["group.add_early"].text == program.text.replace("+ other", "+ nobody")
    assert broken["group.add_early_1"].text == program.text.replace("+ other", "+ nothing")


def test_a_seed_decides_everything() -> None:
    assert program_of("one") == program_of("one")
    assert len({program_of(str(number)).text for number in range(12)}) > 6


@pytest.mark.parametrize("text", ["⟨a¦b", "a¦b⟩", "⟦a⟩"])
def test_a_template_that_is_not_closed_is_refused(text: str) -> None:
    template = read_templates(f"//// name E0308\n{text}\n")[0]
    with pytest.raises(ValueError, match="end"):
        marked_program(template, "seed", "", "group")


def test_a_row_with_too_few_cells_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        read_templates("//// name E0308\n:: A ¦ B\n: one\ntext\n")


@pytest.mark.parametrize(
    ("text", "imports"),
    [
        ("fn f(map: HashMap<u32, Rc<str>>) {}", "use std::collections::HashMap;\nuse std::rc::Rc;\n\n"),
        ("fn f(map: std::collections::HashMap<u32, u32>) {}", ""),
        ("use std::rc::Rc;\n\nfn f(shared: Rc<str>) {}", ""),
        ('fn f() {\n    println!("Rc");\n}', ""),
        ("struct Rc;\n\nfn f(own: Rc) {}", ""),
        ("fn f() {\n    mem::take(&mut 1);\n}", "use std::mem;\n\n"),
        ("fn f() {\n    let mem = 1;\n}", ""),
    ],
)
def test_std_names_are_imported(text: str, imports: str) -> None:
    assert imports_of(text) == imports


@pytest.mark.parametrize(
    ("line", "following", "may"),
    [
        ("    let a = 1;", "    a", True),
        ("pub fn f() -> u32 {", "    1", True),
        ("    let a = 1;", "}", False),
        ("    return 1;", "    2", False),
        ("        .sum();", "    a", False),
        ("    fn f(&self);", "    fn g(&self);", False),
        ("    let a = if b {", "        1", False),
        ("match a {", "    1 => 2,", False),
    ],
)
def test_where_a_statement_may_stand(line: str, following: str, may: bool) -> None:
    assert may_follow(line, following) is may


def test_other_statements_leave_the_rest_as_it_is() -> None:
    text = "pub fn f() -> u32 {\n    let a = 1;\n    a\n}\n"
    texts = {with_other_statements(text, random.Random(number)) for number in range(30)}
    assert text in texts
    assert len(texts) > 10
    for one in texts:
        lines = iter(one.splitlines())
        assert all(line in lines for line in text.splitlines())


def test_a_function_goes_into_an_impl_and_its_test_calls_it_there() -> None:
    text = "pub fn f() -> u32 {\n    1\n}\n"
    wrapped = [wrapped_in_impl(text, [], "assert_eq!(f(), 1);", random.Random(number)) for number in range(40)]
    inside = [(one, test) for one, _, test in wrapped if one != text]
    assert inside
    for one, test in inside:
        assert "    pub fn f() -> u32 {\n        1\n    }\n}" in one
        assert "::f(), 1)" in test
