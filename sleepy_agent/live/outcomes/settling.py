"""What became of an edit: the places it changed, found again in a later text and compared. Pure.

Only three texts count: the one before the edit, the one it made, and the one that stands there at last. So the answer
is the same for a process that saw every change between and for one that was started after a crash.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.checksums import sha256_of_text
from sleepy_agent.code.edits import (
    EditConflict,
    apply_edits,
    edits_by_file,
    has_windows_lines,
    replacement_bytes,
)
from sleepy_agent.domain import Edit, Outcome
from sleepy_agent.live.outcomes.alignment import MOST_ITEMS_COMPARED, are_there, changed_stretches, matching_blocks
from sleepy_agent.memory.pending import FollowedFile, FollowedRegion
from sleepy_agent.memory.redaction import redact

ReadFinal = Callable[[Path], bytes | None]
"""The text of a file as it is at last; None where there is none."""

# Of longer places nothing is compared token by token.
MOST_TOKENS_COMPARED = 3000
# Of a place that nobody can find so many lines are kept.
MOST_SETTLED_LINES = 100
MOST_SETTLED_CHARACTERS = 8000
MARK_LENGTH = 4
WORDLESS = bytes(MARK_LENGTH)
NO_FILE = "no file"

_TOKEN = re.compile(r"\[redacted:[a-z-]+\]|\w+|[^\w\s]")
_WORD = re.compile(rb"\w|[\x80-\xff]")
_TRAILING_COMMA = re.compile(r",(?=[)\]}])")
_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(?P<line>\d+)(?:,(?P<count>\d+))? @@")


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Lines before an edit and the lines it made of them, from 0, end-exclusive."""

    first_before: int
    last_before: int
    first_made: int
    last_made: int


# ---- what is followed ------------------------------------------------------------------------------------


def follow_edits(
    edits: Sequence[Edit], texts: Mapping[Path, bytes], together_with: Sequence[Edit] = ()
) -> tuple[FollowedFile, ...]:
    """The files of some edits of `texts`, which are made at once with others (the rest of a bundle).

    Empty where the edits cannot be made.
    """
    whole = tuple(dict.fromkeys([*edits, *together_with]))
    made = apply_edits(whole, texts.__getitem__)
    if isinstance(made, EditConflict):
        return ()
    wanted = frozenset(edits)
    files = []
    for path, file_edits in edits_by_file(whole).items():
        blocks = blocks_of(file_edits, texts[path], made[path], wanted)
        if blocks:
            files.append(followed_file(path, texts[path], made[path], blocks))
    return tuple(files)


def blocks_of(edits: Iterable[Edit], before: bytes, made: bytes, wanted: frozenset[Edit]) -> list[LineBlock]:
    """The lines of the wanted ones among the edits of a file, which are in the order of the text."""
    windows_lines = has_windows_lines(before)
    blocks: list[LineBlock] = []
    shift = 0
    for edit in dict.fromkeys(edits):
        length = len(replacement_bytes(edit, windows_lines=windows_lines))
        start = edit.byte_start + shift
        if edit in wanted:
            blocks.append(
                LineBlock(
                    before.count(b"\n", 0, edit.byte_start),
                    before.count(b"\n", 0, edit.byte_end) + 1,
                    made.count(b"\n", 0, start),
                    made.count(b"\n", 0, start + length) + 1,
                )
            )
        shift += length - (edit.byte_end - edit.byte_start)
    return joined_blocks(blocks)


def joined_blocks(blocks: Iterable[LineBlock]) -> list[LineBlock]:
    """Blocks that share a line, as one."""
    joined: list[LineBlock] = []
    for block in blocks:
        last = joined[-1] if joined else None
        if last is not None and (block.first_before < last.last_before or block.first_made < last.last_made):
            joined[-1] = LineBlock(last.first_before, block.last_before, last.first_made, block.last_made)
        else:
            joined.append(block)
    return joined


