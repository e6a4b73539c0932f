"""Methods, associated functions, constants and variants that a type does not have under that name (E0599)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from tree_sitter import Node

from sleepy_agent.code.crate_items import CrateItems
from sleepy_agent.code.items import FUNCTION_KINDS, TYPE_KINDS, Item, ItemKind, Variant
from sleepy_agent.code.names import similarity
from sleepy_agent.code.scopes import type_parameters_at
from sleepy_agent.code.std_names import POINTERS, std_methods_of, std_named
from sleepy_agent.code.syntax import ancestors
from sleepy_agent.code.type_text import bare_type_name, type_arguments
from sleepy_agent.fixes.templates.names_near import (
    KnownName,
    called_with,
    crate_of_file,
    fit_of_call,
    is_usable,
    mentioned_crates,
    rename_proposals,
    spelled,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

MEMBER_KINDS = FUNCTION_KINDS | {ItemKind.CONST, ItemKind.ASSOCIATED_TYPE}
# Types whose values are iterators, beside those of std::iter.
ITERATORS = frozenset(
    {"Iter", "IterMut", "IntoIter", "Chars", "CharIndices", "Bytes", "Lines", "Split", "SplitWhitespace", "Windows"}
    | {"Chunks", "Drain", "Range", "RangeInclusive", "Keys", "Values", "ValuesMut", "IntoKeys", "IntoValues", "Args"}
)
ALIAS = re.compile(r"alias\s*=\s*\"(\w+)\"")
LABELLED_TYPE = re.compile(r"not found in `(?P<type>.+)`")
NUMBER_CONSTANTS = ("MAX", "MIN", "BITS")
FLOAT_CONSTANTS = ("MAX", "MIN", "EPSILON", "INFINITY", "NEG_INFINITY", "NAN", "MIN_POSITIVE")


# ---- what a type has ------------------------------------------------------------------------------------------


def members_of_type(scene: Scene, type_text: str, depth: int = 0) -> Iterator[tuple[str, Item | None]]:
    """The names behind `value.` or `Type::` with their items, where those are known (std's are not)."""
    name = bare_type_name(type_text)
    found = scene.index.methods_of(name) + tuple(
        item for item in scene.index.members_of(name) if item.kind in MEMBER_KINDS - FUNCTION_KINDS
    )
    if not found and scene.index.type_named(name) is None:
        found = dependency_members(scene, name)
    for item in found:
        if is_usable(scene, item):
            yield item.name, item
    for method in std_members(type_text):
        yield method, None
    if depth < 3:
        for inner in dereferenced_types(scene, type_text):
            yield from members_of_type(scene, inner, depth + 1)


def std_members(type_text: str) -> tuple[str, ...]:
    """What std gives a type: its own methods, and those of iterators."""
    name = bare_type_name(type_text)
    found = std_methods_of(type_text)
    if name in ITERATORS or any(one.path[1:2] == ("iter",) and one.kind == "struct" for one in std_named(name)):
        found += std_trait_methods("Iterator") + std_trait_methods("DoubleEndedIterator")
    if (name[:1] in {"u", "i"} and name[1:].removesuffix("size").isdigit()) or name in {"usize", "isize"}:
        found += NUMBER_CONSTANTS
    elif name in {"f32", "f64"}:
        found += FLOAT_CONSTANTS
    return found


def std_trait_methods(name: str) -> tuple[str, ...]:
    return next((one.methods for one in std_named(name) if one.kind == "trait"), ())


def dereferenced_types(scene: Scene, type_text: str) -> Iterator[str]:
    """What a value of the type also is: what a pointer of std holds, what an own `Deref` gives."""
    name = bare_type_name(type_text)
    arguments = type_arguments(type_text)
    if name in POINTERS and arguments:
        yield arguments[0]
    for one in scene.index.implementations_of(name):
        if one.trait_name == "Deref":
            yield from (item.type for item in one.items if item.name == "Target" and item.type)


def dependency_members(scene: Scene, name: str) -> tuple[Item, ...]:
    """The members of a type of a dependency. The compiler shows where such a type is declared."""
    for span in scene.spans():
        if span.file != scene.file and span.label and "not found for" in span.label:
            crate = crate_of_file(scene, span.file)
            if crate is not None:
                return members_in_crate(crate, name)
    for crate in mentioned_crates(scene):
        if any(item.name == name and item.kind in TYPE_KINDS for item in crate.items):
            return members_in_crate(crate, name)
    return ()


def members_in_crate(crate: CrateItems, name: str) -> tuple[Item, ...]:
    """The members of a type of some crate: of its implementations there, and of the traits they implement."""
    own = [one for one in crate.implementations if one.type_name == name]
    traits = {one.trait_name for one in own if one.trait_name}
    found = [item for one in own for item in one.items]
    found += [item for item in crate.items if item.owner in traits and item.is_in_trait]
    return tuple(item for item in found if item.kind in MEMBER_KINDS and (item.of_trait or is_public_member(item)))


def is_public_member(item: Item) -> bool:
    return item.visibility == "pub" or item.is_in_trait


def variants_of_type(scene: Scene, type_text: str) -> tuple[Variant, ...]:
    """The variants of an enum of the workspace, or of the dependency that the compiler points into."""
    name = bare_type_name(type_text)
    own = scene.index.variants_of(name)
    if own or scene.index.type_named(name) is not None:
        return own
    for span in scene.spans():
        crate = crate_of_file(scene, span.file) if span.file != scene.file else None
        for item in crate.items if crate is not None else ():
            if item.name == name and item.variants:
                return item.variants
    return ()


# ---- nearest --------------------------------------------------------------------------------------------------


def nearest_method(scene: Scene) -> Iterator[Proposal]:
    """`shelf.book_add(..)` -> `shelf.add_book(..)`."""
    wanted, type_text = scene.values["wanted"], full_type(scene)
    if spelled(scene) != wanted:
        return
    count = called_with(scene.node)
    yield from rename_proposals(scene, scene.span, wanted, known_methods(scene, type_text, count))


def known_methods(scene: Scene, type_text: str, count: int | None) -> Iterator[KnownName]:
    for name, item in members_of_type(scene, type_text):
        if item is None:
            yield KnownName(name)
        elif item.self_parameter is not None:
            fit = fit_of_call(item, count, as_method=True)
            yield KnownName(name, fit=fit)
            yield from (KnownName(alias, name, fit) for alias in aliases_of(item))
    if bare_type_name(type_text) in type_parameters_of(scene):
        for trait in bounds_of(scene, bare_type_name(type_text)):
            yield from (KnownName(method) for method in std_trait_methods(trait))
            for item in scene.index.methods_of(trait):
                if item.self_parameter is not None:
                    yield KnownName(item.name, fit=fit_of_call(item, count, as_method=True))


def aliases_of(item: Item) -> list[str]:
    """Other names by which the documentation of an item can be found."""
    return [name for attribute in item.attributes for name in ALIAS.findall(attribute)]


def full_type(scene: Scene) -> str:
    """The receiver's type: the label has the arguments where the message only has their names."""
    found = LABELLED_TYPE.search(scene.span.label or "")
    return found["type"] if found else scene.values["type"]


def nearest_associated(scene: Scene) -> Iterator[Proposal]:
    """`Color::GreenDark` -> `Color::DarkGreen`, `Shelf::with_size(3)` -> `Shelf::with_capacity(3)`."""
    wanted, type_text = scene.values["wanted"], scene.values["type"]
    if spelled(scene) != wanted:
        return
    count = called_with(scene.node)
    shape = shape_wanted(scene.node, count)
    known = [
        KnownName(one.name, fit=0.04 if one.shape == shape else -0.1) for one in variants_of_type(scene, type_text)
    ]
    for name, item in members_of_type(scene, type_text):
        is_constant = name.isupper() if item is None else item.kind is ItemKind.CONST
        if is_constant == (count is not None):
            continue
        known.append(
            KnownName(name, fit=fit_of_call(item, count, as_method=False) if item and count is not None else 0)
        )
    yield from rename_proposals(scene, scene.span, wanted, known)


def shape_wanted(name: Node, count: int | None) -> str:
    """The shape of the variant that the code around a name asks for."""
    path = next((one for one in ancestors(name) if one.type not in {"identifier", "type_identifier"}), name)
    if path.type in {"scoped_identifier", "scoped_type_identifier"} and path.parent is not None:
        path = path.parent
    if path.type in {"struct_expression", "struct_pattern"}:
        return "struct"
    return "tuple" if count is not None or path.type == "tuple_struct_pattern" else "unit"


def type_parameters_of(scene: Scene) -> tuple[str, ...]:
    return type_parameters_at(scene.node, scene.text)


def bounds_of(scene: Scene, parameter: str) -> Iterator[str]:
    """The names of the traits that the functions and implementations around ask of a type parameter."""
    for around in ancestors(scene.node):
        parameters = around.child_by_field_name("type_parameters")
        clauses = [child for child in around.children if child.type == "where_clause"]
        for holder in ([parameters] if parameters is not None else []) + clauses:
            for child in holder.named_children:
                named = child.child_by_field_name("name") or child.child_by_field_name("left")
                bounds = child.child_by_field_name("bounds")
                if named is not None and bounds is not None and scene.of(named) == parameter:
                    yield from (bare_type_name(scene.of(bound)) for bound in bounds.named_children)


# ---- words of other languages ---------------------------------------------------------------------------------


@cache
def word_table() -> Mapping[str, Mapping[str, str]]:
    """For each type the words that other languages or other types have for its methods."""
    folder = files("sleepy_agent.fixes.templates")
    table: dict[str, Mapping[str, str]] = {}
    for name in ("other_languages.toml", "other_languages_values.toml"):
        table |= tomllib.loads(folder.joinpath(name).read_text(encoding="utf-8"))["words"]
    return table


def word_of_another_language(scene: Scene) -> Iterator[Proposal]:
    """`items.push_back(x)` -> `items.push(x)` on a Vec. A word may have several meanings, best first."""
    wanted, type_text = scene.values["wanted"], full_type(scene)
    if spelled(scene) != wanted:
        return
    count = called_with(scene.node)
    name = bare_type_name(type_text)
    # What every type may have by its derives is left to the compiler to judge.
    meanings = [word for group in groups_of(name) for word in meanings_in(word_table().get(group, {}), wanted, count)]
    for number, word in enumerate(dict.fromkeys(meanings)):
        yield Proposal(
            (scene.replace(scene.span, word),),
            {"wanted": wanted, "found": word},
            extra_cost=0.12 * number,
            question=f"which method is meant by `{wanted}`" if len(set(meanings)) > 1 else None,
        )


def meanings_in(table: Mapping[str, str], wanted: str, count: int | None) -> list[str]:
    """The entries for a word, those for this number of arguments (`add/1`) first."""
    entry = table.get(f"{wanted}/{count}") or table.get(wanted, "")
    return entry.split()


def groups_of(name: str) -> tuple[str, ...]:
    """The tables of the word list that speak of a type, its own first."""
    groups = [name]
    if name in ITERATORS or any(one.path[1:2] == ("iter",) for one in std_named(name)):
        groups.append("Iterator")
    inner = {"String": "str", "Vec": "slice", "array": "slice", "PathBuf": "Path"}.get(name)
    return (*groups, *([inner] if inner else []), "*")


# ---- constructors ---------------------------------------------------------------------------------------------


def another_constructor(scene: Scene) -> Iterator[Proposal]:
    """`Shelf::new()` -> `Shelf::empty()`, where the type has no `new` but a function that gives it."""
    wanted, name = scene.values["wanted"], bare_type_name(scene.values["type"])
    count = called_with(scene.node)
    item = scene.index.type_named(name)
    if spelled(scene) != wanted or count is None:
        return
    functions = scene.index.methods_of(name) if item is not None else dependency_members(scene, name)
    found = [
        one
        for one in functions
        if one.self_parameter is None
        and len(one.parameters) == count
        and is_usable(scene, one)
        and bare_type_name(one.returns or "") in {"Self", name}
        and similarity(one.name, wanted) < 0.55
    ]
    names = [one.name for one in found]
    if (
        item is not None
        and count == 0
        and ("Default" in item.derives or has_trait(scene, name, "Default"))
        and "default" not in names
    ):
        names.append("default")
    for one in names[:3]:
        yield Proposal(
            (scene.replace(scene.span, one),),
            {"wanted": wanted, "found": one, "type": name},
            question=f"which function makes a `{name}`" if len(names) > 1 else None,
        )


def has_trait(scene: Scene, type_name: str, trait: str) -> bool:
    return any(one.trait_name == trait for one in scene.index.implementations_of(type_name))
