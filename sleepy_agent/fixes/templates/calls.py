"""Calls with too few arguments, struct literals with too few fields: what is at hand for what is missing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from tree_sitter import Node

from sleepy_agent.code.items import Field
from sleepy_agent.code.syntax import code_children
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.domain import Edit, Suggestion
from sleepy_agent.fixes.templates.calls_values import AtHand, values_for
from sleepy_agent.fixes.templates.scene import Proposal, Scene

PLACEHOLDER = re.compile(r"/\* (.*?) \*/")
MOST_MISSING = 4
MOST_ANSWERS = 3
REPEATED = 0.5


# ---- arguments ------------------------------------------------------------------------------------------------


def missing_arguments(scene: Scene) -> Iterator[Proposal]:
    """Fill the gaps that rustc shows with what has the parameter's name and type."""
    suggestion = next((one for one in scene.diagnostic.suggestions if has_gaps(one)), None)
    if suggestion is None or len(suggestion.edits) != 1 or scene.span.from_macro is not None:
        return
    edit = suggestion.edits[0]
    wanted = types_of_missing(scene, PLACEHOLDER.findall(edit.replacement))
    names = names_of_missing(scene, len(wanted))
    if edit.file != scene.file or not 0 < len(wanted) <= MOST_MISSING or is_own_call(scene):
        return
    given = set(split_arguments(edit.replacement) or ())
    choices = [
        [with_cost_of_repetition(value, given) for value in values_for(scene, edit.byte_start, name, kind)]
        for name, kind in zip(names, wanted, strict=True)
    ]
    yield from answers(choices, lambda values: argument_edits(scene, edit, values), "the missing argument")


def with_cost_of_repetition(value: AtHand, given: Collection[str]) -> AtHand:
    """A value costs more where the call has it already: two arguments are seldom the same."""
    return replace(value, cost=value.cost + REPEATED) if value.code in given else value


def has_gaps(suggestion: Suggestion) -> bool:
    return any(PLACEHOLDER.search(edit.replacement) for edit in suggestion.edits)


def types_of_missing(scene: Scene, written: list[str]) -> list[str]:
    """What the labels say of the missing arguments; the gaps themselves name some by their parameters."""
    labels = [
        match[1]
        for span in scene.spans()
        if span.label and (match := re.search(r"argument #\d+ of type `(.*?)` is missing", span.label))
    ]
    return labels if len(labels) == len(written) else written


def names_of_missing(scene: Scene, count: int) -> list[str]:
    """The names of the parameters that got nothing, as the declaration writes them."""
    spans = [
        span
        for child in scene.diagnostic.children
        if child.message.endswith("defined here")
        for span in child.spans
        if not span.is_primary
    ]
    found = [re.match(r"(?:mut\s+)?(\w+)\s*:", span.text) for span in spans]
    names = [match[1] for match in found if match]
    return names if len(names) == count else [""] * count


def is_own_call(scene: Scene) -> bool:
    """Whether a function calls itself: then the parameter of that name is seldom what is meant."""
    function = scene.function()
    name = function.child_by_field_name("name") if function is not None else None
    defined = scene.noted("defined here")
    return (
        name is not None
        and defined is not None
        and defined.file == scene.file
        and any(span.byte_start == name.start_byte for span in scene.spans() if span.file == scene.file)
    )


def argument_edits(scene: Scene, edit: Edit, values: Sequence[str]) -> tuple[Edit, ...]:
    """The gaps filled: by insertions where the other arguments stay as they are, else as rustc writes the list."""
    node = scene.root.descendant_for_byte_range(edit.byte_start, edit.byte_end)
    pieces = split_arguments(edit.replacement)
    if node is not None and node.type == "arguments" and pieces is not None:
        given = code_children(node)
        kept = [piece for piece in pieces if not PLACEHOLDER.fullmatch(piece)]
        if [scene.of(one) for one in given] == kept:
            return tuple(inserted_arguments(scene, node, given, pieces, values))
    remaining = iter(values)
    return (
        Edit(edit.file, edit.byte_start, edit.byte_end, PLACEHOLDER.sub(lambda _: next(remaining), edit.replacement)),
    )


