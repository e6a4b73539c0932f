"""LoRA for the trainer's network: how the stand-in's adapters are trained, and what llama.cpp's are compared with."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict

import torch
from torch import Tensor, nn

from sleepy_agent.serving.files.gguf_files import BaseShape
from trainer.pretrain.network import Qwen2
from trainer.pretrain.recipe import Shape

__all__ = ["adapt", "adapted_layers", "adapted_qwen2", "set_factors"]


class Adapted(nn.Linear):
    """A linear layer that may have a LoRA change: W x + strength * B (A x)."""

    lora_a: nn.Parameter | None
    lora_b: nn.Parameter | None

    def __init__(self, plain: nn.Linear) -> None:
        """The weights are those of `plain`, the same ones."""
        super().__init__(plain.in_features, plain.out_features, plain.bias is not None, device="meta")
        self.weight, self.bias = plain.weight, plain.bias
        self.register_parameter("lora_a", None)
        self.register_parameter("lora_b", None)
        self.strength = 0.0

    def adapt(self, rank: int, alpha: float) -> None:
        self.lora_a = nn.Parameter(torch.randn(rank, self.in_features) / math.sqrt(self.in_features))
        self.lora_b = nn.Parameter(torch.zeros(self.out_features, rank))
        self.strength = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        if self.lora_a is None or self.lora_b is None:
            return y
        return y + self.strength * (x @ self.lora_a.T @ self.lora_b.T)


def adapted_qwen2(shape: BaseShape, vocabulary_size: int) -> Qwen2:
    """The trainer's network, each of its linear layers ready for a LoRA; the names of its weights stay."""
    network = Qwen2(Shape(**asdict(shape)), vocabulary_size)
    for module in list(network.modules()):
        for name, layer in list(module.named_children()):
            if isinstance(layer, nn.Linear):
                setattr(module, name, Adapted(layer))
    return network


def adapted_layers(network: Qwen2) -> Iterator[tuple[str, Adapted]]:
    """The layers a LoRA changes, by their names."""
    for name, module in network.named_modules():
        if isinstance(module, Adapted):
            yield name, module


def adapt(network: Qwen2, rank: int, alpha: float) -> list[nn.Parameter]:
    """Give a network a new LoRA, its other weights left as they are. Returns what is to be trained."""
    network.requires_grad_(False)
    found: list[nn.Parameter] = []
    for _, layer in adapted_layers(network):
        layer.adapt(rank, alpha)
        found += [one for one in (layer.lora_a, layer.lora_b) if one is not None]
    return found


def set_factors(network: Qwen2, factors: Mapping[str, tuple[Tensor, Tensor]] | None, strength: float = 0.0) -> None:
    """Use these factors, or none."""
    for name, layer in adapted_layers(network):
        pair = factors[name] if factors else (None, None)
        layer.lora_a, layer.lora_b = (None if one is None else nn.Parameter(one) for one in pair)
        layer.strength = strength
