"""Tests without an author: they pass on the program they were made of, and fail where it gives something else."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from sleepy_agent.process import CancelToken
from trainer.pretrain.behaviour import behaving
from trainer.pretrain.programs import composed
from trainer.pretrain.programs.sameness import same_results, samples_of
from trainer.pretrain.records import Program

COUNTED = """pub fn counted(words: &[String], least: usize) -> usize {
    words.iter().filter(|one| one.len() > least).count()
}
"""


@pytest.mark.parametrize(
    "text",
    [
        "fn hidden(a: u32) -> u32 {\n    a\n}\n",
        "pub fn generic<T>(a: T) -> T {\n    a\n}\n",
        "pub struct A;\n\npub fn own(a: &A) -> u32 {\n    1\n}\n",
        "pub fn nothing(a: u32) {\n    drop(a);\n}\n",
        "pub fn changed(a: &mut u32) -> u32 {\n    *a\n}\n",
        'pub fn large(a: u32) -> String {\n    String::from("a").repeat(a as usize)\n}\n',
    ],
)
def test_what_cannot_be_compared_has_no_test(text: str) -> None:
    assert same_results(text) == ""


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("&[(u8, char)]", ()),
        ("&[u8]", "&[7, 0]"),
        ("&Vec<String>", '&vec!["k=v x".to_string(), "8".to_string()]'),
        ("Option<&str>", 'Some("ab 12,c")'),
        ("&HashMap<u8, bool>", "&std::collections::HashMap::from([(7, true), (0, false)])"),
    ],
)
def test_arguments_of_a_type(kind: str, first: str | tuple[()]) -> None:
    assert samples_of(kind)[:1] == ((first,) if first else ())


def test_the_copy_tells_right_from_wrong(tmp_path: Path) -> None:
    right = Program("template:a", "", COUNTED, same_results(COUNTED))
    wrong = replace(right, text=COUNTED.replace("len() >", "len() <"))
    made = list(islice((one for one in composed.programs("sameness") if one.behaviour), 20))
    first, second, *others = behaving([right, wrong, *made], tmp_path, CancelToken())
    assert (first, second) == (True, False)
    assert sum(others) >= 17
