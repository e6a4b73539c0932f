"""Qwen2 in plain torch, as small as one likes, with LoRA: what llama.cpp's answers are compared with, and how the
stand-in is trained. Names of weights as in transformers' Qwen2ForCausalLM (`modeling_qwen2.py`)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from sleepy_agent.serving.files.gguf_files import BaseShape

ADAPTED = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Norm(nn.Module):
    """RMSNorm."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon)


class Adapted(nn.Linear):
    """A linear layer that may have a LoRA change: W x + strength * B (A x)."""

    lora_a: nn.Parameter | None
    lora_b: nn.Parameter | None

    def __init__(self, width: int, height: int, bias: bool = True) -> None:
        super().__init__(width, height, bias)
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


class Attention(nn.Module):
    """Attention with rotary positions; groups of heads share their keys and values."""

    def __init__(self, shape: BaseShape) -> None:
        super().__init__()
        self.heads, self.shared, self.head = shape.heads, shape.shared_heads, shape.embedding // shape.heads
        shared = self.head * self.shared
        self.q_proj = Adapted(shape.embedding, shape.embedding)
        self.k_proj = Adapted(shape.embedding, shared)
        self.v_proj = Adapted(shape.embedding, shared)
        self.o_proj = Adapted(shape.embedding, shape.embedding, bias=False)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        batch, length, width = x.shape

        def by_head(values: Tensor, heads: int) -> Tensor:
            return values.view(batch, length, heads, self.head).transpose(1, 2)

        q = turned(by_head(self.q_proj(x), self.heads), turn)
        k = turned(by_head(self.k_proj(x), self.shared), turn)
        v = by_head(self.v_proj(x), self.shared)
        k, v = (values.repeat_interleave(self.heads // self.shared, 1) for values in (k, v))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        found: Tensor = self.o_proj(mixed.transpose(1, 2).reshape(batch, length, width))
        return found


class FeedForward(nn.Module):
    def __init__(self, shape: BaseShape) -> None:
        super().__init__()
        self.gate_proj = Adapted(shape.embedding, shape.feed_forward, bias=False)
        self.up_proj = Adapted(shape.embedding, shape.feed_forward, bias=False)
        self.down_proj = Adapted(shape.feed_forward, shape.embedding, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return found


class Layer(nn.Module):
    def __init__(self, shape: BaseShape) -> None:
        super().__init__()
        self.input_layernorm = Norm(shape.embedding, shape.norm_epsilon)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = Norm(shape.embedding, shape.norm_epsilon)
        self.mlp = FeedForward(shape)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), turn)
        found: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return found


class Trunk(nn.Module):
    def __init__(self, shape: BaseShape, vocabulary_size: int) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(vocabulary_size, shape.embedding)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.embedding, shape.norm_epsilon)


class Qwen2(nn.Module):
    """The whole model, its embeddings tied."""

    def __init__(self, shape: BaseShape, vocabulary_size: int) -> None:
        super().__init__()
        self.shape = shape
        self.model = Trunk(shape, vocabulary_size)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                deep = math.sqrt(2 * shape.layers) if name.endswith(("o_proj.weight", "down_proj.weight")) else 1.0
                nn.init.normal_(parameter, std=1 / math.sqrt(parameter.shape[1]) / deep)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of each place, (batch, length, vocabulary), of (batch, length) tokens."""
        x = self.model.embed_tokens(tokens)
        turn = turns(tokens.shape[1], self.shape.embedding // self.shape.heads, self.shape.rope_base)
        for layer in self.model.layers:
            x = layer(x, turn)
        found: Tensor = self.model.norm(x) @ self.model.embed_tokens.weight.T
        return found


def turns(length: int, head: int, base: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary positions, (length, head)."""
    frequencies = base ** (-torch.arange(0, head, 2, dtype=torch.float64) / head)
    angles = torch.outer(torch.arange(length, dtype=torch.float64), frequencies).repeat(1, 2)
    return angles.cos().float(), angles.sin().float()


def turned(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    first, second = x.chunk(2, -1)
    return x * turn[0] + torch.cat((-second, first), -1) * turn[1]


def adapted_layers(model: Qwen2) -> Iterator[tuple[str, Adapted]]:
    """The layers a LoRA changes, by their names."""
    for name, module in model.named_modules():
        if isinstance(module, Adapted) and name.rpartition(".")[2] in ADAPTED:
            yield name, module


def adapt(model: Qwen2, rank: int, alpha: float) -> list[nn.Parameter]:
    """Give a model a new LoRA, its other weights left as they are. Returns what is to be trained."""
    model.requires_grad_(False)
    found: list[nn.Parameter] = []
    for _, layer in adapted_layers(model):
        layer.adapt(rank, alpha)
        found += [one for one in (layer.lora_a, layer.lora_b) if one is not None]
    return found


def set_factors(model: Qwen2, factors: Mapping[str, tuple[Tensor, Tensor]] | None, strength: float = 0.0) -> None:
    """Use these factors, or none."""
    for name, layer in adapted_layers(model):
        pair = factors[name] if factors else (None, None)
        layer.lora_a, layer.lora_b = (None if one is None else nn.Parameter(one) for one in pair)
        layer.strength = strength
