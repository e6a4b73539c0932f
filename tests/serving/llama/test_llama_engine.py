"""The engine with models of random weights. What they write means nothing, but depends on all they read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.tiny_models import write_tiny_adapter, write_tiny_model
from sleepy_agent.errors import ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import FinishReason
from sleepy_agent.serving.engine import AdapterFile, Generated, GenerateRequest, PromptPart
from sleepy_agent.serving.llama.llama_engine import EngineSettings, LlamaEngine, load_engine
from sleepy_agent.serving.llama.native import NativeContext

CODE = "fn main() {\n    let value = String;\n    return value -> expected usize\n}\n"
PROMPT = CODE * 5
OTHER_PROMPT = "error: expected usize\n" * 20


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a base and two adapters."""
    folder = tmp_path_factory.mktemp("models")
    write_tiny_model(folder / "base.gguf")
    write_tiny_adapter(folder / "first.gguf", seed=1)
    write_tiny_adapter(folder / "second.gguf", seed=2)
    return folder


@pytest.fixture(scope="module")
def engine(files: Path) -> Iterator[LlamaEngine]:
    engine = load(files)
    yield engine
    engine.close()


def load(
    files: Path,
    context_tokens: int = 2048,
    cache_bytes: int = 1024 * 1024,
    most_samples_together: int = 16,
    full_precision: bool = True,
) -> LlamaEngine:
    settings = EngineSettings(
        files / "base.gguf",
        name="tiny",
        context_tokens=context_tokens,
        threads=1,
        cache_bytes=cache_bytes,
        most_samples_together=most_samples_together,
        # Between one way of writing and another, close calls of random weights go either way with 16 bits.
        full_precision=full_precision,
    )
    engine = load_engine(settings)
    engine.set_adapters([AdapterFile(name, files / f"{name}.gguf", "") for name in ("first", "second")])
    return engine


def request(*parts: str, **fields: object) -> GenerateRequest:
    prompt = tuple(PromptPart(part) for part in parts or (PROMPT,))
    return GenerateRequest(prompt, **{"max_tokens": 32, **fields})  # type: ignore[arg-type]


def answer(engine: LlamaEngine, *parts: str, **fields: object) -> Generated:
    return engine.generate(request(*parts, **fields), CancelToken())


def texts(generated: Generated) -> list[str]:
    return [sample.text for sample in generated.samples]


def test_a_loaded_base_tells_what_it_is(engine: LlamaEngine, files: Path) -> None:
    info = engine.info
    assert (info.name, info.context_tokens, info.embedding_length) == ("tiny", 2048, 64)
    assert info.file_bytes == (files / "base.gguf").stat().st_size
    assert len(info.sha256) == 64
    assert engine.apply_chat_template([("user", "hi")]) == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"


def test_the_prompt_is_read_once(engine: LlamaEngine) -> None:
    engine.generate(request(OTHER_PROMPT), CancelToken())
    cold, warm = answer(engine), answer(engine)
    assert cold.tokens_in == warm.tokens_in > 128
    assert warm.tokens_cached == (warm.tokens_in - 1) // 64 * 64
    assert texts(cold) == texts(warm)


@pytest.mark.parametrize("cache_bytes", [0, 1024 * 1024])
def test_a_greedy_answer_does_not_depend_on_what_was_asked_before(files: Path, cache_bytes: int) -> None:
    engine = load(files, cache_bytes=cache_bytes, full_precision=False)
    random = Random(5)
    prompts = [PROMPT[:length] for length in (10, 63, 64, 65, 200, 300)] + [OTHER_PROMPT, PROMPT[:150] + OTHER_PROMPT]
    asked = [(prompt, adapter) for prompt in prompts for adapter in (None, "first")]
    cold: dict[tuple[str, str | None], list[str]] = {}
    for prompt, adapter in asked:
        fresh = load(files, full_precision=False)
        cold[prompt, adapter] = texts(answer(fresh, prompt, adapter=adapter, max_tokens=24))
        fresh.close()
    cached = 0
    for _ in range(60):
        prompt, adapter = random.choice(asked)
        if random.random() < 0.2:
            answer(engine, prompt, adapter=adapter, n=3, temperature=1.0, seed=1, max_tokens=8)
        generated = answer(engine, prompt, adapter=adapter, max_tokens=24)
        cached += generated.tokens_cached
        assert texts(generated) == cold[prompt, adapter]
    assert cached > 0
    engine.close()


