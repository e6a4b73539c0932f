"""What a command is, and which there are: the core's as data, other packages' through entry points."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from sleepy_agent.errors import BadUsage

ENTRY_POINT_GROUP = "sleepy.commands"


class Command(NamedTuple):
    """One word after `sleepy`. `module` is imported only when this command is used.

    That module has `add_arguments(parser)` and `run(arguments) -> exit code`. A named tuple and no dataclass, because
    importing `dataclasses` takes a fifth of the time of `sleepy --help`.
    """

    name: str
    summary: str
    module: str


class CommandModule(Protocol):
    """What a command's module must offer."""

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


CORE_COMMANDS = (
    Command("fix", "find the errors of a cargo workspace and fix them, each fix proven by the compiler", "fix"),
    Command("undo", "take the last run back, exactly", "undo"),
    Command("log", "show recent runs, what was tried and what the compiler said", "log"),
    Command("export", "write everything that was recorded as JSON lines", "export"),
    Command("forget", "delete what was recorded: of one project, older than some days, or all", "forget"),
    Command("templates", "show the edit templates as Rust before and after", "templates"),
    Command("koans", "the small broken programs that measure the sources: check and repair them", "koans"),
    Command("model", "the local models: fetch, choose, describe, remove and merge them", "model"),
    Command("serve", "the model server of this user: OpenAI's API on this computer, started when needed", "serve"),
    Command("doctor", "say what is missing on this machine, and the one command that mends it", "doctor"),
)
"""The core's commands, in the order `sleepy --help` lists them; their modules lie beside this one."""


def every_command(extra: Iterable[Command] | None = None) -> tuple[Command, ...]:
    """The core's commands, then those that installed packages add (`extra` stands in for these in tests).

    A package cannot replace a command of the core.
    """
    taken = {command.name for command in CORE_COMMANDS}
    added = commands_of_other_packages() if extra is None else tuple(extra)
    return (*CORE_COMMANDS, *(command for command in added if command.name not in taken))


def commands_of_other_packages() -> tuple[Command, ...]:
    """Commands behind the entry points `sleepy.commands`, by name; one that cannot be loaded is left out."""
    from importlib import import_module

    found: list[Command] = []
    for _, value in sorted(installed_entry_points(sys.path)):
        module, _, attribute = value.partition(":")
        try:
            loaded = getattr(import_module(module), attribute, None)
        except ImportError:
            # A half-installed extra must not take `sleepy --help` down with it.
            continue
        if isinstance(loaded, Command):
            found.append(loaded)
    return tuple(found)


def installed_entry_points(folders: Iterable[str]) -> set[tuple[str, str]]:
    """Name and value (`module:attribute`) of every entry point of our group, in packages installed in `folders`.

    `importlib.metadata` does the same, at three times the cost of all the rest of `sleepy --help`.
    """
    found: set[tuple[str, str]] = set()
    for folder in folders:
        for file in Path(folder).glob("*.dist-info/entry_points.txt"):
            try:
                text = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            _, is_there, rest = text.partition(f"[{ENTRY_POINT_GROUP}]")
            lines = rest.partition("\n[")[0].splitlines() if is_there else []
            pairs = (line.partition("=") for line in lines if "=" in line)
            found |= {(name.strip(), value.strip()) for name, _, value in pairs}
    return found


def import_command(command: Command) -> CommandModule:
    """Import the module of `command`: a full dotted name, or for the core's own just its last part."""
    from importlib import import_module

    name = command.module if "." in command.module else f"{__package__}.{command.module}"
    try:
        return cast(CommandModule, import_module(name))
    except ModuleNotFoundError as error:
        # A missing module of our own is a mistake here; any other belongs to an extra that is not installed.
        if error.name is None or error.name == name:
            raise
        raise BadUsage(
            f"`sleepy {command.name}` needs the Python package {error.name}, which is not installed.",
            "Install the extra that brings it: lsp, serve or train, as in `pip install 'sleepy-coder[train]'`.",
        ) from error
