"""What is told of a file, what is read from it, and that what is written can be read by everybody."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest

from serving.tiny_models import (
    CHAT_TEMPLATE,
    TinyShape,
    corrupted,
    tiny_vocabulary,
    write_tiny_adapter,
    write_tiny_model,
)
from sleepy_agent.errors import CannotWrite, ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.engine import GenerateRequest, PromptPart
from sleepy_agent.serving.files.gguf_files import (
    BaseShape,
    Floats,
    Vocabulary,
    describe,
    expected_shapes,
    finish,
    floats_of,
    llama_name,
    read_weights,
    reader_of,
    write_base,
)
from sleepy_agent.serving.llama.llama_engine import EngineSettings, load_engine

SHAPE = BaseShape(embedding=64, layers=2, heads=4, shared_heads=2, feed_forward=96, context=512)
NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "model.layers.1.input_layernorm.weight": "blk.1.attn_norm.weight",
    "model.layers.1.self_attn.q_proj.weight": "blk.1.attn_q.weight",
    "model.layers.1.self_attn.k_proj.bias": "blk.1.attn_k.bias",
    "model.layers.1.self_attn.o_proj.weight": "blk.1.attn_output.weight",
    "model.layers.1.post_attention_layernorm.weight": "blk.1.ffn_norm.weight",
    "model.layers.1.mlp.down_proj.weight": "blk.1.ffn_down.weight",
    "lm_head.weight": "output.weight",
}


def vocabulary() -> Vocabulary:
    tokens, merges, kinds = tiny_vocabulary()
    control = frozenset(token for token, kind in zip(tokens, kinds, strict=True) if kind == gguf.TokenType.CONTROL)
    return Vocabulary(tuple(tokens), tuple(merges), control, "<|im_end|>", "<|endoftext|>")


def transformers_names() -> dict[str, str]:
    """llama.cpp's names to those of transformers, for all of the shape's weights."""
    parts = [f"self_attn.{letter}_proj" for letter in "qkvo"] + [f"mlp.{name}_proj" for name in ("gate", "up", "down")]
    parts += ["input_layernorm", "post_attention_layernorm"]
    keys = ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"]
    for layer in range(SHAPE.layers):
        keys += [f"model.layers.{layer}.{part}.{end}" for part in parts for end in ("weight", "bias")]
    return {llama_name(key, SHAPE.layers): key for key in keys}


def weights(*, tied: bool = True) -> dict[str, Floats]:
    random = np.random.default_rng(0)
    names = transformers_names()
    return {
        names[name]: (random.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)
        for name, shape in expected_shapes(SHAPE, len(vocabulary().tokens)).items()
        if not (tied and name == "output.weight")
    }


@pytest.mark.parametrize(("ours", "theirs"), NAMES.items())
def test_names_of_transformers_become_llama_s(ours: str, theirs: str) -> None:
    assert llama_name(ours, 2) == theirs


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("file_type", [gguf.LlamaFileType.ALL_F32, gguf.LlamaFileType.MOSTLY_F16])
def test_what_was_written_is_read_and_runs(tmp_path: Path, file_type: gguf.LlamaFileType, tied: bool) -> None:
    given = weights(tied=tied)
    file = write_base(
        tmp_path / "base.gguf", SHAPE, vocabulary(), given, name="one", file_type=file_type, chat_template=CHAT_TEMPLATE
    )
    read = dict(read_weights(file))
    is_half = file_type == gguf.LlamaFileType.MOSTLY_F16
    assert {llama_name(key, SHAPE.layers) for key in given} == read.keys()
    for key, values in given.items():
        rounded = values.astype(np.float16).astype(np.float32) if is_half and values.ndim == 2 else values
        np.testing.assert_array_equal(read[llama_name(key, SHAPE.layers)], rounded, key)
    described = describe(file)
    assert described.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (described.is_adapter, described.architecture, described.name) == (False, "qwen2", "one")
    assert described.quantisation == ("F16" if is_half else "F32")
    assert (described.layers, described.embedding_length, described.feed_forward_length) == (2, 64, 96)
    assert (described.heads, described.shared_heads, described.context_length) == (4, 2, 512)
    assert described.vocabulary_size == len(vocabulary().tokens)
    assert described.chat_template == CHAT_TEMPLATE
    assert described.parameters == sum(values.size for values in given.values())
    assert described.file_bytes == file.stat().st_size
    engine = load_engine(EngineSettings(file, context_tokens=64, threads=1))
    request = GenerateRequest((PromptPart("let mut value"),), max_tokens=4)
    assert engine.generate(request, CancelToken()).samples[0].tokens_out > 0
    engine.close()


def test_an_adapter_is_described(tmp_path: Path) -> None:
    described = describe(write_tiny_adapter(tmp_path / "adapter.gguf", rank=4, alpha=8.0))
    assert (described.is_adapter, described.rank, described.alpha) == (True, 4, 8.0)
    assert (described.layers, described.vocabulary_size, described.chat_template) == (None, None, None)
    assert described.quantisation == "F32"


Change = Callable[[dict[str, Floats]], object]
BAD_WEIGHTS: dict[str, Change] = {
    r"has no blk\.1\.ffn_up\.weight": lambda given: given.pop("model.layers.1.mlp.up_proj.weight"),
    r"output_norm\.weight has the shape \(3,\)": lambda given: given.update(
        {"model.norm.weight": np.ones(3, np.float32)}
    ),
    r"no weight visual\.patch": lambda given: given.update({"visual.patch.weight": np.ones(3, np.float32)}),
    r"no weight model\.layers\.2\.": lambda given: given.update(
        {"model.layers.2.mlp.up_proj.weight": np.ones((96, 64), np.float32)}
    ),
}


@pytest.mark.parametrize("message", BAD_WEIGHTS)
def test_weights_that_make_no_qwen2_are_refused(tmp_path: Path, message: str) -> None:
    given = weights()
    BAD_WEIGHTS[message](given)
    with pytest.raises(ModelError, match=message) as caught:
        write_base(tmp_path / "base.gguf", SHAPE, vocabulary(), given, name="one")
    assert caught.value.remedy
    assert not (tmp_path / "base.gguf").exists()


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_writer: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(gguf.GGUFWriter, "write_tensors_to_file", full)
    with pytest.raises(CannotWrite, match="no space left") as caught:
        write_base(tmp_path / "base.gguf", SHAPE, vocabulary(), weights(), name="one")
    assert "Free some space" in caught.value.remedy
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("length", [0, 3, 4, 20, 200, 5000])
def test_a_file_that_was_cut_short_is_one_sentence(tmp_path: Path, length: int) -> None:
    cut = corrupted(write_tiny_model(tmp_path / "whole.gguf"), tmp_path / "cut.gguf", length=length)
    for read in (describe, reader_of, lambda file: list(read_weights(file))):
        with pytest.raises(ModelError, match=r"cut\.gguf") as caught:
            read(cut)
        assert caught.value.remedy


def test_every_changed_byte_of_a_header_is_told_or_harmless(tmp_path: Path) -> None:
    whole = write_tiny_model(tmp_path / "whole.gguf", shape=TinyShape(embedding=32, layers=1, feed_forward=32))
    random = np.random.default_rng(1)
    told = 0
    for _ in range(150):
        place = int(random.integers(0, 1200))
        changed = corrupted(whole, tmp_path / "changed.gguf", [(place, random.bytes(1))])
        try:
            describe(changed)
            list(read_weights(changed))
        except ModelError:
            told += 1
    assert told > 10


def test_a_quantisation_that_python_cannot_read_is_one_sentence(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "odd.gguf", "qwen2")
    writer.add_tensor("x", np.zeros((4, 84), np.uint8), raw_dtype=gguf.GGMLQuantizationType.Q2_K)
    finish(writer, tmp_path / "odd.gguf")
    (tensor,) = reader_of(tmp_path / "odd.gguf").tensors
    assert floats_of(tensor).shape == (4, 256)
    odd = tensor._replace(tensor_type=gguf.GGMLQuantizationType.Q8_1)
    with pytest.raises(ModelError, match="stored as Q8_1, which cannot be read here"):
        floats_of(odd)
