"""LoRA adapters as GGUF files: written from arrays, read back, and compared with the base they are for.

A layer's output W x becomes W x + scale * alpha / rank * B (A x). Keys and tensor names: llama.cpp's
`src/llama-adapter.cpp` (`adapter.type`, `adapter.lora.alpha`, `<weight>.lora_a`, `<weight>.lora_b`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from sleepy_agent.errors import ModelError
from sleepy_agent.serving.files.gguf_files import Floats, finish, floats_of, llama_name, reader_of
from sleepy_agent.serving.files.gguf_header import GgufHeader, validate_adapter

PEFT_PREFIX = "base_model.model."
RETRAIN = "Use the model it was made for, or train it again (the next night does)."


@dataclass(frozen=True, slots=True)
class LoraFactors:
    """The two factors of one matrix's change: `a` is (rank, in), `b` is (out, rank)."""

    a: NDArray[Any]
    b: NDArray[Any]

    @property
    def rank(self) -> int:
        return int(self.a.shape[0])


@dataclass(frozen=True, slots=True)
class LoraAdapter:
    """An adapter in memory: `factors` by llama.cpp's name of the weight they change (`blk.0.attn_q.weight`)."""

    architecture: str
    alpha: float
    factors: Mapping[str, LoraFactors]

    def change_of(self, weight: str, scale: float = 1.0) -> Floats | None:
        """What is added to a weight, (out, in); None where the adapter leaves it alone."""
        factors = self.factors.get(weight)
        if factors is None:
            return None
        # llama.cpp reads alpha 0 as "not scaled".
        strength = scale * self.alpha / factors.rank if self.alpha else scale
        change: Floats = np.float32(strength) * (factors.b.astype(np.float32) @ factors.a.astype(np.float32))
        return change


def write_adapter(
    file: Path,
    factors: Mapping[str, LoraFactors],
    *,
    alpha: float,
    name: str,
    layers: int,
    number: type[np.floating[Any]] = np.float32,
) -> Path:
    """Write an adapter for a Qwen2 base of `layers` layers.

    `factors`: by the modules' names in transformers (`model.layers.0.self_attn.q_proj`), peft's prefix or not.
    Raises ModelError for factors that do not go together or belong to no Qwen2 weight, CannotWrite for a full disk.
    """
    writer = gguf.GGUFWriter(file, gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.QWEN2])
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_name(name)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    for module, pair in factors.items():
        if pair.a.ndim != 2 or pair.b.ndim != 2 or pair.a.shape[0] != pair.b.shape[1]:
            raise ModelError(
                f"The factors of {module} have the shapes {pair.a.shape} and {pair.b.shape}, which do not go together.",
                "Export the adapter again: A is (rank, in) and B is (out, rank).",
            )
        weight = llama_name(f"{module.removeprefix(PEFT_PREFIX)}.weight", layers)
        writer.add_tensor(f"{weight}.lora_a", np.ascontiguousarray(pair.a, number))
        writer.add_tensor(f"{weight}.lora_b", np.ascontiguousarray(pair.b, number))
    return finish(writer, file)


def read_adapter(file: Path) -> LoraAdapter:
    """All of an adapter. Raises ModelError for a file that is none, or has half of a matrix's factors."""
    header = validate_adapter(file)
    if header.values.get("adapter.type") != "lora":
        raise ModelError(f"{file.name} is no LoRA adapter but {header.values.get('adapter.type')!r}.", RETRAIN)
    alpha = header.values.get("adapter.lora.alpha")
    if not isinstance(alpha, int | float):
        raise ModelError(f"{file.name} does not say its alpha.", RETRAIN)
    found = {tensor.name: floats_of(tensor) for tensor in reader_of(file).tensors}
    factors = {}
    for name in found:
        weight, _, part = name.rpartition(".")
        if part not in {"lora_a", "lora_b"} or not {f"{weight}.lora_a", f"{weight}.lora_b"} <= found.keys():
            raise ModelError(f"{file.name} has a tensor {name} that is not one of a pair of factors.", RETRAIN)
        factors[weight] = LoraFactors(found[f"{weight}.lora_a"], found[f"{weight}.lora_b"])
    return LoraAdapter(header.architecture, float(alpha), factors)


def why_it_does_not_fit(adapter: GgufHeader, base: GgufHeader) -> str | None:
    """Why an adapter was made for another base, in one clause; None where every matrix of it fits."""
    if adapter.architecture != base.architecture:
        return f"it is for the architecture {adapter.architecture} and the model is {base.architecture}"
    shapes = {tensor.name: tensor.shape for tensor in base.tensors}
    sizes = {tensor.name: tensor.shape for tensor in adapter.tensors}
    for name, size in sizes.items():
        weight, _, part = name.rpartition(".")
        shape = shapes.get(weight)
        if shape is None:
            return f"it changes {weight[:80]}, which the model does not have"
        # In ggml's order: A is (in, rank), B is (rank, out), the weight (in, out).
        if len(size) != 2 or len(shape) != 2 or (size[0] != shape[0] if part == "lora_a" else size[1] != shape[1]):
            return f"its {name[:80]} has the shape {size} and the weight {shape}"
    return None
