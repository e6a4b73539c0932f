"""Patterns that Rust cannot match with, and jumps that cannot take the way they are written."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.syntax import LOOP_KINDS, ancestors, code_children
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.attributes import nodes_of_kind
from sleepy_agent.fixes.templates.scene import Proposal, Scene

FRESH_NAMES = ("value", "found", "other", "matched")
LABELS = ("outer", "search", "turns", "rounds")


def fresh_name(scene: Scene, node: Node, wanted: tuple[str, ...] = FRESH_NAMES) -> str | None:
    """A name that does not stand anywhere in a node."""
    text = scene.of(node)
    return next((name for name in wanted if not re.search(rf"\b{name}\b", text)), None)


def constant_in_guard(scene: Scene) -> Iterator[Proposal]:
    """What is only known later, or made by a call, is no pattern: it is compared in the arm's guard."""
    pattern = next(
        (one for one in ancestors(scene.node) if one.parent is not None and one.end_byte == scene.span.byte_end), None
    )
    for around in ancestors(pattern):
        if around.start_byte != scene.span.byte_start or around.end_byte != scene.span.byte_end:
            break
        pattern = around
    arm_pattern = scene.around("match_pattern")
    arm = scene.around("match_arm")
    body = arm.child_by_field_name("value") if arm is not None else None
    if pattern is None or arm_pattern is None or arm is None or body is None:
        return
    parts = code_children(arm_pattern)
    guard = arm_pattern.child_by_field_name("condition")
    whole = parts[0]
    parent = pattern.parent
    if parent is not None and parent.type == "range_pattern":
        pattern = parent
    name = fresh_name(scene, arm)
    if name is None:
        return
    if whole.start_byte == pattern.start_byte and whole.end_byte == pattern.end_byte:
        pieces = [whole]
    elif whole.type == "or_pattern":
        pieces = alternatives(whole)
        # Beside alternatives that bind names, or literals of other forms, the pattern says more than a comparison.
        if not all(re.fullmatch(r"-?\w+|(\w+::)+\w+(\([^()]*\))?|'.'|\"[^\"]*\"", scene.of(piece)) for piece in pieces):
            return
        if any(re.fullmatch(r"[a-z_]\w*", scene.of(piece)) for piece in pieces):
            return
    elif any(one.type == "or_pattern" for one in ancestors(pattern) if one.start_byte >= arm_pattern.start_byte):
        return
    else:
        pieces, whole = [pattern], pattern
    tests = " || ".join(
        f"({scene.of(piece)}).contains(&{name})" if piece.type == "range_pattern" else f"{name} == {scene.of(piece)}"
        for piece in pieces
    )
    edits = [scene.replace(whole, name)]
    if guard is None:
        edits.append(scene.insert(arm_pattern.end_byte, f" if {tests}"))
    else:
        both = f"({tests})" if len(pieces) > 1 else tests
        edits.append(scene.insert(guard.start_byte, f"{both} && "))
    yield Proposal(tuple(edits), {"constant": scene.of(pattern)})


def alternatives(pattern: Node) -> list[Node]:
    """The members of `a | b | c`."""
    found: list[Node] = []
    for child in code_children(pattern):
        found += alternatives(child) if child.type == "or_pattern" else [child]
    return found


def pattern_of_the_length(scene: Scene) -> Iterator[Proposal]:
    """A pattern with more elements than the array has: what is not used behind it was not meant to be there."""
    pattern = scene.around("slice_pattern")
    count = re.search(r"array has (\d+)", scene.problem.message)
    if pattern is None or count is None:
        return
    members = code_children(pattern)
    rest = [member for member in members if member.type == "remaining_field_pattern" or ".." in scene.of(member)]
    singles = [member for member in members if member not in rest]
    extra = len(singles) - int(count[1])
    scope = scene.around({"match_arm"}) or scene.function()
    if (
        extra <= 0
        or scope is None
        or len(rest) > 1
        or singles[-extra:] != [m for m in members if m not in rest][-extra:]
    ):
        return
    gone = [*singles[-extra:], *rest]
    behind = scene.code(pattern.end_byte, scope.end_byte)
    names = [
        word for member in gone for word in re.findall(r"\b[a-z]\w*\b", scene.of(member)) if word not in {"ref", "mut"}
    ]
    if any(re.search(rf"\b{name}\b", behind) for name in names):
        return
    kept = [member for member in members if member not in gone]
    if kept and all(member.start_byte < gone[0].start_byte for member in kept):
        end = max(member.end_byte for member in gone)
        yield Proposal((scene.delete(kept[-1].end_byte, end),), {"count": count[1]})


