"""rustc says of many modules what it would say of each alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from sleepy_agent.process import CancelToken
from trainer.pretrain import judge
from trainer.pretrain.judge import Said, check, check_alone, compiling
from trainer.pretrain.records import FILE

UNCLOSED = "pub fn unclosed(x: i32 -> i32 {\n    x\n}\n"
NO_OPERAND = "pub fn no_operand(x: i32) -> i32 {\n    let y = x +;\n    y\n}\n"
MOVED = "pub fn moved(words: Vec<String>) -> usize {\n    let kept = words;\n    words.len() + kept.len()\n}\n"
NO_IMPORT = "use std::collection::HashMap;\n\npub fn no_import() -> HashMap<u8, u8> {\n    HashMap::new()\n}\n"
HOLDER = "pub struct Holder;\n\npub fn helper(x: i32) -> i32 {\n    x\n}\n"
ASKS_FOR_HELPER = "pub fn asks(x: i32) -> i32 {\n    helper(x)\n}\n"
TWO_ERRORS = "pub fn two() -> i32 {\n    let x: i32 = true;\n    let y: bool = 1;\n    x + i32::from(y)\n}\n"
LATE_LINT = "pub fn large() -> u8 {\n    300u8\n}\n"


def codes(said: Said) -> list[str | None]:
    return [error.code for error in said.errors]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Said]:
    texts = [UNCLOSED, MOVED, NO_OPERAND, NO_IMPORT, HOLDER, ASKS_FOR_HELPER, TWO_ERRORS]
    return dict(zip(texts, check(texts, tmp_path_factory.mktemp("judge"), CancelToken()), strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (UNCLOSED, [None]),
        (NO_OPERAND, [None]),
        (MOVED, ["E0382"]),
        (NO_IMPORT, ["E0432"]),
        (HOLDER, []),
        (ASKS_FOR_HELPER, ["E0425"]),
        (TWO_ERRORS, ["E0308", "E0308"]),
    ],
)
def test_errors_of_all_phases_are_heard(said: dict[str, Said], text: str, expected: list[str | None]) -> None:
    assert codes(said[text]) == expected


@pytest.mark.parametrize("text", [MOVED, ASKS_FOR_HELPER, NO_IMPORT, UNCLOSED])
def test_the_words_are_those_of_the_program_alone(said: dict[str, Said], text: str, tmp_path: Path) -> None:
    alone = check_alone(text, tmp_path, CancelToken())
    assert [(error.message, error.spans, error.suggestions) for error in said[text].errors] == [
        (error.message, error.spans, error.suggestions) for error in alone.errors
    ]


def test_places_are_those_of_the_program(said: dict[str, Said]) -> None:
    span = said[MOVED].errors[0].primary_span
    assert span is not None and span.file == FILE
    assert MOVED.encode()[span.byte_start : span.byte_end] == b"words"
    assert judge.MODULE not in repr([one.errors for one in said.values()])


def test_programs_with_errors_and_lints_that_are_errors_do_not_compile(tmp_path: Path) -> None:
    texts = [HOLDER, MOVED, LATE_LINT, "pub fn fine() {}\n", UNCLOSED]
    assert compiling(texts, tmp_path, CancelToken()) == [True, False, False, True, False]
