"""Bounds that other code of the same kind shows: sibling implementations, what is compared, what can be made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.scopes import declaration_of, type_parameters_at
from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.code.type_text import split_outside
from sleepy_agent.fixes.templates.bounds import declaring_item
from sleepy_agent.fixes.templates.generics_edits import add_bound, declared_parameters, read
from sleepy_agent.fixes.templates.lifetimes_of_types import implementation_node
from sleepy_agent.fixes.templates.scene import Proposal, Scene


def bounds_of_siblings(scene: Scene) -> Iterator[Proposal]:
    """A parameter of an implementation gets the bounds that the type's other implementations ask of it."""
    implementation = scene.around("impl_item")
    of_type = implementation.child_by_field_name("type") if implementation is not None else None
    if implementation is None or of_type is None:
        return
    declared = declared_parameters(implementation, scene.text)
    mine = arguments_of(of_type, scene.text)
    said = set(re.findall(r"\b[A-Z]\w*\b", scene.said)) & {name for name in declared if not name.startswith("'")}
    for name in [one for one in declared if one in said and one in mine]:
        if bounds_in(implementation, scene.text, name):
            continue
        found: dict[str, None] = {}
        for one in scene.index.implementations_of(scene.of(of_type)):
            text = scene.context.read(one.file)
            other = implementation_node(one, text)
            other_type = other.child_by_field_name("type") if other is not None else None
            if (
                other is None
                or other_type is None
                or (one.file, one.byte_start) == (scene.file, implementation.start_byte)
            ):
                continue
            theirs = arguments_of(other_type, text)
            number = mine.index(name)
            written = bounds_in(other, text, theirs[number]) if number < len(theirs) else ""
            for first, second in zip(theirs, mine, strict=False):
                written = re.sub(rf"(?<![\w']){re.escape(first)}\b", second, written)
            if written:
                found[written] = None
        for number, written in enumerate(found):
            edit = add_bound(scene.file, implementation, scene.text, name, written)
            if edit is not None and number < 2:
                values = {"parameter": name, "traits": f"`{written}`"}
                # What others ask of it is more than what is missed first.
                yield Proposal((edit,), values, extra_cost=-0.05 + 0.02 * number)


def arguments_of(of_type: Node, text: bytes) -> list[str]:
    """The arguments of a type as they are written, lifetimes too."""
    arguments = of_type.child_by_field_name("type_arguments") if of_type.type == "generic_type" else None
    return [read(child, text) for child in code_children(arguments)] if arguments is not None else []


def bounds_in(item: Node, text: bytes, name: str) -> str:
    """The bounds of a parameter, from the list and the `where` clause."""
    parameter = declared_parameters(item, text).get(name)
    found = [read(parameter.child_by_field_name("bounds"), text)] if parameter is not None else []
    for child in item.children:
        if child.type == "where_clause":
            found += [
                read(predicate.child_by_field_name("bounds"), text)
                for predicate in child.named_children
                if read(predicate.child_by_field_name("left"), text) == name
            ]
    parts = [part.strip() for bounds in found for part in split_outside(bounds.removeprefix(":"), "+")]
    return " + ".join(dict.fromkeys(part for part in parts if part))


ELEMENTS = ((r"Some\(\s*'", "char"), (r"Some\(\s*b'", "u8"), (r"Some\(\s*\"", "&str"), (r"Some\(\s*&'", "&char"))


def iterator_of_what_is_compared(scene: Scene) -> Iterator[Proposal]:
    """`items.next() == Some('c')` of a parameter without bounds: `Iterator<Item = char>`."""
    function = scene.function()
    body = function.child_by_field_name("body") if function is not None else None
    parameter = re.search(
        r"for (?:mutable reference|reference|type parameter)? ?`(?:&mut |&)?(?P<name>\w+)`", scene.said
    )
    if function is None or body is None or parameter is None:
        return
    name = parameter["name"]
    if name not in type_parameters_at(scene.node, scene.text) or scene.of(scene.node) not in {
        "next",
        "peekable",
        "by_ref",
    }:
        return
    owner = declaring_item(scene, scene.node, name)
    code = scene.of(body)
    kinds = [element for pattern, element in ELEMENTS if re.search(pattern, code)]
    if owner is not None and len(kinds) == 1:
        bound = f"Iterator<Item = {kinds[0]}>"
        edit = add_bound(scene.file, owner, scene.text, name, bound)
        if edit is not None:
            yield Proposal((edit,), {"parameter": name, "traits": f"`{bound}`"})


def converted_where_it_begins(scene: Scene) -> Iterator[Proposal]:
    """A value of a type parameter that is `Into<Options>` is used as the `Options`: convert it where it is bound."""
    found = re.search(r"(?:on type|found for type parameter|for type parameter) `(?P<name>\w+)`", scene.problem.message)
    field = next((one for one in ancestors(scene.node) if one.type == "field_expression"), None)
    value = field.child_by_field_name("value") if field is not None else None
    if found is None or value is None or value.type != "identifier":
        return
    if found["name"] not in type_parameters_at(value, scene.text):
        return
    owner = declaring_item(scene, value, found["name"])
    if owner is None or "Into<" not in bounds_in(owner, scene.text, found["name"]):
        return
    name = scene.of(value)
    local = declaration_of(scene.root, scene.text, value.start_byte, name)
    if local is None:
        return
    binding = scene.root.descendant_for_byte_range(local.byte_start, local.byte_end)
    statement = next((one for one in ancestors(binding) if one.type in {"let_declaration", "parameter"}), None)
    if statement is None:
        return
    values = {"name": name}
    if statement.type == "let_declaration":
        given = statement.child_by_field_name("value")
        if given is not None and given.type in {"identifier", "field_expression"}:
            yield Proposal((scene.insert(given.end_byte, ".into()"),), values)
        return
    function = scene.function(value)
    body = function.child_by_field_name("body") if function is not None else None
    first = code_children(body)[0] if body is not None and code_children(body) else None
    if first is not None:
        line = f"let {name} = {name}.into();\n{scene.indentation(first.start_byte)}"
        yield Proposal((scene.insert(first.start_byte, line),), values, extra_cost=0.05)
