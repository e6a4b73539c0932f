"""Matchers about `?`: values to take out, values to wrap, errors to convert."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import declaration_of
from sleepy_agent.code.syntax import ancestors, code_children, node_at
from sleepy_agent.code.type_text import bare_type_name, type_arguments
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.conversions_shared import (
    around,
    exact_node,
    is_pattern,
    mismatch_of,
    returned_type,
    same_type,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

HELD = re.compile(r"^&?(?:mut )?(?:\w+::)*(?P<holder>Option|Result)<")
BLOCK_LIKE = frozenset(
    {
        "if_expression",
        "match_expression",
        "for_expression",
        "while_expression",
        "loop_expression",
        "block",
        "unsafe_block",
    }
)
VARIANT_CALL = re.compile(
    r"^(Ok|Err|Some)\(|^(None|return|break|continue)\b|^(panic|todo|unimplemented|unreachable|bail)!"
)


# ---- wrapping ---------------------------------------------------------------------------------------------------


def success_at_the_end(scene: Scene) -> Iterator[Proposal]:
    """`Ok(())` behind the last statement."""
    found = mismatch_of(scene)
    if found is None or found.found != "()":
        return
    holder = bare_type_name(found.expected)
    if holder not in {"Result", "Option"} or type_arguments(found.expected)[:1] != ("()",):
        return
    value = "Ok(())" if holder == "Result" else "Some(())"
    if found.node is not None and found.node.type == "unit_expression":
        yield Proposal((scene.replace(found.node, value),), {"value": value})
        return
    block = block_without_value(scene, found.node)
    if block is not None:
        yield Proposal((at_the_end(scene, block, value),), {"value": value})


def block_without_value(scene: Scene, node: Node | None) -> Node | None:
    """The block whose end gives nothing."""
    if scene.labelled("implicitly returns `\\(\\)`") is not None:
        function = scene.function(node)
        return function.child_by_field_name("body") if function is not None else None
    if node is not None and node.type == "block":
        return around_branches(scene, node)
    is_last = node is not None and node.type in BLOCK_LIKE | {"macro_invocation", "call_expression"}
    parent = node.parent if node is not None else None
    if parent is not None and parent.type == "expression_statement":
        parent = parent.parent
    return parent if is_last and parent is not None and parent.type == "block" else None


def around_branches(scene: Scene, block: Node) -> Node:
    """The block itself, or the one around an `if` none of whose branches gives a value."""
    branching = outermost_branching(block)
    if branching is None or any(VARIANT_CALL.match(scene.of(value)) for value in values_of(branching)):
        return block
    return next((one for one in ancestors(branching.parent) if one.type == "block"), block)


def at_the_end(scene: Scene, block: Node, value: str) -> Edit:
    """The edit that puts a value behind the last statement of a block."""
    inside = code_children(block)
    closing = block.end_byte - 1
    if not inside or scene.text.count(b"\n", block.start_byte, block.end_byte) == 0:
        end = inside[-1].end_byte if inside else block.start_byte + 1
        return scene.insert(
            end, f"{semicolon(inside)} {value}{'' if scene.text[closing - 1 : closing] == b' ' else ' '}"
        )
    last = inside[-1]
    comment = last.next_named_sibling
    end = last.end_byte
    if comment is not None and comment.type == "line_comment" and scene.text.count(b"\n", end, comment.start_byte) == 0:
        end = comment.end_byte
    return scene.insert(end, f"{semicolon(inside)}\n{scene.indentation(last.start_byte)}{value}")


def semicolon(inside: list[Node]) -> str:
    """What must stand behind the last expression of a block before another follows."""
    is_open = (
        bool(inside)
        and inside[-1].type not in BLOCK_LIKE
        and not inside[-1].type.endswith(("_statement", "_declaration", "_item"))
    )
    return ";" if is_open else ""


def wrapped_branches(scene: Scene) -> Iterator[Proposal]:
    """`Ok(..)` around every branch of a `match` or `if` that gives a plain value."""
    found = mismatch_of(scene)
    if found is None or found.node is None or is_pattern(found.node):
        return
    wanted = HELD.match(found.expected)
    arguments = type_arguments(found.expected)
    if wanted is None or not arguments or HELD.match(found.found):
        return
    if (
        wanted["holder"] == "Result"
        and len(arguments) > 1
        and same_type(arguments[1], found.found)
        and arguments[0] != found.found
    ):
        variant = "Err"
    elif same_type(arguments[0], found.found) and found.found != "()":
        variant = "Ok" if wanted["holder"] == "Result" else "Some"
    else:
        return
    outer = outermost_branching(found.node)
    values = [node for node in values_of(outer) if is_plain_value(scene, node, found.node)] if outer is not None else []
    if found.node.type == "macro_invocation" and (len(values) < 2 or found.node not in values):
        # rustc does not look into macros.
        values = [found.node]
    elif len(values) < 2 or found.node not in values:
        return
    edits = [edit for node in values for edit in around(scene, node, f"{variant}(", ")")]
    yield Proposal(tuple(edits), {"variant": variant})


def outermost_branching(node: Node) -> Node | None:
    """The outermost `match` or `if` whose value the node may be."""
    found = None
    for one in ancestors(node):
        if one.type in {"if_expression", "match_expression"}:
            found = one
        elif (
            one.type not in {"match_arm", "match_block", "block", "else_clause", "expression_statement"} and one != node
        ):
            break
    return found


def values_of(node: Node) -> Iterator[Node]:
    """The expressions that may be the value of an expression: the ends of its branches."""
    if node.type == "if_expression":
        for name in ("consequence", "alternative"):
            inner = node.child_by_field_name(name)
            if inner is not None:
                yield from values_of(inner)
    elif node.type in {"else_clause", "unsafe_block"}:
        yield from (value for child in code_children(node) for value in values_of(child))
    elif node.type == "match_expression":
        body = node.child_by_field_name("body")
        for arm in code_children(body) if body is not None else ():
            value = arm.child_by_field_name("value")
            if value is not None:
                yield from values_of(value)
    elif node.type == "block":
        inside = code_children(node)
        if inside and inside[-1].type == "expression_statement" and inside[-1].children[-1].type != ";":
            yield from values_of(inside[-1].children[0])
        elif inside and not inside[-1].type.endswith(("_statement", "_declaration", "_item")):
            yield from values_of(inside[-1])
    else:
        yield node


def is_plain_value(scene: Scene, node: Node, first: Node) -> bool:
    """Whether a branch's value looks like the one that was complained about."""
    code = scene.of(node)
    if node == first:
        return True
    if VARIANT_CALL.match(code):
        return False
    if node.type in {"call_expression", "identifier", "await_expression"}:
        # A call may give anything: only what is made in the same way is the same.
        return (
            node.type == first.type
            and code.split("(")[0].rsplit("::", 1)[0] == scene.of(first).split("(")[0].rsplit("::", 1)[0]
        )
    return True


