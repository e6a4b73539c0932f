"""Types and bounds that are written in a form that Rust does not have, where their meaning is plain."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sleepy_agent.code.syntax import code_children
from sleepy_agent.fixes.templates.attributes import nodes_of_kind
from sleepy_agent.fixes.templates.items_rare import parameters_of
from sleepy_agent.fixes.templates.scene import Proposal, Scene

ITEMS_WITH_PARAMETERS = frozenset(
    {"function_item", "function_signature_item", "struct_item", "enum_item", "impl_item", "trait_item", "type_item"}
)
STD_VARIANTS = {"Some": "Option", "Ok": "Result", "Err": "Result", "Ready": "Poll", "Borrowed": "Cow", "Owned": "Cow"}
PARAMETER_NAMES = "TUVWABCDEF"


def grouped_trait_object(scene: Scene) -> Iterator[Proposal]:
    """`&'a Shape + 'a`: the bounds of a trait object behind a pointer are put in brackets, with `dyn`."""
    bounded = scene.around("bounded_type")
    first = next(iter(code_children(bounded)), None) if bounded is not None else None
    if bounded is None or first is None:
        return
    if first.type == "reference_type":
        inner = first.child_by_field_name("type")
    elif first.type == "function_type":
        inner = first.child_by_field_name("return_type")
    else:
        return
    if inner is None or inner.type not in {"type_identifier", "scoped_type_identifier", "generic_type"}:
        return
    rest = scene.code(inner.start_byte, bounded.end_byte)
    if first.type == "reference_type":
        text, extra = f"(dyn {rest})", 0.0
    else:
        # What a function gives could as well be of a type of its own.
        text, extra = f"Box<dyn {rest}>", 0.55
    edit = scene.replace_bytes(inner.start_byte, bounded.end_byte, text)
    yield Proposal((edit,), {"object": text}, extra, keeps_behaviour=extra == 0.0)


def bound_without_relaxed(scene: Scene) -> Iterator[Proposal]:
    """`?Sized` is said once, and no other bound can be relaxed."""
    places = [span for span in scene.problem.diagnostic.spans if span.is_primary and span.file == scene.file]
    bound = scene.node_of(places[-1]) if places else None
    while bound is not None and bound.type != "removed_trait_bound":
        bound = bound.parent
    bounds = bound.parent if bound is not None else None
    if bound is None or bounds is None or bounds.type != "trait_bounds":
        return
    text = scene.of(bound)
    members = code_children(bounds)
    number = next(place for place, member in enumerate(members) if member.start_byte == bound.start_byte)
    if len(members) == 1:
        yield Proposal((scene.delete(bounds.start_byte, bounds.end_byte),), {"bound": text})
    elif number > 0:
        yield Proposal((scene.delete(members[number - 1].end_byte, bound.end_byte),), {"bound": text})
    else:
        yield Proposal((scene.delete(bound.start_byte, members[1].start_byte),), {"bound": text})


def joined_quantifiers(scene: Scene) -> Iterator[Proposal]:
    """`for<'a> F: for<'b> Fn(..)`: the lifetimes of both stand in the outer list."""
    inner = scene.around("higher_ranked_trait_bound")
    predicate = scene.around("where_predicate")
    if inner is None or predicate is None:
        return
    outer = predicate.child_by_field_name("left")
    bounds = predicate.child_by_field_name("bounds")
    if outer is None or outer.type != "higher_ranked_trait_bound" or bounds is None:
        return
    if inner.start_byte < bounds.start_byte or len(code_children(bounds)) != 1:
        return
    lists = [node.child_by_field_name("type_parameters") for node in (outer, inner)]
    outer_list, inner_list = lists
    inner_type = inner.child_by_field_name("type")
    if outer_list is None or inner_list is None or inner_type is None:
        return
    added = scene.code(inner_list.start_byte + 1, inner_list.end_byte - 1).strip()
    edits = (
        scene.insert(outer_list.end_byte - 1, f", {added}"),
        scene.delete(inner.start_byte, inner_type.start_byte),
    )
    yield Proposal(edits, {"lifetimes": added})


def object_for_impl(scene: Scene) -> Iterator[Proposal]:
    """`impl Trait` where it cannot stand: a binding has the type of its value, a field holds a box."""
    node = scene.around("abstract_type")
    if node is None or node.start_byte != scene.span.byte_start:
        return
    declaration = node.parent
    if declaration is not None and declaration.type == "let_declaration":
        pattern = declaration.child_by_field_name("pattern")
        if pattern is not None and declaration.child_by_field_name("value") is not None:
            yield Proposal((scene.delete(pattern.end_byte, node.end_byte),), {"way": "leave the type to the value"})
        return
    of_trait = node.child_by_field_name("trait")
    if of_trait is not None and re.search("field types|return type|fn. pointer", scene.problem.message):
        text = f"Box<dyn {scene.of(of_trait)}>"
        yield Proposal((scene.replace(node, text),), {"way": f"hold a `{text}`"}, 0.5, keeps_behaviour=False)


def enum_of_the_variant(scene: Scene) -> Iterator[Proposal]:
    """A variant is no type: its enum is."""
    written = scene.code(scene.span.byte_start, scene.span.byte_end)
    found = re.fullmatch(r"((?:\w+::)*)(\w+)(\s*<.*>)?", written, re.DOTALL)
    if found is None:
        return
    path, name, arguments = found[1].removesuffix("::"), found[2], found[3] or ""
    if path and path.rsplit("::", 1)[-1][:1].isupper():
        yield Proposal((scene.replace(scene.span, path + arguments),), {"enum": path})
    elif not path and name in STD_VARIANTS and arguments:
        yield Proposal((scene.replace(scene.span, STD_VARIANTS[name] + arguments),), {"enum": STD_VARIANTS[name]})


def type_of_the_constant(scene: Scene) -> Iterator[Proposal]:
    """A constant is no type: it has one."""
    name = scene.code(scene.span.byte_start, scene.span.byte_end).rsplit("::", 1)[-1]
    types = {item.type for item in scene.index.items_named(name) if item.kind in {"const", "static"} and item.type}
    if len(types) == 1:
        only = next(iter(types))
        yield Proposal((scene.replace(scene.span, only),), {"type": only})


def parameter_for_nested_impl(scene: Scene) -> Iterator[Proposal]:
    """`impl A<impl B>`: the inner one becomes a type parameter of the function."""
    inner = scene.around("abstract_type")
    function = scene.function()
    of_trait = inner.child_by_field_name("trait") if inner is not None else None
    name = function.child_by_field_name("name") if function is not None else None
    signature = function.child_by_field_name("parameters") if function is not None else None
    if inner is None or function is None or of_trait is None or name is None or signature is None:
        return
    header = scene.code(function.start_byte, signature.start_byte)
    around = scene.around(ITEMS_WITH_PARAMETERS, function.parent)
    taken = header + (scene.of(around)[:300] if around is not None else "")
    letter = next(
        (one for one in PARAMETER_NAMES if not re.search(rb"\b" + one.encode() + rb"\b", taken.encode())), None
    )
    if letter is None:
        return
    declared = f"{letter}: {scene.of(of_trait)}"
    parameters = parameters_of(function)
    place = (
        scene.insert(parameters[-1].end_byte, f", {declared}")
        if parameters
        else scene.insert(name.end_byte, f"<{declared}>")
    )
    is_argument = inner.start_byte < signature.end_byte
    yield Proposal(
        (place, scene.replace(inner, letter)),
        {"parameter": declared},
        0.0 if is_argument else 0.45,
        keeps_behaviour=is_argument,
    )


def plain_constant_parameter(scene: Scene) -> Iterator[Proposal]:
    """The type of a constant parameter depends on no other one; what is an array's length is a `usize`."""
    parameter = scene.around("const_parameter")
    item = scene.around(ITEMS_WITH_PARAMETERS)
    name = parameter.child_by_field_name("name") if parameter is not None else None
    of_type = parameter.child_by_field_name("type") if parameter is not None else None
    if item is None or name is None or of_type is None:
        return
    lengths = [node.child_by_field_name("length") for node in nodes_of_kind(item, "array_type")]
    is_length = any(length is not None and scene.of(length) == scene.of(name) for length in lengths)
    yield Proposal((scene.replace(of_type, "usize"),), {"name": scene.of(name)}, 0.0 if is_length else 0.45)


