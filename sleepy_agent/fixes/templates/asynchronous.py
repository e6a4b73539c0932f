"""Matchers about futures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.syntax import ancestors, leaves
from sleepy_agent.fixes.templates.conversions_shared import around, exact_node, is_pattern, mismatch_of
from sleepy_agent.fixes.templates.results import initializer_of
from sleepy_agent.fixes.templates.scene import Proposal, Scene

FUTURE = re.compile(r"\bimpl (?:\w+::)*Future\b|\bfuture\b|`Pin<Box<\(?dyn (?:\w+::)*Future\b")
PLACES = frozenset({"field_expression", "index_expression", "unary_expression", "try_expression"})


def awaited_value(scene: Scene) -> Iterator[Proposal]:
    """`.await` on an operand, an argument, an iterated or shown value, or where its local got it."""
    shown = re.match(r"`impl [^`]*Future.*` doesn't implement `", scene.problem.message)
    if shown is not None and exact_node(scene, scene.span) is None and is_in_async(scene.node):
        # An argument of a formatting macro: there are only tokens.
        if scene.code(scene.span.byte_start, scene.span.byte_end).endswith(")"):
            yield Proposal((scene.insert(scene.span.byte_end, ".await"),))
        return
    for node in futures_of(scene):
        target = initializer_of(scene, node) or node
        if is_in_async(target) and not target.type.endswith("await_expression"):
            yield Proposal(around(scene, target, "", ".await"))
            return


def futures_of(scene: Scene) -> Iterator[Node]:
    """The expressions that a diagnostic says to be futures."""
    code = scene.problem.code
    if code == "E0308":
        found = mismatch_of(scene)
        matched = scene.labelled(r"^this expression has type `impl ")
        node = exact_node(scene, matched) if matched is not None else None
        if found is not None and found.node is not None and FUTURE.search(found.found + " " + (scene.span.label or "")):
            if node is not None and is_pattern(found.node):
                yield node
            elif not is_pattern(found.node):
                yield found.node
        return
    if not FUTURE.search(scene.problem.message):
        return
    if code == "E0369":
        for span in scene.spans():
            node = exact_node(scene, span) if span.label and FUTURE.match(span.label) else None
            if node is not None:
                yield node
        return
    if code == "E0277" and (operands := scene.around({"binary_expression", "compound_assignment_expr"})) is not None:
        types = re.search(
            r"no implementation for `(?P<left>.+?) [-+*/%=<>!&|^]+ (?P<right>.+)`", scene.span.label or ""
        )
        for name in ("left", "right") if types is not None else ():
            operand = operands.child_by_field_name(name)
            if types is not None and operand is not None and FUTURE.search(types[name]):
                yield operand
    node = exact_node(scene, scene.span)
    access = scene.around(PLACES)
    if access is not None and code != "E0277":
        value = access.child_by_field_name("value") or access.named_children[0]
        yield value
    elif code == "E0277" and node is not None and re.match(r"`impl [^`]*Future", scene.problem.message):
        yield node


def is_in_async(node: Node) -> bool:
    """Whether `.await` may stand at a node."""
    for one in ancestors(node):
        if one.type == "async_block" or (one.type == "function_item" and is_async(one)):
            return True
        if one.type in {"closure_expression", "function_item"}:
            return one.type == "closure_expression" and any(child.type == "async" for child in one.children)
    return False


def is_async(function: Node) -> bool:
    modifiers = next((child for child in function.children if child.type == "function_modifiers"), None)
    return modifiers is not None and any(child.type == "async" for child in modifiers.children)


def function_made_async(scene: Scene) -> Iterator[Proposal]:
    """`async fn`, or an `async move` block as the body of a closure."""
    holder = next(
        (
            one
            for one in ancestors(scene.node)
            if one.type in {"closure_expression", "function_item", "const_item", "static_item"}
        ),
        None,
    )
    if holder is None:
        return
    if holder.type == "closure_expression":
        body = holder.child_by_field_name("body")
        if body is None:
            return
        before, after = ("async move ", "") if body.type == "block" else ("async move { ", " }")
        edits = tuple(
            edit
            for edit in (scene.insert(body.start_byte, before), scene.insert(body.end_byte, after))
            if edit.replacement
        )
        yield Proposal(edits, {"what": "the closure's body"})
    elif holder.type == "function_item":
        name = holder.child_by_field_name("name")
        if name is None or scene.of(name) == "main" or is_of_trait(holder):
            return
        keyword = next((child for child in holder.children if child.type in {"function_modifiers", "fn"}), None)
        if keyword is not None and "const" not in scene.of(keyword).split():
            # A call that nobody awaits would compile and do nothing.
            extra = 0.45 if is_called_without_await(scene, scene.of(name)) else 0.0
            yield Proposal((scene.insert(keyword.start_byte, "async "),), {"what": f"`{scene.of(name)}`"}, extra)


def is_called_without_await(scene: Scene, name: str) -> bool:
    """Whether this file calls a function and does not await it."""
    text = scene.text.decode(errors="replace")
    for call in re.finditer(rf"(?<!fn )\b{re.escape(name)}\(", text):
        depth = 0
        for position in range(call.end() - 1, len(text)):
            depth += (text[position] == "(") - (text[position] == ")")
            if depth == 0:
                if not re.match(r"\s*\.await\b", text[position + 1 :]):
                    return True
                break
    return False


def is_of_trait(function: Node) -> bool:
    """Whether a trait says what a function looks like."""
    owner = function.parent.parent if function.parent is not None else None
    return owner is not None and owner.type == "impl_item" and owner.child_by_field_name("trait") is not None


def pinned_box(scene: Scene) -> Iterator[Proposal]:
    """`Box::pin` for `Box::new`, and around the call of a future that calls itself."""
    if scene.problem.code == "E0733":
        span = scene.labelled("recursive call here")
        node = exact_node(scene, span) if span is not None else None
        inner = node.named_children[0] if node is not None and node.type == "await_expression" else None
        if inner is not None:
            yield Proposal((scene.insert(inner.start_byte, "Box::pin("), scene.insert(inner.end_byte, ")")))
        return
    found = mismatch_of(scene)
    node = found.node if found is not None else None
    if found is None or node is None or not re.match(r"Pin<Box<\(?dyn Future", found.expected):
        return
    function = node.child_by_field_name("function") if node.type == "call_expression" else None
    if function is not None and scene.of(function) == "Box::new":
        yield Proposal((scene.replace(function, "Box::pin"),))


def returns_what_is_awaited(scene: Scene) -> Iterator[Proposal]:
    """`async fn f() -> impl Future<Output = T>`."""
    function = scene.function()
    returned = function.child_by_field_name("return_type") if function is not None else None
    if function is None or returned is None or not is_async(function):
        return
    output = re.match(
        r"impl\s+(?:\w+::)*Future<Output\s*=\s*(?P<output>.+)>(?:\s*\+\s*[\w']+)*$", scene.of(returned), re.DOTALL
    )
    if output is not None:
        yield Proposal((scene.replace(returned, output["output"]),), {"output": output["output"]})


def shared_across_threads(scene: Scene) -> Iterator[Proposal]:
    """`Arc` for every `Rc` of the file, where the file names no `Arc` and one `Rc` must cross threads."""
    if not re.search(r"`(?:std::rc::)?Rc<", scene.said) or not re.search(
        r"cannot be sent between threads|is not `Send`", scene.said
    ):
        return
    if b"Arc" in scene.text or re.search(rb"\brc::\{|\brc::Weak\b|\bRefCell\b", scene.text):
        return
    edits = []
    for leaf in leaves(scene.root):
        if scene.of(leaf) == "Rc":
            edits.append(scene.replace(leaf, "Arc"))
        elif scene.of(leaf) == "rc" and scene.code(leaf.end_byte, leaf.end_byte + 2) == "::":
            edits.append(scene.replace(leaf, "sync"))
    if edits:
        yield Proposal(tuple(edits))
