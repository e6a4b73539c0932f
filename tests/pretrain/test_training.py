"""Training: batches, steps, being stopped and going on, two processes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pretrain.small_lessons import small_lessons
from sleepy_agent.errors import BadUsage
from sleepy_agent.process import CancelToken
from trainer.pretrain.network import count_parameters
from trainer.pretrain.prepared import batches, prepare, read_prepared
from trainer.pretrain.recipe import SIZES, Recipe, Shape, read_recipe, write_recipe
from trainer.pretrain.train_command import prepare_folder
from trainer.pretrain.training import Machine, answered, learning_rate, read_network, train

TINY = Recipe(
    Shape(48, 2, 2, 1, 96),
    steps=8,
    vocabulary=900,
    batch_tokens=1024,
    learning_rate=8e-3,
    warmup_steps=5,
    renumber=True,
)
EXACT = Machine(autocast=False)


def begun(folder: Path, recipe: Recipe, lessons: int = 120) -> Path:
    """The folder of a training that has not trained yet."""
    folder.mkdir()
    write_recipe(folder / "recipe.json", recipe)
    prepare(small_lessons(lessons), "hash", folder, recipe)
    return folder


def trained(folder: Path, machine: Machine = EXACT) -> dict[str, torch.Tensor]:
    """The weights at the end."""
    assert train(folder, machine, CancelToken(), lambda _line: None)
    network, steps = read_network(folder)
    assert steps == read_recipe(folder / "recipe.json").steps
    return network.state_dict()


@pytest.mark.parametrize(("size", "millions"), [("small", (5.5, 6.2)), ("large", (13.0, 14.6)), ("toy", (0.1, 0.3))])
def test_the_sizes_are_as_large_as_they_say(size: str, millions: tuple[float, float]) -> None:
    from trainer.pretrain.network import Qwen2

    recipe = SIZES[size]
    with torch.device("meta"):
        network = Qwen2(recipe.shape, recipe.vocabulary)
    assert millions[0] <= count_parameters(network) / 1e6 <= millions[1]


def test_every_lesson_is_in_one_batch_and_little_is_padding() -> None:
    lengths = [20 + number * 7919 % 400 for number in range(3000)]
    found = batches(range(3000), lengths.__getitem__, 4096, "one")
    assert sorted(number for batch in found for number in batch) == list(range(3000))
    rooms = [len(batch) * max(lengths[number] for number in batch) for batch in found]
    assert max(rooms) <= 4096
    assert sum(lengths) / sum(rooms) > 0.95
    assert found == batches(range(3000), lengths.__getitem__, 4096, "one")
    assert found != batches(range(3000), lengths.__getitem__, 4096, "two")


def test_a_lesson_that_is_longer_than_a_batch_has_one_of_its_own() -> None:
    assert sorted(batches([0, 1, 2], [50, 500, 40].__getitem__, 100, "x")) == [[1], [2, 0]]


def test_the_rate_rises_then_falls() -> None:
    recipe = replace(TINY, steps=100, warmup_steps=10, learning_rate=1.0)
    rates = [learning_rate(step, recipe) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert set(rates[10:66]) == {1.0}
    assert rates[66:] == sorted(rates[66:], reverse=True)
    assert 0.01 < rates[-1] < 0.05


@pytest.mark.parametrize(("reached", "steps", "may"), [(60, 200, True), (60, 80, False), (70, 200, False)])
def test_how_long_it_trains_may_change_until_the_rate_falls(
    tmp_path: Path, reached: int, steps: int, may: bool
) -> None:
    recipe = replace(TINY, steps=100)
    begun(tmp_path / "run", recipe, 40)
    (tmp_path / "run" / "log.jsonl").write_text(json.dumps({"step": reached}) + "\n")
    if may:
        prepare_folder(tmp_path / "run", tmp_path / "lessons", replace(recipe, steps=steps))
        assert read_recipe(tmp_path / "run" / "recipe.json").steps == steps
    else:
        with pytest.raises(BadUsage, match="another recipe"):
            prepare_folder(tmp_path / "run", tmp_path / "lessons", replace(recipe, steps=steps))


def test_only_lessons_that_train_and_tune_are_kept(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", TINY, 100)
    prepared = read_prepared(folder)
    assert prepared is not None
    assert (len(prepared.of_train), len(prepared.of_tune)) == (80, 10)
    assert len(prepared.families) == 90
    assert prepared.lengths.sum() == len(prepared.tokens)
    assert (prepared.prompt_lengths < prepared.lengths).all()


def test_it_learns_to_answer(tmp_path: Path) -> None:
    folder = begun(tmp_path / "run", replace(TINY, steps=220), 400)
    told: list[str] = []
    assert train(folder, Machine(), CancelToken(), told.append)
    prepared = read_prepared(folder)
    assert prepared is not None
    loss, right = answered(read_network(folder)[0], prepared, prepared.of_tune, EXACT)
    passed, asked = right["borrow_checker"]
    assert asked == 40
    assert passed >= 32, (loss, right)
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    losses = [line["answer_loss"] for line in lines if "answer_loss" in line]
    assert losses[-1] < 0.2 * losses[0]
    assert lines[-1]["tune_right"]["borrow_checker"][1] == 40
    assert any("tokens/s" in line for line in told)


def test_what_was_stopped_comes_to_the_same_weights(tmp_path: Path) -> None:
    never = trained(begun(tmp_path / "never", TINY))
    folder = begun(tmp_path / "stopped", TINY)
    cancel = CancelToken()

    def stop_soon(line: str) -> None:
        if "parameters" in line:
            cancel.cancel()

    assert not train(folder, EXACT, cancel, stop_soon)
    assert 0 < read_network(folder)[1] < TINY.steps
    stopped = trained(folder)
    assert all(torch.equal(values, stopped[name]) for name, values in never.items())
    steps = [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(steps)


def test_two_processes_come_to_what_one_comes_to(tmp_path: Path) -> None:
    alone = trained(begun(tmp_path / "alone", replace(TINY, steps=3)))
    together = trained(begun(tmp_path / "together", replace(TINY, steps=3)), Machine(processes=2, autocast=False))
    for name, values in alone.items():
        assert torch.allclose(values, together[name], atol=2e-3), name
