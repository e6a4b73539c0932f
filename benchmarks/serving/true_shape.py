"""A model of the true shape of Qwen2.5-Coder 1.5B in Q4_K_M, without its weights: the real vocabulary, random blocks.

Which tensor has which quantisation is what llama.cpp's own quantiser chooses for Q4_K_M
(`src/llama-quant.cpp`, `use_more_bits`). Speed depends on shapes and formats only; what it writes is noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Format
from numpy.typing import NDArray

from benchmarks.serving.llama_sources import llama_source, serving_cache
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.files.lora_files import LoraFactors, write_adapter

RECIPE = 2
"""Changed with what is written, so that older files in the cache are not used."""
EMBEDDING, FEED_FORWARD, HEADS, KEY_HEADS, LAYERS = 1536, 8960, 12, 2, 28
KEY_WIDTH = EMBEDDING // HEADS * KEY_HEADS
VOCABULARY = 151_936
CONTEXT_TOKENS = 32_768
END_OF_TURN = 151_645
UNUSED_TOKEN = 5
"""`LLAMA_TOKEN_TYPE_UNUSED` (llama.h)."""
BLOCK_WEIGHTS = 256
SCALES = {
    # Bytes of a block (ggml-common.h), and where its 16-bit scales stand with what they are: small, so that the sums
    # stay numbers.
    Format.Q4_K: (144, {0: 0.0004, 2: 0.003}),
    Format.Q6_K: (210, {208: 0.00003}),
}
NOISE_BYTES = 1 << 20
ADAPTER_RANK = 8
ATTENTION = {
    "self_attn.q_proj": (EMBEDDING, EMBEDDING),
    "self_attn.k_proj": (EMBEDDING, KEY_WIDTH),
    "self_attn.v_proj": (EMBEDDING, KEY_WIDTH),
    "self_attn.o_proj": (EMBEDDING, EMBEDDING),
}
"""Matrices that an adapter may change, by transformers' names: inputs and outputs."""
FEED_FORWARD_MATRICES = {
    "mlp.gate_proj": (EMBEDDING, FEED_FORWARD),
    "mlp.up_proj": (EMBEDDING, FEED_FORWARD),
    "mlp.down_proj": (FEED_FORWARD, EMBEDDING),
}


class Reach(StrEnum):
    """Which matrices of each layer an adapter changes."""

    ATTENTION = "attention"
    EVERYTHING = "everything"


def true_shape(cancel: CancelToken) -> Path:
    """The model's file, written on the first call."""
    file = serving_cache() / f"true-shape-1.5b-q4_k_m-{RECIPE}.gguf"
    if not file.exists():
        print("The model of the true shape is written, once.", flush=True)
        vocabulary = llama_source(cancel) / "models" / "ggml-vocab-qwen2.gguf"
        unfinished = file.with_suffix(".unfinished")
        write_model(unfinished, vocabulary)
        unfinished.rename(file)
    return file


def adapters(count: int, reach: Reach) -> list[Path]:
    """Files of `count` different adapters of rank 8."""
    folder = serving_cache() / f"adapters-{reach}-{RECIPE}"
    folder.mkdir(exist_ok=True)
    files = [folder / f"adapter-{number:03}.gguf" for number in range(count)]
    for number, file in enumerate(files):
        if not file.exists():
            unfinished = file.with_suffix(".unfinished")
            generator = np.random.default_rng(number)
            write_adapter(
                unfinished,
                factors_of(generator, reach),
                alpha=ADAPTER_RANK,
                name=file.stem,
                layers=LAYERS,
                number=np.float16,
            )
            unfinished.rename(file)
    return files


def factors_of(generator: np.random.Generator, reach: Reach) -> dict[str, LoraFactors]:
    """Small random factors for every adapted matrix of every layer."""
    matrices = ATTENTION if reach is Reach.ATTENTION else {**ATTENTION, **FEED_FORWARD_MATRICES}
    return {
        f"model.layers.{layer}.{name}": LoraFactors(
            generator.standard_normal((ADAPTER_RANK, inputs)) * 0.01,
            generator.standard_normal((outputs, ADAPTER_RANK)) * 0.01,
        )
        for layer in range(LAYERS)
        for name, (inputs, outputs) in matrices.items()
    }


