"""Brackets that are missing, too many or of the wrong kind: where indentation and grammar say that they belong.

Text that is laid out as rustfmt does says where a block ends: its last line is the one before the next line that is
indented no more than the line it began on. Brackets within a line have no such witness; there every place that the
grammar allows is a candidate, and the compiler decides.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.scene import Proposal, Scene
from sleepy_agent.fixes.templates.syntax_tokens import (
    CLOSERS,
    OPENERS,
    Token,
    Tokens,
    broken_places_after,
    line_of,
    parses_better,
    tokens_of,
    width_of_indentation,
)

# Places inside a line that are tried for one bracket.
MOST_PLACES = 5
MOST_PLACES_LOOKED_AT = 16
# Two suspects further apart than that are not the same mistake.
MOST_SUSPECTS = 4
# Words that begin a statement.
FIRST_WORDS = frozenset({b"return", b"let", b"for", b"if", b"while", b"loop", b"match", b"break", b"continue"})
KEYWORDS_BEFORE_VALUES = frozenset(
    {
        b"return",
        b"in",
        b"if",
        b"while",
        b"match",
        b"mut",
        b"let",
        b"as",
        b"move",
        b"else",
        b"ref",
        b"dyn",
        b"impl",
        b"for",
    }
)
COST_OF_A_LATER_PLACE = 0.02
COST_OF_A_LATER_SUSPECT = 0.06


@dataclass(frozen=True, slots=True)
class Suspect:
    """A bracket without its partner: an opener that nothing closes, or a closer that nothing opens."""

    token: Token
    is_opener: bool
    until: int
    """Where the brackets stopped making sense."""


def repairs(scene: Scene) -> Iterator[Proposal]:
    """One bracket put in, taken away or exchanged, so that all of them fit again."""
    tokens = tokens_of(scene.text)
    region = broken_region(scene.text, tokens)
    proposals = repairs_of(scene, tokens, suspects_of(scene.text, tokens, region))
    if not proposals and region != (0, len(scene.text)):
        # Where the layout says nothing the kinds of the brackets must do.
        proposals = repairs_of(scene, tokens, suspects_of(scene.text, tokens, (0, len(scene.text))))
    yield from sorted(proposals, key=lambda proposal: proposal.extra_cost)


def repairs_of(scene: Scene, tokens: Tokens, suspects: Sequence[Suspect]) -> list[Proposal]:
    proposals: list[Proposal] = []
    seen: set[tuple[Edit, ...]] = set()
    for number, suspect in enumerate(suspects):
        found = for_opener(scene, tokens, suspect) if suspect.is_opener else for_closer(scene, tokens, suspect)
        for proposal in found:
            if proposal.edits not in seen and is_in_order(scene, proposal):
                seen.add(proposal.edits)
                extra = proposal.extra_cost + COST_OF_A_LATER_SUSPECT * number
                proposals.append(replace(proposal, extra_cost=extra))
    return proposals


def is_in_order(scene: Scene, proposal: Proposal) -> bool:
    text = scene.text
    for edit in sorted(proposal.edits, key=lambda edit: -edit.byte_start):
        text = text[: edit.byte_start] + edit.replacement.encode() + text[edit.byte_end :]
    return balance_of(tokens_of(text)) and parses_better(scene, proposal.edits)


def balance_of(tokens: Tokens) -> bool:
    """Whether every bracket has its partner."""
    waiting: list[bytes] = []
    for token in tokens.all:
        if token.text in OPENERS:
            waiting.append(OPENERS[token.text])
        elif token.text in CLOSERS and (not waiting or waiting.pop() != token.text):
            return False
    return not waiting


# ---- who is to blame ------------------------------------------------------------------------------------------


def suspects_of(text: bytes, tokens: Tokens, region: tuple[int, int]) -> list[Suspect]:
    """Brackets that may be without partner, the likeliest first: by indentation, then by kind alone."""
    start, end = region
    by_layout: list[Suspect] = []
    by_kind: list[Suspect] = []
    waiting: list[Token] = []
    for number in range(tokens.number_at(start), len(tokens.all)):
        token = tokens.all[number]
        if token.start >= end:
            break
        if token.text in OPENERS:
            waiting.append(token)
        elif token.text in CLOSERS:
            judge_closer(text, token, waiting, by_layout, by_kind)
    by_kind += [Suspect(token, True, end) for token in reversed(waiting)]
    return list(dict.fromkeys([*by_layout[:2], *by_kind]))[:MOST_SUSPECTS]


def judge_closer(
    text: bytes, token: Token, waiting: list[Token], by_layout: list[Suspect], by_kind: list[Suspect]
) -> None:
    """Take the opener of a closer away from those that wait, and note what does not fit."""
    kind = CLOSERS[token.text]
    if not waiting:
        by_kind.append(Suspect(token, False, token.start))
        return
    top = waiting[-1]
    if top.text == kind:
        waiting.pop()
        if begins_its_line(text, token):
            ours, its = width_of_indentation(text, token.start), width_of_indentation(text, top.start)
            if its > ours:
                by_layout.append(Suspect(top, True, token.start))
            elif its < ours:
                by_layout.append(Suspect(token, False, token.start))
        elif not is_laid_out(text, top, token):
            by_layout.append(Suspect(token, False, token.start))
        return
    by_kind.append(Suspect(top, True, token.start))
    by_kind.append(Suspect(token, False, token.start))
    if any(opener.text == kind for opener in waiting):
        while waiting.pop().text != kind:
            pass


def broken_region(text: bytes, tokens: Tokens) -> tuple[int, int]:
    """From where the brackets were last in order to where they certainly are not: a closer without opener, or an
    item at the left edge while something is open."""
    waiting: list[Token] = []
    start = 0
    is_odd = False
    mismatch: int | None = None
    for token in tokens.all:
        if token.text in OPENERS:
            waiting.append(token)
        elif token.text in CLOSERS:
            if not waiting:
                return start, end_of_line(text, token)
            opener = waiting.pop()
            if OPENERS[opener.text] != token.text:
                mismatch = token.end if mismatch is None else mismatch
            elif mismatch is None:
                is_odd = is_odd or not is_laid_out(text, opener, token)
                start = start if waiting or is_odd else token.end
        elif waiting and text[token.start - 1 : token.start] == b"\n" and (token.kind == "word" or token.text == b"#"):
            return start, token.start
        if mismatch is not None and begins_its_line(text, token) and token.start > mismatch:
            return start, token.start
    return start, len(text)


def is_laid_out(text: bytes, opener: Token, closer: Token) -> bool:
    """Whether indentation agrees that two brackets are partners: what ends its line is closed by what begins one."""
    if begins_its_line(text, closer):
        return width_of_indentation(text, opener.start) == width_of_indentation(text, closer.start)
    return bool(text[opener.end : line_of(text, opener.end)[1]].strip()) or b"\n" not in text[opener.end : closer.start]


def end_of_line(text: bytes, token: Token) -> int:
    return line_of(text, token.start)[1]


def begins_its_line(text: bytes, token: Token) -> bool:
    return not text[line_of(text, token.start)[0] : token.start].strip()


def ends_its_line(text: bytes, tokens: Tokens, number: int) -> bool:
    """Whether a token is the last of its line."""
    token = tokens.all[number]
    following = tokens.all[number + 1] if number + 1 < len(tokens.all) else None
    return following is None or b"\n" in text[token.end : following.start]


# ---- an opener without closer ---------------------------------------------------------------------------------


def for_opener(scene: Scene, tokens: Tokens, suspect: Suspect) -> Iterator[Proposal]:
    """Close what nothing closes, or exchange the closer that took its place."""
    opener = suspect.token
    number = tokens.number_at(opener.start)
    if ends_its_line(scene.text, tokens, number):
        yield from close_block(scene, tokens, opener)
    else:
        yield from close_in_line(scene, tokens, number, suspect.until)
    wrong = tokens.at_or_after(suspect.until)
    if wrong is not None and wrong.text in CLOSERS and wrong.text != OPENERS[opener.text]:
        edit = Edit(scene.file, wrong.start, wrong.end, OPENERS[opener.text].decode())
        yield Proposal((edit,), said(f"close with `{edit.replacement}`"), 0.01)


def close_block(scene: Scene, tokens: Tokens, opener: Token) -> Iterator[Proposal]:
    """Put the closer where the indentation falls back to that of the opener's line."""
    text = scene.text
    closer = OPENERS[opener.text].decode()
    width = width_of_indentation(text, opener.start)
    indentation = scene.indentation(opener.start)
    last_end = line_of(text, opener.start)[1]
    empty_place: int | None = None
    position = last_end + 1
    while position < len(text):
        start, end = line_of(text, position)
        line = text[start:end]
        position = end + 1
        if not line.strip():
            if len(line.rstrip(b"\r")) == width and width and empty_place is None:
                empty_place = start + width
            continue
        if is_inside_token(tokens, start):
            last_end = end
            continue
        if width_of_indentation(text, start) <= width + (line.lstrip().startswith(b"else")):
            yield from close_before_line(scene, tokens, start, last_end, empty_place, (closer, indentation))
            return
        last_end = end
        empty_place = None
    yield close_after(scene, last_end, closer, indentation)


