"""What is at hand for a value of a certain name and type: locals, fields of `self`, fields of locals, constants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sleepy_agent.code.binding_types import local_type
from sleepy_agent.code.expression_types import Sight, self_type
from sleepy_agent.code.items import ItemKind
from sleepy_agent.code.local_names import Local, declaration_of, format_uses_of, locals_at, uses_of
from sleepy_agent.code.names import similarity
from sleepy_agent.code.type_text import without_reference
from sleepy_agent.fixes.templates.scene import Scene

COPIED = frozenset(
    "u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 bool char".split()  # noqa: SIM905
)
# Types of so many values that the type alone says little.
COMMON = COPIED | {"String", "&str"}
# What is made of one value, and how.
WRAPPERS = {
    name: f"{name}::new"
    for name in ("Box", "Rc", "Arc", "Cell", "RefCell", "Mutex", "RwLock", "UnsafeCell", "ManuallyDrop")
} | {"Option": "Some", "Wrapping": "Wrapping", "Reverse": "Reverse"}
ATOMICS = {
    "AtomicBool": "bool", "AtomicUsize": "usize", "AtomicIsize": "isize", "AtomicU8": "u8", "AtomicU16": "u16",
    "AtomicU32": "u32", "AtomicU64": "u64", "AtomicI32": "i32", "AtomicI64": "i64",
}  # fmt: skip
LEAST_SIMILARITY = 0.6
SAME_NAME, SAME_NAME_INSIDE, USED_NOWHERE, SIMILAR_NAME, ONLY_ONE, ONLY_COMMON_ONE = 0.0, 0.08, 0.1, 0.12, 0.2, 0.3


@dataclass(frozen=True, slots=True)
class AtHand:
    """An expression that has a value, and what speaks against it."""

    code: str
    cost: float
    is_part: bool = False
    """Whether it lies inside of something else: a field of `self` or of a local."""


def values_for(scene: Scene, position: int, name: str, wanted: str) -> list[AtHand]:
    """Expressions that may stand where a value of that name and type is wanted, the likeliest first."""
    wanted = plain_type(wanted)
    if wanted.startswith("PhantomData<"):
        is_known = any(one.name == "PhantomData" for one in scene.index.visible_names(scene.file, position))
        return [AtHand("PhantomData" if is_known else "std::marker::PhantomData", SAME_NAME)]
    found: dict[str, AtHand] = {}
    others: list[AtHand] = []
    unused: list[AtHand] = []
    for code, known, own_name, is_mutable, is_inside in everything_at(scene, position):
        written = plain_type(known) if known is not None else None
        adapted = fitting(code, written, wanted, is_mutable=is_mutable, is_inside=is_inside)
        if adapted is None:
            continue
        text, extra = adapted
        if own_name == name:
            cost = (SAME_NAME_INSIDE if is_inside else SAME_NAME) + extra
        elif written is not None and similarity(own_name, name) >= LEAST_SIMILARITY:
            cost = SIMILAR_NAME + extra + (0.05 if is_inside else 0.0)
        else:
            if not is_inside and is_used_nowhere(scene, position, own_name):
                unused.append(AtHand(text if written is not None else code, USED_NOWHERE + extra))
            if written is not None and not is_inside:
                others.append(AtHand(text, (ONLY_COMMON_ONE if wanted in COMMON else ONLY_ONE) + extra))
            continue
        if text not in found or cost < found[text].cost:
            found[text] = AtHand(text, cost, is_inside)
    if not found and len(unused) == 1:
        return unused
    if not found and len(others) == 1 and is_concrete(wanted):
        return others
    return sorted(found.values(), key=lambda value: value.cost)[:3]


def is_used_nowhere(scene: Scene, position: int, name: str) -> bool:
    """Whether a local is declared and never mentioned: what is missing somewhere is often its only use."""
    local = declaration_of(scene.root, scene.text, position, name)
    return (
        local is not None
        and not uses_of(scene.root, scene.text, local)
        and not format_uses_of(scene.root, scene.text, local)
    )


def plain_type(text: str) -> str:
    """A type without lifetimes, paths and superfluous blanks."""
    text = re.sub(r"<\s*'\w+\s*>", "", text.strip())
    text = re.sub(r"'\w+\s*,?\s*", "", text)
    text = re.sub(r"\b\w+\s*::\s*(?=\w)", "", text)
    return re.sub(r"\s*([<>,&\[\]();])\s*", r"\1", text).replace("&mut", "&mut ").replace("mut  ", "mut ")


def fitting(
    code: str, known: str | None, wanted: str, *, is_mutable: bool, is_inside: bool
) -> tuple[str, float] | None:
    """The expression as the wanted type, with what the conversion costs; None where it is something else."""
    if known is None or not is_concrete(wanted):
        is_lent = wanted.startswith("&") and known is not None and not known.startswith("&") and known not in COPIED
        return (f"&{code}" if is_lent else code), 0.02
    if known == wanted:
        needs_copy = is_inside and not wanted.startswith("&") and wanted not in COPIED
        return (f"{code}.clone()", 0.1) if needs_copy else (code, 0.0)
    if wanted in {f"&{known}", f"&{view_of(known)}"}:
        return f"&{code}", 0.02
    if wanted in {f"&mut {known}", f"&mut {view_of(known)}"}:
        return (f"&mut {code}", 0.02) if is_mutable else None
    if known == f"&mut {wanted.removeprefix('&')}" or known == f"&{view_of(wanted)}" == wanted:
        return code, 0.01
    if without_reference(known) == wanted and known.startswith("&"):
        return (f"*{code}", 0.02) if wanted in COPIED else (f"{code}.clone()", 0.1)
    if wanted.startswith("&") and known.startswith("&") and view_of(known[1:]) == wanted[1:]:
        return code, 0.01
    if wanted == "String" and known == "&str":
        return f"{code}.to_string()", 0.03
    wrapped = re.fullmatch(r"(\w+)<(.*)>", wanted)
    if wrapped is not None and wrapped[2] == known and wrapped[1] in WRAPPERS:
        return f"{WRAPPERS[wrapped[1]]}({code})", 0.06
    if ATOMICS.get(wanted) == known:
        return f"{wanted}::new({code})", 0.06
    return None


def view_of(known: str) -> str | None:
    """What a reference to it is usually taken as."""
    if known == "String":
        return "str"
    if known == "PathBuf":
        return "Path"
    found = re.fullmatch(r"Vec<(.*)>|\[(.*);[^;]*\]|Box<(.*)>", known)
    if found is None:
        return None
    return found[3] if found[3] else f"[{found[1] or found[2]}]"


def is_concrete(wanted: str) -> bool:
    """Whether only one type fits: no `impl Trait`, no type parameter."""
    return "impl" not in wanted and re.fullmatch(r"&?(mut )?([A-Z]\d?|_)", wanted) is None


def everything_at(scene: Scene, position: int) -> Iterator[tuple[str, str | None, str, bool, bool]]:
    """Code, type, name, whether it may be borrowed mutably, whether it lies inside something else."""
    own: Local | None = None
    seen: set[str] = set()
    for local in locals_at(scene.root, scene.text, position):
        if local.name == "self":
            own = local
            node = scene.root.descendant_for_byte_range(position, position)
            of_self = self_type(Sight(scene.index, scene.root, scene.text), node) if node is not None else None
            if of_self is not None:
                yield "self", (local.type or "Self").replace("Self", of_self), "self", local.is_mutable, False
            continue
        if local.name in seen or local.name.startswith("_") or local.declaration_start <= position < local.byte_end:
            continue
        seen.add(local.name)
        known = type_of_local(scene, local)
        yield local.name, known, local.name, local.is_mutable, False
        if known is not None and len(seen) <= 12:
            for field in scene.index.fields_of(known):
                yield f"{local.name}.{field.name}", field.type, field.name, local.is_mutable, True
    node = scene.root.descendant_for_byte_range(position, position)
    if own is not None and node is not None:
        of_self = self_type(Sight(scene.index, scene.root, scene.text), node)
        for field in scene.index.fields_of(of_self) if of_self is not None else ():
            is_mutable = own.is_mutable or "mut" in (own.type or "")
            yield f"self.{field.name}", field.type, field.name, is_mutable, True
    for name in scene.index.visible_names(scene.file, position):
        item = next(iter(scene.index.items_named(name.name, (ItemKind.CONST, ItemKind.STATIC))), None)
        if item is not None and item.type is not None:
            yield name.name, item.type, name.name.lower(), False, False


def type_of_local(scene: Scene, local: Local) -> str | None:
    """The type of a local where it is written or follows from what it is given."""
    if local.type is not None:
        return local.type
    return local_type(Sight(scene.index, scene.root, scene.text), local)