def write_model(file: Path, vocabulary: Path, layers: int = LAYERS) -> None:
    """Write the model; `vocabulary` is llama.cpp's vocabulary-only file of Qwen2."""
    writer = gguf.GGUFWriter(file, "qwen2")
    writer.add_name("true shape 1.5B")
    writer.add_context_length(CONTEXT_TOKENS)
    writer.add_embedding_length(EMBEDDING)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)
    add_vocabulary(writer, vocabulary)
    noise = np.random.default_rng(0).bytes(NOISE_BYTES)
    for name, (rows, columns), kind in shapes(layers):
        if kind is None:
            writer.add_tensor(name, np.full(rows, 1.0 if name.endswith("norm.weight") else 0.0, np.float32))
        else:
            writer.add_tensor(name, random_blocks(noise, kind, rows, columns), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_vocabulary(writer: gguf.GGUFWriter, vocabulary: Path) -> None:
    """Copy the tokens and merges, filled up with unused tokens to the size of the real matrix."""
    fields: Any = gguf.GGUFReader(vocabulary).fields
    tokens = list(fields["tokenizer.ggml.tokens"].contents())
    types = list(fields["tokenizer.ggml.token_type"].contents())
    missing = range(len(tokens), VOCABULARY)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([*tokens, *(f"[PAD{number}]" for number in missing)])
    writer.add_token_types([*types, *(UNUSED_TOKEN for _ in missing)])
    writer.add_token_merges(fields["tokenizer.ggml.merges"].contents())
    writer.add_eos_token_id(END_OF_TURN)
    writer.add_add_bos_token(False)


def shapes(layers: int) -> Iterator[tuple[str, tuple[int, int], Format | None]]:
    """Every tensor: its name, rows and columns, and its format; None for one row of plain numbers."""
    yield "token_embd.weight", (VOCABULARY, EMBEDDING), Format.Q6_K
    yield "output_norm.weight", (EMBEDDING, 1), None
    for layer in range(layers):
        block = f"blk.{layer}"
        more_bits = layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2
        precise = Format.Q6_K if more_bits else Format.Q4_K
        yield f"{block}.attn_norm.weight", (EMBEDDING, 1), None
        yield f"{block}.ffn_norm.weight", (EMBEDDING, 1), None
        for name, rows, kind in (
            ("attn_q", EMBEDDING, Format.Q4_K),
            ("attn_k", KEY_WIDTH, Format.Q4_K),
            ("attn_v", KEY_WIDTH, precise),
        ):
            yield f"{block}.{name}.weight", (rows, EMBEDDING), kind
            yield f"{block}.{name}.bias", (rows, 1), None
        yield f"{block}.attn_output.weight", (EMBEDDING, EMBEDDING), Format.Q4_K
        yield f"{block}.ffn_gate.weight", (FEED_FORWARD, EMBEDDING), Format.Q4_K
        yield f"{block}.ffn_up.weight", (FEED_FORWARD, EMBEDDING), Format.Q4_K
        yield f"{block}.ffn_down.weight", (EMBEDDING, FEED_FORWARD), precise


def random_blocks(noise: bytes, kind: Format, rows: int, columns: int) -> NDArray[np.uint8]:
    """A quantised matrix as bytes, (rows, bytes of a row): noise with scales that keep its numbers small."""
    block_bytes, scales = SCALES[kind]
    blocks = rows * columns // BLOCK_WEIGHTS
    flat = np.resize(np.frombuffer(noise, np.uint8), blocks * block_bytes)
    matrix = flat.reshape(blocks, block_bytes)
    for place, value in scales.items():
        matrix[:, place : place + 2] = np.frombuffer(np.float16(value).tobytes(), np.uint8)
    return matrix.reshape(rows, columns // BLOCK_WEIGHTS * block_bytes)
