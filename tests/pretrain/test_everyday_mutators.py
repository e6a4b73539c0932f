"""Mistakes of every kind but ownership in any text: what is changed, and what is left alone."""

from __future__ import annotations

import pytest

from sleepy_agent.code.syntax import parse_once
from trainer.pretrain.mutations import forms, names, results, traits, typing_errors
from trainer.pretrain.mutations.mutant import Mutant, mutated

FILES = (results, typing_errors, names, traits, forms)


def mutants(text: str) -> list[Mutant]:
    root = parse_once(text.encode())
    return [one for file in FILES for mutator in file.MUTATORS for one in mutator(root, text.encode())]


@pytest.mark.parametrize(
    ("text", "mutation", "broken"),
    [
        ("fn f() { let a = b()?; }", "result.question_mark_removed", "fn f() { let a = b(); }"),
        ("fn f() { a.b().ok_or(1)? }", "result.conversion_removed", "fn f() { a.b()? }"),
        ("fn f() { Ok(a) }", "result.without_ok", "fn f() { a }"),
        ("fn f() { a.first().copied() }", "result.without_copied", "fn f() { a.first() }"),
        ("fn f() { a.and_then(|b| c) }", "result.and_then_as_map", "fn f() { a.map(|b| c) }"),
        ("fn f() -> Result<u32, E> { g() }", "result.returns_bare_result", "fn f() -> u32 { g() }"),
        ("fn f() { if let Some(a) = b {} }", "result.pattern_some_as_ok", "fn f() { if let Ok(a) = b {} }"),
        ("fn f() { a == Some(b) }", "result.compared_bare", "fn f() { a == b }"),
        ("fn f() { g(&a); }", "type.reference_removed", "fn f() { g(a); }"),
        ("fn f() { a as u64 + b }", "type.cast_removed", "fn f() { a + b }"),
        ("fn f() { let a: Vec<u32> = b(); }", "type.annotation_removed", "fn f() { let a = b(); }"),
        ("fn f() { a.sum::<u32>() }", "type.turbofish_removed", "fn f() { a.sum() }"),
        ("fn f() -> u32 { a }", "type.return_type_removed", "fn f() { a }"),
        ("fn f() { a }", "type.value_thrown_away", "fn f() { a; }"),
        ("fn f() { g(a, 1); }", "type.arguments_swapped", "fn f() { g(1, a); }"),
        ("fn f() { a.map(|(b, c)| b) }", "closure.pair_as_two", "fn f() { a.map(|b, c| b) }"),
        ("use std::rc::Rc;\n\nfn f() {}", "import.removed", "\nfn f() {}"),
        ("use std::rc::Rc;", "import.module_left_out", "use std::Rc;"),
        ("fn f(&self) { self.a }", "scope.self_of_field_removed", "fn f(&self) { a }"),
        ("fn f() { A::b() }", "scope.dot_for_path", "fn f() { A.b() }"),
        ("fn f() { a.is_empty() }", "typo.method", "fn f() { a.is_emty() }"),
        ("fn f() { A { b: 1, ..c } }", "field.base_removed", "fn f() { A { b: 1 } }"),
        ("mod m { pub fn f() {} }", "private.item", "mod m { fn f() {} }"),
        ("impl I for A {\n    type B = u32;\n}", "item.associated_removed", "impl I for A {\n}"),
        ("#[derive(Clone, Debug)]\nstruct A;", "derive.without_clone", "#[derive(Debug)]\nstruct A;"),
        ("fn f<T: A + B>() {}", "bound.without_b", "fn f<T: A>() {}"),
        ("fn f(a: Box<dyn A>) {}", "dyn.removed", "fn f(a: Box<A>) {}"),
        ("impl A for B { fn f(&self) {} }", "signature.without_receiver", "impl A for B { fn f() {} }"),
        ('fn f() { g("{a:?}"); }', "format.displayed", 'fn f() { g("{a}"); }'),
        ("fn f() { for a in 0..b {} }", "loop.over_number", "fn f() { for a in b {} }"),
        ("fn f() { a(); }", "form.without_semicolon", "fn f() { a() }"),
        ("fn f() { g(a, b); }", "form.without_comma", "fn f() { g(a b); }"),
        ("fn f() -> u32 { 1 }", "form.without_arrow", "fn f() u32 { 1 }"),
        ("fn f() { a += 1; }", "form.counted_up", "fn f() { a++; }"),
        ('fn f() { println!("{}", a); }', "format.without_arguments", 'fn f() { println!("{}"); }'),
        ("const fn f() {}", "const.function_not_const", "fn f() {}"),
        ("fn f() { unsafe { g() } }", "unsafe.removed", "fn f() { { g() } }"),
        ("fn f() { 'a: loop { break 'a; } }", "jump.label_removed", "fn f() { loop { break 'a; } }"),
    ],
)
def test_one_mistake_is_made(text: str, mutation: str, broken: str) -> None:
    made = {mutated(text.encode(), one).decode() for one in mutants(text) if one.mutation == mutation}
    assert made == {broken}


@pytest.mark.parametrize(
    "text",
    ["", "fn f(", "fn f() { if a { b(; }", "impl A for", "fn f() { x.; }", "#[derive(Clone]\nstruct A", "é 'ß' ∆"],
)
def test_texts_that_are_no_programs_are_borne(text: str) -> None:
    for one in mutants(text):
        mutated(text.encode(), one)


def test_every_mistake_changes_the_text_and_names_codes() -> None:
    text = (
        "use std::fmt;\n\n#[derive(Debug)]\npub struct A {\n    pub b: Vec<u32>,\n}\n\nimpl A {\n"
        "    pub fn c(&self, d: &str) -> Result<usize, String> {\n        let mut e = 0;\n"
        "        for f in self.b.iter() {\n            if *f == 3 && d.is_empty() {\n                e += 1;\n"
        "            } else {\n                return Err(d.to_string());\n            }\n        }\n"
        '        println!("{e} {:?}", self.b);\n        Ok(e + self.b.iter().map(|g| *g as usize).sum::<usize>())\n'
        "    }\n}\n"
    )
    found = mutants(text)
    assert len(found) > 100
    for one in found:
        assert one.codes, one
        assert "." in one.mutation, one
        assert mutated(text.encode(), one).decode() != text, one
        assert list(one.edits) == sorted(one.edits, key=lambda edit: edit.start), one
