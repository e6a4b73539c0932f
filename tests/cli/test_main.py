"""Dispatch, help, and what becomes of everything that goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sleepy_agent.cli.command import CORE_COMMANDS, Command, every_command, import_command, installed_entry_points
from sleepy_agent.cli.main import EXIT_BROKEN_PIPE, main
from sleepy_agent.errors import BadUsage, FileChanged, SleepyError

# Each of these costs more than the whole of `--help` may.
HEAVY_MODULES = (
    "rich",
    "sqlite_utils",
    "sqlite3",
    "tree_sitter",
    "tomllib",
    "platformdirs",
    "subprocess",
    "asyncio",
    "dataclasses",
)


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def failing_command(monkeypatch: pytest.MonkeyPatch, error: Callable[[], BaseException]) -> tuple[Command, ...]:
    """A command, found as another package's would be, that raises."""
    import types

    module = types.ModuleType("failing_command_module")

    def add_arguments(parser: object) -> None:
        parser.add_argument("--json", action="store_true")  # type: ignore[attr-defined]

    def run(_arguments: object) -> int:
        raise error()

    module.__dict__.update(add_arguments=add_arguments, run=run)
    monkeypatch.setitem(sys.modules, "failing_command_module", module)
    # A dotted name says that the module is not one of the core's.
    monkeypatch.setitem(sys.modules, "failing_command_module.inner", module)
    return (Command("fail", "fail", "failing_command_module.inner"),)


def test_help_lists_every_command_with_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    # Lines are broken at hyphens, too, so spaces are not compared.
    shown = "".join(capsys.readouterr().out.split())
    for command in every_command():
        assert f"{command.name}{command.summary}".replace(" ", "") in shown


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from sleepy_agent.cli.main import main; before = len(sys.modules); main(['--help']);"
        f"print([name for name in {HEAVY_MODULES!r} if name in sys.modules], file=sys.stderr);"
        "print(len(sys.modules), file=sys.stderr)"
    )
    ended = run_python(code)
    heavy, number = ended.stderr.strip().splitlines()
    assert heavy == "[]"
    # Counted instead of timed, so that a busy machine cannot fail it: a bare `python -c pass` has about 60.
    assert int(number) < 130


@pytest.mark.parametrize("command", CORE_COMMANDS, ids=lambda command: command.name)
def test_every_command_explains_itself(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command.name, "--help"]) == 0
    assert command.summary[1:30] in " ".join(capsys.readouterr().out.split())
    assert import_command(command).run.__doc__


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("sleepy 0.")


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "commands:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message", "remedy"),
    [
        (["fxi"], "There is no command `fxi`.", "Did you mean `sleepy fix`?"),
        (["zzz"], "There is no command `zzz`.", "The commands are: fix,"),
        (["fix", "--bogus"], "Unknown arguments: --bogus.", "`sleepy fix --help`"),
        (["fix", "--apply", "--dry-run"], "not allowed with", "`sleepy fix --help`"),
        (["fix", "--proof", "hope"], "invalid choice: 'hope'", "`sleepy fix --help`"),
        (["fix", "--apply", "--budget", "soon"], "--budget 'soon' is not a length of time.", "30s"),
        (["fix", "--apply", "/nowhere/at/all"], "There is nothing at", "cargo project"),
        (["log", "--limit", "0"], "--limit 0 shows nothing.", "from 1"),
        (["log", "--limit", "many"], "invalid int value: 'many'", "`sleepy log --help`"),
        (["log", "--run", "feed"], "No run here begins with feed.", "`sleepy log`"),
        (["log", "/nowhere"], "Nothing is recorded of", "`sleepy fix`"),
        (["forget"], "Nothing says what to forget.", "--all"),
        (["forget", "--all", "--older-than", "3d"], "What to forget is not clear.", "--all"),
        (["forget", "--all"], "Forgetting asks first", "--yes"),
        (["forget", "--older-than", "old"], "--older-than 'old' is not a length of time.", "90d"),
        (["undo", "/nowhere/at/all"], "There is nothing at", "cargo project"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_usage_is_one_sentence_a_remedy_and_exit_two(
    words: list[str], message: str, remedy: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", open(os.devnull, encoding="utf-8"))  # noqa: PTH123, SIM115
    assert main(words) == 2
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    assert lines[0].startswith("sleepy: ")
    assert message in lines[0]
    assert remedy in lines[1]
    assert len(lines) == 2


def test_errors_are_json_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fix", "--json", "/nowhere/at/all"]) == 2
    captured = capsys.readouterr()
    error = json.loads(captured.out)["error"]
    assert set(error) == {"message", "remedy"}
    assert captured.err == ""


def test_an_error_of_the_tree_is_printed_and_chooses_the_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = failing_command(monkeypatch, lambda: FileChanged("src/lib.rs has changed.", "Look at it."))
    assert main(["fail"], commands) == 2
    assert capsys.readouterr().err == "sleepy: src/lib.rs has changed.\nLook at it.\n"


def test_a_mistake_of_our_own_leaves_its_traceback_in_a_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, sleepy_home: Path
) -> None:
    assert main(["fail"], failing_command(monkeypatch, lambda: KeyError("x"))) == 2
    shown = capsys.readouterr().err
    (file,) = (sleepy_home / "state" / "tracebacks").iterdir()
    assert str(file) in shown
    assert "Traceback" not in shown
    assert "KeyError: 'x'" in file.read_text(encoding="utf-8")


def test_where_no_traceback_can_be_kept_it_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, sleepy_home: Path
) -> None:
    (sleepy_home / "state").write_text("a file where the folder should be", encoding="utf-8")
    assert main(["fail"], failing_command(monkeypatch, lambda: KeyError("x"))) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyError("x"), SleepyError("a", "b")], ids=["unexpected", "foreseen"])