# ---- taking out -------------------------------------------------------------------------------------------------


def taken_out_with_question(scene: Scene) -> Iterator[Proposal]:
    """`?` on a value that is used as what it holds: where it is used, or where the local got it."""
    shown = re.match(r"`(?P<holder>Option|Result)<.*` doesn't implement `[\w:]*Display`", scene.problem.message)
    if shown is not None and exact_node(scene, scene.span) is None:
        # An argument of a formatting macro: there are only tokens.
        how = ending_for(scene, scene.node, shown["holder"])
        if how is not None and re.search(r"[\w)]$", scene.code(scene.span.byte_start, scene.span.byte_end)):
            name = scene.code(scene.span.byte_start, scene.span.byte_end)
            local = initializer_of_name(scene, name) if re.fullmatch(r"\w+", name) else None
            yield Proposal(around(scene, local or scene.span, "", how), {"how": how}, keeps_behaviour=how == "?")
        return
    for node, type_text in held_values(scene):
        held = HELD.match(type_text)
        if held is None or VARIANT_CALL.match(scene.of(node)):
            # Nobody writes `None?`.
            continue
        target = initializer_of(scene, node) or node
        if scene.problem.code == "E0599" and re.search(r"\.(lock|read|write)\(\)$", scene.of(target)):
            # Nobody hands on that another thread panicked.
            yield Proposal(around(scene, target, "", ".unwrap()"), {"how": ".unwrap()"}, keeps_behaviour=False)
            return
        is_elsewhere = is_in_let_pattern(scene) or "incompatible types" in scene.problem.message
        if target == node and scene.problem.code in {"E0599", "E0308"} and not is_elsewhere:
            # rustc proposes it where the value is used.
            how = ".unwrap()" if scene.problem.code == "E0599" else None
            how = how if ending_for(scene, target, held["holder"]) == ".unwrap()" else None
        else:
            how = ending_for(scene, target, held["holder"])
        if how is not None:
            # The local is nowhere used as what it is now.
            extra = -0.02 if target != node and how == "?" else 0.0
            question = "the value or the pattern" if is_in_condition(scene) else None
            yield Proposal(around(scene, target, "", how), {"how": how}, extra, question, how == "?")
            if target.type == "field_expression" and scene.problem.code in {"E0609", "E0614", "E0608", "E0599"}:
                # What lies behind a reference can only be looked at.
                looked_at = f".as_ref(){how}"
                yield Proposal(around(scene, target, "", looked_at), {"how": looked_at}, 0.02)
        return


