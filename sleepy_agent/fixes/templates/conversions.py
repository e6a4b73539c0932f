"""Matchers about references, declared types, and what a block gives."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import declaration_of, uses_of
from sleepy_agent.code.syntax import ancestors, code_children, node_at
from sleepy_agent.code.type_text import bare_type_name, type_arguments
from sleepy_agent.domain import Edit, Span
from sleepy_agent.fixes.templates.conversions_shared import (
    INTEGERS,
    NUMBERS,
    around,
    exact_node,
    is_pattern,
    is_writable,
    mismatch_of,
    plain_type,
    same_type,
)
from sleepy_agent.fixes.templates.results import initializer_of
from sleepy_agent.fixes.templates.scene import Proposal, Scene

REFERENCES = re.compile(r"^(?P<signs>(?:&(?:mut )?)+)(?P<inner>[^&].*)$")
COPIED = NUMBERS | {"bool", "char", "{integer}", "{float}"}
# What `*` looks through as it does through a reference.
POINTERS = re.compile(r"^(?P<outer>Box|Rc|Arc|Ref|RefMut|MutexGuard|RwLockReadGuard|RwLockWriteGuard)<(?P<inner>.+)>$")
OPERATION = re.compile(r"`(?P<left>[^`]+?) (?P<operator>[-+*/%&|^<>=!]+) (?P<right>[^`]+)`")
COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})


def dereferenced_value(scene: Scene) -> Iterator[Proposal]:
    """`*x` and `**x` where rustc does not say it: Copy values, the left side of a comparison, smart pointers."""
    if scene.problem.code != "E0308":
        yield from dereferenced_operand(scene)
        return
    found = mismatch_of(scene)
    if found is None or found.node is None or is_pattern(found.node):
        return
    given, wanted = REFERENCES.match(found.found), REFERENCES.match(found.expected)
    parent = found.node.parent
    if given is not None and wanted is None and fits_value(given["inner"], found.expected):
        stars = "*" * given["signs"].count("&")
        yield Proposal(around(scene, found.node, stars, ""))
        value = initializer_of(scene, found.node)
        if value is not None and value.type in {"identifier", "field_expression"}:
            yield Proposal(around(scene, value, stars, ""), extra_cost=0.02)
    elif wanted is not None and given is None and fits_value(wanted["inner"], found.found):
        left = parent.child_by_field_name("left") if parent is not None and parent.type == "binary_expression" else None
        operator = parent.child_by_field_name("operator") if parent is not None and left is not None else None
        if left is not None and operator is not None and left != found.node and scene.of(operator) in COMPARISONS:
            yield Proposal(around(scene, left, "*" * wanted["signs"].count("&"), ""))


def fits_value(inner: str, value: str) -> bool:
    """Whether the value behind a reference is what is wanted, and can be copied out."""
    return inner in COPIED and (same_type(inner, value) or (inner in INTEGERS and value == "{integer}"))


def dereferenced_operand(scene: Scene) -> Iterator[Proposal]:
    """An operand that is a Box, a guard or a reference of a reference."""
    node = scene.around({"binary_expression", "compound_assignment_expr"})
    left, right = (node.child_by_field_name(name) for name in ("left", "right")) if node is not None else (None, None)
    if node is None or left is None or right is None:
        return
    types = operand_types(scene, left, right)
    if types is None:
        return
    for operand, own, other in ((left, *types), (right, types[1], types[0])):
        pointer, reference = POINTERS.match(own), REFERENCES.match(own)
        if pointer is not None and pointer["inner"] in COPIED and same_type(pointer["inner"], other.lstrip("&")):
            yield Proposal(around(scene, operand, "*", ""))
        elif reference is not None and reference["inner"] in COPIED and same_type(reference["inner"], other):
            yield Proposal(around(scene, operand, "*" * reference["signs"].count("&"), ""))


def operand_types(scene: Scene, left: Node, right: Node) -> tuple[str, str] | None:
    """The types of both operands, from the labels or from the message."""
    labels = {(span.byte_start, span.byte_end): span.label for span in scene.spans() if span.label}
    sides = [labels.get((node.start_byte, node.end_byte)) for node in (left, right)]
    if all(sides):
        return plain_type(f"`{sides[0]}`"), plain_type(f"`{sides[1]}`")
    found = OPERATION.search(scene.span.label or "")
    compared = re.search(r"can't compare `(?P<left>[^`]+)` with `(?P<right>[^`]+)`", scene.problem.message)
    parts = found or compared
    return (plain_type(f"`{parts['left']}`"), plain_type(f"`{parts['right']}`")) if parts is not None else None


def borrowed_mutably(scene: Scene) -> Iterator[Proposal]:
    """`&mut x` for `&x` where a mutable reference is wanted, also where the local was borrowed or declared."""
    note = re.search(
        r"expected mutable reference `&(?:'\w+ )?mut (?P<wanted>.*)`\n\s*found reference `&(?:'\w+ )?(?P<found>.*)`",
        scene.said,
    )
    node = exact_node(scene, scene.span)
    if (
        note is None
        or node is None
        or not is_seen_as(plain_type(f"`{note['found']}`"), plain_type(f"`{note['wanted']}`"))
    ):
        return
    if node.type == "reference_expression":
        yield Proposal((scene.insert(node.start_byte + 1, "mut "),))
        return
    local = (
        declaration_of(scene.root, scene.text, node.start_byte, scene.of(node)) if node.type == "identifier" else None
    )
    if local is None:
        return
    declaration = next(
        (
            one
            for one in ancestors(node_at(scene.root, local.byte_start, local.byte_end))
            if one.type in {"let_declaration", "parameter"}
        ),
        None,
    )
    if declaration is None:
        return
    written = declaration.child_by_field_name("type")
    value = declaration.child_by_field_name("value")
    edits = []
    if written is not None and (sign := re.match(r"&\s*(?:'\w+\s+)?(?!mut\b)", scene.of(written))):
        edits.append(scene.insert(written.start_byte + sign.end(), "mut "))
    if value is not None and value.type == "reference_expression" and not scene.of(value).startswith("&mut"):
        edits.append(scene.insert(value.start_byte + 1, "mut "))
    if edits:
        yield Proposal(tuple(edits), extra_cost=0.15, keeps_behaviour=False)


def is_seen_as(found: str, wanted: str) -> bool:
    """Whether a reference to the one type may stand for a reference to the other: Vec and array for slice, String for
    str, Box for what is in it."""
    names = bare_type_name(found), bare_type_name(wanted)
    known = {("Vec", "slice"), ("array", "slice"), ("String", "str"), ("PathBuf", "Path")}
    return found == wanted or names in known or names[0] == names[1] or names[0] == "Box"


# ---- declared types ---------------------------------------------------------------------------------------------


def declared_type(scene: Scene) -> Iterator[Proposal]:
    """The declared type is the wrong one, not the value: a `let`, a constant, a parameter, a return type."""
    found = mismatch_of(scene)
    if (
        found is None
        or not is_writable(found.found)
        or is_pattern(found.node)
        or found.found in COPIED - NUMBERS - {"bool", "char"}
    ):
        return
    if (
        found.found in {"()", "str"}
        or found.expected == "()"
        or (bare_type_name(found.found) == "slice" and found.found[0] != "&")
    ):
        return
    for place, name, unlikely in declared_places(scene, found.node):
        written = scene.context.read(place.file)[place.byte_start : place.byte_end].decode(errors="replace")
        if plain_type(f"`{written}`") != found.expected or not is_known_here(scene, found.found):
            continue
        if name == "what the function returns" and found.found == f"Option<{found.expected}>":
            # The declared type in an Option is proposed as it is written, with its lifetimes.
            continue
        unlikely_here = unlikely
        # A value that others only lend is more likely to be copied than declared as lent.
        is_lent = found.found.startswith("&") and found.found != "&str" and not found.expected.startswith("&")
        if (
            (found.expected, found.found) == ("String", "&str")
            and name == "the parameter"
            and is_only_read(scene, place)
        ):
            unlikely_here -= 0.16
        edit = Edit(place.file, place.byte_start, place.byte_end, found.found)
        yield Proposal((edit,), {"declared": name, "type": found.found}, unlikely_here + 0.2 * is_lent)


def is_known_here(scene: Scene, type_text: str) -> bool:
    """Whether every name of a type is a primitive, of the prelude, or named by the file."""
    prelude = {"String", "Vec", "Option", "Result", "Box", "str", "dyn", "mut"} | NUMBERS | {"bool", "char"}
    text = scene.text.decode(errors="replace")
    return all(name in prelude or re.search(rf"\b{name}\b", text) for name in re.findall(r"[A-Za-z_]\w*", type_text))


def declared_places(scene: Scene, node: Node | None) -> Iterator[tuple[Span | Edit, str, float]]:
    """Where the wanted type is written, what is declared there, and how unlikely it is that this is wrong."""
    for span in scene.spans():
        label = span.label or ""
        if label.endswith("because of return type"):
            yield span, "what the function returns", 0.15
        elif label == "expected due to this":
            yield span, "the variable", 0.0
    constant = scene.around({"const_item", "static_item"}, node) if node is not None else None
    kind = constant.child_by_field_name("type") if constant is not None else None
    if kind is not None:
        yield scene.replace(kind, ""), "the constant", -0.15
    for child in scene.diagnostic.children:
        if re.match(r"(?:associated )?(?:function|method) defined here", child.message):
            for span in child.spans:
                parameter = re.match(r"^[\w ]+:\s*(?P<type>.+)$", span.text, re.DOTALL)
                if parameter is not None and not span.is_primary and span.from_macro is None:
                    start = span.byte_start + len(span.text[: parameter.start("type")].encode())
                    yield Edit(span.file, start, span.byte_end, ""), "the parameter", -0.05
    initializer = node.parent if node is not None and node.type != "shorthand_field_initializer" else node
    if initializer is not None and initializer.type in {"field_initializer", "shorthand_field_initializer"}:
        name = initializer.child_by_field_name("field") or initializer.named_children[0]
        for edit in types_of_initializer(scene, initializer, scene.of(name)):
            yield edit, f"the field `{scene.of(name)}`", 0.3


def types_of_initializer(scene: Scene, initializer: Node, name: str) -> Iterator[Edit]:
    """Where the type of a field is written that a struct literal gives a value: an edit that changes nothing yet."""
    literal = next((one for one in ancestors(initializer) if one.type == "struct_expression"), None)
    written = literal.child_by_field_name("name") if literal is not None else None
    path = scene.of(written).split("::") if written is not None else [""]
    around_literal = scene.index.implementation_at(scene.file, initializer.start_byte)
    names = [around_literal.type_name if part == "Self" and around_literal is not None else part for part in path]
    owner = names[-2] if len(names) > 1 else names[-1]
    item = scene.index.type_named(owner)
    variants = [variant for variant in item.variants if variant.name == names[-1]] if item is not None else []
    fields = variants[0].fields if variants else item.fields if item is not None else ()
    for field in fields:
        if item is not None and field.name == name:
            text = scene.context.read(item.file)
            start = text.rfind(field.type.encode(), field.byte_start, field.byte_end)
            if start >= 0:
                yield Edit(item.file, start, start + len(field.type.encode()), field.type)


def is_only_read(scene: Scene, place: Span | Edit) -> bool:
    """Whether the body of a function only looks at a parameter: calls its methods, borrows it, shows it."""
    if place.file != scene.file:
        return False
    parameter = next(
        (one for one in ancestors(node_at(scene.root, place.byte_start, place.byte_end)) if one.type == "parameter"),
        None,
    )
    pattern = parameter.child_by_field_name("pattern") if parameter is not None else None
    function = next((one for one in ancestors(parameter) if one.type == "function_item"), None)
    body = function.child_by_field_name("body") if function is not None else None
    if pattern is None or pattern.type != "identifier" or body is None:
        return False
    local = declaration_of(scene.root, scene.text, body.end_byte - 1, scene.of(pattern))
    uses = uses_of(scene.root, scene.text, local) if local is not None else ()
    kinds = {use.parent.type for use in uses if use.parent is not None}
    return bool(uses) and kinds <= {"field_expression", "reference_expression", "token_tree"}


# ---- tuples, arms, ends of blocks -----------------------------------------------------------------------------------


def named_tuple(scene: Scene) -> Iterator[Proposal]:
    """`Point(1, 2)` for `(1, 2)`."""
    found = mismatch_of(scene)
    if found is None or found.node is None or found.node.type != "tuple_expression" or is_pattern(found.node):
        return
    item = scene.index.type_named(bare_type_name(found.expected))
    if (
        item is not None
        and item.is_tuple
        and len(item.fields) == len(type_arguments(found.found)) == len(code_children(found.node))
    ):
        yield Proposal((scene.insert(found.node.start_byte, item.name),), {"type": item.name})


def value_not_needed(scene: Scene) -> Iterator[Proposal]:
    """`{ map.insert(..); }` in an arm whose neighbours give nothing."""
    found = mismatch_of(scene)
    if found is None:
        return
    if found.found == "()":
        span = scene.labelled(r"^this (and all prior arms are|is) found to be of type")
        is_empty = found.node is not None and found.node.type in {"block", "unit_expression"}
        arm_value = exact_node(scene, span) if span is not None and is_empty else None
    else:
        prior = scene.labelled(r"^this (and all prior arms are|is) found to be of type `\(\)`")
        unit = exact_node(scene, prior) if prior is not None else None
        is_empty = unit is not None and unit.type in {"block", "unit_expression"}
        arm_value = found.node if found.expected == "()" and is_empty else None
    arm = arm_value.parent if arm_value is not None else None
    block = arm.parent if arm is not None and arm.type == "match_arm" else None
    match = block.parent if block is not None else None
    if (
        arm_value is None
        or arm is None
        or match is None
        or arm_value.type not in {"call_expression", "try_expression", "await_expression"}
    ):
        return
    if not is_statement(match):
        return
    comma = arm.children[-1] if arm.children[-1].type == "," else None
    edits = [scene.insert(arm_value.start_byte, "{ "), scene.insert(arm_value.end_byte, "; }")]
    if comma is not None:
        edits.append(scene.delete(comma.start_byte, comma.end_byte))
    yield Proposal(tuple(edits))


def is_statement(node: Node) -> bool:
    """Whether nobody uses an expression's value: it is a statement, or the end of a function without a value."""
    parent = node.parent
    if parent is None:
        return False
    if parent.type == "expression_statement":
        following = parent.next_named_sibling
        if following is not None:
            return True
        parent = parent.parent
    if parent is None or parent.type != "block" or parent.parent is None:
        return False
    holder = parent.parent
    return holder.type in {"for_expression", "while_expression", "loop_expression"} or (
        holder.type == "function_item" and holder.child_by_field_name("return_type") is None
    )


