"""Files and machines that are not as they should be: one sentence and the remedy, and the engine goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest

from serving.tiny_models import TinyShape, corrupted, write_tiny_adapter, write_tiny_model
from sleepy_agent.errors import ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving import memory_need
from sleepy_agent.serving.engine import AdapterFile, GenerateRequest, PromptPart
from sleepy_agent.serving.llama.llama_engine import EngineSettings, LlamaEngine, load_engine

ASKED = GenerateRequest((PromptPart("let value = "),), max_tokens=8)


def load(file: Path, context_tokens: int = 256) -> LlamaEngine:
    return load_engine(EngineSettings(file, context_tokens=context_tokens, threads=1))


def text_of(engine: LlamaEngine) -> str:
    return engine.generate(ASKED, CancelToken()).samples[0].text


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "base.gguf")


Damage = Callable[[Path, Path], Path]


def replaced(file: Path, target: Path, old: bytes, new: bytes) -> Path:
    """A copy with the first `old` replaced by the equally long `new`."""
    assert len(old) == len(new)
    return corrupted(file, target, [(file.read_bytes().index(old), new)])


LAYERS = b"qwen2.block_count"

DAMAGES: dict[str, Damage] = {
    "missing": lambda _base, target: target,
    "empty": lambda base, target: corrupted(base, target, length=0),
    "cut in the header": lambda base, target: corrupted(base, target, length=1000),
    "cut in the weights": lambda base, target: corrupted(base, target, length=base.stat().st_size - 5000),
    "no GGUF": lambda base, target: corrupted(base, target, [(0, b"<!DOCTYPE html>")]),
    "a version of the future": lambda base, target: corrupted(base, target, [(4, b"\x63\0\0\0")]),
    "more tensors than it has": lambda base, target: corrupted(base, target, [(8, b"\xff" * 8)]),
    "more keys than it has": lambda base, target: corrupted(base, target, [(16, b"\xff\xff\xff\xff\0\0\0\0")]),
    "an endless string": lambda base, target: corrupted(base, target, [(24, b"\xff" * 7 + b"\x7f")]),
    "a token that is there twice": lambda base, target: replaced(
        base, target, b"\1\0\0\0\0\0\0\0A", b"\1\0\0\0\0\0\0\0B"
    ),
    "two tokens that are the same up to a zero byte": lambda base, target: replaced(
        base, target, b"\3\0\0\0\0\0\0\0let", b"\3\0\0\0\0\0\0\0l\0t"
    ),
    "a number of a type that is none": lambda base, target: replaced(base, target, LAYERS + b"\4", LAYERS + b"\x77"),
    "no layers": lambda base, target: replaced(base, target, LAYERS + b"\4\0\0\0\2", LAYERS + b"\4\0\0\0\0"),
    "an adapter": lambda _base, target: write_tiny_adapter(target),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_file_that_is_no_sound_base_is_one_sentence(base: Path, tmp_path: Path, damage: Damage) -> None:
    with pytest.raises(ModelError) as caught:
        load(damage(base, tmp_path / "damaged.gguf"))
    assert "damaged.gguf" in caught.value.message
    assert caught.value.remedy


OTHER_BASES: dict[str, Damage] = {
    "another width": lambda _base, target: write_tiny_adapter(target, shape=TinyShape(embedding=32)),
    "more layers": lambda _base, target: write_tiny_adapter(target, shape=TinyShape(layers=3)),
    "a base": corrupted,
    "missing": lambda _base, target: target,
    "cut": lambda _base, target: corrupted(write_tiny_adapter(target), target, length=4000),
    "a text": lambda _base, target: corrupted(write_tiny_adapter(target), target, [(0, b"Not Found")]),
}


@pytest.mark.parametrize("make", OTHER_BASES.values(), ids=OTHER_BASES.keys())
def test_an_adapter_that_does_not_fit_changes_nothing(base: Path, tmp_path: Path, make: Damage) -> None:
    engine = load(base)
    good = write_tiny_adapter(tmp_path / "good.gguf")
    engine.set_adapters([AdapterFile("good", good, "")])
    asked = GenerateRequest(ASKED.parts, adapter="good", max_tokens=8)
    before = engine.generate(asked, CancelToken()).samples, text_of(engine)
    bad = make(base, tmp_path / "bad.gguf")
    with pytest.raises(ModelError) as caught:
        engine.set_adapters([AdapterFile("new", good, ""), AdapterFile("bad", bad, "")])
    assert "bad.gguf" in caught.value.message
    assert caught.value.remedy
    assert (engine.generate(asked, CancelToken()).samples, text_of(engine)) == before
    engine.close()


def test_an_adapter_that_was_changed_since_it_was_promoted_is_refused(base: Path, tmp_path: Path) -> None:
    engine = load(base)
    with pytest.raises(ModelError, match="its checksum differs"):
        engine.set_adapters([AdapterFile("changed", write_tiny_adapter(tmp_path / "a.gguf"), "0" * 64)])
    engine.close()


def test_adapters_that_are_not_wanted_any_more_are_freed_and_can_come_back(base: Path, tmp_path: Path) -> None:
    engine = load(base)
    adapters = [AdapterFile(str(seed), write_tiny_adapter(tmp_path / f"{seed}.gguf", seed=seed), "") for seed in (1, 2)]
    asked = GenerateRequest(ASKED.parts, adapter="1", max_tokens=8)
    alone = text_of(engine)
    engine.set_adapters(adapters)
    first = engine.generate(asked, CancelToken()).samples
    for wanted in ([], adapters[1:], adapters, adapters[:1], [*adapters, *adapters]):
        engine.set_adapters(wanted)
        assert text_of(engine) == alone
    assert engine.generate(asked, CancelToken()).samples == first
    engine.close()


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_weights_that_are_no_numbers_are_found_when_they_are_used(
    base: Path, tmp_path: Path, temperature: float
) -> None:
    reader = gguf.GGUFReader(base)
    norm = next(tensor for tensor in reader.tensors if tensor.name == "output_norm.weight")
    file = corrupted(base, tmp_path / "nan.gguf", [(norm.data_offset, np.full(64, np.nan, np.float32).tobytes())])
    engine = load(file)
    with pytest.raises(ModelError, match="or its adapter's is damaged"):
        engine.generate(GenerateRequest(ASKED.parts, temperature=temperature, max_tokens=8), CancelToken())
    engine.close()


def test_a_context_that_does_not_fit_into_memory_is_refused(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = load(base, 100_000_000)
    assert engine.info.context_tokens == 8192, "no longer than what it was trained for"
    engine.close()
    monkeypatch.setattr(memory_need, "available_bytes", lambda: 129 * 1024 * 1024)
    load(base).close()
    with pytest.raises(ModelError, match=r"not enough memory for a context of 8192 tokens: it needs \d+ MB and 129 MB"):
        load(base, 8192)
    monkeypatch.setattr(memory_need, "available_bytes", lambda: 128 * 1024 * 1024)
    with pytest.raises(ModelError, match=r"not enough memory for the model base\.gguf"):
        load(base)


def test_a_container_s_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_need, "CONTROL_GROUP", tmp_path)
    machine = memory_need.available_bytes()
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("9000\n")
    (tmp_path / "memory.stat").write_text("anon 8000\ninactive_file 500\nactive_file 300\n")
    assert memory_need.available_bytes() > machine / 2
    (tmp_path / "memory.max").write_text("10000\n")
    assert memory_need.available_bytes() == 1800


STARVED = """
import resource, sys
from pathlib import Path
from sleepy_agent.errors import ModelError
from sleepy_agent.serving.llama.llama_engine import EngineSettings, load_engine

resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
try:
    load_engine(EngineSettings(Path(sys.argv[1]), context_tokens=10_000_000, threads=1))
except ModelError as error:
    print(error.message, "|", error.remedy)
"""


def test_the_library_running_out_of_memory_is_told(tmp_path: Path) -> None:
    file = write_tiny_model(tmp_path / "base.gguf", shape=TinyShape(context=10_000_000))
    starved = [sys.executable, "-c", STARVED, str(file), str(2 * 1024**3)]
    ended = subprocess.run(starved, capture_output=True, text=True, check=False, timeout=60)
    assert "There is not enough memory for a context of 10000000 tokens" in ended.stdout, ended.stderr
    assert "context_tokens" in ended.stdout
    assert ended.returncode == 0


def test_loading_can_be_stopped(base: Path) -> None:
    heard: list[float] = []

    def stop(share: float) -> bool:
        heard.append(share)
        return False

    with pytest.raises(ModelError):
        load_engine(EngineSettings(base, threads=1), stop)
    assert heard
