"""Patterns that do not cover everything: arms that follow from the other arms, `else` for a refutable `let`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tree_sitter import Node

from sleepy_agent.code.items import ItemKind, Variant
from sleepy_agent.code.syntax import LOOP_KINDS, ancestors, code_children
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.scene import Proposal, Scene

MOST_VARIANTS = 12
MOST_SPELLINGS = 3


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm of a match: the path in front of the variant, the variant, what follows it in the pattern, the body."""

    node: Node
    prefix: str
    variant: str
    rest: str
    body: str


# ---- missing arms ---------------------------------------------------------------------------------------------


def passing_arm(scene: Scene) -> Iterator[Proposal]:
    """`None => None` and `Err(e) => Err(e)` beside an arm that keeps the form."""
    found = match_with_arms(scene)
    missing = missing_patterns(scene)
    if found is None or len(missing) != 1 or len(found[1]) != 1:
        return
    block, arms = found
    arm = arms[0]
    body = arm.body.strip("{} \n")
    if missing == ["None"] and arm.variant == "Some" and re.match(r"(?:Some\(|None\b)", body):
        yield added_arms(scene, block, ["None => None"])
    if missing == ["Err(_)"] and arm.variant == "Ok" and re.match(r"(?:Ok\(|Err\()", body):
        name = "error" if re.search(r"\be\b", body) else "e"
        yield added_arms(scene, block, [f"Err({name}) => Err({name})"])


def arm_like_the_others(scene: Scene) -> Iterator[Proposal]:
    """An arm for each missing variant, where the bodies of all others say the same of their own variants."""
    found = match_with_arms(scene)
    missing = missing_patterns(scene)
    if found is None or not missing or len(missing) > MOST_VARIANTS:
        return
    block, arms = found
    if len(arms) < 2 or len(code_children(block)) != len(arms):
        return
    if len({arm.prefix for arm in arms}) != 1 or len({arm.rest for arm in arms}) != 1:
        return
    names = [variant_in(pattern) for pattern in missing]
    variants = {variant.name: variant for variant in variants_matched(scene)}
    prefix, rest = arms[0].prefix, arms[0].rest
    if any(name not in variants or variants[name].shape != shape_of(rest) for name in (*names, arms[0].variant)):
        return
    seen: list[list[str]] = []
    for spelling, form in common_forms(arms):
        lines = [f"{prefix}{name}{rest} => {filled(form, spelling, name)}" for name in names]
        if ("\0" in form or "\1" in form or rest) and lines not in seen:
            seen.append(lines)
    for lines in seen[:MOST_SPELLINGS]:
        question = "how the name is written" if len(seen) > 1 else None
        yield replace(added_arms(scene, block, lines, list(variants)), question=question)


def common_forms(arms: Sequence[Arm]) -> list[tuple[str, str]]:
    """Ways to write a variant's name with which the bodies of all arms say the same, and what they say then: `\\0`
    stands for the name so written, `\\1` for the name itself."""
    found = [{(way, form_of(arm, way)) for way in SPELLINGS} for arm in arms]
    return sorted(set.intersection(*found), key=lambda pair: list(SPELLINGS).index(pair[0]))


def form_of(arm: Arm, way: str) -> str:
    text = re.sub(rf"(?<![A-Za-z0-9_]){arm.variant}(?![A-Za-z0-9_])", "\1", arm.body)
    return re.sub(rf"(?<![A-Za-z0-9_]){re.escape(spelled(arm.variant, way))}(?![A-Za-z0-9_])", "\0", text)


def filled(form: str, way: str, name: str) -> str:
    return form.replace("\0", spelled(name, way)).replace("\1", name)


# How the words of a name are joined, and in which case.
SPELLINGS = {"snake": "_", "upper": "_", "kebab": "-", "blank": " ", "title": " ", "joined": ""}


