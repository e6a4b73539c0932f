"""Implementations that may not stand where they are: for types of others, and twice for one type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sleepy_agent.code.items import ItemKind
from sleepy_agent.code.syntax import code_children, visibility_of
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.derives import without_derives
from sleepy_agent.fixes.templates.generics_edits import parameters_of
from sleepy_agent.fixes.templates.lifetimes import nodes_of
from sleepy_agent.fixes.templates.scene import Proposal, Scene

WORDS_OF_TYPES = {"str": "Str", "slice": "Slice", "array": "Array", "tuple": "Tuple", "fn": "Function"}


def extension_trait(scene: Scene) -> Iterator[Proposal]:
    """Methods for a type of another crate come from a trait of one's own (E0116, E0390, E0118)."""
    implementation = scene.around("impl_item")
    of_type = implementation.child_by_field_name("type") if implementation is not None else None
    body = implementation.child_by_field_name("body") if implementation is not None else None
    if implementation is None or of_type is None or body is None or of_type.type == "reference_type":
        return
    if implementation.child_by_field_name("trait") is not None:
        return
    bare = bare_type_name(scene.of(of_type))
    word = WORDS_OF_TYPES.get(bare, bare[:1].upper() + bare[1:])
    name = f"{word}Extension"
    if not word.isidentifier() or scene.index.items_named(name):
        return
    signatures, edits = [], list[Edit]()
    visible = False
    for member in code_children(body):
        function_body = member.child_by_field_name("body")
        if member.type != "function_item" or function_body is None:
            return
        head = scene.code(member.start_byte, function_body.start_byte).rstrip()
        visibility = visibility_of(member, scene.text)
        visible = visible or bool(visibility)
        head = head.removeprefix(visibility).strip()
        signatures.append(re.sub(r"\bmut (?=\w+\s*:)", "", head))
        if visibility:
            end = member.start_byte + len(visibility)
            while scene.text[end : end + 1].isspace():
                end += 1
            edits.append(scene.delete(member.start_byte, end))
    parameters = parameters_of(implementation)
    generics = scene.of(parameters) if parameters is not None else ""
    names = (
        generics
        if generics and all(one.type != "type_identifier" for one in nodes_of(of_type, "type_identifier"))
        else ""
    )
    if generics and ":" in generics:
        return
    indentation = scene.indentation(implementation.start_byte)
    lines = "".join(f"{indentation}    {signature};\n" for signature in signatures)
    declared = f"{'pub ' if visible else ''}trait {name}{names} {{\n{lines}{indentation}}}\n\n{indentation}"
    if not signatures:
        return
    edits = [
        scene.insert(implementation.start_byte, declared),
        scene.insert(of_type.start_byte, f"{name}{names} for "),
        *edits,
    ]
    yield Proposal(tuple(edits), {"trait": name, "type": scene.of(of_type)})


def derived_and_written(scene: Scene) -> Iterator[Proposal]:
    """A trait is derived and implemented by hand: what is written says more than the derive (E0119)."""
    found = re.search(
        r"implementations of trait `(?P<trait>\w+)(?:<[^`]*>)?` for type `(?P<type>[^`]+)`", scene.problem.message
    )
    if found is None:
        return
    item = scene.index.type_named(found["type"])
    if item is None or item.kind not in {ItemKind.STRUCT, ItemKind.ENUM} or found["trait"] not in item.derives:
        return
    written = any(one.trait_name == found["trait"] for one in scene.index.implementations_of(item.name))
    values = {"trait": found["trait"], "type": item.name}
    if written:
        edits = without_derives(scene, item, {found["trait"]})
        if edits:
            yield Proposal(edits, values)
    elif item.derives.count(found["trait"]) > 1:
        span = scene.span
        text = scene.text
        end = span.byte_end
        while text[end : end + 1] in {b",", b" "}:
            end += 1
        start = span.byte_start
        if text[end : end + 1] == b")":
            start = len(text[:start].rstrip(b" ,"))
            end = span.byte_end
        if text[start - 1 : start] == b"(" and text[end : end + 1] == b")":
            return
        yield Proposal((scene.delete(start, end),), values)
