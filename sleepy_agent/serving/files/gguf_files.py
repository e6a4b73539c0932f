"""GGUF models in Python: what a file is, its weights as arrays, and writing a base from arrays.

Whether a file can be trusted is `gguf_header`'s question, which is asked first. The weights are read and written by
the gguf package; what a Qwen2 file must have is written down in llama.cpp's `src/llama-arch.cpp` and `conversion/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from sleepy_agent.errors import ModelError, cannot_write
from sleepy_agent.serving.files.gguf_header import GgufHeader, read_header
from sleepy_agent.serving.manifest import sha256_of

Floats = NDArray[np.float32]

FILE_TYPES = {gguf.LlamaFileType.ALL_F32: np.float32, gguf.LlamaFileType.MOSTLY_F16: np.float16}
"""What a base can be written in."""


@dataclass(frozen=True, slots=True)
class GgufDescription:
    """What there is to say of a model or an adapter. What the file does not say is None.

    `quantisation`: llama.cpp's name of the mixture (`Q4_K_M`). `layers` and the following are a model's, `rank` (the
    highest of its matrices) and `alpha` an adapter's. `parameters`: how many numbers its tensors have.
    """

    is_adapter: bool
    architecture: str
    name: str | None
    quantisation: str | None
    tensor_count: int
    parameters: int
    file_bytes: int
    sha256: str
    context_length: int | None = None
    layers: int | None = None
    embedding_length: int | None = None
    feed_forward_length: int | None = None
    heads: int | None = None
    shared_heads: int | None = None
    vocabulary_size: int | None = None
    chat_template: str | None = None
    rank: int | None = None
    alpha: float | None = None


@dataclass(frozen=True, slots=True)
class BaseShape:
    """The shape of a Qwen2 base. `shared_heads`: how many heads of keys and values all `heads` share (GQA)."""

    embedding: int
    layers: int
    heads: int
    shared_heads: int
    feed_forward: int
    context: int
    rope_base: float = 1_000_000.0
    norm_epsilon: float = 1e-6


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A byte-level BPE vocabulary (GPT-2's letters for bytes), split beforehand as Qwen2's.

    `tokens` in the order of their numbers; `merges` as pairs with a space between, the first one first; `control`:
    those of `tokens` that are no text. `end` ends an answer. `whole`: those of `tokens` that are found before a text
    is split, the longest first, and are written as they are (a space is a space).
    """

    tokens: tuple[str, ...]
    merges: tuple[str, ...]
    control: frozenset[str]
    end: str
    padding: str
    whole: frozenset[str] = frozenset()


def describe(file: Path) -> GgufDescription:
    """Everything worth telling of a GGUF file. Reads all of it for the checksum: a second a gigabyte.

    Raises ModelError for a file that is missing, damaged, or not what it says.
    """
    header = read_header(file)
    quantisation = _quantisation(header)
    of_architecture = {
        field: _number(header, f"{header.architecture}.{key}")
        for field, key in {
            "context_length": "context_length",
            "layers": "block_count",
            "embedding_length": "embedding_length",
            "feed_forward_length": "feed_forward_length",
            "heads": "attention.head_count",
            "shared_heads": "attention.head_count_kv",
        }.items()
    }
    ranks = [tensor.shape[-1] for tensor in header.tensors if tensor.name.endswith(".lora_a")]
    alpha = header.values.get("adapter.lora.alpha")
    return GgufDescription(
        is_adapter=header.is_adapter,
        architecture=header.architecture,
        name=_text(header, "general.name"),
        quantisation=quantisation,
        tensor_count=len(header.tensors),
        parameters=sum(int(np.prod(tensor.shape, dtype=object)) for tensor in header.tensors),
        file_bytes=file.stat().st_size,
        sha256=sha256_of(file),
        **of_architecture,
        vocabulary_size=header.array_lengths.get("tokenizer.ggml.tokens"),
        chat_template=_text(header, "tokenizer.chat_template"),
        rank=max(ranks, default=None),
        alpha=float(alpha) if isinstance(alpha, int | float) else None,
    )


def reader_of(file: Path) -> Any:
    """The gguf package's reader of a file whose header is sound: its fields, and its tensors mapped into memory."""
    read_header(file)
    try:
        return gguf.GGUFReader(file)
    except (ValueError, KeyError, IndexError) as error:
        raise ModelError(f"{file.name} cannot be read: {error}.", "Fetch or make the file again.") from error


def read_weights(file: Path) -> Iterator[tuple[str, Floats]]:
    """Each tensor's name and its values, (out, in), whatever they are stored in; one at a time in memory."""
    for tensor in reader_of(file).tensors:
        yield tensor.name, floats_of(tensor)


def floats_of(tensor: Any) -> Floats:
    """The values of one of the reader's tensors. Raises ModelError for a quantisation that only llama.cpp can read."""
    try:
        values: Floats = gguf.dequantize(tensor.data, tensor.tensor_type)
    except NotImplementedError as error:
        raise ModelError(
            f"The weight {tensor.name} is stored as {tensor.tensor_type.name}, which cannot be read here.",
            "Use a more usual quantisation of the same model (Q4_K_M, Q8_0, F16).",
        ) from error
    return values


