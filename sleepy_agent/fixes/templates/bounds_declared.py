"""Bounds that are written down elsewhere: in the trait's own declaration of a method, at a parameter of the same name
beside it, or in what becomes of the items of an iterator."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tree_sitter import Node

from sleepy_agent.code.items import Field, Implementation, Item
from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.code.type_text import bare_type_name, split_outside, type_arguments
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.bounds import trait_name_at
from sleepy_agent.fixes.templates.bounds_siblings import bounds_in
from sleepy_agent.fixes.templates.generics_edits import GENERIC_KINDS, add_bound, declared_parameters, item_node, read
from sleepy_agent.fixes.templates.lifetimes_of_types import implementation_node
from sleepy_agent.fixes.templates.names_near import mentioned_crates
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# What std's traits ask of the parameters of their methods; `{0}` is the trait's own argument.
STD_BOUNDS: Mapping[tuple[str, str], Sequence[str]] = {
    ("Extend", "extend"): ("IntoIterator<Item = {0}>",),
    ("FromIterator", "from_iter"): ("IntoIterator<Item = {0}>",),
    ("Sum", "sum"): ("Iterator<Item = {0}>",),
    ("Product", "product"): ("Iterator<Item = {0}>",),
    ("Hash", "hash"): ("std::hash::Hasher",),
    ("Hash", "hash_slice"): ("std::hash::Hasher",),
    ("Iterator", "fold"): ("", "FnMut({0}, Self::Item) -> {0}"),
    ("Iterator", "for_each"): ("FnMut(Self::Item)",),
    ("Iterator", "all"): ("FnMut(Self::Item) -> bool",),
    ("Iterator", "any"): ("FnMut(Self::Item) -> bool",),
    ("Iterator", "position"): ("FnMut(Self::Item) -> bool",),
    ("Iterator", "find"): ("FnMut(&Self::Item) -> bool",),
    ("DoubleEndedIterator", "rfold"): ("", "FnMut({0}, Self::Item) -> {0}"),
}


# ---- the trait's declaration ----------------------------------------------------------------------------------


def bounds_of_the_trait(scene: Scene) -> Iterator[Proposal]:
    """A method of an implementation asks nothing of its parameter: the trait's declaration says what it may ask."""
    function = scene.function()
    implementation = scene.around("impl_item", function) if function is not None else None
    trait = implementation.child_by_field_name("trait") if implementation is not None else None
    if function is None or trait is None:
        return
    names = type_parameters_of(function, scene.text)
    for name in unbounded_that_are_said(scene, function):
        seen: dict[str, None] = {}
        for written in declared_bounds(scene, trait, function, names, names.index(name)):
            if written and written not in seen and len(seen) < 2:
                seen[written] = None
                yield from bounded(scene, function, name, written, 0.03 * (len(seen) - 1))


def unbounded_that_are_said(scene: Scene, item: Node) -> list[str]:
    """The type parameters of an item that have no bounds and of which the compiler speaks."""
    said = set(re.findall(r"`[^`\n]*`", scene.said))
    words = {word for quoted in said for word in re.findall(r"(?<!::)\b\w+\b", quoted)}
    return [
        name for name in type_parameters_of(item, scene.text) if name in words and not bounds_in(item, scene.text, name)
    ]


def type_parameters_of(item: Node, text: bytes) -> list[str]:
    return [name for name, node in declared_parameters(item, text).items() if node.type != "lifetime_parameter"]


def declared_bounds(scene: Scene, trait: Node, function: Node, names: list[str], number: int) -> Iterator[str]:
    """What others say of the parameter at that place: the trait, other implementations of it, std."""
    trait_name, method = bare_type_name(scene.of(trait)), read(function.child_by_field_name("name"), scene.text)
    own = arguments_by_parameter(scene, trait_name, scene.of(trait))
    for item in trait_methods(scene, trait_name, method):
        text = scene.context.read(item.file)
        node = item_node(item, text)
        if node is not None:
            yield bounds_at(node, text, number, names, own)
    for one in scene.index.implementors_of(trait_name):
        text = scene.context.read(one.file)
        other = implementation_node(one, text)
        node = method_named(other, text, method) if other is not None else None
        if node is None or (one.file == scene.file and node.start_byte == function.start_byte):
            continue
        theirs, mine = type_arguments(one.trait_text or ""), type_arguments(scene.of(trait))
        yield bounds_at(node, text, number, names, dict(zip(theirs, mine, strict=False)))
    known = STD_BOUNDS.get((trait_name, method), ())
    if number < len(known) and scene.index.trait_named(trait_name) is None:
        arguments = type_arguments(scene.of(trait)) or tuple(names)
        # `Sum` and `Product` sum up values of the type itself unless they say otherwise.
        default = "Self" if trait_name in {"Sum", "Product"} and not type_arguments(scene.of(trait)) else arguments[0]
        yield known[number].replace("{0}", default)


