"""Type parameters: where they are declared, which are missing, which are used by nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tree_sitter import Node

from sleepy_agent.code.items import Item, ItemKind
from sleepy_agent.code.scopes import lifetimes_at, type_parameters_at
from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.code.type_text import bare_type_name, split_outside
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.generics_edits import (
    declare,
    declared_parameters,
    item_node,
    lifetimes_used,
    name_end,
    parameters_of,
    read,
)
from sleepy_agent.fixes.templates.lifetimes import nodes_of
from sleepy_agent.fixes.templates.lifetimes_of_types import implementation_node
from sleepy_agent.fixes.templates.scene import Proposal, Scene

PARAMETER = re.compile(r"^[A-Z][A-Z0-9]?$")


def generic_parameters(item: Item) -> list[tuple[str, str]]:
    """Names of a type's parameters with how each is declared, lifetimes with their tick."""
    inside = item.generics.strip()[1:-1]
    found = []
    for part in split_outside(inside, ","):
        words = part.split("=")[0].strip()
        name = re.match(r"(?:const\s+)?('?\w+)", words)
        if name is not None:
            found.append((name[1], words))
    return found


def implementation_parameters(scene: Scene) -> Iterator[Proposal]:
    """`impl Stack` or `impl Stack<T>` of a generic type: `impl<T> Stack<T>`."""
    implementation = scene.around("impl_item")
    of_type = implementation.child_by_field_name("type") if implementation is not None else None
    if implementation is None or of_type is None:
        return
    in_type = of_type.start_byte <= scene.span.byte_start < of_type.end_byte
    item = scene.index.meant_type(scene.of(of_type))
    if item is None or not item.generics or item.name != bare_type_name(scene.of(of_type)):
        return
    wanted = [one for one in generic_parameters(item) if not one[0].startswith("'")]
    arguments = of_type.child_by_field_name("type_arguments") if of_type.type == "generic_type" else None
    given = [scene.of(child) for child in code_children(arguments)] if arguments is not None else []
    given_types = [one for one in given if not one.startswith("'")]
    declared = declared_parameters(implementation, scene.text)
    unknown = [one for one in given_types if PARAMETER.match(one) and one not in declared and not is_type(scene, one)]
    node_name = scene.of(scene.node)
    if not in_type and node_name not in unknown and (given_types or node_name not in [name for name, _ in wanted]):
        return
    edits: list[Edit] = []
    named = [*unknown]
    if len(given_types) < len(wanted):
        names = [name for name, _ in wanted[len(given_types) :]]
        named += names
        text = ", ".join(names)
        if arguments is None:
            edits.append(scene.insert(of_type.end_byte, f"<{text}>"))
        else:
            last = code_children(arguments)[-1] if given else None
            place = last.end_byte if last is not None else arguments.start_byte + 1
            edits.append(scene.insert(place, (", " if last is not None else "") + text))
        unknown += [name for name in names if name not in declared]
    known = dict(wanted)
    words = [known.get(name, name) for name in unknown]
    declaration = declare(scene.file, implementation, ", ".join(words)) if words else None
    if declaration is not None and words:
        edits.insert(0, declaration)
    if edits:
        yield Proposal(tuple(edits), {"parameters": ", ".join(f"`{name}`" for name in named)})


def all_unknown_parameters(scene: Scene) -> Iterator[Proposal]:
    """A function or an implementation that declares none of the lifetimes and parameters it uses: all at once."""
    item = next((one for one in ancestors(scene.node) if one.type in {"function_item", "impl_item"}), None)
    around = next((one for one in ancestors(scene.node) if one.type == "impl_item"), None)
    for one in dict.fromkeys([around, item]):
        body = one.child_by_field_name("body") if one is not None else None
        if one is None or body is None or parameters_of(one) is not None or scene.span.byte_start >= body.start_byte:
            continue
        header = scene.code(one.start_byte, body.start_byte)
        lifetimes = [name for name in lifetimes_used(header) if name not in lifetimes_at(one, scene.text)]
        known = type_parameters_at(one, scene.text)
        types = [
            name
            for node in nodes_of(one, "type_identifier")
            for name in [scene.of(node)]
            if node.end_byte <= body.start_byte and PARAMETER.match(name) and name not in known
        ]
        types = [name for name in dict.fromkeys(types) if not is_type(scene, name)]
        unknown = [*lifetimes, *types]
        declaration = declare(scene.file, one, ", ".join(unknown)) if 2 <= len(unknown) <= 5 else None
        if declaration is not None:
            yield Proposal((declaration,), {"parameters": ", ".join(f"`{name}`" for name in unknown)})
            return


