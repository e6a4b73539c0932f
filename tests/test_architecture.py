"""The rules about the shape of the whole, held by the machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("sleepy_agent", "sleepy_lsp", "trainer")
CODE_SUFFIXES = (".py", ".rs", ".ts", ".lua", ".sh")
LONGEST_FILE = 500
# Generated for a stress test, or copied from elsewhere on purpose.
WITHOUT_LENGTH_LIMIT = ("tests/fixtures/", "examples/")

# Where a package comes from is the business of each machine's own settings, and no machine's folders are ours.
HOME_OF_SOMEBODY = re.compile(r"(?<![\w.$}>/~-])/(?:work|farm|root|home/[a-z]+|Users/[A-Za-z]+|opt/wheels)/")
REGISTRY_HOST = re.compile(
    r"\b(?:files\.pythonhosted|pypi|(?:static|index)\.crates|registry\.npmjs|registry\.yarnpkg)\.(?:org|io|com)\b"
)


def committed_files() -> list[str]:
    """What git keeps, as paths with forward slashes; in an unpacked archive, every file outside hidden folders."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
    else:
        names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file()]
        names = [name for name in names if not name.startswith(".") and "__pycache__" not in name]
    return [name for name in names if (ROOT / name).is_file() and not (ROOT / name).is_symlink()]


def texts() -> dict[str, str]:
    """The committed files that are text."""
    found = {}
    for name in committed_files():
        raw = (ROOT / name).read_bytes()
        if b"\0" not in raw[:4096]:
            found[name] = raw.decode("utf-8", errors="replace")
    return found


def test_imports_point_one_way() -> None:
    checked = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as command; command()", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 broken" in checked.stdout


def test_no_file_is_long() -> None:
    long = {
        name: text.count("\n")
        for name, text in texts().items()
        if name.endswith(CODE_SUFFIXES)
        and not name.startswith(WITHOUT_LENGTH_LIMIT)
        and text.count("\n") > LONGEST_FILE
    }
    assert long == {}, "split these by what they know"


@pytest.mark.parametrize("pattern", [HOME_OF_SOMEBODY, REGISTRY_HOST], ids=["absolute path", "registry host"])
def test_no_committed_file_names_a_machine_or_a_registry(pattern: re.Pattern[str]) -> None:
    found = [
        f"{name}: {match.group()}"
        for name, text in texts().items()
        # The patterns themselves stand here; lock files name the registry's own address, which is no choice of ours.
        if name != "tests/test_architecture.py" and not name.endswith("Cargo.lock")
        for match in pattern.finditer(text)
    ]
    assert found == []


def test_the_patterns_find_what_they_are_for() -> None:
    assert HOME_OF_SOMEBODY.search('path = "/home/' + 'ada/project"')
    assert REGISTRY_HOST.search("https://" + "pypi.org/simple")
    assert not HOME_OF_SOMEBODY.search("target/root/x, ~/work/x, $HOME/work/, a/home/ada/")


def test_architecture_md_has_every_package_and_folder_on_its_map() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    folders = {name.split("/", 1)[0] for name in committed_files() if "/" in name}
    packages = {f"{path.parent.name}/" for package in PACKAGES for path in (ROOT / package).glob("*/__init__.py")}
    wanted = {f"{folder}/" for folder in folders if not folder.startswith(".")} | packages
    assert [name for name in sorted(wanted) if name.rstrip("/") not in text] == []


@pytest.mark.parametrize("command", ["make run", "make test", "rustup component add rust-analyzer"])
def test_readme_shows_how_to_start(command: str) -> None:
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")


def test_no_test_sleeps_or_is_skipped() -> None:
    # Written in two parts, so that this line does not find itself.
    forbidden = re.compile("|".join((r"\bsleep" + r"\(", r"mark\." + r"(?:skip|xfail)", r"pytest\." + r"skip\(")))
    found = [
        f"{name}: {match.group()}"
        for name, text in texts().items()
        if name.startswith("tests/") and name.endswith(".py") and not name.startswith("tests/fixtures/")
        for match in forbidden.finditer(text)
    ]
    assert found == []