def close_before_line(
    scene: Scene, tokens: Tokens, start: int, last_end: int, empty_place: int | None, what: tuple[str, str]
) -> Iterator[Proposal]:
    """Put the closer in front of a line that cannot belong to the block, or into that line."""
    closer, indentation = what
    first = tokens.at_or_after(start)
    goes_on = first is not None and (first.text in CLOSERS or first.text in {b"else", b",", b";", b"?", b"."})
    ours = scene.indentation(first.start) if first is not None else ""
    if first is not None and goes_on and ours.removesuffix(" " if first.text == b"else" else "") in {indentation, ours}:
        space = " " if first.text == b"else" else ""
        yield Proposal((scene.insert(first.start, closer + space),), said(f"insert `{closer}`"))
    if empty_place is not None:
        yield Proposal((scene.insert(empty_place, closer),), said(f"insert `{closer}`"))
        return
    yield close_after(scene, last_end, closer, indentation)


def close_after(scene: Scene, last_end: int, closer: str, indentation: str) -> Proposal:
    """A line of its own for the closer."""
    if scene.text[last_end - 1 : last_end] == b"\r":
        last_end -= 1
    return Proposal((scene.insert(last_end, f"\n{indentation}{closer}"),), said(f"insert `{closer}`"))


def is_inside_token(tokens: Tokens, position: int) -> bool:
    """Whether a position lies inside a string of several lines."""
    before = tokens.before(position)
    return before is not None and before.end > position


