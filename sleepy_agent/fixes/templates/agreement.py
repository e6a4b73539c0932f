"""Implementations that must agree with what is written already: `Default` with `new`, `Hash` with `PartialEq`, `Ord`
with `PartialOrd`, `Sum` with `Add`. A derive would say something else, where there is one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.item_records import Implementation
from sleepy_agent.code.items import Item
from sleepy_agent.code.syntax import code_children, node_at, parse_rust
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.conversions_shared import FLOATS, NUMBERS
from sleepy_agent.fixes.templates.derivable import has_trait
from sleepy_agent.fixes.templates.derives import lacking_item, traits_missed
from sleepy_agent.fixes.templates.scene import Proposal, Scene

NEW = re.compile(r"\bfn\s+new\s*\(\s*\)\s*->\s*(?P<type>\w+)")
COMPARED = re.compile(r"(?P<left>.+?)\s*==\s*(?P<right>.+)", re.DOTALL)
PARTLY_COMPARED = re.compile(r"(?P<left>[\w.]+(?:\(\))?)\.partial_cmp\((?P<right>&?[\w.]+(?:\(\))?)\)")


def items_lacking(scene: Scene, *traits: str) -> Iterator[tuple[Item, str]]:
    """The types without parameters that the compiler says lack one of the traits."""
    seen = set()
    for type_text, trait in traits_missed(scene.said):
        item = lacking_item(scene, type_text, trait) if trait in traits else None
        if item is not None and not item.generics and (item.key, trait) not in seen:
            seen.add((item.key, trait))
            yield item, trait


def default_from_new(scene: Scene) -> Iterator[Proposal]:
    """`Default` gives what `new` gives."""
    for item, _ in items_lacking(scene, "Default"):
        for one in scene.index.implementations_of(item.name):
            text = scene.context.read(one.file)
            body = text[one.byte_start : one.byte_end].decode(errors="replace")
            found = NEW.search(body) if one.trait_name is None and not one.generics else None
            if found is not None and found["type"] in {"Self", item.name}:
                lines = ("fn default() -> Self {", "    Self::new()", "}")
                yield Proposal((implementation_behind(scene, one, "Default", item.name, lines),), {"type": item.name})
                return


def hash_of_what_is_compared(scene: Scene) -> Iterator[Proposal]:
    """Hash exactly what the written `eq` compares: equal values have one hash."""
    for item, trait in items_lacking(scene, "Hash"):
        written = written_for(scene, item, "PartialEq")
        found = method_of(scene, written, "eq") if written is not None else None
        if written is None or found is None:
            continue
        (body, other), lines = found, ["fn hash<H: std::hash::Hasher>(&self, state: &mut H) {"]
        for part in re.split(r"\s*&&\s*", body):
            sides = COMPARED.fullmatch(part.strip())
            if sides is None or re.sub(r"\bself\b", other, sides["left"]) != sides["right"] or "=" in sides["right"]:
                return
            lines.append(f"    std::hash::{trait}::hash(&{sides['left']}, state);")
        edit = implementation_behind(scene, written, "std::hash::Hash", item.name, (*lines, "}"))
        if not has_trait(scene.index, item, "Eq"):
            edit = Edit(
                edit.file, edit.byte_start, edit.byte_end, f"\n\nimpl Eq for {item.name} {{}}{edit.replacement}"
            )
        yield Proposal((edit,), {"type": item.name})
        return


def order_as_compared_partly(scene: Scene) -> Iterator[Proposal]:
    """The whole order is the one that the written `partial_cmp` gives."""
    for item, _ in items_lacking(scene, "Ord"):
        written = written_for(scene, item, "PartialOrd")
        found = method_of(scene, written, "partial_cmp") if written is not None else None
        if written is None or found is None:
            continue
        body, other = found
        head = f"fn cmp(&self, {other}: &Self) -> std::cmp::Ordering {{"
        compared = PARTLY_COMPARED.fullmatch(body)
        for extra, method in ((0.0, "cmp"), (0.02, "total_cmp")) if compared is not None else ():
            assert compared is not None
            lines = (head, f"    {compared['left']}.{method}({compared['right']})", "}")
            edit = implementation_behind(scene, written, "Ord", item.name, lines)
            if not has_trait(scene.index, item, "Eq"):
                text = f"\n\nimpl Eq for {item.name} {{}}{edit.replacement}"
                edit = Edit(edit.file, edit.byte_start, edit.byte_end, text)
            yield Proposal((edit,), {"type": item.name}, extra_cost=extra)
        return


def sum_of_additions(scene: Scene) -> Iterator[Proposal]:
    """`Sum` adds one after the other, from nothing on, which the type's numbers say."""
    for item, _ in items_lacking(scene, "Sum"):
        written = written_for(scene, item, "Add")
        nothing = nothing_of(item)
        if written is not None and nothing is not None:
            lines = (
                "fn sum<I: Iterator<Item = Self>>(items: I) -> Self {",
                f"    items.fold({nothing}, |total, item| total + item)",
                "}",
            )
            edit = implementation_behind(scene, written, "std::iter::Sum", item.name, lines)
            yield Proposal((edit,), {"type": item.name})


def nothing_of(item: Item) -> str | None:
    """The value of a struct of numbers in which each of them is zero."""
    if not item.fields or any(field.type not in NUMBERS for field in item.fields):
        return None
    values = ["0.0" if field.type in FLOATS else "0" for field in item.fields]
    if item.fields[0].name.isdigit():
        return f"Self({', '.join(values)})"
    return f"Self {{ {', '.join(f'{field.name}: {zero}' for field, zero in zip(item.fields, values, strict=True))} }}"


def written_for(scene: Scene, item: Item, trait: str) -> Implementation | None:
    """The implementation of a trait that somebody wrote for a type itself."""
    return next(
        (
            one
            for one in scene.index.implementations_of(item.name)
            if one.trait_name == trait and one.type_text == item.name and "<" not in (one.trait_text or "")
        ),
        None,
    )


def method_of(scene: Scene, implementation: Implementation, name: str) -> tuple[str, str] | None:
    """The one expression that a method is, and what it calls its other parameter."""
    text = scene.context.read(implementation.file)
    node = node_at(parse_rust(text), implementation.byte_start, implementation.byte_end)
    body = node.child_by_field_name("body")
    for function in code_children(body) if body is not None else ():
        named, block = function.child_by_field_name("name"), function.child_by_field_name("body")
        parameters = function.child_by_field_name("parameters")
        if named is None or block is None or parameters is None or of(text, named) != name:
            continue
        inside = code_children(block)
        other = re.search(r"&\s*self\s*,\s*(\w+)\s*:", of(text, parameters))
        if len(inside) == 1 and not inside[0].type.endswith(("_statement", "_declaration")) and other is not None:
            return of(text, inside[0]), other[1]
    return None


def of(text: bytes, node: Node) -> str:
    return text[node.start_byte : node.end_byte].decode(errors="replace")


def implementation_behind(scene: Scene, one: Implementation, trait: str, name: str, lines: tuple[str, ...]) -> Edit:
    """A new implementation behind another one."""
    text = scene.context.read(one.file)
    start = text.rfind(b"\n", 0, one.byte_start) + 1
    line = text[start : one.byte_start]
    indentation = line.decode(errors="replace") if not line.strip() else ""
    inside = "\n".join(f"{indentation}    {code}" for code in lines)
    head = f"\n\n{indentation}impl {trait} for {name} {{\n"
    return Edit(one.file, one.byte_end, one.byte_end, f"{head}{inside}\n{indentation}}}")
