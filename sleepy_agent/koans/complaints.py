"""What `sleepy koans check` says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something that is wrong with a koan, or with the whole set (`koan` empty): one sentence, with what to do."""

    koan: str
    text: str