def close_in_line(scene: Scene, tokens: Tokens, number: int, until: int) -> Iterator[Proposal]:
    """Every place behind an opener where its closer may stand, the ends of things first."""
    opener = tokens.all[number]
    closer = OPENERS[opener.text].decode()
    padding = " " if closer == "}" and scene.text[opener.end : opener.end + 1] == b" " else ""
    line_end = line_of(scene.text, opener.start)[1]
    ranked: list[tuple[int, int, Edit]] = []
    for position, rank in itertools.islice(places_to_close(tokens, number, until), MOST_PLACES_LOOKED_AT):
        following = tokens.at_or_after(position)
        joins = following is not None and following.start == position and following.kind != "mark"
        edit = scene.insert(position, f"{padding}{closer}{' ' if joins else ''}")
        broken = broken_places_after(scene, (edit,))
        if broken is not None:
            ends_line = not scene.text[position : line_of(scene.text, position)[1]].strip(b" ,;\r")
            later = 2 if position > line_end else 0
            ranked.append((broken, (0 if ends_line else rank) + later, edit))
    for broken, rank, edit in sorted(ranked, key=lambda one: one[:2])[:MOST_PLACES]:
        extra = COST_OF_A_LATER_PLACE * (rank + (3 if broken else 0))
        yield Proposal((edit,), said(f"insert `{closer}`"), extra, question="where the bracket closes")


def places_to_close(tokens: Tokens, number: int, until: int) -> Iterator[tuple[int, int]]:
    """Positions behind the tokens at the opener's own depth, each with how odd it is to close there."""
    position = number + 1
    is_block = tokens.all[number].text == b"{"
    while position < len(tokens.all):
        token = tokens.all[position]
        previous = tokens.all[position - 1]
        if token.text in CLOSERS:
            yield previous.end, 0
            return
        if position > number:
            yield previous.end, oddness(token)
        if token.text == b";" and is_block:
            yield token.end, 0
        elif token.text == b";" or token.start >= until:
            return
        if token.text in OPENERS:
            partner = tokens.partner(position)
            if partner is None or tokens.all[partner].start > until:
                return
            position = partner
        position += 1


