"""Borrows that reach too far: a field instead of the whole value, one look-up instead of two, two places at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tree_sitter import Node

from sleepy_agent.code.item_records import Item
from sleepy_agent.code.syntax import ancestors, leaves, node_at, parse_rust
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.borrows_order import first_borrow
from sleepy_agent.fixes.templates.borrows_shared import (
    arguments_of,
    common_block,
    exact_node,
    is_statement,
    method_name,
    names_in,
    own_spans,
    receiver_of,
    statement_in,
    statements_of,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

PLACES = frozenset({"identifier", "self", "field_expression"})


# ---- a field instead of the whole value -------------------------------------------------------------------------


def go_through_field(scene: Scene) -> Iterator[Proposal]:
    """A short method of the same type, written out, so that only the field it uses is borrowed."""
    borrowed, primary = first_borrow(scene), exact_node(scene, scene.problem.span)
    seen = set()
    for node in (scene.node_of(borrowed) if borrowed is not None else None, primary):
        call = method_call_at(node) if node is not None else None
        if call is None or call.id in seen:
            continue
        seen.add(call.id)
        code = written_out(scene, call)
        if code is not None:
            yield Proposal((scene.replace(call, code),), {"call": scene.of(call), "code": code}, 0.02 * (len(seen) - 1))


def method_call_at(node: Node) -> Node | None:
    """The call of a method on `self` (or another plain variable) that a span names, whole or by its receiver."""
    if node.type == "call_expression" and receiver_of(node) is not None:
        call: Node | None = node
    else:
        field = node.parent
        is_receiver = field is not None and field.type == "field_expression" and field.named_children[0] == node
        call = field.parent if is_receiver and field is not None else None
    receiver = receiver_of(call)
    if call is None or call.type != "call_expression" or receiver is None or receiver.type not in PLACES:
        return None
    return call


def written_out(scene: Scene, call: Node) -> str | None:
    """The body of the method that a call calls, with the call's values in the place of its parameters."""
    name, receiver = method_name(scene, call), receiver_of(call)
    own = [item for item in scene.index.functions_named(name or "") if item.self_parameter is not None]
    if len(own) != 1 or receiver is None or own[0].body_start is None or own[0].body_end is None:
        return None
    item = own[0]
    given = arguments_of(call)
    if len(given) != len(item.parameters) or item.self_parameter not in {"&self", "&mut self"} or item.is_async:
        return None
    text = scene.context.read(item.file)
    body = node_at(parse_rust(text), own[0].body_start, own[0].body_end)
    parts = [child for child in body.named_children if "comment" not in child.type] if body.type == "block" else []
    if len(parts) != 1 or parts[0].type in {"let_declaration", "macro_invocation"}:
        return None
    value = (
        parts[0].named_children[0] if parts[0].type == "expression_statement" and parts[0].named_children else parts[0]
    )
    if (parts[0] != value) != (call.parent is not None and call.parent.type == "expression_statement"):
        return None
    values = {parameter.name: scene.of(one) for parameter, one in zip(item.parameters, given, strict=True)}
    values["self"] = scene.of(receiver)
    code = replaced_names(value, text, values, is_repeatable(given))
    if code is None or not is_visible_here(scene, item):
        return None
    return as_it_stands(call, code)


def is_repeatable(given: list[Node]) -> bool:
    return all(one.type in {"identifier", "integer_literal", "string_literal", "self"} for one in given)


def replaced_names(value: Node, text: bytes, values: Mapping[str, str], repeatable: bool) -> str | None:
    """A body's code with other code in the place of its names; None where it has names of its own."""
    pieces, position, counted = [], value.start_byte, dict.fromkeys(values, 0)
    for leaf in leaves(value):
        if leaf.type not in {"identifier", "self", "shorthand_field_identifier"}:
            continue
        name = text[leaf.start_byte : leaf.end_byte].decode(errors="replace")
        if leaf.type == "shorthand_field_identifier":
            return None
        if name not in values:
            if name[:1].islower() and not (
                leaf.parent is not None and leaf.parent.type in {"scoped_identifier", "macro_invocation"}
            ):
                return None
            continue
        counted[name] += 1
        pieces += [text[position : leaf.start_byte].decode(errors="replace"), values[name]]
        position = leaf.end_byte
    pieces.append(text[position : value.end_byte].decode(errors="replace"))
    code = "".join(pieces)
    is_odd = any(count != 1 for name, count in counted.items() if name != "self") and not repeatable
    return None if is_odd or "return" in code or "?" in code or len(code) > 120 or counted.get("self", 0) != 1 else code


