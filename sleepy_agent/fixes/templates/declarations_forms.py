"""Declarations in the form of another language: declarations_forms.toml has the forms."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.fixes.templates.catalogue import PACKAGE, fill
from sleepy_agent.fixes.templates.scene import Proposal, Scene


@dataclass(frozen=True, slots=True)
class Form:
    """One form: what a line has, and what Rust writes there."""

    pattern: re.Pattern[str]
    becomes: str
    question: str | None
    extra_cost: float
    only_in: str | None
    """The kind of node that has to be around."""
    wrong: str
    right: str


@cache
def all_forms() -> tuple[Form, ...]:
    """The forms in the order of their file."""
    text = files(PACKAGE).joinpath("declarations_forms.toml").read_text(encoding="utf-8")
    return tuple(
        Form(
            pattern=re.compile(entry["pattern"]),
            becomes=entry["becomes"],
            question=entry.get("question"),
            extra_cost=entry.get("extra_cost", 0.0),
            only_in=entry.get("only_in"),
            wrong=entry["wrong"],
            right=entry["right"],
        )
        for entry in tomllib.loads(text)["form"]
    )


def form_of_another_language(scene: Scene) -> Iterator[Proposal]:
    """What the forms make of the line that the compiler cannot read."""
    if scene.span.from_macro:
        return
    start = scene.text.rfind(b"\n", 0, scene.span.byte_start) + 1
    end = scene.text.find(b"\n", scene.span.byte_start)
    line = scene.code(start, end if end >= 0 else len(scene.text))
    position = len(scene.code(start, scene.span.byte_start))
    for form in all_forms():
        if form.only_in is not None and not is_around(scene, form.only_in):
            continue
        for found in form.pattern.finditer(line):
            # What follows a word that is too much is what the compiler stumbles over.
            behind = re.match(r"\s*\w*", line[found.end() :])
            if not found.start() <= position <= found.end() + (behind.end() if behind is not None else 0):
                continue
            values = {name: value or "" for name, value in found.groupdict().items()}
            text = fill(form.becomes, values)
            first = start + len(line[: found.start()].encode())
            edit = scene.replace_bytes(first, first + len(found[0].encode()), text)
            way = f"write `{text.strip()}`" if text.strip() else f"leave `{found[0].strip()}` out"
            yield Proposal((edit,), {"way": way}, form.extra_cost, form.question)


def is_around(scene: Scene, kind: str) -> bool:
    """Whether a node of a kind is around; of text that does not parse the word that begins it has to do."""
    if any(node.type == kind for node in ancestors(scene.node)):
        return True
    before = scene.code(0, scene.span.byte_start)
    word = {"enum_variant_list": "enum", "block": "fn"}[kind]
    items = re.findall(r"\b(enum|struct|fn|trait|impl|union|mod)\b(?=\s+\w)", before)
    return bool(items) and items[-1] == word


def argument_without_name(scene: Scene) -> Iterator[Proposal]:
    """`new(level = 1)`: arguments have no names in Rust, their order says which is which."""
    assignment = scene.around("assignment_expression")
    left = assignment.child_by_field_name("left") if assignment is not None else None
    right = assignment.child_by_field_name("right") if assignment is not None else None
    call = assignment.parent.parent if assignment is not None and assignment.parent is not None else None
    if left is None or right is None or assignment is None or call is None or assignment.parent is None:
        return
    if assignment.parent.type != "arguments" or left.start_byte != scene.span.byte_start:
        return
    callee = call.child_by_field_name("function")
    name = re.split(r"::|\.", scene.of(callee))[-1].strip() if callee is not None else ""
    number = code_children(assignment.parent).index(assignment)
    known = [item for item in scene.index.functions_named(name) if number < len(item.parameters)]
    if any(item.parameters[number].name == scene.of(left) for item in known):
        yield Proposal((scene.delete(left.start_byte, right.start_byte),), {"name": scene.of(left)})


def own_type(scene: Scene) -> Iterator[Proposal]:
    """`-> this`: the type that an `impl` is for is `Self`."""
    if scene.around({"impl_item", "trait_item"}) is not None and not scene.span.from_macro:
        yield Proposal((scene.replace(scene.span, "Self"),))
