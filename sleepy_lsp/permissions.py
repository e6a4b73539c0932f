"""What the user and the editor allow, as the server asks for it: quickly, and always as it is now.

The rules are `sleepy_agent/live/permission.py` and `mutes.py`; here they are asked once per file and remembered until
something they depend on may have changed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from sleepy_agent.config import Places
from sleepy_agent.errors import SleepyError
from sleepy_agent.live.ignore import IGNORE_FILE_NAME, IgnoreFiles
from sleepy_agent.live.mutes import Mutes, mutes_file, read_mutes
from sleepy_agent.live.permission import Circumstances, Reason, Refusal, why_no_work
from sleepy_lsp.options import ServerOptions

logger = logging.getLogger(__name__)

MOST_REMEMBERED = 5000
WHOLE_WORKSPACE = frozenset({Reason.UNTRUSTED_BY_EDITOR, Reason.UNTRUSTED_FOLDER, Reason.DEPENDENCY_SOURCES})
"""Reasons that concern everything around a file, not only the file."""


class Permissions:
    """The owner of what was asked."""

    def __init__(self, options: ServerOptions, places: Places) -> None:
        self._places = places
        # Whether the computer runs on battery changes by itself, so it is asked elsewhere, again and again.
        self._circumstances = Circumstances(
            settings=options.settings,
            places=places,
            ignore_files=IgnoreFiles(),
            is_trusted=options.trusted,
            on_battery=lambda: False,
        )
        self._mutes = Mutes()
        self._mutes_seen: tuple[int, int] | None = None
        self._known: dict[tuple[Path, Path | None], Refusal | None] = {}

    @property
    def is_trusted(self) -> bool:
        return self._circumstances.is_trusted

    def trust(self, is_trusted: bool) -> None:
        """The editor says anew whether the user trusts its folders."""
        self._circumstances = replace(self._circumstances, is_trusted=is_trusted)
        self._known.clear()

    def refusal(self, path: Path, root: Path | None = None) -> Refusal | None:
        """Why nothing is done for a file of the workspace at `root`; None: go on."""
        self._read_mutes()
        key = (path, root)
        if key not in self._known:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            muted = self._mutes.files_of(root) if root is not None else frozenset()
            self._known[key] = why_no_work(path, replace(self._circumstances, muted_files=muted), root)
        return self._known[key]

    def is_refused(self, path: Path, root: Path) -> bool:
        return self.refusal(path, root) is not None

    def muted_families(self) -> frozenset[str]:
        """The families that nobody wants to hear of."""
        self._read_mutes()
        return self._mutes.families

    def forget(self) -> None:
        """Something that the answers depend on may be another now."""
        self._known.clear()

    def files_changed(self, paths: Iterable[Path]) -> bool:
        """Whether the change of some files may change what is allowed."""
        if any(path.name == IGNORE_FILE_NAME for path in paths):
            self._known.clear()
            return True
        return False

    def _read_mutes(self) -> None:
        """Read what is muted where the file changed: other editors write it as well."""
        try:
            found = mutes_file(self._places).stat()
            seen: tuple[int, int] | None = (found.st_mtime_ns, found.st_ino)
        except OSError:
            seen = None
        if seen == self._mutes_seen:
            return
        self._mutes_seen = seen
        self._known.clear()
        try:
            self._mutes = read_mutes(self._places)
        except SleepyError as error:
            logger.warning("%s %s", error.message, error.remedy)
            self._mutes = Mutes()
