"""Only programs that do what their tests say are taken."""

from __future__ import annotations

from pathlib import Path

from sleepy_agent.process import CancelToken
from trainer.pretrain.behaviour import behaving, with_tests
from trainer.pretrain.records import Program

TEXT = "pub fn twice(x: i32) -> i32 {\n    x * 2\n}\n"


def program(behaviour: str, text: str = TEXT) -> Program:
    return Program("template:twice", "", text, behaviour)


def test_who_passes(tmp_path: Path) -> None:
    passes = "#[test]\nfn doubles() {\n    assert_eq!(twice(4), 8);\n}"
    fails = "#[test]\nfn doubles() {\n    assert_eq!(twice(4), 9);\n}"
    ends_everything = "#[test]\nfn leaves() {\n    std::process::exit(0);\n}"
    calls_nobody = "#[test]\nfn calls() {\n    thrice(4);\n}"
    programs = [
        program(passes),
        program(fails),
        program(f"use super::twice;\n{passes}"),
        program(ends_everything),
        program(calls_nobody),
        program("fn not_a_test() {}"),
        program(passes, "pub fn twice(x: i32) -> i32 {\n    x * true\n}\n"),
    ]
    assert behaving(programs, tmp_path, CancelToken()) == [True, False, True, False, False, False, False]


def test_names_are_brought_in_once() -> None:
    assert with_tests(program("#[test]\nfn a() {}")).count("use super::*;") == 1
    assert with_tests(program("use super::*;\n#[test]\nfn a() {}")).count("use super::") == 1
