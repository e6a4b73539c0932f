"""Our files beside those of llama.cpp's converters, and llama.cpp's answers beside torch's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from serving.oracles import convert, converters, llama_logits, save_for_peft, save_for_transformers
from serving.stand_in import ALPHA, RANK, SHAPE, StandIn, stand_in
from serving.stand_in_lessons import lessons_of
from serving.stand_in_network import adapted_qwen2, set_factors
from serving.stand_in_programs import ADAPTER_MISTAKES, BASE_MISTAKES, programs
from serving.stand_in_tokens import CONTROL, END, vocabulary_of
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.engine import AdapterFile, GenerateRequest, PromptPart
from sleepy_agent.serving.files.gguf_files import describe, reader_of, write_base
from sleepy_agent.serving.files.gguf_header import validate_base
from sleepy_agent.serving.files.lora_files import LoraFactors, write_adapter
from sleepy_agent.serving.llama.llama_engine import EngineSettings, load_engine
from sleepy_agent.serving.llama.native import NativeModel
from trainer.pretrain.network import Qwen2

CLOSE = 1e-3
TEXTS = (
    "pub fn total(items: &[u32]) -> u32 {\n    items.iter().sum()\n}\n",
    "L12|        self.größe += 1; // naïve: 東京 🦀\n\n\n  \tlet x = 10_000usize;",
    "it's we'll I'M don't 'static <edit>\nL3 v1 <=> mut v1\n",
    "\r\n\r\n   \n",
)


@pytest.fixture(scope="module")
def model() -> StandIn:
    return stand_in()


@pytest.fixture(scope="module")
def trained(model: StandIn) -> dict[str, Any]:
    """What torch was left with: `base`, and `adapters` by family."""
    found: dict[str, Any] = torch.load(model.weights, weights_only=True)
    return found


@pytest.fixture(scope="module")
def tokenizer(model: StandIn) -> Tokenizer:
    return Tokenizer.from_file(str(model.tokenizer))


@pytest.fixture(scope="module")
def exact(trained: dict[str, Any], tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in's base in f32."""
    arrays = {name: values.numpy() for name, values in trained["base"].items()}
    file = tmp_path_factory.mktemp("exact") / "exact.gguf"
    return write_base(file, SHAPE, vocabulary_of(tokenizer), arrays, name="exact", file_type=gguf.LlamaFileType.ALL_F32)


@pytest.fixture(scope="module")
def network(trained: dict[str, Any], tokenizer: Tokenizer) -> Qwen2:
    torch.set_num_threads(1)
    network = adapted_qwen2(SHAPE, tokenizer.get_vocab_size())
    network.load_state_dict(trained["base"])
    return network


def adapters(trained: dict[str, Any]) -> Iterator[tuple[str | None, Any]]:
    yield None, None
    yield from trained["adapters"].items()


