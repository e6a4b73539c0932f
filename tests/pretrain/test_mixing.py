"""The data keeps to its weights."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from trainer.pretrain.mixing import Mixture
from trainer.pretrain.records import Lesson
from trainer.pretrain.rounds import Told
from trainer.pretrain.split import SHARES
from trainer.pretrain.weights import Weights, weights

FREE = replace(
    weights(),
    most_of_a_shape=1.0,
    most_of_an_origin=1.0,
    most_of_a_mutation=1.0,
    most_of_a_code=1.0,
    most_of_typos=1.0,
    most_of_tried=1.0,
    most_of_crates=1.0,
)


def told(number: int, **changes: str) -> Told:
    lesson = Lesson(f"template:{number}", "type.x", "other", "E0308", f"question {number}", "a", "train", "s")
    sketch = tuple(range(number * 100, number * 100 + 12))
    return Told(replace(lesson, **changes), sketch)


def strict_about(limit: str) -> Weights:
    """Weights that allow two lessons of a hundred to be alike in one way."""
    changed: dict[str, Any] = {limit: 0.02}
    return replace(FREE, **changed)


def taken(mixture: Mixture, offered: list[Told]) -> int:
    return sum(mixture.offer(one) for one in offered)


def test_a_question_is_asked_once() -> None:
    mixture = Mixture(100, FREE)
    assert mixture.offer(told(1)) and not mixture.offer(told(2, prompt="question 1"))


def test_every_side_gets_its_share() -> None:
    mixture = Mixture(100, FREE)
    offered = [
        told(number, split=name) for name, _ in SHARES for number in range(100 * len(name), 100 * len(name) + 99)
    ]
    taken(mixture, offered)
    assert mixture.is_full
    sides = Counter(lesson.split for lesson in mixture.taken)
    assert sides == {"train": 79, "tune": 4, "gate": 4, "report": 13}


def test_nothing_is_there_too_often() -> None:
    for limit, changes in (
        ("most_of_a_shape", {}),
        ("most_of_a_code", {}),
        ("most_of_a_mutation", {}),
        ("most_of_an_origin", {"source": "template:same#1"}),
        ("most_of_typos", {"mutation": "typo.field"}),
        ("most_of_tried", {"prompt": "\n<tried>\n"}),
        ("most_of_crates", {"source": "crate:a-1.0.0/src/lib.rs::f"}),
    ):
        mixture = Mixture(1000, strict_about(limit))
        offered = [
            told(number, **{key: f"{value}{number if key == 'prompt' else ''}" for key, value in changes.items()})
            for number in range(100)
        ]
        assert taken(mixture, offered) == int(0.02 * 0.79 * 1000), limit


def test_a_program_is_on_one_side() -> None:
    mixture = Mixture(1000, FREE)
    assert mixture.offer(told(1))
    near = Told(told(2, split="report").lesson, (*told(1).sketch[:11], 7))
    far = Told(told(3, split="report").lesson, (*told(1).sketch[:5], *range(7)))
    assert not mixture.offer(near)
    assert mixture.offer(far)
    assert mixture.offer(Told(told(4).lesson, told(1).sketch))
