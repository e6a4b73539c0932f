"""Keywords: those of other languages, misspelled ones, missing ones, and names that are keywords."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from sleepy_agent.code.names import edit_distance
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.scene import Proposal, Scene
from sleepy_agent.fixes.templates.syntax_expected import Stop, stop_of
from sleepy_agent.fixes.templates.syntax_tokens import Token, parses_better

ITEM_KEYWORDS = ("fn", "struct", "enum", "trait", "impl", "mod", "use", "type", "const", "static", "pub", "union")
STATEMENT_KEYWORDS = ("let", "for", "while", "loop", "match", "return", "if", "else", "mut", "in", "break", "continue")
ASIDE = ("self", "unsafe", "async", "extern", "where", "move", "dyn", "ref", "as", "crate", "super", "await")
ALL_KEYWORDS = (*ITEM_KEYWORDS, *STATEMENT_KEYWORDS, *ASIDE)
# Names are no keywords where more than these letters differ.
MOST_LETTERS_WRONG = 2


@cache
def foreign_words() -> Mapping[str, tuple[str, ...]]:
    """Rust's words for a word of another language."""
    text = files("sleepy_agent.fixes.templates").joinpath("syntax_words.toml").read_text(encoding="utf-8")
    tables = list(tomllib.loads(text).values())
    return {
        word: tuple(dict.fromkeys(table[word] for table in tables if word in table))
        for table in tables
        for word in table
    }


def keyword(scene: Scene) -> Iterator[Proposal]:
    """Rust's keyword for the word where the parser stopped, or for the one in front of it."""
    stop = stop_of(scene)
    if stop is None:
        return
    kept = 0
    for token in suspicious_words(stop):
        word = token.text.decode(errors="replace")
        for ours in keywords_for(word):
            edit = Edit(scene.file, token.start, token.end, ours)
            if parses_better(scene, (edit,)):
                yield Proposal((edit,), {"old": word, "keyword": ours}, 0.02 * kept)
                kept += 1
                if kept == 2:
                    return


def suspicious_words(stop: Stop) -> Iterator[Token]:
    """Words around the stop that are no keywords."""
    for token in (stop.previous, stop.found, stop.following):
        if token is not None and token.kind == "word" and token.text.decode(errors="replace") not in ALL_KEYWORDS:
            yield token


