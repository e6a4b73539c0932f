"""One argument too few: what nothing uses is meant, and it may be missing elsewhere than rustc thinks.

Where the types allow it rustc takes the last argument for the missing one. The names of the parameters, and what is
declared and never mentioned, tell more.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from sleepy_agent.code.expression_types import type_of_expression
from sleepy_agent.code.local_names import Local, locals_at
from sleepy_agent.code.syntax import ancestors, code_children, node_at, parse_rust
from sleepy_agent.fixes.templates.calls import PLACEHOLDER, inserted_arguments, is_own_call, split_arguments
from sleepy_agent.fixes.templates.calls_values import fitting, is_concrete, is_used_nowhere, plain_type, type_of_local
from sleepy_agent.fixes.templates.scene import Proposal, Scene

GAP = "/* missing */"
MOST_LOCALS = 24
MOST_PROPOSALS = 2
# What each sign is worth, in the order of how much it tells.
SAME_NAME, NAME_IN_ITS_PLACE, IN_ORDER, RUSTC_THINKS_SO = 4.0, 2.0, 0.5, 0.25


@dataclass(frozen=True, slots=True)
class Wanted:
    """A parameter as the declaration has it. Empty where that is not known."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call that lacks one argument."""

    arguments: Node
    given: tuple[Node, ...]
    guess: int
    """Where rustc thinks that the argument is missing."""
    parameters: tuple[Wanted, ...]
    """All of the declaration, one more than is given; without names and types where it cannot be read."""
    is_known: bool


def argument_in_its_place(scene: Scene) -> Iterator[Proposal]:
    """Pass what is used nowhere, or what the parameter is called, at the place where it belongs."""
    call = call_with_gap(scene)
    if call is None or is_own_call(scene):
        return
    position = call.arguments.start_byte + 1
    ranked: list[tuple[float, str, int]] = []
    names = {parameter.name for parameter in call.parameters}
    for local in itertools.islice(locals_at(scene.root, scene.text, position), MOST_LOCALS):
        if local.name == "self" or local.name.startswith("_"):
            continue
        is_unused = is_used_nowhere(scene, position, local.name)
        if is_unused or local.name in names:
            ranked += places_of(scene, call, local, is_unused=is_unused)
    ranked.sort(key=lambda one: -one[0])
    best = [one for one in ranked if one[0] > ranked[0][0] - IN_ORDER][:MOST_PROPOSALS]
    for score, value, place in best:
        pieces = [scene.of(one) for one in call.given]
        pieces.insert(place, GAP)
        edits = tuple(inserted_arguments(scene, call.arguments, call.given, gaps(pieces), [value]))
        extra = 0.0 if score == best[0][0] else 0.05
        yield Proposal(edits, {"value": value}, extra, question="the missing argument" if len(best) > 1 else None)


def gaps(pieces: Sequence[str]) -> list[str]:
    """The pieces, with texts of their own: two arguments may read the same."""
    return [str(piece) if piece == GAP else f"argument {number}" for number, piece in enumerate(pieces)]


def places_of(scene: Scene, call: Call, local: Local, *, is_unused: bool) -> Iterator[tuple[float, str, int]]:
    """Where a local may be the missing argument, as what code, and how much speaks for it."""
    known = type_of_local(scene, local)
    written = plain_type(known) if known is not None else None
    for place, parameter in enumerate(call.parameters):
        wanted = plain_type(parameter.type)
        is_same_name = parameter.name == local.name
        if not is_unused and not is_same_name:
            continue
        if not call.is_known and place != call.guess and not is_second_of_its_kind(scene, call, written):
            continue
        adapted = fitting(local.name, written, wanted, is_mutable=local.is_mutable, is_inside=False)
        if not wanted or not is_concrete(wanted) or is_open(scene, wanted):
            adapted = (local.name, 0.0)
        rest = (*call.parameters[:place], *call.parameters[place + 1 :])
        if adapted is None or not all(may_be(scene, one, to) for one, to in zip(call.given, rest, strict=True)):
            continue
        aligned = sum(own_name(scene, one) == to.name != "" for one, to in zip(call.given, rest, strict=True))
        if not is_unused and not (place != call.guess and aligned == len(call.given) > 0):
            # What is used elsewhere is meant only where all names say so; rustc's own place is another template's.
            continue
        score = SAME_NAME * is_same_name + NAME_IN_ITS_PLACE * aligned - adapted[1]
        score += IN_ORDER * is_in_order(scene, call, local, place) + RUSTC_THINKS_SO * (place == call.guess)
        yield score, adapted[0], place