def is_visible_here(scene: Scene, item: Item) -> bool:
    """Whether the code at hand may name the fields the method names: it stands in the same module or below."""
    module = scene.index.module_of(scene.file, scene.span.byte_start)
    return item.file == scene.file or module[: len(item.module)] == item.module


def as_it_stands(call: Node, code: str) -> str:
    """The code as it may stand where the call stood: no `&` where a field or method of it follows."""
    parent = call.parent
    is_base = parent is not None and parent.type == "field_expression"
    borrow = re.match(r"&\s*(mut\s+)?", code)
    if is_base and borrow:
        return code[borrow.end() :]
    if is_base and not re.fullmatch(r"[\w.\[\]()]+", code):
        return f"({code})"
    return code


# ---- one look-up instead of two ---------------------------------------------------------------------------------


def enter_or_insert(scene: Scene) -> Iterator[Proposal]:
    """The entry of a map for a look-up that inserts where nothing was found."""
    for found in looked_up(scene):
        look, middle, tail, whole, end = found
        name = method_name(scene, look)
        if name not in {"get", "get_mut"} or len(middle) != 1:
            continue
        owner = receiver_of(look)
        insertion = middle[0].named_children[0] if middle[0].type == "expression_statement" else middle[0]
        is_of_it = (
            owner is not None
            and receiver_of(insertion) is not None
            and scene.of(owner) == scene.of(receiver_of(insertion) or insertion)
        )
        given = arguments_of(insertion) if method_name(scene, insertion) == "insert" and is_of_it else []
        if len(given) != 2 or owner is None or not names_place(scene, tail, scene.of(owner)):
            continue
        maker = re.fullmatch(r"([\w:<>]+)\(\)", scene.of(given[1]))
        function = maker[1] if maker else f"|| {scene.of(given[1])}"
        if re.search(r"\?|\breturn\b|\.await\b", scene.of(given[1])):
            continue
        code = f"{scene.of(owner)}.entry({scene.of(given[0])}).or_insert_with({function})"
        yield Proposal((replaced_range(scene, whole, end or whole, code),), {"owner": scene.of(owner)})


def replaced_range(scene: Scene, first: Node, last: Node, code: str) -> Edit:
    """Put code in the place of everything from one node to another."""
    return Edit(scene.file, first.start_byte, last.end_byte, code)


def names_place(scene: Scene, tail: Node, owner: str) -> bool:
    """Whether the last look-up is one of the same map."""
    return re.match(rf"(&(mut )?)?{re.escape(owner)}\s*(\[|\.\s*(get|get_mut)\()", scene.of(tail)) is not None


def looked_up(scene: Scene) -> Iterator[tuple[Node, list[Node], Node, Node, Node | None]]:
    """A look-up whose result is returned, what is done where nothing was found, and the second look-up.

    The first node to replace, and the last one where it is not the same.
    """
    for span in own_spans(scene, r"borrow occurs here$"):
        look = next((one for one in ancestors(scene.node_of(span)) if one.type == "call_expression"), None)
        holder = next(
            (one for one in ancestors(look) if one.type in {"if_expression", "match_expression", "block"}), None
        )
        if look is None or holder is None or holder.type == "block":
            continue
        if holder.type == "match_expression":
            yield from looked_up_by_match(scene, look, holder)
        else:
            yield from looked_up_by_if(scene, look, holder)


def looked_up_by_match(
    scene: Scene, look: Node, match: Node
) -> Iterator[tuple[Node, list[Node], Node, Node, Node | None]]:
    body = match.child_by_field_name("body")
    arms = [one for one in body.named_children if one.type == "match_arm"] if body is not None else []
    if match.child_by_field_name("value") != look or len(arms) != 2:
        return
    found = next(
        (arm for arm in arms if re.match(r"Some\((\w+)\)\s*=>\s*(return\s+)?\1\b\s*[,;}]?", scene.of(arm))), None
    )
    missing = next((arm for arm in arms if re.match(r"(None|_)\s*=>\s*\{", scene.of(arm))), None)
    block = missing.child_by_field_name("value") if missing is not None else None
    if found is None or block is None or block.type != "block":
        return
    parts = statements_of(block)
    if len(parts) >= 2 and not is_statement(parts[-1]):
        yield look, parts[:-1], parts[-1], match, None


