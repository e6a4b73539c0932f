"""What a model wrote, as edits. Strict: an answer that is not exactly of its form, names a line that was not shown or
means no single place is a bad answer, with the reason; nothing is guessed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sleepy_agent.code.edits import (
    EditConflict,
    apply_edits,
    common_prefix_length,
    common_suffix_length,
    line_edits,
)
from sleepy_agent.code.syntax import COMMENT_KINDS, parse_rust
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.prompts.profiles import EditForm
from sleepy_agent.fixes.prompts.view import CodeView, ShownLine

Read = Callable[[Path], bytes]

BETWEEN = " <=> "
INSERTED = " ++ "
LONGEST_ANSWER = 20_000
MOST_EDITS = 12
LABEL = re.compile(r"L(0|[1-9]\d{0,4})(?= )")
FENCED = re.compile(r"```[\w-]*\n(.*?)\n?```", re.DOTALL)
BLOCK = re.compile(
    r"<{7} SEARCH\n(?P<old>(?:(?!={7}$).*\n)*?)={7}\n(?P<new>(?:(?!>{7} REPLACE$).*\n)*?)>{7} REPLACE(?:\n|\Z)",
    re.MULTILINE,
)
WORD_CHARACTER = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class BadAnswer:
    """Why an answer is no edit: one clause without a full stop."""

    reason: str


def parse_answer(answer: str, form: EditForm, view: CodeView, read: Read) -> tuple[Edit, ...] | BadAnswer:
    """The edits that an answer means, in the order of the text."""
    if len(answer) > LONGEST_ANSWER:
        return BadAnswer("it is too long")
    if "\0" in answer:
        return BadAnswer("it has a null character")
    text = without_fence(answer.replace("\r\n", "\n")).strip("\n")
    if not text.strip():
        return BadAnswer("it is empty")
    parse = {EditForm.LINES: parse_lines, EditForm.BLOCKS: parse_blocks, EditForm.ITEM: parse_item}[form]
    edits = parse(text, view, read)
    if isinstance(edits, BadAnswer):
        return edits
    if len(edits) > MOST_EDITS:
        return BadAnswer(f"it changes more than {MOST_EDITS} places")
    small = tuple(sorted((smallest(edit, read) for edit in edits), key=lambda edit: (str(edit.file), edit.byte_start)))
    texts = apply_edits(small, read)
    if isinstance(texts, EditConflict):
        return BadAnswer(f"its edits do not go together: {texts.reason.rstrip('.')}")
    if all(texts[path] == read(path) for path in texts):
        return BadAnswer("it changes nothing")
    return small


def without_fence(text: str) -> str:
    """What stands in a fenced block, where the answer is exactly one."""
    whole = FENCED.fullmatch(text.strip())
    return whole.group(1) if whole is not None and "```" not in whole.group(1) else text


# ---- L3 let <=> let mut -----------------------------------------------------------------------------------


def parse_lines(text: str, view: CodeView, _read: Read) -> list[Edit] | BadAnswer:
    """`L3 old <=> new` replaces the one `old` in line 3; `L3 ++ code` puts a new line behind it, `L0 ++ code` one in
    front of the first."""
    found = []
    for line in text.split("\n"):
        label = LABEL.match(line)
        if label is None:
            return BadAnswer(f"{line.strip()!r:.60} is no edit of a line")
        edit = line_edit(int(label.group(1)), line[label.end() :], view)
        if isinstance(edit, BadAnswer):
            return edit
        found.append(edit)
    return found


def line_edit(number: int, rest: str, view: CodeView) -> Edit | BadAnswer:
    """One edit of one line; `rest` is what stands behind the label."""
    if rest.startswith(INSERTED):
        return inserted_line(number, rest.removeprefix(INSERTED), view)
    shown = view.by_number.get(number)
    if shown is None:
        return BadAnswer(f"there is no line L{number}")
    if not shown.is_exact:
        return BadAnswer(f"line L{number} is not valid UTF-8")
    # To delete something nothing stands behind the sign, and then its space is easily left out, too.
    old, sign, new = f"{rest} ".partition(BETWEEN) if rest.endswith(BETWEEN.rstrip()) else rest.partition(BETWEEN)
    old = old.removeprefix(" ")
    if not sign or BETWEEN in new:
        return BadAnswer(f"L{number} does not say what is replaced by what")
    if not old.strip():
        return BadAnswer(f"L{number} does not say what is replaced")
    places = list(places_of(old, shown.text))
    if len(places) != 1:
        return BadAnswer(f"{old!r:.60} stands {len(places)} times in L{number}")
    start = shown.byte_start + len(shown.text[: places[0]].encode())
    return Edit(shown.file, start, start + len(old.encode()), new)


def places_of(part: str, line: str) -> Iterator[int]:
    """Where a part stands in a line: as whole words where it does, else anywhere."""
    starts = [match.start() for match in re.finditer(f"(?={re.escape(part)})", line)]
    whole = [start for start in starts if is_whole(part, line, start)]
    yield from whole or starts


def is_whole(part: str, line: str, start: int) -> bool:
    """Whether a part of a line cuts no word in two."""
    end = start + len(part)
    cuts_first = start > 0 and WORD_CHARACTER.match(part[0]) and WORD_CHARACTER.match(line[start - 1])
    cuts_last = end < len(line) and WORD_CHARACTER.match(part[-1]) and WORD_CHARACTER.match(line[end])
    return not cuts_first and not cuts_last


def inserted_line(number: int, code: str, view: CodeView) -> Edit | BadAnswer:
    """A new line, indented as the one it stands beside."""
    shown = view.by_number.get(max(1, number))
    if shown is None:
        return BadAnswer(f"there is no line L{number}")
    if not shown.is_exact:
        return BadAnswer(f"line L{number} is not valid UTF-8")
    if not code.strip():
        return BadAnswer(f"L{number} does not say what is inserted")
    indentation = shown.text[: len(shown.text) - len(shown.text.lstrip())]
    new = indentation + code.strip()
    if number == 0:
        return Edit(shown.file, shown.byte_start, shown.byte_start, f"{new}\n")
    return Edit(shown.file, shown.byte_end, shown.byte_end, f"\n{new}")


# ---- search and replace -----------------------------------------------------------------------------------


def parse_blocks(text: str, view: CodeView, read: Read) -> list[Edit] | BadAnswer:
    """Blocks of search and replace: the lines to search stand at one place among the shown ones."""
    found: list[Edit] = []
    position = 0
    for block in BLOCK.finditer(text):
        between = text[position : block.start()]
        if between.strip():
            return BadAnswer(f"{between.strip()!r:.60} stands beside its edits")
        position = block.end()
        edits = block_edits(block.group("old").splitlines(), block.group("new"), view, read)
        if isinstance(edits, BadAnswer):
            return edits
        found += edits
    if text[position:].strip():
        what = text[position:].strip()
        return BadAnswer(f"{what!r:.60} stands beside its edits" if position else "it has no search and replace block")
    return found


def block_edits(old: list[str], new: str, view: CodeView, read: Read) -> list[Edit] | BadAnswer:
    """The edits of one block."""
    while old and not old[0].strip():
        old = old[1:]
    while old and not old[-1].strip():
        old = old[:-1]
    if not old:
        return BadAnswer("a block does not say what is searched")
    runs = list(runs_of([line.rstrip() for line in old], view.lines))
    if len(runs) != 1:
        return BadAnswer(f"{old[0].strip()!r:.60} and what follows stands {len(runs)} times in the code")
    run = runs[0]
    if not all(line.is_exact for line in run):
        return BadAnswer("it changes a line that is not valid UTF-8")
    path, text = run[0].file, read(run[0].file)
    start, end = run[0].byte_start, run[-1].byte_end
    replacement = new.strip("\n")
    if not replacement.strip():
        # The lines go as a whole.
        end = min(len(text), text.find(b"\n", end) + 1 or len(text))
        return [Edit(path, start, end, "")]
    before = text[start:end].replace(b"\r\n", b"\n")
    if before.count(b"\r"):
        return BadAnswer("it changes lines whose ends are unusual")
    if len(before) != end - start:
        # Offsets inside of the stretch would count other line ends.
        return [Edit(path, start, end, replacement)]
    return [moved(edit, start) for edit in line_edits(path, before, replacement.encode())]


def runs_of(old: Sequence[str], lines: Sequence[ShownLine]) -> Iterator[Sequence[ShownLine]]:
    """The stretches of neighbouring lines that are exactly these, white space at their ends aside."""
    for first in range(len(lines) - len(old) + 1):
        run = lines[first : first + len(old)]
        if all(line.text.rstrip() == wanted for line, wanted in zip(run, old, strict=True)) and all(
            after.file == before.file and after.row == before.row + 1 for before, after in itertools.pairwise(run)
        ):
            yield run


def moved(edit: Edit, by: int) -> Edit:
    """The same edit where what it was made for begins at `by`."""
    return replace(edit, byte_start=edit.byte_start + by, byte_end=edit.byte_end + by)


# ---- the whole item ---------------------------------------------------------------------------------------


def parse_item(text: str, view: CodeView, read: Read) -> list[Edit] | BadAnswer:
    """The item again, with the same kind and name."""
    if view.item is None:
        return BadAnswer("the item was not shown as a whole")
    fenced = FENCED.findall(text)
    if len(fenced) > 1:
        return BadAnswer("it has several blocks of code")
    code = (fenced[0] if fenced else text).strip("\n")
    path, start, end = view.item
    before = read(path)[start:end]
    if item_name(code.encode()) is None or item_name(code.encode()) != item_name(before):
        return BadAnswer("it is not the item that was asked for")
    if b"\r" in before:
        return [Edit(path, start, end, code.strip())]
    return [moved(edit, start) for edit in line_edits(path, before, code.strip().encode())]


def item_name(code: bytes) -> tuple[str, bytes] | None:
    """Kind and name of the one item that a piece of code is; None where it is something else."""
    items = [
        node
        for node in parse_rust(code).named_children
        if node.type not in COMMENT_KINDS and node.type != "attribute_item"
    ]
    if len(items) != 1 or not items[0].type.endswith("_item"):
        return None
    named = items[0].child_by_field_name("name") or items[0].child_by_field_name("type")
    return (items[0].type, code[named.start_byte : named.end_byte]) if named is not None else None


# ---- as small as can be -----------------------------------------------------------------------------------


def smallest(edit: Edit, read: Read) -> Edit:
    """The same change without what is equal at its beginning and end, in whole characters; a word that is put in
    stands in front of the white space that was there: `mut ` and not ` mut`."""
    text = read(edit.file)
    old, new = text[edit.byte_start : edit.byte_end], edit.replacement.encode()
    start = whole_characters(old, common_prefix_length(old, new))
    end = common_suffix_length(old, new, min(len(old), len(new)) - start)
    while end and (old[len(old) - end] & 0xC0) == 0x80:
        end -= 1
    rest = new[start : len(new) - end]
    first, last = edit.byte_start + start, edit.byte_end - end
    while first == last and rest[:1] == b" " and rest.strip() and text[last : last + 1] == b" ":
        rest, first, last = rest[1:] + b" ", first + 1, last + 1
    return Edit(edit.file, first, last, rest.decode())


def whole_characters(text: bytes, length: int) -> int:
    """The largest number of bytes, at most `length`, after which a character of UTF-8 begins."""
    while length and length < len(text) and (text[length] & 0xC0) == 0x80:
        length -= 1
    return length


def title_of(edits: Sequence[Edit], read: Read) -> str:
    """What edits do, in a few words."""
    if len(edits) == 1:
        edit = edits[0]
        old = read(edit.file)[edit.byte_start : edit.byte_end].decode(errors="replace").strip()
        new = edit.replacement.strip()
        if max(len(old), len(new)) <= 60 and "\n" not in old + new:
            if old and new:
                return f"write `{new}` instead of `{old}`"
            return f"write `{new}`" if new else f"take `{old}` away"
    rows = [read(edit.file).count(b"\n", 0, edit.byte_start) + 1 for edit in edits]
    lines = ", ".join(str(row) for row in sorted(set(rows))[:4])
    return f"rewrite line{'s' if len(set(rows)) > 1 else ''} {lines}{' and more' if len(set(rows)) > 4 else ''}"
