"""The members of everyday traits of std whose code follows from the type they are implemented for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sleepy_agent.code.index import WorkspaceIndex
from sleepy_agent.code.items import Field, Item, ItemKind
from sleepy_agent.code.type_text import bare_type_name, type_arguments

OPERATORS = {
    "Add": ("add", "+"),
    "Sub": ("sub", "-"),
    "Mul": ("mul", "*"),
    "Div": ("div", "/"),
    "Rem": ("rem", "%"),
}
ASSIGNING = {
    "AddAssign": ("add_assign", "+="),
    "SubAssign": ("sub_assign", "-="),
    "MulAssign": ("mul_assign", "*="),
    "DivAssign": ("div_assign", "/="),
}
NUMBERS = frozenset(
    {"i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize", "f32", "f64"}
)
SHOWN = NUMBERS | {"String", "str", "char", "bool"}
SEQUENCES = frozenset({"Vec", "VecDeque", "HashMap", "HashSet", "BTreeMap", "BTreeSet", "Option"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which member of which trait is to be written for which type."""

    index: WorkspaceIndex
    item: Item
    arguments: tuple[str, ...]
    """Those of the trait: `("u32",)` of `From<u32>`."""
    types: Mapping[str, str]
    """The associated types that the implementation names already."""
    fmt: str
    """How the module `std::fmt` is called there."""
    traits: frozenset[str]
    """The traits that the type has otherwise."""


Body = Callable[[Wanted], "str | None"]


def only_field(item: Item) -> Field | None:
    """The single field of a struct."""
    return item.fields[0] if item.kind is ItemKind.STRUCT and len(item.fields) == 1 else None


def field_of_type(item: Item, type_text: str) -> Field | None:
    """The only field of a struct that has a type."""
    found = [field for field in item.fields if same_text(field.type, type_text)]
    return found[0] if item.kind is ItemKind.STRUCT and len(found) == 1 else None


def same_text(first: str, second: str) -> bool:
    return re.sub(r"\s", "", first) == re.sub(r"\s", "", second)


def built(item: Item, values: Mapping[str, str], name: str = "Self") -> str:
    """The expression that makes a struct of its fields' values."""
    if item.is_tuple:
        return f"{name}({', '.join(values.values())})"
    return f"{name} {{ {', '.join(f'{field}: {value}' for field, value in values.items())} }}"


def display(wanted: Wanted) -> str | None:
    """Show the only field, or the names of variants."""
    item = wanted.item
    head = f"fn fmt(&self, f: &mut {wanted.fmt}::Formatter<'_>) -> {wanted.fmt}::Result"
    field = only_field(item)
    if field is not None and (field.type.removeprefix("&'static ").removeprefix("&'a ") in SHOWN):
        return f'{head} {{\nwrite!(f, "{{}}", self.{field.name})\n}}'
    if item.kind is ItemKind.ENUM and item.variants and all(one.shape == "unit" for one in item.variants):
        arms = "\n".join(f'{item.name}::{one.name} => write!(f, "{one.name}"),' for one in item.variants)
        return f"{head} {{\nmatch self {{\n{arms}\n}}\n}}"
    return None


def deref(wanted: Wanted) -> str | None:
    target = wanted.types.get("Target")
    field = field_of_type(wanted.item, target) if target is not None else None
    return f"fn deref(&self) -> &Self::Target {{\n&self.{field.name}\n}}" if field is not None else None


def deref_mut(wanted: Wanted) -> str | None:
    of_deref = [one for one in wanted.index.implementations_of(wanted.item.name) if one.trait_name == "Deref"]
    target = next((item.type for one in of_deref for item in one.items if item.name == "Target"), None)
    field = field_of_type(wanted.item, target) if target is not None else None
    return f"fn deref_mut(&mut self) -> &mut Self::Target {{\n&mut self.{field.name}\n}}" if field is not None else None


