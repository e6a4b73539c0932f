"""Where rust-analyzer last reported errors, to know whether it speaks of the present text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from sleepy_agent.live.messages import KnownProblem
from sleepy_lsp.workspaces.board import file_of

MOST_FILES = 500


class AnalyzerLines:
    """The owner of the lines of its errors, by file; those of the files heard of last.

    What it says of one text adds up: its own analysis and what it heard of cargo come in messages of their own, and
    where the editor asks for the first and is sent the second, neither repeats the other.
    """

    def __init__(self) -> None:
        self._lines: dict[Path, dict[int | None, frozenset[int]]] = {}

    def heard(self, path: Path, version: int | None, error_lines: frozenset[int]) -> None:
        """It reported diagnostics of a file, for a version of the document where it says so."""
        by_version = self._lines.pop(path, {})
        by_version[version] = by_version.get(version, frozenset()) | error_lines
        self._lines[path] = by_version
        if len(self._lines) > MOST_FILES:
            del self._lines[next(iter(self._lines))]

    def text_changed(self, paths: Iterable[Path]) -> None:
        """What it said of these files was about another text."""
        for path in paths:
            self._lines.pop(path, None)

    def agrees(self, problems: Mapping[str, KnownProblem], version_of: Callable[[Path], int | None]) -> bool:
        """Whether one of its errors stands in a line where the present text has a problem.

        Diagnostics that it repeats from a former check, moved to a text that has them no more, do not count.
        """
        for known in problems.values():
            path, span = file_of(known.problem), known.problem.span
            if path is None or span is None or path not in self._lines:
                continue
            by_version = self._lines[path]
            if any(span.line_start - 1 in by_version.get(version, ()) for version in (None, version_of(path))):
                return True
        return False
