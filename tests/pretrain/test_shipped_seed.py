"""The model that is shipped, in torch and in llama.cpp: the trainer goes on with what is served."""

from __future__ import annotations

import numpy as np
import torch
from serving.oracles import llama_logits

from pretrain.small_lessons import small_lessons
from sleepy_agent.config import SHIPPED_MODEL
from trainer.pretrain.export import read_gguf
from trainer.pretrain.network import count_parameters
from trainer.pretrain.tokens import tokenizer_of

NEAR = 0.03
"""Of the largest logit. llama.cpp multiplies 8-bit weights with activations of 8 bits, torch with exact ones."""


@torch.no_grad()
def test_torch_and_llama_cpp_say_the_same_of_the_shipped_file() -> None:
    torch.set_num_threads(1)
    network, vocabulary = read_gguf(SHIPPED_MODEL)
    assert count_parameters(network) * 1.0 < SHIPPED_MODEL.stat().st_size < count_parameters(network) * 2.2
    tokenizer = tokenizer_of(vocabulary)
    texts = [lesson.prompt + lesson.answer for lesson in small_lessons(4)]
    for text in texts:
        tokens = tokenizer.encode(text).ids
        ours, theirs = network(torch.tensor([tokens]))[0].numpy(), llama_logits(SHIPPED_MODEL, tokens)
        assert np.abs(ours - theirs).max() < NEAR * np.abs(ours).max()
        assert (ours.argmax(1) == theirs.argmax(1)).mean() > 0.95
