"""Derives: a trait that a type of the workspace could derive and does not, with the field types that need it too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from sleepy_agent.code.index import WorkspaceIndex
from sleepy_agent.code.items import Item, ItemKind
from sleepy_agent.code.syntax import node_at, parse_rust
from sleepy_agent.code.type_text import bare_type_name, type_arguments
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.derivable import has_trait, lacking_types, std_derives_needed
from sleepy_agent.fixes.templates.scene import Proposal, Scene

STD_DERIVES = ("Debug", "Clone", "Copy", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash", "Default")
DERIVING_KINDS = frozenset({ItemKind.STRUCT, ItemKind.ENUM})
# A method that only one trait of std brings; what a type does not have it could derive.
ANNOTATING = re.compile(r"consider annotating `(?P<type>[^`]+)` with `#\[derive\((?P<traits>[\w, ]+)\)\]`")
TRAIT_OF_METHOD = {
    "clone": "Clone",
    "default": "Default",
    "eq": "PartialEq",
    "ne": "PartialEq",
    "partial_cmp": "PartialOrd",
    "cmp": "Ord",
    "hash": "Hash",
}
# What rustc says of a type without a trait; the groups are the type and the trait.
LACKS = (
    re.compile(r"the trait `(?P<trait>[\w:]+)` is not implemented for `(?P<type>[^`]+)`"),
    re.compile(r"an implementation of `(?P<trait>\w+)` might be missing for `(?P<type>[^`]+)`"),
    re.compile(r"^`(?P<type>[^`]+): (?P<trait>[\w:]+)`$", re.MULTILINE),
    re.compile(r"the trait bound `(?P<type>[^`]+): (?P<trait>[\w:]+)` is not satisfied"),
    re.compile(r"`(?P<type>[^`]+)` doesn't implement `(?P<trait>[\w:]+)`"),
    re.compile(r"`(?P<type>[^`]+)` does not implement `(?P<trait>[\w:]+)`, so"),
    re.compile(r"`(?P<type>[^`]+)` must be annotated with `#\[derive\((?P<trait>\w+)\)\]`"),
)
LACKS_METHOD = re.compile(
    r"no (?:method|function or associated item) named `(?P<method>\w+)` found for [\w ]+ `(?P<type>[^`]+)`"
)
NOT_COPY = re.compile(r"has type `(?P<type>[^`]+)`, which does not implement the `Copy` trait")
# A type with more parts than this is rarely meant to be copied without a word.
MOST_FIELDS_OF_COPY = 4
MOST_DEPTH = 4
# So many lists show a custom, and so many are looked at.
ENOUGH_LISTS = 4
MOST_LISTS = 200
# A derived one beside a written other one would say something else.
AGREES_WITH = {"PartialOrd": "Ord", "Ord": "PartialOrd", "Hash": "PartialEq"}
FOLLOWS = {"Copy": "Clone", "Eq": "PartialEq", "Ord": "PartialOrd"}
# More than any number of votes.
ALWAYS = 1000.0


def missing_derive(scene: Scene) -> Iterator[Proposal]:
    """Derive what the compiler misses, in its usual place in the list, with what it builds on and on field types."""
    wanted: dict[tuple[object, int], tuple[Item, set[str]]] = {}
    for type_text, trait in traits_missed(scene.said):
        item = lacking_item(scene, type_text, trait)
        if item is not None and is_derivable(scene.index, item, trait):
            wanted.setdefault(item.key, (item, set()))[1].add(trait)
    outer = deriving_item(scene)
    for item, traits in wanted.values():
        if outer is not None and outer.key != item.key:
            # The other traits that the type around derives would be the next complaints about its field.
            traits |= {
                trait
                for trait in outer.derives
                if is_derivable(scene.index, item, trait) and not has_trait(scene.index, item, trait)
            }
        yield from proposal_for(scene, item, traits)


def missing_copy(scene: Scene) -> Iterator[Proposal]:
    """A small type of plain values that is used after it was moved could be `Copy`."""
    for found in NOT_COPY.finditer(scene.said):
        item = scene.index.meant_type(found["type"])
        if item is None or item.name != bare_type_name(found["type"]) or has_trait(scene.index, item, "Drop"):
            continue
        if has_trait(scene.index, item, "Iterator"):
            # A copy would go its own way.
            continue
        extra = 0.0 if has_trait(scene.index, item, "Clone") else 0.15
        extra += 0.2 if any(one.self_parameter == "&mut self" for one in scene.index.methods_of(item.name)) else 0.0
        parts = [item.fields, *(variant.fields for variant in item.variants)]
        extra += 0.15 if max(len(part) for part in parts) > MOST_FIELDS_OF_COPY else 0.0
        yield from proposal_for(scene, item, {"Copy"}, extra)
        return


def field_without_copy(scene: Scene) -> Iterator[Proposal]:
    """A type that derives `Copy` has fields whose types could derive it as well."""
    for span in scene.diagnostic.spans:
        if span.label is None or "does not implement `Copy`" not in span.label:
            continue
        type_text = span.text.rsplit(": ", 1)[-1]
        item = scene.index.meant_type(type_text)
        if item is not None and item.kind in DERIVING_KINDS and not has_trait(scene.index, item, "Copy"):
            yield from proposal_for(scene, item, {"Copy"})


def underivable_trait(scene: Scene) -> Iterator[Proposal]:
    """A derive that this type cannot have, because of a field or a destructor, goes away."""
    item = deriving_item(scene)
    if item is None:
        return
    traits = {"Copy"} if scene.problem.code in {"E0204", "E0184"} else float_traits(scene)
    if scene.problem.code == "E0204" and any(
        scene.index.type_named(span.text.rsplit(": ", 1)[-1]) is not None
        for span in scene.diagnostic.spans
        if span.label is not None
    ):
        return
    edits = without_derives(scene, item, traits)
    if edits:
        yield Proposal(edits, {"traits": listed(sorted(traits & set(item.derives))), "type": item.name})


USUAL_DEFAULTS = ("None", "Default", "Unknown", "Unset", "Empty", "Normal", "Off", "Idle")


def default_variant(scene: Scene) -> Iterator[Proposal]:
    """An enum that derives `Default` must say which variant that is; several could be meant (E0665)."""
    item = scene.index.item_at(scene.file, scene.span.byte_start)
    if item is None or item.kind is not ItemKind.ENUM:
        return
    units = [variant for variant in item.variants if variant.shape == "unit"]
    usual = [variant for variant in units if variant.name in USUAL_DEFAULTS]
    choices = usual if len(usual) == 1 else units
    question = f"which variant of `{item.name}` is the default" if len(choices) > 1 else None
    for number, variant in enumerate(choices[:3]):
        line = scene.text.rfind(b"\n", 0, variant.byte_start) + 1
        is_alone = not scene.text[line : variant.byte_start].strip()
        separator = "\n" + scene.indentation(variant.byte_start) if is_alone else " "
        edit = scene.insert(variant.byte_start, f"#[default]{separator}")
        yield Proposal((edit,), {"variant": variant.name}, extra_cost=0.02 * number, question=question)


def float_traits(scene: Scene) -> set[str]:
    """The traits that a field with a float keeps its type from deriving."""
    is_float = re.search(r"the trait bound `f(32|64): (Eq|Ord|Hash)`|`f(32|64)` doesn't", scene.problem.message)
    return {"Eq", "Ord", "Hash"} if is_float else set()


def deriving_item(scene: Scene) -> Item | None:
    """The type with a derive list around the span."""
    item = scene.index.item_at(scene.file, scene.span.byte_start)
    return item if item is not None and item.kind in DERIVING_KINDS and item.derive_start is not None else None


# ---- what is missed -----------------------------------------------------------------------------------------


def traits_missed(said: str) -> list[tuple[str, str]]:
    """The pairs of type and trait that the compiler's words name, each once."""
    found = [(match["type"], bare_type_name(match["trait"])) for pattern in LACKS for match in pattern.finditer(said)]
    for match in LACKS_METHOD.finditer(said):
        if match["method"] in TRAIT_OF_METHOD:
            found.append((match["type"], TRAIT_OF_METHOD[match["method"]]))
    for match in ANNOTATING.finditer(said):
        found += [(match["type"], trait.strip()) for trait in match["traits"].split(",")]
    return list(dict.fromkeys(found))


