"""Composes programs out of typed productions: structs, methods and functions whose every part has a known kind.

Values of types that own something are only looked at, lent or cloned, but for what is returned; so what comes out
compiles nearly always. Whoever uses it asks rustc anyway.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from trainer.pretrain.programs.sameness import same_results
from trainer.pretrain.programs.surroundings import imports_of
from trainer.pretrain.records import Program

__all__ = ["composed"]

HOLE = re.compile(r'\{(new \w \w+|[\w"#]+[+.!]?)\}')
DEEPEST = 2
LONGEST_LINE = 96
PLACES = ("list", "names", "phrase", "table", "maybe")
COPIED = ("u32", "usize", "i64", "f64", "bool", "char")
RETURNED = (
    "u32", "u32", "usize", "i64", "f64", "bool", "String", "String", "option", "option", "option", "result", "result",
    "result", "numbers", "words", "counts", "pair",
)  # fmt: skip
OF_FIELDS = ("u32", "usize", "f64", "bool", "list", "names", "phrase", "table", "maybe", "list", "phrase")
WORDS = ("ash", "bay", "cliff", "dew", "elm", "fog", "gull", "hail", "inlet", "jetty", "knoll", "marsh", "reef", "tide")


class NothingFits(Exception):
    """No production can fill a hole here."""


@cache
def productions() -> Mapping[str, list[str]]:
    return tomllib.loads(files(__package__).joinpath("productions.toml").read_text(encoding="utf-8"))


@cache
def shapes() -> Mapping[str, Any]:
    return tomllib.loads(files(__package__).joinpath("shapes.toml").read_text(encoding="utf-8"))


@dataclass
class Scope:
    """What is known at a place: how each kind of value or place may be written there."""

    known: dict[str, list[str]] = field(default_factory=dict)
    returned: str = "u32"
    own_fields: Mapping[str, list[str]] = field(default_factory=dict)
    """Fields by kind, where `self` may be changed."""

    def add(self, kind: str, written: str) -> None:
        self.known.setdefault(kind, []).append(written)

    def inner(self) -> Scope:
        return Scope({kind: list(names) for kind, names in self.known.items()}, self.returned, self.own_fields)


class Composer:
    """Makes one program."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._values = self._mixed("values")
        self._functions = self._mixed("functions")
        self._types = self._mixed("types")
        self.skeleton: list[str] = []

    def _mixed(self, kind: str) -> list[str]:
        names: list[str] = shapes()["names"][kind].split()
        return self._random.sample(names, len(names))

    # ---- expressions --------------------------------------------------------------------------------------

    def value(self, kind: str, scope: Scope, depth: int = 0) -> str:
        """An expression of a kind."""
        own = scope.known.get(kind, [])
        if own and self._random.random() < (0.45 if depth else 0.15) + 0.3 * (depth >= DEEPEST):
            return self._random.choice(own[-4:])
        options = list(productions()[kind])
        self._random.shuffle(options)
        # What uses a place that is there tells more than a literal.
        options.sort(key=lambda one: ("!}" not in one) if self._random.random() < 0.6 else 0)
        for option in options:
            if depth >= DEEPEST and len(HOLE.findall(option)) > 1:
                continue
            try:
                return self.filled(option, scope, {}, depth + 1)
            except NothingFits:
                continue
        raise NothingFits

    def filled(self, line: str, scope: Scope, local: dict[str, str], depth: int) -> str:
        """A line with its holes filled. `local`: its new names, by what the line calls them."""

        def one(match: re.Match[str]) -> str:
            return self._hole(match.group(1), scope, local, depth)

        return HOLE.sub(one, line)

    def _hole(self, hole: str, scope: Scope, local: dict[str, str], depth: int) -> str:
        if hole == "#":
            return str(self._random.randint(2, 30))
        if hole == '"':
            return self._random.choice(WORDS)
        if hole.startswith("new "):
            return local.setdefault(hole.split()[1], self.name())
        if len(hole) == 1 or hole in local:
            return local.setdefault(hole, self.name())
        kind = hole.rstrip("+.!")
        if hole.endswith("!"):
            places = scope.known.get(kind)
            if not places:
                raise NothingFits
            return self._random.choice(places)
        if depth > DEEPEST + 2:
            raise NothingFits
        written = self.value(scope.returned if kind == "return" else kind, scope, depth)
        if hole.endswith("+"):
            return f"({written})" if has_operator(written) or written.startswith("if ") else written
        if hole.endswith("."):
            if written.isdigit():
                return f"{written}u32" if kind == "u32" else f"{written}_{kind}"
            if re.fullmatch(r"\d+\.\d+", written):
                return f"{written}_f64"
            plain = "None::<u32>" if written == "None" else written
            if kind == "result" and written.startswith(("Ok(", "Err(")) and not has_operator(written):
                raise NothingFits
            return f"({written})" if has_operator(written) or written[0] in "*&-!" else plain
        return written

    def name(self) -> str:
        if not self._values:
            raise NothingFits
        return self._values.pop()

    # ---- statements ---------------------------------------------------------------------------------------

    def body(self, scope: Scope, count: int) -> list[str]:
        """Some statements and the value of a function."""
        lines: list[str] = []
        for _ in range(count):
            lines += self.statement(scope)
        lines.append(self.value(scope.returned, scope) if scope.returned != "nothing" else "")
        self.skeleton.append(scope.returned)
        return [line for line in lines if line]

    def statement(self, scope: Scope) -> list[str]:
        options = [one for one in shapes()["statement"] if is_possible(one, scope)]
        for _ in range(8):
            chosen = self._random.choice(options)
            if scope.own_fields and self._random.random() < 0.5:
                chosen = self._random.choice([one for one in options if "self" in one] or options)
            if any("{return}" in line for line in chosen["lines"]) and scope.returned == "nothing":
                continue
            local: dict[str, str] = {}
            if "self" in chosen:
                local["field"] = self._random.choice(scope.own_fields[chosen["self"]])
            inside = scope if "self" not in chosen else without_own(scope)
            try:
                lines = [self.filled(line, inside, local, 1) for line in chosen["lines"]]
            except NothingFits:
                continue
            if max(map(len, lines)) > LONGEST_LINE:
                continue
            for line in chosen["lines"]:
                for made in re.findall(r"\{new (\w) (\w+)\}", line):
                    scope.add(made[1], local[made[0]])
            self.skeleton.append(chosen["name"])
            return lines
        return []

    # ---- items --------------------------------------------------------------------------------------------

    def parameters(self, scope: Scope, count: int) -> list[str]:
        """Parameters, known in the scope from now on."""
        kinds = self._random.choices(
            (*PLACES, "u32", "usize", "f64", "char", "bool"), (5, 4, 5, 3, 2, 4, 3, 1, 1, 1), k=count
        )
        found = []
        for kind in kinds:
            name = self.name()
            found.append(f"{name}: {self._random.choice(shapes()['types'][kind]['lent'])}")
            scope.add(kind, name)
        return found

    def function(self, head: str, scope: Scope, parameters: Sequence[str], statements: int) -> list[str]:
        """The lines of a function; `head` is everything in front of its name."""
        name = self._functions.pop()
        lines = self.body(scope, statements)
        kind = "" if scope.returned == "nothing" else f" -> {shapes()['types'][scope.returned]['type']}"
        return [f"{head}fn {name}({', '.join(parameters)}){kind} {{", *(f"    {line}" for line in lines), "}"]

    def free_function(self, others: Mapping[str, list[str]]) -> list[str]:
        scope = Scope(returned=self._random.choice(RETURNED))
        parameters = self.parameters(scope, self._random.choice((1, 2, 2, 3)))
        for kind, written in others.items():
            for one in written:
                scope.add(kind, one)
        return self.function("pub ", scope, parameters, self._random.choice((1, 2, 2, 3, 4)))

    def helper(self) -> tuple[list[str], str]:
        """A small function that the main one may call, and a call of it with holes."""
        scope = Scope(returned=self._random.choice(("u32", "usize", "bool", "String", "option", "result")))
        kinds = self._random.choices(("u32", "usize", "text"), k=self._random.choice((1, 2)))
        parameters = []
        for kind in kinds:
            name = self.name()
            parameters.append(f"{name}: {'&str' if kind == 'text' else kind}")
            scope.add("phrase" if kind == "text" else kind, name)
        lines = self.function("", scope, parameters, self._random.choice((0, 1)))
        called = re.match(r"fn (\w+)", lines[0])
        assert called is not None
        return lines, f"{scope.returned} {called.group(1)}({', '.join('{' + kind + '}' for kind in kinds)})"

    def struct(self) -> list[str]:
        """A struct with a constructor and methods."""
        name = self._types.pop()
        kinds = self._random.sample(OF_FIELDS, self._random.choice((2, 3, 3, 4)))
        fields = [(self.name(), kind) for kind in kinds]
        types = shapes()["types"]
        derived = self._random.choice(("Debug, Clone", "Debug", "Clone, PartialEq", "Debug, Default, Clone", ""))
        lines = [f"#[derive({derived})]"] if derived else []
        visible = self._random.choice(("pub ", ""))
        lines += [f"pub struct {name} {{"]
        lines += [f"    {visible}{one}: {types[kind]['field']}," for one, kind in fields]
        lines += ["}", "", f"impl {name} {{"]
        methods = [self.constructor(name, fields)] if self._random.random() < 0.7 else []
        methods += [self.method(fields) for _ in range(self._random.choice((1, 1, 2)))]
        for number, method in enumerate(methods):
            lines += [*([""] if number else []), *(f"    {line}" for line in method)]
        return [*lines, "}"]

    def constructor(self, name: str, fields: Sequence[tuple[str, str]]) -> list[str]:
        given = [one for one in fields if one[1] in COPIED and self._random.random() < 0.6]
        types = shapes()["types"]
        parameters = ", ".join(f"{one}: {types[kind]['field']}" for one, kind in given)
        own = self._random.choice(("Self", name))
        values = [one if (one, kind) in given else f"{one}: {types[kind]['empty']}" for one, kind in fields]
        return [
            f"pub fn new({parameters}) -> {own} {{",
            f"    {own} {{",
            *(f"        {one}," for one in values),
            "    }",
            "}",
        ]

    def method(self, fields: Sequence[tuple[str, str]]) -> list[str]:
        is_mutable = self._random.random() < 0.4
        scope = Scope(
            returned="nothing" if is_mutable and self._random.random() < 0.5 else self._random.choice(RETURNED)
        )
        for one, kind in fields:
            scope.add(kind, f"self.{one}")
        if is_mutable:
            own: dict[str, list[str]] = {}
            for one, kind in fields:
                own.setdefault(kind, []).append(one)
            scope.own_fields = own
        parameters = self.parameters(scope, self._random.choice((0, 1, 1, 2)))
        receiver = "&mut self" if is_mutable else "&self"
        self.skeleton.append("method")
        return self.function("pub ", scope, [receiver, *parameters], self._random.choice((1, 1, 2, 3)))


