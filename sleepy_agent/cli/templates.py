"""`sleepy templates`: what the edit templates do, as Rust before and after."""

from __future__ import annotations

import argparse
import difflib
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sleepy_agent.cli.console import console_for
from sleepy_agent.cli.terminal import Terminal, terminal_of_process
from sleepy_agent.cli.values import counted
from sleepy_agent.errors import EXIT_GREEN, BadUsage
from sleepy_agent.fixes.templates.catalogue import Template, all_templates

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

NO_CODE = "none"
"""What users write, and read, for errors that have no code."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy templates`."""
    parser.epilog = (
        "Each example is a small program that fails, and what the template makes of it. A template only proposes: what"
        " is offered in your project was compiled there first."
    )
    parser.add_argument(
        "--code", metavar="CODE", help=f"only those for this error code ({NO_CODE}: errors without a code)"
    )
    parser.add_argument("--family", metavar="FAMILY", help="only those for this family of errors")
    parser.add_argument("--name", metavar="NAME", help="only the one of this name")
    parser.add_argument("--list", action="store_true", help="a line each, without the examples")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Show the templates of this installation."""
    return run_with(arguments, terminal_of_process(), all_templates())


def run_with(arguments: argparse.Namespace, terminal: Terminal, templates: Sequence[Template]) -> int:
    """Show those that fit. Raises BadUsage where none does."""
    chosen = [template for template in templates if is_wanted(template, arguments)]
    if not chosen:
        asked = " and ".join(
            f"{option} {value}"
            for option in ("code", "family", "name")
            if (value := getattr(arguments, option)) is not None
        )
        raise BadUsage(f"There is no template for {asked}.", "`sleepy templates --list` shows all of them.")
    if arguments.json:
        terminal.output.write(json.dumps({"templates": [as_json(template) for template in chosen]}) + "\n")
        return EXIT_GREEN
    console = console_for(terminal, terminal.output)
    for template in chosen:
        print_template(console, template, with_example=not arguments.list)
    console.print(f"{counted(len(chosen), 'template')}.")
    return EXIT_GREEN


def is_wanted(template: Template, arguments: argparse.Namespace) -> bool:
    """Whether a template fits all that was asked for."""
    code = None if arguments.code is None else "" if arguments.code == NO_CODE else arguments.code.upper()
    return (
        (code is None or code in template.codes)
        and arguments.family in {None, template.family}
        and arguments.name in {None, template.name}
    )


def codes_of(template: Template) -> list[str]:
    """The codes as users read them."""
    return [code or NO_CODE for code in sorted(template.codes)]


def as_json(template: Template) -> dict[str, object]:
    """One template for programs; docs/cli.md names the keys."""
    return {
        "name": template.name,
        "says": template.says,
        "codes": codes_of(template),
        "family": template.family,
        "cost": template.cost,
        "keeps_behaviour": template.keeps_behaviour,
        "before": template.example_before,
        "after": template.example_after,
    }


def print_template(console: Console, template: Template, *, with_example: bool) -> None:
    """Its name, what it serves and costs, and its example: before, then after, changed lines in colour."""
    from rich.text import Text

    behaviour = "keeps what the program does" if template.keeps_behaviour else "a guess at what is meant"
    facts = f"   {' '.join(codes_of(template))}   {template.family}   cost {template.cost:g}   {behaviour}"
    console.print(Text.assemble((template.name, "bold"), (facts, "dim")))
    console.print(Text.assemble("  ", template.says))
    if with_example:
        before, after = template.example_before.strip("\n"), template.example_after.strip("\n")
        gone, added = changed_lines(before, after)
        for title, text, changed, style in (("before", before, gone, "red"), ("after", after, added, "green")):
            console.print(Text(f"  {title}:", "dim"))
            for line in marked_lines(text, changed, style):
                console.print(line)
        console.print()


def changed_lines(before: str, after: str) -> tuple[set[int], set[int]]:
    """The numbers of the lines that go and that come."""
    gone: set[int] = set()
    added: set[int] = set()
    matcher = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        if tag != "equal":
            gone.update(range(first, last))
            added.update(range(new_first, new_last))
    return gone, added


def marked_lines(text: str, changed: set[int], style: str) -> Iterator[Text]:
    """The lines of a program, changed ones with a bar and in colour, so that they show without colours, too."""
    from rich.text import Text

    for number, line in enumerate(text.splitlines()):
        is_changed = number in changed
        yield Text.assemble("  ", ("| " if is_changed else "  "), (line, style if is_changed else ""))
