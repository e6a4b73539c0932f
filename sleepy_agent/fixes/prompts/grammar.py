"""The form of line edits as a grammar (GBNF, llama.cpp's `grammars/README.md`), so that a model can write nothing else:
a line that was shown, a part of it from the beginning of one token to the end of another, and what to put there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sleepy_agent.code.name_abstraction import tokens_of

MOST_EDITS = 4
# A grammar has a rule for each token that is shown; more than this is slow to sample with.
MOST_TOKENS = 600


def line_grammar(lines: Iterable[tuple[int, str]]) -> str | None:
    """The grammar of edits of these lines (their numbers and texts); None where there is too much to choose from."""
    rules: list[str] = []
    choices: list[str] = []
    count = 0
    for number, text in lines:
        own = list(rules_of_line(number, text))
        count += len(own)
        if count > MOST_TOKENS:
            return None
        rules += own
        starts = " | ".join(rule.partition(" ")[0] for rule in own)
        choices.append(f"l{number}")
        rules.append(f'l{number} ::= "{number} " (insertion{" | " if starts else ""}{starts})')
    if not choices:
        return None
    head = (
        f'root ::= edit ("\\n" edit){{0,{MOST_EDITS - 1}}}\n'
        f'edit ::= "L" ({" | ".join(choices)})\n'
        'insertion ::= "++ " [^\\n]+\n'
        'new ::= " <=> " [^\\n]*\n'
    )
    return head + "\n".join(rules) + "\n"


def rules_of_line(number: int, text: str) -> Iterator[str]:
    """A rule for each token: this token, and then the end of what is replaced or the next one."""
    pieces: list[tuple[str, str]] = []
    space = ""
    for token in tokens_of(text.strip()):
        if token.kind == "space":
            space = token.text
        else:
            pieces.append((space, token.text))
            space = ""
    for place, (_, code) in enumerate(pieces):
        follow = "new"
        if place + 1 < len(pieces):
            gap = pieces[place + 1][0]
            follow = f"(new | {quoted(gap) + ' ' if gap else ''}t{number}-{place + 1})"
        yield f"t{number}-{place} ::= {quoted(code)} {follow}"


def quoted(text: str) -> str:
    """A text as GBNF writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return '"' + escaped.replace("\t", "\\t") + '"'
