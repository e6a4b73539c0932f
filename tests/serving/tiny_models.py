"""Very small Qwen2 models with random weights, written in a moment: llama.cpp runs them as it runs real ones.

What they say means nothing, but it is always the same, depends on every token before, and differs with an adapter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

MERGED_WORDS = ("let", "mut", "fn", "self", "return", "String", "value", "    ", "->", "error", "expected", "usize")
CONTROL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True, slots=True)
class TinyShape:
    """The shape of a model: heads share keys and values in groups (GQA), biases and tied embeddings as in Qwen2."""

    embedding: int = 64
    layers: int = 2
    heads: int = 4
    shared_heads: int = 2
    feed_forward: int = 96
    context: int = 8192

    @property
    def head(self) -> int:
        return self.embedding // self.heads


def byte_letters() -> list[str]:
    """How a byte-level BPE vocabulary (GPT-2's) writes each of the 256 bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        if byte not in letters:
            letters[byte] = chr(256 + len(letters) - len(printable))
    return [letters[byte] for byte in range(256)]


def tiny_vocabulary() -> tuple[list[str], list[str], list[int]]:
    """Tokens, merges and token types: all bytes, some words with the merges that make them, the control tokens."""
    letters = byte_letters()
    tokens, merges = list(letters), []
    for word in MERGED_WORDS:
        for spelling in (word, " " + word):
            symbols = [letters[byte] for byte in spelling.encode()]
            while len(symbols) > 1:
                left, right = symbols[0], symbols[1]
                if left + right not in tokens:
                    tokens.append(left + right)
                    merges.append(f"{left} {right}")
                symbols[:2] = [left + right]
    types = [gguf.TokenType.NORMAL] * len(tokens) + [gguf.TokenType.CONTROL] * len(CONTROL_TOKENS)
    return [*tokens, *CONTROL_TOKENS], merges, [int(kind) for kind in types]


def write_tiny_model(
    file: Path, *, seed: int = 0, shape: TinyShape | None = None, chat_template: str | None = CHAT_TEMPLATE
) -> Path:
    """Write a base with random weights in f32."""
    shape = shape or TinyShape()
    random = np.random.default_rng(seed)
    tokens, merges, types = tiny_vocabulary()
    writer = gguf.GGUFWriter(file, "qwen2")
    writer.add_name(f"tiny-{seed}")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.embedding)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.shared_heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_pad_token_id(tokens.index("<|endoftext|>"))
    writer.add_add_bos_token(False)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    for name, values in tiny_weights(random, shape, len(tokens)).items():
        writer.add_tensor(name, values)
    _finish(writer)
    return file


def tiny_weights(random: np.random.Generator, shape: TinyShape, vocabulary: int) -> dict[str, NDArray[np.float32]]:
    """Tensors by llama.cpp's names, each (out, in)."""

    def matrix(rows: int, columns: int, scale: float = 1.5) -> NDArray[np.float32]:
        values: NDArray[np.float32] = (random.standard_normal((rows, columns)) * scale).astype(np.float32)
        return values / np.float32(np.sqrt(columns))

    def vector(length: int, scale: float) -> NDArray[np.float32]:
        return (random.standard_normal(length) * scale).astype(np.float32)

    ones = np.ones(shape.embedding, np.float32)
    shared = shape.head * shape.shared_heads
    weights = {"token_embd.weight": matrix(vocabulary, shape.embedding, 6.0), "output_norm.weight": ones}
    for layer in range(shape.layers):
        weights |= {
            f"blk.{layer}.{name}": values
            for name, values in {
                "attn_norm.weight": ones,
                "attn_q.weight": matrix(shape.embedding, shape.embedding),
                "attn_q.bias": vector(shape.embedding, 0.3),
                "attn_k.weight": matrix(shared, shape.embedding),
                "attn_k.bias": vector(shared, 0.3),
                "attn_v.weight": matrix(shared, shape.embedding),
                "attn_v.bias": vector(shared, 0.3),
                "attn_output.weight": matrix(shape.embedding, shape.embedding),
                "ffn_norm.weight": ones,
                "ffn_gate.weight": matrix(shape.feed_forward, shape.embedding),
                "ffn_up.weight": matrix(shape.feed_forward, shape.embedding),
                "ffn_down.weight": matrix(shape.embedding, shape.feed_forward),
            }.items()
        }
    return weights


def write_tiny_adapter(
    file: Path, *, seed: int = 1, rank: int = 4, alpha: float = 8.0, shape: TinyShape | None = None
) -> Path:
    """Write a LoRA adapter with random weights for the queries and the feed-forward of every layer."""
    shape = shape or TinyShape()
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(file, "qwen2")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    sizes = {"attn_q": (shape.embedding, shape.embedding), "ffn_down": (shape.embedding, shape.feed_forward)}
    for layer in range(shape.layers):
        for name, (rows, columns) in sizes.items():
            for part, size in (("lora_a", (rank, columns)), ("lora_b", (rows, rank))):
                values = (random.standard_normal(size) * 0.3).astype(np.float32)
                writer.add_tensor(f"blk.{layer}.{name}.weight.{part}", values)
    _finish(writer)
    return file


def corrupted(file: Path, target: Path, changes: Sequence[tuple[int, bytes]] = (), length: int | None = None) -> Path:
    """A copy of `file`, cut to `length` bytes, with bytes replaced at some offsets."""
    data = bytearray(file.read_bytes()[:length])
    for offset, replacement in changes:
        data[offset : offset + len(replacement)] = replacement
    target.write_bytes(data)
    return target


def _finish(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