def index_of(wanted: Wanted) -> str | None:
    output = wanted.types.get("Output")
    fields = [
        field
        for field in wanted.item.fields
        if bare_type_name(field.type) in {"Vec", "VecDeque", "array", "slice"} and output in type_arguments(field.type)
    ]
    if len(fields) != 1 or wanted.arguments != ("usize",):
        return None
    return f"fn index(&self, index: usize) -> &Self::Output {{\n&self.{fields[0].name}[index]\n}}"


def from_value(wanted: Wanted) -> str | None:
    if len(wanted.arguments) != 1:
        return None
    item, given = wanted.item, wanted.arguments[0]
    value: str | None = None
    field = only_field(item)
    if field is not None and same_text(field.type, given):
        value = "Self(value)" if item.is_tuple else f"Self {{ {field.name}: value }}"
    variants = [
        one
        for one in item.variants
        if one.shape == "tuple" and len(one.fields) == 1 and same_text(one.fields[0].type, given)
    ]
    if len(variants) == 1:
        value = f"Self::{variants[0].name}(value)"
    return f"fn from(value: {given}) -> Self {{\n{value}\n}}" if value is not None else None


def default(wanted: Wanted) -> str | None:
    item = wanted.item
    makers = [one for one in wanted.index.methods_of(item.name) if one.name == "new"]
    if len(makers) == 1 and not makers[0].parameters and makers[0].self_parameter is None:
        return "fn default() -> Self {\nSelf::new()\n}"
    if item.kind is not ItemKind.STRUCT or not item.fields:
        return None
    return f"fn default() -> Self {{\n{built(item, {one.name: 'Default::default()' for one in item.fields})}\n}}"


def as_ref(wanted: Wanted) -> str | None:
    if len(wanted.arguments) != 1:
        return None
    given = wanted.arguments[0]
    owner = {"str": "String", "Path": "PathBuf"}.get(given)
    element = re.fullmatch(r"\[(.*)\]", given)
    owner = f"Vec<{element[1]}>" if element else owner
    fields = [one for one in wanted.item.fields if same_text(one.type, given) or (owner and same_text(one.type, owner))]
    return f"fn as_ref(&self) -> &{given} {{\n&self.{fields[0].name}\n}}" if len(fields) == 1 else None


def into_iter(wanted: Wanted) -> str | None:
    fields = [one for one in wanted.item.fields if bare_type_name(one.type) in SEQUENCES]
    if len(fields) != 1:
        return None
    return f"fn into_iter(self) -> Self::IntoIter {{\nself.{fields[0].name}.into_iter()\n}}"


def operator(name: str, sign: str) -> Body:
    """An operator on every field, where all are numbers of one kind of meaning."""

    def body(wanted: Wanted) -> str | None:
        item = wanted.item
        other = wanted.arguments[0] if wanted.arguments else "Self"
        if not all_numbers(item):
            return None
        if other in {"Self", item.name} and sign in {"+", "-"}:
            values = {one.name: f"self.{one.name} {sign} other.{one.name}" for one in item.fields}
        elif other in NUMBERS and sign in {"*", "/"} and all(one.type == other for one in item.fields):
            values = {one.name: f"self.{one.name} {sign} other" for one in item.fields}
        else:
            return None
        return f"fn {name}(self, other: {other}) -> Self::Output {{\n{built(item, values)}\n}}"

    return body


def assigning_operator(name: str, sign: str) -> Body:
    """The same for `+=` and its like."""

    def body(wanted: Wanted) -> str | None:
        item = wanted.item
        other = wanted.arguments[0] if wanted.arguments else "Self"
        if not all_numbers(item):
            return None
        if other in {"Self", item.name} and sign in {"+=", "-="}:
            lines = [f"self.{one.name} {sign} other.{one.name};" for one in item.fields]
        elif other in NUMBERS and sign in {"*=", "/="} and all(one.type == other for one in item.fields):
            lines = [f"self.{one.name} {sign} other;" for one in item.fields]
        else:
            return None
        return f"fn {name}(&mut self, other: {other}) {{\n" + "\n".join(lines) + "\n}"

    return body