def is_type(scene: Scene, name: str) -> bool:
    """Whether a type of that name can be meant there."""
    return scene.index.type_named(name) is not None


def type_gains_parameter(scene: Scene) -> Iterator[Proposal]:
    """A struct or enum whose fields use `T` declares it, and its implementations follow."""
    item = scene.index.item_at(scene.file, scene.span.byte_start)
    if scene.problem.code == "E0107":
        defined = scene.noted(r"defined here, with 0 generic parameters")
        item = scene.index.item_at(defined.file, defined.byte_start) if defined is not None else None
    if item is None or item.kind not in {ItemKind.STRUCT, ItemKind.ENUM}:
        return
    text = scene.context.read(item.file)
    node = item_node(item, text)
    if node is None:
        return
    declared = declared_parameters(node, text)
    own = node.child_by_field_name("name")
    unknown = list(
        dict.fromkeys(
            name
            for one in nodes_of(node, "type_identifier")
            for name in [read(one, text)]
            if one != own and PARAMETER.match(name) and name not in declared and not is_type(scene, name)
        )
    )
    lifetimes = [name for name in lifetimes_used(read(node, text)) if name not in declared]
    if not unknown or len(unknown) > 3 or (lifetimes and declared):
        return
    unknown = [*lifetimes, *unknown]
    declaration = declare(item.file, node, ", ".join(unknown))
    if declaration is None:
        return
    edits = [declaration]
    for one in scene.index.implementations_of(item.name):
        source = scene.context.read(one.file)
        implementation = implementation_node(one, source)
        of_type = implementation.child_by_field_name("type") if implementation is not None else None
        if implementation is None or of_type is None or of_type.type == "generic_type":
            continue
        header = declare(one.file, implementation, ", ".join(unknown))
        if header is not None:
            edits += [header, Edit(one.file, of_type.end_byte, of_type.end_byte, f"<{', '.join(unknown)}>")]
    yield Proposal(tuple(edits), {"parameters": ", ".join(f"`{name}`" for name in unknown), "type": item.name})


def trait_gains_parameter(scene: Scene) -> Iterator[Proposal]:
    """A trait whose methods use `T` declares it."""
    trait = scene.around("trait_item")
    name = scene.of(scene.node)
    if trait is None or scene.node.type != "type_identifier" or not PARAMETER.match(name) or is_type(scene, name):
        return
    declaration = declare(scene.file, trait, name)
    if declaration is not None:
        owner = trait.child_by_field_name("name")
        yield Proposal((declaration,), {"parameters": f"`{name}`", "type": scene.of(owner or trait)})


def const_parameter(scene: Scene) -> Iterator[Proposal]:
    """`[u8; N]` with an `N` that nobody declares: a const parameter of the item."""
    name = scene.of(scene.node)
    array = scene.around("array_type")
    length = array.child_by_field_name("length") if array is not None else None
    item = scene.around({"function_item", "struct_item", "enum_item", "impl_item"})
    if length is None or item is None or length != scene.node or not PARAMETER.match(name):
        return
    declaration = declare(scene.file, item, f"const {name}: usize")
    if declaration is not None:
        yield Proposal((declaration,), {"parameters": f"`const {name}: usize`"})


def parameter_of_inner_function(scene: Scene) -> Iterator[Proposal]:
    """An inner function cannot use the parameters of the outer one: it gets its own, with the same bounds (E0401)."""
    inner = scene.function()
    name = scene.of(scene.node)
    outer = next(
        (
            one
            for one in ancestors(inner.parent if inner is not None else None)
            if name in declared_parameters(one, scene.text)
        ),
        None,
    )
    if inner is None or outer is None or name in declared_parameters(inner, scene.text):
        return
    words = scene.of(declared_parameters(outer, scene.text)[name]).split("=")[0].strip()
    if words == name:
        return
    declaration = declare(scene.file, inner, words)
    if declaration is not None:
        yield Proposal((declaration,), {"parameters": f"`{words}`"})


