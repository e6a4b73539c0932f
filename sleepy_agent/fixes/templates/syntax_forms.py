"""Forms of other languages that need more than one token: receivers, calls without brackets, texts with values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.scene import Proposal, Scene
from sleepy_agent.fixes.templates.syntax_expected import MOST_TOKENS_BACK, stop_of
from sleepy_agent.fixes.templates.syntax_tokens import CLOSERS, OPENERS, line_of, parses_better

RECEIVERS = {
    r"mut\s*&\s*self": "&mut self",
    r"&\s*self\s+mut": "&mut self",
    r"self\s*&\s*mut": "&mut self",
    r"self\s*&": "&self",
    r"self\s+mut": "mut self",
    r"&\s*mut\s+this": "&mut self",
    r"&\s*this": "&self",
}
OPERATOR_WORDS = {b"mod": "%", b"div": "/", b"xor": "^", b"AND": "&&", b"OR": "||"}
MACROS = frozenset(
    {b"vec", b"println", b"print", b"eprintln", b"eprint", b"format", b"write", b"writeln", b"assert", b"assert_eq"}
    | {b"assert_ne", b"debug_assert", b"panic", b"todo", b"matches", b"macro_rules", b"unreachable", b"unimplemented"}
)
ARGUMENTS_END = frozenset({b";", b"}", b")", b"]"})


def receiver(scene: Scene) -> Iterator[Proposal]:
    """The receiver of a method as Rust writes it."""
    start, end = line_of(scene.text, scene.span.byte_start)
    line = scene.code(start, end)
    for written, ours in RECEIVERS.items():
        found = re.search(rf"\bfn\s+\w+\s*(?:<[^>]*>)?\(\s*({written})\s*[,)]", line)
        if found is not None:
            first = start + len(line[: found.start(1)].encode())
            edit = Edit(scene.file, first, first + len(found[1].encode()), ours)
            yield Proposal((edit,), {"receiver": ours})
            return


def brackets_around_arguments(scene: Scene) -> Iterator[Proposal]:
    """`names.push 1` as `names.push(1)`, `Some value` as `Some(value)`."""
    stop = stop_of(scene)
    if (
        stop is None
        or stop.previous.kind != "word"
        or (stop.found.kind == "mark" and stop.found.text not in {b"&", b"*"})
    ):
        return
    tokens = stop.tokens.all
    before = tokens[stop.number - 2].text if stop.number > 1 else b""
    is_wrapper = stop.previous.text in {b"Some", b"Ok", b"Err", b"Box"}
    if before != b"." and not is_wrapper:
        return
    last = stop.number
    if not is_wrapper:
        while last + 1 < len(tokens) and tokens[last + 1].text not in ARGUMENTS_END:
            if b"\n" in scene.text[tokens[last].end : tokens[last + 1].start]:
                break
            partner = stop.tokens.partner(last + 1)
            last = partner if partner is not None else last + 1
    arguments = scene.code(stop.found.start, tokens[last].end)
    edit = Edit(scene.file, stop.previous.end, tokens[last].end, f"({arguments})")
    if parses_better(scene, (edit,)):
        yield Proposal((edit,), {"call": f"{stop.previous.text.decode(errors='replace')}({arguments})"})


def formatted_text(scene: Scene) -> Iterator[Proposal]:
    """`f"{name}"` as `format!("{name}")`."""
    start = scene.span.byte_start
    found = re.match(rb'f("(?:[^"\\]|\\.)*")', scene.text[start : start + 2000])
    if found is not None:
        edit = Edit(scene.file, start, start + found.end(), f"format!({found[1].decode(errors='replace')})")
        yield Proposal((edit,))


def operator_word(scene: Scene) -> Iterator[Proposal]:
    """`a mod b` as `a % b`."""
    stop = stop_of(scene)
    sign = OPERATOR_WORDS.get(stop.found.text) if stop is not None else None
    if stop is not None and sign is not None:
        edit = Edit(scene.file, stop.found.start, stop.found.end, sign)
        if parses_better(scene, (edit,)):
            yield Proposal((edit,), {"old": stop.found.text.decode(), "sign": sign})


def imports_in_braces(scene: Scene) -> Iterator[Proposal]:
    """`use std::fmt, io;` as `use std::{fmt, io};`."""
    start, _ = line_of(scene.text, scene.span.byte_start)
    end = scene.text.find(b";", scene.span.byte_start)
    found = re.fullmatch(
        r"(\s*(?:pub(?:\([^)]*\))?\s+)?use\s+(?:\w+::)+)([\w:*]+(?:\s*,\s*[\w:*]+)+)", scene.code(start, end)
    )
    if end >= 0 and found is not None:
        first = start + len(found[1].encode())
        edit = Edit(scene.file, first, end, f"{{{found[2]}}}")
        yield Proposal((edit,))


def mark_of_a_macro(scene: Scene) -> Iterator[Proposal]:
    """`vec[1, 2]` as `vec![1, 2]`, `macro_rules name {` as `macro_rules! name {`."""
    stop = stop_of(scene)
    if stop is None:
        return
    tokens = stop.tokens.all
    depth = 0
    for number in range(min(stop.number + 1, len(tokens) - 2), max(stop.number - MOST_TOKENS_BACK, 0), -1):
        token = tokens[number]
        depth += (token.text in CLOSERS) - (token.text in OPENERS)
        following = tokens[number + 1]
        if token.text in MACROS and (following.text in OPENERS or token.text == b"macro_rules") and depth <= 0:
            edit = scene.insert(token.end, "!")
            if parses_better(scene, (edit,)):
                yield Proposal((edit,), {"name": token.text.decode()})
            return


def constant_without_keyword(scene: Scene) -> Iterator[Proposal]:
    """`LIMIT: u32 = 3;` as `const LIMIT: u32 = 3;`, where an item is expected."""
    stop = stop_of(scene)
    if stop is None or stop.found.text != b":" or not re.fullmatch(rb"[A-Z][A-Z0-9_]+", stop.previous.text):
        return
    edit = scene.insert(stop.previous.start, "const ")
    if parses_better(scene, (edit,)):
        yield Proposal((edit,), {"name": stop.previous.text.decode()})
