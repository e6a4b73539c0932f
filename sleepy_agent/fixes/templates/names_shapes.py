"""Structs and variants that are written in another shape than they are declared in (E0423, E0532, E0533, E0559,
E0560, E0574, E0618, E0164, E0769)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from sleepy_agent.code.items import Field, ItemKind
from sleepy_agent.code.syntax import code_children
from sleepy_agent.fixes.templates.names_near import is_nameable
from sleepy_agent.fixes.templates.scene import Proposal, Scene


@dataclass(frozen=True, slots=True)
class Shape:
    """What a struct or a variant is made of."""

    kind: str
    """`unit`, `tuple` or `struct`."""
    fields: tuple[Field, ...]


def shape_of_path(scene: Scene, path: str) -> Shape | None:
    """The shape of the struct or the variant of the workspace that a path names."""
    segments = [part.strip() for part in path.split("::")]
    position = scene.span.byte_start
    if len(segments) > 1:
        owner = segments[-2]
        implementation = scene.index.implementation_at(scene.file, position)
        if owner == "Self" and implementation is not None:
            owner = implementation.type_name
        for variant in scene.index.variants_of(owner):
            if variant.name == segments[-1]:
                return Shape(variant.shape, variant.fields)
    item = scene.index.type_named(segments[-1])
    if item is None or item.kind is not ItemKind.STRUCT:
        return None
    kind = "tuple" if item.is_tuple else "struct" if item.fields else "unit"
    visible = tuple(one for one in item.fields if is_nameable(scene, one.visibility, item.file, item.module))
    return Shape(kind, item.fields) if len(visible) == len(item.fields) else None


def tuple_written_as_struct(scene: Scene) -> Iterator[Proposal]:
    """`Price { cents: 3 }` -> `Price(3)`, in literals and patterns."""
    literal = scene.around({"struct_expression", "struct_pattern"})
    if literal is None:
        return
    name = literal.child_by_field_name("name") or literal.child_by_field_name("type")
    shape = shape_of_path(scene, scene.of(name)) if name is not None else None
    if name is None or shape is None or shape.kind == "struct":
        return
    values = [value_given(scene, child) for child in initializers(literal)]
    if any(value is None for value in values) or len(values) != len(shape.fields):
        return
    written = f"({', '.join(value or '' for value in values)})" if shape.kind == "tuple" else ""
    yield Proposal((scene.replace(literal, scene.of(name) + written),), {"written": scene.of(name) + written})


def initializers(literal: Node) -> list[Node]:
    body = literal.child_by_field_name("body")
    found = code_children(body if body is not None else literal)
    return [child for child in found if child.type.startswith(("field_", "shorthand_", "base_", "remaining_"))]


def value_given(scene: Scene, initializer: Node) -> str | None:
    """The value, or the pattern, that a field is given."""
    if initializer.type in {"base_field_initializer", "remaining_field_pattern"}:
        return None
    value = initializer.child_by_field_name("value") or initializer.child_by_field_name("pattern")
    return scene.of(value) if value is not None else scene.of(initializer)


def struct_written_as_tuple(scene: Scene) -> Iterator[Proposal]:
    """`Plank(3, 4)` -> `Plank { width: 3, height: 4 }`, in the order in which the fields are declared."""
    around = scene.around({"call_expression", "tuple_struct_pattern"})
    if around is None:
        return
    function = around.child_by_field_name("function") or around.child_by_field_name("type")
    if function is None or not (function.start_byte <= scene.span.byte_start <= function.end_byte):
        return
    if function.type not in {"identifier", "scoped_identifier"}:
        return
    path = scene.of(function)
    shape = shape_of_path(scene, path)
    arguments = around.child_by_field_name("arguments")
    values = (
        code_children(arguments) if arguments is not None else [one for one in code_children(around) if one != function]
    )
    if shape is None or shape.kind != "struct" or len(values) != len(shape.fields):
        return
    parts = [
        field.name if scene.of(value) == field.name else f"{field.name}: {scene.of(value)}"
        for field, value in zip(shape.fields, values, strict=True)
    ]
    types = [field.type for field in shape.fields]
    is_pattern = around.type == "tuple_struct_pattern"
    written = f"{path} {{ {', '.join(parts)} }}"
    yield Proposal(
        (scene.replace(around, written),),
        {"path": path},
        # Two values of one type could be meant the other way round.
        extra_cost=0.1 if len(set(types)) < len(types) and not is_pattern else 0.0,
    )


def pattern_of_variant(scene: Scene) -> Iterator[Proposal]:
    """`Shape::Circle =>` -> `Shape::Circle(..) =>`, `Shape::Square { .. } =>`: what the arm does not look at."""
    node = scene.node
    while node.parent is not None and node.parent.type in {"scoped_identifier", "tuple_struct_pattern"}:
        node = node.parent
    path = node.child_by_field_name("type") if node.type == "tuple_struct_pattern" else node
    if path is None or path.type not in {"scoped_identifier", "identifier"} or not is_in_pattern(node):
        return
    shape = shape_of_path(scene, scene.of(path))
    if shape is None:
        return
    written = scene.of(path) + {"tuple": "(..)", "struct": " { .. }", "unit": ""}[shape.kind]
    if node.type == "tuple_struct_pattern":
        inner = [one for one in code_children(node) if one != path]
        if shape.kind == "tuple" or any(one.type not in {"_", "remaining_field_pattern"} for one in inner):
            return
    if written != scene.of(node):
        yield Proposal((scene.replace(node, written),), {"written": written})


def is_in_pattern(node: Node) -> bool:
    """Whether a node stands in a pattern."""
    around = node.parent
    return around is not None and (around.type.endswith("_pattern") or around.type == "match_pattern")


def struct_of_enum_or_module(scene: Scene) -> Iterator[Proposal]:
    """`Color { red: 3 }` -> `Color::Rgb { red: 3 }`, `store { count: 3 }` -> `store::Shelf { count: 3 }`."""
    literal = scene.around({"struct_expression", "struct_pattern"})
    name = (literal.child_by_field_name("name") or literal.child_by_field_name("type")) if literal is not None else None
    if literal is None or name is None or scene.span.byte_end > name.end_byte:
        return
    given = set()
    for one in initializers(literal):
        field = one.child_by_field_name("field") or one.child_by_field_name("name")
        given.add(scene.of(field) if field is not None else scene.of(one))
    path = scene.of(name)
    found = [
        variant.name
        for variant in scene.index.variants_of(path)
        if variant.shape == "struct" and {field.name for field in variant.fields} == given
    ]
    if not found:
        targets = scene.index.resolve(path.split("::"), scene.file, scene.span.byte_start)
        modules = [one.module for one in targets if one.module is not None]
        found = [
            item.name
            for item in scene.index.types()
            if item.module in modules and {field.name for field in item.fields} == given and not item.is_tuple
        ]
    for part in found[:3]:
        yield Proposal(
            (scene.insert(name.end_byte, f"::{part}"),),
            {"written": f"{path}::{part}"},
            question=f"which part of `{path}` is meant" if len(found) > 1 else None,
        )