def split_arguments(text: str) -> list[str] | None:
    """The arguments of a list as rustc writes it, or None where it is something else."""
    if not (text.startswith("(") and text.endswith(")")):
        return None
    pieces, depth, start = [], 0, 1
    for position, letter in enumerate(text[:-1]):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 1:
            pieces.append(text[start:position].strip())
            start = position + 1
    return [*pieces, text[start:-1].strip()]


def inserted_arguments(
    scene: Scene, node: Node, given: Sequence[Node], pieces: Sequence[str], values: Sequence[str]
) -> Iterator[Edit]:
    remaining = iter(values)
    number = 0
    for piece in pieces:
        if not PLACEHOLDER.fullmatch(piece):
            number += 1
            continue
        value = next(remaining)
        if not given:
            comma = ", " if piece is not pieces[-1] else ""
            yield scene.insert(node.start_byte + 1, value + comma)
        elif number < len(given):
            following = given[number]
            before = scene.code(node.start_byte, following.start_byte)
            starts_line = before.rstrip(" \t").endswith("\n")
            blank = f"\n{scene.indentation(following.start_byte)}" if starts_line else " "
            yield scene.insert(following.start_byte, f"{value},{blank}")
        else:
            last = given[-1]
            starts_line = scene.code(node.start_byte, last.start_byte).rstrip(" \t").endswith("\n")
            blank = f"\n{scene.indentation(last.start_byte)}" if starts_line else " "
            yield scene.insert(last.end_byte, f",{blank}{value}")


# ---- fields ---------------------------------------------------------------------------------------------------


def missing_fields(scene: Scene) -> Iterator[Proposal]:
    """Give the missing fields of a struct literal what has their name and type."""
    literal = scene.around("struct_expression")
    if literal is None or scene.span.from_macro is not None:
        return
    body = literal.child_by_field_name("body")
    fields = fields_of_literal(scene, literal)
    if body is None or not fields:
        return
    present = [field_name(scene, child) for child in code_children(body)]
    missing = [field for field in fields if field.name not in present]
    if not 0 < len(missing) <= MOST_MISSING or "" in present:
        return
    choices = [field_values(scene, literal, field) for field in missing]
    yield from answers(
        choices,
        lambda values: field_edits(scene, body, fields, dict(zip(missing, values, strict=True))),
        "the missing field",
    )


def field_values(scene: Scene, literal: Node, field: Field) -> list[AtHand]:
    """What is at hand for a field. A part of something else only where the literal takes other parts of it, too."""
    body = scene.of(literal)
    return [
        value
        for value in values_for(scene, literal.start_byte, field.name, field.type)
        if not value.is_part
        or f"{value.code.lstrip('&*').removeprefix('mut ').partition('.')[0]}." in body
        or is_copy_of_self(scene, literal, value)
    ]


def is_copy_of_self(scene: Scene, literal: Node, value: AtHand) -> bool:
    """Whether the value is the same field of a `self` of the literal's own type."""
    around = scene.around("impl_item", literal)
    owner = around.child_by_field_name("type") if around is not None else None
    name = literal.child_by_field_name("name")
    if owner is None or name is None or not value.code.lstrip("&*").startswith("self."):
        return False
    return scene.of(name) == "Self" or bare_type_name(scene.of(name)) == bare_type_name(scene.of(owner))


EMPTY = {
    "String": "String::new()", "PathBuf": "PathBuf::new()", "Vec": "Vec::new()", "VecDeque": "VecDeque::new()",
    "HashMap": "HashMap::new()", "HashSet": "HashSet::new()", "BTreeMap": "BTreeMap::new()",
    "BTreeSet": "BTreeSet::new()", "BinaryHeap": "BinaryHeap::new()", "Option": "None",
}  # fmt: skip


