"""A base and an adapter made into one model, whose weights are stored as coarsely as the base's were.

An adapter's change is small beside the steps in which a quantised weight can be stored, so rounding may take away most
of it. What is left is measured on the model's own logits, and a model that lost too much of it is not kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from sleepy_agent.errors import ModelError, cannot_write
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.files.effect import surviving_share
from sleepy_agent.serving.files.gguf_files import floats_of, reader_of
from sleepy_agent.serving.files.gguf_header import GgufHeader, validate_adapter, validate_base
from sleepy_agent.serving.files.lora_files import RETRAIN, LoraAdapter, read_adapter, why_it_does_not_fit
from sleepy_agent.serving.files.quantise import quantise
from sleepy_agent.serving.memory_need import answering_threads, check_memory

SMALLEST_SHARE = 0.95
"""At least so much of an adapter's effect has to survive."""

WHOLE_NUMBERS = {gguf.LlamaFileType.ALL_F32: np.float32, gguf.LlamaFileType.MOSTLY_F16: np.float16}
"""Mixtures that need no quantiser."""

OWN_KEYS = frozenset({gguf.Keys.General.ARCHITECTURE, gguf.Keys.General.FILE_TYPE, gguf.Keys.General.ALIGNMENT})
"""What a merged file says for itself."""

Progress = Callable[[str, float], None]
"""Told what is being done, and which share of that is."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged model was kept. `share`: of the adapter's effect on the logits, what survived."""

    file: Path
    quantisation: str
    share: float


@dataclass(frozen=True, slots=True)
class TooCoarse:
    """Nothing was kept: too little of the adapter's effect would have survived."""

    quantisation: str
    share: float

    @property
    def reason(self) -> str:
        return (
            f"Stored as {self.quantisation}, only {max(self.share, 0):.0%} of the adapter's effect would survive, and "
            f"{SMALLEST_SHARE:.0%} have to."
        )

    @property
    def remedy(self) -> str:
        return "Use base and adapter side by side, as `sleepy serve` does, or store the model finer (Q8_0, F16)."