def test_logits_are_the_same_to_the_last_bit_with_and_without_the_beginning_in_memory(files: Path) -> None:
    engine, fresh = (load(files, full_precision=False) for _ in range(2))
    memory, cold = engine._memory, fresh._memory
    weights = engine._weights(None)
    prompt = tuple(engine._model.tokenize(PROMPT))
    answer(engine, PROMPT[:200] + OTHER_PROMPT, n=4, temperature=1.0)
    near = memory.read(weights, prompt, CancelToken())
    answer(engine, OTHER_PROMPT)
    restored = memory.read(weights, prompt, CancelToken())
    alone = cold.read(weights, prompt, CancelToken())
    assert (near.tokens_cached > 0, restored.tokens_cached > near.tokens_cached, alone.tokens_cached) == (True, True, 0)
    assert near.logits is not None and restored.logits is not None and alone.logits is not None
    assert np.array_equal(near.logits, alone.logits)
    assert np.array_equal(restored.logits, alone.logits)
    engine.close()
    fresh.close()


def test_adapters_answer_differently_and_leave_the_base_as_it_is(engine: LlamaEngine) -> None:
    names = [None, "first", "second", None, "first", "second"]
    answers = [texts(answer(engine, adapter=name)) for name in names]
    assert answers[:3] == answers[3:]
    assert len({text for (text,) in answers}) == 3


def test_what_one_adapter_read_is_of_no_use_to_another(files: Path) -> None:
    engine = load(files)
    assert [answer(engine, adapter=name).tokens_cached > 0 for name in (None, "first", "second", "first", None)] == [
        False,
        False,
        False,
        True,
        True,
    ]
    # The same file under another name is the same adapter; with another scale it is another one.
    file = files / "first.gguf"
    digest = engine._adapters["first"].file.sha256
    engine.set_adapters([AdapterFile("again", file, digest), AdapterFile("weaker", file, digest, 0.25)])
    assert answer(engine, adapter="again").tokens_cached > 0
    assert answer(engine, adapter="weaker").tokens_cached == 0
    with pytest.raises(ModelError, match="No adapter `first`"):
        answer(engine, adapter="first")
    engine.close()