def empty_fields(scene: Scene) -> Iterator[Proposal]:
    """Begin the missing fields empty: in words of their types, or by their defaults. Nobody knows that it is meant, so
    there are two answers."""
    literal = scene.around("struct_expression")
    body = literal.child_by_field_name("body") if literal is not None else None
    fields = fields_of_literal(scene, literal) if literal is not None else ()
    if literal is None or body is None or not fields or scene.span.from_macro is not None:
        return
    present = [field_name(scene, child) for child in code_children(body)]
    missing = [field for field in fields if field.name not in present]
    if not 0 < len(missing) <= MOST_MISSING or "" in present:
        return
    known = {field: field_values(scene, literal, field) for field in missing}
    if all(known.values()):
        return
    at_hand = {field: values[0].code for field, values in known.items() if values}
    empty = {field: EMPTY.get(bare_type_name(field.type), "Default::default()") for field in missing}
    # `None` is how most optional fields begin.
    first = -0.1 if set(empty.values()) == {"None"} else 0.0
    for values, extra in ((empty | at_hand, first), (dict.fromkeys(missing, "Default::default()") | at_hand, 0.1)):
        texts = ", ".join(f"{field.name}: {value}" for field, value in values.items())
        yield Proposal(field_edits(scene, body, fields, values), {"values": texts}, extra)


def fields_of_literal(scene: Scene, literal: Node) -> tuple[Field, ...]:
    """The fields of the struct or variant that a literal makes."""
    name = literal.child_by_field_name("name")
    path = scene.of(name) if name is not None else ""
    said = re.search(r"initializer of `(?:\w+::)*(\w+)", scene.problem.message)
    if said is None:
        return ()
    last = path.split("<")[0].split("::")[-1].strip()
    variant = next((one for one in scene.index.variants_of(said[1]) if one.name == last), None)
    fields = variant.fields if variant is not None else scene.index.fields_of(said[1])
    body = literal.child_by_field_name("body")
    present = {field_name(scene, child) for child in code_children(body)} if body is not None else set()
    # A type of the same name elsewhere has other fields.
    return fields if present - {""} <= {field.name for field in fields} else ()


def field_name(scene: Scene, child: Node) -> str:
    """The field that an initializer is for; empty for `..rest`."""
    if child.type == "shorthand_field_initializer":
        return scene.of(child).split("]")[-1].strip()
    name = child.child_by_field_name("field") or child.child_by_field_name("name")
    return scene.of(name) if name is not None else ""


def field_edits(scene: Scene, body: Node, fields: Sequence[Field], values: dict[Field, str]) -> tuple[Edit, ...]:
    """Initializers at the places where the declaration's order has them."""
    given = {field_name(scene, child): child for child in code_children(body)}
    is_long = b"\n" in scene.text[body.start_byte : body.end_byte]
    edits: list[Edit] = []
    for field, value in values.items():
        text = field.name if value == field.name else f"{field.name}: {value}"
        order = [one.name for one in fields]
        earlier = [name for name in order[: order.index(field.name)] if name in given]
        if not given:
            blank = "" if scene.text[body.start_byte + 1 : body.start_byte + 2] == b" " else " "
            edits.append(scene.insert(body.start_byte + 1, f" {text}{', ' if len(edits) + 1 < len(values) else blank}"))
        elif earlier:
            before = given[earlier[-1]]
            blank = f"\n{scene.indentation(before.start_byte)}" if is_long else " "
            edits.append(scene.insert(before.end_byte, f",{blank}{text}"))
        else:
            after = code_children(body)[0]
            blank = f"\n{scene.indentation(after.start_byte)}" if is_long else " "
            edits.append(scene.insert(after.start_byte, f"{text},{blank}"))
    return tuple(edits)


def answers(
    choices: Sequence[list[AtHand]], edits_of: Callable[[Sequence[str]], tuple[Edit, ...]], what: str
) -> Iterator[Proposal]:
    """The cheapest combinations of what is at hand. Several of them are several meanings."""
    if not choices or not all(choices):
        return
    combined = sorted(
        itertools.islice(itertools.product(*choices), 40), key=lambda values: sum(value.cost for value in values)
    )[:MOST_ANSWERS]
    for values in combined:
        codes = [value.code for value in values]
        yield Proposal(
            edits_of(codes),
            {"values": ", ".join(codes)},
            sum(value.cost for value in values),
            question=what if len(combined) > 1 else None,
        )
