"""Base and adapter made one: what survives, what is refused, and that nothing half done is left behind."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

import gguf
import llama_cpp
import numpy as np
import pytest

from serving.tiny_models import TinyShape, corrupted, write_tiny_adapter, write_tiny_model
from sleepy_agent.errors import CannotWrite, Interrupted, ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.engine import AdapterFile, GenerateRequest, PromptPart
from sleepy_agent.serving.files.effect import surviving_share
from sleepy_agent.serving.files.gguf_files import describe, read_weights, reader_of
from sleepy_agent.serving.files.lora_files import read_adapter
from sleepy_agent.serving.files.merge import Merged, TooCoarse, merge
from sleepy_agent.serving.files.quantise import quantise
from sleepy_agent.serving.llama.llama_engine import EngineSettings, load_engine

SHAPE = TinyShape(embedding=256, feed_forward=256)
"""K-quants store rows of 256."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A base in f32 and an adapter for it."""
    folder = tmp_path_factory.mktemp("merge")
    return (
        write_tiny_model(folder / "base.gguf", shape=SHAPE),
        write_tiny_adapter(folder / "adapter.gguf", shape=SHAPE, alpha=4.0),
    )


def quantised(base: Path, target: Path, file_type: gguf.LlamaFileType) -> Path:
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = int(file_type)
    parameters.nthread = 1
    assert llama_cpp.llama_model_quantize(os.fsencode(base), os.fsencode(target), ctypes.byref(parameters)) == 0
    return target


def answer(model: Path, adapter: Path | None = None, scale: float = 1.0) -> str:
    engine = load_engine(EngineSettings(model, context_tokens=128, threads=1))
    if adapter is not None:
        engine.set_adapters([AdapterFile("one", adapter, "", scale)])
    name = "one" if adapter is not None else None
    parts = (PromptPart("fn main() { let value = "),)
    text = engine.generate(GenerateRequest(parts, name, max_tokens=16), CancelToken()).samples[0].text
    engine.close()
    return text


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_merged_model_in_f32_answers_as_base_and_adapter_do(
    files: tuple[Path, Path], tmp_path: Path, scale: float
) -> None:
    base, adapter = files
    merged = merge(base, adapter, tmp_path / "merged.gguf", scale=scale, threads=1)
    assert isinstance(merged, Merged)
    assert merged.share > 0.999
    assert answer(merged.file) == answer(base, adapter, scale) != answer(base)
    weights, lora = dict(read_weights(base)), read_adapter(adapter)
    for name, values in read_weights(merged.file):
        change = lora.change_of(name, scale)
        np.testing.assert_allclose(values, weights[name] if change is None else weights[name] + change, atol=1e-6)


@pytest.mark.parametrize("quantisation", ["F16", "Q8_0", "q8_0"])
def test_fine_quantisations_keep_the_effect(files: tuple[Path, Path], tmp_path: Path, quantisation: str) -> None:
    merged = merge(*files, tmp_path / "merged.gguf", quantisation=quantisation, threads=1)
    assert isinstance(merged, Merged)
    assert 0.95 <= merged.share < 1
    assert describe(merged.file).quantisation == merged.quantisation == quantisation.upper()
    assert [file.name for file in tmp_path.iterdir()] == ["merged.gguf"]