def repeated_parameter(scene: Scene) -> Iterator[Proposal]:
    """A parameter of a method that hides the one of its `impl` gets another name; one named twice goes (E0403)."""
    node = next((one for one in ancestors(scene.node) if one.type.endswith("_parameter")), None)
    parameters = node.parent if node is not None else None
    item = parameters.parent if parameters is not None else None
    if node is None or parameters is None or item is None or parameters.type != "type_parameters":
        return
    name = scene.of(node.child_by_field_name("name") or node)
    same = [
        child for child in parameters.named_children if scene.of(child.child_by_field_name("name") or child) == name
    ]
    if len(same) > 1:
        if same[0] != node and node.prev_named_sibling is not None and scene.of(node) == name:
            values = {"name": name, "what": "is declared once"}
            yield Proposal((scene.delete(node.prev_named_sibling.end_byte, node.end_byte),), values)
        return
    used = set(re.findall(r"\w+", scene.of(next((one for one in ancestors(item.parent)), item))))
    new = next((letter for letter in "UVWXYZABCDEFGH" if letter not in used), None)
    if new is None or name.startswith("'"):
        return
    # In `T::new()` the name is one of an expression.
    nodes = [*nodes_of(item, "type_identifier"), *nodes_of(item, "identifier")]
    places = [one for one in nodes if scene.of(one) == name]
    yield Proposal(tuple(scene.replace(one, new) for one in places), {"name": name, "what": f"is called `{new}`"})


def not_a_trait(scene: Scene) -> Iterator[Proposal]:
    """`dyn Cat` or `impl Cat` of a struct: the struct itself (E0404)."""
    around = scene.around({"dynamic_type", "abstract_type"})
    if around is not None and scene.index.type_named(scene.of(scene.node)) is not None:
        inner = around.child_by_field_name("trait")
        if inner is not None:
            yield Proposal((scene.replace(around, scene.of(inner)),), {"type": scene.of(inner)})
        return
    bounds, parameter = scene.around("trait_bounds"), scene.around("type_parameter")
    function = scene.function()
    if bounds is None or parameter is None or function is None or len(code_children(bounds)) != 1:
        return
    name = scene.of(parameter.child_by_field_name("name") or parameter)
    wanted = scene.of(code_children(bounds)[0])
    kinds = {item.kind for item in scene.index.items_named(wanted) if item.file == scene.file}
    if not kinds or not kinds <= {ItemKind.STRUCT, ItemKind.ENUM, ItemKind.UNION}:
        # An alias of a trait object is no type that a parameter could have.
        return
    parameters = parameters_of(function)
    if parameters is None or len(parameters.named_children) != 1 or parameter.parent != parameters:
        return
    places = [one for one in nodes_of(function, "type_identifier") if scene.of(one) == name]
    places = [one for one in places if one.start_byte >= parameters.end_byte]
    edits = (scene.delete(parameters.start_byte, parameters.end_byte), *(scene.replace(one, wanted) for one in places))
    yield Proposal(edits, {"type": wanted}, extra_cost=0.1)


def unconstrained_parameter(scene: Scene) -> Iterator[Proposal]:
    """A parameter of an `impl` that only its methods use is theirs (E0207)."""
    node = next((one for one in ancestors(scene.node) if one.type == "type_parameter"), None)
    implementation = scene.around("impl_item")
    body = implementation.child_by_field_name("body") if implementation is not None else None
    parameters = parameters_of(implementation) if implementation is not None else None
    if node is None or implementation is None or body is None or parameters is None:
        return
    name = scene.of(node.child_by_field_name("name") or node)
    is_of_trait = implementation.child_by_field_name("trait") is not None
    users = [
        child
        for child in code_children(body)
        if any(scene.of(one) == name for one in nodes_of(child, "type_identifier"))
    ]
    if any(child.type != "function_item" for child in users) or (is_of_trait and users):
        return
    header = scene.code(parameters.end_byte, body.start_byte)
    if re.search(rf"\b{name}\b", header):
        return
    edits = [without_parameter(scene, parameters, node)]
    for user in users:
        declaration = declare(scene.file, user, scene.of(node))
        if declaration is not None:
            edits.append(declaration)
    what = "the methods that use it" if users else "nobody"
    yield Proposal(tuple(edits), {"parameter": name, "who": what})


def without_parameter(scene: Scene, parameters: Node, node: Node) -> Edit:
    """Take one parameter out of its list, and the list away when it was the only one."""
    present = [child for child in parameters.named_children if child.type.endswith("_parameter")]
    if len(present) == 1:
        return scene.delete(parameters.start_byte, parameters.end_byte)
    number = present.index(node)
    if number:
        return scene.delete(present[number - 1].end_byte, node.end_byte)
    return scene.delete(node.start_byte, present[1].start_byte)


