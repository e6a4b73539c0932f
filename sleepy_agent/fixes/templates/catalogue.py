"""Read the templates from their files.

One `[[template]]` entry:

    name             unique, snake_case
    says             the title users see; holes in braces
    codes            the error codes it serves; "" stands for errors without a code (syntax, macros)
    family           the family those problems belong to
    cost             0 (sure to be kept) to 1
    keeps_behaviour  true where a passing edit of this kind cannot change what the program does
    excuses          optional: flags of flags.toml that its edits do not deserve: what goes is done in another way
    question         optional: candidates with the same question mean different things and exclude each other
    message          optional: a pattern that the message must have; named groups become holes
    said             optional: a pattern for the message, labels, notes and helps (a line each); named groups too
    at               "primary" (default), or "label: PATTERN": the first span whose label has the pattern
    query            a tree-sitter query. The capture @at must be exactly the span's node, or @around must hold the
                     span; every capture is a hole with the node's text
    where            optional table: a capture's text must equal this text with holes
    edits            a list of {replace = CAPTURE, with = TEXT}, {before = CAPTURE, put = TEXT},
                     {after = CAPTURE, put = TEXT}; texts have holes
    matcher          instead of query and edits: "module.function", a function from Scene to proposals
    example          before (a program that fails with one of the codes), after (what this template makes of it)
    leave_alone      a program that fails with one of the codes, of which this template must keep its hands
    edition          optional, of the two programs; default "2021"

A hole is a name in braces; braces around anything else are code.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

import tree_sitter

from sleepy_agent.code.syntax import rust_language
from sleepy_agent.fixes.templates.scene import Proposal, Scene

PACKAGE = "sleepy_agent.fixes.templates"

Matcher = Callable[[Scene], Iterator[Proposal]]
HOLE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class EditRule:
    """One edit of a template: `how` is replace, before or after; `capture` names the node, `text` may have holes."""

    how: str
    capture: str
    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """One entry of the catalogue, ready to use. Either `query` and `edits` or `matcher` is set."""

    name: str
    says: str
    codes: frozenset[str]
    family: str
    cost: float
    keeps_behaviour: bool
    question: str | None
    excuses: frozenset[str]
    message: re.Pattern[str] | None
    said: re.Pattern[str] | None
    label: re.Pattern[str] | None
    """Where to look: the span with such a label; None: the primary span."""
    query: tree_sitter.Query | None
    where: Mapping[str, str]
    edits: tuple[EditRule, ...]
    matcher: str | None
    """`module.function`; `matcher_named` finds it when it is first needed."""
    example_before: str
    example_after: str
    leave_alone: str
    edition: str
    topic: str
    """The file it stands in."""


@cache
def all_templates() -> tuple[Template, ...]:
    """Every template, by topic and in the order of the files. Raises ValueError for an entry that is wrong: the files
    are the package's own, and tests read them all."""
    found: list[Template] = []
    for file in sorted(files(PACKAGE).iterdir(), key=lambda one: one.name):
        if file.name.endswith(".toml"):
            entries = tomllib.loads(file.read_text(encoding="utf-8")).get("template", [])
            found += [template_from_entry(entry, file.name.removesuffix(".toml")) for entry in entries]
    names = [template.name for template in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"Two templates have the name {min(twice)}.")
    return tuple(found)


@cache
def templates_by_code() -> Mapping[str, tuple[Template, ...]]:
    """The templates that serve a code, cheapest first; "" for errors without a code."""
    codes = {code for template in all_templates() for code in template.codes}
    ordered = sorted(all_templates(), key=lambda template: template.cost)
    return {code: tuple(template for template in ordered if code in template.codes) for code in sorted(codes)}


def template_from_entry(entry: Mapping[str, Any], topic: str) -> Template:
    """One entry of a file; ValueError says what is wrong with it."""
    name = entry["name"]
    unknown = entry.keys() - KNOWN_KEYS
    if unknown:
        raise ValueError(f"{topic}.toml, {name}: nobody knows the key {min(unknown)}.")
    if ("matcher" in entry) == ("query" in entry and "edits" in entry):
        raise ValueError(f"{topic}.toml, {name}: give query and edits, or a matcher.")
    at = entry.get("at", "primary")
    if at != "primary" and not at.startswith("label: "):
        raise ValueError(f"{topic}.toml, {name}: `at` is neither primary nor label: PATTERN.")
    query = tree_sitter.Query(rust_language(), entry["query"]) if "query" in entry else None
    return Template(
        name=name,
        says=entry["says"],
        codes=frozenset(entry["codes"]),
        family=entry["family"],
        cost=float(entry["cost"]),
        keeps_behaviour=entry["keeps_behaviour"],
        question=entry.get("question"),
        excuses=frozenset(entry.get("excuses", ())),
        message=pattern_of(entry.get("message")),
        said=pattern_of(entry.get("said")),
        label=pattern_of(at.removeprefix("label: ") if at != "primary" else None),
        query=query,
        where=entry.get("where", {}),
        edits=tuple(edit_rule(rule, captures_of(query), f"{topic}.toml, {name}") for rule in entry.get("edits", ())),
        matcher=entry.get("matcher"),
        example_before=entry["example"]["before"],
        example_after=entry["example"]["after"],
        leave_alone=entry["leave_alone"],
        edition=entry.get("edition", "2021"),
        topic=topic,
    )


KNOWN_KEYS = frozenset(
    {
        "name",
        "says",
        "codes",
        "family",
        "cost",
        "keeps_behaviour",
        "question",
        "message",
        "said",
        "at",
        "query",
        "where",
    }
    | {"edits", "excuses", "matcher", "example", "leave_alone", "edition"}
)


def pattern_of(text: str | None) -> re.Pattern[str] | None:
    return re.compile(text, re.MULTILINE) if text is not None else None


def captures_of(query: tree_sitter.Query | None) -> frozenset[str]:
    return frozenset(query.capture_name(number) for number in range(query.capture_count)) if query else frozenset()


def edit_rule(rule: Mapping[str, str], captures: frozenset[str], where: str) -> EditRule:
    """One edit of an entry; ValueError where it names no capture of the query."""
    how = next((one for one in ("replace", "before", "after") if one in rule), None)
    if how is None or rule[how] not in captures:
        raise ValueError(f"{where}: an edit is replace, before or after, with a capture of the query.")
    return EditRule(how, rule[how], rule["with" if how == "replace" else "put"])


@cache
def matcher_named(name: str) -> Matcher:
    """The function that an entry names as module.function."""
    module, function = name.split(".")
    found: Matcher = getattr(import_module(f"{PACKAGE}.{module}"), function)
    return found


def load_templates() -> None:
    """Read every template and import every matcher now, so that the first search does not wait for that."""
    templates_by_code()
    for template in all_templates():
        if template.matcher is not None:
            matcher_named(template.matcher)


def fill(text: str, values: Mapping[str, str]) -> str:
    """A text with its holes filled; braces around what is no hole stay."""
    return HOLE.sub(lambda hole: values.get(hole[1], hole[0]), text)