def without_type_query(scene: Scene) -> Iterator[Proposal]:
    """`typeof(value)`: a binding has the type of its value anyhow; a literal with a suffix says its type."""
    found = re.fullmatch(r"typeof\s*\((.*)\)", scene.code(scene.span.byte_start, scene.span.byte_end), re.DOTALL)
    if found is None:
        return
    literal = re.fullmatch(r"-?[\d_.]+?_?((?:[iu](?:8|16|32|64|128|size))|f32|f64)|(true|false)", found[1].strip())
    declared = declared_type(scene, found[1].strip())
    if literal is not None:
        of_type = literal[1] or "bool"
    elif declared is not None:
        of_type = declared
    else:
        declaration = scene.around("let_declaration")
        if declaration is None or declaration.child_by_field_name("value") is None:
            return
        of_type = "_"
    yield Proposal((scene.replace(scene.span, of_type),), {"type": of_type})


def declared_type(scene: Scene, name: str) -> str | None:
    """The written type of a parameter or constant."""
    function = scene.function()
    signature = function.child_by_field_name("parameters") if function is not None else None
    for parameter in code_children(signature) if signature is not None else ():
        pattern, of_type = (parameter.child_by_field_name(field) for field in ("pattern", "type"))
        if pattern is not None and of_type is not None and scene.of(pattern) == name:
            return scene.of(of_type)
    types = (
        {item.type for item in scene.index.items_named(name) if item.type}
        if re.fullmatch(r"[A-Z_0-9]+", name)
        else set()
    )
    return next(iter(types)) if len(types) == 1 else None


def parameter_without_default(scene: Scene) -> Iterator[Proposal]:
    """A default cannot speak of the type itself: where all uses say the parameter anyhow, none is needed."""
    parameter = scene.around("type_parameter")
    default = parameter.child_by_field_name("default_type") if parameter is not None else None
    name = parameter.child_by_field_name("name") if parameter is not None else None
    if parameter is None or default is None or name is None:
        return
    bounds = parameter.child_by_field_name("bounds")
    start = bounds.end_byte if bounds is not None else name.end_byte
    yield Proposal((scene.delete(start, default.end_byte),), {"name": scene.of(name)})
