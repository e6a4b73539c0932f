"""Uses of items that Rust asks to be written in another way: calls, closures, values of structs and constants."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.scopes import locals_at
from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.code.type_text import bare_type_name, without_reference
from sleepy_agent.domain import Span
from sleepy_agent.fixes.templates.items_rare import parameter_name, parameters_of
from sleepy_agent.fixes.templates.scene import Proposal, Scene

CLOSURE_TRAIT = re.compile(r"Fn(Mut)?(?=\s*\()")


def function_of_this_type(scene: Scene) -> Iterator[Proposal]:
    """`Trait::make()` where it is known whose: that of the type parameter with this bound, or of the type around."""
    found = re.match(r"((?:\w+::)*(\w+))::\w+", scene.code(scene.span.byte_start, scene.span.byte_end))
    if found is None:
        return
    path_end = scene.span.byte_start + len(found[1].encode())
    for name in owners_with_trait(scene, found[2]):
        edit = scene.replace_bytes(scene.span.byte_start, path_end, name)
        yield Proposal((edit,), {"owner": name})


def owners_with_trait(scene: Scene, trait: str) -> list[str]:
    """The type parameters with a bound, and `Self` where its type has the trait."""
    found = []
    bound = re.compile(rb"(\w+)\s*:[^,;{>]*\b" + re.escape(trait.encode()) + rb"\b")
    for around in ancestors(scene.node):
        if around.type not in {"function_item", "impl_item", "trait_item"}:
            continue
        body = around.child_by_field_name("body")
        if around.type == "impl_item":
            of_type, of_trait = around.child_by_field_name("type"), around.child_by_field_name("trait")
            implemented = {bare_type_name(scene.of(of_trait))} if of_trait is not None else set()
            if of_type is not None:
                name = bare_type_name(scene.of(of_type))
                implemented |= {one.trait_name or "" for one in scene.index.implementations_of(name)}
            if trait in implemented:
                found.append("Self")
        if around.type == "trait_item":
            name_node = around.child_by_field_name("name")
            bounds = around.child_by_field_name("bounds")
            names = scene.of(name_node) if name_node is not None else ""
            names += " " + (scene.of(bounds) if bounds is not None else "")
            if re.search(rf"\b{re.escape(trait)}\b", names):
                found.append("Self")
        declared = {parameter_name(scene, one) for one in parameters_of(around)}
        header = scene.text[around.start_byte : body.start_byte if body is not None else around.end_byte]
        found += [one[1].decode() for one in bound.finditer(header) if one[1].decode() in declared]
    return list(dict.fromkeys(found))


def called_once(scene: Scene) -> Iterator[Proposal]:
    """A function that calls its closure once asks for no more than `FnOnce`."""
    span = bound_of_closure(scene)
    if span is None or span.from_macro or not scene.context.is_editable(span.file):
        return
    place = scene.elsewhere(span)
    written = place.code(span.byte_start, span.byte_end)
    found = CLOSURE_TRAIT.match(written)
    function = place.function(place.node_of(span))
    name = function.child_by_field_name("name") if function is not None else None
    if found is None or function is None or name is None:
        return
    edit = place.replace_bytes(span.byte_start, span.byte_start + len(found[0]), "FnOnce")
    yield Proposal((edit,), {"function": place.of(name)})


def bound_of_closure(scene: Scene) -> Span | None:
    """Where a function says what closure it takes, as the compiler points to it."""
    spans = [span for child in scene.diagnostic.children for span in child.spans]
    return next((span for span in spans if CLOSURE_TRAIT.match(span.text.strip() if span.text else "")), None) or next(
        (span for span in spans if span.label and "required by this bound" in span.label), None
    )


def copy_in_closure(scene: Scene) -> Iterator[Proposal]:
    """A closure that is called more than once lends what it holds, or gives copies away."""
    moved = scene.labelled("because it moves the variable")
    if moved is None or moved.file != scene.file or moved.from_macro:
        return
    name = scene.code(moved.byte_start, moved.byte_end)
    if re.fullmatch(r"\w+", name):
        yield Proposal((scene.insert(moved.byte_start, "&"),), {"way": f"lend `{name}`"}, keeps_behaviour=False)
        yield Proposal((scene.insert(moved.byte_end, ".clone()"),), {"way": f"give a copy of `{name}` away"}, 0.2)


def member_of_the_literal(scene: Scene) -> Iterator[Proposal]:
    """`(Holder { size: 3, .. }).size` in a constant: the member itself."""
    field = scene.around("field_expression")
    name = field.child_by_field_name("field") if field is not None else None
    value = field.child_by_field_name("value") if field is not None else None
    while value is not None and value.type == "parenthesized_expression":
        value = next(iter(code_children(value)), None)
    if field is None or name is None or value is None:
        return
    wanted = scene.of(name)
    found: Node | None = None
    if value.type == "tuple_expression" and wanted.isdigit():
        members = code_children(value)
        found = members[int(wanted)] if int(wanted) < len(members) else None
    elif value.type == "struct_expression":
        body = value.child_by_field_name("body")
        for member in code_children(body) if body is not None else []:
            field_name = member.child_by_field_name("field")
            if field_name is not None and scene.of(field_name) == wanted:
                found = member.child_by_field_name("value")
    if found is not None:
        yield Proposal((scene.replace(field, scene.of(found)),), {"value": scene.of(found)})


def not_in_constants(scene: Scene) -> Iterator[Proposal]:
    """A `const fn` that ends the life of a value: it borrows the value, or is an ordinary function."""
    function = scene.function()
    if function is None or scene.span.from_macro or "constant functions" not in scene.said:
        return
    name = function.child_by_field_name("name")
    written = scene.code(scene.span.byte_start, scene.span.byte_end)
    if written == "self" and scene.node.parent is not None and scene.node.parent.type == "self_parameter":
        yield Proposal((scene.insert(scene.span.byte_start, "&"),), {"way": "borrow the value"})
    keyword = re.search(
        rb"\bconst\s+(?=((unsafe|extern(\s+\"\w+\")?)\s+)*fn\b)", scene.text[function.start_byte : function.end_byte]
    )
    if keyword is not None and name is not None and function.start_byte + keyword.end() < name.start_byte:
        start = function.start_byte + keyword.start()
        edit = scene.delete(start, function.start_byte + keyword.end())
        yield Proposal((edit,), {"way": f"let `{scene.of(name)}` be an ordinary function"}, 0.1)


def base_of_the_literal(scene: Scene) -> Iterator[Proposal]:
    """`..` without a value behind it: another value of the type, its default, or nothing left to take."""
    literal = scene.around("struct_expression")
    name = literal.child_by_field_name("name") if literal is not None else None
    dots = re.search(r"\.\.\s*$", scene.code(0, scene.span.byte_start))
    if literal is None or name is None or dots is None:
        return
    position = scene.span.byte_start
    type_name, found = bare_type_name(scene.of(name)), False
    for local in locals_at(scene.root, scene.text, literal.start_byte):
        if local.type and bare_type_name(without_reference(local.type)) in {type_name, "Self"} and local.name != "self":
            found = True
            yield Proposal((scene.insert(position, local.name),), {"base": local.name})
    if found:
        return
    item = scene.index.type_named(type_name)
    has_default = item is not None and "Default" in item.derives
    if has_default or any(one.trait_name == "Default" for one in scene.index.implementations_of(type_name)):
        yield Proposal((scene.insert(position, "Default::default()"),), {"base": "Default::default()"}, 0.1)


def one_field_of_a_union(scene: Scene) -> Iterator[Proposal]:
    """A union is made with one field: nobody can say which of several is meant."""
    literal = scene.around("struct_expression")
    body = literal.child_by_field_name("body") if literal is not None else None
    members = [one for one in code_children(body) if one.type == "field_initializer"] if body is not None else []
    if body is None or not 2 <= len(members) <= 4:
        return
    for member in members:
        name = member.child_by_field_name("field")
        yield Proposal((scene.replace(body, f"{{ {scene.of(member)} }}"),), {"field": scene.of(name) if name else ""})


def changed_variant(scene: Scene) -> Iterator[Proposal]:
    """`State::Open { count: 1, ..state }`: a variant's other fields are taken over by a pattern."""
    literal = scene.around("struct_expression")
    name = literal.child_by_field_name("name") if literal is not None else None
    body = literal.child_by_field_name("body") if literal is not None else None
    base = next((one for one in code_children(body) if one.type == "base_field_initializer"), None) if body else None
    if literal is None or name is None or base is None or ("::" not in scene.of(name) and scene.of(name) != "Self"):
        return
    path, _, variant_name = scene.of(name).rpartition("::")
    enum = bare_type_name(path)
    if enum == "Self":
        implementation = scene.index.implementation_at(scene.file, literal.start_byte)
        enum = implementation.type_name if implementation is not None else enum
    variant = next((one for one in scene.index.variants_of(enum) if one.name == variant_name), None)
    if variant is None or variant.shape != "struct":
        return
    given = [member for member in code_children(body) if member is not base] if body is not None else []
    given = [member for member in given if member.start_byte != base.start_byte]
    names = {re.split(r"[\s:]", scene.of(member), maxsplit=1)[0] for member in given}
    missing = [field.name for field in variant.fields if field.name not in names]
    value = scene.code(base.start_byte + 2, base.end_byte).strip()
    text = ", ".join([*(scene.of(member) for member in given), *missing])
    arm = scene.around("match_arm")
    pattern = arm.child_by_field_name("pattern") if arm is not None else None
    if pattern is not None and re.search(rf"\b{variant_name}\s*\{{", scene.of(pattern)):
        bound = [one for one in missing if re.search(rf"\b{one}\b", scene.of(pattern))]
        if bound == missing:
            for stars in ("", "*"):
                text = ", ".join(
                    [*map(scene.of, given), *(f"{one}: {stars}{one}" if stars else one for one in missing)]
                )
                edit = scene.replace(literal, f"{scene.of(name)} {{ {text} }}")
                yield Proposal((edit,), {"fields": ", ".join(missing)}, 0.02 if stars else 0.0)
            return
    indentation = scene.indentation(literal.start_byte)
    taken = ", ".join([*missing, ".."]) if names else ", ".join(missing)
    arms = f"{scene.of(name)} {{ {taken} }} => {scene.of(name)} {{ {text} }},"
    rewritten = f"match {value} {{\n{indentation}    {arms}\n{indentation}    other => other,\n{indentation}}}"
    # What another variant becomes is a guess: it stays.
    yield Proposal((scene.replace(literal, rewritten),), {"fields": ", ".join(missing)}, 0.5)
