"""Declarations that say something twice, or in a place where it may not stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tree_sitter import Node

from sleepy_agent.code.local_names import locals_at
from sleepy_agent.code.names import similarity
from sleepy_agent.code.syntax import code_children
from sleepy_agent.fixes.templates.calls import field_name, fields_of_literal
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# `pub(crte)` is `pub(crate)`.
LIKE_CRATE = 0.6
STD_TYPES = frozenset({"Self", "String", "Vec", "Option", "Result", "Box", "Some", "None", "Ok", "Err"})


def without_member(scene: Scene, node: Node) -> Proposal:
    """A member of a list taken away with its comma and its line."""
    end = node.end_byte
    rest = scene.text[end : end + 200]
    comma = re.match(rb"\s*,", rest)
    start = node.start_byte
    if comma is not None:
        end += comma.end()
        end += len(scene.text[end:]) - len(scene.text[end:].lstrip(b" "))
        line_start = scene.text.rfind(b"\n", 0, start) + 1
        if not scene.text[line_start:start].strip() and scene.text[end : end + 1] == b"\n":
            start, end = line_start, end + 1
    else:
        before = scene.text[:start].rstrip()
        start = len(before) - 1 if before.endswith(b",") else start
    return Proposal((scene.delete(start, end),), {"what": scene.of(node)})


# ---- struct literals and declarations -------------------------------------------------------------------------


def field_given_twice(scene: Scene) -> Iterator[Proposal]:
    """The second value belongs to the one field that has none; else one of the two goes."""
    literal = scene.around("struct_expression")
    body = literal.child_by_field_name("body") if literal is not None else None
    if literal is None or body is None or scene.span.from_macro is not None:
        return
    given = code_children(body)
    second = next((one for one in given if one.start_byte <= scene.span.byte_start < one.end_byte), None)
    if second is None:
        return
    name = field_name(scene, second)
    first = next((one for one in given if field_name(scene, one) == name and one != second), None)
    present = [field_name(scene, one) for one in given]
    missing = [field.name for field in all_fields(scene, literal) if field.name not in present]
    value = second.child_by_field_name("value")
    if len(missing) == 1 and "" not in present and value is not None:
        label = second.child_by_field_name("field") or second.child_by_field_name("name")
        if label is not None:
            yield Proposal((scene.replace(label, missing[0]),), {"what": f"name the second one `{missing[0]}`"})
            return
    for node in (
        (second, first) if first is not None and value_of(scene, first) != value_of(scene, second) else (second,)
    ):
        if node is not None:
            proposal = without_member(scene, node)
            yield Proposal(proposal.edits, {"what": f"remove `{scene.of(node)}`"}, 0.1)


def value_of(scene: Scene, initializer: Node) -> str:
    value = initializer.child_by_field_name("value")
    return scene.of(value if value is not None else initializer)


def all_fields(scene: Scene, literal: Node) -> Sequence:  # type: ignore[type-arg]
    """The fields of the struct that a literal makes, by its written name."""
    found = fields_of_literal(scene, literal)
    name = literal.child_by_field_name("name")
    return found or (scene.index.fields_of(scene.of(name)) if name is not None else ())


def same_declared_twice(scene: Scene) -> Iterator[Proposal]:
    """One of two declarations that say exactly the same; the first, because the complaint is about the second."""
    kinds = {
        "field_declaration",
        "enum_variant",
        "function_item",
        "struct_item",
        "enum_item",
        "const_item",
        "type_item",
    }
    second = scene.around(kinds | {"trait_item", "static_item", "mod_item", "function_signature_item"})
    if second is None or scene.span.from_macro is not None or second.parent is None:
        return
    text = plain(scene.of(second))
    first = next((one for one in code_children(second.parent) if one != second and plain(scene.of(one)) == text), None)
    if first is not None:
        if first.type in {"field_declaration", "enum_variant"}:
            yield Proposal(without_member(scene, first).edits, {"what": scene.of(first)})
        else:
            start = scene.text.rfind(b"\n", 0, first.start_byte) + 1
            start = start if not scene.text[start : first.start_byte].strip() else first.start_byte
            end = first.end_byte + (scene.text[first.end_byte : first.end_byte + 1] == b"\n")
            yield Proposal((scene.delete(start, end),), {"what": scene.of(first).split("\n")[0]})


def plain(text: str) -> str:
    return re.sub(r"\s+", "", re.sub(r"\bpub(\(.*?\))?\s", "", text))


def next_discriminant(scene: Scene) -> Iterator[Proposal]:
    """The number behind that of the variant in front, where no other variant has it."""
    spans = [span for span in scene.spans() if span.file == scene.file and re.fullmatch(r"-?\d+", span.text)]
    if not spans:
        return
    span = max(spans, key=lambda one: one.byte_start)
    body = scene.around("enum_variant_list", scene.node_of(span))
    variant = scene.around("enum_variant", scene.node_of(span))
    before = variant.prev_named_sibling if variant is not None else None
    if body is None or variant is None or before is None:
        return
    numbers = [int(found) for found in re.findall(r"=\s*(-?\d+)", scene.of(body))]
    last = re.search(r"=\s*(-?\d+)", scene.of(before))
    if last is not None and int(last[1]) + 1 not in numbers:
        yield Proposal((scene.replace(span, str(int(last[1]) + 1)),), {"number": str(int(last[1]) + 1)})


# ---- names bound twice ----------------------------------------------------------------------------------------


def parameter_of_its_own(scene: Scene) -> Iterator[Proposal]:
    """The second of two equal names gets the one name that the body uses and nobody declares."""
    holder = scene.around({"function_item", "closure_expression", "match_arm", "let_declaration", "block"})
    if holder is not None and holder.type == "let_declaration":
        holder = scene.around("block", holder.parent)
    if holder is None or scene.span.from_macro is not None:
        return
    unknown = unknown_names(scene, holder)
    if len(unknown) == 1:
        yield Proposal((scene.replace(scene.span, unknown[0]),), {"name": unknown[0]})
        return
    pattern = scene.around({"parameters", "closure_parameters", "match_arm", "let_declaration", "tuple_pattern"})
    name = scene.code(scene.span.byte_start, scene.span.byte_end)
    first = first_binding(scene, pattern, name) if pattern is not None else None
    if unknown or first is None:
        return
    for place in (scene.span, first):
        yield Proposal((scene.replace(place, "_"),), {"name": "_"}, 0.3, question="which one is meant")


def first_binding(scene: Scene, pattern: Node, name: str) -> Node | None:
    """The first mention of a name in front of the complaint."""
    waiting = [pattern]
    while waiting:
        node = waiting.pop()
        if node.type == "identifier" and scene.of(node) == name and node.end_byte <= scene.span.byte_start:
            return node
        waiting += reversed(node.children)
    return None


def unknown_names(scene: Scene, holder: Node) -> list[str]:
    """Values that a piece of code uses and nobody declares, in the order of the text."""
    known = {name.name for name in scene.index.visible_names(scene.file, holder.start_byte)}
    known |= {local.name for local in locals_at(scene.root, scene.text, holder.start_byte)}
    found: dict[str, None] = {}
    waiting = [holder]
    while waiting:
        node = waiting.pop()
        if node.type == "identifier" and is_value(node):
            name = scene.of(node)
            local = {one.name for one in locals_at(scene.root, scene.text, node.start_byte)}
            if name not in known and name not in local and name[:1].islower():
                found[name] = None
        if node.type != "macro_invocation":
            waiting += reversed(node.children)
    return list(found)


def is_value(node: Node) -> bool:
    """Whether a name stands for a value that is read: no declaration, no call, no path."""
    parent = node.parent
    if parent is None or parent.type in {
        "parameter", "let_declaration", "function_item", "scoped_identifier", "tuple_pattern", "closure_parameters",
        "tuple_struct_pattern", "match_pattern", "macro_invocation", "attribute", "mut_pattern", "for_expression",
        "struct_pattern", "field_pattern", "captured_pattern", "ref_pattern", "reference_pattern", "slice_pattern",
        "or_pattern", "generic_function", "let_condition", "const_item", "static_item", "type_parameter",
    }:  # fmt: skip
        return (
            parent is not None
            and parent.type in {"let_declaration", "for_expression", "let_condition"}
            and (parent.child_by_field_name("value") == node)
        )
    return not (parent.type == "call_expression" and parent.child_by_field_name("function") == node)


def type_parameter_of_its_own(scene: Scene) -> Iterator[Proposal]:
    """The second of two equal type parameters gets the one name that the item uses and nobody declares, or goes."""
    item = scene.item()
    parameters = scene.around("type_parameters")
    if item is None or parameters is None or scene.span.from_macro is not None:
        return
    declared = {scene.of(child).split(":")[0].split("=")[0].strip() for child in code_children(parameters)}
    used = dict.fromkeys(re.findall(r"\b[A-Z]\w*\b", scene.code(parameters.end_byte, item.end_byte)))
    unknown = [
        name
        for name in used
        if name not in declared | STD_TYPES and len(name) <= 2 and scene.index.type_named(name) is None
    ]
    if len(unknown) == 1:
        yield Proposal((scene.replace(scene.span, unknown[0]),), {"what": f"call the second one `{unknown[0]}`"})
        return
    second = next(
        (one for one in code_children(parameters) if one.start_byte <= scene.span.byte_start < one.end_byte), None
    )
    if second is not None and scene.of(second) == scene.code(scene.span.byte_start, scene.span.byte_end):
        yield Proposal(without_member(scene, second).edits, {"what": "say it once"}, 0.2)


# ---- foreign items and parameters -----------------------------------------------------------------------------


def plain_parameter(scene: Scene) -> Iterator[Proposal]:
    """A parameter of a foreign function is a name: no `mut`, no pattern."""
    if scene.span.from_macro is not None:
        return
    text = scene.code(scene.span.byte_start, scene.span.byte_end)
    bare = text.removeprefix("mut ").strip() if text.startswith("mut ") else "_"
    yield Proposal((scene.replace(scene.span, bare),), {"name": bare})


def default_in_order(scene: Scene) -> Iterator[Proposal]:
    """A parameter that a default mentions is declared in front of it."""
    parameters = scene.around("type_parameters")
    if parameters is None or scene.span.from_macro is not None:
        return
    children = code_children(parameters)
    name = scene.code(scene.span.byte_start, scene.span.byte_end)
    holder = next((one for one in children if one.start_byte <= scene.span.byte_start < one.end_byte), None)
    needed = next((one for one in children if re.match(rf"{re.escape(name)}\b", scene.of(one))), None)
    if holder is not None and needed is not None and needed.start_byte > holder.start_byte:
        yield Proposal(
            (*without_member(scene, needed).edits, scene.insert(holder.start_byte, f"{scene.of(needed)}, ")),
            {"name": name},
        )


def narrower_visibility(scene: Scene) -> Iterator[Proposal]:
    """`pub(parent)` as `pub(super)`, a module around by its path, else the crate."""
    word = re.search(r"\w+", scene.code(scene.span.byte_start, scene.span.byte_end))
    if word is None or scene.span.from_macro is not None:
        return
    module = scene.index.module_of(scene.file, scene.span.byte_start)
    if scene.problem.code not in {"E0704", "E0742"}:
        # What a relative path was to name is not known here.
        return
    if scene.problem.code == "E0742":
        places = ["crate"]
    elif word[0] in {"parent", "outer", "above"}:
        places = ["super"]
    elif word[0] in {"this", "here", "module", "mod", "private"}:
        places = ["self"]
    elif word[0] in module:
        places = ["in crate::" + "::".join(module[: module.index(word[0]) + 1])]
    elif similarity(word[0], "crate") >= LIKE_CRATE:
        places = ["crate"]
    else:
        # Some module that is not around: nobody knows how far it was to be seen.
        return
    node = scene.around("visibility_modifier")
    for place in places:
        if node is not None:
            yield Proposal((scene.replace(node, f"pub({place})"),), {"place": place})
        else:
            yield Proposal((scene.replace(scene.span, place),), {"place": place})


def generics_behind_name(scene: Scene) -> Iterator[Proposal]:
    """`fn name(x: T)<T>` as `fn name<T>(x: T)`."""
    text = scene.text
    start = scene.span.byte_start
    end = start
    depth = 0
    while end < len(text) and end - start < 500:
        depth += (text[end] == ord("<")) - (text[end] == ord(">") and text[end - 1] != ord("-"))
        end += 1
        if depth == 0:
            break
    head = re.search(rb"\bfn\s+\w+(\s*\()(?=[^{};]*$)", text[:start])
    if depth == 0 and head is not None and end > start + 1 and b"{" not in text[start:end]:
        generics = scene.code(start, end)
        yield Proposal((scene.delete(start, end), scene.insert(head.start(1), generics)), {"generics": generics})


def safe_implementation(scene: Scene) -> Iterator[Proposal]:
    """`unsafe impl Type` as `impl Type`."""
    item = scene.around("impl_item")
    if item is None or scene.span.from_macro is not None:
        return
    word = next((child for child in item.children if child.type == "unsafe"), None)
    keyword = next((child for child in item.children if child.type == "impl"), None)
    if word is not None and keyword is not None:
        yield Proposal((scene.delete(word.start_byte, keyword.start_byte),))