def followed_file(path: Path, before: bytes, made: bytes, blocks: Iterable[LineBlock]) -> FollowedFile:
    """What is kept of a file to find those blocks again."""
    lines_before, lines_made = before.split(b"\n"), made.split(b"\n")
    return FollowedFile(
        path=path,
        sha256_before=sha256_of_text(before),
        sha256_made=sha256_of_text(made),
        line_marks=line_marks(lines_made),
        regions=tuple(
            FollowedRegion(
                block.first_made,
                block.last_made,
                made=text_of(lines_made[block.first_made : block.last_made]),
                former=text_of(lines_before[block.first_before : block.last_before]),
            )
            for block in blocks
        ),
    )


def hashes_only(edits: Sequence[Edit], texts: Mapping[Path, bytes]) -> tuple[FollowedFile, ...]:
    """What is enough to see whether somebody made these edits; empty where they cannot be made."""
    made = apply_edits(edits, texts.__getitem__)
    if isinstance(made, EditConflict):
        return ()
    return tuple(FollowedFile(path, sha256_of_text(texts[path]), sha256_of_text(text)) for path, text in made.items())


def follow_diff(path: Path, diff_unified: str, made: bytes) -> FollowedFile | None:
    """The places that a diff of one file made, with `made` as the text after it; None where it is another text's."""
    lines_made = made.split(b"\n")
    texts_made = [text_of([line]).rstrip("\r") for line in lines_made]
    regions: list[FollowedRegion] = []
    position = 0
    inserted: list[str] = []
    removed: list[str] = []

    def end_region() -> None:
        if inserted or removed:
            first = position - len(inserted)
            regions.append(FollowedRegion(first, position, "\n".join(inserted), "\n".join(removed)))
        inserted.clear()
        removed.clear()

    for line in diff_unified.split("\n"):
        if header := _HUNK.match(line):
            end_region()
            # A hunk without lines afterwards names the line before its place.
            position = int(header["line"]) - (0 if header["count"] == "0" else 1)
        elif line.startswith(("--- ", "+++ ", "\\")):
            continue
        elif line.startswith("-"):
            removed.append(line[1:].rstrip("\r"))
        else:
            if not line.startswith("+"):
                end_region()
            if position >= len(texts_made) or texts_made[position] != line[1:].rstrip("\r"):
                return None
            if line.startswith("+"):
                inserted.append(line[1:].rstrip("\r"))
            position += 1
    end_region()
    return FollowedFile(path, "", sha256_of_text(made), line_marks(lines_made), tuple(regions))


# ---- what became of it -----------------------------------------------------------------------------------


def outcome_of(files: Sequence[FollowedFile], read: ReadFinal) -> tuple[Outcome, str]:
    """SETTLED, UNDONE or EDITED, and the text that stands there at last, secrets taken out.

    Layout (white space, a comma before a closing bracket) makes no difference. Several places are kept or undone only
    where all of them are.
    """
    outcomes: set[Outcome] = set()
    pieces: list[tuple[str, str]] = []
    for file in files:
        final = read(file.path)
        hash_of_final = NO_FILE if final is None else sha256_of_text(final)
        lines = [] if final is None else final.split(b"\n")
        for region, (first, last) in zip(file.regions, places_in(file, lines), strict=True):
            is_whole = last - first <= MOST_ITEMS_COMPARED
            text = redact(text_of(lines[first : last if is_whole else first + MOST_SETTLED_LINES]))
            pieces.append((f"@@ {file.path.name}:{first + 1} @@", text))
            if hash_of_final not in {file.sha256_made, file.sha256_before}:
                made, former = redact(region.made), redact(region.former)
                outcomes.add(outcome_of_region(made, former, text) if is_whole else Outcome.EDITED)
        if hash_of_final in {file.sha256_made, file.sha256_before}:
            outcomes.add(Outcome.SETTLED if hash_of_final == file.sha256_made else Outcome.UNDONE)
        elif not file.regions:
            outcomes.add(Outcome.EDITED)
    words = pieces[0][1] if len(pieces) == 1 else "\n".join(f"{header}\n{text}" for header, text in pieces)
    outcome = outcomes.pop() if len(outcomes) == 1 else Outcome.EDITED
    return outcome, words[:MOST_SETTLED_CHARACTERS]