def test_in_the_base_s_own_quantisation_only_what_the_adapter_changed_is_rounded_again(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    base = quantised(files[0], tmp_path / "base.gguf", gguf.LlamaFileType.MOSTLY_Q8_0)
    merged = merge(base, files[1], tmp_path / "merged.gguf", threads=1)
    assert isinstance(merged, Merged)
    assert describe(merged.file).quantisation == "Q8_0"
    before = {tensor.name: tensor for tensor in reader_of(base).tensors}
    changed = {
        tensor.name
        for tensor in reader_of(merged.file).tensors
        if not np.array_equal(tensor.data, before[tensor.name].data)
    }
    assert changed == set(read_adapter(files[1]).factors)
    assert describe(merged.file).vocabulary_size == describe(base).vocabulary_size
    assert describe(merged.file).chat_template == describe(base).chat_template


def test_what_would_be_rounded_away_is_not_kept(files: tuple[Path, Path], tmp_path: Path) -> None:
    refused = merge(*files, tmp_path / "merged.gguf", scale=0.05, quantisation="Q2_K", threads=1)
    assert isinstance(refused, TooCoarse)
    assert refused.share < 0.95
    assert "Q2_K" in refused.reason
    assert "95%" in refused.reason
    assert refused.remedy
    assert not any(tmp_path.iterdir())


def test_the_share_is_one_for_all_and_zero_for_nothing(files: tuple[Path, Path], tmp_path: Path) -> None:
    base, adapter = files
    assert surviving_share(base, adapter, base, threads=1) == pytest.approx(0, abs=1e-3)
    whole = merge(base, adapter, tmp_path / "whole.gguf", threads=1)
    half = merge(base, adapter, tmp_path / "half.gguf", scale=0.5, threads=1)
    assert isinstance(whole, Merged)
    assert isinstance(half, Merged)
    assert surviving_share(base, adapter, whole.file, threads=1) == pytest.approx(1, abs=1e-2)
    assert 0.1 < surviving_share(base, adapter, half.file, threads=1) < 0.9


def test_an_adapter_for_another_base_is_one_sentence(files: tuple[Path, Path], tmp_path: Path) -> None:
    others = {
        "which the model does not have": write_tiny_adapter(
            tmp_path / "deep.gguf", shape=TinyShape(embedding=256, feed_forward=256, layers=5)
        ),
        "has the shape": write_tiny_adapter(tmp_path / "wide.gguf", shape=TinyShape(embedding=128)),
    }
    for reason, other in others.items():
        with pytest.raises(ModelError, match=reason) as caught:
            merge(files[0], other, tmp_path / "merged.gguf", threads=1)
        assert caught.value.remedy
    assert not (tmp_path / "merged.gguf").exists()


def test_other_mistakes_are_told_before_anything_is_written(files: tuple[Path, Path], tmp_path: Path) -> None:
    base, adapter = files
    folder = tmp_path / "empty"
    with pytest.raises(ModelError, match="no quantisation 'Q9'"):
        merge(base, adapter, folder / "merged.gguf", quantisation="Q9", threads=1)
    with pytest.raises(ModelError, match="would replace what it is made of"):
        merge(base, adapter, base)
    with pytest.raises(ModelError, match="it is no adapter"):
        merge(base, base, folder / "merged.gguf", threads=1)
    with pytest.raises(ModelError, match="it is an adapter"):
        merge(adapter, adapter, folder / "merged.gguf", threads=1)
    assert not folder.exists()
    assert describe(base).quantisation == "F32"


def test_weights_that_are_no_numbers_are_found(files: tuple[Path, Path], tmp_path: Path) -> None:
    base, adapter = files
    norm = next(tensor for tensor in reader_of(base).tensors if tensor.name == "output_norm.weight")
    damaged = corrupted(base, tmp_path / "nan.gguf", [(norm.data_offset, np.full(256, np.nan, np.float32).tobytes())])
    with pytest.raises(ModelError, match="no numbers"):
        merge(damaged, adapter, tmp_path / "merged.gguf", threads=1)
    assert [file.name for file in tmp_path.iterdir()] == ["nan.gguf"]


def test_a_full_disk_is_told_and_nothing_stays(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_writer: object, _values: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(gguf.GGUFWriter, "write_tensor_data", full)
    with pytest.raises(CannotWrite, match="no space left"):
        merge(*files, tmp_path / "merged.gguf", threads=1)
    assert not any(tmp_path.iterdir())


def test_how_far_it_is_is_told(files: tuple[Path, Path], tmp_path: Path) -> None:
    base = quantised(files[0], tmp_path / "base.gguf", gguf.LlamaFileType.MOSTLY_Q8_0)
    told: dict[str, list[float]] = {}
    merge(
        base,
        files[1],
        tmp_path / "merged.gguf",
        threads=1,
        progress=lambda text, share: told.setdefault(text, []).append(share),
    )
    assert list(told) == ["adding the adapter", "quantising to Q8_0", "putting it together", "comparing the answers"]
    for text, shares in told.items():
        assert shares == sorted(shares) and shares[0] == 0 and 0.5 < shares[-1] <= 1, (text, shares)


@pytest.mark.parametrize("step", ["adding the adapter", "quantising to Q4_K_M", "comparing the answers"])
def test_whoever_loses_patience_is_rid_of_it_at_once(files: tuple[Path, Path], tmp_path: Path, step: str) -> None:
    cancel = CancelToken()
    told: list[str] = []

    def lose_patience(text: str, _share: float) -> None:
        told.append(text)
        if text == step:
            cancel.cancel()

    with pytest.raises(Interrupted):
        merge(
            *files,
            tmp_path / "merged.gguf",
            quantisation="Q4_K_M",
            threads=1,
            progress=lose_patience,
            cancel=cancel,
        )
    assert told[-1] == step
    assert not any(tmp_path.iterdir())
    assert not cancel.sessions, "the quantiser has ended"


def test_a_quantiser_that_cannot_is_told_in_its_own_words(files: tuple[Path, Path], tmp_path: Path) -> None:
    source = corrupted(files[0], tmp_path / "short.gguf", length=9000)
    with pytest.raises(ModelError, match=r"llama\.cpp could not store the model as Q8_0: .+\.") as caught:
        quantise(
            source,
            tmp_path / "coarse.gguf",
            gguf.LlamaFileType.MOSTLY_Q8_0,
            "Q8_0",
            threads=1,
            progress=lambda _share: None,
            cancel=CancelToken(),
        )
    assert caught.value.remedy


def test_a_base_that_does_not_say_how_it_is_quantised_needs_to_be_told(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    base, adapter = files
    key = b"general.file_type"
    silent = corrupted(base, tmp_path / "silent.gguf", [(base.read_bytes().index(key), b"general.file_typo")])
    with pytest.raises(ModelError, match=r"silent\.gguf does not say how it is quantised"):
        merge(silent, adapter, tmp_path / "merged.gguf", threads=1)
    assert isinstance(merge(silent, adapter, tmp_path / "merged.gguf", quantisation="Q8_0", threads=1), Merged)