def unused_parameter(scene: Scene) -> Iterator[Proposal]:
    """A parameter that no field uses: mark it as used, wherever the struct is made (E0392)."""
    struct = scene.around("struct_item")
    parameter = next((one for one in ancestors(scene.node) if one.type.endswith("_parameter")), None)
    if struct is None or parameter is None:
        return
    name = scene.of(parameter.child_by_field_name("name") or parameter)
    owner = struct.child_by_field_name("name")
    body = struct.child_by_field_name("body")
    if owner is None:
        return
    marked = f"&{name} ()" if name.startswith("'") else name
    marker, imports = marker_path(scene)
    edits = list(imports)
    if body is None:
        edits.append(scene.insert(struct.end_byte - 1, f"({marker}<{marked}>)"))
    elif body.type == "ordered_field_declaration_list":
        last = body.named_children[-1] if body.named_children else None
        place = last.end_byte if last is not None else body.start_byte + 1
        edits.append(scene.insert(place, (", " if last is not None else "") + f"{marker}<{marked}>"))
    else:
        fields = [child for child in body.named_children if child.type == "field_declaration"]
        edits += fields_with(scene, body, fields, f"marker: {marker}<{marked}>")
    edits += made_with_marker(scene, scene.of(owner), marker, body)
    # A lifetime that nothing needs is more often a leftover.
    extra = 0.2 if name.startswith("'") else 0.0
    yield Proposal(tuple(edits), {"parameter": name, "type": scene.of(owner)}, extra_cost=extra)


def marker_path(scene: Scene) -> tuple[str, tuple[Edit, ...]]:
    if any(one.name == "PhantomData" for one in scene.index.imports_at(scene.file, scene.span.byte_start)):
        return "PhantomData", ()
    edit = scene.import_edit("std::marker::PhantomData")
    return ("PhantomData", (edit,)) if edit is not None else ("std::marker::PhantomData", ())


def fields_with(scene: Scene, body: Node, fields: Sequence[Node], code: str) -> list[Edit]:
    """A further field, laid out as the others are."""
    if not fields:
        return [scene.replace(body, f"{{ {code} }}")]
    last = fields[-1]
    has_comma = scene.text[last.end_byte : last.end_byte + 1] == b","
    is_on_lines = b"\n" in scene.text[body.start_byte : fields[0].start_byte]
    if is_on_lines:
        place = last.end_byte + has_comma
        comma = "" if has_comma else ","
        return [scene.insert(place, f"{comma}\n{scene.indentation(last.start_byte)}{code},")]
    return [scene.insert(last.end_byte, f", {code}")]


def made_with_marker(scene: Scene, name: str, marker: str, body: Node | None) -> Iterator[Edit]:
    """The places of this file that make such a struct."""
    if body is not None and body.type == "field_declaration_list":
        for literal in nodes_of(scene.root, "struct_expression"):
            of_type = scene.of(literal.child_by_field_name("name") or literal)
            around = scene.around("impl_item", literal)
            is_self = (
                of_type == "Self"
                and around is not None
                and name in scene.of(around.child_by_field_name("type") or around)
            )
            values = literal.child_by_field_name("body")
            if values is not None and (bare_type_name(of_type) == name or is_self):
                fields = [child for child in values.named_children if child.type.endswith("_initializer")]
                if not any(child.type == "base_field_initializer" for child in values.named_children):
                    yield from fields_with(scene, values, fields, f"marker: {marker}")
        return
    for call in nodes_of(scene.root, "call_expression"):
        function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
        if function is not None and arguments is not None and scene.of(function) == name:
            last = arguments.named_children[-1] if arguments.named_children else None
            place = last.end_byte if last is not None else arguments.start_byte + 1
            yield scene.insert(place, (", " if last is not None else "") + marker)


def parameter_nobody_uses(scene: Scene) -> Iterator[Proposal]:
    """A parameter that neither the type's fields nor any use of the type speaks of is not needed (E0392)."""
    item = scene.around({"struct_item", "enum_item", "union_item"})
    parameter = next((one for one in ancestors(scene.node) if one.type.endswith("_parameter")), None)
    parameters = parameters_of(item) if item is not None else None
    owner = item.child_by_field_name("name") if item is not None else None
    if item is None or parameter is None or parameters is None or owner is None or name_end(item) is None:
        return
    if re.search(r"\*\s*(const|mut)\b|\bNonNull\b", scene.of(item)):
        # A pointer knows no lifetime: the parameter is there to tie it to one.
        return
    name = scene.of(parameter.child_by_field_name("name") or parameter)
    edits = [without_parameter(scene, parameters, parameter)]
    if len(parameters.named_children) == 1:
        for one in scene.index.implementations_of(scene.of(owner)):
            source = scene.context.read(one.file)
            node = implementation_node(one, source)
            of_type = node.child_by_field_name("type") if node is not None else None
            own = parameters_of(node) if node is not None else None
            if node is None or of_type is None or of_type.type != "generic_type":
                continue
            arguments = of_type.child_by_field_name("type_arguments")
            rest = read(node.child_by_field_name("body"), source)
            if arguments is None or (own is not None and len(own.named_children) != 1):
                return
            declared = list(declared_parameters(node, source)) if own is not None else []
            if any(re.search(rf"(?<!\w){re.escape(one)}\b", rest) for one in declared):
                return
            edits.append(Edit(one.file, arguments.start_byte, arguments.end_byte, ""))
            if own is not None:
                edits.append(Edit(one.file, own.start_byte, own.end_byte, ""))
    yield Proposal(tuple(edits), {"parameter": name, "type": scene.of(owner)})


