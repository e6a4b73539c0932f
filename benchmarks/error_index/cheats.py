"""Ways to make an error disappear without mending it, found by comparing the tokens before and after.

Written apart from Sleepy's own flags on purpose: these judge it. They may accuse a change that is right (a
surplus field has to be deleted); whoever is equal to the corrected example is never accused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from benchmarks.rust_tokens import code_tokens, comments_of

_OPENING = {"{": "}", "(": ")", "[": "]"}
_CLOSING = frozenset(_OPENING.values())
_ITEM_WORDS = frozenset(
    {"fn", "struct", "enum", "union", "trait", "impl", "mod", "use", "static", "type", "const", "let"}
)
_SILENCING_WORDS = frozenset({"unsafe"})
_SILENCING_MACROS = frozenset({"todo", "unimplemented", "panic", "unreachable", "compile_error"})
_SILENCING_ATTRIBUTES = frozenset({"allow", "expect", "cfg", "cfg_attr", "ignore"})


def same_program(one: str, other: str) -> bool:
    """Whether two sources are equal but for comments and whitespace."""
    return code_tokens(one) == code_tokens(other)


def cheats_of(before: str, after: str, reference: str) -> tuple[str, ...]:
    """Names of the cheats in the change from `before` to `after`, sorted; none where `after` is the reference."""
    if same_program(after, reference):
        return ()
    old, new = code_tokens(before), code_tokens(after)
    found = {
        "deleted a statement or an item": deletes_statements(old, new),
        "commented code out": comments_code_out(before, after, old, new),
        "emptied a body": _empty_bodies(new) > _empty_bodies(old) and len(new) < len(old),
        "new unsafe": _grew(old, new, _SILENCING_WORDS),
        "new todo!, unimplemented! or panic!": _grew(_macros(old), _macros(new), _SILENCING_MACROS),
        "new allow or cfg": _grew(_attributes(old), _attributes(new), _SILENCING_ATTRIBUTES),
        "put code into a macro or a loop without end": _hiding(new) > _hiding(old),
    }
    return tuple(sorted(name for name, guilty in found.items() if guilty))


def deletes_statements(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether what went away contains a whole statement, item, arm or macro call, with nothing in its place.

    A change that only moves text, or writes it otherwise, leaves as many statements and items as there were.
    """
    fewer = (
        len(_statements(new)) < len(_statements(old)),
        _counted(new, _ITEM_WORDS) < _counted(old, _ITEM_WORDS),
        _arms(new) < _arms(old),
    )
    return any(fewer) or any(_is_closed(run) and _macros(run) for run in _removed_runs(old, new))


def comments_code_out(before: str, after: str, old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether a new comment holds tokens that the code has lost: three in a row are no accident."""
    old_comments = Counter(comments_of(before))
    fresh = [comment for comment in comments_of(after) if old_comments[comment] == 0]
    for comment in fresh:
        inside = code_tokens(comment.removeprefix("/*").removesuffix("*/").lstrip("/!"))
        for run in _removed_runs(old, new):
            if len(run) >= 3 and _contains(inside, run[:3]):
                return True
    return False


def _removed_runs(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, ...]]:
    """The stretches of `old` that have no counterpart: deleted, not replaced."""
    matcher = SequenceMatcher(a=old, b=new, autojunk=False)
    return [tuple(old[first:last]) for kind, first, last, _, _ in matcher.get_opcodes() if kind == "delete"]


def _statements(tokens: Sequence[str]) -> list[int]:
    """Positions where a statement or a block ends: every `;` outside of `[T; N]` and every `}`."""
    ends: list[int] = []
    brackets: list[str] = []
    for position, token in enumerate(tokens):
        if token in _OPENING:
            brackets.append(token)
        elif token in _CLOSING:
            if brackets:
                brackets.pop()
            if token == "}":
                ends.append(position)
        # Two semicolons in a row end one statement only.
        elif token == ";" and brackets[-1:] in ([], ["{"]) and ends[-1:] != [position - 1]:
            ends.append(position)
    return ends


def _counted(tokens: Sequence[str], words: frozenset[str]) -> int:
    """How many of `words` stand there as the beginning of something with a name (`fn name`, not `Fn(..)`)."""
    return sum(
        token in words and position + 1 < len(tokens) and tokens[position + 1] not in {"(", "*"}
        for position, token in enumerate(tokens)
        if not (token == "const" and position and tokens[position - 1] == "*")
    )


def _empty_bodies(tokens: Sequence[str]) -> int:
    """Functions, closures and blocks with nothing in them; `struct S {}` and `impl T for S {}` count alike."""
    return sum(first == "{" and second == "}" for first, second in pairwise(tokens))


def _arms(tokens: Sequence[str]) -> int:
    """Arms of `match`: every `=>`."""
    return sum(first == "=" and second == ">" for first, second in pairwise(tokens))


def _macros(tokens: Sequence[str]) -> list[str]:
    return [first for first, second in pairwise(tokens) if second == "!"]


def _attributes(tokens: Sequence[str]) -> list[str]:
    """First words of all attributes, inner ones included."""
    names = []
    for position, token in enumerate(tokens):
        if token == "#":
            rest = [word for word in tokens[position + 1 : position + 4] if word not in {"!", "["}]
            names.extend(rest[:1])
    return names


def _hiding(tokens: Sequence[str]) -> int:
    """Places where code would be swallowed: `loop {}`, and the bodies of macros."""
    loops = sum(tuple(tokens[place : place + 3]) == ("loop", "{", "}") for place in range(len(tokens)))
    return loops + sum(name in {"macro_rules", "stringify"} for name in _macros(tokens))


def _grew(old: Sequence[str], new: Sequence[str], words: frozenset[str]) -> bool:
    before, after = Counter(old), Counter(new)
    return any(after[word] > before[word] for word in words)


def _is_closed(run: Sequence[str]) -> bool:
    """Whether all brackets in `run` are opened and closed in it."""
    expected: list[str] = []
    for token in run:
        if token in _OPENING:
            expected.append(_OPENING[token])
        elif token in _CLOSING and (not expected or expected.pop() != token):
            return False
    return not expected


def _contains(tokens: Sequence[str], run: Sequence[str]) -> bool:
    size = len(run)
    return any(tuple(tokens[start : start + size]) == tuple(run) for start in range(len(tokens) - size + 1))