def negation(wanted: Wanted) -> str | None:
    if not all_numbers(wanted.item) or any(one.type.startswith("u") for one in wanted.item.fields):
        return None
    values = {one.name: f"-self.{one.name}" for one in wanted.item.fields}
    return f"fn neg(self) -> Self::Output {{\n{built(wanted.item, values)}\n}}"


def all_numbers(item: Item) -> bool:
    """Whether a type is a struct of numbers, as a vector or an amount is."""
    return item.kind is ItemKind.STRUCT and bool(item.fields) and all(one.type in NUMBERS for one in item.fields)


def partial_cmp(wanted: Wanted) -> str | None:
    if "Ord" not in wanted.traits:
        return None
    return "fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {\nSome(self.cmp(other))\n}"


def equal(wanted: Wanted) -> str | None:
    item = wanted.item
    if "Ord" in wanted.traits and "Ord" not in item.derives:
        return "fn eq(&self, other: &Self) -> bool {\nself.cmp(other) == std::cmp::Ordering::Equal\n}"
    if item.kind is not ItemKind.STRUCT or not item.fields:
        return None
    equalities = " && ".join(f"self.{one.name} == other.{one.name}" for one in item.fields)
    return f"fn eq(&self, other: &Self) -> bool {{\n{equalities}\n}}"


def clone(wanted: Wanted) -> str | None:
    item = wanted.item
    if "Copy" in wanted.traits:
        return "fn clone(&self) -> Self {\n*self\n}"
    if item.kind is not ItemKind.STRUCT or not item.fields:
        return None
    values = {one.name: f"self.{one.name}" + ("" if one.type in NUMBERS else ".clone()") for one in item.fields}
    return f"fn clone(&self) -> Self {{\n{built(item, values)}\n}}"


BODIES: Mapping[tuple[str, str], Body] = {
    ("Display", "fmt"): display,
    ("Deref", "deref"): deref,
    ("DerefMut", "deref_mut"): deref_mut,
    ("Index", "index"): index_of,
    ("From", "from"): from_value,
    ("Default", "default"): default,
    ("AsRef", "as_ref"): as_ref,
    ("IntoIterator", "into_iter"): into_iter,
    ("PartialOrd", "partial_cmp"): partial_cmp,
    ("PartialEq", "eq"): equal,
    ("Clone", "clone"): clone,
    ("Neg", "neg"): negation,
    **{(trait, name): operator(name, sign) for trait, (name, sign) in OPERATORS.items()},
    **{(trait, name): assigning_operator(name, sign) for trait, (name, sign) in ASSIGNING.items()},
}

# Where an associated type of std's traits can be read: the method, and its returned type with the type as a group.
TYPE_IN_METHOD: Mapping[tuple[str, str], tuple[str, str]] = {
    ("Iterator", "Item"): ("next", r"Option<(.+)>"),
    ("DoubleEndedIterator", "Item"): ("next_back", r"Option<(.+)>"),
    ("Deref", "Target"): ("deref", r"&\s*(.+)"),
    ("Index", "Output"): ("index", r"&\s*(.+)"),
    ("FromStr", "Err"): ("from_str", r"(?:std::result::)?Result<[^,]+,\s*(.+)>"),
    ("TryFrom", "Error"): ("try_from", r"(?:std::result::)?Result<[^,]+,\s*(.+)>"),
    ("IntoIterator", "IntoIter"): ("into_iter", r"(.+)"),
    ("Neg", "Output"): ("neg", r"(.+)"),
    ("Not", "Output"): ("not", r"(.+)"),
    ("Future", "Output"): ("poll", r"(?:std::task::)?Poll<(.+)>"),
    **{(trait, "Output"): (name, r"(.+)") for trait, (name, _) in OPERATORS.items()},
}