@torch.no_grad()
def test_torch_and_llama_agree_on_logits_and_on_every_greedy_token(
    model: StandIn, exact: Path, network: Qwen2, trained: dict[str, Any], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    lessons = lessons_of(programs([*BASE_MISTAKES, *ADAPTER_MISTAKES], range(2000, 2001)), tmp_path / "lessons")
    engine = load_engine(EngineSettings(exact, threads=1))
    engine.set_adapters([AdapterFile(name, file, "") for name, file in model.adapters.items()])
    answers: dict[tuple[str, str | None], str] = {}
    for family, factors in adapters(trained):
        set_factors(network, factors, ALPHA / RANK)
        for lesson in lessons:
            tokens = tokenizer.encode(lesson.prompt).ids
            ours = network(torch.tensor([tokens]))[0].numpy()
            theirs = llama_logits(exact, tokens, model.adapters[family] if family else None)
            assert np.abs(ours - theirs).max() < CLOSE, (family, lesson.mistake)
            request = GenerateRequest((PromptPart(lesson.prompt),), family, max_tokens=24)
            answer = engine.generate(request, CancelToken()).samples[0].text
            assert answer == tokenizer.decode(greedy(network, tokens, tokenizer.token_to_id(END)))
            answers[lesson.mistake, family] = answer
    engine.close()
    # What this was compared on says something: each adapter answers otherwise than the base and than the other.
    texts = [[answers[lesson.mistake, family] for lesson in lessons] for family in (None, *model.adapters)]
    assert len({tuple(text) for text in texts}) == len(texts)


def greedy(network: Qwen2, prompt: list[int], end: int | None) -> list[int]:
    """The most likely token after each, up to 24 or the end."""
    found: list[int] = []
    while len(found) < 24:
        token = int(network(torch.tensor([prompt + found]))[0, -1].argmax())
        if token == end:
            break
        found.append(token)
    return found


def test_our_base_is_the_converter_s(trained: dict[str, Any], tokenizer: Tokenizer, tmp_path: Path) -> None:
    weights = {name: values.numpy() for name, values in trained["base"].items()}
    saved = save_for_transformers(tmp_path / "saved", SHAPE, tokenizer, weights, CONTROL)
    theirs = tmp_path / "theirs.gguf"
    convert("convert_hf_to_gguf.py", saved, "--outfile", theirs, "--outtype", "f16")
    ours = write_base(tmp_path / "ours.gguf", SHAPE, vocabulary_of(tokenizer), weights, name="x")
    assert_same_tensors(ours, theirs)
    assert_same_keys(ours, theirs)


def test_our_adapter_is_the_converter_s(trained: dict[str, Any], tokenizer: Tokenizer, tmp_path: Path) -> None:
    weights = {name: values.numpy() for name, values in trained["base"].items()}
    saved = save_for_transformers(tmp_path / "saved", SHAPE, tokenizer, weights, CONTROL)
    pairs = next(iter(trained["adapters"].values()))
    factors = {module: LoraFactors(a.numpy(), b.numpy()) for module, (a, b) in pairs.items()}
    theirs = tmp_path / "theirs.gguf"
    peft = save_for_peft(tmp_path / "peft", factors, ALPHA, saved)
    convert("convert_lora_to_gguf.py", peft, "--base", saved, "--outfile", theirs, "--outtype", "f32")
    ours = write_adapter(tmp_path / "ours.gguf", factors, alpha=ALPHA, name="x", layers=SHAPE.layers)
    assert_same_tensors(ours, theirs)
    assert_same_keys(ours, theirs)


def assert_same_tensors(ours: Path, theirs: Path) -> None:
    found, wanted = ({tensor.name: tensor for tensor in reader_of(file).tensors} for file in (ours, theirs))
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert found[name].tensor_type == tensor.tensor_type, name
        np.testing.assert_array_equal(found[name].data, tensor.data, name)


def assert_same_keys(ours: Path, theirs: Path) -> None:
    """All that llama.cpp reads; what describes the file to people differs."""
    found, wanted = (
        {
            name: field.contents()
            for name, field in reader_of(file).fields.items()
            if not name.startswith(("GGUF.", "general.")) or name in {"general.type", "general.architecture"}
        }
        for file in (ours, theirs)
    )
    assert found == {key: pytest.approx(value) if isinstance(value, float) else value for key, value in wanted.items()}


@pytest.mark.parametrize("text", TEXTS)
def test_llama_splits_texts_as_our_tokenizer_does(model: StandIn, tokenizer: Tokenizer, text: str) -> None:
    native = NativeModel(model.base)
    assert native.tokenize(text) == tokenizer.encode(text).ids
    assert b"".join(map(native.piece, native.tokenize(text))).decode() == text
    native.close()


def test_the_real_vocabulary_is_read() -> None:
    file = converters() / "llama.cpp/models/ggml-vocab-qwen2.gguf"
    assert validate_base(file).architecture == "qwen2"
    described = describe(file)
    assert (described.vocabulary_size, described.tensor_count) == (151936, 0)
