"""The stand-in is worth something: it mends programs it has never seen, and its adapters differ from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.stand_in import stand_in
from serving.stand_in_lessons import Lesson, lessons_of
from serving.stand_in_programs import ADAPTER_MISTAKES, BASE_MISTAKES, Mistake, programs
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.engine import AdapterFile, GenerateRequest, PromptPart
from sleepy_agent.serving.files.merge import Merged, TooCoarse, merge
from sleepy_agent.serving.llama.llama_engine import EngineSettings, LlamaEngine, load_engine

UNSEEN = range(3000, 3008)


@pytest.fixture(scope="module")
def engine() -> Iterator[LlamaEngine]:
    """The stand-in in llama.cpp, with both adapters."""
    model = stand_in()
    loaded = load_engine(EngineSettings(model.base, threads=1))
    loaded.set_adapters([AdapterFile(name, file, "") for name, file in model.adapters.items()])
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> list[Lesson]:
    mistakes = [*BASE_MISTAKES, *ADAPTER_MISTAKES]
    return lessons_of(programs(mistakes, UNSEEN), tmp_path_factory.mktemp("unseen"))


def right_answers(engine: LlamaEngine, lessons: list[Lesson], adapter: str | None) -> Counter[str]:
    """How many lessons of each kind of mistake are answered rightly, greedily."""
    found: Counter[str] = Counter()
    for lesson in lessons:
        request = GenerateRequest((PromptPart(lesson.prompt),), adapter, max_tokens=24)
        found[lesson.mistake] += engine.generate(request, CancelToken()).samples[0].text == lesson.answer
    return found


def test_the_base_mends_most_of_what_it_learnt(engine: LlamaEngine, unseen: list[Lesson]) -> None:
    right = right_answers(engine, unseen, None)
    assert sum(right[mistake.name] for mistake in BASE_MISTAKES) >= 0.7 * len(BASE_MISTAKES) * len(UNSEEN), right


@pytest.mark.parametrize("mistake", ADAPTER_MISTAKES, ids=lambda mistake: mistake.name)
def test_one_adapter_mends_what_neither_the_base_nor_the_other_does(
    engine: LlamaEngine, unseen: list[Lesson], mistake: Mistake
) -> None:
    asked = [lesson for lesson in unseen if lesson.mistake == mistake.name]
    right = {adapter: right_answers(engine, asked, adapter).total() for adapter in (None, *stand_in().adapters)}
    own = right.pop(mistake.family)
    assert own >= 0.5 * len(asked), own
    assert all(count <= 0.25 * len(asked) for count in right.values()), right


def test_a_trained_adapter_survives_being_merged(unseen: list[Lesson], tmp_path: Path) -> None:
    model, mistake = stand_in(), ADAPTER_MISTAKES[1]
    merged = merge(model.base, model.adapters[mistake.family], tmp_path / "merged.gguf", threads=1)
    assert isinstance(merged, Merged)
    loaded = load_engine(EngineSettings(merged.file, threads=1))
    asked = [lesson for lesson in unseen if lesson.mistake == mistake.name]
    assert right_answers(loaded, asked, None).total() >= 0.75 * len(asked)
    loaded.close()
    coarse = merge(model.base, model.adapters[mistake.family], tmp_path / "q.gguf", quantisation="Q4_0", threads=1)
    assert isinstance(coarse, TooCoarse)


def test_the_files_are_kept() -> None:
    model = stand_in()
    before = model.base.stat().st_mtime_ns
    assert stand_in() == model
    assert model.base.stat().st_mtime_ns == before
    assert all(file.is_file() for file in (*model.adapters.values(), model.weights, model.tokenizer))