def oddness(token: Token) -> int:
    """How seldom a list ends in front of this token."""
    if token.text in {b";", b"{", b"=>", b"->", b"?"}:
        return 0
    return 1 if token.text in {b".", b"=", b"as", b"in"} or token.kind == "mark" else 2


# ---- a closer without opener ----------------------------------------------------------------------------------


def for_closer(scene: Scene, tokens: Tokens, suspect: Suspect) -> Iterator[Proposal]:
    """Open what nothing opens, or take the closer away."""
    closer = suspect.token
    text = scene.text
    if closer.text == b"}" and begins_its_line(text, closer):
        yield from open_block(scene, tokens, closer)
    yield from open_in_line(scene, tokens, closer)
    start, end = line_of(text, closer.start)
    if text[start:end].strip() == closer.text:
        yield Proposal((scene.delete(start, min(end + 1, len(text))),), said("remove the bracket too many"), 0.1)
    else:
        yield Proposal((scene.delete(closer.start, closer.end),), said("remove the bracket too many"), 0.1)


def open_block(scene: Scene, tokens: Tokens, closer: Token) -> Iterator[Proposal]:
    """Put `{` at the end of the last line that is indented as the closer is."""
    text = scene.text
    width = width_of_indentation(text, closer.start)
    position = line_of(text, closer.start)[0] - 1
    while position > 0:
        start, end = line_of(text, position)
        position = start - 1
        if not text[start:end].strip() or is_inside_token(tokens, start):
            continue
        if width_of_indentation(text, start) > width:
            continue
        last = tokens.before(end)
        if last is not None and last.start >= start and last.text not in {b"{", b"}", b";"}:
            space = "" if text[last.end : last.end + 1] == b" " and not text[last.end : end].strip() else " "
            place = last.end + (1 if not space else 0)
            yield Proposal((scene.insert(place, f"{space}{{"),), said("insert `{`"))
        return


def open_in_line(scene: Scene, tokens: Tokens, closer: Token) -> Iterator[Proposal]:
    """Every place in front of a closer, in its statement, where its opener may stand; names first."""
    opener = CLOSERS[closer.text].decode()
    number = tokens.number_at(closer.start)
    depth = 0
    places: list[tuple[int, int]] = []
    for token in reversed(tokens.all[max(0, number - 60) : number]):
        if token.text in CLOSERS:
            depth += 1
        elif token.text in OPENERS:
            if depth == 0:
                break
            depth -= 1
        if depth == 0 and token.text in {b";", b"}"}:
            break
        if depth <= 1 and token.text not in OPENERS:
            following = tokens.all[tokens.number_at(token.start) + 1]
            rank = doubt_of_opening(token, following, opener)
            if rank is not None and (depth == 0 or rank <= 0):
                places.append((token.end, rank + depth))
    kept = 0
    for position, rank in itertools.islice(sorted(places, key=lambda place: place[1]), 20):
        is_block = opener == "{" and scene.text[position - 1 : position] != b":"
        edit = scene.insert(position, " {" if is_block else opener)
        if parses_better(scene, (edit,)):
            extra = COST_OF_A_LATER_PLACE * (rank + 1)
            yield Proposal((edit,), said(f"insert `{opener}`"), extra, question="where the bracket opens")
            kept += 1
            if kept == MOST_PLACES:
                return


def doubt_of_opening(token: Token, following: Token, opener: str) -> int | None:
    """How odd it is to open brackets between two tokens; None where nobody does."""
    if opener == "{":
        return 0 if following.text in FIRST_WORDS or token.text == b"::" else 1
    if following.text in CLOSERS:
        return -1 if token.kind == "word" and token.end == following.start else None
    if not may_begin_list(following):
        return None
    if token.kind == "word" and following.kind != "mark" and token.text not in KEYWORDS_BEFORE_VALUES:
        # Two names side by side: something is missing between them.
        return -1
    return 0 if token.kind == "word" or token.text in {b"!", b">"} else 1


def may_begin_list(token: Token) -> bool:
    """Whether the first thing in brackets may begin with this token."""
    return token.kind != "mark" or token.text in {b"|", b"||", b"&", b"&&", b"*", b"-", b"!", b"[", b"{", b"<", b"#"}


def said(what: str) -> dict[str, str]:
    return {"what": what}