def test_the_traceback_variable_lets_errors_through(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLEEPY_TRACEBACK", "1")
    with pytest.raises(type(error)):
        main(["fail"], failing_command(monkeypatch, lambda: error))


def test_ctrl_c_outside_a_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["fail"], failing_command(monkeypatch, KeyboardInterrupt)) == 130
    assert capsys.readouterr().err.startswith("sleepy: Stopped.")


@pytest.mark.parametrize("word", ["--version", "log"])
def test_a_reader_that_left_is_no_error(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Unbuffered, argparse itself swallows the complaint; usually nothing is written before the end.
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "sleepy_agent.cli", word], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert ended.returncode == EXIT_BROKEN_PIPE
    assert ended.stderr == b""


def test_other_packages_add_commands_but_replace_none() -> None:
    added = (Command("sleepwalk", "sleepwalk", "somewhere.walk"), Command("fix", "mine", "somewhere.fix"))
    assert every_command(added) == (*CORE_COMMANDS, added[0])


def test_installed_entry_points_are_those_python_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import entry_points

    installed = tmp_path / "night_owl-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: night-owl\nVersion: 1.0\n", encoding="utf-8")
    (installed / "entry_points.txt").write_text(
        "[console_scripts]\nowl = owl:main\n\n[sleepy.commands]\nnight = owl.commands:NIGHT\nmorning=owl.gone:X\n"
        "\n[other.group]\nday = owl:day\n",
        encoding="utf-8",
    )
    (tmp_path / "owl").mkdir()
    (tmp_path / "owl" / "__init__.py").touch()
    (tmp_path / "owl" / "commands.py").write_text(
        "from sleepy_agent.cli.command import Command\nNIGHT = Command('night', 'learn', 'owl.night')\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    theirs = {(point.name, point.value) for point in entry_points(group="sleepy.commands")}
    assert installed_entry_points(sys.path) == theirs
    assert ("night", "owl.commands:NIGHT") in theirs
    assert Command("night", "learn", "owl.night") in every_command()


def test_a_command_whose_extra_is_not_installed_says_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "half_installed"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "night.py").write_text("import a_package_that_nobody_has\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BadUsage, match="a_package_that_nobody_has"):
        import_command(Command("night", "learn", "half_installed.night"))
