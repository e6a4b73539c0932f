"""Mistakes of ownership in any function: what is changed, and what is left alone."""

from __future__ import annotations

import pytest

from sleepy_agent.code.syntax import parse_once
from trainer.pretrain.mutations import ownership
from trainer.pretrain.mutations.mutant import Mutant, mutated


def mutants(text: str) -> list[Mutant]:
    found = [one for mutator in ownership.MUTATORS for one in mutator(parse_once(text.encode()), text.encode())]
    assert all(one.codes for one in found)
    return found


@pytest.mark.parametrize(
    ("text", "mutation", "broken"),
    [
        ("fn f() { let mut a = 1; }", "mutability.binding", "fn f() { let a = 1; }"),
        ("fn f(mut a: u32) {}", "mutability.parameter", "fn f(a: u32) {}"),
        ("fn f(a: &mut u32) {}", "mutability.reference", "fn f(a: &u32) {}"),
        ("impl T { fn f(&mut self) {} }", "mutability.self", "impl T { fn f(&self) {} }"),
        ("fn f() { g(&mut a); }", "mutability.borrow", "fn f() { g(&a); }"),
        ("fn f() { g(a.clone()) }", "ownership.no_clone", "fn f() { g(a) }"),
        ("fn f() { g(a.b().to_string()) }", "ownership.no_to_string", "fn f() { g(a.b()) }"),
        ("fn f() { mem::take(&mut self.a) }", "ownership.no_take", "fn f() { self.a }"),
        ("fn f() { g(Rc::clone(&a)) }", "ownership.no_shared_clone", "fn f() { g(a) }"),
        ("fn f() { a.iter().count() }", "ownership.iter_to_into_iter", "fn f() { a.into_iter().count() }"),
        ("fn f() { for b in &a {} }", "ownership.no_reference_for", "fn f() { for b in a {} }"),
        ("fn f() { match &a {} }", "ownership.no_reference_match", "fn f() { match a {} }"),
        ("fn f() { g(&mut *a) }", "ownership.no_reborrow", "fn f() { g(a) }"),
        ("fn f() { if let Some(ref a) = b {} }", "ownership.no_ref", "fn f() { if let Some(a) = b {} }"),
        ("fn f() { g(move || a) }", "closures.no_move", "fn f() { g(|| a) }"),
        ("impl T { fn f(&self) {} }", "ownership.self_by_value", "impl T { fn f(self) {} }"),
        ("fn f() { let n = a.len(); g(n); }", "order.worked_out_late", "fn f() { g(a.len()); }"),
        ("fn f() { g(&a); h(a); }", "order.swapped", "fn f() { h(a); g(&a); }"),
        ("fn f<'a>(a: &'a str) {}", "lifetimes.reference_without", "fn f<'a>(a: &str) {}"),
        ("fn f<'a>(a: &'a str) {}", "lifetimes.undeclared", "fn f(a: &'a str) {}"),
        ("fn f<'a, T>(a: &'a T) {}", "lifetimes.undeclared", "fn f<T>(a: &'a T) {}"),
        ("fn f<T: 'static>(a: T) {}", "lifetimes.no_bound", "fn f<T>(a: T) {}"),
        ("fn f<T: Copy + 'static>(a: T) {}", "lifetimes.no_bound", "fn f<T: Copy>(a: T) {}"),
        ("fn f(a: B<'_>) {}", "lifetimes.type_without", "fn f(a: B) {}"),
    ],
)
def test_one_mistake_is_made(text: str, mutation: str, broken: str) -> None:
    made = {mutated(text.encode(), one).decode() for one in mutants(text) if one.mutation == mutation}
    assert made == {broken}


@pytest.mark.parametrize(
    "text",
    [
        "fn f() { let a = 1; g(a, a); }",
        "fn f() { let n = a.len(); g(n, n); }",
        "fn f() { let a = b(); let c = a; d() }",
        "fn f() { g(a.nth(1)) }",
        "fn f(a: &str) -> u32 { 1 }",
    ],
)
def test_what_offers_no_mistake_is_left_alone(text: str) -> None:
    assert [one.mutation for one in mutants(text) if one.mutation != "order.worked_out_late" or "n, n" in text] == []


def test_edits_stand_in_the_order_of_the_text_and_do_not_overlap() -> None:
    text = "fn f(mut a: Vec<u32>) -> usize { let n = a.len(); a.push(1); h(a.clone()); g(&mut a, n) }"
    for one in mutants(text):
        ends = [place for edit in one.edits for place in (edit.start, edit.end)]
        assert ends == sorted(ends)
        assert one.place == ends[0]