def slice_of_any_length(scene: Scene) -> Iterator[Proposal]:
    """An array whose length is a parameter is matched as a slice."""
    match = scene.around("match_expression")
    value = match.child_by_field_name("value") if match is not None else None
    pattern = scene.around("slice_pattern")
    if value is None or pattern is None or value.end_byte > scene.span.byte_start:
        return
    found = re.fullmatch(r"((?:&(?:mut )?)?|\*)(\w+(?:\.\w+)*)", scene.of(value))
    if found is not None:
        text = f"{found[1].removeprefix('*')}{found[2]}[..]"
        yield Proposal((scene.replace(value, text),), {"value": found[2]})
        if not text.startswith("&"):
            # Behind a reference the elements are references, too.
            yield Proposal((scene.replace(value, f"&{text}"),), {"value": found[2]}, 0.02)


def loop_without_condition(scene: Scene) -> Iterator[Proposal]:
    """`while true` is a `loop`, and a `loop` can give a value."""
    around = next((one for one in ancestors(scene.node) if one.type in LOOP_KINDS), None)
    condition = around.child_by_field_name("condition") if around is not None else None
    if around is not None and condition is not None and scene.of(condition) == "true":
        keyword = next((child for child in around.children if child.type == "while"), None)
        if keyword is not None:
            yield Proposal((scene.replace_bytes(keyword.start_byte, condition.end_byte, "loop"),))


# What a search gives that ended without finding anything.
WITHOUT_FINDING = (
    (re.compile(r"Some\b.*", re.DOTALL), "None"),
    (re.compile("true"), "false"),
    (re.compile("false"), "true"),
)


def block_around_the_search(scene: Scene) -> Iterator[Proposal]:
    """A `for` or `while` that leaves with a value is put in a block with a label, which gives what was found."""
    jump = scene.around("break_expression")
    loop = next((one for one in ancestors(jump) if one.type in LOOP_KINDS), None)
    body = loop.child_by_field_name("body") if loop is not None else None
    if jump is None or loop is None or body is None or loop.type == "loop_expression":
        return
    jumps = [
        one
        for one in nodes_of_kind(body, "break_expression")
        if next((around for around in ancestors(one) if around.type in LOOP_KINDS), None) == loop
    ]
    values = [[child for child in code_children(one) if child.type != "label"] for one in jumps]
    if any(
        len(value) != 1 or any(child.type == "label" for child in one.children)
        for one, value in zip(jumps, values, strict=True)
    ):
        return
    texts = [scene.of(value[0]) for value in values]
    otherwise = next((end for pattern, end in WITHOUT_FINDING if all(pattern.fullmatch(text) for text in texts)), None)
    parent = loop.parent
    label = fresh_name(scene, scene.function() or loop, ("search", "found", "first"))
    if otherwise is None or parent is None or label is None or scene.of(loop).startswith("'"):
        return
    if parent.type not in {"let_declaration", "assignment_expression", "return_expression"}:
        return
    indentation = scene.indentation(loop.start_byte)
    edits = [scene.insert(loop.start_byte, f"'{label}: {{\n{indentation}    ")]
    position = scene.text.find(b"\n", loop.start_byte, loop.end_byte)
    while position >= 0:
        if scene.text[position + 1 : position + 2] not in {b"\n", b"\r"}:
            edits.append(scene.insert(position + 1, "    "))
        position = scene.text.find(b"\n", position + 1, loop.end_byte)
    edits += [scene.insert(value[0].start_byte, f"'{label} ") for value in values]
    edits.append(scene.insert(loop.end_byte, f"\n{indentation}    {otherwise}\n{indentation}}}"))
    yield Proposal(tuple(edits), {"otherwise": otherwise})