def lacking_item(scene: Scene, type_text: str, trait: str) -> Item | None:
    """The type of the workspace that lacks the trait: the named one, or one inside of it (`Vec<Point>`)."""
    for text in (type_text, *inner_types(type_text)):
        item = item_meant(scene, text)
        if item is not None and item.kind in DERIVING_KINDS and not has_trait(scene.index, item, trait):
            return item
    return None


def item_meant(scene: Scene, type_text: str) -> Item | None:
    """The type of that name; of several the one that the diagnostic points at, else the one of this file."""
    name = bare_type_name(type_text)
    items = scene.index.items_named(name, DERIVING_KINDS)
    places = {(span.file, span.byte_start) for span in scene.spans()}
    pointed = [item for item in items if {(item.file, item.byte_start), (item.file, item.name_start)} & places]
    here = [item for item in items if item.file == scene.file]
    return next(iter([*pointed, *here, *items]), None)


def inner_types(type_text: str) -> Iterator[str]:
    """The types that a type is made of, outer ones first."""
    for argument in type_arguments(type_text):
        yield argument
        yield from inner_types(argument)


def is_derivable(index: WorkspaceIndex, item: Item, trait: str) -> bool:
    """Whether a derive macro of that name is known: std's, or one that a type of the same file derives."""
    if trait == "Default" and item.kind is ItemKind.ENUM:
        return False
    return trait in STD_DERIVES or any(
        trait in other.derives for other in index.types() if other.file == item.file and other.key != item.key
    )