def test_samples_of_a_seed_are_the_same_each_time_and_differ_among_themselves(engine: LlamaEngine) -> None:
    first, again, other = (answer(engine, n=6, temperature=1.0, seed=seed) for seed in (7, 7, 8))
    assert texts(first) == texts(again) != texts(other)
    assert len(set(texts(first))) > 1
    assert all(sample.tokens_out == 32 for sample in first.samples)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each batch has that goes through the model."""
    found: list[int] = []
    decode = NativeContext.decode

    def count(self: NativeContext, tokens: Sequence[int], *rest: Any) -> None:
        found.append(len(tokens))
        decode(self, tokens, *rest)

    monkeypatch.setattr(NativeContext, "decode", count)
    return found


@pytest.mark.parametrize("temperature", [0.05, 0.3, 0.7])
@pytest.mark.parametrize("splits", [False, True])
def test_samples_that_begin_the_same_part_where_they_differ(
    files: Path, rows: list[int], temperature: float, splits: bool
) -> None:
    together, alone = load(files), load(files, most_samples_together=1)
    together._context.splits_batches = splits
    for seed in range(4):
        asked = request(CODE, n=10, temperature=temperature, seed=seed, max_tokens=24)
        rows.clear()
        samples = together.generate_with(asked, CancelToken(), None).samples
        written = rows[1:]
        assert samples == alone.generate(asked, CancelToken()).samples
        assert max(written) <= (7 if splits else 10)
        assert sum(written) <= sum(sample.tokens_out for sample in samples)
    together.close()
    alone.close()


def test_samples_that_are_all_the_same_take_one_row(files: Path, rows: list[int]) -> None:
    engine = load(files)
    generated = answer(engine, CODE, n=8, temperature=0.001, max_tokens=10)
    assert len(set(texts(generated))) == 1
    assert rows[1:] == [1] * 9, "one for each token but the first, which comes with the prompt"
    engine.close()


def test_samples_that_do_not_fit_together_are_written_one_after_another(files: Path) -> None:
    few, many, small = load(files, most_samples_together=2), load(files), load(files, 256)
    wanted = {"n": 5, "temperature": 1.0, "seed": 3}
    assert texts(answer(few, **wanted)) == texts(answer(many, **wanted))
    # The context has room for the prompt and one of these at a time.
    asked = request(CODE, n=3, temperature=1.0, seed=3, max_tokens=150)
    assert small.generate(asked, CancelToken()).samples == many.generate(asked, CancelToken()).samples
    for engine in (few, many, small):
        engine.close()


def test_a_greedy_request_has_one_answer(engine: LlamaEngine) -> None:
    generated = answer(engine, n=3)
    assert len(generated.samples) == 3
    assert len(set(texts(generated))) == 1


class RandomDrafts:
    """Proposes the right tokens, wrong ones, or none, by chance."""

    def __init__(self, random: Random, right: Sequence[int]) -> None:
        self._random = random
        self._right = right
        self._place = 0

    def propose(self, limit: int) -> Sequence[int]:
        length = self._random.randint(0, max(limit, 0))
        guess = list(self._right[self._place : self._place + length])
        return [token if self._random.random() < 0.8 else self._random.randint(0, 255) for token in guess]

    def extend(self, tokens: Sequence[int], accepted: int, proposed: int) -> None:
        assert accepted <= proposed
        self._place += len(tokens)

    def copy(self) -> RandomDrafts:
        other = RandomDrafts(Random(self._random.random()), self._right)
        other._place = self._place
        return other


@given(
    seed=st.integers(0, 10**6),
    temperature=st.sampled_from([0.0, 0.2, 0.9]),
    adapter=st.sampled_from([None, "first"]),
    n=st.sampled_from([1, 2, 7]),
    grammar=st.sampled_from([None, 'root ::= ("let " | "mut " | [a-z é]+ ";")+']),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_drafts_never_change_what_is_written(
    engine: LlamaEngine, seed: int, temperature: float, adapter: str | None, n: int, grammar: str | None
) -> None:
    prompt = PROMPT[: 40 + seed % 200]
    asked = request(
        prompt, temperature=temperature, adapter=adapter, seed=seed, n=n, grammar=grammar, max_tokens=40, stop=("PP",)
    )
    plain = engine.generate_with(asked, CancelToken(), None)
    tokens = engine._model.tokenize(plain.samples[0].text, is_prompt=False)
    drafted = engine.generate_with(asked, CancelToken(), lambda _prompt, _expected: RandomDrafts(Random(seed), tokens))
    assert drafted.samples == plain.samples
    assert drafted.tokens_accepted <= drafted.tokens_drafted
    assert engine.generate(asked, CancelToken()).samples == plain.samples


@pytest.mark.parametrize("with_drafts", [False, True])
def test_a_recorded_text_goes_through_either_loop(engine: LlamaEngine, with_drafts: bool) -> None:
    edit = CODE.replace("let", "let mut")
    asked = request(PROMPT, expected=CODE)
    generated = engine.generate_recorded(asked, edit, CancelToken(), with_drafts=with_drafts)
    assert texts(generated) == [edit]
    assert (generated.tokens_accepted > generated.samples[0].tokens_out / 2) == with_drafts


@pytest.mark.parametrize(
    ("grammar", "pattern"),
    [
        pytest.param('root ::= "let " [a-z]+ ";"', r"let [a-z]+;?", id="letters"),
        pytest.param('root ::= "fn" | "mut"', r"fn|mut", id="words"),
        pytest.param('root ::= ("a" | "é")+ "."', r"[aé]*\.?\ufffd?", id="characters of two tokens"),
    ],
)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_answers_follow_the_grammar(engine: LlamaEngine, grammar: str, pattern: str, temperature: float) -> None:
    wanted = {"grammar": grammar, "max_tokens": 20, "temperature": temperature, "seed": 1}
    for generated in (answer(engine, **wanted), answer(engine, n=3, **wanted)):
        for sample in generated.samples:
            assert re.fullmatch(pattern, sample.text), sample.text
    assert answer(engine, **wanted).samples == engine.generate_with(request(**wanted), CancelToken(), None).samples


def test_an_answer_ends_where_the_grammar_does(engine: LlamaEngine) -> None:
    (sample,) = answer(engine, grammar='root ::= "let mut"').samples
    assert (sample.text, sample.finish_reason) == ("let mut", FinishReason.STOP)


@pytest.mark.parametrize("grammar", ["root ::= (", "rule ::= [a-z]", "root ::= root", " ", "root ::= " + "(" * 70_000])
def test_what_is_no_grammar_is_one_sentence(engine: LlamaEngine, grammar: str) -> None:
    with pytest.raises(ModelError, match="grammar of the answer cannot be read"):
        answer(engine, grammar=grammar)
    assert texts(answer(engine)) == texts(answer(engine))


def test_an_answer_ends_before_a_stop_string(engine: LlamaEngine) -> None:
    whole = answer(engine).samples[0].text
    stop = whole[10:13]
    stopped = answer(engine, stop=("never", stop)).samples[0]
    assert stopped.text == whole[: whole.index(stop)]
    assert stopped.finish_reason is FinishReason.STOP


def test_text_is_told_as_it_is_written(engine: LlamaEngine) -> None:
    told: dict[int, str] = {}

    def hear(number: int, text: str) -> None:
        told[number] = told.get(number, "") + text

    generated = engine.generate(request(n=3, temperature=1.0, seed=2), CancelToken(), hear)
    assert [told[number] for number in range(3)] == texts(generated)


@pytest.mark.parametrize("n", [1, 3])
def test_a_cancelled_answer_ends_between_two_tokens_and_harms_nothing(engine: LlamaEngine, n: int) -> None:
    before = texts(answer(engine))
    cancel = CancelToken()
    pieces = 0

    def hear(_number: int, _text: str) -> None:
        nonlocal pieces
        pieces += 1
        if pieces == 5 * n:
            cancel.cancel()

    asked = request(n=n, temperature=1.0, seed=1, max_tokens=200)
    generated = engine.generate(asked, cancel, hear)
    assert {sample.finish_reason for sample in generated.samples} == {FinishReason.CANCELLED}
    assert all(0 < sample.tokens_out < 100 for sample in generated.samples)
    assert texts(answer(engine)) == before


def test_a_request_that_was_cancelled_before_is_not_begun(engine: LlamaEngine) -> None:
    cancel = CancelToken()
    cancel.cancel()
    generated = engine.generate(request("never asked before " * 20, n=2), cancel)
    assert [sample.finish_reason for sample in generated.samples] == [FinishReason.CANCELLED] * 2
    assert texts(generated) == ["", ""]


def test_what_is_said_by_a_listener_that_fails_harms_nothing(engine: LlamaEngine) -> None:
    before = texts(answer(engine))

    def fail(_number: int, _text: str) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        engine.generate(request(n=3, temperature=1.0), CancelToken(), fail)
    assert texts(answer(engine)) == before


def test_a_prompt_that_is_too_long_loses_its_least_important_lines(engine: LlamaEngine) -> None:
    lines = [PromptPart(f"    let value = {number};\n" * 4, number / 100) for number in range(60)]
    asked = GenerateRequest((PromptPart("The error: "), *lines, PromptPart(" Fix it.")), max_tokens=64)
    generated = engine.generate(asked, CancelToken())
    kept = ["The error: " + "".join(line.text for line in lines[first:]) + " Fix it." for first in range(60)]
    longest = next(text for text in kept if len(engine._model.tokenize(text)) <= 2048 - 64)
    assert generated.tokens_in == len(engine._model.tokenize(longest)) < len(engine._model.tokenize(kept[0]))
    assert texts(generated) == texts(answer(engine, longest, max_tokens=64))


@pytest.mark.parametrize(
    ("parts", "max_tokens", "message"),
    [
        pytest.param(("word " * 3000,), 8, "do not fit into the context of 2048 tokens", id="the error is too long"),
        pytest.param(("word",), 2048, "do not fit", id="too much is asked for"),
        pytest.param(("",), 8, "prompt is empty", id="nothing is asked"),
        pytest.param(("word",), 0, "at least one", id="nothing is wanted"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    engine: LlamaEngine, parts: tuple[str, ...], max_tokens: int, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        answer(engine, *parts, max_tokens=max_tokens)


def test_embeddings_have_length_one_and_depend_on_the_whole_text(engine: LlamaEngine) -> None:
    same, other, long, longer, empty = (
        np.array(vector) for vector in engine.embed([PROMPT, OTHER_PROMPT, PROMPT * 20, PROMPT * 21, ""], CancelToken())
    )
    assert np.allclose([np.linalg.norm(vector) for vector in (same, other, long)], 1.0)
    assert np.array_equal(same, engine.embed([PROMPT], CancelToken())[0])
    assert float(same @ other) < 0.999
    assert np.array_equal(long, longer), "only the first 512 tokens are read"
    assert not empty.any()


def test_llama_cpp_writes_nothing_to_the_terminal(files: Path, capfd: pytest.CaptureFixture[str]) -> None:
    engine = load(files)
    answer(engine)
    engine.embed(["x"], CancelToken())
    engine.close()
    engine.close()
    assert capfd.readouterr() == ("", "")
