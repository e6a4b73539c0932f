"""The examples of `rustc --explain`: reading the markdown, and making whole programs of its code blocks.

`rustc --explain` prints the text of the error index without what follows the fences and without hidden lines
(rustc_driver_impl, `handle_explain`); a text that still has them is read as rustdoc reads it. Where a fence
says nothing, how a block behaves under the compiler decides what it is (see `pairs.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

EDITIONS = ("2021", "2018", "2015", "2024")
"""In the order in which they are tried where the fence names none: today's code first."""

_FENCE = re.compile(r"^(?P<indent>\s*)(?P<ticks>`{3,})(?P<info>[^`]*)$")
_CODE = re.compile(r"^E\d{4}$")
_LANGUAGES_AND_FLAGS = re.compile(
    r"^(rust|should_panic|no_run|compile_fail|E\d{4}|edition\d{4}|standalone\w*|test_harness)$"
)
_CRATE_ATTRIBUTE = re.compile(r"^\s*#!\[")
_EXTERN_CRATE = re.compile(r"^\s*(?:#\[macro_use[^\]]*\]\s*)?extern\s+crate\s[^;]*;")
_MAIN = re.compile(r"\bfn\s+main\s*(?:<[^>]*>)?\s*\(")


class Claim(StrEnum):
    """What a fence says of its block."""

    ERRONEOUS = "erroneous"
    CORRECTED = "corrected"
    UNKNOWN = "unknown"
    """The fence says nothing: the compiler decides."""
    NOT_CODE = "not code"
    """Another language, plain text, or an example that rustdoc ignores."""


class Form(StrEnum):
    """How a block becomes a program."""

    AS_RUSTDOC = "as rustdoc"
    """Wrapped in `fn main() { ... }` unless it has one."""
    WITH_EMPTY_MAIN = "with an empty main"
    """As it stands, `fn main() {}` appended: what a hidden `# fn main() {}` line had said."""


@dataclass(frozen=True, slots=True)
class Block:
    """One code block. `edition`: as its fence says, else None."""

    index: int
    claim: Claim
    edition: str | None
    text: str

    @property
    def has_main(self) -> bool:
        return bool(_MAIN.search(self.text))

    @property
    def needs_bootstrap(self) -> bool:
        """Whether it asks for unstable features, which a stable compiler grants only under RUSTC_BOOTSTRAP."""
        return bool(re.search(r"#!\[feature\b", self.text))


def blocks_of(markdown: str) -> tuple[Block, ...]:
    """The code blocks of one explanation, in order; a fence that is never closed ends with the text."""
    blocks: list[Block] = []
    lines: list[str] | None = None
    opening: re.Match[str] | None = None
    for line in [*markdown.splitlines(), None]:
        fence = _FENCE.match(line) if line is not None else None
        if lines is None or opening is None:
            if fence:
                opening, lines = fence, []
            continue
        closes = fence is not None and not fence["info"].strip() and len(fence["ticks"]) >= len(opening["ticks"])
        if line is None or closes:
            claim, edition = claim_of(opening["info"])
            blocks.append(Block(len(blocks), claim, edition, _without_hidden_marks(lines)))
            opening = lines = None
        else:
            lines.append(line.removeprefix(opening["indent"]))
    return tuple(blocks)


def claim_of(info: str) -> tuple[Claim, str | None]:
    """What the words behind the fence say: the claim, and the edition where one is named."""
    words = [word for word in re.split(r"[,\s]+", info.strip()) if word]
    edition = next((word.removeprefix("edition") for word in words if re.match(r"^edition\d{4}$", word)), None)
    if not words:
        return Claim.UNKNOWN, None
    if not all(_LANGUAGES_AND_FLAGS.match(word) for word in words):
        return Claim.NOT_CODE, edition
    if "compile_fail" in words:
        return Claim.ERRONEOUS, edition
    return Claim.CORRECTED, edition


def program_of(text: str, form: Form) -> str:
    """A whole program from a block, as rustdoc makes it: `#![allow(unused)]`, crate attributes and
    `extern crate` in front, the rest in `fn main()` unless it has one."""
    if _MAIN.search(text):
        return f"#![allow(unused)]\n{text.rstrip()}\n"
    if form is Form.WITH_EMPTY_MAIN:
        return f"#![allow(unused)]\n{text.rstrip()}\n\nfn main() {{}}\n"
    attributes, crates, rest = _hoisted(text)
    return "\n".join(["#![allow(unused)]", *attributes, *crates, "fn main() {", *rest, "}", ""])


def _hoisted(text: str) -> tuple[list[str], list[str], list[str]]:
    attributes: list[str] = []
    crates: list[str] = []
    rest: list[str] = []
    open_brackets = 0
    for line in text.strip("\n").splitlines():
        # An attribute may go over several lines; it ends where its brackets balance.
        if open_brackets > 0 or _CRATE_ATTRIBUTE.match(line):
            attributes.append(line)
            code = line.partition("//")[0]
            open_brackets += code.count("[") - code.count("]")
        elif _EXTERN_CRATE.match(line) and not any(other.strip() for other in rest):
            crates.append(line)
        else:
            rest.append(line)
    return attributes, crates, rest


def _without_hidden_marks(lines: list[str]) -> str:
    """`# code` and a lone `#` are code that rustdoc hides; `##` is a written `#`."""
    shown = []
    for line in lines:
        stripped = line.lstrip()
        indent = line[: len(line) - len(stripped)]
        if stripped == "#":
            shown.append("")
        elif stripped.startswith("# "):
            shown.append(indent + stripped[2:])
        elif stripped.startswith("##"):
            shown.append(indent + stripped[1:])
        else:
            shown.append(line)
    return "\n".join(shown) + "\n"