def is_possible(statement: Mapping[str, Any], scope: Scope) -> bool:
    """Whether a statement may stand in a function."""
    if "self" in statement and not scope.own_fields.get(statement["self"]):
        return False
    return bool(statement.get("needs", scope.returned) == scope.returned)


def without_own(scope: Scope) -> Scope:
    """The scope without the fields of `self`: one of them is being changed."""
    known = {kind: [one for one in names if not one.startswith("self.")] for kind, names in scope.known.items()}
    return Scope(known, scope.returned, scope.own_fields)


def has_operator(written: str) -> bool:
    """Whether an expression has white space outside of brackets and texts, so that it binds loosely."""
    depth, quoted = 0, ""
    for sign in written:
        if quoted:
            quoted = "" if sign == quoted else quoted
        elif sign == '"':
            quoted = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif sign == " " and depth == 0 and "' '" not in written:
            return True
    return False


def composed(seed: str) -> Program | None:
    """One program; None where the choices of this seed lead nowhere."""
    composer = Composer(seed)
    chosen_by = random.Random(f"{seed}:kind")
    try:
        items = list(items_of(composer, chosen_by))
    except (NothingFits, IndexError):
        return None
    text = "\n\n".join("\n".join(lines) for lines in items) + "\n"
    if max(map(len, text.splitlines())) > LONGEST_LINE + 4:
        return None
    text = imports_of(text) + text
    source = f"template:composed.{'-'.join(composer.skeleton)}"
    return Program(source=source, family="", text=text, behaviour=same_results(text))


def items_of(composer: Composer, chosen_by: random.Random) -> Iterator[list[str]]:
    kind = chosen_by.choice(("function", "function", "struct", "struct", "both", "helper"))
    if kind in {"struct", "both"}:
        yield composer.struct()
    others: dict[str, list[str]] = {}
    if kind == "helper":
        lines, call = composer.helper()
        yield lines
        returned, _, written = call.partition(" ")
        scope = Scope()
        scope.add("text", '"moor"')
        others[returned] = [composer.filled(written, scope, {}, 1)]
    if kind != "struct":
        yield composer.free_function(others)