def merge(
    base: Path,
    adapter: Path,
    target: Path,
    *,
    scale: float = 1.0,
    quantisation: str | None = None,
    threads: int = 0,
    niceness: int = 0,
    progress: Progress = lambda _text, _share: None,
    cancel: CancelToken | None = None,
) -> Merged | TooCoarse:
    """Add an adapter to a base for good and write the result to `target`, in the base's quantisation or another one.

    Weights that the adapter leaves alone are copied bit by bit. The share of its effect that survives is
    1 - |merged - wanted| / |wanted - base| over the logits of the last places of all probes, where `wanted` is base
    and adapter side by side. `target` appears only once it is complete and accepted.
    `threads` 0: as many as answer best.

    Raises ModelError for files that do not go together, an unknown quantisation, or where memory is too small;
    CannotWrite where the disk is full, Interrupted; nothing stays then.
    """
    work = _Work(threads or answering_threads(), niceness, progress, cancel or CancelToken())
    header, adapter_header = validate_base(base), validate_adapter(adapter)
    reason = why_it_does_not_fit(adapter_header, header)
    if reason is not None:
        raise ModelError(f"{adapter.name} was made for another model than {base.name}: {reason}.", RETRAIN)
    file_type = _file_type(base, header, quantisation)
    if target.resolve() in {base.resolve(), adapter.resolve()}:
        raise ModelError(f"{target.name} would replace what it is made of.", "Give the merged model another name.")
    check_memory(base.stat().st_size, f"the model {base.name}")
    lora = read_adapter(adapter)
    name = _type_name(file_type)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".merge-") as folder:
            merged = _merged_file(base, lora, scale, file_type, Path(folder), work)
            share = surviving_share(
                base,
                adapter,
                merged,
                scale,
                threads=work.threads,
                progress=partial(work.tell, "comparing the answers"),
                cancel=work.cancel,
            )
            if share < SMALLEST_SHARE:
                return TooCoarse(name, share)
            merged.replace(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    return Merged(target, name, share)


@dataclass(frozen=True, slots=True)
class _Work:
    """How the work is done, who hears of it, and who may end it."""

    threads: int
    niceness: int
    progress: Progress
    cancel: CancelToken

    def tell(self, text: str, share: float) -> None:
        """Say how far it is. Raises Interrupted where nobody wants to know any more."""
        self.cancel.raise_if_cancelled()
        self.progress(text, share)


def _merged_file(
    base: Path, lora: LoraAdapter, scale: float, file_type: gguf.LlamaFileType, folder: Path, work: _Work
) -> Path:
    """The merged model in `folder`, not yet judged."""
    add = partial(work.tell, "adding the adapter")
    if file_type in WHOLE_NUMBERS:
        return _write_like(base, folder / "merged.gguf", file_type, _added(base, lora, scale, file_type), add)
    half = gguf.LlamaFileType.MOSTLY_F16
    fine = _write_like(base, folder / "fine.gguf", half, _added(base, lora, scale, half), add)
    name = _type_name(file_type)
    store = partial(work.progress, f"quantising to {name}")
    store(0.0)
    coarse = folder / "coarse.gguf"
    quantise(
        fine,
        coarse,
        file_type,
        name,
        threads=work.threads,
        niceness=work.niceness,
        progress=store,
        cancel=work.cancel,
    )
    fine.unlink()
    if validate_base(base).values.get("general.file_type") != file_type:
        return coarse
    # In the base's own quantisation nothing but what the adapter changed needs to be rounded once more.
    join = partial(work.tell, "putting it together")
    return _write_like(base, folder / "merged.gguf", file_type, _joined(base, coarse, lora), join)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A tensor as it will stand in a file, its values made only when they are written: a model need not fit into
    memory twice. `shape` and `number` as the gguf package has them for its type (bytes, where it is quantised)."""

    name: str
    shape: tuple[int, ...]
    number: np.dtype[Any]
    kind: gguf.GGMLQuantizationType
    values: Callable[[], NDArray[Any]]


def _as_it_is(tensor: Any) -> _Stored:
    return _Stored(tensor.name, tensor.data.shape, tensor.data.dtype, tensor.tensor_type, lambda: tensor.data)


def _added(base: Path, lora: LoraAdapter, scale: float, half: gguf.LlamaFileType) -> Iterator[_Stored]:
    """The base's tensors with the adapter's change, matrices in the numbers of a mixture, vectors in f32."""
    for tensor in reader_of(base).tensors:
        number = np.dtype(WHOLE_NUMBERS[half] if len(tensor.shape) > 1 else np.float32)
        kind = gguf.GGMLQuantizationType.F16 if number == np.float16 else gguf.GGMLQuantizationType.F32
        if tensor.name not in lora.factors and tensor.tensor_type == kind:
            yield _as_it_is(tensor)
            continue
        shape = tuple(int(length) for length in reversed(tensor.shape))
        yield _Stored(tensor.name, shape, number, kind, partial(_sum, tensor, lora, scale, number))


def _sum(tensor: Any, lora: LoraAdapter, scale: float, number: np.dtype[Any]) -> NDArray[Any]:
    change = lora.change_of(tensor.name, scale)
    values = floats_of(tensor) if change is None else floats_of(tensor) + change
    return values.astype(number)


def _joined(base: Path, coarse: Path, lora: LoraAdapter) -> Iterator[_Stored]:
    """What the adapter changed from `coarse`, everything else from the base."""
    changed = {tensor.name: tensor for tensor in reader_of(coarse).tensors if tensor.name in lora.factors}
    for tensor in reader_of(base).tensors:
        yield _as_it_is(changed.get(tensor.name, tensor))


def _write_like(
    base: Path,
    file: Path,
    file_type: gguf.LlamaFileType,
    tensors: Iterable[_Stored],
    tell: Callable[[float], None],
) -> Path:
    """A model with everything that the base's header says but its quantisation, and these tensors."""
    reader = reader_of(base)
    writer = gguf.GGUFWriter(file, reader.get_field(gguf.Keys.General.ARCHITECTURE).contents())
    for field in reader.fields.values():
        is_empty = field.types[0] == gguf.GGUFValueType.ARRAY and not field.data
        if field.name in OWN_KEYS or field.name.startswith("GGUF.") or is_empty:
            continue
        sub_type = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=sub_type)
    writer.add_file_type(file_type)
    stored = list(tensors)
    for tensor in stored:
        size = int(np.prod(tensor.shape)) * tensor.number.itemsize
        writer.add_tensor_info(tensor.name, tensor.shape, tensor.number, size, tensor.kind)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for number, tensor in enumerate(stored):
            tell(number / len(stored))
            writer.write_tensor_data(tensor.values())
    finally:
        writer.close()
    return file


def _file_type(base: Path, header: GgufHeader, quantisation: str | None) -> gguf.LlamaFileType:
    """The mixture that is asked for, else the base's own."""
    if quantisation is not None:
        wanted = quantisation.upper()
        known = {_type_name(one): one for one in gguf.LlamaFileType if one != gguf.LlamaFileType.GUESSED}
        if wanted not in known:
            raise ModelError(
                f"There is no quantisation {quantisation!r}.",
                "Use one of llama.cpp's: Q4_K_M, Q5_K_M, Q6_K, Q8_0, F16.",
            )
        return known[wanted]
    number = header.values.get("general.file_type")
    if isinstance(number, int) and number in {int(one) for one in gguf.LlamaFileType}:
        return gguf.LlamaFileType(number)
    raise ModelError(
        f"{base.name} does not say how it is quantised.", "Say how to store the merged model (Q4_K_M, Q8_0, F16)."
    )


def _type_name(file_type: gguf.LlamaFileType) -> str:
    return file_type.name.removeprefix("ALL_").removeprefix("MOSTLY_")
