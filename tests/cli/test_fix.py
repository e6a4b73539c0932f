"""`sleepy fix` on a terminal of strings, with an engine that follows a script."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from cli.fakes import DIFF, FakeTerminal, ScriptedEngine, make_fix, make_problem, make_terminal, parse
from sleepy_agent.cli.console import console_for
from sleepy_agent.cli.deciding import show_what_is_taken
from sleepy_agent.cli.fix import read_mode, run_with
from sleepy_agent.cli.progress import Progress
from sleepy_agent.domain import Proof
from sleepy_agent.errors import BadUsage, Interrupted
from sleepy_agent.fixes.events import Decision, FixAccepted, SourceUnavailable
from sleepy_agent.process import CancelToken

SCHEMA = Path(__file__).parents[2] / "docs" / "fix-report.schema.json"


def run_fix(engine: ScriptedEngine, terminal: FakeTerminal, project: Path, *options: str) -> int:
    arguments = parse("fix", str(project), *options)
    return run_with(arguments, read_mode(arguments, terminal.as_terminal), terminal.as_terminal, engine)


@pytest.fixture
def two_fixes(tmp_path: Path) -> ScriptedEngine:
    """A preferred fix, then one with a flag."""
    return ScriptedEngine(
        (
            make_fix(make_problem(tmp_path)),
            make_fix(
                make_problem(tmp_path, code="E0308", file="src/other.rs", message="mismatched types"),
                preferred=False,
                flags=("new_unwrap",),
                title="unwrap it",
            ),
        )
    )


def test_without_anybody_to_ask_it_says_what_to_add(two_fixes: ScriptedEngine, tmp_path: Path) -> None:
    with pytest.raises(BadUsage) as caught:
        run_fix(two_fixes, make_terminal(), tmp_path)
    assert all(option in caught.value.remedy for option in ("--apply", "--dry-run", "--json"))


@pytest.mark.parametrize(
    ("options", "writes"),
    [
        (("--apply",), True),
        (("--dry-run",), False),
        (("--json",), False),
        (("--json", "--apply"), True),
        (("--json", "--dry-run"), False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_is_written_without_asking(
    options: tuple[str, ...], writes: bool, two_fixes: ScriptedEngine, tmp_path: Path
) -> None:
    assert run_fix(two_fixes, make_terminal(), tmp_path, *options) == 1
    assert two_fixes.asked_for
    assert two_fixes.asked_for.write is writes
    assert two_fixes.decisions == [Decision.YES, Decision.NO]


@pytest.mark.parametrize(
    ("answers", "decisions", "exit_code"),
    [
        ("y\ny\n", [Decision.YES, Decision.YES], 0),
        ("y\nn\n", [Decision.YES, Decision.NO], 1),
        ("n\nYES\n", [Decision.NO, Decision.YES], 1),
        ("q\n", [Decision.QUIT], 1),
        ("", [Decision.QUIT], 1),
        ("s\ny\n", [Decision.SKIP_FILE, Decision.YES], 1),
        # The second one has a flag, so it is asked about all the same.
        ("a\nn\n", [Decision.YES, Decision.NO], 1),
        ("?\nwhat\n\ny\ny\n", [Decision.YES, Decision.YES], 0),
    ],
)
def test_answers(
    answers: str, decisions: list[Decision], exit_code: int, two_fixes: ScriptedEngine, tmp_path: Path
) -> None:
    terminal = make_terminal(answers, interactive=True)
    assert run_fix(two_fixes, terminal, tmp_path) == exit_code
    assert two_fixes.decisions == decisions


def test_all_takes_the_preferred_ones_that_follow_without_asking(tmp_path: Path) -> None:
    engine = ScriptedEngine(tuple(make_fix(make_problem(tmp_path, file=f"src/{name}.rs")) for name in "abc"))
    terminal = make_terminal("n\na\n", interactive=True)
    run_fix(engine, terminal, tmp_path)
    assert engine.decisions == [Decision.NO, Decision.YES, Decision.YES]
    assert terminal.output.getvalue().count("Apply this fix") == 2


def test_skip_leaves_the_rest_of_the_file(tmp_path: Path) -> None:
    files = ("src/a.rs", "src/a.rs", "src/b.rs")
    engine = ScriptedEngine(tuple(make_fix(make_problem(tmp_path, file=file)) for file in files))
    run_fix(engine, make_terminal("s\ny\n", interactive=True), tmp_path)
    assert engine.decisions == [Decision.SKIP_FILE, Decision.SKIP_FILE, Decision.YES]


def test_help_at_the_prompt_explains_every_letter(two_fixes: ScriptedEngine, tmp_path: Path) -> None:
    terminal = make_terminal("?\nq\n", interactive=True)
    run_fix(two_fixes, terminal, tmp_path)
    shown = terminal.output.getvalue()
    assert all(f"{letter} - " in shown for letter in "ynasq")


def test_a_block_shows_problem_place_family_title_source_diff_proof_and_flags(
    two_fixes: ScriptedEngine, tmp_path: Path
) -> None:
    terminal = make_terminal()
    run_fix(two_fixes, terminal, tmp_path, "--apply")
    shown = terminal.output.getvalue()
    for expected in (
        "error[E0382] borrow of moved value: `x`   src/lib.rs:12:5   borrow_checker",
        "clone it",
        "   from compiler",
        "why: it is the only one",
        "-    take(x);",
        "+    take(x.clone());",
        "proof: target gone, nothing new, 140 ms",
        "proven, not taken: unwrap it (new unwrap)",
        "1 problem remains: 1 of 2 fixed in 1.2 s.",
        "12 attempts recorded; sleepy log shows them, sleepy undo takes the run back",
    ):
        assert expected in shown
    assert "\x1b" not in shown


def test_what_is_left_is_said_with_its_reason(tmp_path: Path) -> None:
    engine = ScriptedEngine((), (make_problem(tmp_path, code=None, message="expected `;`"),))
    terminal = make_terminal()
    assert run_fix(engine, terminal, tmp_path, "--apply") == 1
    assert "error expected `;`   src/lib.rs:12:5" in terminal.output.getvalue()
    assert "no candidate passed (3 candidates tried)" in terminal.output.getvalue()


def test_what_was_not_asked_for_is_only_counted(tmp_path: Path) -> None:
    engine = ScriptedEngine((), (make_problem(tmp_path), make_problem(tmp_path, code="E0308")))
    terminal = make_terminal()
    run_fix(engine, terminal, tmp_path, "--apply", "--code", "E0308")
    assert "error[E0308]" in terminal.output.getvalue()
    assert "error[E0382]" not in terminal.output.getvalue()
    assert "1 problem you did not ask for" in terminal.output.getvalue()


def test_a_flood_of_problems_is_cut(tmp_path: Path) -> None:
    engine = ScriptedEngine((), tuple(make_problem(tmp_path, message=f"number {number}") for number in range(2000)))
    terminal = make_terminal()
    run_fix(engine, terminal, tmp_path, "--apply")
    assert "1960 more problems; --json lists them all" in terminal.output.getvalue()


def test_errors_that_were_hidden_are_said_aloud(tmp_path: Path) -> None:
    hidden = make_problem(tmp_path, code="E0502", message="cannot borrow").diagnostic
    engine = ScriptedEngine((make_fix(make_problem(tmp_path), unmasked=(hidden,)),))
    terminal = make_terminal()
    run_fix(engine, terminal, tmp_path, "--apply")
    assert "uncovers error[E0502] cannot borrow   src/lib.rs:12" in terminal.output.getvalue()


def test_nothing_broken_is_green(tmp_path: Path) -> None:
    terminal = make_terminal()
    assert run_fix(ScriptedEngine(()), terminal, tmp_path, "--apply") == 0
    assert "All green: no errors found" in terminal.output.getvalue()


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
    ids=["terminal", "NO_COLOR", "TERM=dumb"],
)
def test_colours(environment: dict[str, str], coloured: bool, two_fixes: ScriptedEngine, tmp_path: Path) -> None:
    terminal = make_terminal(colours=True, environment=environment)
    run_fix(two_fixes, terminal, tmp_path, "--apply")
    assert ("\x1b[32m" in terminal.output.getvalue()) is coloured


def test_text_of_the_compiler_is_never_taken_for_markup(tmp_path: Path) -> None:
    message = "expected `[u8]`, found [bold]x[/bold] :smile:"
    engine = ScriptedEngine((make_fix(make_problem(tmp_path, message=message)),))
    terminal = make_terminal(colours=True, environment={"NO_COLOR": "1"})
    run_fix(engine, terminal, tmp_path, "--apply")
    assert message in terminal.output.getvalue()


@pytest.mark.parametrize("options", [("--json",), ("--json", "--apply")], ids=" ".join)
def test_json_is_one_object_as_its_schema_says(
    options: tuple[str, ...], two_fixes: ScriptedEngine, tmp_path: Path
) -> None:
    terminal = make_terminal()
    run_fix(two_fixes, terminal, tmp_path, *options)
    report = json.loads(terminal.output.getvalue())
    Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(report)
    assert report["dry_run"] is ("--apply" not in options)
    first, second = report["problems"]
    assert (first["code"], first["fixed"], first["file"], first["source"]) == ("E0382", True, "src/lib.rs", "compiler")
    assert (second["fixed"], second["title"]) == (False, None)
    assert second["alternatives"][0]["flags"] == ["new_unwrap"]
    assert terminal.errors.getvalue() == ""


@pytest.mark.parametrize("options", [("--apply",), ("--dry-run",), ()], ids=lambda value: " ".join(value) or "asking")
def test_why_shows_the_order_and_what_it_is_made_of(
    options: tuple[str, ...], two_fixes: ScriptedEngine, tmp_path: Path
) -> None:
    without: list[str] = []
    shown: list[str] = []
    for more, kept in ((), without), (("--why",), shown):
        terminal = make_terminal("y\nn\n", interactive=not options)
        run_fix(two_fixes, terminal, tmp_path, *options, *more)
        kept.append(terminal.output.getvalue())
    expected = (
        "1. clone it   0.350   target gone, nothing new",
        "rustc is sure +0.100; copies the value +0.250",
        "2. borrow it   0.400   The error is still there",
        "3. rewrite it   1.500   not compiled: what was compiled before it was enough",
        # The second offer, which is left.
        "1. unwrap it   0.350   target gone, nothing new",
    )
    assert all(line in shown[0] for line in expected)
    assert not any(line in without[0] for line in expected)


def test_a_fix_that_was_agreed_to_in_an_earlier_round_is_shown_with_its_diff(tmp_path: Path) -> None:
    terminal = make_terminal()
    console = console_for(terminal.as_terminal, terminal.as_terminal.output)
    with Progress(console, tmp_path, animated=False) as progress:
        _, emit = show_what_is_taken(console, tmp_path, progress)
        fix = make_fix(make_problem(tmp_path))
        emit(FixAccepted(fix, DIFF, ("it is the only one",)))
        emit(FixAccepted(make_fix(make_problem(tmp_path, message="another")), ""))
    shown = terminal.output.getvalue()
    assert "+    take(x.clone());" in shown and "why: it is the only one" in shown
    assert shown.count("the same change mends it") == 1


@pytest.mark.parametrize("animated", [False, True])
def test_what_a_model_cannot_do_stays_on_the_screen(animated: bool, tmp_path: Path) -> None:
    terminal = make_terminal()
    console = console_for(terminal.as_terminal, terminal.as_terminal.output)
    with Progress(console, tmp_path, animated=animated) as progress:
        progress.show(SourceUnavailable("model", "There is no model.", "`sleepy model pull` fetches one."))
    shown = " ".join(terminal.output.getvalue().split())
    assert "The source model does not answer: There is no model. `sleepy model pull` fetches one." in shown


def test_json_tells_why_only_where_it_is_asked_to(two_fixes: ScriptedEngine, tmp_path: Path) -> None:
    terminal = make_terminal()
    run_fix(two_fixes, terminal, tmp_path, "--json", "--why")
    report = json.loads(terminal.output.getvalue())
    Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(report)
    lines = report["problems"][0]["why"]
    assert [(line["title"], line["passed"], line["template"]) for line in lines] == [
        ("clone it", True, None),
        ("borrow it", False, "borrow_argument"),
        ("rewrite it", None, None),
    ]
    assert lines[0]["parts"] == [{"says": "rustc is sure", "cost": 0.1}, {"says": "copies the value", "cost": 0.25}]
    plain = make_terminal()
    run_fix(two_fixes, plain, tmp_path, "--json")
    assert all("why" not in problem for problem in json.loads(plain.output.getvalue())["problems"])


def test_the_schema_describes_a_report_without_places(tmp_path: Path) -> None:
    problem = make_problem(tmp_path, code=None)
    nowhere = type(problem)(
        type(problem.diagnostic)(problem.diagnostic.level, None, "linking failed", ()), "shop", (), "other", "f" * 16
    )
    terminal = make_terminal()
    run_fix(ScriptedEngine((), (nowhere,)), terminal, tmp_path, "--json")
    report = json.loads(terminal.output.getvalue())
    Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(report)
    assert report["problems"][0]["range"] is None


def test_options_reach_the_engine(two_fixes: ScriptedEngine, tmp_path: Path) -> None:
    file = tmp_path / "a.rs"
    file.touch()
    run_fix(
        two_fixes,
        make_terminal(),
        tmp_path,
        *("--apply", "--code", "E0382,e0502", "--code", "E0308", "--file", str(file), "--sources", "compiler,template"),
        *("--clippy", "--proof", "test", "--budget", "2m"),
    )
    asked = two_fixes.asked_for
    assert asked
    assert asked.codes == {"E0382", "E0502", "E0308"}
    assert asked.files == (file,)
    assert asked.sources == ("compiler", "template")
    assert (asked.clippy, asked.proof, asked.budget_seconds) == (True, Proof.TEST, 120.0)


def test_without_sources_every_source_may_work(two_fixes: ScriptedEngine, tmp_path: Path) -> None:
    run_fix(two_fixes, make_terminal(), tmp_path, "--apply")
    assert two_fixes.asked_for
    assert two_fixes.asked_for.sources is None


def test_a_run_that_was_cancelled_exits_so(two_fixes: ScriptedEngine, tmp_path: Path) -> None:
    two_fixes.before_offers = CancelToken.cancel
    assert run_fix(two_fixes, make_terminal(), tmp_path, "--apply") == 130


def test_a_question_after_a_cancel_is_not_asked(two_fixes: ScriptedEngine, tmp_path: Path) -> None:
    two_fixes.before_offers = CancelToken.cancel
    terminal = make_terminal("y\ny\n", interactive=True)
    with pytest.raises(Interrupted):
        run_fix(two_fixes, terminal, tmp_path)
