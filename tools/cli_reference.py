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
    yield from section_of_parser(parsers_below(make_parser(command.name, CORE_COMMANDS))[command.name], "##")


def section_of_parser(parser: argparse.ArgumentParser, level: str) -> Iterator[str]:
    """A parser under a heading of `level`, then those of its actions, where it has some."""
    below = parsers_below(parser)
    yield f"{level} `{parser.prog}`\n"
    yield f"{parser.description}\n"
    if not below:
        yield "| argument | meaning |"
        yield "| --- | --- |"
        for action in parser._actions:
            if action.dest != "help":
                yield f"| `{words_of(action)}` | {meaning_of(action, parser)} |"
        yield ""
    if parser.epilog:
        yield paragraphs(parser.epilog)
    for one in below.values():
        yield from section_of_parser(one, f"{level}#")


def parsers_below(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of a parser's commands by name, in order."""
    # argparse offers no public way from a parser to its arguments; these two names are as old as it is.
    return {
        name: one
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for name, one in action.choices.items()
    }


def meaning_of(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    """The help of an argument, with its default where that is a part of it."""
    text = (action.help or "").replace("%(default)s", str(action.default)).replace("%(prog)s", parser.prog)
    return text.replace("|", "\\|")


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
