"""Lifetimes that show far from where they are wrong, and what must outlive what."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.items import Item, ItemKind
from sleepy_agent.code.scopes import lifetimes_at
from sleepy_agent.code.syntax import ancestors
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.generics_edits import (
    add_bound,
    declare,
    declared_parameters,
    elided_places,
    free_lifetime,
    item_node,
    read,
)
from sleepy_agent.fixes.templates.lifetimes import header_of, nodes_of, parameters_of_function
from sleepy_agent.fixes.templates.lifetimes_flow import receiver_and_method, sources_of_names
from sleepy_agent.fixes.templates.scene import Proposal, Scene

MOST_METHODS = 3


def returned_lifetime_of_callee(scene: Scene) -> Iterator[Proposal]:
    """A borrow lasts too long because a method's returned type does not name the lifetime of its type."""
    seen: set[str] = set()
    for call in calls_in_question(scene):
        _, method = receiver_and_method(call, scene.text)
        if method in seen or len(seen) >= MOST_METHODS:
            continue
        seen.add(method)
        found = [one for one in scene.index.items_named(method, (ItemKind.METHOD,)) if borrows_from_type(one)]
        if len(found) == 1:
            yield from longer_return(scene, found[0])


def calls_in_question(scene: Scene) -> Iterator[Node]:
    """The method calls around and below the spans, and those that made the values named there."""
    function = scene.function()
    body = function.child_by_field_name("body") if function is not None else None
    if function is None or body is None:
        return
    sources = sources_of_names(body, scene.text)
    for span in scene.diagnostic.spans:
        if span.file != scene.file:
            continue
        node = scene.node_of(span)
        for one in ancestors(node):
            if one.type == "call_expression":
                yield one
            elif one.type in {"block", "let_declaration", "expression_statement"}:
                break
        names = [scene.of(one) for one in nodes_of(node, "identifier")]
        for name in names:
            for source in sources.get(name, ()):
                yield from nodes_of(source, "call_expression")


def borrows_from_type(item: Item) -> bool:
    """Whether a method returns what it borrows from `self`, without a name for the lifetime."""
    return (
        item.self_parameter is not None
        and item.returns is not None
        and item.owner is not None
        and item.of_trait is None
        and not item.is_in_trait
        and not re.search(r"'(?!_)\w", item.returns)
    )


def longer_return(scene: Scene, item: Item) -> Iterator[Proposal]:
    """The method's returned type names the lifetime of the implementation around it."""
    text = scene.context.read(item.file)
    function = item_node(item, text)
    implementation = next((one for one in ancestors(function) if one.type == "impl_item"), None)
    returned = function.child_by_field_name("return_type") if function is not None else None
    if implementation is None or returned is None:
        return
    declared = [name for name in declared_parameters(implementation, text) if name.startswith("'")]
    places = list(elided_places(scene.index, returned, text))
    if len(declared) == 1 and places:
        edits = tuple(place.named(item.file, declared[0]) for place in places)
        yield Proposal(edits, {"method": item.name, "lifetime": declared[0]})


def stored_parameter(scene: Scene) -> Iterator[Proposal]:
    """A parameter goes into a value behind `self`: both need the lifetime of the type."""
    function = scene.function()
    implementation = scene.around("impl_item")
    of_type = implementation.child_by_field_name("type") if implementation is not None else None
    if function is None or implementation is None or of_type is None:
        return
    header = header_of(scene, implementation)
    places = list(elided_places(scene.index, of_type, scene.text))
    if not places or implementation.child_by_field_name("trait") is not None:
        return
    starts = {span.byte_start for span in scene.diagnostic.spans if span.file == scene.file and not span.is_primary}
    lifetime = free_lifetime(header + header_of(scene, function))
    declaration = declare(scene.file, implementation, lifetime)
    edits = [place.named(scene.file, lifetime) for place in places]
    for name, elided, _ in parameters_of_function(scene, function):
        chosen = [place for place in elided if name != "self" and place.start - 1 in starts]
        edits += [place.named(scene.file, lifetime) for place in chosen]
    if declaration is not None and len(edits) > len(places):
        yield Proposal((declaration, *edits), {"lifetime": lifetime})