def is_in_condition(scene: Scene) -> bool:
    """Whether the complaint is about the pattern of an `if let` or `while let`."""
    node = exact_node(scene, scene.span)
    return node is not None and is_pattern(node) and scene.around("let_condition", node) is not None


def held_values(scene: Scene) -> Iterator[tuple[Node, str]]:
    """The values that a diagnostic says to be an Option or Result, with their types."""
    code, message = scene.problem.code, scene.problem.message
    if code == "E0308":
        found = mismatch_of(scene)
        matched = scene.labelled(r"^this expression has type `")
        node = exact_node(scene, matched) if matched is not None else None
        if found is None:
            return
        if node is not None and is_pattern(found.node) and not HELD.match(found.found):
            yield node, found.expected
        elif found.node is not None and not is_pattern(found.node) and not HELD.match(found.expected):
            yield found.node, found.found
        elif HELD.match(found.expected) and not HELD.match(found.found):
            # Another branch gives the Result itself.
            span = scene.labelled(r"found to be of type `|^expected because of this$")
            other = (
                exact_node(scene, span) if span is not None and "incompatible types" in scene.problem.message else None
            )
            if other is not None:
                yield other, found.expected
        return
    if code == "E0369":
        for span in scene.spans():
            node = exact_node(scene, span) if span.label and HELD.match(span.label) else None
            if node is not None and span.label is not None:
                yield node, span.label
        return
    if code == "E0277":
        yield from held_operands(scene)
        return
    found_type = re.search(r"`(?P<type>&?(?:mut )?(?:\w+::)*(?:Option|Result)<[^`]+)`", message)
    access = scene.around({"field_expression", "index_expression", "unary_expression"})
    value = (access.child_by_field_name("value") or access.named_children[0]) if access is not None else None
    if found_type is not None and value is not None:
        yield value, found_type["type"]


def held_operands(scene: Scene) -> Iterator[tuple[Node, str]]:
    types = re.search(
        r"no implementation for `(?P<left>.+?) (?:[-+*/%]=?|==|[<>]=?|[&|^]) (?P<right>[^`]+)`", scene.span.label or ""
    )
    node = scene.around({"binary_expression", "compound_assignment_expr"})
    if types is not None and node is not None:
        for name in ("left", "right"):
            operand = node.child_by_field_name(name)
            if operand is not None and HELD.match(types[name]):
                yield operand, types[name]
        return
    shown = re.match(r"`(?P<type>[^`]+)` (doesn't implement `[\w:]*Display`|is not an iterator)", scene.problem.message)
    node = exact_node(scene, scene.span)
    if shown is not None and node is not None:
        yield node, shown["type"]


def is_in_let_pattern(scene: Scene) -> bool:
    return scene.problem.code == "E0308" and is_pattern(exact_node(scene, scene.span))


def initializer_of(scene: Scene, node: Node) -> Node | None:
    """What the `let` of a local gives it, where nothing else is written beside the name."""
    return initializer_of_name(scene, scene.of(node), node.start_byte) if node.type == "identifier" else None


