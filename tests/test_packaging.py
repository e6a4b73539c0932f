"""What `make install` installs, and what it must not."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from sleepy_agent.config import SHIPPED_MODEL

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "transformers", "peft", "accelerate", "ray")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    loaded: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return loaded


def name_of(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match
    return match.group().lower().replace("_", "-")


def test_the_core_needs_nothing_heavy(project: dict[str, Any]) -> None:
    assert not {name_of(requirement) for requirement in project["dependencies"]} & set(HEAVY)


def test_make_install_installs_what_an_editor_needs() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installed = re.findall(r"--editable\s+(\S+)", makefile)
    # The first is `make install`; `make run` tries to add the second, `make test` adds the third.
    assert installed == ["'.[lsp]'", "'.[lsp,serve]'", "'.[dev]'"]


def test_every_requirement_is_pinned_for_the_machines_that_test(project: dict[str, Any]) -> None:
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {name_of(line) for line in constraints if line and not line.startswith("#")}
    extras = [project["optional-dependencies"][name] for name in ("lsp", "serve", "train", "dev")]
    wanted = {name_of(one) for one in [*project["dependencies"], *(one for extra in extras for one in extra)]}
    assert wanted - pinned == {"sleepy-coder"}, "dev names the other extras"


def test_the_wheel_has_the_koans_where_they_are_looked_for() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    assert settings["build"]["targets"]["wheel"]["force-include"] == {"koans": "sleepy_agent/koans/data"}
    assert (ROOT / "koans" / "koans.toml").is_file()


def test_the_licences_are_whole(project: dict[str, Any]) -> None:
    assert project["license"] == "MIT OR Apache-2.0"
    assert "Permission is hereby granted" in (ROOT / "LICENSE-MIT").read_text(encoding="utf-8")
    apache = (ROOT / "LICENSE-APACHE").read_text(encoding="utf-8")
    assert "END OF TERMS AND CONDITIONS" in apache


def test_the_command_is_installed() -> None:
    scripts = {point.name: point.value for point in distribution("sleepy-coder").entry_points}
    assert scripts["sleepy"] == "sleepy_agent.cli.main:main"


def test_the_model_that_comes_with_sleepy_is_in_its_packages() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    folder = SHIPPED_MODEL.parent.relative_to(ROOT)
    # hatchling takes every file of a package that git does not ignore, into the wheel and into the sdist.
    assert folder.parts[0] in settings["build"]["targets"]["wheel"]["packages"]
    assert "sdist" not in settings["build"]["targets"]
    for name in (SHIPPED_MODEL.name, "card.md", "card.json"):
        assert (ROOT / folder / name).is_file()
        ignored = subprocess.run(
            ["git", "check-ignore", "--quiet", "--no-index", str(folder / name)], cwd=ROOT, check=False
        )
        assert ignored.returncode != 0, f"{name} is ignored"


@pytest.mark.parametrize("target", ["install", "serve", "run", "seed-toy", "test", "lint", "bench", "clean", "help"])
def test_make_knows_its_targets(target: str) -> None:
    # A dry run: make reads the whole file and says what it would do.
    shown = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr


@pytest.mark.parametrize("script", [".ci/run", "tools/make_venv.sh", "tools/fetch_crates.sh", "tools/rust_analyzer.sh"])
def test_scripts_are_sound_and_may_be_started(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], cwd=ROOT, check=True)


def test_no_venv_is_made_with_an_interpreter_that_is_none(tmp_path: Path) -> None:
    made = subprocess.run(
        ["bash", "tools/make_venv.sh", str(tmp_path / "venv"), "no-such-python"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 2
    assert "PYTHON=" in made.stderr
    assert not (tmp_path / "venv").exists()