def outliving(scene: Scene) -> Iterator[Proposal]:
    """What a reference points to must live as long as the reference: `'b: 'a` (E0491, E0478)."""
    shorter = scene.noted(r"the pointer is valid for|but lifetime parameter must outlive")
    longer = scene.noted(r"the referenced data is only valid for|lifetime parameter instantiated with")
    if shorter is None or longer is None or longer.file != scene.file or shorter.file != scene.file:
        return
    node = scene.node_of(longer)
    names = re.fullmatch(r"'\w+", longer.text), re.fullmatch(r"'\w+", shorter.text)
    owner = next((one for one in ancestors(node) if longer.text in declared_parameters(one, scene.text)), None)
    if owner is None or None in names or longer.text == shorter.text:
        return
    edit = add_bound(scene.file, owner, scene.text, longer.text, shorter.text)
    if edit is not None:
        yield Proposal((edit,), {"longer": longer.text, "shorter": shorter.text})


def outliving_as_asked(scene: Scene) -> Iterator[Proposal]:
    """rustc names the bound that is missing between two lifetimes, and does not make the edit."""
    found = re.search(r"consider adding the following bound: `(?P<longer>'\w+): (?P<shorter>'\w+)`", scene.said)
    if found is None:
        return
    owner = next(
        (one for one in ancestors(scene.node) if found["longer"] in declared_parameters(one, scene.text)), None
    )
    if owner is None:
        return
    edit = add_bound(scene.file, owner, scene.text, found["longer"], found["shorter"])
    if edit is not None:
        yield Proposal((edit,), {"longer": found["longer"], "shorter": found["shorter"]})


def lifetime_of_the_function(scene: Scene) -> Iterator[Proposal]:
    """`for<'a> Fn(i32) -> &'a str` has nothing to borrow `'a` from: it is the function's own lifetime (E0582)."""
    function = scene.function()
    around = scene.around("higher_ranked_trait_bound")
    higher = around.child_by_field_name("type_parameters") if around is not None else None
    bound = around.child_by_field_name("type") if around is not None else None
    if function is None or around is None or higher is None or bound is None or len(higher.named_children) != 1:
        return
    name = scene.of(higher.named_children[0])
    declaration = declare(scene.file, function, name)
    if declaration is not None:
        yield Proposal((declaration, scene.delete(around.start_byte, bound.start_byte)), {"lifetime": name})


def bound_of_object(scene: Scene) -> Iterator[Proposal]:
    """`dyn Trait` where the compiler cannot tell how long it lives: as long as the reference to it, or as one of the
    lifetimes there (E0227, E0228)."""
    node = scene.node if scene.node.type == "dynamic_type" else scene.around("dynamic_type")
    if node is None:
        return
    reference = node.parent if node.parent is not None and node.parent.type == "reference_type" else None
    named = (
        next((scene.of(child) for child in reference.children if child.type == "lifetime"), None) if reference else None
    )
    known = [named] if named is not None else list(dict.fromkeys(lifetimes_at(node, scene.text)))
    question = "how long the trait object lives" if len(known) > 1 else None
    for name in known[:3]:
        text = f"{scene.of(node)} + {name}"
        edit = scene.replace(node, f"({text})" if reference is not None else text)
        yield Proposal((edit,), {"lifetime": name}, question=question)


def one_bound_of_object(scene: Scene) -> Iterator[Proposal]:
    """A trait object has one lifetime bound: the first (E0226)."""
    node = scene.node if scene.node.type == "lifetime" else scene.around("lifetime")
    before = scene.text[: scene.span.byte_start].rstrip()
    if node is not None and before.endswith(b"+"):
        yield Proposal((scene.delete(len(before[:-1].rstrip()), scene.span.byte_end),), {"lifetime": scene.of(node)})


def dropped_type_itself(scene: Scene) -> Iterator[Proposal]:
    """`impl Drop for &mut Guard` is meant for `Guard` (E0120)."""
    node = scene.node if scene.node.type == "reference_type" else scene.around("reference_type")
    pointee = node.child_by_field_name("type") if node is not None else None
    if node is None or pointee is None or scene.around("impl_item", node) is None:
        return
    if scene.index.type_named(scene.of(pointee)) is not None:
        yield Proposal(
            (Edit(scene.file, node.start_byte, node.end_byte, read(pointee, scene.text)),), {"type": scene.of(pointee)}
        )