def drop_for_every_argument(scene: Scene) -> Iterator[Proposal]:
    """`impl Drop for Guard<u32>` must be for every argument (E0366)."""
    implementation = scene.around("impl_item")
    of_type = implementation.child_by_field_name("type") if implementation is not None else None
    item = scene.index.type_named(scene.of(of_type)) if of_type is not None else None
    if implementation is None or of_type is None or item is None or parameters_of(implementation) is not None:
        return
    parameters = generic_parameters(item)
    place = name_end(implementation)
    if parameters and place is not None:
        words = ", ".join(words for _, words in parameters)
        names = ", ".join(name for name, _ in parameters)
        edits = (scene.insert(place, f"<{words}>"), scene.replace(of_type, f"{item.name}<{names}>"))
        yield Proposal(edits, {"type": item.name})


def boxed_recursion(scene: Scene) -> Iterator[Proposal]:
    """A type that holds itself holds itself in a box, where it is made in this file too (E0072)."""
    edits: list[Edit] = []
    names = re.findall(r"`(\w+)`", scene.problem.message)
    for span in scene.diagnostic.spans:
        if not span.is_primary or span.file != scene.file:
            continue
        item = scene.around({"struct_item", "enum_item"}, scene.node_of(span))
        own = item.child_by_field_name("name") if item is not None else None
        if item is None or own is None:
            return
        targets = names if len(names) > 1 else [scene.of(own)]
        places = [one for one in held_types(item, scene) if bare_type_name(scene.of(one)) in targets]
        edits += [scene.replace(one, f"Box<{scene.of(one)}>") for one in places]
        if item.type == "enum_item":
            edits += boxed_calls(scene, scene.of(own), places)
        if len(names) > 1:
            # One box is enough to break the circle.
            break
    if edits:
        yield Proposal(tuple(edits), {"type": names[0] if names else "it"})


def held_types(item: Node, scene: Scene) -> Iterator[Node]:
    """The types of fields that are stored in place: a field's own, or what its `Option` holds."""
    for kind in ("field_declaration", "ordered_field_declaration_list"):
        for node in nodes_of(item, kind):
            for number, child in enumerate(node.children):
                if node.field_name_for_child(number) == "type":
                    arguments = child.child_by_field_name("type_arguments")
                    if child.type == "generic_type" and arguments is not None and scene.of(child).startswith("Option"):
                        yield from code_children(arguments)
                    else:
                        yield child


def boxed_calls(scene: Scene, name: str, places: Sequence[Node]) -> Iterator[Edit]:
    """`List::Cons(1, rest)` where the second field is in a box now."""
    boxed: dict[str, set[int]] = {}
    for place in places:
        holder = place.parent
        variant = next((one for one in ancestors(place) if one.type == "enum_variant"), None)
        owner = variant.child_by_field_name("name") if variant is not None else None
        if owner is not None and holder is not None and holder.type == "ordered_field_declaration_list":
            types = [child for number, child in enumerate(holder.children) if holder.field_name_for_child(number)]
            boxed.setdefault(scene.of(owner), set()).add(types.index(place))
    for call in nodes_of(scene.root, "call_expression"):
        function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
        path = scene.of(function).replace(" ", "").split("::") if function is not None else []
        is_variant = path[-1:] and path[-1] in boxed and (len(path) == 1 or path[-2] in {name, "Self"})
        if arguments is not None and is_variant:
            for number, argument in enumerate(code_children(arguments)):
                if number in boxed[path[-1]] and not scene.of(argument).startswith("Box::new"):
                    yield scene.insert(argument.start_byte, "Box::new(")
                    yield scene.insert(argument.end_byte, ")")
