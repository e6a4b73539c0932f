"""The everyday names of std, from std_names.toml: where they are and which methods they have."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sleepy_agent.code.type_text import (
    bare_type_name,
    is_mutable_reference,
    is_reference,
    type_arguments,
    without_reference,
)

SIGNED = frozenset({"i8", "i16", "i32", "i64", "i128", "isize"})
UNSIGNED = frozenset({"u8", "u16", "u32", "u64", "u128", "usize"})
FLOATS = frozenset({"f32", "f64"})
PRIMITIVES = SIGNED | UNSIGNED | FLOATS | {"bool", "char", "str"}
# Pointers whose methods are also those of what they point to.
POINTERS = frozenset({"Box", "Rc", "Arc", "Cow", "Ref", "RefMut", "MutexGuard", "RwLockReadGuard", "RwLockWriteGuard"})


@dataclass(frozen=True, slots=True)
class StdName:
    """One name of std."""

    name: str
    path: tuple[str, ...]
    kind: str
    """The value of an ItemKind, or `variant`."""
    methods: tuple[str, ...] = ()
    is_in_prelude: bool = False

    @property
    def written_path(self) -> str:
        return "::".join(self.path)


@cache
def std_table() -> Mapping[str, Mapping[str, str]]:
    """The table as it is written."""
    return tomllib.loads(files("sleepy_agent.code").joinpath("std_names.toml").read_text(encoding="utf-8"))


@cache
def std_names() -> tuple[StdName, ...]:
    """All of them."""
    table = std_table()
    methods, prelude = table["methods"], set(table["prelude"]["names"].split())
    prelude -= set(table["prelude"]["derives_only"].split())
    return tuple(
        StdName(
            name=path[-1],
            path=path,
            kind=kind,
            methods=tuple((methods.get("::".join(path[-2:])) or methods.get(path[-1], "")).split()),
            # Of the modules nothing is in the prelude, and macros are there from std's root.
            is_in_prelude=kind == "macro" or (path[-1] in prelude and kind != "module"),
        )
        for kind, paths in table["paths"].items()
        for path in (tuple(written.split("::")) for written in paths.split())
    )


@cache
def _by_name() -> Mapping[str, tuple[StdName, ...]]:
    found: dict[str, tuple[StdName, ...]] = {}
    for one in std_names():
        found[one.name] = (*found.get(one.name, ()), one)
    return found


def std_named(name: str) -> tuple[StdName, ...]:
    """All names of std that end so: `Result` is an enum and two aliases."""
    return _by_name().get(name, ())


def std_trait(name: str) -> StdName | None:
    """The trait of that name."""
    return next((one for one in std_named(bare_type_name(name)) if one.kind == "trait"), None)


@cache
def prelude_names() -> tuple[StdName, ...]:
    """What needs no import."""
    variants = (("Some", "Option"), ("None", "Option"), ("Ok", "Result"), ("Err", "Result"))
    found = [one for one in std_names() if one.is_in_prelude and one.path[1] not in {"fmt", "io", "thread"}]
    found += [StdName(name, ("std", owner.lower(), owner, name), "variant") for name, owner in variants]
    return tuple(found)


@cache
def traits_with_method(method: str) -> tuple[StdName, ...]:
    """The traits of std that have a method of that name."""
    return tuple(one for one in std_names() if one.kind == "trait" and method in one.methods)


@cache
def std_methods_of(type_text: str) -> tuple[str, ...]:
    """The methods of a type of std (as it is written, references do not matter), with those of what it
    dereferences to, and of the traits that every such type has. Empty for other types."""
    table, name = std_table(), bare_type_name(type_text)
    found: list[str] = []
    seen: set[str] = set()
    while name and name not in seen:
        seen.add(name)
        found += _own_methods(name)
        name = table["derefs"].get(name, "")
    if found and bare_type_name(type_text) in POINTERS and "<" in type_text:
        found += std_methods_of(type_text[type_text.index("<") + 1 : -1])
    return tuple(dict.fromkeys(found))


def _own_methods(name: str) -> list[str]:
    methods = std_table()["methods"]
    # `Entry` is one of two; nobody says which.
    groups = [name, *(key for key in methods if key.endswith(f"::{name}"))]
    groups += ["integer"] if name in SIGNED | UNSIGNED else []
    groups += ["signed"] if name in SIGNED else ["unsigned"] if name in UNSIGNED else []
    groups += ["float"] if name in FLOATS else []
    return [method for group in groups for method in methods.get(group, "").split()]


def is_copied(type_text: str) -> bool:
    """Whether a type surely is `Copy`: numbers, `bool`, `char`, shared references."""
    text = type_text.strip()
    if is_reference(text):
        return not is_mutable_reference(text)
    return text in PRIMITIVES - {"str"}


def std_result(type_text: str | None, method: str) -> str | None:
    """What a method of std gives on a type, where the table knows; with no type only what any type would give."""
    table = std_table()
    bare = bare_type_name(type_text) if type_text is not None else ""
    arguments = type_arguments(without_reference(type_text)) if type_text is not None else ()
    while bare:
        known = table["returns"].get(f"{bare}.{method}")
        if known is not None:
            return known
        template = table["returns_of_arguments"].get(f"{bare}.{method}")
        if template is not None:
            try:
                found = template.format(*arguments)
            except IndexError:
                return None
            return None if "_" in arguments[: template.count("{")] else found
        bare = table["derefs"].get(bare, "")
    return table["returns"].get(f"*.{method}")
