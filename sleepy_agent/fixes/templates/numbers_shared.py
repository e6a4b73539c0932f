"""Which number fits into which, and how this file likes to write conversions."""

from __future__ import annotations

import re

from sleepy_agent.fixes.templates.conversions_shared import FLOATS, INTEGERS, NUMBERS
from sleepy_agent.fixes.templates.scene import Scene

# Bits of the value and whether it has a sign; `usize` has at least 16 bits by its conversions, 64 at most.
BITS = {"8": 8, "16": 16, "32": 32, "64": 64, "128": 128, "size": 64}
MANTISSA = {"f32": 24, "f64": 53}


def width(number: str) -> tuple[bool, int]:
    """Whether an integer has a sign, and how many bits."""
    return number[0] == "i", BITS[number[1:]]


def is_lossless(found: str, expected: str) -> bool:
    """Whether std has `From` from one number to the other."""
    if (found, expected) == ("u8", "char"):
        return True
    if found == expected or expected not in NUMBERS:
        return False
    if found == "bool":
        return expected in INTEGERS
    if found == "char":
        return expected in {"u32", "u64", "u128"}
    if found not in NUMBERS:
        return False
    if found in FLOATS:
        return found == "f32" and expected == "f64"
    signed, bits = width(found)
    if expected in FLOATS:
        return found[1:] != "size" and bits + (0 if not signed else -1) <= MANTISSA[expected]
    to_signed, to_bits = width(expected)
    if found[1:] == "size":
        return False
    if expected[1:] == "size":
        return (bits == 8 and (to_signed or not signed)) or (bits == 16 and signed == to_signed)
    if signed and not to_signed:
        return False
    return to_bits > bits if signed == to_signed or to_signed else False


def never_loses(found: str, expected: str) -> bool:
    """Whether `as` keeps every value, on all machines that have std: `usize` has 32 bits or 64."""
    if is_lossless(found, expected):
        return True
    if found not in INTEGERS or expected not in INTEGERS:
        return found == "u8" and expected == "char"
    signed, bits = width(found)
    to_signed, to_bits = width(expected)
    if signed and not to_signed:
        return False
    if expected[1:] == "size":
        return bits < 32 or (bits == 32 and signed == to_signed)
    return to_bits > bits or (to_bits == bits and signed == to_signed)


def conversions_by_custom(scene: Scene, found: str, expected: str) -> list[str]:
    """The forms of a conversion without loss, `from` and `as`, the one this file uses most first."""
    counts = custom_counts(scene, expected)
    forms = ["from", "as"] if is_lossless(found, expected) else ["as"]
    return sorted(forms, key=lambda form: -counts[form])


def custom_counts(scene: Scene, expected: str) -> dict[str, int]:
    """How often a file writes each form; the wanted type itself counts three times."""
    text = scene.text.decode(errors="replace")
    return {
        "from": 2 * len(re.findall(rf"\b{expected}::from\(", text))
        + len(re.findall(r"\b(?:[iu]\d+|[iu]size|f64)::from\(", text)),
        "as": 2 * len(re.findall(rf"\bas {expected}\b", text))
        + len(re.findall(r"\bas (?:[iu]\d+|[iu]size|f\d+)\b", text)),
    }
