"""Adapters written, read, and held against the bases they are for."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from serving.tiny_models import TinyShape, write_tiny_adapter, write_tiny_model
from sleepy_agent.errors import ModelError
from sleepy_agent.serving.files.gguf_header import read_header
from sleepy_agent.serving.files.lora_files import (
    LoraAdapter,
    LoraFactors,
    read_adapter,
    why_it_does_not_fit,
    write_adapter,
)

RANDOM = np.random.default_rng(0)
FACTORS = {
    "model.layers.0.self_attn.q_proj": LoraFactors(RANDOM.standard_normal((4, 64)), RANDOM.standard_normal((64, 4))),
    "base_model.model.model.layers.1.mlp.down_proj": LoraFactors(
        RANDOM.standard_normal((2, 96)), RANDOM.standard_normal((64, 2))
    ),
}
WEIGHTS = {"blk.0.attn_q.weight": 4, "blk.1.ffn_down.weight": 2}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    file = write_adapter(tmp_path / "a.gguf", FACTORS, alpha=8.0, name="borrow_checker", layers=2)
    adapter = read_adapter(file)
    assert (adapter.architecture, adapter.alpha) == ("qwen2", 8.0)
    assert {weight: factors.rank for weight, factors in adapter.factors.items()} == WEIGHTS
    for given, weight in zip(FACTORS.values(), WEIGHTS, strict=True):
        np.testing.assert_allclose(adapter.factors[weight].a, given.a, rtol=1e-6)
        np.testing.assert_allclose(adapter.factors[weight].b, given.b, rtol=1e-6)
    assert read_header(file).values["general.name"] == "borrow_checker"


@pytest.mark.parametrize(("alpha", "scale", "strength"), [(8.0, 1.0, 2.0), (8.0, 0.5, 1.0), (0.0, 0.5, 0.5)])
def test_the_change_is_what_llama_adds(alpha: float, scale: float, strength: float) -> None:
    pair = FACTORS["model.layers.0.self_attn.q_proj"]
    adapter = LoraAdapter("qwen2", alpha, {"one": pair})
    change = adapter.change_of("one", scale)
    assert change is not None
    np.testing.assert_allclose(change, strength * pair.b @ pair.a, rtol=1e-4, atol=1e-4)
    assert adapter.change_of("another") is None


def test_factors_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    pair = LoraFactors(np.ones((4, 64)), np.ones((64, 5)))
    with pytest.raises(ModelError, match=r"\(4, 64\) and \(64, 5\), which do not go together"):
        write_adapter(tmp_path / "a.gguf", {"model.layers.0.mlp.up_proj": pair}, alpha=1.0, name="x", layers=1)
    pair = LoraFactors(np.ones((4, 64)), np.ones((64, 4)))
    with pytest.raises(ModelError, match="no weight visual"):
        write_adapter(tmp_path / "a.gguf", {"visual.up_proj": pair}, alpha=1, name="x", layers=1)


def written(file: Path, keys: dict[str, str | float], tensors: dict[str, tuple[int, int]]) -> Path:
    """A file with these keys and tensors of ones, whatever they mean."""
    writer = gguf.GGUFWriter(file, "qwen2")
    writer.add_type("adapter")
    for key, value in keys.items():
        if isinstance(value, str):
            writer.add_string(key, value)
        else:
            writer.add_float32(key, value)
    for name, shape in tensors.items():
        writer.add_tensor(name, np.ones(shape, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


SOUND: dict[str, str | float] = {"adapter.type": "lora", "adapter.lora.alpha": 8.0}
PAIR = {"blk.0.attn_q.weight.lora_a": (4, 64), "blk.0.attn_q.weight.lora_b": (64, 4)}
NO_LORAS: dict[str, tuple[dict[str, str | float], dict[str, tuple[int, int]]]] = {
    "is no LoRA adapter but 'ia3'": ({**SOUND, "adapter.type": "ia3"}, PAIR),
    "does not say its alpha": ({"adapter.type": "lora"}, PAIR),
    "not one of a pair": (SOUND, {"blk.0.attn_q.weight.lora_a": (4, 64)}),
    "has a tensor blk.0.attn_q.weight that": (SOUND, {**PAIR, "blk.0.attn_q.weight": (64, 64)}),
    "has no tensors": (SOUND, {}),
}


@pytest.mark.parametrize("message", NO_LORAS)
def test_what_is_no_lora_adapter_is_one_sentence(tmp_path: Path, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        read_adapter(written(tmp_path / "odd.gguf", *NO_LORAS[message]))
    assert "odd.gguf" in caught.value.message
    assert caught.value.remedy


def test_why_an_adapter_is_for_another_base(tmp_path: Path) -> None:
    base = read_header(write_tiny_model(tmp_path / "base.gguf"))
    for shape, reason in (
        (TinyShape(), None),
        (TinyShape(layers=1), None),
        (TinyShape(layers=3), "it changes blk.2.attn_q.weight, which the model does not have"),
        (TinyShape(embedding=32), "has the shape"),
        (TinyShape(feed_forward=64), "has the shape"),
    ):
        adapter = read_header(write_tiny_adapter(tmp_path / "adapter.gguf", shape=shape))
        found = why_it_does_not_fit(adapter, base)
        assert (found is None) == (reason is None)
        assert reason is None or (found is not None and reason in found)


def test_an_adapter_of_another_architecture_does_not_fit(tmp_path: Path) -> None:
    base = read_header(write_tiny_model(tmp_path / "base.gguf"))
    writer = gguf.GGUFWriter(tmp_path / "llama.gguf", "llama")
    writer.add_type("adapter")
    writer.add_tensor("blk.0.attn_q.weight.lora_a", np.ones((4, 64), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = why_it_does_not_fit(read_header(tmp_path / "llama.gguf"), base)
    assert found == "it is for the architecture llama and the model is qwen2"
