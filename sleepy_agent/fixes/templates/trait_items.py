"""Members of implementations that do not fit their trait: signatures, names, and members that belong elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.items import Item, ItemKind
from sleepy_agent.code.names import similarity
from sleepy_agent.code.syntax import code_children, node_at, parse_rust
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.generics_edits import read
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# Names that are less alike may mean different things.
SIMILAR = 0.5
MEMBERS = frozenset({"function_item", "function_signature_item", "type_item", "associated_type", "const_item"})


def signature_of_trait(scene: Scene) -> Iterator[Proposal]:
    """A method of an implementation takes the head that its trait declares; its own names of parameters stay."""
    function, trait = scene.around("function_item"), trait_around(scene)
    name = function.child_by_field_name("name") if function is not None else None
    if function is None or trait is None or name is None:
        return
    body = function.child_by_field_name("body")
    declared = declaration_in_trait(scene, trait, scene.of(name))
    if declared is None or body is None:
        return
    head = head_for(scene, function, *declared)
    old = scene.code(name.end_byte, body.start_byte).rstrip()
    if head is None or head == old:
        return
    edits = list(part_edits(scene, head, name.end_byte, name.end_byte + len(old.encode())))
    if edits:
        yield Proposal(tuple(edits), {"method": scene.of(name), "trait": trait})


def trait_around(scene: Scene) -> str | None:
    """The bare name of the trait whose implementation is around the span."""
    implementation = scene.around("impl_item")
    trait = implementation.child_by_field_name("trait") if implementation is not None else None
    if trait is None:
        return None
    name = bare_type_name(scene.of(trait))
    if trait.type == "generic_type":
        # Another argument than the trait's own name for it would have to be put into its signatures.
        declared = scene.index.trait_named(name)
        arguments = re.sub(r"\s", "", scene.of(trait.child_by_field_name("type_arguments") or trait))
        if declared is None or re.sub(r"\s|:[^,>]*", "", declared.generics) != arguments:
            return None
    return name


def declaration_in_trait(scene: Scene, trait: str, name: str) -> tuple[Node, bytes] | None:
    """The node of a trait's method and the text it stands in: a trait of the workspace, or an everyday one of std."""
    members = [one for one in scene.index.members_of(trait) if one.is_in_trait and one.name == name]
    if len(members) == 1 and members[0].kind is ItemKind.METHOD:
        text = scene.context.read(members[0].file)
        node = member_node(members[0], text)
        return (node, text) if node is not None else None
    if members or (trait, name) not in STD_HEADS:
        return None
    imported = {one.name for one in scene.index.imports_at(scene.file, scene.span.byte_start)}
    head = STD_HEADS[trait, name].replace("fmt::", "fmt::" if "fmt" in imported else "std::fmt::")
    text = f"fn {name}{head};".encode()
    return parse_rust(text).named_children[0], text


SHOW = "(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result"
STD_HEADS = {
    ("Display", "fmt"): SHOW,
    ("Debug", "fmt"): SHOW,
    ("PartialEq", "eq"): "(&self, other: &Self) -> bool",
    ("PartialOrd", "partial_cmp"): "(&self, other: &Self) -> Option<std::cmp::Ordering>",
    ("Ord", "cmp"): "(&self, other: &Self) -> std::cmp::Ordering",
    ("Iterator", "next"): "(&mut self) -> Option<Self::Item>",
    ("DoubleEndedIterator", "next_back"): "(&mut self) -> Option<Self::Item>",
    ("IntoIterator", "into_iter"): "(self) -> Self::IntoIter",
    ("Clone", "clone"): "(&self) -> Self",
    ("Default", "default"): "() -> Self",
    ("Drop", "drop"): "(&mut self)",
    ("Deref", "deref"): "(&self) -> &Self::Target",
    ("DerefMut", "deref_mut"): "(&mut self) -> &mut Self::Target",
    ("FromStr", "from_str"): "(text: &str) -> Result<Self, Self::Err>",
    ("Hash", "hash"): "<H: std::hash::Hasher>(&self, state: &mut H)",
    ("Error", "source"): "(&self) -> Option<&(dyn std::error::Error + 'static)>",
}