def keywords_for(word: str) -> list[str]:
    """Rust's word for another language's, then the keywords with nearly the same letters."""
    found = foreign_words().get(word, ())
    lowered = word.lower()
    # Of one letter everything is made.
    most = min(MOST_LETTERS_WRONG, max(1, len(word) // 2)) if len(word) > 1 else 0
    near = sorted(
        (distance, ours)
        for ours in ALL_KEYWORDS
        if (distance := edit_distance(lowered, ours, most)) <= most and len(ours) > 1
    )
    return list(dict.fromkeys([*found, *(ours for _, ours in near[:3])]))


def raw_name(scene: Scene) -> Iterator[Proposal]:
    """A name that is a keyword, escaped wherever its function or type mentions it."""
    stop = stop_of(scene)
    if stop is None:
        return
    token = next((one for one in (stop.found, stop.previous) if is_escapable(one)), None)
    if token is None:
        return
    word = token.text.decode()
    one = Edit(scene.file, token.start, token.start, "r#")
    if parses_better(scene, (one,)):
        yield Proposal((one,), {"word": word})
        return
    item = scene.item(scene.node_of(scene.span)) or scene.root
    others = [
        Edit(scene.file, other.start, other.start, "r#")
        for other in stop.tokens.all[stop.tokens.number_at(item.start_byte) : stop.tokens.number_at(item.end_byte)]
        if other.text == token.text
    ]
    if parses_better(scene, others):
        yield Proposal(tuple(others), {"word": word})


def is_escapable(token: Token) -> bool:
    word = token.text.decode(errors="replace")
    return token.kind == "word" and word in {
        *ALL_KEYWORDS,
        "abstract",
        "become",
        "box",
        "do",
        "final",
        "gen",
        "macro",
        "override",
        "priv",
        "try",
        "typeof",
        "unsized",
        "virtual",
        "yield",
    } - {"crate", "super", "self", "Self"}


def conditional_operator(scene: Scene) -> Iterator[Proposal]:
    """`a ? b : c` as `if a { b } else { c }`."""
    stop = stop_of(scene)
    if stop is None:
        return
    tokens = stop.tokens.all
    question = next((number for number in (stop.number, stop.number - 1) if tokens[number].text == b"?"), None)
    if question is None:
        return
    first = question
    depth = 0
    while first > 0:
        before = tokens[first - 1].text
        depth += (before in b")]}") - (before in b"([{")
        if depth < 0 or (depth == 0 and before in {b"=", b";", b",", b"=>", b"return", b"{", b"}", b"+="}):
            break
        first -= 1
    colon = last = None
    depth = 0
    for number in range(question + 1, len(tokens)):
        text = tokens[number].text
        depth += (text in b"([{") - (text in b")]}")
        if depth < 0 or (depth == 0 and text in {b";", b","}):
            last = number
            break
        if depth == 0 and text == b":" and colon is None:
            colon = number
    if colon is None or last is None or first == question:
        return
    condition = scene.code(tokens[first].start, tokens[question - 1].end)
    yes = scene.code(tokens[question + 1].start, tokens[colon - 1].end)
    no = scene.code(tokens[colon + 1].start, tokens[last - 1].end)
    if condition.startswith("(") and stop.tokens.partner(first) == question - 1:
        condition = condition[1:-1]
    choice = f"if {condition} {{ {yes} }} else {{ {no} }}"
    edit = Edit(scene.file, tokens[first].start, tokens[last - 1].end, choice)
    if parses_better(scene, (edit,)):
        yield Proposal((edit,), {"condition": condition})


def type_before_name(scene: Scene) -> Iterator[Proposal]:
    """`u32 count` as `count: u32` (parameters, fields), `u32 count = 1;` as `let count: u32 = 1;`."""
    stop = stop_of(scene)
    if stop is None or stop.found.kind != "word":
        return
    tokens = stop.tokens.all
    first = stop.number - 1
    if tokens[first].text == b">":
        depth = 0
        while first > 0:
            depth += (tokens[first].text == b">") - (tokens[first].text == b"<")
            first -= 1
            if depth == 0:
                break
    while first > 0 and tokens[first - 1].text in {b"&", b"mut", b"::"}:
        first -= 1 if tokens[first - 1].text != b"::" else 2
    type_text = scene.code(tokens[first].start, stop.previous.end)
    name = stop.found.text.decode(errors="replace")
    if not re.match(r"^(&|mut |[A-Z]|[iuf]\d+\b|[iu]size|bool\b|char\b|str\b|\w+::)", type_text) or not name.islower():
        return
    following = stop.following
    if following is not None and following.text == b"::":
        return
    is_statement = following is not None and following.text in {b"=", b";"}
    lead = "let " if is_statement else ""
    edit = Edit(scene.file, tokens[first].start, stop.found.end, f"{lead}{name}: {type_text}")
    if parses_better(scene, (edit,)):
        yield Proposal((edit,), {"name": name, "type": type_text})


def missing_type(scene: Scene) -> Iterator[Proposal]:
    """`first, second: u32`: the parameter without a type has that of its neighbour."""
    stop = stop_of(scene)
    if stop is None or stop.previous.kind != "word":
        return
    name = stop.previous.text.decode(errors="replace")
    rest = scene.code(stop.previous.end, min(stop.previous.end + 200, len(scene.text)))
    found = re.match(r"(?:\s*,\s*\w+)*\s*,\s*(?:mut )?\w+\s*:\s*((?:[^,(){}<>]|<[^<>]*(?:<[^<>]*>)*[^<>]*>)+)", rest)
    if found is not None:
        edit = scene.insert(stop.previous.end, f": {found[1].strip()}")
        if parses_better(scene, (edit,)):
            yield Proposal((edit,), {"name": name, "type": found[1].strip()})
