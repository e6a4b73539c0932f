"""Rust text with its edit written into it: «old→new» is replaced, ⟦target⟧ is what the compiler complains of."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sleepy_agent.code.changes import flags_of_change
from sleepy_agent.code.losses import TextChange


@dataclass(frozen=True)
class MarkedEdit:
    """Both texts, what differs, and the bytes complained about in the text before."""

    before: bytes
    after: bytes
    changes: tuple[TextChange, ...]
    target: tuple[int, int] | None

    @property
    def flags(self) -> set[str]:
        return set(flags_of_change(self.before, self.after, self.changes, self.target))


def marked(text: str) -> MarkedEdit:
    """Read the marks. Without ⟦⟧ the complaint is about the first replaced stretch."""
    before, after = b"", b""
    changes: list[TextChange] = []
    target_start, target_end = None, None
    start = new_start = 0
    is_old = is_new = False
    for piece in re.split("([«→»⟦⟧])", text):
        if piece == "«":
            start, new_start, is_old = len(before), len(after), True
        elif piece == "→" and is_old:
            is_old, is_new = False, True
        elif piece == "»":
            changes.append(TextChange(start, len(before), new_start, len(after)))
            is_new = False
        elif piece == "⟦":
            target_start = len(before)
        elif piece == "⟧":
            target_end = len(before)
        else:
            before += b"" if is_new else piece.encode()
            after += b"" if is_old else piece.encode()
    target = (target_start, target_end) if target_start is not None and target_end is not None else None
    return MarkedEdit(before, after, tuple(changes), target or (changes[0].start, changes[0].end))
