"""A small byte-level BPE vocabulary learnt from texts, which are split as Qwen2 splits them first."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from sleepy_agent.serving.files.gguf_files import Vocabulary

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
END, PADDING = "<|im_end|>", "<|endoftext|>"
# The pattern of Qwen2's tokenizer.json.
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def learn_tokens(texts: Iterable[str], size: int) -> Tokenizer:
    """A tokenizer with `size` tokens, the control tokens among them."""
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(WORDS), "isolated")
    letters = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, letters])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(CONTROL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
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
    )