# ---- the edits ----------------------------------------------------------------------------------------------


def proposal_for(scene: Scene, item: Item, traits: set[str], extra: float = 0.0) -> Iterator[Proposal]:
    """Derive the traits on the item and on the field types that lack them; nothing where a field never can."""
    needed: dict[tuple[object, int], tuple[Item, set[str]]] = {}
    if not gather(scene.index, item, traits, needed, MOST_DEPTH):
        return
    edits = tuple(edit for one, names in needed.values() for edit in derive_edits(scene, one, names))
    names = listed(sorted(needed[item.key][1], key=place_in_order))
    # An order that nobody asked for yet goes by the first field, which may not be the one that is meant.
    is_new_order = "Ord" in needed[item.key][1] and "PartialOrd" in needed[item.key][1] and len(item.fields) > 1
    keeps = False if is_new_order else None
    extra += 0.05 * (len(needed) - 1) + (0.15 if is_new_order else 0.0)
    if edits:
        values = {"traits": names, "type": item.name}
        yield Proposal(edits, values, extra_cost=extra, keeps_behaviour=keeps)


def gather(
    index: WorkspaceIndex,
    item: Item,
    traits: Iterable[str],
    needed: dict[tuple[object, int], tuple[Item, set[str]]],
    depth: int,
) -> bool:
    """Which types must derive what, so that `item` can derive `traits`; False where one cannot."""
    if depth == 0:
        return False
    missing = {trait for trait in std_derives_needed(traits) if not has_trait(index, item, trait)}
    known = needed.setdefault(item.key, (item, set()))[1]
    new = missing - known
    known |= new
    for trait in sorted(new):
        if not is_derivable(index, item, trait) or is_written(index, item, AGREES_WITH.get(trait)):
            return False
        lacking = lacking_types(index, item, trait)
        if lacking is None:
            return False
        if any(not gather(index, other, {trait}, needed, depth - 1) for other in lacking):
            return False
    return True


def is_written(index: WorkspaceIndex, item: Item, trait: str | None) -> bool:
    """Whether somebody wrote an implementation of the trait by hand."""
    return trait is not None and any(one.trait_name == trait for one in index.implementations_of(item.name))


