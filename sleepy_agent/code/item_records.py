"""What one Rust file declares, as frozen records: items, implementations, imports, modules. No behaviour here
beyond what follows from the fields. Positions are bytes of the file's text."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Literal

Range = tuple[int, int]


class ItemKind(StrEnum):
    """What an item is. A METHOD is any function that belongs to an implementation or a trait, with or
    without `self`; `Item.self_parameter` tells the difference."""

    FUNCTION = "function"
    METHOD = "method"
    STRUCT = "struct"
    ENUM = "enum"
    UNION = "union"
    TRAIT = "trait"
    TYPE_ALIAS = "type alias"
    ASSOCIATED_TYPE = "associated type"
    CONST = "const"
    STATIC = "static"
    MODULE = "module"
    MACRO = "macro"


TYPE_KINDS = frozenset({ItemKind.STRUCT, ItemKind.ENUM, ItemKind.UNION, ItemKind.TYPE_ALIAS})
FUNCTION_KINDS = frozenset({ItemKind.FUNCTION, ItemKind.METHOD})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function, without `self`. `name` is the whole pattern as it is written, without `mut`."""

    name: str
    type: str
    byte_start: int
    byte_end: int


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a struct, a union or a variant; the name of a tuple's field is its number."""

    name: str
    type: str
    visibility: str
    byte_start: int
    byte_end: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant of an enum."""

    name: str
    shape: Literal["unit", "tuple", "struct"]
    fields: tuple[Field, ...]
    byte_start: int
    byte_end: int


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a file. `byte_start` is where the item itself begins (`pub`, `fn`, ...), not its attributes."""

    kind: ItemKind
    name: str
    file: Path
    byte_start: int
    byte_end: int
    name_start: int
    name_end: int
    visibility: str = ""
    """`pub`, `pub(crate)`, ... as it is written; empty for private. Members of a trait and of its
    implementations are as visible as the trait."""
    module: tuple[str, ...] = ()
    """The modules around it from the crate's root on, without the crate's own name."""
    generics: str = ""
    generics_range: Range | None = None
    where_clause: str = ""
    parameters: tuple[Parameter, ...] = ()
    parameters_range: Range | None = None
    """From the opening to behind the closing parenthesis."""
    self_parameter: str | None = None
    returns: str | None = None
    returns_range: Range | None = None
    fields: tuple[Field, ...] = ()
    variants: tuple[Variant, ...] = ()
    is_tuple: bool = False
    derives: tuple[str, ...] = ()
    derive_start: int | None = None
    """Where the names in the parentheses of the first `derive` begin."""
    derive_end: int | None = None
    supertraits: tuple[str, ...] = ()
    owner: str | None = None
    of_trait: str | None = None
    """The trait whose implementation this is a member of."""
    is_in_trait: bool = False
    """Whether this is a member of the declaration of the trait `owner`."""
    body_start: int | None = None
    body_end: int | None = None
    is_async: bool = False
    is_const: bool = False
    is_unsafe: bool = False
    has_default_body: bool = False
    """For a trait's function, constant or type: whether implementations may leave it out."""
    type: str | None = None
    attributes: tuple[str, ...] = ()
    attributes_start: int = 0
    """Where its first attribute or doc comment begins; `byte_start` where there is none."""
    scope: Range | None = None
    """The block it is declared in, for an item inside of a function."""
    is_test: bool = False
    """Whether it stands under `#[cfg(test)]` or is a `#[test]`."""
    is_conditional: bool = False
    """Whether a `cfg` (of its own or around it) decides if it is there at all; nobody asks which ones hold."""
    is_whole: bool = True
    """Whether its syntax could be read to the end; of a broken item the head is kept."""
    is_in_macro: bool = False
    """Whether it stands in the arguments of a macro, so that its text may be something else than Rust."""

    @property
    def is_local(self) -> bool:
        """Whether it is declared inside of a function."""
        return self.scope is not None

    @property
    def key(self) -> tuple[Path, int]:
        """What tells it from every other item of a workspace."""
        return (self.file, self.name_start)


@dataclass(frozen=True, slots=True)
class Implementation:
    """One `impl` block. `type_name` is the bare name: `Shelf` of `impl<'a> Display for &'a Shelf<T>`."""

    type_name: str
    type_text: str
    trait_name: str | None
    trait_text: str | None
    generics: str
    where_clause: str
    file: Path
    byte_start: int
    byte_end: int
    body_start: int | None
    body_end: int | None
    module: tuple[str, ...]
    items: tuple[Item, ...]
    type_range: Range | None = None
    trait_range: Range | None = None
    generics_range: Range | None = None
    is_blanket: bool = False
    """Whether it is for a type parameter: `impl<T: Display> Loud for T`."""
    is_negative: bool = False
    scope: Range | None = None
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Import:
    """One name (or `*`) that a `use` or an `extern crate` brings; nested use trees are flattened.

    `path` never begins with the empty segment of `::name`, and `self` at its end is left out.
    """

    path: tuple[str, ...]
    name: str
    """The name it is bound to, after `as`; `*` for a glob."""
    is_glob: bool
    visibility: str
    file: Path
    byte_start: int
    byte_end: int
    module: tuple[str, ...]
    leaf_start: int = 0
    """Its own part of the use tree."""
    leaf_end: int = 0
    scope: Range | None = None
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Module:
    """A module as this file shows it: the file itself, an inline `mod name { .. }`, or `mod name;`."""

    path: tuple[str, ...]
    """Its path from the crate's root, its own name last; empty for the root."""
    file: Path
    byte_start: int
    byte_end: int
    body_start: int | None
    """None for `mod name;`."""
    body_end: int | None
    visibility: str = ""
    path_attribute: str | None = None
    inline_parents: tuple[str, ...] = ()
    """The inline modules of this file around it, outermost first."""
    is_test: bool = False
    is_conditional: bool = False
    import_place: int = 0
    import_indentation: str = ""

    @property
    def name(self) -> str:
        return self.path[-1] if self.path else ""


@dataclass(frozen=True)
class FileItems:
    """All that one file declares."""

    file: Path
    module: tuple[str, ...]
    text: bytes = field(repr=False)
    items: tuple[Item, ...]
    """In the order of the text, members of implementations and traits among them."""
    implementations: tuple[Implementation, ...]
    imports: tuple[Import, ...]
    modules: tuple[Module, ...]
    """The file itself first."""
    is_test: bool = False
    is_conditional: bool = False

    @cached_property
    def bodies(self) -> tuple[Module, ...]:
        """The modules whose body is in this file, inner ones first."""
        return tuple(reversed([module for module in self.modules if module.body_start is not None]))

    def module_around(self, position: int) -> Module:
        """The innermost module that holds the position."""
        return next(
            (
                module
                for module in self.bodies
                if module.body_start is not None
                and module.body_end is not None
                and module.body_start <= position <= module.body_end
            ),
            self.modules[0],
        )

    def item_around(self, position: int) -> Item | None:
        """The innermost item that holds the position, attributes and doc comments counted in."""
        found: Item | None = None
        for item in self.items:
            if item.attributes_start > position:
                # Items are sorted by where they begin.
                break
            if position <= item.byte_end and (found is None or item.byte_end <= found.byte_end):
                found = item
        return found

    def implementation_around(self, position: int) -> Implementation | None:
        """The innermost implementation that holds the position."""
        around = [one for one in self.implementations if one.byte_start <= position <= one.byte_end]
        return max(around, key=lambda one: one.byte_start, default=None)