def head_for(scene: Scene, function: Node, node: Node, text: bytes) -> str | None:
    """Generics, parameters and returned type as the trait declares them; what means the same stays as it is."""
    parameters = function.child_by_field_name("parameters")
    wanted = node.child_by_field_name("parameters")
    if parameters is None or wanted is None:
        return None
    mine = [child for child in code_children(parameters) if child.type == "parameter"]
    theirs = [child for child in code_children(wanted) if child.type == "parameter"]
    body = function.child_by_field_name("body")
    used = set(re.findall(r"\w+", scene.of(body))) if body is not None else set()
    if len(mine) > len(theirs):
        dropped = [scene.of(child.child_by_field_name("pattern") or child) for child in mine[len(theirs) :]]
        if used & set(dropped):
            return None
    receiver = next((child for child in code_children(wanted) if child.type == "self_parameter"), None)
    had_receiver = any(child.type == "self_parameter" for child in parameters.named_children)
    if receiver is None and had_receiver and "self" in used:
        return None
    written = [read(receiver, text)] if receiver is not None else []
    for number, parameter in enumerate(theirs):
        own = mine[number].child_by_field_name("pattern") if number < len(mine) else None
        pattern = read(parameter.child_by_field_name("pattern"), text)
        if own is not None:
            start = mine[number].start_byte
            name = scene.code(start, own.end_byte)
        else:
            name = pattern if pattern in used or pattern.startswith("_") else f"_{pattern}"
        written.append(f"{name}: {read(parameter.child_by_field_name('type'), text)}")
    generics = read(node.child_by_field_name("type_parameters"), text)
    where = next((read(child, text) for child in node.children if child.type == "where_clause"), "")
    returned = node.child_by_field_name("return_type")
    own_return = function.child_by_field_name("return_type")
    if own_return is not None and node.start_byte == 0:
        # The names that an implementation uses for std's types are as good as std's.
        is_fine = returned is not None and scene.span.byte_start < own_return.start_byte
        returned, text = (own_return, scene.text) if is_fine else (returned, text)
    head = f"{generics}({', '.join(written)})"
    head += f" -> {read(returned, text)}" if returned is not None else ""
    return f"{head} {where}".rstrip(" ,") if where else head


def part_edits(scene: Scene, head: str, start: int, end: int) -> Iterator[Edit]:
    """One edit that keeps what is the same at both ends."""
    old = scene.code(start, end)
    first = 0
    while first < min(len(old), len(head)) and old[first] == head[first]:
        first += 1
    last = 0
    while last < min(len(old), len(head)) - first and old[-1 - last] == head[-1 - last]:
        last += 1
    # Whole words are easier to read.
    while first > 0 and (old[first - 1].isalnum() or old[first - 1] == "_"):
        first -= 1
    byte_first = len(old[:first].encode())
    byte_last = len(old[len(old) - last :].encode()) if last else 0
    replacement = head[first : len(head) - last]
    yield Edit(scene.file, start + byte_first, end - byte_last, replacement)


def member_node(item: Item, text: bytes) -> Node | None:
    node: Node | None = node_at(parse_rust(text), item.name_start, item.name_end)
    while node is not None and node.type not in MEMBERS:
        node = node.parent
    return node


