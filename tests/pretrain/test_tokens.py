"""The seed's vocabulary: lexical tokens, the same in `tokenizers` and in llama.cpp."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from pretrain.small_lessons import small_lessons
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.llama.native import NativeModel
from trainer.pretrain.export import write_gguf
from trainer.pretrain.network import Qwen2
from trainer.pretrain.recipe import Shape
from trainer.pretrain.tokens import CONTROL, learn_tokenizer, tokenizer_of, vocabulary_of
from trainer.pretrain.words import whole_words

Split = Callable[[str], list[int]]

RUST = """
use std::collections::HashMap;

impl<'a> T1<'a> {
    pub fn f1(&mut self, v12: &'a [u8], v40: i128) -> Result<Option<String>, T2> {
        let v1 = v12.iter().map(|v3| *v3 as u64 + 0x1f).collect::<Vec<_>>();
        if v1 != v2 && v1[0] >= 1_000 { return Err(T2::T3 { v4: "f64 of T1, \\n\\t {v5:?}".to_string() }); }
        match self.v6.get_mut(&v7) { Some(v8) => Ok(v8.take()), None => panic!("no {}", v9), }
    }
}
"""
TEXTS = (
    "",
    RUST,
    "L3|    let v1 = v2;\nL12 let <=> let mut ; L0 ++ use std::fmt;",
    "<code>\n<error>\nE0382 borrow of moved value: `v1`\nE0004 no\n<edit>\n",
    "v41 v400 L63 L64 L640 f16 f160 T17 m5 uv1 _v1 v1v2 E03821 u128x xi32",
    "äöü „Anführung“ 日本語 🦀🦀 \u00a0\u2028 x",
    "  \t\n\n\r\n   \n x    \n",
    "don't 'static 'a' '\\n' I'll",
    "<|im_start <|im_end|",
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    texts = [lesson.prompt + lesson.answer for lesson in small_lessons(200)]
    return learn_tokenizer([RUST] * 20 + texts, 1024)


@pytest.fixture(scope="module")
def in_llama(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Split]:
    """How llama.cpp splits."""
    torch.manual_seed(0)
    network = Qwen2(Shape(32, 1, 1, 1, 32), tokenizer.get_vocab_size())
    file = tmp_path_factory.mktemp("tokens") / "seed.gguf"
    model = NativeModel(write_gguf(network, tokenizer, file, name="seed", form="f32", cancel=CancelToken()))
    yield lambda text: model.tokenize(text, is_prompt=False)
    model.close()


def test_what_code_consists_of_is_one_token_each(tokenizer: Tokenizer) -> None:
    for word in ("v1", "v40", "T16", "f3", "m1", "L0", "L63", "L9|", "u8", "i128", "f64", "E0382", "<error>", " <=>"):
        assert tokenizer.encode(word).tokens == [word]
    line = "    let v1 = Vec::new(v12.push());\n"
    expected = ["ĠĠĠ", "Ġlet", " v1", "Ġ=", "ĠVec", "::", "new", "(", "v12", ".push", "()", ")", ";Ċ"]
    assert tokenizer.encode(line).tokens == expected


def test_no_learnt_token_joins_two_of_rust(tokenizer: Tokenizer) -> None:
    lexical = re.compile(r" *[._']?\w+|\s+| *[^\w\s]{1,3}\s*")
    known = [token for token in tokenizer.get_vocab() if token not in whole_words() and token not in CONTROL]
    texts = [tokenizer.decoder.decode([token]) for token in known]
    assert len(texts) > 256
    assert [text for text in texts if not lexical.fullmatch(text) and "\ufffd" not in text and len(text) > 1] == []
    assert {");", "mut self", "();\n"}.isdisjoint(texts)


def test_the_same_texts_give_the_same_tokens_and_texts_come_back(tokenizer: Tokenizer) -> None:
    again = learn_tokenizer([RUST] * 20 + [one.prompt + one.answer for one in small_lessons(200)], 1024)
    assert again.to_str() == tokenizer.to_str()
    for text in TEXTS:
        assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


def test_a_vocabulary_of_a_file_makes_the_same_tokenizer(tokenizer: Tokenizer) -> None:
    again = tokenizer_of(vocabulary_of(tokenizer))
    assert again.get_vocab() == tokenizer.get_vocab()
    assert vocabulary_of(again) == vocabulary_of(tokenizer)
    for text in TEXTS:
        assert again.encode(text).ids == tokenizer.encode(text).ids


def test_whole_words_never_compete_for_a_part_of_a_text() -> None:
    words = set(whole_words())
    assert len(words) == len(whole_words())
    by_beginning: dict[str, list[str]] = {}
    for word in words:
        for place in range(1, len(word)):
            by_beginning.setdefault(word[:place], []).append(word)
    competing = {
        (word, other)
        for word in words
        for place in range(1, len(word))
        for other in by_beginning.get(word[place:], ())
        # Both sides take a word that is longer than either, such as ` v12`.
        if word + other[len(word) - place :] not in words
    }
    assert competing == set()


@pytest.mark.parametrize("text", TEXTS)
def test_llama_cpp_splits_into_the_same(tokenizer: Tokenizer, in_llama: Split, text: str) -> None:
    assert in_llama(text) == tokenizer.encode(text).ids


def test_llama_cpp_splits_lessons_into_the_same(tokenizer: Tokenizer, in_llama: Split) -> None:
    for lesson in small_lessons(100):
        for text in (lesson.prompt, lesson.answer, lesson.prompt + lesson.answer):
            assert in_llama(text) == tokenizer.encode(text).ids


PIECES = st.sampled_from(
    [
        *string.printable,
        "v1",
        "v12",
        "L3|",
        " <=>",
        "E0382",
        "u32",
        "let ",
        "mut",
        "::",
        "é",
        "🦀",
        "\n    ",
        "//",
        "'a",
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=40).map("".join))
def test_llama_cpp_splits_anything_into_the_same(tokenizer: Tokenizer, in_llama: Split, text: str) -> None:
    assert in_llama(text) == tokenizer.encode(text).ids


def test_a_long_text_without_spaces_is_split(tokenizer: Tokenizer, in_llama: Split) -> None:
    # Patterns that llama.cpp has no code of its own for end the process here (std::regex has no bottom).
    text = "a1_" * 100_000
    assert in_llama(text) == tokenizer.encode(text).ids


def test_small_texts_make_a_small_vocabulary(tmp_path: Path) -> None:
    tokenizer = learn_tokenizer(["let v1 = 1;"], 2048)
    assert len(whole_words()) + 256 + len(CONTROL) <= tokenizer.get_vocab_size() < 1024
    assert tokenizer.token_to_id(whole_words()[0]) is not None