def statement_before_the_value(scene: Scene) -> Iterator[Proposal]:
    """`count += 1` at the end of a function that returns what `count` is."""
    found = mismatch_of(scene)
    node = found.node if found is not None else None
    if found is None or node is None or found.found != "()":
        return
    if (
        node.type not in {"compound_assignment_expr", "assignment_expression"}
        or node.parent is None
        or node.parent.type != "block"
    ):
        return
    left = node.child_by_field_name("left")
    if left is None or left.type != "identifier":
        return
    is_one_line = scene.text.count(b"\n", node.parent.start_byte, node.parent.end_byte) == 0
    gap = " " if is_one_line else "\n" + scene.indentation(node.start_byte)
    yield Proposal((scene.insert(node.end_byte, f";{gap}{scene.of(left)}"),), {"value": scene.of(left)})


def dereferenced_argument(scene: Scene) -> Iterator[Proposal]:
    """`u32::from(*byte)`."""
    call = scene.around("call_expression")
    arguments = call.child_by_field_name("arguments") if call is not None else None
    inside = code_children(arguments) if arguments is not None else []
    if len(inside) == 1 and {scene.values["to"], scene.values["from"]} <= COPIED:
        yield Proposal(around(scene, inside[0], "*", ""))


def argument_that_decides(scene: Scene) -> Iterator[Proposal]:
    """The argument from which a collection got its type: `map.entry(item.name)` where the keys are `&str`."""
    span = scene.labelled(r"^this argument has type `")
    found = mismatch_of(scene)
    node = exact_node(scene, span) if span is not None else None
    if found is None or node is None:
        return
    given = plain_type(f"`{scene.values['type']}`")
    pairs = list(zip(type_arguments(found.expected), type_arguments(found.found), strict=False))
    wanted = next((first for first, second in pairs if second == given and first != second), None)
    how = {("&str", "String"): ".as_str()", ("&str", "&String"): ".as_str()"}.get((wanted or "", given))
    if how is not None:
        yield Proposal(around(scene, node, "", how), {"how": how})
    elif wanted in COPIED and given == f"&{wanted}":
        yield Proposal(around(scene, node, "*", ""), {"how": "*"})