def signature_for_implementations(scene: Scene) -> Iterator[Proposal]:
    """All implementations agree on a receiver that their trait forgot: the trait declares it."""
    function, trait = scene.around("function_item"), trait_around(scene)
    name = function.child_by_field_name("name") if function is not None else None
    parameters = function.child_by_field_name("parameters") if function is not None else None
    if function is None or trait is None or name is None or parameters is None:
        return
    declared = [one for one in scene.index.members_of(trait) if one.is_in_trait and one.name == scene.of(name)]
    if len(declared) != 1 or declared[0].kind is not ItemKind.METHOD:
        return
    others = [
        one
        for implementation in scene.index.implementors_of(trait)
        for one in implementation.items
        if one.name == scene.of(name)
    ]
    receivers = {one.self_parameter for one in others}
    counts = {len(one.parameters) for one in others}
    text = scene.context.read(declared[0].file)
    node = member_node(declared[0], text)
    wanted = node.child_by_field_name("parameters") if node is not None else None
    if wanted is None or len(receivers) != 1 or len(counts) != 1:
        return
    types = {tuple(re.sub(r"\s|'\w+", "", parameter.type) for parameter in one.parameters) for one in others}
    declared_types = tuple(re.sub(r"\s|'\w+", "", parameter.type) for parameter in declared[0].parameters)
    is_same = receivers == {declared[0].self_parameter} and types == {declared_types}
    if len(types) == 1 and not is_same:
        edit = Edit(declared[0].file, wanted.start_byte, wanted.end_byte, scene.of(parameters))
        yield Proposal((edit,), {"method": scene.of(name), "trait": trait})


def name_of_all_implementations(scene: Scene) -> Iterator[Proposal]:
    """All implementations call a method otherwise than the trait, which has one of that shape that nobody has."""
    function, trait = scene.around("function_item"), trait_around(scene)
    name = function.child_by_field_name("name") if function is not None else None
    if function is None or trait is None or name is None:
        return
    implementors = scene.index.implementors_of(trait)
    written = [{one.name for one in implementor.items} for implementor in implementors]
    members = [one for one in scene.index.members_of(trait) if one.is_in_trait and one.kind is ItemKind.METHOD]
    orphans = [one for one in members if not any(one.name in names for names in written)]
    if len(orphans) != 1 or not has_shape(function, orphans[0]) or not all(scene.of(name) in one for one in written):
        return
    edit = Edit(orphans[0].file, orphans[0].name_start, orphans[0].name_end, scene.of(name))
    extra = 0.0 if similarity(scene.of(name), orphans[0].name) >= SIMILAR else 0.2
    yield Proposal((edit,), {"wrong": orphans[0].name, "right": scene.of(name), "trait": trait}, extra_cost=extra)


# ---- members that the trait does not have -------------------------------------------------------------------


def name_of_only_missing(scene: Scene) -> Iterator[Proposal]:
    """A member that the trait does not have, while exactly one of its kind and shape is missing."""
    member, trait = scene.around({"function_item", "type_item", "associated_type", "const_item"}), trait_around(scene)
    implementation = scene.around("impl_item")
    name = member.child_by_field_name("name") if member is not None else None
    body = implementation.child_by_field_name("body") if implementation is not None else None
    if member is None or trait is None or name is None or body is None:
        return
    kinds = {"function_item": ItemKind.METHOD, "const_item": ItemKind.CONST}
    kind = kinds.get(member.type, ItemKind.ASSOCIATED_TYPE)
    present = {scene.of(node) for child in code_children(body) for node in [child.child_by_field_name("name")] if node}
    missing = [
        one
        for one in scene.index.members_of(trait)
        if one.is_in_trait and one.kind is kind and one.name not in present and not one.has_default_body
    ]
    is_type = kind is ItemKind.ASSOCIATED_TYPE
    near = len(missing) == 1 and (is_type or similarity(scene.of(name), missing[0].name) >= SIMILAR)
    if near and (kind is not ItemKind.METHOD or has_shape(member, missing[0])):
        values = {"wrong": scene.of(name), "right": missing[0].name, "trait": trait}
        yield Proposal((scene.replace(name, missing[0].name),), values)
    elif not missing and kind is ItemKind.ASSOCIATED_TYPE and trait in ASSOCIATED_TYPES:
        right = ASSOCIATED_TYPES[trait]
        if right not in present:
            values = {"wrong": scene.of(name), "right": right, "trait": trait}
            yield Proposal((scene.replace(name, right),), values)


