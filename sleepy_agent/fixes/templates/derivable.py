"""Which traits a type can derive, as far as its fields tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from sleepy_agent.code.index import WorkspaceIndex
from sleepy_agent.code.items import Item, ItemKind
from sleepy_agent.code.type_text import bare_type_name, type_arguments

BUILDS_ON = {
    "Copy": ("Clone",),
    "Eq": ("PartialEq",),
    "PartialOrd": ("PartialEq",),
    "Ord": ("PartialOrd", "Eq", "PartialEq"),
}


@cache
def limits() -> dict[str, dict[str, list[str]]]:
    """What std's types never implement, and of which they ask it of their arguments: derivable_types.toml."""
    text = files("sleepy_agent.fixes.templates").joinpath("derivable_types.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def std_derives_needed(traits: Iterable[str]) -> set[str]:
    """The traits, with those that each of them builds on."""
    wanted = set(traits)
    return wanted | {other for trait in wanted for other in BUILDS_ON.get(trait, ())}


def has_trait(index: WorkspaceIndex, item: Item, trait: str) -> bool:
    """Whether the type derives the trait or an implementation for it is written."""
    return trait in item.derives or any(one.trait_name == trait for one in index.implementations_of(item.name))


def lacking_types(index: WorkspaceIndex, item: Item, trait: str) -> list[Item] | None:
    """The types of the workspace among the fields that lack the trait; None where a field never can have it."""
    parameters = set(re.findall(r"\b[A-Z]\w*\b", re.sub(r":[^,>]*", "", item.generics)))
    lacking: dict[tuple[object, int], Item] = {}
    texts = [field.type for field in item.fields]
    texts += [field.type for variant in item.variants for field in variant.fields]
    for text in texts:
        if not collect(index, text, trait, parameters | {"Self"}, lacking):
            return None
    lacking.pop(item.key, None)
    return list(lacking.values())


def collect(
    index: WorkspaceIndex, text: str, trait: str, parameters: set[str], lacking: dict[tuple[object, int], Item]
) -> bool:
    """Add the types inside of `text` that lack the trait; False where one is known never to have it."""
    text = text.strip()
    if text.startswith("&"):
        if re.match(r"&\s*('\w+\s+)?mut\b", text):
            return trait not in {"Clone", "Copy", "Default"}
        if trait in {"Clone", "Copy"}:
            return True
        if trait == "Default":
            return text.endswith("str")
        return collect(index, re.sub(r"^&\s*('\w+\s+)?", "", text), trait, parameters, lacking)
    if re.search(r"\bdyn\b", text) and not re.match(r"(Rc|Arc)\b", text):
        return trait == "Debug" and re.search(r"dyn\s+(\w+::)*(Debug|Error)\b", text) is not None
    name = bare_type_name(text)
    if trait in limits()["never"].get(name, ()):
        return False
    if name == "fn":
        return trait != "Default"
    if name in parameters:
        return True
    if trait in limits()["without_arguments"].get(name, ()):
        return True
    item = index.type_named(name)
    if item is not None and item.kind is ItemKind.TYPE_ALIAS and item.type is not None and item.type != text:
        return collect(index, item.type, trait, parameters, lacking)
    if item is not None and item.kind in {ItemKind.STRUCT, ItemKind.ENUM} and not has_trait(index, item, trait):
        lacking[item.key] = item
    return all(collect(index, argument, trait, parameters, lacking) for argument in type_arguments(text))
