"""What a GGUF file says about itself, read without trusting it, before native code reads the same bytes.

llama.cpp ends the process for some files that are not as they should be; here each becomes one sentence.
Source: the GGUF specification (ggml, `docs/gguf.md`), versions 2 and 3, little-endian.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType

from sleepy_agent.errors import ModelError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MOST_TENSORS = 1 << 16
MOST_KEYS = 1 << 16
LONGEST_KEY = 1 << 16
MOST_DIMENSIONS = 4
LARGEST_DIMENSION = 1 << 40
LARGEST_ALIGNMENT = 1 << 16
DEFAULT_ALIGNMENT = 32

SCALARS = MappingProxyType(
    {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
)
"""GGUF's value types as `struct` formats; 8 is a string, 9 an array."""
STRING, ARRAY = 8, 9
LENGTH = struct.Struct("<Q")
VOCABULARY = "tokenizer.ggml.tokens"

SENSIBLE = MappingProxyType(
    {
        "block_count": 1 << 10,
        "embedding_length": 1 << 20,
        "feed_forward_length": 1 << 24,
        "context_length": 1 << 40,
        "attention.head_count": 1 << 16,
        "attention.head_count_kv": 1 << 16,
    }
)
"""Keys of an architecture that the library divides by or sets memory aside for: at least 1, at most this."""