def call_with_gap(scene: Scene) -> Call | None:
    """The call that rustc complains about, where it lacks exactly one argument and the others are fine."""
    suggestion = next(
        (one for one in scene.diagnostic.suggestions if any(PLACEHOLDER.search(e.replacement) for e in one.edits)), None
    )
    if suggestion is None or len(suggestion.edits) != 1 or scene.span.from_macro is not None:
        return None
    edit = suggestion.edits[0]
    missing = PLACEHOLDER.findall(edit.replacement)
    node = scene.root.descendant_for_byte_range(edit.byte_start, edit.byte_end)
    pieces = split_arguments(edit.replacement)
    if edit.file != scene.file or node is None or node.type != "arguments" or pieces is None or len(missing) != 1:
        return None
    given = tuple(code_children(node))
    kept = [piece for piece in pieces if not PLACEHOLDER.fullmatch(piece)]
    guess = next((number for number, piece in enumerate(pieces) if PLACEHOLDER.fullmatch(piece)), None)
    if guess is None or kept != [scene.of(one) for one in given]:
        return None
    declared = parameters_declared(scene)
    if len(declared) == len(given) + 1:
        return Call(node, given, guess, declared, True)
    label = scene.labelled(r"argument #\d+ of type `")
    said = re.search(r"of type `(.*?)` is missing", label.label or "") if label is not None else None
    unknown = [Wanted("", "")] * (len(given) + 1)
    # Std's generic parameters are shown by their types, other gaps by their names.
    unknown[guess] = Wanted("", said[1]) if said is not None else Wanted(missing[0], "")
    return Call(node, given, guess, tuple(unknown), False)


def parameters_declared(scene: Scene) -> tuple[Wanted, ...]:
    """The parameters of the function or closure that is called, where its text can be read."""
    notes = (child for child in scene.diagnostic.children if child.message.endswith("defined here"))
    defined = next((span for note in notes for span in note.spans if span.is_primary), None)
    if defined is None:
        return ()
    text = scene.context.read(defined.file)
    if defined.byte_end > len(text) or not text:
        return ()
    node = node_at(parse_rust(text), defined.byte_start, defined.byte_end)
    kinds = {"function_item", "function_signature_item"}
    function = next((one for one in ancestors(node) if one.type in kinds), None)
    parameters = function.child_by_field_name("parameters") if function is not None else None
    if function is None or parameters is None or node != function.child_by_field_name("name"):
        return ()
    return tuple(
        Wanted(part(text, child, "pattern").removeprefix("mut ").strip(), part(text, child, "type"))
        for child in code_children(parameters)
        if child.type == "parameter"
    )


def part(text: bytes, node: Node, name: str) -> str:
    child = node.child_by_field_name(name)
    return text[child.start_byte : child.end_byte].decode(errors="replace") if child is not None else ""


def is_open(scene: Scene, wanted: str) -> bool:
    """Whether a type is a name that no type of the workspace and of std's everyday ones has: a type parameter."""
    return re.fullmatch(r"[A-Z]\w*", wanted) is not None and len(wanted) <= 2 and scene.index.type_named(wanted) is None


def may_be(scene: Scene, given: Node, parameter: Wanted) -> bool:
    """Whether an argument may be meant for a parameter, as far as its type is known."""
    wanted = plain_type(parameter.type)
    known = type_of_expression(scene.index, scene.root, scene.text, given)
    if not wanted or known is None or not is_concrete(wanted):
        return True
    written = plain_type(known)
    return fitting("value", written, wanted, is_mutable=False, is_inside=False) in {("value", 0.0), ("value", 0.01)}


def own_name(scene: Scene, given: Node) -> str:
    """The name of the value that an argument is: `&self.name` and `name.clone()` are `name`."""
    found = re.fullmatch(r"[&*]*(?:mut )?(?:\w+\.)*?(\w+)(?:\.\w+\(\))?", scene.of(given))
    return found[1] if found is not None else ""


def is_second_of_its_kind(scene: Scene, call: Call, written: str | None) -> bool:
    """Whether another argument has the same type, so that rustc cannot know which of them is missing."""
    if written is None:
        return False
    known = (type_of_expression(scene.index, scene.root, scene.text, one) for one in call.given)
    return any(one is not None and plain_type(one) == written for one in known)


def is_in_order(scene: Scene, call: Call, local: Local, place: int) -> bool:
    """Whether the arguments would stand in the order in which the names in them are declared."""
    declared = {one.name: one.byte_start for one in locals_at(scene.root, scene.text, call.arguments.start_byte + 1)}
    order = [declared.get(own_name(scene, one)) for one in call.given]
    order.insert(place, local.byte_start)
    starts = [one for one in order if one is not None]
    return starts == sorted(starts)
