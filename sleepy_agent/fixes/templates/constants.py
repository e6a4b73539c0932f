"""Constants and statics that need more than a constant allows, and code that must be called unsafe."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.items import FUNCTION_KINDS, Item, ItemKind
from sleepy_agent.code.local_names import declaration_of
from sleepy_agent.code.syntax import ancestors
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# Where the value of a place is not read, but the place itself is used.
PLACE_USERS = frozenset({"reference_expression", "field_expression", "index_expression", "assignment_expression"})
# What a block stands in that is an expression of its own, no body.
USERS_OF_BLOCKS = frozenset(
    {"expression_statement", "let_declaration", "arguments", "assignment_expression", "block", "field_initializer"}
    | {"parenthesized_expression", "reference_expression", "try_expression", "field_expression", "binary_expression"}
)


def function_made_const(scene: Scene) -> Iterator[Proposal]:
    """Put `const` in front of the workspace's own function that a constant calls."""
    said = re.search(r"non-const (?:associated )?(?:function|method) `([^`]+)`", scene.problem.message)
    if said is None or scene.span.from_macro is not None:
        return
    path = re.sub(r"::<[^>]*>|<[^>]*>", "", said[1]).split("::")
    found = [item for item in scene.index.items_named(path[-1], FUNCTION_KINDS) if belongs(item, path)]
    if len(found) != 1 or found[0].of_trait is not None or found[0].is_in_trait or not is_editable(scene, found[0]):
        return
    item = found[0]
    text = scene.context.read(item.file)
    head = text[item.byte_start : item.name_start].decode(errors="replace")
    words = re.search(r"\b(unsafe|extern|fn)\b", head)
    if words is not None and "async" not in head:
        place = item.byte_start + len(head[: words.start()].encode())
        yield Proposal((Edit(item.file, place, place, "const "),), {"name": said[1]})


def belongs(item: Item, path: list[str]) -> bool:
    return item.owner is None or len(path) < 2 or item.owner.split("<")[0] == path[-2]


def is_editable(scene: Scene, item: Item) -> bool:
    return scene.context.is_editable(item.file) and item.is_whole


def made_on_first_use(scene: Scene) -> Iterator[Proposal]:
    """`static X: T = f();` as a LazyLock, which is made when it is first used."""
    item = scene.around({"static_item", "const_item"})
    parts = type_and_value(item)
    if item is None or parts is None or scene.span.from_macro is not None:
        return
    of_type, value = parts
    keyword = next((child for child in item.children if child.type in {"static", "const"}), None)
    if any(child.type == "mutable_specifier" for child in item.children) or keyword is None:
        return
    if not value.start_byte <= scene.span.byte_start <= value.end_byte or scene.around(
        {"impl_item", "trait_item"}, item
    ):
        return
    kind = scene.of(of_type)
    yield from as_literal(scene, of_type, value)
    name = "LazyLock" if re.search(rb"\buse std::sync::(?:\{[^}]*\b)?LazyLock\b", scene.text) else "std::sync::LazyLock"
    edits = [
        scene.replace(of_type, f"{name}<{kind}>"),
        scene.replace(value, f"{name}::new(|| {scene.of(value)})"),
    ]
    if keyword.type == "const":
        edits.append(scene.replace(keyword, "static"))
    yield Proposal(tuple(edits), {"way": f"make it on first use, in a `{name}`"}, 0.1)


def as_literal(scene: Scene, of_type: Node, value: Node) -> Iterator[Proposal]:
    """A constant `String` made of a literal: the literal itself."""
    found = re.fullmatch(
        r'(?:String::from\((".*")\)|(".*")\.(?:to_string|to_owned|into)\(\))', scene.of(value), re.DOTALL
    )
    if found is not None and scene.of(of_type) == "String":
        edits = (scene.replace(of_type, "&str"), scene.replace(value, found[1] or found[2]))
        yield Proposal(edits, {"way": "keep the text itself, as `&str`"})


def type_and_value(item: Node | None) -> tuple[Node, Node] | None:
    of_type = item.child_by_field_name("type") if item is not None else None
    value = item.child_by_field_name("value") if item is not None else None
    return (of_type, value) if of_type is not None and value is not None else None


