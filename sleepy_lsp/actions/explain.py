"""Markdown for one problem: what rustc says, what would mend it, how that was proven, and why it stands first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path, PurePath

from sleepy_agent.domain import Diagnostic, Problem, Span
from sleepy_agent.live.messages import LiveOffer
from sleepy_lsp.actions.words import change_words, counted, flag_words, proof_words, shown_path
from sleepy_lsp.workspaces.board import Board, HashOf, placed_problems, places_of, valid_part

NOT_SEARCHED = "No fix is known for this text yet."


def explanation_at(board: Board, path: Path, offset: int, hash_of: HashOf, root: Path) -> str | None:
    """Markdown about the problem at a byte of a file, None where there is none.

    At the place itself the problem with the smallest primary place counts, then one that points there with a label.
    """
    problems: dict[str, Problem] = {known.problem_id: known.problem for known in placed_problems(board, path)}
    problems.update(
        (held.problem_id, held.problem)
        for held in board.offers.get(path, {}).values()
        if valid_part(board, held, hash_of) is not None
    )
    best: tuple[tuple[int, int], str] | None = None
    for problem_id, problem in problems.items():
        for number, (start, end) in enumerate(places_of(problem.diagnostic, path)):
            rank = (min(number, 1), end - start)
            if start <= offset <= end and (best is None or rank < best[0]):
                best = rank, problem_id
    return None if best is None else explanation_of(board, best[1], hash_of, root)


def explanation_of(board: Board, problem_id: str, hash_of: HashOf, root: Path) -> str | None:
    """Markdown about a problem by its id, None where nothing is known of it now."""
    held = next((of_file[problem_id] for of_file in board.offers.values() if problem_id in of_file), None)
    valid = None if held is None else valid_part(board, held, hash_of)
    if valid is not None:
        return explanation(valid.problem, valid.offers, None, root)
    known = board.problems.get(problem_id)
    if known is None:
        return None
    reason = board.unsolved.get(problem_id) if board.searched_generation == board.generation else None
    return explanation(known.problem, (), reason, root)


def explanation(problem: Problem, offers: Iterable[LiveOffer], unsolved: str | None, root: Path) -> str:
    """Markdown about a problem and its offers, the best one first. `unsolved`: why there is none."""
    parts = [heading(problem), *said_by_rustc(problem.diagnostic, root)]
    together = tuple(offers)
    if not together:
        parts.append(f"No fix: {unsolved}" if unsolved else NOT_SEARCHED)
    for number, offer in enumerate(together):
        parts += explained_offer(offer, number, len(together), root)
    return "\n\n".join(parts) + "\n"


def heading(problem: Problem) -> str:
    """Code and family of a problem."""
    name = f"`{problem.code}`" if problem.code else "Error without a code"
    return f"### {name} ({problem.family.replace('_', ' ')})"


def said_by_rustc(diagnostic: Diagnostic, root: PurePath) -> Iterator[str]:
    """A message with its labels, then the notes and helps below it."""
    yield escaped(diagnostic.message)
    labels = [
        f"- {placed(span, root)}{': ' + escaped(span.label) if span.label else ''}"
        for span in sorted(diagnostic.spans, key=lambda span: not span.is_primary)
    ]
    below = []
    for child in diagnostic.children:
        places = "".join(f" ({placed(span, root)})" for span in child.spans[:1])
        below.append(f"- {child.level.value}: {escaped(child.message)}{places}")
    if labels or below:
        yield "\n".join([*labels, *below])


def placed(span: Span, root: PurePath) -> str:
    """Where a span lies, and the code there when it is short."""
    place = f"{shown_path(span.file, root)}:{span.line_start}:{span.column_start}"
    code = span.text.strip()
    return f"{place} {quoted(code)}" if code and "\n" not in code else place


def explained_offer(offer: LiveOffer, number: int, total: int, root: PurePath) -> Iterator[str]:
    """One offer: its title, its diff, its proof, its flags, its reasons."""
    verdict = offer.fix.verdict
    name = "Fix" if total == 1 else f"Fix {number + 1} of {total}"
    yield f"#### {name}: {change_words(offer)}"
    yield fenced(offer.diff, "diff")
    lines = [f"- Proof: {proof_words(verdict)}; {verdict.reason.rstrip('.')}."]
    if not verdict.dependents_checked:
        lines.append("- Crates that depend on this one could not be checked yet.")
    lines += [f"- Beware: {words}." for words in flag_words(verdict.flags)]
    if verdict.unmasked:
        lines.append(f"- It brings {counted(len(verdict.unmasked), 'error')} to light that this one hid:")
        lines += [f"  - {named(diagnostic, root)}" for diagnostic in verdict.unmasked]
    if offer.why:
        question = "Why it stands first" if number == 0 else "Why it is offered"
        lines.append(f"- {question}: {'; '.join(escaped(reason) for reason in offer.why)}.")
    if offer.is_provisional:
        lines.append("- Other changes that may do as well are still being compiled.")
    elif not offer.fix.preferred and number == 0:
        lines.append("- It is not applied without asking.")
    yield "\n".join(lines)


def named(diagnostic: Diagnostic, root: PurePath) -> str:
    """A diagnostic in one line."""
    span = diagnostic.primary_span
    code = f"`{diagnostic.code}` " if diagnostic.code else ""
    place = f" ({shown_path(span.file, root)}:{span.line_start})" if span else ""
    return f"{code}{escaped(' '.join(diagnostic.message.split()))}{place}"


def fenced(text: str, language: str) -> str:
    """A block of code, with a fence longer than any in the text."""
    fence = "`" * max(3, longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def quoted(code: str) -> str:
    """Code within a line, also where it has backticks itself."""
    fence = "`" * (longest_run(code) + 1)
    room = " " if fence != "`" else ""
    return f"{fence}{room}{code}{room}{fence}"


def longest_run(text: str) -> int:
    """How many backticks stand together at most."""
    return max((len(list(run)) for mark, run in groupby(text) if mark == "`"), default=0)


def escaped(message: str) -> str:
    """A compiler's message as Markdown: what it quotes with backticks stays code, the rest has no marks of its own."""
    pieces = message.split("`")
    if len(pieces) % 2 == 0:
        pieces = [message.replace("`", "\\`")]
    return "`".join(piece if number % 2 else marks_escaped(piece) for number, piece in enumerate(pieces))


def marks_escaped(text: str) -> str:
    """Text whose characters mean nothing to Markdown."""
    return "".join(f"\\{character}" if character in "*_<>[]#" else character for character in text)
