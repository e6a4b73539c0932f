"""Qwen2 in plain torch. Names of weights as in transformers' Qwen2ForCausalLM (`modeling_qwen2.py`)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.pretrain.recipe import Shape

__all__ = ["Qwen2", "count_parameters"]


class Norm(nn.Module):
    """RMSNorm, in 32 bits whatever the rest is computed in."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x.float(), self.weight.shape, self.weight, self.epsilon)


class Attention(nn.Module):
    """Attention with rotary positions; groups of heads share their keys and values."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads, self.shared, self.head = shape.heads, shape.shared_heads, shape.embedding // shape.heads
        shared = self.head * self.shared
        self.q_proj = nn.Linear(shape.embedding, shape.embedding)
        self.k_proj = nn.Linear(shape.embedding, shared)
        self.v_proj = nn.Linear(shape.embedding, shared)
        self.o_proj = nn.Linear(shape.embedding, shape.embedding, bias=False)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        batch, length, width = x.shape

        def by_head(values: Tensor, heads: int) -> Tensor:
            return values.view(batch, length, heads, self.head).transpose(1, 2)

        q = turned(by_head(self.q_proj(x), self.heads), turn)
        k = turned(by_head(self.k_proj(x), self.shared), turn)
        v = by_head(self.v_proj(x), self.shared)
        k, v = (values.repeat_interleave(self.heads // self.shared, 1) for values in (k, v))
        mixed = attended(q, k, v)
        found: Tensor = self.o_proj(mixed.transpose(1, 2).reshape(batch, length, width))
        return found


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.embedding, shape.feed_forward, bias=False)
        self.up_proj = nn.Linear(shape.embedding, shape.feed_forward, bias=False)
        self.down_proj = nn.Linear(shape.feed_forward, shape.embedding, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return found


class Layer(nn.Module):
    """One layer; what is added up stays in 32 bits."""

    def __init__(self, shape: Shape) -> None:
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
    """Everything but the head."""

    def __init__(self, shape: Shape, vocabulary_size: int) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(vocabulary_size, shape.embedding)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.embedding, shape.norm_epsilon)


class Qwen2(nn.Module):
    """The whole network, its embeddings tied, with random weights (from torch's generator)."""

    def __init__(self, shape: Shape, vocabulary_size: int) -> None:
        super().__init__()
        self.shape = shape
        self.vocabulary_size = vocabulary_size
        self.model = Trunk(shape, vocabulary_size)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                # What ends in the sum of all layers begins smaller, the deeper the network (GPT-2).
                deep = math.sqrt(2 * shape.layers) if name.endswith(("o_proj.weight", "down_proj.weight")) else 1.0
                nn.init.normal_(parameter, std=1 / math.sqrt(parameter.shape[1]) / deep)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, tokens: Tensor, places: Tensor | None = None) -> Tensor:
        """Logits of each place, (batch, length, vocabulary), of (batch, length) tokens; where `places` is given, a mask
        of that shape, only of those that are set: (places set, vocabulary)."""
        x = self.model.embed_tokens(tokens)
        turn = turns(tokens.shape[1], self.shape.embedding // self.shape.heads, self.shape.rope_base, tokens.device)
        for layer in self.model.layers:
            x = layer(x, turn)
        x = x if places is None else x[places]
        return functional.linear(self.model.norm(x), self.model.embed_tokens.weight)


def attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention of (batch, heads, length, head) queries, keys and values.

    On a CPU in 16 bits torch's own is four times as slow, forward and backward, as the same sums written out, for the
    few hundred tokens that a lesson has.
    """
    if q.device.type != "cpu":
        return functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    batch, heads, length, head = q.shape
    mask = torch.full((length, length), float("-inf"), dtype=q.dtype).triu(1).expand(batch * heads, -1, -1)
    scores = torch.baddbmm(mask, q.flatten(0, 1), k.flatten(0, 1).transpose(1, 2), alpha=1 / math.sqrt(head))
    return torch.bmm(torch.softmax(scores, -1), v.flatten(0, 1)).view(batch, heads, length, head)


def turns(length: int, head: int, base: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary positions, (length, head)."""
    frequencies = base ** (-torch.arange(0, head, 2, dtype=torch.float64, device=device) / head)
    angles = torch.outer(torch.arange(length, dtype=torch.float64, device=device), frequencies).repeat(1, 2)
    return angles.cos().float(), angles.sin().float()


def turned(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Queries or keys turned by their positions; of the kind that they were."""
    first, second = x.chunk(2, -1)
    return (x * turn[0] + torch.cat((-second, first), -1) * turn[1]).to(x.dtype)


def count_parameters(network: nn.Module) -> int:
    """How many numbers a network has."""
    return sum(parameter.numel() for parameter in network.parameters())
