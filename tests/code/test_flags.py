"""flags.toml: every flag has an edit that earns it and one, nearly the same, that does not."""

from __future__ import annotations

import pytest
from marked_edits import marked

from sleepy_agent.code.flags import all_flags

# Flags that depend on more than the text: (who gives them).
GIVEN_ELSEWHERE = {
    "dependents_unknown": "attempts.verdict_for, from the trial",
    "unchecked_to_the_end": "attempts.verdict_for, from the trial",
    "small_model": "sources.model, from the profile",
    "left_unused": "warnings.warning_flags, from the trial",
    "new_warning": "warnings.warning_flags, from the trial",
}

# Flag -> an edit that earns it, and one that does not.
EXAMPLES = {
    "unsafe_code": ("fn f() { «→unsafe { »g()«→ }» }", "fn f() { unsafe { g(«→&»x) } }"),
    "stub": ("fn f() { «g()→todo!()» }", "fn f() { «todo→g»() }"),
    "placeholder": ("fn f() { g(«→/* u8 */») }", "fn f() { g(/* the first */ «→&»x) }"),
    "invented_value": ("fn f() { let x: u8«→ = 42»; }", "fn f() { let x = 42«→;»\n g(x); }"),
    "changed_constant": ("fn f() { g(«256→255»); }", "fn f() { g(«2→2.0»); }"),
    "default_value": ("fn f() -> u8 { g()«→.unwrap_or_default()» }", "fn f() -> u8 { g().unwrap_or(«→*»x) }"),
    "ignored_result": ("fn f() { «→let _ = »g(); }", "fn f() { «→let _guard = »g(); }"),
    "catch_all_arm": ("fn f() { match x { 1 => a(),«→ _ => b()» } }", "fn f() { match x { 1 => a(), _ => «→*»b } }"),
    "unreachable_code": ("fn f() { «→return;» g(); }", "fn f() { g(); «→return;» }"),
    "exit": ("fn f() { «→std::process::exit(1);» }", "fn f() { «→queue.exit_now();» }"),
    "weakened_test": ("#[test]\n«→#[ignore]\n»fn f() {}", "«→#[test]\n»fn f() {}"),
    "panic": ('fn f() { «→panic!("no")» }', 'fn f() { panic!("{}", «→&»x) }'),
    "unwrap": ("fn f() { g()«→.unwrap()» }", "fn f() { g()«→?» }"),
    "silenced": ("«→#[allow(unused)]\n»fn f() {}", "«→#[derive(Clone)]\n»struct S;"),
    "nightly_feature": ("«→#![feature(never_type)]\n»fn f() {}", "«→#![no_std]\n»fn f() {}"),
    "static_lifetime": ("fn f(x: &«→'static »str) {}", "fn f<'a>(x: &«→'a »str) {}"),
    "leak": ("fn f() { «→std::mem::forget(»x«→)» }", "fn f() { «→drop(»x«→)» }"),
    "lossy_cast": ("fn f() { g(x«→ as u8») }", "fn f() { g(x«→.into()») }"),
    "underscored_name": ("fn f() { let «x→_x» = 1; }", "fn f() { let «x→x_» = 1; }"),
    "clone": ("fn f() { g(x«→.clone()») }", "fn f() { g(«→&»x) }"),
    "clone_in_loop": ("fn f() { for x in y { g(z«→.clone()») } }", "fn f() { for x in y«→.clone()» { g(z) } }"),
    "deleted_argument": ("fn f() { g(a«, b→») }", "fn f() { g(a«→, b») }"),
    "deleted_statement": ("fn f() { a(); «b();→» ⟦c⟧() }", "fn f() { a(); b();«;→» c() }"),
    "deleted_item": ("struct S { a: u8, «b: u8,→» }\nfn f() { ⟦g⟧(); }", "struct S { a: u8, «→b: u8,» }"),
    "deleted_expression": ("fn f() { g()«.check()→».h() }", "fn f() { g()«.chekc→.check»().h() }"),
    "deleted_attribute": ("«#[must_use]\n→»fn f() {}", "#[«must_sue→must_use»]\nfn f() {}"),
    "deleted_import": ("«use a::b;\n→»fn f() {}", "«use a::b;→use a::c;»\nfn f() {}"),
    "changed_public_signature": ("pub fn f(x: «u8→u16») { ⟦g⟧(x) }", "pub fn f(x: ⟦«u8→u16»⟧) { g(x) }"),
    "widened_visibility": ("mod a { «→pub »fn f() {} }\nfn h() { ⟦a::f⟧() }", "pub fn f() { g(«→&»x) }"),
    "widened_within_the_crate": (
        "mod a { «→pub(crate) »fn f() {} }\nfn h() { ⟦a::f⟧() }",
        "mod a { «→pub »fn f() {} }\nfn h() { ⟦a::f⟧() }",
    ),
    "opposite_name": ("fn f() { b.⟦put_u32_«b→l»e⟧(7); }", "fn f() { b.put_u32_«eb→be»(7); }"),
    "erased_target": ("fn f() { a(); «⟦g()⟧;→» b() }", "fn f() { a(); «→b();» ⟦g()⟧; }"),
    "configured_out": ("«→#[cfg(windows)]\n»fn f() {}", "#[cfg(windows)]\nfn f() { g(«→&»x) }"),
    "emptied_body": ("fn f() { «⟦g()⟧→» }", "fn f() { «⟦g()⟧→h(g())» }"),
    "commented_out": ("fn f() { «→// »g();\n }", "fn f() { «→// g is quick.\n »g();\n }"),
    "derived_beside_written": (
        "#[derive(Debug«→, Hash»)]\nstruct S(u8);\nimpl PartialEq for S { fn eq(&self, o: &S) -> bool { a(o) } }",
        "#[derive(Debug«→, Hash»)]\nstruct S(u8);\nimpl PartialEq<u8> for S { fn eq(&self, o: &u8) -> bool { a(o) } }",
    ),
    "derived_order": (
        "#[derive(PartialEq«→, PartialOrd»)]\nstruct Job { name: String, hours: u8 }",
        "#[derive(PartialEq«→, PartialOrd»)]\nstruct Time { hour: u8, minute: u8 }",
    ),
    "derived_default": (
        "«→#[derive(Default)]\n»struct S { a: u8 }\nimpl S { fn new() -> Self { S { a: 9 } } }",
        "«→#[derive(Default)]\n»struct S { a: u8 }\nimpl S { fn new() -> Self { S { a: 0 } } }",
    ),
    "clone_that_shares": (
        "«→#[derive(Clone)]\n»struct S { a: String, b: Rc<RefCell<u8>> }",
        "«→#[derive(Clone)]\n»struct S { b: Arc<Mutex<u8>> }",
    ),
    "written_out": (
        "«→#[derive(Serialize)]\n»struct A;\n#[derive(Serialize)]\nstruct S { pub b: u8, a: A }",
        "«→#[derive(Serialize)]\n»struct A;\n#[derive(Serialize)]\nstruct S { b: u8, a: A }",
    ),
    "converted_result": ("fn f() -> u64 { «→(»a + b«→).into()» }", "fn f() -> u64 { «→u64::from(»a«→)» + b }"),
    "missing_is_less": ("fn f() -> bool { a < «→Some(»9«→)» }", "fn f() -> bool { a > «→Some(»9«→)» }"),
    "changes_a_copy": (
        "fn f() { let c = «→move »|| n += 1; g(c); h(n) }",
        "fn f() { let c = «→move »|| { let mut n = 0; n += 1; }; g(c); h(n) }",
    ),
}


def test_every_flag_has_its_examples() -> None:
    assert {*EXAMPLES, *GIVEN_ELSEWHERE} == set(all_flags())


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_edit_earns_the_flag(name: str) -> None:
    assert name in marked(EXAMPLES[name][0]).flags


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_similar_edit_does_not(name: str) -> None:
    assert name not in marked(EXAMPLES[name][1]).flags


def test_every_flag_can_be_told_and_counts() -> None:
    for flag in all_flags().values():
        assert flag.says[0].islower() and not flag.says.endswith(".")
        assert 0 < flag.cost <= 1
        assert flag.blocks_preference or not flag.refused


def test_flags_come_in_the_order_of_the_table() -> None:
    edit = marked("fn f() { for x in y { «→unsafe { »g(z«→.clone()»).unwrap()«→ }» } }")
    names = list(all_flags())
    assert sorted(edit.flags, key=names.index) == ["unsafe_code", "clone", "clone_in_loop"]