def arguments_by_parameter(scene: Scene, trait_name: str, written: str) -> dict[str, str]:
    """The arguments that an implementation gives the trait's own parameters, by their names."""
    item = scene.index.trait_named(trait_name)
    generics = item.generics.strip().removeprefix("<").removesuffix(">") if item is not None else ""
    names = [re.split(r"[:=\s]", one.strip().removeprefix("const "))[0] for one in split_outside(generics, ",")]
    return {name: argument for name, argument in zip(names, type_arguments(written), strict=False) if name}


def trait_methods(scene: Scene, trait_name: str, method: str) -> Iterator[Item]:
    """The declaration of a trait's method: in the workspace, else in a dependency."""
    if scene.index.trait_named(trait_name) is not None:
        yield from (one for one in scene.index.members_of(trait_name) if one.is_in_trait and one.name == method)
        return
    if (trait_name, method) in STD_BOUNDS:
        return
    for crate in mentioned_crates(scene):
        for item in crate.items:
            if item.is_in_trait and item.owner == trait_name and item.name == method:
                yield item
                return


def method_named(implementation: Node, text: bytes, name: str) -> Node | None:
    body = implementation.child_by_field_name("body")
    functions = (child for child in body.named_children if child.type == "function_item") if body is not None else ()
    return next((one for one in functions if read(one.child_by_field_name("name"), text) == name), None)


def bounds_at(item: Node, text: bytes, number: int, names: Sequence[str], also: Mapping[str, str]) -> str:
    """The bounds of another item's parameter at a place, in the names that are used here."""
    theirs = type_parameters_of(item, text)
    if number >= len(theirs):
        return ""
    renamed = {**also, **dict(zip(theirs, names, strict=False))}
    written = bounds_in(item, text, theirs[number])
    return re.sub(r"'?\b\w+\b", lambda word: renamed.get(word[0], word[0]), written)


def bounded(scene: Scene, item: Node, name: str, written: str, extra_cost: float = 0.0) -> Iterator[Proposal]:
    """The proposal that puts a bound on a parameter of an item of the scene's file."""
    imports: tuple[Edit, ...] = ()
    if written.startswith("std::"):
        written, imports = trait_name_at(scene, written)
    edit = add_bound(scene.file, item, scene.text, name, written)
    if edit is not None:
        yield Proposal((*imports, edit), {"parameter": name, "traits": f"`{written}`"}, extra_cost=extra_cost)


# ---- a parameter of the same name -----------------------------------------------------------------------------


def bounds_of_same_name(scene: Scene) -> Iterator[Proposal]:
    """`fn load<P>(path: P)` beside `fn save<P: AsRef<Path>>(path: P)`: authors use a letter for one kind of thing."""
    for item in [one for one in ancestors(scene.node) if one.type in GENERIC_KINDS]:
        for name in unbounded_that_are_said(scene, item):
            counted = Counter(written for written in bounds_of_name(scene, name) if is_what_is_missed(scene, written))
            for number, (written, _) in enumerate(counted.most_common(2)):
                yield from bounded(scene, item, name, written, 0.04 * number)


def bounds_of_name(scene: Scene, name: str) -> Iterator[str]:
    """The bounds that the other items of the file put on a parameter of that name."""
    file_items = scene.index.file_items(scene.file)
    if file_items is None:
        return
    others: tuple[Item | Implementation, ...] = (*file_items.items, *file_items.implementations)
    for one in others:
        # The index has the text of the generics: only where the name stands is the tree looked at.
        if not re.search(rf"\b{re.escape(name)}\b", one.generics):
            continue
        node = item_node(one, scene.text) if isinstance(one, Item) else implementation_node(one, scene.text)
        if node is not None and name in declared_parameters(node, scene.text):
            written = bounds_in(node, scene.text, name)
            if written:
                yield written


def is_what_is_missed(scene: Scene, written: str) -> bool:
    """Whether the compiler misses what these bounds give: a trait it names, or a function to call."""
    traits = [bare_type_name(one) for one in split_outside(written, "+")]
    code = scene.problem.code
    if code == "E0618":
        return any(one in {"Fn", "FnMut", "FnOnce"} or one.startswith("Fn") for one in traits)
    if code == "E0220":
        return True
    offered = " ".join(edit.replacement for one in scene.diagnostic.suggestions for edit in one.edits)
    words = set(re.findall(r"\b[A-Z]\w*\b", f"{scene.said} {offered}"))
    is_iterated = "is not an iterator" in scene.said
    return any(one in words or (is_iterated and one == "IntoIterator") for one in traits)


