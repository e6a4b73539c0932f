"""The seed's vocabulary: what code consists of, learnt from lessons; a model of `tokenizers`, and the same for GGUF.

Abstract names, numbers of lines, number types and the signs between sections are *whole words*, one token each
(`whole_words.toml`). The rest is byte-level BPE whose merges never join two lexical tokens, but for a sign and the end
of its line: `let`, `.push`, `::`, `;\\n`. Texts are split as Qwen2 splits them, which llama.cpp knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from sleepy_agent.serving.files.gguf_files import Vocabulary
from trainer.pretrain.words import whole_words

__all__ = ["END", "PADDING", "learn_tokenizer", "tokenizer_of", "vocabulary_of"]

CONTROL: Final = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
END: Final = "<|im_end|>"
PADDING: Final = "<|endoftext|>"
QWEN2: Final = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""The pattern of Qwen2's tokenizer.json, by which llama.cpp splits before it merges."""
LEXICAL: Final = (
    r"[._]\p{L}+| ?'\p{L}+| ?\p{L}+|\p{N}"
    r"| ?(?:::|->|=>|==|!=|<=|>=|&&|\|\||\.\.=|\.\.|[+\-*/%]=|//|\(\)|\[\]|\{\}|[^\s\p{L}\p{N}])[\r\n]*|\s+"
)
"""What one merged token may be at most: a word, a method with its dot, a sign of Rust with the end of its line."""


def learn_tokenizer(texts: Iterable[str], size: int) -> Tokenizer:
    """A tokenizer of `size` tokens (fewer where the texts have not so many words), learnt from texts.

    The same texts in the same order give the same tokenizer.
    """
    tokenizer = Tokenizer(models.BPE())
    letters = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    # Longer ones first: the first that fits is taken.
    whole = "|".join(re.escape(word) for word in sorted(whole_words(), key=len, reverse=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(whole), "removed"),
            pre_tokenizers.Split(Regex(QWEN2), "isolated"),
            pre_tokenizers.Split(Regex(LEXICAL), "isolated"),
            letters,
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(whole_words()),
        special_tokens=list(CONTROL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    learnt = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(pair) for pair in learnt["merges"]]
    return made(learnt["vocab"], [(first, second) for first, second in merges], whole_words())


def made(known: dict[str, int], merges: list[tuple[str, str]], whole: Iterable[str]) -> Tokenizer:
    """A tokenizer of these words and merges. `whole` words get the numbers after all others."""
    tokenizer = Tokenizer(models.BPE(vocab=known, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(CONTROL))
    tokenizer.add_tokens([AddedToken(word, normalized=False) for word in whole])
    return tokenizer


def vocabulary_of(tokenizer: Tokenizer) -> Vocabulary:
    """The same vocabulary for a GGUF file."""
    known = tokenizer.get_vocab()
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return Vocabulary(
        tokens=tuple(sorted(known, key=known.__getitem__)),
        merges=tuple(" ".join(pair) for pair in merges),
        control=frozenset(CONTROL),
        end=END,
        padding=PADDING,
        whole=frozenset(known.keys() & set(whole_words())),
    )


def tokenizer_of(vocabulary: Vocabulary) -> Tokenizer:
    """The tokenizer that a GGUF file's vocabulary means: `vocabulary_of` undone."""
    merged = {token: number for number, token in enumerate(vocabulary.tokens) if token not in vocabulary.whole}
    pairs = [merge.split(" ") for merge in vocabulary.merges]
    whole = [token for token in vocabulary.tokens if token in vocabulary.whole]
    return made(merged, [(first, second) for first, second in pairs], whole)