def initializer_of_name(scene: Scene, name: str, position: int | None = None) -> Node | None:
    """What the `let` of a name gives it that is meant at a position (default: where the scene looks)."""
    local = declaration_of(scene.root, scene.text, scene.span.byte_start if position is None else position, name)
    if local is None or local.kind != "let" or local.type is not None:
        return None
    bound = node_at(scene.root, local.byte_start, local.byte_end)
    declaration = next((one for one in ancestors(bound) if one.type == "let_declaration"), None)
    value = declaration.child_by_field_name("value") if declaration is not None else None
    pattern = declaration.child_by_field_name("pattern") if declaration is not None else None
    if value is None or pattern is None or declaration is None or declaration.child_by_field_name("type") is not None:
        return None
    if pattern.type == "tuple_pattern" and value.type == "tuple_expression":
        # `let (first, second) = (one(), two());`
        names, values = code_children(pattern), code_children(value)
        found = [one for one, given in zip(names, values, strict=False) if one.start_byte == local.byte_start]
        return values[names.index(found[0])] if found and len(names) == len(values) else None
    is_whole = local.is_whole_pattern and local.initializer is not None
    return value if is_whole and value.type not in BLOCK_LIKE else None


def ending_for(scene: Scene, node: Node, holder: str) -> str | None:
    """What takes the value out at a place: `?` where the function hands such a value on."""
    returns = bare_type_name(returned_type(scene, node) or "")
    if returns == holder or (holder == "Result" and returns.endswith("Result")):
        return "?"
    if (holder, returns) == ("Result", "Option"):
        return ".ok()?"
    return ".unwrap()"


# ---- steps that are too many, or one too few ----------------------------------------------------------------------


def needless_step_on_a_value(scene: Scene) -> Iterator[Proposal]:
    """`?` on what is neither Option nor Result; `.unwrap()` on a plain value."""
    if scene.problem.code == "E0277":
        question = scene.around("try_expression")
        # What gives nothing may lack its return type: then the error would be lost.
        is_nothing = "cannot be applied to type `()`" in scene.said
        is_plain = "can only be applied to values that implement `Try`" in scene.problem.message
        if question is not None and is_plain and not is_nothing:
            yield Proposal((scene.delete(question.children[-1].start_byte, question.end_byte),), {"step": "?"})
        return
    found = re.match(
        r"no method named `(unwrap|expect|ok|as_deref|unwrap_or_default|iter|borrow|lock)` found for",
        scene.problem.message,
    )
    access = scene.node.parent
    call = access.parent if access is not None else None
    if (
        found is None
        or access is None
        or call is None
        or access.type != "field_expression"
        or call.type != "call_expression"
    ):
        return
    value = access.child_by_field_name("value")
    arguments = call.child_by_field_name("arguments")
    if (
        value is not None
        and arguments is not None
        and all(node.type.endswith("literal") for node in code_children(arguments))
    ):
        yield Proposal((scene.delete(value.end_byte, call.end_byte),), {"step": f".{found[1]}()"})


def method_inside_the_option(scene: Scene) -> Iterator[Proposal]:
    """`self.name.as_ref().map(|name| name.len())` where an Option is returned."""
    inner = re.search(r"the method `(?P<method>\w+)` exists on the type `(?P<type>[^`]+)`", scene.said)
    access = scene.node.parent
    call = access.parent if access is not None else None
    if (
        inner is None
        or access is None
        or call is None
        or access.type != "field_expression"
        or call.type != "call_expression"
    ):
        return
    value = access.child_by_field_name("value")
    is_option = "Option<" in scene.problem.message + scene.said
    last = call.parent is not None and call.parent.type in {"block", "return_expression", "match_arm"}
    if value is None or not is_option or not last or bare_type_name(returned_type(scene, call) or "") != "Option":
        return
    name = scene.of(value).rsplit(".", 1)[-1]
    name = name if re.fullmatch(r"[a-z_]\w*", name) and name != "self" else "value"
    step = ".as_ref()" if value.type == "field_expression" else ""
    edits = (
        scene.insert(value.end_byte, f"{step}.map(|{name}| {name}"),
        scene.insert(call.end_byte, ")"),
    )
    yield Proposal(edits, {"method": inner["method"]})