# ---- what becomes of the items --------------------------------------------------------------------------------

TAKES_ITEMS = frozenset({"push", "push_back", "push_front", "insert"})


def items_as_they_are_used(scene: Scene) -> Iterator[Proposal]:
    """`fn add<I>(&mut self, items: I)` whose items go to `self.push(item)`: `I: IntoIterator<Item = ..>`."""
    function = scene.function()
    body = function.child_by_field_name("body") if function is not None else None
    parameters = function.child_by_field_name("parameters") if function is not None else None
    if function is None or body is None or parameters is None:
        return
    for name in unbounded_that_are_said(scene, function):
        values = [
            scene.of(pattern).removeprefix("mut ")
            for child in code_children(parameters)
            if read(child.child_by_field_name("type"), scene.text) == name
            for pattern in [child.child_by_field_name("pattern")]
            if pattern is not None
        ]
        code = scene.of(body)
        for value in values:
            if not re.search(rf"\bin\s+{value}\b|\b{value}\s*\.\s*into_iter\b", code):
                continue
            element = element_type(scene, body, value)
            if element is not None:
                yield from bounded(scene, function, name, f"IntoIterator<Item = {element}>")


def element_type(scene: Scene, body: Node, value: str) -> str | None:
    """The type of the items of a value, from the one call that all of them go to."""
    for call in calls_in(body):
        function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
        given = [scene.of(one) for one in code_children(arguments)] if arguments is not None else []
        if function is None or function.type != "field_expression":
            continue
        name, receiver = read(function.child_by_field_name("field"), scene.text), function.child_by_field_name("value")
        owner = scene.of(receiver) if receiver is not None else ""
        whole = re.compile(rf"{value}(\s*\.\s*into_iter\(\))?")
        items = loop_names(scene, body, value)
        if (
            name == "extend"
            and len(given) == 1
            and (whole.fullmatch(given[0]) or given[0] in iterator_names(scene, body, value))
        ):
            found = field_type(scene, owner)
            inner = type_arguments(found.type) if found is not None else ()
            if inner:
                return inner[0] if len(inner) == 1 else f"({', '.join(inner[:2])})"
        elif len(given) == 1 and given[0] in items and owner == "self":
            method = next((one for one in own_methods(scene) if one.name == name and len(one.parameters) == 1), None)
            if method is not None and "impl " not in method.parameters[0].type:
                return method.parameters[0].type
        elif name in TAKES_ITEMS and len(given) == 1 and given[0] in items:
            found = field_type(scene, owner)
            inner = type_arguments(found.type) if found is not None else ()
            if len(inner) == 1:
                return inner[0]
    return None


def own_methods(scene: Scene) -> tuple[Item, ...]:
    implementation = scene.around("impl_item")
    of_type = implementation.child_by_field_name("type") if implementation is not None else None
    return scene.index.methods_of(scene.of(of_type)) if of_type is not None else ()


def field_type(scene: Scene, owner: str) -> Field | None:
    """The field that `self.name` is, where the type of `self` is the workspace's."""
    implementation = scene.around("impl_item")
    of_type = implementation.child_by_field_name("type") if implementation is not None else None
    if of_type is None or not owner.startswith("self."):
        return None
    name = owner.removeprefix("self.")
    return next((one for one in scene.index.fields_of(scene.of(of_type)) if one.name == name), None)


def iterator_names(scene: Scene, body: Node, value: str) -> set[str]:
    """The names of what is made by `value.into_iter()`."""
    return set(re.findall(rf"\blet\s+(?:mut\s+)?(\w+)\s*=\s*{value}\s*\.\s*into_iter\(\)\s*;", scene.of(body)))


def loop_names(scene: Scene, body: Node, value: str) -> set[str]:
    """The names that a loop gives the items of a value."""
    sources = "|".join(re.escape(one) for one in [value, *iterator_names(scene, body, value)])
    code = scene.of(body)
    loops = re.findall(rf"\bfor\s+(\w+)\s+in\s+(?:{sources})(?:\s*\.\s*into_iter\(\))?\s*\{{", code)
    calls = re.findall(rf"\bSome\((\w+)\)\s*=\s*(?:{sources})\s*\.\s*next\(\)", code)
    return {*loops, *calls}


def calls_in(node: Node) -> Iterator[Node]:
    if node.type == "call_expression":
        yield node
    for child in node.named_children:
        yield from calls_in(child)
