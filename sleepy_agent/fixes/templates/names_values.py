"""Names of values, functions, types and traits that nothing in scope has (E0425, E0412, E0405, E0422, E0531)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.items import FUNCTION_KINDS, Item, ItemKind
from sleepy_agent.code.names import similarity
from sleepy_agent.code.scopes import Local, locals_at, type_parameters_at
from sleepy_agent.code.std_names import std_methods_of, std_names, traits_with_method
from sleepy_agent.code.syntax import ancestors
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.fixes.templates.imports import as_written_here, import_of
from sleepy_agent.fixes.templates.imports_place import import_edit_at
from sleepy_agent.fixes.templates.names_near import (
    KnownName,
    called_with,
    case_of,
    fit_of_call,
    is_nameable,
    rename_proposals,
    spelled,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

STRINGS = frozenset({"string_literal", "string_content", "raw_string_literal", "escape_sequence"})
PRIMITIVES = (
    *("bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128"),
    *("isize", "f32", "f64"),
)
# Which kinds of items a word of the compiler's message stands for.
KINDS = {
    "value": frozenset({"const", "static", "function", "struct", "variant"}),
    "function": frozenset({"function", "struct", "variant"}),
    "tuple struct or tuple variant": frozenset({"struct", "variant"}),
    "unit struct, unit variant or constant": frozenset({"struct", "variant", "const"}),
    "struct, variant or union type": frozenset({"struct", "union", "variant", "type alias"}),
    "type": frozenset({"struct", "enum", "union", "type alias"}),
    "trait": frozenset({"trait"}),
}
TYPE_WORDS = {
    "Vector": "Vec", "ArrayList": "Vec", "List": "Vec", "Array": "Vec", "string": "String", "Str": "String",
    "boolean": "bool", "Boolean": "bool", "Bool": "bool", "int": "i32", "Int": "i32", "Integer": "i32",
    "uint": "u32", "unsigned": "u32", "long": "i64", "Long": "i64", "short": "i16", "ulong": "u64", "byte": "u8",
    "Byte": "u8", "float": "f32", "Float": "f32", "double": "f64", "Double": "f64", "number": "f64",
    "size_t": "usize", "usize_t": "usize", "Char": "char", "Optional": "Option", "Maybe": "Option",
    "Map": "HashMap", "Dict": "HashMap", "Dictionary": "HashMap", "Hash": "HashMap", "Set": "HashSet",
    "TreeMap": "BTreeMap", "Deque": "VecDeque", "Queue": "VecDeque", "Either": "Result", "void": "()",
}  # fmt: skip


def nearest_name(scene: Scene) -> Iterator[Proposal]:
    """The local, item, field or method whose name is nearest to one that nobody knows."""
    wanted, what = scene.values["wanted"], scene.values["what"].split(", tuple struct or")[0]
    if spelled(scene) != wanted or "exists but is inaccessible" in scene.said:
        return
    is_inside_string = scene.node.type in STRINGS
    count = None if is_inside_string else called_with(scene.node)
    known: list[KnownName] = []
    if what in {"value", "function"}:
        member = member_used(scene)
        known += [known_local(scene, one, member) for one in locals_at(scene.root, scene.text, scene.span.byte_start)]
    if not is_inside_string and what in {"value", "function"}:
        known += own_members(scene, what, count)
    kinds = KINDS.get(what, frozenset())
    if what == "type":
        known += [KnownName(name) for name in type_parameters_at(scene.node, scene.text)]
        known += [KnownName(name) for name in PRIMITIVES]
    for one in scene.index.visible_names(scene.file, scene.span.byte_start):
        fits_kind = one.kind in kinds
        if fits_kind and (not is_inside_string or one.kind in {"const", "static"}):
            known.append(KnownName(one.name, fit=fit_of_item(one.item, what, count)))
    found = list(rename_proposals(scene, scene.span, wanted, known))
    yield from found
    if not is_inside_string and not any(proposal.extra_cost < 0.08 for proposal in found):
        far = list(names_not_imported(scene, wanted, kinds, what, count))
        yield from rename_proposals(scene, scene.span, wanted, far, most=2)


def fit_of_item(item: Item | None, what: str, count: int | None) -> float:
    """How well an item fits a value or a call."""
    if item is None or item.kind not in FUNCTION_KINDS:
        return -0.05 if what == "value" and item is not None and item.kind is ItemKind.STRUCT else 0.0
    return fit_of_call(item, count, as_method=False) if what == "function" else -0.1


def known_local(scene: Scene, local: Local, member: str | None) -> KnownName:
    """A local variable; one whose type has the member that is used on it fits better."""
    if member is None or local.type is None:
        return KnownName(local.name)
    name = bare_type_name(local.type)
    fields = {one.name for one in scene.index.fields_of(name)}
    methods = {one.name for one in scene.index.methods_of(name)} | set(std_methods_of(local.type))
    if not fields and not methods:
        return KnownName(local.name)
    return KnownName(local.name, fit=0.06 if member in fields | methods else -0.12)


def member_used(scene: Scene) -> str | None:
    """`len` of `items.len()`, where the span is `items`."""
    found = re.match(rb"\s*\??\.\s*(\w+)", scene.text[scene.span.byte_end : scene.span.byte_end + 80])
    return found[1].decode(errors="replace") if found and not found[1].isdigit() else None


def own_members(scene: Scene, what: str, count: int | None) -> Iterator[KnownName]:
    """`self.name`, `self.name(..)` and `Self::name` of the type or trait around."""
    position = scene.span.byte_start
    implementation = scene.index.implementation_at(scene.file, position)
    item = scene.index.item_at(scene.file, position)
    owner = implementation.type_name if implementation is not None else item.owner if item is not None else None
    if owner is None:
        return
    has_self = any(local.kind == "self" for local in locals_at(scene.root, scene.text, position))
    if what == "value" and has_self:
        yield from (KnownName(one.name, f"self.{one.name}", -0.03) for one in scene.index.fields_of(owner))
    wanted = scene.values["wanted"]
    if what == "function" and has_self and traits_with_method(wanted):
        # A method of a trait that the type may have: the compiler knows.
        yield KnownName(wanted, f"self.{wanted}", -0.1)
    for member in (*scene.index.methods_of(owner), *scene.index.members_of(owner)):
        if what == "value" and member.kind is ItemKind.CONST:
            yield KnownName(member.name, f"Self::{member.name}", -0.03)
        elif what == "function" and member.kind in FUNCTION_KINDS:
            if member.self_parameter is None:
                fit = fit_of_call(member, count, as_method=False) - 0.03
                yield KnownName(member.name, f"Self::{member.name}", fit)
            elif has_self:
                yield KnownName(member.name, f"self.{member.name}", fit_of_call(member, count, as_method=True) - 0.03)


def names_not_imported(
    scene: Scene, wanted: str, kinds: frozenset[str], what: str, count: int | None
) -> Iterator[KnownName]:
    """Items elsewhere in the workspace, and everyday names of std, that differ by a slip and must be imported too."""
    position = scene.span.byte_start
    seen: set[str] = set()
    for item in scene.index.items:
        is_near = abs(len(item.name) - len(wanted)) <= 2 and item.name[:1].lower() == wanted[:1].lower()
        if not is_near or item.kind.value not in kinds or item.owner is not None or item.name in seen:
            continue
        if item.name != wanted and case_of(item.name) == case_of(wanted) and similarity(wanted, item.name) >= 0.75:
            seen.add(item.name)
            path = scene.index.path_to(item, scene.file, position)
            if path is not None and "::" in path:
                edit = import_edit_at(scene, as_written_here(scene, path), position)
                yield KnownName(item.name, fit=fit_of_item(item, what, count) - 0.05, more=(edit,))
    for one in std_names():
        is_new = one.kind in kinds and one.kind != "function" and not one.is_in_prelude and one.name not in seen
        is_alike = case_of(one.name) == case_of(wanted) and abs(len(one.name) - len(wanted)) <= 2
        if is_new and is_alike and similarity(wanted, one.name) >= 0.75:
            seen.add(one.name)
            yield KnownName(one.name, fit=-0.05, more=(import_edit_at(scene, one.written_path, position),))


# ---- variants without their enum ------------------------------------------------------------------------------


def variant_without_enum(scene: Scene) -> Iterator[Proposal]:
    """`Red` -> `Color::Red`."""
    wanted = scene.values.get("wanted") or scene.values["bound"]
    if spelled(scene) != wanted or not wanted[:1].isupper() or scene.node.type in STRINGS:
        return
    shape = shape_at(scene)
    enums = [
        (item, variant)
        for item in scene.index.types()
        for variant in item.variants
        if variant.name == wanted and (shape is None or variant.shape == shape)
    ]
    position = scene.span.byte_start
    visible = {one.name for one in scene.index.visible_names(scene.file, position)}
    found: dict[str, Item | None] = {}
    for item, _ in enums:
        path = item.name if item.name in visible else scene.index.path_to(item, scene.file, position)
        if path is not None and is_nameable(scene, item.visibility, item.file, item.module):
            found.setdefault(f"{path}::{wanted}", item)
    for suggestion in scene.diagnostic.suggestions:
        imported, _ = import_of(scene, suggestion)
        owner = imported.split("::")[-2] if imported is not None and imported.endswith(f"::{wanted}") else ""
        if owner[:1].isupper() and owner in visible and not any(path.endswith(f"{owner}::{wanted}") for path in found):
            found[f"{owner}::{wanted}"] = None
    here = [path for path, item in found.items() if item is None or item.file == scene.file]
    for number, path in enumerate(sorted(found, key=lambda one: (one not in here, one.count("::")))[:3]):
        yield Proposal(
            (scene.replace(scene.span, path),),
            {"found": path},
            extra_cost=0.04 * number,
            question=f"whose variant `{wanted}` is" if len(found) > 1 else None,
            keeps_behaviour=len(found) == 1,
        )


def shape_at(scene: Scene) -> str | None:
    """The shape of the variant that the code asks for."""
    parent = scene.node.parent
    if parent is None:
        return None
    if parent.type in {"struct_expression", "struct_pattern"}:
        return "struct"
    if parent.type == "tuple_struct_pattern" or called_with(scene.node) is not None:
        return "tuple"
    return None


# ---- words of other languages ---------------------------------------------------------------------------------


def word_for_type(scene: Scene) -> Iterator[Proposal]:
    """`Vector<u32>` -> `Vec<u32>`, `int` -> `i32`; what is not in the prelude is imported too."""
    wanted = scene.values["wanted"]
    found = TYPE_WORDS.get(wanted)
    if found is None or spelled(scene) != wanted:
        return
    visible = {one.name for one in scene.index.visible_names(scene.file, scene.span.byte_start)}
    edits = [scene.replace(scene.span, found)]
    if found not in visible and found not in PRIMITIVES and found != "()":
        path = next((one.written_path for one in std_names() if one.name == found), None)
        if path is None:
            return
        edits.append(import_edit_at(scene, path, scene.span.byte_start))
    yield Proposal(tuple(edits), {"wanted": wanted, "found": found})


# ---- methods as functions -------------------------------------------------------------------------------------


def function_is_a_method(scene: Scene) -> Iterator[Proposal]:
    """`legs(&dog)` -> `dog.legs()`, where only a method has that name and takes so many arguments."""
    wanted = scene.values["wanted"]
    call = next((one for one in ancestors(scene.node.parent) if one.type == "call_expression"), None)
    if spelled(scene) != wanted or call is None or call.child_by_field_name("function") != scene.node:
        return
    arguments = call.child_by_field_name("arguments")
    inner = [child for child in arguments.named_children if "comment" not in child.type] if arguments else []
    methods = [
        item
        for item in scene.index.functions_named(wanted)
        if item.owner is not None and item.self_parameter is not None and len(item.parameters) == len(inner) - 1
    ]
    if not inner or not methods or arguments is None:
        return
    receiver = without_borrow(inner[0])
    if receiver.type not in {"identifier", "self", "field_expression", "call_expression", "index_expression"}:
        return
    rest = scene.code(inner[1].start_byte, inner[-1].end_byte) if len(inner) > 1 else ""
    yield Proposal(
        (scene.replace(call, f"{scene.of(receiver)}.{wanted}({rest})"),),
        {"wanted": wanted, "receiver": scene.of(receiver)},
    )


def without_borrow(node: Node) -> Node:
    value = node.child_by_field_name("value") if node.type == "reference_expression" else None
    return value if value is not None else node
