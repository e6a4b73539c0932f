"""The parts of the serving benchmarks that need no model of a gigabyte."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType as Format
from serving.oracles import converters

from benchmarks.serving.edits import Written, gain
from benchmarks.serving.engines import alternated, prompt_of, ratio
from benchmarks.serving.recorded import as_blocks, as_item
from benchmarks.serving.true_shape import EMBEDDING, Reach, adapters, random_blocks, shapes, write_model
from sleepy_agent.code.edits import line_edits
from sleepy_agent.fixes.prompts.answers import parse_answer
from sleepy_agent.fixes.prompts.profiles import EditForm
from sleepy_agent.fixes.prompts.view import CodeView, ShownLine, add_lines, line_starts
from sleepy_agent.serving.files.gguf_header import read_header, validate_base
from sleepy_agent.serving.files.lora_files import why_it_does_not_fit

FILE = Path("/crate/src/lib.rs")
BEFORE = b"fn main() {\n    let a = 1;\n    a += 1;\n    let b = 1;\n    a += 1;\n}\n"


def view_of(text: bytes) -> CodeView:
    lines: list[ShownLine] = []
    starts = line_starts(text)
    add_lines(lines, FILE, text, starts, range(len(starts)), ())
    return CodeView(tuple(lines), (), (FILE, 0, len(text) - 1))


@pytest.mark.parametrize(
    ("old", "new", "searched"),
    [
        pytest.param(b"let a", b"let mut a", "    let a = 1;", id="one line"),
        pytest.param(
            b"let b = 1;\n    a += 1",
            b"let b = 1;\n    a += 2",
            "    let b = 1;\n    a += 1;\n}",
            id="a line that stands twice",
        ),
        pytest.param(b"    let b = 1;\n", b"", "    let b = 1;", id="a line goes"),
        pytest.param(b"{\n    let a", b"{\n    new();\n    let a", "fn main() {\n    let a = 1;", id="a line comes"),
    ],
)
def test_recorded_answers_mean_the_edit_that_was_recorded(old: bytes, new: bytes, searched: str) -> None:
    after = BEFORE.replace(old, new, 1)
    view = view_of(BEFORE)
    block = as_blocks(view, FILE, BEFORE, after)
    assert block is not None and f"SEARCH\n{searched}\n=======" in block
    item = as_item(view, FILE, line_edits(FILE, BEFORE, after), BEFORE)
    assert item is not None and item + "\n" == after.decode()
    for answer, form in ((block, EditForm.BLOCKS), (item, EditForm.ITEM)):
        edits = parse_answer(answer, form, view, lambda _file: BEFORE)
        assert isinstance(edits, tuple)
        text = BEFORE
        for edit in reversed(edits):
            text = text[: edit.byte_start] + edit.replacement.encode() + text[edit.byte_end :]
        assert text == after


def test_an_edit_of_lines_that_are_not_shown_is_not_recorded() -> None:
    shown = view_of(BEFORE)
    part = CodeView(shown.code[:2], (), None)
    after = BEFORE.replace(b"let b", b"let mut b")
    assert as_blocks(part, FILE, BEFORE, after) is None
    assert as_item(part, FILE, line_edits(FILE, BEFORE, after), BEFORE) is None


def test_the_true_shape_has_the_formats_of_a_medium_quantisation() -> None:
    weights: Counter[Format] = Counter()
    for _, (rows, columns), kind in shapes(28):
        if kind is not None:
            weights[kind] += rows * columns
    total = sum(weights.values())
    assert round(total / 1e9, 2) == 1.54
    # What `llama-bench` says of the real file: 986 MB for 1.54 B parameters.
    assert 0.65 < weights[Format.Q4_K] / total < 0.75
    assert weights[Format.Q4_K] + weights[Format.Q6_K] == total


def test_a_small_one_is_a_model_and_its_adapters_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLEEPY_BENCHMARK_CACHE", str(tmp_path))
    monkeypatch.setattr("benchmarks.serving.true_shape.LAYERS", 1)
    file = tmp_path / "small.gguf"
    write_model(file, converters() / "llama.cpp" / "models" / "ggml-vocab-qwen2.gguf", layers=1)
    validate_base(file)
    assert read_header(file).architecture == "qwen2"
    for reach, count in ((Reach.ATTENTION, 8), (Reach.EVERYTHING, 14)):
        (adapter,) = adapters(1, reach)
        assert len(read_header(adapter).tensors) == count
        assert why_it_does_not_fit(read_header(adapter), read_header(file)) is None
        assert adapters(1, reach) == [adapter]


def test_blocks_are_bytes_of_whole_rows() -> None:
    matrix = random_blocks(bytes(range(256)) * 8, Format.Q6_K, 4, EMBEDDING)
    assert matrix.shape == (4, EMBEDDING // 256 * 210)


def test_prompts_differ_and_measures_are_taken_in_turn() -> None:
    assert prompt_of(64, 1) != prompt_of(64, 2)
    assert prompt_of(64, 1) == prompt_of(64, 1)
    assert prompt_of(64, 1)[0].text.count(" ") == 64
    order: list[tuple[str, int]] = []

    def timed(name: str, value: float) -> object:
        def one(number: int) -> float:
            order.append((name, number))
            return value

        return one

    first, second = alternated(2, timed("a", 3.0), timed("b", 2.0))  # type: ignore[arg-type]
    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert ratio(first, second) == 1.5
    assert gain([Written(10, 5, 1, 1), Written(20, 5, 1, 1)]) == 3.0
