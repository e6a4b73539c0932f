"""Types as they are written: what is the name in them, what their arguments are. Pure, on strings."""

from __future__ import annotations

import re

OPENING, CLOSING = "([{<", ")]}>"

# What stands in front of a type's name and says how it is held.
HOLDERS = re.compile(r"^(?:&|\*\s*(?:const|mut)\b|'\w+\b|mut\b|dyn\b|impl\b|for\s*<[^>]*>|\s)+")
REFERENCE = re.compile(r"^&\s*(?:'\w+\s*)?(?P<mut>mut\b\s*)?")


def bare_type_name(text: str) -> str:
    """The name without references, paths and arguments: `Shelf` of `&'a mut store::Shelf<T>`.

    A slice is called `slice`, an array `array`, a tuple `tuple`, a function pointer `fn`.
    """
    text = HOLDERS.sub("", text.strip())
    if text.startswith("["):
        return "array" if len(split_outside(text[1:-1], ";")) > 1 else "slice"
    if text.startswith("("):
        inner = split_outside(text[1:-1], ",")
        return bare_type_name(inner[0]) if len(inner) == 1 and "+" in text else "tuple"
    if re.match(r"(?:unsafe\s+|extern\s+(?:\"\w*\"\s+)?)*fn\b", text):
        return "fn"
    if text.startswith("<"):
        return text.rsplit("::", 1)[-1].strip()
    head = re.match(r"[\w:\s#]*", text)
    path = head.group() if head else ""
    return path.replace(" ", "").removesuffix("::").rsplit("::", 1)[-1].removeprefix("r#")


def type_arguments(text: str) -> tuple[str, ...]:
    """`("K", "Vec<V>")` of `&HashMap<K, Vec<V>>`; the element of a slice or an array; the members of a tuple.
    Lifetimes are left out."""
    text = HOLDERS.sub("", text.strip())
    if text.startswith("["):
        return (split_outside(text[1:-1], ";")[0].strip(),)
    if text.startswith("("):
        return tuple(part.strip() for part in split_outside(text[1:-1], ",") if part.strip())
    start = text.find("<")
    if start < 0 or not text.endswith(">"):
        return ()
    parts = (part.strip() for part in split_outside(text[start + 1 : -1], ","))
    return tuple(part for part in parts if part and not part.startswith("'"))


def without_reference(text: str) -> str:
    """The type behind one `&`, `&'a` or `&mut`."""
    return REFERENCE.sub("", text.strip(), count=1)


def is_reference(text: str) -> bool:
    return text.strip().startswith("&")


def is_mutable_reference(text: str) -> bool:
    found = REFERENCE.match(text.strip())
    return found is not None and found["mut"] is not None


def split_outside(text: str, separator: str) -> list[str]:
    """The parts between separators that stand in no brackets; the `>` of `->` and `=>` closes nothing."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        if character in OPENING:
            depth += 1
        elif character in CLOSING and not (character == ">" and text[position - 1 : position] in {"-", "="}):
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]