def static_for_constant(scene: Scene) -> Iterator[Proposal]:
    """A constant with a cell in it that another one refers to: it must have a place of its own."""
    item = scene.around({"const_item", "static_item"})
    named = re.search(r"&\s*(\w+)", scene.code(scene.span.byte_start, scene.span.byte_end))
    found = scene.index.items_named(named[1], (ItemKind.CONST,)) if named is not None else ()
    if item is None or len(found) != 1 or not is_editable(scene, found[0]):
        return
    constant = found[0]
    text = scene.context.read(constant.file)
    place = text.find(b"const", constant.byte_start, constant.name_start)
    if place >= 0:
        yield Proposal((Edit(constant.file, place, place + 5, "static"),), {"name": constant.name})


def vector_for_array(scene: Scene) -> Iterator[Proposal]:
    """An array whose length is only known when it runs: a vector."""
    array = scene.around({"array_expression", "array_type"})
    declaration = scene.around("let_declaration", array)
    if array is None or declaration is None or scene.span.from_macro is not None:
        return
    value, of_type = declaration.child_by_field_name("value"), declaration.child_by_field_name("type")
    edits = []
    if value is not None and value.type == "array_expression":
        edits.append(scene.insert(value.start_byte, "vec!"))
    if of_type is not None:
        found = re.fullmatch(r"\[(.*);[^;]*\]", scene.of(of_type), re.DOTALL)
        if found is None:
            return
        edits.append(scene.replace(of_type, f"Vec<{found[1].strip()}>"))
    if edits and value is not None and value.type == "array_expression":
        length = re.search(r";\s*(\w+)\s*\]", scene.of(value))
        local = declaration_of(scene.root, scene.text, value.start_byte, length[1]) if length is not None else None
        is_fixed = local is not None and re.fullmatch(r"\d\w*", local.initializer or "") is not None
        is_fixed = is_fixed or (length is not None and length[1].isupper())
        yield Proposal(tuple(edits), extra_cost=0.4 if is_fixed else 0.0)


def unsafe_block(scene: Scene) -> Iterator[Proposal]:
    """`unsafe { .. }` around the smallest whole expression that the compiler means."""
    node = scene.node
    if scene.span.from_macro is not None or scene.around("macro_invocation") is not None:
        return
    bare = next((one for one in ancestors(node) if one.type in {"block", "function_item", "closure_expression"}), None)
    if bare is not None and bare.type == "block" and bare.parent is not None and bare.parent.type in USERS_OF_BLOCKS:
        yield Proposal((scene.insert(bare.start_byte, "unsafe "),))
        return
    while (
        node.parent is not None and node.parent.start_byte == node.start_byte and node.parent.end_byte == node.end_byte
    ):
        node = node.parent
    for around in ancestors(node.parent):
        is_place = around.type in PLACE_USERS or around.type == "compound_assignment_expr"
        is_value = around.type == "assignment_expression" and around.child_by_field_name("right") == node
        is_receiver = around.type == "call_expression" and around.child_by_field_name("function") == node
        if (is_place and not is_value) or is_receiver:
            node = around
        else:
            break
    if not node.type.endswith(("expression", "expr", "identifier")) or node.type == "block":
        return
    yield Proposal((scene.replace(node, f"unsafe {{ {scene.of(node)} }}"),))


def shared_constant(scene: Scene) -> Iterator[Proposal]:
    """`const X: &mut T = &mut value;` with `&` on both sides."""
    item = scene.around({"const_item", "static_item"})
    parts = type_and_value(item)
    if parts is None or scene.span.from_macro is not None:
        return
    of_type, value = parts
    kind, code = scene.of(of_type), scene.of(value)
    if re.match(r"&\s*('\w+\s+)?mut\b", kind) and re.match(r"&\s*mut\b", code):
        edits = (
            scene.replace(of_type, re.sub(r"^(&\s*(?:'\w+\s+)?)mut\s+", r"\1", kind)),
            scene.replace(value, re.sub(r"^&\s*mut\s+", "&", code)),
        )
        yield Proposal(edits)


def copy_of_packed_field(scene: Scene) -> Iterator[Proposal]:
    """A field of a packed struct is copied out, because nothing may refer to it."""
    text = scene.code(scene.span.byte_start, scene.span.byte_end)
    found = re.fullmatch(r"(&\s*)?((?:\w+\.)+\w+)", text)
    if found is None:
        return
    start = scene.span.byte_start + len((found[1] or "").encode())
    yield Proposal((scene.insert(start, "{ "), scene.insert(scene.span.byte_end, " }")), {"field": found[2]})
