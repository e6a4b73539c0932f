"""Lessons numbered anew: another question of the same kind, and the answer that belongs to it."""

from __future__ import annotations

import json
import random
import re

import numpy as np
import pytest
from tokenizers import Tokenizer

from pretrain.small_lessons import small_lessons
from trainer.pretrain.renaming import Numbering, numbering_of, renumbered
from trainer.pretrain.tokens import learn_tokenizer

TEXT = "<code>\nL1|fn f1(v1: &T1, v2: f32) {\nL2|    v1.v3.f2(v2);\nL3|}\n<edit>\nL2 v2 <=> v3"
NAME = re.compile(r"\b[vfTmL]\d+\b")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return learn_tokenizer((lesson.prompt + lesson.answer for lesson in small_lessons(40)), 900)


@pytest.fixture(scope="module")
def numbering(tokenizer: Tokenizer) -> Numbering:
    return numbering_of(json.loads(tokenizer.to_str()))


def shown(text: str, tokenizer: Tokenizer, numbering: Numbering, seed: int) -> str:
    tokens = renumbered(np.array(tokenizer.encode(text).ids, np.uint16), numbering, random.Random(seed))
    return str(tokenizer.decode(tokens.tolist()))


def test_each_name_becomes_another_one_everywhere(tokenizer: Tokenizer, numbering: Numbering) -> None:
    texts = {shown(TEXT, tokenizer, numbering, seed) for seed in range(60)}
    assert len(texts) > 20
    for text in texts:
        assert NAME.sub("x", text) == NAME.sub("x", TEXT)
        pairs = set(zip(NAME.findall(TEXT), NAME.findall(text), strict=True))
        # One to one: what differs goes on differing, what is the same stays the same.
        assert len(pairs) == len({old for old, _ in pairs}) == len({new for _, new in pairs})
        assert ("f32", "f32") in pairs
        steps = {int(new[1:]) - int(old[1:]) for old, new in pairs if old[0] == "L"}
        assert len(steps) == 1 and steps.pop() >= 0


def test_some_are_shown_as_the_product_asks(tokenizer: Tokenizer, numbering: Numbering) -> None:
    same = sum(shown(TEXT, tokenizer, numbering, seed) == TEXT for seed in range(400))
    assert 60 < same < 180


def test_a_line_before_the_first_is_not_moved(tokenizer: Tokenizer, numbering: Numbering) -> None:
    text = TEXT.replace("L2 v2 <=> v3", "L0 ++ use std::fmt;")
    assert all("L0 ++" in shown(text, tokenizer, numbering, seed) for seed in range(20))
    assert all("L1|fn" in shown(text, tokenizer, numbering, seed) for seed in range(20))