def spelled(name: str, way: str) -> str:
    """A name in PascalCase as others write it."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)
    text = SPELLINGS[way].join(words)
    return text if way == "title" else text.upper() if way == "upper" else text.lower()


def arm_that_does_nothing(scene: Scene) -> Iterator[Proposal]:
    """An empty arm beside another empty one."""
    found = match_with_arms(scene)
    missing = missing_patterns(scene)
    if found is None or not missing or len(missing) > 3:
        return
    block, arms = found
    empty = [arm for arm in arms if re.sub(r"\s", "", arm.body) in {"{}", "()"}]
    if not empty:
        return
    prefix = empty[0].prefix.lstrip("&")
    lines = []
    for pattern in missing:
        inner = re.fullmatch(r"&*(?:\w+::)*(\w+)(.*)", pattern, re.DOTALL)
        if inner is None:
            return
        rest = re.sub(r"\(.*\)", "(..)", inner[2])
        lines.append(f"{prefix}{inner[1]}{rest} => {empty[0].body}")
    yield added_arms(scene, block, lines, [variant.name for variant in variants_matched(scene)])


def match_with_arms(scene: Scene) -> tuple[Node, list[Arm]] | None:
    """The block of the match that lacks something, and its arms with a variant as pattern and no guard."""
    around = scene.around("match_expression")
    block = around.child_by_field_name("body") if around is not None else None
    value = around.child_by_field_name("value") if around is not None else None
    if block is None or value is None or scene.span.from_macro is not None:
        return None
    if not value.start_byte <= scene.span.byte_start <= value.end_byte:
        return None
    arms = [arm for child in code_children(block) if (arm := read_arm(scene, child)) is not None]
    return block, arms


def read_arm(scene: Scene, node: Node) -> Arm | None:
    pattern, body = node.child_by_field_name("pattern"), node.child_by_field_name("value")
    if pattern is None or body is None:
        return None
    found = re.fullmatch(r"((?:&|\w+::)*)([A-Z]\w*)(\s*[({].*)?", scene.of(pattern), re.DOTALL)
    return Arm(node, found[1], found[2], found[3] or "", scene.of(body)) if found is not None else None


def missing_patterns(scene: Scene) -> list[str]:
    """The patterns that the message says are not covered; none where it does not name them all."""
    message = scene.problem.message
    if "more not covered" in message or "not covered" not in message:
        return []
    return re.findall(r"`([^`]+)`", message.partition("patterns:")[2] or message)


def variant_in(pattern: str) -> str:
    found = re.match(r"(?:&|\w+::)*([A-Z]\w*)", pattern)
    return found[1] if found is not None else ""


def variants_matched(scene: Scene) -> tuple[Variant, ...]:
    """The variants of the enum that the match is about."""
    said = re.search(r"the matched value is of type `&*(?:mut )?(?:\w+::)*(\w+)", scene.said)
    return scene.index.variants_of(said[1]) if said is not None else ()


def shape_of(rest: str) -> str:
    stripped = rest.strip()
    return "tuple" if stripped.startswith("(") else "struct" if stripped else "unit"


def added_arms(scene: Scene, block: Node, arms: Sequence[str], order: Sequence[str] = ()) -> Proposal:
    """Arms laid out as the others are: behind the arm of the variant declared before, else behind the last one."""
    children = code_children(block)
    last = children[-1]
    read = [read_arm(scene, child) for child in children]
    present = [arm.variant if arm is not None else "" for arm in read]
    wanted = re.match(r"(?:&|\w+::)*(\w+)", arms[0])
    if len(arms) == 1 and wanted is not None and wanted[1] in order:
        earlier = [name for name in order[: order.index(wanted[1])] if name in present]
        last = children[present.index(earlier[-1])] if earlier else last
    is_long = b"\n" in scene.text[block.start_byte : block.end_byte]
    blank = f"\n{scene.indentation(last.start_byte)}" if is_long else " "
    text = scene.of(last).rstrip()
    comma = "" if text.endswith(",") or (text.endswith("}") and is_long) else ","
    end = last.start_byte + len(text.encode())
    added = "".join(f"{blank}{arm}," for arm in arms) if is_long else "".join(f" {arm}," for arm in arms)
    if not is_long and last == children[-1]:
        added = added.removesuffix(",")
    return Proposal((scene.insert(end, comma + added),), {"arms": ", ".join(arms)})


# ---- refutable let --------------------------------------------------------------------------------------------


def way_out(scene: Scene) -> Iterator[Proposal]:
    """Leave the function or the turn of the loop where a `let` does not fit."""
    declaration = scene.around("let_declaration")
    pattern = declaration.child_by_field_name("pattern") if declaration is not None else None
    value = declaration.child_by_field_name("value") if declaration is not None else None
    function = scene.around({"function_item", "closure_expression", "async_block"})
    if declaration is None or pattern is None or value is None or function is None or scene.span.from_macro is not None:
        return
    if declaration.child_by_field_name("alternative") is not None or function.type == "async_block":
        return
    returned = function.child_by_field_name("return_type")
    returns = scene.of(returned) if returned is not None else ""
    inner = re.fullmatch(r"(Some|Ok)\((\w+|mut \w+|\(.*\))\)", scene.of(pattern))
    loop = scene.around(LOOP_KINDS | {"function_item", "closure_expression"}, declaration)
    is_in_loop = loop is not None and loop.type in LOOP_KINDS
    ways: list[tuple[str, float]] = []
    if re.match(r"(\w+::)*Option\b", returns) and inner is not None and inner[1] == "Some":
        ways.append(("return None", 0.0))
    elif not returns and function.type == "function_item":
        ways.append(("return", 0.1))
    if is_in_loop:
        ways.append(("continue", 0.1))
    for way, extra in ways:
        yield Proposal((scene.insert(value.end_byte, f" else {{ {way} }}"),), {"way": way}, extra)
    kept = {"Some": "Option", "Ok": "Result"}
    if inner is not None and re.match(rf"(\w+::)*{kept[inner[1]]}\b", returns) and ways[:1] != [("return None", 0.0)]:
        edits = (scene.replace(pattern, inner[2]), scene.insert(value.end_byte, "?"))
        yield Proposal(edits, {"way": "hand the error on with `?`"})


# ---- slices and constants in patterns -------------------------------------------------------------------------


def rest_of_slice(scene: Scene) -> Iterator[Proposal]:
    """`..` behind the last element of a pattern that is shorter than its array, or before the first: all elements have
    one type, so that only whoever wrote the names knows which they stand for."""
    pattern = scene.around("slice_pattern")
    said = re.search(r"requires (\d+) elements? but array has (\d+)", scene.problem.message)
    if pattern is None or said is None or scene.span.from_macro is not None or int(said[1]) >= int(said[2]):
        return
    elements = code_children(pattern)
    if not elements or any(child.type == "remaining_field_pattern" for child in elements):
        return
    yield Proposal((scene.insert(elements[-1].end_byte, ", .."),), {"where": "behind"})
    if any(scene.of(element) != "_" for element in elements):
        yield Proposal((scene.insert(elements[0].start_byte, ".., "),), {"where": "before"}, 0.01)


def matched_as_slice(scene: Scene) -> Iterator[Proposal]:
    """Match what a vector lends, where the arms take references to its elements."""
    around = scene.around({"match_expression", "if_expression", "let_condition", "let_declaration"})
    value = around.child_by_field_name("value") if around is not None else None
    if around is not None and around.type == "if_expression":
        condition = around.child_by_field_name("condition")
        value = condition.child_by_field_name("value") if condition is not None else None
    if value is None or scene.span.from_macro is not None or value.type not in {"identifier", "field_expression"}:
        return
    if re.search(r"found `(&|mut |\w+::)*(Vec<|VecDeque<)", scene.problem.message):
        yield Proposal((scene.insert(value.end_byte, ".as_slice()"),))


def constant_for_static(scene: Scene) -> Iterator[Proposal]:
    """A static that a pattern names: a pattern can only name constants."""
    name = scene.code(scene.span.byte_start, scene.span.byte_end)
    found = scene.index.items_named(name, (ItemKind.STATIC,))
    if len(found) != 1 or not scene.context.is_editable(found[0].file) or scene.span.from_macro is not None:
        return
    block = scene.around("match_block")
    if block is not None and not re.search(r"\b(_|[a-z]\w*)\s*=>", scene.of(block)):
        # Without an arm for everything else a constant in the pattern would only bring the next error.
        return
    item = found[0]
    head = scene.context.read(item.file)[item.byte_start : item.name_start]
    place = head.find(b"static")
    if place >= 0 and b"mut" not in head:
        start = item.byte_start + place
        yield Proposal((Edit(item.file, start, start + len("static"), "const"),), {"name": name})


# ---- fields of patterns ---------------------------------------------------------------------------------------


def field_bound_by_reference(scene: Scene) -> Iterator[Proposal]:
    """A missing field beside fields that are bound with `ref`."""
    pattern = scene.around("struct_pattern")
    names = re.findall(r"`(\w+)`", scene.problem.message.partition("field")[2])
    if pattern is None or not names or scene.span.from_macro is not None:
        return
    fields = [child for child in code_children(pattern) if child.type == "field_pattern"]
    if fields and all(scene.of(field).startswith("ref ") for field in fields):
        text = "".join(f", ref {name}" for name in names)
        yield Proposal((scene.insert(fields[-1].end_byte, text),), {"names": ", ".join(names)})


def field_of_pattern(scene: Scene) -> Iterator[Proposal]:
    """A name that nobody declares is a field that the pattern around leaves out with `..`."""
    name = scene.code(scene.span.byte_start, scene.span.byte_end)
    if scene.span.from_macro is not None or not re.fullmatch(r"[a-z_]\w*", name):
        return
    for around in ancestors(scene.node):
        for pattern in patterns_of(around, scene.span.byte_start):
            rest = next((child for child in pattern.children if child.type == "remaining_field_pattern"), None)
            kind = pattern.child_by_field_name("type")
            if rest is None or kind is None:
                continue
            path = scene.of(kind).split("<")[0].split("::")
            variants = scene.index.variants_of(path[-2]) if len(path) > 1 else ()
            fields = next((one.fields for one in variants if one.name == path[-1]), scene.index.fields_of(path[-1]))
            if any(field.name == name for field in fields):
                yield Proposal((scene.insert(rest.start_byte, f"{name}, "),), {"name": name})
                return
        if around.type == "function_item":
            return


def patterns_of(around: Node, position: int) -> Iterator[Node]:
    """The struct patterns that bind names for what stands behind them in a node."""
    holders: list[Node] = []
    if around.type in {"match_arm", "if_expression", "while_expression", "for_expression", "closure_expression"}:
        holders = [child for child in around.children if child.end_byte <= position and child.type != "block"]
    elif around.type == "block":
        holders = [child for child in around.children if child.type == "let_declaration" and child.end_byte <= position]
    waiting = list(reversed(holders))
    while waiting:
        node = waiting.pop()
        if node.type == "struct_pattern":
            yield node
        if node.type not in {"block", "arguments"}:
            waiting += node.children
