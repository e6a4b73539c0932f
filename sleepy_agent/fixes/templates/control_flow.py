"""Jumps that lead nowhere, assignments to what is no place, conditions that this edition cannot chain."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import locals_at
from sleepy_agent.code.names import similarity
from sleepy_agent.code.syntax import LOOP_KINDS, ancestors, code_children
from sleepy_agent.fixes.templates.scene import Proposal, Scene

BODIES = frozenset({"function_item", "closure_expression", "async_block"})
PLACES = frozenset({"identifier", "field_expression", "index_expression"})
LEAST_SIMILARITY = 0.6


# ---- jumps ----------------------------------------------------------------------------------------------------


def return_for_break(scene: Scene) -> Iterator[Proposal]:
    """`break` where no loop is around: `return`, if the body around returns what is handed on."""
    jump = scene.around("break_expression")
    body = scene.around(BODIES, jump)
    if jump is None or body is None or scene.span.from_macro is not None:
        return
    values = [child for child in code_children(jump) if child.type != "label"]
    if any(child.type == "label" for child in jump.children):
        return
    if body.type == "function_item" and (body.child_by_field_name("return_type") is None) == bool(values):
        return
    if body.type == "closure_expression" and body.parent is not None and body.parent.type == "arguments":
        # To leave one turn of an iterator's closure is not to leave the loop.
        return
    value = f" {scene.of(values[0])}" if values else ""
    yield Proposal((scene.replace(jump, f"return{value}"),))


def label_for_jump(scene: Scene) -> Iterator[Proposal]:
    """An unlabelled `break` in a labelled block means the loop around, as it does elsewhere: name that loop. Only where
    there is none, the block."""
    jump = scene.around({"break_expression", "continue_expression"})
    if jump is None or scene.span.from_macro is not None:
        return
    word = "break" if jump.type == "break_expression" else "continue"
    rest = scene.code(jump.start_byte + len(word), jump.end_byte)
    block_label = None
    for around in ancestors(jump.parent):
        if around.type in BODIES:
            break
        label = next((scene.of(child) for child in around.children if child.type == "label"), None)
        if around.type in LOOP_KINDS:
            name = label or fresh_label(scene, around)
            edits = [] if label is not None else [scene.insert(around.start_byte, f"{name}: ")]
            yield Proposal((*edits, scene.replace(jump, f"{word} {name}{rest}")), {"label": name})
            return
        block_label = block_label or label
    if block_label is not None and word == "break":
        yield Proposal((scene.replace(jump, f"{word} {block_label}{rest}"),), {"label": block_label})


def fresh_label(scene: Scene, loop: Node) -> str:
    """A label that nothing around a loop has."""
    function = scene.function(loop)
    taken = scene.of(function) if function is not None else ""
    return next(name for name in ("'outer", "'around", "'whole_loop", "'outermost_loop") if name not in taken)


def break_for_continue(scene: Scene) -> Iterator[Proposal]:
    """`continue` with the label of a block: leave the block, or go on with the loop around."""
    jump = scene.around("continue_expression")
    if jump is None or scene.span.from_macro is not None:
        return
    label = next((scene.of(child) for child in jump.children if child.type == "label"), None)
    if label is None:
        return
    yield Proposal((scene.replace(jump, f"break {label}"),), {"jump": f"break {label}"})
    if any(around.type in LOOP_KINDS for around in ancestors(jump.parent)):
        yield Proposal((scene.replace(jump, "continue"),), {"jump": "continue"})


# ---- conditions -----------------------------------------------------------------------------------------------


def nested_conditions(scene: Scene) -> Iterator[Proposal]:
    """`if let A = b && c { .. }` as an `if` inside an `if`, where there is no `else`."""
    conditional = scene.around("if_expression")
    if conditional is None or scene.span.from_macro is not None:
        return
    condition = conditional.child_by_field_name("condition")
    body = conditional.child_by_field_name("consequence")
    if condition is None or body is None or condition.type != "let_chain":
        return
    if conditional.child_by_field_name("alternative") is not None or is_else_branch(conditional):
        return
    parts = grouped(scene, condition)
    if len(parts) < 2:
        return
    inner = scene.code(body.start_byte, body.end_byte)
    if "\n" not in inner:
        text = " { ".join(f"if {part}" for part in parts) + f" {inner}" + " }" * (len(parts) - 1)
        yield Proposal((scene.replace(conditional, text),))
        return
    margin = scene.indentation(conditional.start_byte)
    lines = [f"{'    ' * depth}if {part} {{" for depth, part in enumerate(parts)]
    step = "    " * (len(parts) - 1)
    kept = [f"{step}{line[len(margin) :]}" if line.strip() else "" for line in inner.split("\n")[1:-1]]
    closing = [f"{'    ' * depth}}}" for depth in range(len(parts) - 1, -1, -1)]
    text = ("\n" + margin).join([*lines, *kept, *closing]).replace(f"\n{margin}\n", "\n\n")
    yield Proposal((scene.replace(conditional, text),))


def is_else_branch(conditional: Node) -> bool:
    return conditional.parent is not None and conditional.parent.type == "else_clause"


def grouped(scene: Scene, chain: Node) -> list[str]:
    """The parts of a chain, neighbouring ones without `let` together."""
    parts: list[str] = []
    is_open = False
    for child in code_children(chain):
        text = scene.of(child)
        if child.type == "let_condition":
            parts.append(text)
            is_open = False
        elif is_open:
            parts[-1] += f" && {text}"
        else:
            parts.append(text)
            is_open = True
    return parts


# ---- assignments ----------------------------------------------------------------------------------------------


def sides_exchanged(scene: Scene) -> Iterator[Proposal]:
    """`x + 1 = x` and `12 += x`: the place stands on the right."""
    assignment = scene.around({"assignment_expression", "compound_assignment_expr"})
    if assignment is None or scene.span.from_macro is not None:
        return
    left, right = assignment.child_by_field_name("left"), assignment.child_by_field_name("right")
    if left is None or right is None or right.type not in PLACES or left.type in PLACES:
        return
    sign = scene.code(left.end_byte, right.start_byte)
    if sign.strip() in {"-=", "/=", "%="}:
        return
    yield Proposal((scene.replace(assignment, f"{scene.of(right)}{sign}{scene.of(left)}"),), {"place": scene.of(right)})


def variable_for_constant(scene: Scene) -> Iterator[Proposal]:
    """Assign to the variable whose name is nearest to the constant's."""
    assignment = scene.around({"assignment_expression", "compound_assignment_expr"})
    node = assignment.child_by_field_name("left") if assignment is not None else None
    if node is None or node.type != "identifier" or scene.span.from_macro is not None:
        return
    name = scene.of(node)
    if not name.isupper():
        return
    near = [
        local.name
        for local in locals_at(scene.root, scene.text, node.start_byte)
        if local.is_mutable and similarity(local.name, name.lower()) >= LEAST_SIMILARITY
    ]
    if len(near) == 1:
        yield Proposal((scene.replace(node, near[0]),), {"name": near[0], "constant": name})


