"""Print docs/cli.md, made from the parsers: python tools/cli_reference.py > docs/cli.md (a test compares them)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from sleepy_agent.cli.command import CORE_COMMANDS, Command
from sleepy_agent.cli.main import EPILOG, make_parser

HEAD = """\
# The `sleepy` command

Made from the parsers by `python tools/cli_reference.py > docs/cli.md`; do not edit it by hand.
"""


def reference() -> str:
    """The whole document."""
    sections = [HEAD, paragraphs(EPILOG)]
    sections += ["\n".join(section_of(command)) for command in CORE_COMMANDS]
    return "\n".join(sections)


def section_of(command: Command) -> Iterator[str]:
    """One command: what it does, its arguments in a table, its further notes."""
    # argparse offers no public way from a parser to its arguments; these two names are as old as it is.
    choices = next(
        action.choices for action in make_parser(command.name, CORE_COMMANDS)._actions if action.dest == "command"
    )
    assert isinstance(choices, dict)
    parser: argparse.ArgumentParser = choices[command.name]
    yield f"## `sleepy {command.name}`\n"
    yield f"{parser.description}\n"
    yield "| argument | meaning |"
    yield "| --- | --- |"
    for action in parser._actions:
        if action.dest != "help":
            yield f"| `{words_of(action)}` | {(action.help or '').replace('|', chr(92) + '|')} |"
    yield ""
    if parser.epilog:
        yield paragraphs(parser.epilog)


def words_of(action: argparse.Action) -> str:
    """How an argument is written: `PATH`, `--budget TIME`, `--proof {check,clippy,test}`."""
    value = action.metavar if isinstance(action.metavar, str) else ""
    if not value and action.choices is not None:
        value = "{" + ",".join(str(choice) for choice in action.choices) + "}"
    names = "`, `".join(f"{name} {value}".strip() for name in action.option_strings)
    return names or f"[{value}]"


def paragraphs(text: str) -> str:
    """Help text as Markdown: its lines flow, its paragraphs stay."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n")) + "\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
