"""The grammar takes the answers that are understood. It is read here by a few lines, and by llama.cpp where a model
is served."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from serving.tiny_models import write_tiny_model

from sleepy_agent.fixes.prompts.answers import BadAnswer, parse_answer
from sleepy_agent.fixes.prompts.grammar import line_grammar, quoted
from sleepy_agent.fixes.prompts.profiles import EditForm
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import FinishReason
from sleepy_agent.serving.engine import GenerateRequest
from sleepy_agent.serving.llama.llama_engine import EngineSettings, load_engine

from .programs import SHELF, plain_view, prompt_for

CODE = 'fn main() {\n    let a = "x\\n";\n    f(a, \'"\');\n}\n'


def as_pattern(grammar: str) -> re.Pattern[str]:
    """A grammar whose rules do not call themselves, as a regular expression."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.strip().split("\n"))
    known: dict[str, str] = {}

    def pattern_of(name: str) -> str:
        if name not in known:
            found = []
            for token in re.findall(r'"(?:\\.|[^"\\])*"|\[[^\]]*\][*+]?|[\w-]+|\{[\d,]+\}|[()|]', rules[name]):
                if token.startswith('"'):
                    found.append(re.escape(token[1:-1].encode().decode("unicode_escape")))
                elif token in rules:
                    found.append(f"(?:{pattern_of(token)})")
                else:
                    found.append("(?:" if token == "(" else token)
            known[name] = "".join(found)
        return known[name]

    return re.compile(pattern_of("root"))


@pytest.fixture(scope="module")
def pattern() -> re.Pattern[str]:
    view, _ = plain_view(CODE)
    grammar = line_grammar((line.number, line.text) for line in view.lines)
    assert grammar is not None
    return as_pattern(grammar)


@pytest.mark.parametrize(
    ("answer", "is_taken"),
    [
        ("L2 a <=> mut a", True),
        ('L2 let a = "x\\n"; <=> ', True),
        ("L3 (a, <=> (&a,", True),
        ("L3 ++ g();", True),
        ("L2 a <=> b\nL3 f <=> g", True),
        ("L5 a <=> b", False),
        ("L2 b <=> a", False),
        ("L3 f ( <=> g(", False),
        ("Hello", False),
        ("L2 a <=> b\n\nL3 f <=> g", False),
        ("L2 a <=> b" + "\nL3 f <=> g" * 4, False),
    ],
)
def test_what_it_takes(answer: str, is_taken: bool, pattern: re.Pattern[str]) -> None:
    assert (pattern.fullmatch(answer) is not None) == is_taken
    if is_taken:
        view, context = plain_view(CODE)
        assert not isinstance(parse_answer(answer, EditForm.LINES, view, context.read), BadAnswer)


def test_too_much_to_choose_from_has_no_grammar() -> None:
    assert line_grammar((number, "let a = b + c;") for number in range(1, 200)) is None
    assert line_grammar([]) is None


def test_texts_are_quoted() -> None:
    assert quoted('a"b\\c\t') == '"a\\"b\\\\c\\t"'


def test_llama_cpp_reads_it_and_even_a_model_without_sense_writes_edits(tmp_path: Path) -> None:
    engine = load_engine(EngineSettings(write_tiny_model(tmp_path / "tiny.gguf"), name="tiny", threads=1))
    prompt = prompt_for(tmp_path, SHELF.replace('shelf.remove("x")', "shelf.books.len()"), "E0384")
    assert prompt.grammar is not None and prompt.names is not None
    request = GenerateRequest(
        prompt.parts, n=6, temperature=1.5, max_tokens=150, grammar=prompt.grammar, stop=prompt.profile.stop, seed=7
    )
    try:
        samples = engine.generate(request, CancelToken()).samples
    finally:
        engine.close()
    form = as_pattern(prompt.grammar)
    finished = [sample.text for sample in samples if sample.finish_reason is FinishReason.STOP]
    # Without sense means without an end, too, for some of them.
    assert all(re.match(r"L[1-8] ", sample.text) for sample in samples)
    assert all(form.fullmatch(text.rstrip("\n")) for text in finished), finished
    assert len({sample.text for sample in samples}) > 1
