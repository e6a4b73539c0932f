"""Fields that a struct literal lacks and that all other literals of that struct give the same value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.items import Field
from sleepy_agent.code.syntax import ancestors, code_children, node_at, parse_rust
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.fixes.templates.calls import MOST_MISSING, field_edits, field_name, field_values, fields_of_literal
from sleepy_agent.fixes.templates.scene import Proposal, Scene

MOST_LITERALS = 60
# Values that need nothing from around them: literals, unit variants and constants, calls without arguments.
CONSTANT = re.compile(r"""-?[\w.]+|"[^"]*"|b?'[^']*'|(?:\w+::)+\w+(?:\(\))?|[a-z]+!\[\]|\[\]|\(\)""")
ONCE, QUESTION = 0.1, "what the missing field holds"


def fields_as_elsewhere(scene: Scene) -> Iterator[Proposal]:
    """Give the missing fields the value that every other literal of the struct gives them."""
    literal = scene.around("struct_expression")
    body = literal.child_by_field_name("body") if literal is not None else None
    if literal is None or body is None or scene.span.from_macro is not None:
        return
    fields = fields_of_literal(scene, literal)
    present = [field_name(scene, child) for child in code_children(body)]
    missing = [field for field in fields if field.name not in present]
    if not 0 < len(missing) <= MOST_MISSING or "" in present:
        return
    others = list(other_literals(scene, literal))
    values: dict[Field, str] = {}
    fewest = len(others)
    for field in missing:
        given = [value for one in others if (value := one.get(field.name)) is not None]
        if not given or len(set(given)) != 1 or not is_constant(given[0]) or field_values(scene, literal, field):
            return
        values[field] = given[0]
        fewest = min(fewest, len(given))
    texts = ", ".join(f"{field.name}: {value}" for field, value in values.items())
    edits = field_edits(scene, body, fields, values)
    yield Proposal(edits, {"values": texts}, ONCE if fewest < 2 else 0.0, QUESTION if fewest < 2 else None)


def is_constant(value: str) -> bool:
    """Whether a value means the same wherever it stands."""
    is_name = re.fullmatch(r"[a-z_]\w*", value) is not None and value not in {"true", "false"}
    return CONSTANT.fullmatch(value) is not None and not is_name and not value.startswith("self.")


def other_literals(scene: Scene, literal: Node) -> Iterator[dict[str, str]]:
    """What the other literals of the same struct or variant give its fields, in this file and in the struct's own."""
    written = literal.child_by_field_name("name")
    said = re.search(r"initializer of `(?:\w+::)*(\w+)", scene.problem.message)
    if written is None or said is None:
        return
    name = said[1]
    last = bare_type_name(scene.of(written).split("::")[-1]) if "::" in scene.of(written) else name
    item = scene.index.type_named(name)
    files = dict.fromkeys([scene.file, *([item.file] if item is not None else [])])
    for file in files:
        text = scene.context.read(file)
        root = scene.root if file == scene.file else parse_rust(text)
        pattern = re.compile(rb"\b(?:" + re.escape(last.encode()) + rb"|Self)\b(?=[^;{}()=,]*\{)")
        for number, found in enumerate(pattern.finditer(text)):
            if number >= MOST_LITERALS:
                return
            node = node_at(root, *found.span())
            one = next((around for around in ancestors(node) if around.type == "struct_expression"), None)
            is_same = one is not None and file == scene.file and one.start_byte == literal.start_byte
            if one is None or is_same or not names(text, one, name, last):
                continue
            yield given_fields(text, one)


def names(text: bytes, literal: Node, name: str, last: str) -> bool:
    """Whether a literal is one of the struct `name` (or of its variant `last`), perhaps called `Self`."""
    written = literal.child_by_field_name("name")
    path = re.sub(r"<.*", "", code_of(text, written)) if written is not None else ""
    around = next((one for one in ancestors(literal) if one.type == "impl_item"), None)
    owner = around.child_by_field_name("type") if around is not None else None
    own = bare_type_name(code_of(text, owner)) if owner is not None else ""
    path = re.sub(r"^Self\b", own, path).removesuffix("::")
    return path.split("::")[-1] == last and (last == name or path.split("::")[-2:-1] == [name])


def given_fields(text: bytes, literal: Node) -> dict[str, str]:
    """The fields of a literal and their values."""
    body = literal.child_by_field_name("body")
    found: dict[str, str] = {}
    for child in code_children(body) if body is not None else ():
        if child.type == "field_initializer":
            name = child.child_by_field_name("field") or child.child_by_field_name("name")
            found[code_of(text, name)] = code_of(text, child.child_by_field_name("value"))
        elif child.type == "shorthand_field_initializer":
            found[code_of(text, child)] = code_of(text, child)
    return found


def code_of(text: bytes, node: Node | None) -> str:
    return text[node.start_byte : node.end_byte].decode(errors="replace") if node is not None else ""