def write_base(
    file: Path,
    shape: BaseShape,
    vocabulary: Vocabulary,
    weights: Mapping[str, NDArray[Any]],
    *,
    name: str,
    file_type: gguf.LlamaFileType = gguf.LlamaFileType.MOSTLY_F16,
    chat_template: str | None = None,
) -> Path:
    """Write a Qwen2 base. `weights`: by their names in transformers' Qwen2ForCausalLM, matrices as (out, in).

    Without `lm_head.weight` the embeddings are tied. Vectors (norms, biases) stay in f32, as llama.cpp wants them.
    Raises ModelError for weights that are missing, unknown or of another shape, CannotWrite where the disk is full.
    """
    tensors = {llama_name(key, shape.layers): values for key, values in weights.items()}
    _check_shapes(tensors, shape, len(vocabulary.tokens))
    number = FILE_TYPES[file_type]
    writer = gguf.GGUFWriter(file, gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.QWEN2])
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(name)
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.embedding)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.shared_heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_file_type(file_type)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_vocabulary(writer, vocabulary)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    for tensor, values in tensors.items():
        writer.add_tensor(tensor, np.ascontiguousarray(values, np.float32 if values.ndim == 1 else number))
    return finish(writer, file)


def finish(writer: Any, file: Path) -> Path:
    """Write out what a writer has been told. Raises CannotWrite."""
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    except OSError as error:
        file.unlink(missing_ok=True)
        raise cannot_write(file, error) from error
    finally:
        writer.close()
    return file


def llama_name(key: str, layers: int) -> str:
    """llama.cpp's name of one of Qwen2ForCausalLM's weights (`model.layers.0.self_attn.q_proj.weight`).

    Raises ModelError for a weight that a Qwen2 base does not have.
    """
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, layers)
    found: str | None = names.get_name(key, try_suffixes=(".weight", ".bias"))
    if found is None:
        raise ModelError(f"A Qwen2 model has no weight {key}.", "Export the model again with the names of Qwen2.")
    return found


def expected_shapes(shape: BaseShape, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """The tensors of a Qwen2 base by llama.cpp's names, and their shapes, (out, in). `output.weight` may be missing."""
    width, shared = shape.embedding, shape.embedding // shape.heads * shape.shared_heads
    of_layer = {
        "attn_norm.weight": (width,),
        "attn_q.weight": (width, width),
        "attn_q.bias": (width,),
        "attn_k.weight": (shared, width),
        "attn_k.bias": (shared,),
        "attn_v.weight": (shared, width),
        "attn_v.bias": (shared,),
        "attn_output.weight": (width, width),
        "ffn_norm.weight": (width,),
        "ffn_gate.weight": (shape.feed_forward, width),
        "ffn_up.weight": (shape.feed_forward, width),
        "ffn_down.weight": (width, shape.feed_forward),
    }
    return {
        "token_embd.weight": (vocabulary_size, width),
        "output_norm.weight": (width,),
        "output.weight": (vocabulary_size, width),
        **{f"blk.{layer}.{key}": size for layer in range(shape.layers) for key, size in of_layer.items()},
    }


def _check_shapes(tensors: Mapping[str, NDArray[Any]], shape: BaseShape, vocabulary_size: int) -> None:
    expected = expected_shapes(shape, vocabulary_size)
    remedy = "Export the model again with the shape it was trained with."
    missing = expected.keys() - tensors.keys() - {"output.weight"}
    if missing:
        raise ModelError(f"The model has no {min(missing)}.", remedy)
    for name, values in tensors.items():
        if values.shape != expected.get(name):
            raise ModelError(f"{name} has the shape {values.shape} and not {expected.get(name)}.", remedy)


def _add_vocabulary(writer: Any, vocabulary: Vocabulary) -> None:
    special = dict.fromkeys(vocabulary.whole, gguf.TokenType.USER_DEFINED)
    special |= dict.fromkeys(vocabulary.control, gguf.TokenType.CONTROL)
    kinds = [special.get(token, gguf.TokenType.NORMAL) for token in vocabulary.tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types(kinds)
    writer.add_token_merges(list(vocabulary.merges))
    writer.add_eos_token_id(vocabulary.tokens.index(vocabulary.end))
    writer.add_pad_token_id(vocabulary.tokens.index(vocabulary.padding))
    writer.add_add_bos_token(False)


def _quantisation(header: GgufHeader) -> str | None:
    """The mixture that the file names; in files that do not, the type that most of their weights have."""
    number = _number(header, "general.file_type")
    if number is not None:
        try:
            return re.sub(r"^(ALL|MOSTLY)_", "", gguf.LlamaFileType(number).name)
        except ValueError:
            return None
    sizes: dict[int, int] = {}
    for tensor in header.tensors:
        sizes[tensor.type_number] = sizes.get(tensor.type_number, 0) + tensor.size_bytes
    return gguf.GGMLQuantizationType(max(sizes, key=sizes.__getitem__)).name if sizes else None


def _number(header: GgufHeader, key: str) -> int | None:
    value = header.values.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(header: GgufHeader, key: str) -> str | None:
    value = header.values.get(key)
    return value if isinstance(value, str) else None
