"""Names that are known, but not there: labels, captured locals, generic parameters of an outer item, ambiguous and
double names, modules without a file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.items import ItemKind
from sleepy_agent.code.scopes import declaration_of, locals_at, uses_of
from sleepy_agent.code.std_names import FLOATS, SIGNED, UNSIGNED
from sleepy_agent.code.syntax import LOOP_KINDS, ancestors, code_children, node_at
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.imports_place import import_edit_at
from sleepy_agent.fixes.templates.names_near import KnownName, is_behind_path, rename_proposals, spelled
from sleepy_agent.fixes.templates.scene import Proposal, Scene
from sleepy_agent.fixes.templates.visibility import item_at_span, visibility_edit, wider_visibility

FUNCTION_WALLS = frozenset({"function_item", "closure_expression", "async_block"})
NUMBERS = SIGNED | UNSIGNED | FLOATS
CONSTANT_VALUES = re.compile(r"[\d_A-Z+\-*/%() ]+|[\d_]+[iu](?:\d+|size)|\"[^\"]*\"|'[^']'|true|false")


def replace_range(scene: Scene, start: int, end: int, code: str) -> Edit:
    """Put code in the place of the bytes start..end."""
    return Edit(scene.file, start, end, code)


# ---- labels ---------------------------------------------------------------------------------------------------


def label_of_loop(scene: Scene) -> Iterator[Proposal]:
    """Give the loop around the label that is used, or use the label that the only labelled loop has."""
    wanted = scene.code(scene.span.byte_start, scene.span.byte_end)
    loops = []
    for one in ancestors(scene.node):
        if one.type in FUNCTION_WALLS:
            break
        if one.type in LOOP_KINDS:
            loops.append(one)
    labelled = {label: one for one in loops if (label := label_text(scene, one))}
    if labelled:
        names = [KnownName(one.removeprefix("'"), one) for one in labelled]
        near = list(rename_proposals(scene, scene.span, wanted.removeprefix("'"), names))
        yield from near
        if near:
            return
        for label in labelled:
            yield Proposal(
                (scene.replace(scene.span, label),),
                {"label": label},
                extra_cost=0.1,
                question=f"which loop is meant by {wanted}",
            )
        return
    # A label is hardly ever needed for the innermost loop, where there is another one.
    candidates = loops[1:][::-1] if len(loops) > 1 else loops
    for one in candidates[:2]:
        yield Proposal(
            (scene.insert(one.start_byte, f"{wanted}: "),),
            {"label": wanted},
            question=f"which loop is meant by {wanted}" if len(candidates) > 1 else None,
        )


def label_text(scene: Scene, loop: Node) -> str:
    return next((scene.of(child) for child in loop.children if child.type == "label"), "")


# ---- what a nested item cannot see ----------------------------------------------------------------------------


def closure_for_function(scene: Scene) -> Iterator[Proposal]:
    """`fn add(m: u32) -> u32 { m + n }` inside of a function -> `let add = |m: u32| -> u32 { m + n };`"""
    function = scene.function()
    if function is None or function.parent is None or function.parent.type != "block":
        return
    name, parameters, returns, body = (
        function.child_by_field_name(part) for part in ("name", "parameters", "return_type", "body")
    )
    if name is None or parameters is None or body is None or function.child_by_field_name("type_parameters"):
        return
    captured = scene.of(scene.node)
    calls_itself = re.search(rf"\b{re.escape(scene.of(name))}\s*\(", scene.of(body))
    if calls_itself or declaration_of(scene.root, scene.text, function.start_byte - 1, captured) is None:
        return
    inner = scene.code(parameters.start_byte + 1, parameters.end_byte - 1)
    changes = re.search(rf"\b{re.escape(captured)}\b[\w.\[\]]*\s*(?:[-+*/%&|^]|<<|>>)?=[^=]", scene.of(body))
    head = f"let {'mut ' if changes else ''}{scene.of(name)} = |{inner}|"
    edits = [replace_range(scene, function.start_byte, parameters.end_byte, head), scene.insert(function.end_byte, ";")]
    if returns is None and scene.of(body).strip() == "{}":
        return
    yield Proposal(tuple(edits), {"name": scene.of(name)})


def constant_instead_of_let(scene: Scene) -> Iterator[Proposal]:
    """`let size = 3; [0; size]` -> `const SIZE: usize = 3; [0; SIZE]`."""
    name = spelled(scene)
    local = declaration_of(scene.root, scene.text, scene.span.byte_start, name)
    if local is None or local.kind != "let" or local.is_mutable or local.initializer is None:
        return
    array = scene.around({"array_expression", "array_type"})
    if not CONSTANT_VALUES.fullmatch(local.initializer.strip()):
        return
    type_text = local.type or ("usize" if array is not None else None)
    if type_text is None or not name.isidentifier():
        return
    constant = name.upper()
    head = replace_range(
        scene, local.declaration_start, local.byte_end, f"const {constant}" + ("" if local.type else f": {type_text}")
    )
    uses = [scene.replace(one, constant) for one in uses_of(scene.root, scene.text, local)]
    if not any(one.byte_start == scene.span.byte_start for one in uses):
        uses.append(scene.replace(scene.span, constant))
    yield Proposal((head, *uses), {"constant": constant})


def vector_instead_of_array(scene: Scene) -> Iterator[Proposal]:
    """`[0; count]` -> `vec![0; count]`, where `count` is only known when the program runs."""
    array = scene.around("array_expression")
    if array is None or ";" not in {child.type for child in array.children}:
        return
    if declaration_of(scene.root, scene.text, scene.span.byte_start, spelled(scene)) is not None:
        yield Proposal((scene.insert(array.start_byte, "vec!"),))


# ---- double names ---------------------------------------------------------------------------------------------


def explicit_import(scene: Scene) -> Iterator[Proposal]:
    """Of several globs that bring one name: import the meant one by its own path, which beats a glob."""
    name = spelled(scene)
    found = []
    for child in scene.diagnostic.children:
        for span in child.spans:
            path = re.sub(r"\s+", "", scene.elsewhere(span).code(span.byte_start, span.byte_end))
            if "could" in child.message and path.endswith("::*"):
                found.append((span, path.removesuffix("*") + name))
    for span, path in found[:3] if len(found) > 1 else ():
        there = scene.elsewhere(span)
        declaration = there.around("use_declaration", there.node_of(span))
        if declaration is None or not scene.context.is_editable(span.file):
            continue
        visible = next((there.of(one) + " " for one in declaration.children if one.type == "visibility_modifier"), "")
        indentation = there.indentation(declaration.start_byte)
        yield Proposal(
            (there.insert(declaration.end_byte, f"\n{indentation}{visible}use {path};"),),
            {"path": path},
            question=f"which `{name}` is meant",
        )


# ---- other places ---------------------------------------------------------------------------------------------


def inaccessible_item(scene: Scene) -> Iterator[Proposal]:
    """An item that exists but is private: make it visible in the crate, and import it."""
    span = scene.noted("exists but is inaccessible")
    item = item_at_span(scene, span) if span is not None else None
    if item is None or not scene.context.is_editable(item.file) or item.owner is not None or is_behind_path(scene):
        return
    if not any(item.file in crate.by_file for crate in scene.index.crates_of_file(scene.file)):
        return
    path = "::".join(("crate", *item.module, item.name))
    globs = [one for one in scene.index.imports_at(scene.file, scene.span.byte_start) if one.is_glob]
    targets = [target for one in globs for target in scene.index.resolve(one.path, one.file, one.byte_start)]
    if any(target.module == item.module for target in targets):
        yield from wider_visibility(scene)
        return
    edits: tuple[Edit, ...] = (
        visibility_edit(scene, item, item.byte_start, "pub(crate)"),
        import_edit_at(scene, path, scene.span.byte_start),
    )
    yield Proposal(edits, {"path": path})


def unreachable_trait(scene: Scene) -> Iterator[Proposal]:
    """A private trait whose method is called: make it visible in the crate, and import it."""
    trait = scene.index.trait_named(scene.values["trait"])
    if trait is None or not scene.context.is_editable(trait.file) or trait.visibility:
        return
    path = "::".join(("crate", *trait.module, trait.name))
    edits = (
        visibility_edit(scene, trait, trait.byte_start, "pub(crate)"),
        import_edit_at(scene, path, scene.span.byte_start),
    )
    yield Proposal(edits, {"path": path})


def cast_instead_of_call(scene: Scene) -> Iterator[Proposal]:
    """`u32(price)` -> `price as u32`; `String(name)` -> `String::from(name)`."""
    call = scene.around("call_expression")
    function = call.child_by_field_name("function") if call is not None else None
    arguments = call.child_by_field_name("arguments") if call is not None else None
    if call is None or function is None or arguments is None or len(code_children(arguments)) != 1:
        return
    name, value = scene.of(function), code_children(arguments)[0]
    if name == "String":
        yield Proposal((scene.insert(function.end_byte, "::from"),), {"written": f"String::from({scene.of(value)})"})
    elif name in NUMBERS:
        simple = value.type in {"identifier", "field_expression", "call_expression", "integer_literal", "float_literal"}
        written = f"{scene.of(value)} as {name}" if simple else f"({scene.of(value)}) as {name}"
        is_operand = call.parent is not None and call.parent.type in {"field_expression", "unary_expression"}
        yield Proposal((scene.replace(call, f"({written})" if is_operand else written),), {"written": written})


def method_of_local_by_path(scene: Scene) -> Iterator[Proposal]:
    """`dog::legs()` -> `dog.legs()`, where `dog` is a local."""
    name = spelled(scene)
    path = scene.node.parent
    if path is None or path.type != "scoped_identifier" or path.child_by_field_name("path") != scene.node:
        return
    member = path.child_by_field_name("name")
    if member is None or name not in {one.name for one in locals_at(scene.root, scene.text, scene.span.byte_start)}:
        return
    yield Proposal(
        (replace_range(scene, scene.node.end_byte, member.start_byte, "."),), {"written": f"{name}.{scene.of(member)}"}
    )


def constant_as_field(scene: Scene) -> Iterator[Proposal]:
    """`self.LIMIT` -> `Self::LIMIT`."""
    wanted, type_name = scene.values["wanted"], scene.values["type"].lstrip("&").removeprefix("mut ")
    access = scene.node.parent
    value = access.child_by_field_name("value") if access is not None else None
    if spelled(scene) != wanted or access is None or access.type != "field_expression" or value is None:
        return
    if value.type not in {"self", "identifier"}:
        return
    if any(one.name == wanted and one.kind is ItemKind.CONST for one in scene.index.members_of(type_name)):
        owner = "Self" if value.type == "self" else type_name
        yield Proposal((scene.replace(access, f"{owner}::{wanted}"),), {"written": f"{owner}::{wanted}"})


def value_named_self_type(scene: Scene) -> Iterator[Proposal]:
    """`Self.count` -> `self.count` in a method."""
    node = node_at(scene.root, scene.span.byte_start, scene.span.byte_end)
    if spelled(scene) != "Self" or scene.text[scene.span.byte_end : scene.span.byte_end + 1] != b".":
        return
    if any(one.kind == "self" for one in locals_at(scene.root, scene.text, node.start_byte)):
        yield Proposal((scene.replace(scene.span, "self"),))