def label_in_the_condition(scene: Scene) -> Iterator[Proposal]:
    """A jump in the condition of a loop says which loop it means: that one, or the one around it."""
    jump = scene.around({"break_expression", "continue_expression"})
    loops = [one for one in ancestors(jump) if one.type in LOOP_KINDS]
    if jump is None or not loops:
        return
    keyword = jump.children[0]
    for loop in loops[:2]:
        label = next((child for child in loop.children if child.type == "label"), None)
        if label is not None:
            edits = [scene.insert(keyword.end_byte, f" {scene.of(label)}")]
            name = scene.of(label)
        else:
            fresh = fresh_name(scene, scene.function() or loops[-1], LABELS)
            if fresh is None:
                return
            name = f"'{fresh}"
            edits = [scene.insert(loop.start_byte, f"{name}: "), scene.insert(keyword.end_byte, f" {name}")]
        yield Proposal(tuple(edits), {"label": name}, 0.0 if loop == loops[0] else 0.05)


def loop_for_each(scene: Scene) -> Iterator[Proposal]:
    """`for_each` with a jump in its closure: a loop can be left, a closure cannot."""
    closure = scene.around("closure_expression")
    if closure is not None and not nodes_of_kind(closure, "return_expression"):
        edits = loop_edits(scene, closure)
        if edits:
            yield Proposal(edits)


def loop_for_return(scene: Scene) -> Iterator[Proposal]:
    """`for_each` whose closure returns a value: out of a loop it returns from the function."""
    closure = scene.around("closure_expression")
    returned = scene.around("return_expression")
    if closure is None or returned is None or returned.start_byte < closure.start_byte:
        return
    if all(code_children(one) for one in nodes_of_kind(closure, "return_expression")):
        edits = loop_edits(scene, closure)
        if edits:
            yield Proposal(edits)


def loop_edits(scene: Scene, closure: Node) -> tuple[Edit, ...]:
    """What makes a `for` loop of a statement `x.for_each(closure);`."""
    call = closure.parent.parent if closure.parent is not None else None
    field = call.child_by_field_name("function") if call is not None and call.type == "call_expression" else None
    name = field.child_by_field_name("field") if field is not None and field.type == "field_expression" else None
    iterated = field.child_by_field_name("value") if field is not None else None
    statement = call.parent if call is not None else None
    if call is None or name is None or iterated is None or scene.of(name) != "for_each":
        return ()
    if statement is None or statement.type not in {"expression_statement", "block"}:
        return ()
    parameters, body = closure.child_by_field_name("parameters"), closure.child_by_field_name("body")
    patterns = code_children(parameters) if parameters is not None else []
    if body is None or body.type != "block" or len(patterns) != 1 or ":" in scene.of(patterns[0]):
        return ()
    end = statement.end_byte if statement.type == "expression_statement" else call.end_byte
    return (
        scene.insert(call.start_byte, f"for {scene.of(patterns[0])} in "),
        scene.replace_bytes(iterated.end_byte, body.start_byte, " "),
        scene.delete(body.end_byte, end),
    )


def match_on_a_copy(scene: Scene) -> Iterator[Proposal]:
    """A guard that changes what is matched: a copy is matched."""
    matched = scene.labelled("is immutable in match guard")
    if matched is None or matched.file != scene.file or matched.from_macro:
        return
    value = scene.node_of(matched)
    if value.type in {"identifier", "field_expression"} and value.end_byte == matched.byte_end:
        yield Proposal((scene.replace(value, f"{{ {scene.of(value)} }}"),), {"value": scene.of(value)})


# More fields than these are told apart by their names.
MOST_FIELDS_BY_PLACE = 4


def fields_at_other_places(scene: Scene) -> Iterator[Proposal]:
    """A pattern with fewer fields than its variant: the names may stand for others than the first ones."""
    pattern = scene.around("tuple_struct_pattern")
    said = re.search(r"has (\d+) fields?, but .* has (\d+) fields", scene.problem.message)
    if pattern is None or said is None or scene.span.from_macro is not None:
        return
    given, wanted = int(said[1]), int(said[2])
    fields = [child for child in code_children(pattern) if child != pattern.child_by_field_name("type")]
    if not 0 < given < wanted <= MOST_FIELDS_BY_PLACE or len(fields) != given:
        return
    if all(scene.of(field) == "_" for field in fields):
        return
    for places in itertools.combinations(range(wanted), given):
        if places == tuple(range(given)):
            # That is what rustc proposes.
            continue
        words = ["_"] * wanted
        for place, field in zip(places, fields, strict=True):
            words[place] = scene.of(field)
        text = ", ".join(words)
        yield Proposal((scene.replace_bytes(fields[0].start_byte, fields[-1].end_byte, text),), {"fields": text})