ASSOCIATED_TYPES = {
    "Iterator": "Item",
    "Deref": "Target",
    "FromStr": "Err",
    "TryFrom": "Error",
    "TryInto": "Error",
    "Future": "Output",
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Rem", "Neg", "Not", "Index", "BitAnd", "BitOr", "BitXor"), "Output"),
}


def has_shape(function: Node, declared: Item) -> bool:
    """Whether a function takes as many parameters as the declared one, and `self` as it does."""
    parameters = function.child_by_field_name("parameters")
    children = code_children(parameters) if parameters is not None else []
    receiver = any(child.type == "self_parameter" for child in children)
    count = sum(1 for child in children if child.type == "parameter")
    return receiver == (declared.self_parameter is not None) and count == len(declared.parameters)


def method_of_its_own(scene: Scene) -> Iterator[Proposal]:
    """Helpers at the end of a trait's implementation belong into the type's own `impl`, which begins there."""
    function, implementation = scene.around("function_item"), scene.around("impl_item")
    of_type = implementation.child_by_field_name("type") if implementation is not None else None
    trait = trait_around(scene)
    if function is None or implementation is None or of_type is None or trait is None:
        return
    members = {one.name for one in scene.index.members_of(trait) if one.is_in_trait}
    following = function.next_named_sibling
    while following is not None:
        name = following.child_by_field_name("name")
        if following.type not in COMMENTS and (not members or name is None or scene.of(name) in members):
            return
        following = following.next_named_sibling
    start = function.start_byte
    previous = function.prev_named_sibling
    while previous is not None and previous.type in COMMENTS:
        start = previous.start_byte
        previous = previous.prev_named_sibling
    before = len(scene.text[:start].rstrip())
    indentation = scene.indentation(implementation.start_byte)
    generics = implementation.child_by_field_name("type_parameters")
    where = next((f" {scene.of(child)}" for child in implementation.children if child.type == "where_clause"), "")
    head = f"impl{scene.of(generics) if generics is not None else ''} {scene.of(of_type)}{where} {{"
    ending = f"\n{indentation}}}\n\n{indentation}{head}\n{indentation}    "
    values = {"method": scene.of(function.child_by_field_name("name") or function), "type": scene.of(of_type)}
    yield Proposal((Edit(scene.file, before, start, ending),), values)


COMMENTS = frozenset({"attribute_item", "line_comment", "block_comment"})


def method_of_the_trait(scene: Scene) -> Iterator[Proposal]:
    """A method that every implementation of the trait has: the trait forgot to declare it."""
    function, trait = scene.around({"function_item", "type_item", "associated_type", "const_item"}), trait_around(scene)
    name = function.child_by_field_name("name") if function is not None else None
    if function is None or trait is None or name is None:
        return
    body = function.child_by_field_name("body" if function.type == "function_item" else "value")
    end_of_head = body.start_byte if body is not None else function.end_byte
    if function.type in {"type_item", "associated_type"}:
        end_of_head = name.end_byte
    declared = scene.index.trait_named(trait)
    implementors = scene.index.implementors_of(trait)
    has_it = [any(one.name == scene.of(name) for one in implementor.items) for implementor in implementors]
    if declared is None or not all(has_it) or not scene.context.is_editable(declared.file):
        return
    text = scene.context.read(declared.file)
    end = declared.body_end
    if end is None:
        return
    signature = re.sub(r"^(pub(\([^)]*\))?\s+)", "", scene.code(function.start_byte, end_of_head).rstrip(" =;"))
    signature = re.sub(r"\bmut (?=\w+\s*:)", "", signature)
    place = text.rfind(b"}", 0, end)
    before = text[:place].rstrip()
    line = text.rfind(b"\n", 0, declared.byte_start) + 1
    indentation = text[line : declared.byte_start].decode(errors="replace")
    indentation = indentation if not indentation.strip() else ""
    edit = Edit(declared.file, len(before), place, f"\n{indentation}    {signature};\n{indentation}")
    extra = 0.0 if len(implementors) > 1 else 0.15
    yield Proposal((edit,), {"method": scene.of(name), "trait": trait}, extra_cost=extra)
