"""`sleepy koans check` and `sleepy koans run` as they are typed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]
from koans.small_koans import DOOR, FOUNTAIN, write_koans

from cli.fakes import make_terminal, parse
from sleepy_agent.cli.console import console_for
from sleepy_agent.cli.koans import run_with
from sleepy_agent.cli.koans_report import print_run, run_as_json
from sleepy_agent.errors import BadKoans, BadUsage
from sleepy_agent.koans.run import KoanRun
from sleepy_agent.koans.scores import KoanResult

SCHEMA = Path(__file__).parents[2] / "docs" / "koans-run.schema.json"


def typed(*words: str) -> tuple[int, str, str]:
    """The exit code of a command line, what it printed, and what it said on stderr."""
    terminal = make_terminal()
    code = run_with(parse("koans", *words), terminal.as_terminal)
    return code, terminal.output.getvalue(), terminal.errors.getvalue()


def check_schema(found: object) -> None:
    """Raise where a run's object is not what the schema says."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(found)


def test_koans_in_which_nothing_is_wrong(tmp_path: Path) -> None:
    folder = write_koans(tmp_path, [DOOR, FOUNTAIN])
    code, output, _ = typed("check", "--folder", str(folder), "--only", "museum_door")
    assert code == 0
    assert output.splitlines()[-1] == "1 koan: nothing is wrong."
    assert "compiling 1 exercises ..." in output


def test_what_is_wrong_is_said_a_line_each(tmp_path: Path) -> None:
    folder = write_koans(tmp_path, [replace(DOOR, code="E0596", hint="door")])
    code, output, errors = typed("check", "--folder", str(folder), "--json")
    assert (code, errors) == (1, "")
    found = json.loads(output)
    assert found["koans"] == 1
    texts = [one["text"] for one in found["complaints"] if one["koan"] == "museum_door"]
    assert any("no sentence" in text for text in texts)
    assert any(text.startswith("rustc says E0594") for text in texts)
    assert any(one["text"] == "there are 1 koans: make them 80." for one in found["complaints"])


def test_programs_are_compared_with_the_koans(tmp_path: Path) -> None:
    folder = write_koans(tmp_path / "koans", [DOOR])
    programs = tmp_path / "programs.jsonl"
    programs.write_text(json.dumps({"program": DOOR.solution}) + "\n", encoding="utf-8")
    code, output, _ = typed("check", "--folder", str(folder), "--against", str(programs))
    assert code == 1
    assert "museum_door: line 1 of programs.jsonl has 100% of it: take that program out." in output
    assert output.splitlines()[-1] == "1 thing to mend in 1 koan."


def test_koans_are_repaired_and_scored(tmp_path: Path) -> None:
    folder = write_koans(tmp_path, [replace(DOOR, frozen=True), FOUNTAIN])
    code, output, errors = typed("run", "--folder", str(folder), "--sources", "compiler", "--frozen", "--json")
    assert (code, errors) == (0, "")
    found = json.loads(output)
    check_schema(found)
    assert (found["sources"], found["model"]) == (["compiler"], None)
    assert [(one["name"], one["passed"]) for one in found["koans"]] == [("museum_door", True)]
    assert [one["name"] for one in found["scores"]] == ["all", "frozen", "borrow_checker"]
    assert found["scores"][0]["passed"]["count"] == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("check", "--only", "attic"), "no koan and no family of that name"),
        (("run", "--frozen"), "None of these koans is frozen"),
        (("run", "--sources", "oracle"), "no source 'oracle'"),
        (("run", "--samples", "0"), "model_samples is 0"),
        (("run", "--rounds", "99"), "model_rounds is 99"),
        (("run", "--budget", "soon"), "--budget 'soon' is not a length of time"),
        (("check", "--against", "nowhere.jsonl"), "cannot be read"),
    ],
)
def test_what_means_nothing(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    folder = write_koans(tmp_path, [DOOR])
    with pytest.raises(BadUsage, match=says):
        typed(*words, "--folder", str(folder))


def test_a_folder_without_koans(tmp_path: Path) -> None:
    with pytest.raises(BadKoans):
        typed("check", "--folder", str(tmp_path))


RESULT = KoanResult(
    "museum_door", "borrow_checker", "E0594", frozen=True, compiles=True, passed=True, passed_at_k=True,
    reason="its tests pass", sources=("template", "compiler"), attempts=4, milliseconds=120.4,
)  # fmt: skip
DONE = KoanRun(
    sources=("compiler", "model"),
    model_id="seed#0a1b2c3d",
    samples=8,
    rounds=3,
    results=(
        RESULT,
        replace(
            RESULT, name="attic", family="syntax", frozen=False, compiles=False, passed=False, passed_at_k=False,
            reason="not mended: expected `;`", sources=(), rounds=3, tokens_in=400, tokens_out=90,
        ),
    ),
    unavailable=("model: It does not answer. Start it.",),
)  # fmt: skip


def test_how_a_run_is_printed() -> None:
    terminal = make_terminal()
    print_run(console_for(terminal.as_terminal, terminal.as_terminal.output), DONE)
    lines = terminal.output.getvalue().splitlines()
    assert lines[0] == "museum_door  E0594  passes    120 ms    4 tried  template+compiler"
    assert lines[1] == "attic        E0594  fails     120 ms    4 tried  not mended: expected `;`"
    assert lines[2] == "model: It does not answer. Start it."
    assert lines[4] == "Sources: compiler, model (seed#0a1b2c3d, 8 samples, 3 rounds). Intervals: Wilson, 95 %."
    assert lines[5].split() == ["pass", "pass@8", "compiles", "p50", "ms", "rounds", "tokens"]
    assert lines[6].split() == ["all", "1/2", "50%", "(9%-91%)", "1/2", "50%", "1/2", "50%", "120", "1.5", "400+90"]
    assert [line.split("  ")[0] for line in lines[7:]] == ["not frozen", "frozen", "borrow_checker", "syntax"]


def test_the_schema_lets_nothing_else_through() -> None:
    with pytest.raises(ValidationError):
        check_schema({**run_as_json(DONE), "hints": []})


def test_a_run_for_programs() -> None:
    found = json.loads(json.dumps(run_as_json(DONE)))
    assert (found["samples"], found["rounds"], found["model"]) == (8, 3, "seed#0a1b2c3d")
    check_schema(found)
    assert found["koans"][1]["tokens_in"] == 400
    assert found["unavailable"] == ["model: It does not answer. Start it."]