def outcome_of_region(made: str, former: str, final: str) -> Outcome:
    """What became of one place: whole lines of the three texts."""
    for view in (lambda text: text, without_layout):
        made_seen, former_seen, final_seen = view(made), view(former), view(final)
        if made_seen != former_seen and final_seen in {made_seen, former_seen}:
            return Outcome.SETTLED if final_seen == made_seen else Outcome.UNDONE
    # The lines were edited; what counts is whether the tokens that the fix brought, or took away, were.
    tokens_made, tokens_former, tokens = (_TOKEN.findall(text) for text in (made, former, final))
    if max(len(tokens_made), len(tokens_former), len(tokens)) > MOST_TOKENS_COMPARED:
        return Outcome.EDITED
    stretches = changed_stretches(tokens_former, tokens_made)
    in_made = [(first, last) for _, _, first, last in stretches]
    in_former = [(first, last) for first, last, _, _ in stretches]
    line_ends = line_ends_of(final)
    is_kept = are_there(in_made, tokens_made, tokens, line_ends)
    is_undone = are_there(in_former, tokens_former, tokens, line_ends)
    if is_kept and is_undone:
        # One of them is a part of the other (`&` and `& &`), and the longer one is there.
        more = sum(last - first for first, last in in_made) - sum(last - first for first, last in in_former)
        is_kept, is_undone = more > 0, more < 0
    brought = {token for first, last in in_made for token in tokens_made[first:last]} - set(tokens_former)
    if is_kept:
        return Outcome.SETTLED
    # Where words of the fix are left, the developer made something else of it.
    return (
        Outcome.UNDONE if is_undone and not any(word.isidentifier() for word in brought & {*tokens}) else Outcome.EDITED
    )


def places_in(file: FollowedFile, final: Sequence[bytes]) -> list[tuple[int, int]]:
    """Where the lines of each region lie in the final text: all between the nearest lines that are still there."""
    marks_made, marks = marks_of(file.line_marks), marks_of(line_marks(final))
    # A line without words says nothing about where it came from, except beside one with words or at the file's ends.
    pairs = [
        (start_made, start, length)
        for start_made, start, length in matching_blocks(marks_made, marks)
        if start_made == start == 0
        or (start_made + length, start + length) == (len(marks_made), len(marks))
        or any(mark != WORDLESS for mark in marks[start : start + length])
    ]
    places = []
    for region in file.regions:
        first, last = 0, len(marks)
        for start_made, start, length in pairs:
            if start_made < region.first_line:
                first = start + min(length, region.first_line - start_made)
            if start_made + length > region.last_line:
                last = start + max(0, region.last_line - start_made)
                break
        places.append((first, max(first, last)))
    return places


def line_ends_of(text: str) -> frozenset[int]:
    """How many tokens stand before each line end of a text; 0 counts as one."""
    return frozenset(itertools.accumulate((len(_TOKEN.findall(line)) for line in text.split("\n")), initial=0))


# ---- texts -----------------------------------------------------------------------------------------------


def text_of(lines: Sequence[bytes]) -> str:
    """Lines as text; the same bytes always give the same text."""
    return b"\n".join(lines).decode(errors="replace")


def line_marks(lines: Iterable[bytes]) -> bytes:
    """A checksum of four bytes for each line, without its white space: indentation may change.

    Lines without a word (empty ones, brackets) all have the same: they look alike everywhere.
    """
    return b"".join(
        zlib.crc32(b"".join(line.split())).to_bytes(MARK_LENGTH, "big") if _WORD.search(line) else WORDLESS
        for line in lines
    )


def marks_of(packed: bytes) -> list[bytes]:
    return [packed[start : start + MARK_LENGTH] for start in range(0, len(packed), MARK_LENGTH)]


def without_layout(text: str) -> str:
    return _TRAILING_COMMA.sub("", "".join(text.split()))
