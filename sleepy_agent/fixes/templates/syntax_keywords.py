"""Misspelt keywords that read as something else, so that the parser stops behind them: `esle { .. }` as a struct."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sleepy_agent.code.names import edit_distance
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.scene import Proposal, Scene
from sleepy_agent.fixes.templates.syntax_tokens import parses_better
from sleepy_agent.fixes.templates.syntax_words import ALL_KEYWORDS

# Where such a word stands, and which keywords may be meant there.
PLACES = (
    (re.compile(rb"\}\s*(?P<word>[a-z]+)\s*\{"), ("else",)),
    (re.compile(rb"\belse\s+(?P<word>[a-z]+)\s+[^{\s]"), ("if",)),
    (re.compile(rb"\b(?:if|while)\s+(?P<word>[a-z]+)\s+[A-Z&(\[]"), ("let",)),
    (re.compile(rb"[={};(,>]\s*(?P<word>[a-z]+)\s*\{"), ("unsafe", "loop", "async")),
    (re.compile(rb"[=(,]\s*(?P<word>[a-z]+)\s*\|"), ("move",)),
)
# Behind the mistake the parser may read on for some lines.
FARTHEST = 3000
MOST_PROPOSALS = 2
MOST_TRIED = 12


def keyword_far_from_the_stop(scene: Scene) -> Iterator[Proposal]:
    """The keyword that nearly has the letters of a word in its place, nearest to where the parser stopped first."""
    if scene.span.from_macro is not None:
        return
    is_named = bool(scene.problem.code)
    found = sorted(set(misspelt_keywords(scene)), key=lambda one: -one[0])
    kept = 0
    for start, end, ours in found[:MOST_TRIED]:
        edit = Edit(scene.file, start, end, ours)
        if is_named and (start, end) != (scene.span.byte_start, scene.span.byte_end):
            continue
        if is_named or parses_better(scene, (edit,)):
            yield Proposal((edit,), {"old": scene.code(start, end), "keyword": ours})
            kept += 1
            if kept == MOST_PROPOSALS:
                return


def misspelt_keywords(scene: Scene) -> Iterator[tuple[int, int, str]]:
    """Words in the place of a keyword, with that keyword."""
    first, last = max(0, scene.span.byte_start - FARTHEST), min(len(scene.text), scene.span.byte_end + 40)
    for pattern, keywords in PLACES:
        for match in pattern.finditer(scene.text, first, last):
            word = match["word"].decode()
            for ours in keywords:
                # Of two letters everything is made: there only an exchange counts.
                most = 2 if len(ours) > 4 else 1
                is_near = word not in ALL_KEYWORDS and 0 < edit_distance(word, ours, most) <= most
                if is_near and (len(ours) > 2 or sorted(word) == sorted(ours)):
                    yield *match.span("word"), ours
