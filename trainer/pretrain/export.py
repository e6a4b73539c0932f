"""A trained network as a GGUF file, and back: the file that is served is the one that is trained on further."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer

from sleepy_agent.errors import ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.files.gguf_files import (
    BaseShape,
    Vocabulary,
    floats_of,
    llama_name,
    reader_of,
    write_base,
)
from sleepy_agent.serving.files.quantise import quantise
from trainer.pretrain.network import Qwen2
from trainer.pretrain.recipe import Shape
from trainer.pretrain.tokens import vocabulary_of

__all__ = ["FORMATS", "read_gguf", "write_gguf"]

FORMATS: Final = {
    "f32": gguf.LlamaFileType.ALL_F32,
    "f16": gguf.LlamaFileType.MOSTLY_F16,
    "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
}
"""What a model can be written in."""


def write_gguf(network: Qwen2, tokenizer: Tokenizer, file: Path, *, name: str, form: str, cancel: CancelToken) -> Path:
    """Write a network and its vocabulary. `form`: one of `FORMATS`.

    Raises ModelError, CannotWrite, Interrupted; then there is no file, or the one that was there before.
    """
    kept = FORMATS[form]
    weights = {key: values.detach().float().cpu().numpy() for key, values in network.state_dict().items()}
    shape = BaseShape(**asdict(network.shape))
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
        fresh = Path(scratch) / "fresh.gguf"
        if kept is gguf.LlamaFileType.MOSTLY_Q8_0:
            exact = Path(scratch) / "exact.gguf"
            write_base(exact, shape, vocabulary_of(tokenizer), weights, name=name, file_type=FORMATS["f32"])
            quantise(exact, fresh, int(kept), form, threads=1, progress=ignore, cancel=cancel)
        else:
            write_base(fresh, shape, vocabulary_of(tokenizer), weights, name=name, file_type=kept)
        fresh.replace(file)
    return file


def ignore(_share: float) -> None:
    """Quantising a small model is over in a moment."""


def read_gguf(file: Path) -> tuple[Qwen2, Vocabulary]:
    """The network in a file, in 32 bits whatever it is stored in, and its vocabulary (`tokens.tokenizer_of` makes a
    tokenizer of it). Raises ModelError for a file that is no Qwen2 base of ours."""
    reader = reader_of(file)
    read = reader_fields(reader, file)
    vocabulary = vocabulary_in(read)
    network = Qwen2(shape_in(read), len(vocabulary.tokens))
    stored = {tensor.name: tensor for tensor in reader.tensors}
    weights: dict[str, torch.Tensor] = {}
    for key, values in network.state_dict().items():
        tensor = stored.pop(llama_name(key, network.shape.layers), None)
        if tensor is None:
            raise ModelError(f"{file.name} has no weight {key}.", "Export the model again.")
        weights[key] = torch.from_numpy(np.array(floats_of(tensor))).reshape(values.shape)
    if stored:
        raise ModelError(f"{file.name} has a weight that the seed has not: {min(stored)}.", "Name a seed model.")
    network.load_state_dict(weights)
    return network, vocabulary


def reader_fields(reader: Any, file: Path) -> Callable[[str], Any]:
    """What a key of the file says; raises ModelError where it does not."""

    def read(key: str) -> Any:
        field = reader.fields.get(key)
        if field is None:
            raise ModelError(f"{file.name} does not say its {key}.", "Name a seed model, a GGUF file with Qwen2.")
        return field.contents()

    return read


def shape_in(read: Callable[[str], Any]) -> Shape:
    """The shape that a file says it has."""
    return Shape(
        embedding=read("qwen2.embedding_length"),
        layers=read("qwen2.block_count"),
        heads=read("qwen2.attention.head_count"),
        shared_heads=read("qwen2.attention.head_count_kv"),
        feed_forward=read("qwen2.feed_forward_length"),
        context=read("qwen2.context_length"),
        rope_base=read("qwen2.rope.freq_base"),
        norm_epsilon=read("qwen2.attention.layer_norm_rms_epsilon"),
    )


def vocabulary_in(read: Callable[[str], Any]) -> Vocabulary:
    """The vocabulary that a file has."""
    tokens, kinds = read("tokenizer.ggml.tokens"), read("tokenizer.ggml.token_type")

    def of_kind(wanted: gguf.TokenType) -> frozenset[str]:
        return frozenset(token for token, kind in zip(tokens, kinds, strict=True) if kind == wanted)

    return Vocabulary(
        tokens=tuple(tokens),
        merges=tuple(read("tokenizer.ggml.merges")),
        control=of_kind(gguf.TokenType.CONTROL),
        end=tokens[read("tokenizer.ggml.eos_token_id")],
        padding=tokens[read("tokenizer.ggml.padding_token_id")],
        whole=of_kind(gguf.TokenType.USER_DEFINED),
    )