def comparison_for_assignment(scene: Scene) -> Iterator[Proposal]:
    """`=` where a truth is wanted and `()` was found: `==`."""
    found = re.search(r"found `\(\)`|`(bool|\(\)) [|&]{1,2} (bool|\(\))`|`\(\)` is not", scene.said)
    assignment = first_assignment(scene.node)
    if found is None or assignment is None or scene.span.from_macro is not None:
        return
    sign = next((child for child in assignment.children if child.type == "="), None)
    left = assignment.child_by_field_name("left")
    if sign is not None and left is not None and not is_pattern(scene, left):
        yield Proposal((scene.replace(sign, "=="),))


def is_pattern(scene: Scene, node: Node) -> bool:
    """Whether an expression takes something apart rather than being a value: `Some(x)`, `Kind::A { .. }`, `[a, b]`."""
    if node.type == "call_expression":
        function = node.child_by_field_name("function")
        return function is not None and scene.of(function).split("::")[-1][:1].isupper()
    return node.type in {"struct_expression", "tuple_expression", "array_expression"}


# A path in capitals with parentheses (one level of them inside) or braces, behind `if`, `while` or `&&`, before a `=`.
CONDITION_WITH_PATTERN = re.compile(
    rb"(?:\b(?:if|while)\s|&&)\s*(?!let\b)"
    rb"(?P<pattern>&?[A-Z][\w:]*\s*(?:\((?:[^{}();=]|\([^();=]*\))*\)|\{[^{};=]*\}))"
    rb"\s*=(?![=>])"
)


