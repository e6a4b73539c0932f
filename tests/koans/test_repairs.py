"""Koans repaired by the engine: their tests decide, and nobody touches them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from koans.small_koans import DOOR, FOUNTAIN
from sleepy_agent.config import Settings, find_places
from sleepy_agent.domain import Candidate, Edit, Problem
from sleepy_agent.errors import BadUsage, Interrupted
from sleepy_agent.fixes.sources import Source, SourceContext
from sleepy_agent.fixes.sources.context import KnownItems
from sleepy_agent.fixes.sources.model import ModelSource
from sleepy_agent.koans.packages import lay_packages
from sleepy_agent.koans.records import Koan, KoanSet
from sleepy_agent.koans.repairs import REFUSAL, KoanSession, Repair, has_same_tests, repair_file
from sleepy_agent.koans.run import RunOptions, run_koans
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import ModelUnavailable
from sleepy_agent.serving.scripted import ScriptedAnswer, ScriptedModel

SETTINGS = Settings(slots=2)


@dataclass(frozen=True)
class Scripted:
    """A source that proposes to put one text in another's place, one proposal after the other."""

    swaps: tuple[tuple[str, str], ...]
    name: str = "template"

    def candidates(self, problem: Problem, context: SourceContext) -> Iterator[Candidate]:
        assert problem.span is not None
        text = context.read(problem.span.file)
        for old, new in self.swaps:
            start = text.find(old.encode())
            if start >= 0:
                edit = Edit(problem.span.file, start, start + len(old.encode()), new)
                yield Candidate(self.name, f"put {new}", (edit,))


def repaired(tmp_path: Path, koan: Koan, *swaps: tuple[str, str]) -> Repair:
    """The koan after a repair by a script."""
    return repaired_by(tmp_path, koan, Scripted(swaps))


def repaired_by(tmp_path: Path, koan: Koan, source: Source) -> Repair:
    """The koan after a repair by a source."""
    packages = lay_packages(tmp_path, [koan], {koan.name: koan.exercise}, {})
    cancel = CancelToken()
    with KoanSession.open(packages.root, find_places(), SETTINGS, cancel) as session:
        return repair_file(session, [source], packages.source(koan.name), 60.0, KnownItems(), cancel)


def test_a_repair_tells_what_was_done_and_what_it_cost(tmp_path: Path) -> None:
    repair = repaired(tmp_path, DOOR, ("&self", "&mut self"))
    assert repair.is_green
    assert repair.texts == (DOOR.solution,)
    assert "+    pub fn let_in(&mut self" in repair.diff
    assert (repair.sources, repair.steps, repair.attempts) == (("template",), 1, 1)
    assert repair.milliseconds > 0
    assert (repair.rounds, repair.tokens_in, repair.model_id, repair.left) == (0, 0, None, "")


def test_an_edit_of_the_tests_is_refused(tmp_path: Path) -> None:
    # The code compiles once the summ is gone, and so would it with this constant in the test module's place.
    tests = FOUNTAIN.exercise[FOUNTAIN.exercise.index("#[cfg(test)]") :]
    repair = repaired(tmp_path, FOUNTAIN, (tests, "#[allow(non_upper_case_globals)]\nconst summ: u32 = 0;\n"))
    assert not repair.is_green
    assert repair.texts == ()
    assert "summ" in repair.left
    assert repair.attempts == 1


def answer(new: str, copies: int) -> ScriptedAnswer:
    """What a model says that would have a line changed."""
    text = f"<<<<<<< SEARCH\n            best = Some(summ);\n=======\n            {new}\n>>>>>>> REPLACE"
    return ScriptedAnswer((text,) * copies)


def test_what_a_model_costs_is_counted(tmp_path: Path) -> None:
    script = [answer("best = Some(best);", 1), answer("best = Some(best);", 3)]
    script += [answer("best = Some(sum);", 1), answer("best = Some(sum);", 3)]
    model = ModelSource("model", ScriptedModel(script, "scripted"), samples=4, rounds=2, seconds=60.0)
    repair = repaired_by(tmp_path, FOUNTAIN, model)
    assert repair.is_green
    assert (repair.sources, repair.rounds, repair.model_id) == (("model",), 2, "scripted")
    assert repair.tokens_in >= 200
    assert repair.tokens_out > 0


def test_a_model_that_does_not_answer_is_told(tmp_path: Path) -> None:
    silent = ScriptedModel([ScriptedAnswer(unavailable=ModelUnavailable("It sleeps.", "Wake it."), is_repeated=True)])
    repair = repaired_by(tmp_path, FOUNTAIN, ModelSource("model", silent))
    assert not repair.is_green
    assert repair.unavailable == ("model: It sleeps. Wake it.",)


def test_what_counts_as_the_same_tests() -> None:
    before = DOOR.exercise.encode()
    assert has_same_tests(before, DOOR.solution.encode())
    assert not has_same_tests(before, before.replace(b"let_in(3), 5", b"let_in(3), 3"))
    assert not has_same_tests(before, before[: before.index(b"#[cfg(test)]")])
    assert REFUSAL


def ran(koans: Sequence[Koan], options: RunOptions, cancel: CancelToken | None = None) -> tuple[list[str], list[str]]:
    """What became of the koans, and the stages that were told."""
    stages: list[str] = []
    done = run_koans(
        koans, KoanSet(Path(), tuple(koans), {}, {}), options, find_places(), SETTINGS, cancel or CancelToken(),
        stages.append,
    )  # fmt: skip
    assert done.sources == options.sources
    assert done.model_id is None
    told = [f"{one.name} {one.compiles} {one.passed} {one.passed_at_k}: {one.reason}" for one in done.results]
    return told, stages


def test_a_repair_that_only_compiles_does_not_pass() -> None:
    wrong = replace(
        DOOR,
        name="cellar_door",
        exercise=DOOR.exercise.replace("door.let_in(3), 5", "door.let_in(3), 7"),
    )
    told, stages = ran([wrong, DOOR, FOUNTAIN], RunOptions(("compiler",)))
    assert told[0] == "cellar_door True False False: tests::every_visit_counts fails"
    assert told[1] == "museum_door True True True: its tests pass"
    assert told[2].startswith("wishing_fountain True True True")
    assert "repairing 2 of 3: museum_door" in stages
    assert stages[-1] == "running the tests of 3 repaired koans"


def test_what_no_source_mends_is_told_with_its_error() -> None:
    hard = replace(DOOR, exercise=DOOR.exercise.replace("&self", "&mut self").replace("self.visitors\n", "self\n"))
    told, _ = ran([hard], RunOptions(("template",), seconds=30.0))
    assert told == ["museum_door False False False: not mended: mismatched types"]


def test_a_source_that_is_not_there() -> None:
    with pytest.raises(BadUsage, match="oracle"):
        ran([DOOR], RunOptions(("oracle",)))


def test_a_run_can_be_stopped() -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Interrupted):
        ran([DOOR], RunOptions(("compiler",)), cancel)
