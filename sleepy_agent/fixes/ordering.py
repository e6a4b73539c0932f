"""Causes before consequences: which of many open problems to work on first, and which wait for others."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from sleepy_agent.cargo.verdict import is_syntax_error, phase_of
from sleepy_agent.code.syntax import ancestors, node_at, parse_rust
from sleepy_agent.domain import Problem

NAME = re.compile(r"[^\W\d]\w*")
QUOTED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class CauseRule:
    """One entry of causes.toml."""

    codes: frozenset[str]
    message: re.Pattern[str]

    def fits(self, problem: Problem) -> bool:
        """Both are asked: a code alone also stands for what is not a missing name, a message alone for anything."""
        return problem.code in self.codes and self.message.search(problem.message) is not None


@cache
def cause_rules() -> dict[str, CauseRule]:
    """causes.toml."""
    raw = tomllib.loads(files("sleepy_agent.fixes").joinpath("causes.toml").read_text(encoding="utf-8"))
    return {
        name: CauseRule(frozenset(entry["codes"]), re.compile(entry["message"], re.IGNORECASE))
        for name, entry in raw.items()
    }


def waves_of(problems: Sequence[Problem], read: Callable[[Path], bytes]) -> list[list[int]]:
    """The problems by position, in the order in which they are worked on: a wave is begun when nothing can be done
    for the one before. Causes first; in each wave the compiler's earliest phase first."""
    causes = causes_of(problems, read)
    depth: dict[int, int] = {}
    for position in range(len(problems)):
        chain = [position]
        while (cause := causes.get(chain[-1])) is not None and cause not in chain:
            chain.append(cause)
        depth[position] = len(chain) - 1
    order = sorted(range(len(problems)), key=lambda position: phase_of(problems[position].diagnostic))
    return [list(wave) for _, wave in itertools.groupby(sorted(order, key=depth.__getitem__), depth.__getitem__)]


def causes_of(problems: Sequence[Problem], read: Callable[[Path], bytes]) -> dict[int, int]:
    """For each problem that waits, the problem it waits for."""
    found: dict[int, int] = {}
    names: dict[str, dict[str, int]] = {}
    for position, problem in enumerate(problems):
        name = missing_name(problem)
        if name is not None:
            known = names.setdefault(problem.package, {})
            if name not in known or is_import(problem):
                known[name] = position
    for position, problem in enumerate(problems):
        cause = next(iter(named_causes(position, problems, names.get(problem.package, {}))), None)
        if cause is not None:
            found[position] = cause
    found.update(behind_syntax_errors(problems, read))
    return found


def named_causes(position: int, problems: Sequence[Problem], names: dict[str, int]) -> Iterator[int]:
    """Problems that say that a name cannot be found which this one mentions."""
    problem = problems[position]
    if not names:
        return
    mentioned = {word for span in problem.diagnostic.spans for word in NAME.findall(span.text)}
    phase = phase_of(problem.diagnostic)
    for word in sorted(mentioned & names.keys()):
        cause = names[word]
        earlier = phase_of(problems[cause].diagnostic) < phase
        if cause != position and (earlier or (is_import(problems[cause]) and not is_import(problem))):
            yield cause


def missing_name(problem: Problem) -> str | None:
    """The name that a problem says means nothing here."""
    if not cause_rules()["unresolved"].fits(problem):
        return None
    quoted = QUOTED.search(problem.message)
    words = NAME.findall(quoted.group(1)) if quoted else []
    return words[-1] if words else None


def is_import(problem: Problem) -> bool:
    """Whether a whole import or module is missing."""
    return cause_rules()["unresolved_import"].fits(problem)


def behind_syntax_errors(problems: Sequence[Problem], read: Callable[[Path], bytes]) -> dict[int, int]:
    """Problems in the scope of a syntax error: what the parser made of that text means little."""
    found: dict[int, int] = {}
    scopes: list[tuple[int, Path, int, int]] = []
    for position, problem in enumerate(problems):
        span = problem.span
        if span is not None and is_syntax_error(problem.diagnostic) and span.file.suffix == ".rs":
            inside = next((scope for scope in scopes if scope[1] == span.file and span.byte_start < scope[3]), None)
            if inside is not None and inside[2] <= span.byte_start:
                found[position] = inside[0]
            else:
                scopes.append((position, span.file, *scope_of(read(span.file), span.byte_start, span.byte_end)))
    for position, problem in enumerate(problems):
        span = problem.span
        if span is None or is_syntax_error(problem.diagnostic):
            continue
        around = next((one for one in scopes if one[1] == span.file and one[2] <= span.byte_start < one[3]), None)
        if around is not None:
            found[position] = around[0]
    return found


def scope_of(text: bytes, start: int, end: int) -> tuple[int, int]:
    """The function around a syntax error where the parser still sees one, else the rest of the file."""
    node = node_at(parse_rust(text), start, end)
    function = next((around for around in ancestors(node) if around.type == "function_item"), None)
    return (function.start_byte, function.end_byte) if function is not None else (start, len(text))