def let_of_a_condition(scene: Scene) -> Iterator[Proposal]:
    """`if Some(x) = y` as `if let Some(x) = y`: what stands before the `=` is a pattern. The text tells it, as the
    tree does not where such a pattern is no expression."""
    if scene.span.from_macro is not None:
        return
    start = max(scene.text.rfind(sign, 0, scene.span.byte_start + 1) for sign in (b";", b"}\n", b"{\n"))
    for found in CONDITION_WITH_PATTERN.finditer(scene.text, max(start, 0), scene.span.byte_end + 200):
        if found.start("pattern") <= scene.span.byte_start <= found.end():
            pattern = found["pattern"].decode(errors="replace")
            yield Proposal((scene.insert(found.start("pattern"), "let "),), {"pattern": pattern})
            return


def first_assignment(node: Node) -> Node | None:
    """The assignment that a node is, but for brackets and operands around it, or that it is an operand's part of."""
    waiting = [node, *([node.parent] if node.parent is not None and node.parent.type == "binary_expression" else [])]
    for _ in range(12):
        if not waiting:
            return None
        one = waiting.pop(0)
        if one.type == "assignment_expression":
            return one
        if one.type in {"parenthesized_expression", "binary_expression", "closure_expression", "return_expression"}:
            waiting += code_children(one)
    return None


# ---- statements that run into each other ----------------------------------------------------------------------


def missing_semicolon(scene: Scene) -> Iterator[Proposal]:
    """A line that begins with `*`, `&`, `-` or a bracket, read as the rest of the line before."""
    for around in ancestors(scene.node):
        if around.type in {"block", "function_item"}:
            return
        if around.type == "binary_expression":
            first, second = around.child_by_field_name("left"), around.child_by_field_name("operator")
            if first is None or second is None or second.type not in {"*", "&", "-", "&&", "|", "||"}:
                continue
        elif around.type == "call_expression":
            first, second = around.child_by_field_name("function"), around.child_by_field_name("arguments")
        elif around.type == "index_expression":
            children = code_children(around)
            first = children[0] if children else None
            second = next((child for child in around.children if child.type == "["), None)
        else:
            continue
        if first is None or second is None or first.end_byte > scene.span.byte_end:
            continue
        if b"\n" in scene.text[first.end_byte : second.start_byte]:
            yield Proposal((scene.insert(first.end_byte, ";"),))
            return


def return_for_value_of_break(scene: Scene) -> Iterator[Proposal]:
    """A value that a `for` or `while` is left with goes to whoever called the function: only `loop` gives values."""
    jump = scene.around("break_expression")
    loop = next((one for one in ancestors(jump) if one.type in LOOP_KINDS), None)
    function = scene.around({"function_item", "closure_expression", "async_block"}, loop)
    if jump is None or loop is None or function is None or function.type != "function_item":
        return
    is_statement = loop.parent is not None and loop.parent.type in {"expression_statement", "block"}
    children = code_children(jump)
    if not is_statement or function.child_by_field_name("return_type") is None or len(children) != 1:
        # With a label it says which loop it leaves, and the value of a loop that is used is meant for that place.
        return
    if children[0].type != "label" and scene.span.from_macro is None:
        yield Proposal((scene.replace(jump.children[0], "return"),), {"value": scene.of(children[0])})


def assigned_through_method(scene: Scene) -> Iterator[Proposal]:
    """`self.cell(x, y) = value`: the method that lends what `cell` gives, for changes, is assigned through."""
    assignment = scene.around({"assignment_expression", "compound_assignment_expr"})
    left = assignment.child_by_field_name("left") if assignment is not None else None
    function = left.child_by_field_name("function") if left is not None and left.type == "call_expression" else None
    field = function.child_by_field_name("field") if function is not None else None
    if left is None or field is None or scene.span.from_macro is not None:
        return
    getters = [one for one in scene.index.functions_named(scene.of(field)) if one.self_parameter == "&self"]
    if len(getters) != 1:
        return
    getter, given = getters[0], (getters[0].returns or "").removeprefix("&").strip()
    owner = scene.index.implementation_at(getter.file, getter.byte_start)
    lending = [
        one
        for one in (scene.index.methods_of(owner.type_name) if owner is not None else ())
        if one.self_parameter == "&mut self"
        and re.sub(r"\s+", " ", one.returns or "") == f"&mut {given}"
        and [parameter.type for parameter in one.parameters] == [parameter.type for parameter in getter.parameters]
    ]
    named = [one for one in lending if one.name in {f"{getter.name}_mut", f"get_{getter.name}_mut"}] or lending
    if len(named) == 1:
        edits = (scene.insert(left.start_byte, "*"), scene.replace(field, named[0].name))
        yield Proposal(edits, {"method": named[0].name})
