"""Traits as types: what may not be a trait object, and associated types that must be named or spelled out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tree_sitter import Node

from sleepy_agent.code.items import Implementation, ItemKind
from sleepy_agent.code.names import nearest
from sleepy_agent.code.scopes import type_of_expression
from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.generics_edits import add_bound, declared_parameters
from sleepy_agent.fixes.templates.generics_inference import element_text
from sleepy_agent.fixes.templates.lifetimes_flow import returned_nodes
from sleepy_agent.fixes.templates.scene import Proposal, Scene

STD_ASSOCIATED_TYPES: Mapping[str, tuple[str, ...]] = {
    "Iterator": ("Item",),
    "DoubleEndedIterator": ("Item",),
    "ExactSizeIterator": ("Item",),
    "IntoIterator": ("Item", "IntoIter"),
    "Deref": ("Target",),
    "FromStr": ("Err",),
    "TryFrom": ("Error",),
    "TryInto": ("Error",),
    "Future": ("Output",),
    "Add": ("Output",),
    "Sub": ("Output",),
    "Mul": ("Output",),
    "Div": ("Output",),
    "Neg": ("Output",),
    "Index": ("Output",),
}
NOT_FOR_OBJECTS = re.compile(r"has generic type parameters|references the `Self` type|has no `self` parameter")


def only_where_sized(scene: Scene) -> Iterator[Proposal]:
    """A method that a trait object cannot have is kept from it: `where Self: Sized` (E0038)."""
    edits: list[Edit] = []
    names: list[str] = []
    for span in scene.spans():
        if span.label is None or not NOT_FOR_OBJECTS.search(span.label) or not scene.context.is_editable(span.file):
            continue
        other = scene.elsewhere(span)
        function = other.function()
        name = function.child_by_field_name("name") if function is not None else None
        if function is None or name is None or other.of(name) in names:
            continue
        names.append(other.of(name))
        where = next((child for child in function.children if child.type == "where_clause"), None)
        body = function.child_by_field_name("body")
        if where is not None:
            end = code_children(where)[-1].end_byte
            edits.append(other.insert(end, ", Self: Sized"))
            continue
        place = len(other.text[: body.start_byte].rstrip()) if body is not None else function.end_byte - 1
        edits.append(other.insert(place, " where Self: Sized"))
    if edits:
        yield Proposal(tuple(edits), {"methods": ", ".join(f"`{name}`" for name in names)})


def named_associated_types(scene: Scene) -> Iterator[Proposal]:
    """`dyn Convert` must name its associated types: those that all implementations agree on (E0191)."""
    found = re.search(
        r"associated types? (.*) (?:in|of|from) `?(\w+)`?|associated type `(\w+)` in `(\w+)`", scene.problem.message
    )
    node = scene.node
    if found is None:
        return
    names = re.findall(r"`(\w+)`", scene.problem.message.split(" in `")[0])
    trait = bare_type_name(scene.of(node))
    types: dict[str, str] = {}
    for name in names:
        given = {
            item.type
            for one in scene.index.implementors_of(trait)
            for item in one.items
            if item.name == name and item.type is not None
        }
        value = next(iter(given)) if len(given) == 1 else item_of_returned(scene, trait, name)
        if value is None:
            return
        types[name] = value
    words = ", ".join(f"{name} = {value}" for name, value in types.items())
    arguments = next((one for one in code_children(node) if one.type == "type_arguments"), None)
    if arguments is not None:
        edit = scene.insert(arguments.end_byte - 1, f", {words}")
    else:
        edit = scene.insert(node.end_byte, f"<{words}>")
    if types:
        yield Proposal((edit,), {"types": words})


def item_of_returned(scene: Scene, trait: str, name: str) -> str | None:
    """What a boxed iterator gives, where a function returns one over the elements of something known."""
    function = scene.function()
    body = function.child_by_field_name("body") if function is not None else None
    if trait != "Iterator" or name != "Item" or body is None:
        return None
    nodes = list(returned_nodes(body))
    boxed = re.match(r"Box::new\((.*)\)$", scene.of(nodes[0]), re.DOTALL) if len(nodes) == 1 else None
    arguments = nodes[0].child_by_field_name("arguments") if boxed is not None else None
    if arguments is None or not code_children(arguments):
        return None
    value = code_children(arguments)[0]
    if not re.search(r"\.into_iter\(\)$", scene.of(value)):
        return None
    return element_text(scene, value)


def declares(one: Implementation, name: str) -> bool:
    return any(item.name == name and item.kind is ItemKind.ASSOCIATED_TYPE for item in one.items)


def near_associated_type(scene: Scene) -> Iterator[Proposal]:
    """`I::Itm`, or `Iterator<Itm = u32>`: the name that the bound's trait really has (E0220)."""
    node = scene.node
    wrong = scene.of(node)
    path = scene.around("scoped_type_identifier")
    traits: list[str] = []
    if path is not None and path.child_by_field_name("path") is not None:
        traits = bounds_of(scene, path, scene.of(path.child_by_field_name("path") or path))
    binding = scene.around("type_binding")
    generic = scene.around("generic_type", binding) if binding is not None else None
    if generic is not None:
        traits = [bare_type_name(scene.of(generic))]
    known = [
        name for trait in traits for name in (*STD_ASSOCIATED_TYPES.get(trait, ()), *own_associated_types(scene, trait))
    ]
    known = [name for name in dict.fromkeys(known) if name != wrong]
    near = [name for name, _ in nearest(wrong, known)]
    right = near[0] if near else known[0] if len(known) == 1 else None
    if right is not None and node.type in {"type_identifier", "identifier"}:
        yield Proposal((scene.replace(node, right),), {"wrong": wrong, "right": right}, extra_cost=0 if near else 0.15)