Value = int | float | bool | str


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor's place in the file. `shape` is in ggml's order: the fastest-changing dimension first."""

    name: str
    shape: tuple[int, ...]
    type_number: int
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """Everything but the weights. Of arrays only the lengths are kept, in `array_lengths`."""

    version: int
    values: Mapping[str, Value]
    array_lengths: Mapping[str, int]
    tensors: tuple[Tensor, ...]
    data_offset: int

    @property
    def architecture(self) -> str:
        return str(self.values.get("general.architecture", ""))

    @property
    def is_adapter(self) -> bool:
        return self.values.get("general.type") == "adapter"


def read_header(file: Path) -> GgufHeader:
    """Read and check the header of a GGUF file: counts, lengths, types, and that every tensor lies in the file.

    Raises ModelError with one sentence for a file that is missing, cut short, or not what it says.
    """
    try:
        with file.open("rb") as stream:
            if stream.read(len(MAGIC)) != MAGIC:
                raise _broken(file, "it is no GGUF file")
            with closing(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)) as data:
                return _Reader(file, data).header()
    except OSError as error:
        raise ModelError(
            f"The model file {file.name} cannot be read: {(error.strerror or str(error)).lower()}.",
            "See which models are there (`sleepy model list`), or fetch one (`sleepy model pull`).",
        ) from error


def validate_base(file: Path) -> GgufHeader:
    """The header of a base; raises ModelError for a file that is none."""
    header = read_header(file)
    if header.is_adapter:
        raise _broken(file, "it is an adapter, not a model")
    tokens = header.array_lengths.get(VOCABULARY, 0)
    if not tokens:
        raise _broken(file, "it has no vocabulary")
    for key, most in SENSIBLE.items():
        value = header.values.get(f"{header.architecture}.{key}")
        if isinstance(value, bool | float | str) or (isinstance(value, int) and not 1 <= value <= most):
            raise _broken(file, f"its {key} is {value}")
    for key in ("tokenizer.ggml.token_type", "tokenizer.ggml.scores"):
        if header.array_lengths.get(key, tokens) != tokens:
            raise _broken(file, f"its {key} and its tokens differ in number")
    return header


def validate_adapter(file: Path) -> GgufHeader:
    """The header of a LoRA adapter; raises ModelError for a file that is none."""
    header = read_header(file)
    if not header.is_adapter:
        raise _broken(file, "it is no adapter")
    if not header.tensors:
        raise _broken(file, "it has no tensors")
    return header


class _Reader:
    """Reads values one after another; whatever would reach beyond the end of the file is an error."""

    def __init__(self, file: Path, data: mmap.mmap) -> None:
        self._file = file
        self._data = data
        self._size = len(data)
        self._place = len(MAGIC)

    def header(self) -> GgufHeader:
        version = self._integer("<I")
        if version not in VERSIONS:
            raise _broken(self._file, f"its version {version} is not known")
        tensor_count, key_count = self._integer("<Q"), self._integer("<Q")
        if tensor_count > MOST_TENSORS or key_count > MOST_KEYS:
            raise _broken(self._file, f"it claims to have {tensor_count} tensors and {key_count} keys")
        values: dict[str, Value] = {}
        lengths: dict[str, int] = {}
        for _ in range(key_count):
            key = self._string(LONGEST_KEY)
            if not key or key in values or key in lengths:
                raise _broken(self._file, f"its key {key[:80]!r} is empty or there twice")
            kind = self._integer("<I")
            if kind == ARRAY:
                lengths[key] = self._skip_array(key)
            else:
                values[key] = self._string(self._size) if kind == STRING else self._scalar(kind)
        if not isinstance(values.get("general.architecture"), str):
            raise _broken(self._file, "it does not say its architecture")
        tensors = tuple(self._tensor() for _ in range(tensor_count))
        return self._checked(GgufHeader(version, values, lengths, tensors, self._data_offset(values)))

    def _checked(self, header: GgufHeader) -> GgufHeader:
        if len({tensor.name for tensor in header.tensors}) != len(header.tensors):
            raise _broken(self._file, "a tensor is there twice")
        alignment = header.values.get("general.alignment", DEFAULT_ALIGNMENT)
        assert isinstance(alignment, int)
        for tensor in header.tensors:
            end = header.data_offset + tensor.offset + tensor.size_bytes
            if tensor.offset % alignment or end > self._size:
                raise _broken(
                    self._file,
                    f"its tensor {tensor.name[:80]} ends at byte {end} and the file at {self._size}: it was cut short",
                )
        return header

    def _data_offset(self, values: Mapping[str, Value]) -> int:
        alignment = values.get("general.alignment", DEFAULT_ALIGNMENT)
        is_power = isinstance(alignment, int) and alignment > 0 and alignment & (alignment - 1) == 0
        if not is_power or not isinstance(alignment, int) or not 8 <= alignment <= LARGEST_ALIGNMENT:
            raise _broken(self._file, f"its alignment is {alignment}")
        return -(-self._place // alignment) * alignment

    def _tensor(self) -> Tensor:
        from gguf.constants import GGML_QUANT_SIZES

        name = self._string(LONGEST_KEY)
        dimensions = self._integer("<I")
        if not 1 <= dimensions <= MOST_DIMENSIONS:
            raise _broken(self._file, f"its tensor {name[:80]} has {dimensions} dimensions")
        shape = tuple(self._integer("<Q") for _ in range(dimensions))
        number = self._integer("<I")
        sizes = {int(kind): size for kind, size in GGML_QUANT_SIZES.items()}.get(number)
        if sizes is None:
            raise _broken(self._file, f"the type {number} of its tensor {name[:80]} is not known")
        block, block_bytes = sizes
        if not all(1 <= length <= LARGEST_DIMENSION for length in shape) or shape[0] % block:
            raise _broken(self._file, f"its tensor {name[:80]} has the shape {shape}")
        return Tensor(name, shape, number, self._integer("<Q"), prod(shape) // block * block_bytes)

    def _skip_array(self, key: str) -> int:
        kind, length = self._integer("<I"), self._integer("<Q")
        if kind == STRING:
            # Each string takes eight bytes at least, so an honest count is smaller than the file.
            if length > self._size // 8:
                raise _broken(self._file, f"it claims to have a list of {length} texts")
            texts = self._texts(length)
            if key == VOCABULARY and _has_twice(texts):
                raise _broken(self._file, "a token is in its vocabulary twice")
        else:
            self._take(length * struct.calcsize(self._format(kind)))
        return length

    def _texts(self, count: int) -> list[bytes]:
        """The next strings. A vocabulary has hundreds of thousands, so they are read in one plain loop."""
        data, size, place = self._data, self._size, self._place
        read_length = LENGTH.unpack_from
        found = []
        for _ in range(count):
            if place + LENGTH.size > size:
                raise self._cut_short()
            start = place + LENGTH.size
            place = start + read_length(data, place)[0]
            if place > size:
                raise self._cut_short()
            found.append(data[start:place])
        self._place = place
        return found

    def _scalar(self, kind: int) -> int | float | bool:
        value: int | float | bool = self._unpack(self._format(kind))
        return value

    def _format(self, kind: int) -> str:
        found = SCALARS.get(kind)
        if found is None:
            raise _broken(self._file, f"a value has the type {kind}, which is not known")
        return found

    def _string(self, longest: int) -> str:
        length = self._integer("<Q")
        if length > longest:
            raise _broken(self._file, f"it claims to have a text of {length} bytes")
        start = self._take(length)
        return self._data[start : start + length].decode("utf-8", "replace")

    def _integer(self, layout: str) -> int:
        return int(self._unpack(layout))

    def _unpack(self, layout: str) -> int | float | bool:
        start = self._take(struct.calcsize(layout))
        found: tuple[int | float | bool, ...] = struct.unpack_from(layout, self._data, start)
        return found[0]

    def _take(self, length: int) -> int:
        """Go on by `length` bytes. Returns where they start."""
        start = self._place
        if length > self._size - start:
            raise self._cut_short()
        self._place = start + length
        return start

    def _cut_short(self) -> ModelError:
        return _broken(self._file, "it ends in the middle of its header: it was cut short")


def _has_twice(tokens: list[bytes]) -> bool:
    """Whether a token is there twice, for which the library ends the process. It reads each up to its first zero byte
    and numbers the empty ones itself."""
    read = [token.split(b"\0", 1)[0] if b"\0" in token else token for token in tokens]
    return len(set(read)) + max(read.count(b"") - 1, 0) != len(read)


def _broken(file: Path, reason: str) -> ModelError:
    return ModelError(
        f"{file.name} cannot be used: {reason}.",
        "Fetch or make the file again (`sleepy model pull` fetches a model, the next night makes the adapters).",
    )
