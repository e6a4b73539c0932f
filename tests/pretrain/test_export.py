"""From lessons to a GGUF file that llama.cpp answers with, and back into torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from serving.oracles import llama_logits
from serving.tiny_models import write_tiny_model
from tokenizers import Tokenizer

from pretrain.small_lessons import small_lessons, write_lessons
from sleepy_agent.errors import EXIT_COULD_NOT_RUN, EXIT_GREEN, ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.engine import GenerateRequest, PromptPart
from sleepy_agent.serving.llama.llama_engine import EngineSettings, load_engine
from trainer.pretrain.__main__ import main
from trainer.pretrain.export import read_gguf, write_gguf
from trainer.pretrain.network import Qwen2
from trainer.pretrain.recipe import Shape
from trainer.pretrain.tokens import learn_tokenizer, tokenizer_of, vocabulary_of

SHAPE = Shape(64, 2, 4, 2, 96, context=512)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return learn_tokenizer([lesson.prompt + lesson.answer for lesson in small_lessons(60)], 900)


@pytest.fixture
def network(tokenizer: Tokenizer) -> Qwen2:
    """Random weights, none of them zero."""
    torch.manual_seed(3)
    network = Qwen2(SHAPE, tokenizer.get_vocab_size())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return network


def test_a_file_is_read_back_as_it_was(network: Qwen2, tokenizer: Tokenizer, tmp_path: Path) -> None:
    file = write_gguf(network, tokenizer, tmp_path / "seed.gguf", name="seed", form="f32", cancel=CancelToken())
    again, vocabulary = read_gguf(file)
    assert again.shape.embedding == SHAPE.embedding and again.shape.context == SHAPE.context
    assert vocabulary == vocabulary_of(tokenizer)
    assert tokenizer_of(vocabulary).encode("let v1 = 3;").ids == tokenizer.encode("let v1 = 3;").ids
    for name, values in network.state_dict().items():
        assert torch.equal(values, again.state_dict()[name]), name


def test_torch_and_llama_cpp_say_the_same(network: Qwen2, tokenizer: Tokenizer, tmp_path: Path) -> None:
    file = write_gguf(network, tokenizer, tmp_path / "seed.gguf", name="seed", form="f32", cancel=CancelToken())
    tokens = tokenizer.encode(small_lessons(1)[0].prompt).ids
    with torch.no_grad():
        ours = network(torch.tensor([tokens]))[0].numpy()
    assert np.abs(ours - llama_logits(file, tokens)).max() < 2e-3 * np.abs(ours).max()


@pytest.mark.parametrize(("form", "nearness", "share"), [("f16", 2e-3, 0.5), ("q8_0", 2e-2, 0.3)])
def test_coarser_forms_are_smaller_and_near(
    network: Qwen2, tokenizer: Tokenizer, tmp_path: Path, form: str, nearness: float, share: float
) -> None:
    exact = write_gguf(network, tokenizer, tmp_path / "f32.gguf", name="seed", form="f32", cancel=CancelToken())
    coarse = write_gguf(network, tokenizer, tmp_path / "x.gguf", name="seed", form=form, cancel=CancelToken())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f32.gguf", "x.gguf"]
    parameters = sum(parameter.numel() for parameter in network.parameters())
    vocabulary = exact.stat().st_size - 4 * parameters
    assert coarse.stat().st_size - vocabulary < 1.1 * share * 4 * parameters
    again, _ = read_gguf(coarse)
    for name, values in network.state_dict().items():
        assert torch.allclose(values, again.state_dict()[name], atol=nearness), name


def test_a_file_that_is_no_seed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelError):
        read_gguf(tmp_path / "no.gguf")
    network, vocabulary = read_gguf(write_tiny_model(tmp_path / "tiny.gguf"))
    assert vocabulary.whole == frozenset()
    assert network.vocabulary_size == len(vocabulary.tokens)


def test_one_command_trains_and_another_writes_what_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lessons, run, file = write_lessons(tmp_path / "lessons.jsonl", 300), tmp_path / "run", tmp_path / "seed.gguf"
    command = ["train", "--lessons", str(lessons), "--run", str(run), "--toy", "--steps", "100"]
    assert main(command) == EXIT_GREEN
    # What is at its end has nothing more to do; another recipe is not mixed with it.
    assert main(command) == EXIT_GREEN
    assert main([*command, "--seed", "other"]) == EXIT_COULD_NOT_RUN
    assert "another recipe" in capsys.readouterr().err
    assert main(["export", "--run", str(run), "--out", str(file)]) == EXIT_GREEN
    assert "M parameters after 100 steps" in capsys.readouterr().out
    engine = load_engine(EngineSettings(file, threads=1))
    asked = [lesson for lesson in small_lessons(300) if lesson.split == "report"][:12]
    requests = [GenerateRequest((PromptPart(lesson.prompt),), None, max_tokens=24) for lesson in asked]
    answers = [engine.generate(request, CancelToken()).samples[0].text for request in requests]
    engine.close()
    right = sum(answer == lesson.answer for answer, lesson in zip(answers, asked, strict=True))
    assert right >= 9, answers


def test_what_cannot_be_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(tmp_path / "run")
    assert main(["export", "--run", run, "--out", str(tmp_path / "x.gguf")]) == EXIT_COULD_NOT_RUN
    assert "no checkpoint" in capsys.readouterr().err
    assert main(["train", "--lessons", str(tmp_path / "none"), "--run", run]) == EXIT_COULD_NOT_RUN
    assert "There is no file" in capsys.readouterr().err
    (tmp_path / "bad.jsonl").write_text('{"prompt": 1}\n')
    assert main(["train", "--lessons", str(tmp_path / "bad.jsonl"), "--run", run]) == EXIT_COULD_NOT_RUN
    assert "Line 1 of bad.jsonl is no lesson" in capsys.readouterr().err