def own_associated_types(scene: Scene, trait: str) -> list[str]:
    members = scene.index.members_of(trait)
    return [one.name for one in members if one.is_in_trait and one.kind is ItemKind.ASSOCIATED_TYPE]


def bounds_of(scene: Scene, node: Node, parameter: str) -> list[str]:
    """The traits that a type parameter is bound by around a node; `Self` is bound by its trait."""
    for one in ancestors(node):
        if one.type == "trait_item" and parameter == "Self":
            name = one.child_by_field_name("name")
            return [scene.of(name)] if name is not None else []
        if one.type == "impl_item" and parameter == "Self":
            trait = one.child_by_field_name("trait")
            return [bare_type_name(scene.of(trait))] if trait is not None else []
        declared = declared_parameters(one, scene.text).get(parameter)
        if declared is not None:
            bounds = declared.child_by_field_name("bounds")
            found = [bare_type_name(scene.of(child)) for child in code_children(bounds)] if bounds is not None else []
            for child in one.children:
                if child.type == "where_clause":
                    for predicate in child.named_children:
                        left, right = predicate.child_by_field_name("left"), predicate.child_by_field_name("bounds")
                        if left is not None and right is not None and scene.of(left) == parameter:
                            found += [bare_type_name(scene.of(bound)) for bound in code_children(right)]
            return found
    return []


def callable_parameter(scene: Scene) -> Iterator[Proposal]:
    """A value of a type parameter without bounds is called: it is a function (E0618)."""
    found = re.search(r"expected function, found `(?P<parameter>\w+)`", scene.problem.message)
    call = next((one for one in ancestors(scene.node) if one.type == "call_expression"), None)
    arguments = call.child_by_field_name("arguments") if call is not None else None
    function = scene.function()
    if found is None or call is None or arguments is None or function is None:
        return
    owner = next((one for one in ancestors(call) if found["parameter"] in declared_parameters(one, scene.text)), None)
    types = [type_of_expression(scene.index, scene.root, scene.text, one) for one in code_children(arguments)]
    if owner is None or any(one is None or "_" in one for one in types):
        return
    parent = call.parent
    returned = function.child_by_field_name("return_type")
    is_last = parent is not None and parent.type == "block" and parent.parent == function
    result = f" -> {scene.of(returned)}" if is_last and returned is not None else ""
    if not is_last and not (parent is not None and parent.type == "expression_statement"):
        return
    bound = f"Fn({', '.join(one for one in types if one is not None)}){result}"
    edit = add_bound(scene.file, owner, scene.text, found["parameter"], bound)
    if edit is not None:
        yield Proposal((edit,), {"parameter": found["parameter"], "bound": bound})


def arguments_of_implementations(scene: Scene) -> Iterator[Proposal]:
    """`dyn Convert` of a trait whose parameter must be said: as the only implementations have it (E0393)."""
    trait = bare_type_name(scene.of(scene.node))
    texts = {one.trait_text for one in scene.index.implementors_of(trait) if one.trait_text is not None}
    written = next(iter(texts), "")
    if len(texts) == 1 and "<" in written and "<" not in scene.of(scene.node):
        arguments = written[written.index("<") :]
        yield Proposal((scene.insert(scene.node.end_byte, arguments),), {"types": arguments.strip("<>")})


def said_twice(scene: Scene) -> Iterator[Proposal]:
    """`Iterator<Item = u32, Item = u32>`: once is enough (E0719)."""
    first = scene.labelled(r"bound here first")
    if first is not None and re.sub(r"\s", "", first.text) == re.sub(r"\s", "", scene.span.text):
        before = scene.text[: scene.span.byte_start].rstrip()
        if before.endswith(b","):
            yield Proposal((scene.delete(len(before) - 1, scene.span.byte_end),), {"binding": scene.span.text})