def derive_edits(scene: Scene, item: Item, traits: set[str]) -> Iterator[Edit]:
    """Put the traits into the item's derive list, or give it one."""
    text = scene.context.read(item.file)
    new = sorted(traits, key=place_in_order)
    if item.derive_start is None or item.derive_end is None:
        position = place_of_derive(text, item)
        start = text.rfind(b"\n", 0, position) + 1
        indentation = text[start:position].decode(errors="replace")
        names = sorted_by_custom(scene.index, item, new)
        separator = "\n" + indentation if not indentation.strip() else " "
        yield Edit(item.file, position, position, f"#[derive({', '.join(names)})]{separator}")
        return
    parts = list(re.finditer(rb"[\w:]+", text[item.derive_start : item.derive_end]))
    if not parts:
        yield Edit(item.file, item.derive_start, item.derive_start, ", ".join(new))
        return
    present = [part.group().decode().rsplit("::", 1)[-1] for part in parts]
    inserted: dict[int, list[str]] = {}
    votes = orders(scene.index, item)
    for name in new:
        inserted.setdefault(best_place(present, name, votes), []).append(name)
    for place, names in inserted.items():
        words = ", ".join(sorted(names, key=lambda name: sort_key(name, names, votes)))
        if place < len(parts):
            at = item.derive_start + parts[place].start()
            yield Edit(item.file, at, at, f"{words}, ")
        else:
            at = item.derive_start + parts[-1].end()
            yield Edit(item.file, at, at, f", {words}")


def without_derives(scene: Scene, item: Item, traits: set[str]) -> tuple[Edit, ...]:
    """Take traits out of the item's derive list."""
    if item.derive_start is None or item.derive_end is None or not traits & set(item.derives):
        return ()
    text = scene.context.read(item.file)
    inside = text[item.derive_start : item.derive_end].decode(errors="replace")
    kept = [part.strip() for part in inside.split(",") if part.strip()]
    kept = [part for part in kept if part.rsplit("::", 1)[-1] not in traits]
    return (Edit(item.file, item.derive_start, item.derive_end, ", ".join(kept)),) if kept else ()


def place_of_derive(text: bytes, item: Item) -> int:
    """In front of the item's attributes, behind its doc comments."""
    node = node_at(parse_rust(text), item.byte_start, item.byte_start + 1)
    while node.parent is not None and node.parent.start_byte == item.byte_start and node.parent.parent is not None:
        node = node.parent
    place = item.byte_start
    previous = node.prev_sibling
    while previous is not None and previous.type == "attribute_item":
        place = previous.start_byte
        previous = previous.prev_sibling
    return place


def orders(index: WorkspaceIndex, item: Item) -> Counter[tuple[str, str]]:
    """How often one derive stands before another: in this file's lists, and where those are few in the workspace's."""
    file = index.file_items(item.file)
    lists = [one.derives for one in file.items if len(one.derives) > 1] if file is not None else []
    if len(lists) < ENOUGH_LISTS:
        lists = lists * 3 + [one.derives for one in index.types()[:MOST_LISTS]]
    votes: Counter[tuple[str, str]] = Counter()
    for derives in lists[:MOST_LISTS]:
        votes.update(combinations(derives, 2))
    return votes


def best_place(present: Sequence[str], name: str, votes: Counter[tuple[str, str]]) -> int:
    """Before which of the present names a new one stands best."""

    def conflicts(place: int) -> float:
        found = 0.0
        for number, other in enumerate(present):
            first, second = (other, name) if number < place else (name, other)
            found += max(0, votes[second, first] - votes[first, second])
            if place_in_order(first) > place_in_order(second):
                found += 0.5
        # `Copy` and `Clone` stand side by side, in whatever order, and so do the other pairs.
        beside = present[max(0, place - 1) : place + 1]
        is_pair = any(FOLLOWS.get(name) == other or FOLLOWS.get(other) == name for other in beside)
        return found - (ALWAYS if is_pair else 0.0)

    return min(range(len(present), -1, -1), key=conflicts)


def sort_key(name: str, names: Sequence[str], votes: Counter[tuple[str, str]]) -> tuple[int, int]:
    """Where a name stands among other new ones, by custom and then by the usual order."""
    after = sum(1 for other in names if votes[other, name] > votes[name, other])
    return after, place_in_order(name)


def sorted_by_custom(index: WorkspaceIndex, item: Item, names: Sequence[str]) -> list[str]:
    votes = orders(index, item)
    return sorted(names, key=lambda name: sort_key(name, names, votes))


def place_in_order(name: str) -> int:
    """The usual order of std's derives; others come last."""
    return STD_DERIVES.index(name) if name in STD_DERIVES else len(STD_DERIVES)


def listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