def looked_up_by_if(
    scene: Scene, look: Node, branch: Node
) -> Iterator[tuple[Node, list[Node], Node, Node, Node | None]]:
    condition, body = branch.child_by_field_name("condition"), branch.child_by_field_name("consequence")
    if (
        condition is None
        or condition.type != "let_condition"
        or condition.child_by_field_name("value") != look
        or body is None
    ):
        return
    pattern = re.fullmatch(r"Some\((\w+)\)", scene.of(condition.child_by_field_name("pattern") or condition))
    if pattern is None or re.fullmatch(rf"\{{\s*return\s+(Some\()?{pattern[1]}\)?;?\s*\}}", scene.of(body)) is None:
        return
    statement = branch.parent if branch.parent is not None and branch.parent.type == "expression_statement" else branch
    block = statement.parent
    if block is None or block.type != "block" or branch.child_by_field_name("alternative") is not None:
        return
    parts = statements_of(block)
    after = parts[parts.index(statement) + 1 :]
    if len(after) >= 2 and not is_statement(after[-1]):
        yield look, after[:-1], after[-1], statement, after[-1]


def ask_before(scene: Scene) -> Iterator[Proposal]:
    """Ask whether something is there before it is borrowed, for a borrow that is returned only where it is."""
    for look, middle, tail, whole, end in looked_up(scene):
        indentation = scene.indentation(whole.start_byte)
        between = scene.code(middle[0].start_byte, middle[-1].end_byte)
        if end is not None:
            between = between.replace("\n", "\n    ")
        else:
            indented = scene.indentation(middle[0].start_byte)
            between = between.replace("\n" + indented, "\n" + indentation + "    ")
        asked = f"if {scene.of(look)}.is_none() {{\n{indentation}    {between}\n{indentation}}}"
        code = f"{asked}\n{indentation}{scene.of(tail)}"
        edits = (replaced_range(scene, whole, end or whole, code),)
        yield Proposal(edits, {"look": scene.of(look)})
        return


# ---- two places at once -----------------------------------------------------------------------------------------


def two_elements(scene: Scene) -> Iterator[Proposal]:
    """Two elements of one slice, borrowed at once."""
    lets = [
        let for span in own_spans(scene, r"borrow occurs here$") if (let := let_of_element(scene, scene.node_of(span)))
    ]
    lets.sort(key=lambda one: one[0].start_byte)
    if len(lets) != 2:
        return
    (first, one, owner, index), (second, other, other_owner, other_index) = lets
    block = common_block(first, second)
    if (
        owner != other_owner
        or block is None
        or statement_in(block, first) != first
        or statement_in(block, second) != second
    ):
        return
    parts = statements_of(block)
    if parts.index(second) != parts.index(first) + 1 or one in names_in(scene, second):
        return
    if index.isdigit() and other_index.isdigit() and index != other_index:
        low, high = sorted((int(index), int(other_index)))
        left, right = free_names(scene, first)
        places = {str(low): f"&mut {left}[{low}]", str(high): f"&mut {right}[0]"}
        code = (
            f"let ({left}, {right}) = {owner}.split_at_mut({high});\n{scene.indentation(first.start_byte)}"
            f"let {one} = {places[index]};"
        )
        edits = (scene.replace(first, code), scene.replace(second, f"let {other} = {places[other_index]};"))
        yield Proposal(edits, {"owner": owner, "way": f"split_at_mut({high})"}, keeps_behaviour=True)
    elif index != other_index:
        code = f"let [{one}, {other}] = {owner}.get_disjoint_mut([{index}, {other_index}]).unwrap();"
        yield Proposal((replaced_range(scene, first, second, code),), {"owner": owner, "way": "get_disjoint_mut"}, 0.1)


def free_names(scene: Scene, place: Node) -> tuple[str, str]:
    taken = names_in(scene, scene.function(place) or scene.root)
    return ("left", "right") if not {"left", "right"} & taken else ("lower", "upper")


def let_of_element(scene: Scene, node: Node) -> tuple[Node, str, str, str] | None:
    """A `let name = &mut owner[index];`: the statement, the name, the owner, the index."""
    let = next((one for one in ancestors(node) if one.type in {"let_declaration", "block"}), None)
    if let is None or let.type == "block":
        return None
    found = re.fullmatch(r"let (\w+) = &(?:mut )?([\w.]+)\[(\w+)\];", scene.of(let))
    return (let, found[1], found[2], found[3]) if found else None
