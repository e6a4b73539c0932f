"""What the user and the editor allow, as the server asks for it: quickly, and always as it is now.

The rules are `refusals.py` and `mutes.py` of `sleepy_agent/live/permission/`; here they are asked once per file and
remembered until something they depend on may have changed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sleepy_agent.config import Places
from sleepy_agent.errors import SleepyError
from sleepy_lsp.options import ServerOptions

if TYPE_CHECKING:
    # What the rules need takes time to import, and `initialize` is answered before anybody asks them.
    from sleepy_agent.live.permission.mutes import Mutes
    from sleepy_agent.live.permission.refusals import Circumstances, Refusal

logger = logging.getLogger(__name__)

MOST_REMEMBERED = 5000
IGNORE_FILE_NAME = ".sleepyignore"


class Permissions:
    """The owner of what was asked."""

    def __init__(self, options: ServerOptions, places: Places) -> None:
        self._places = places
        self._options = options
        self._is_trusted = options.trusted
        self._rules: Circumstances | None = None
        self._mutes: Mutes | None = None
        self._mutes_seen: tuple[int, int] | None = None
        self._known: dict[tuple[Path, Path | None], Refusal | None] = {}

    @property
    def is_trusted(self) -> bool:
        return self._is_trusted

    def trust(self, is_trusted: bool) -> None:
        """The editor says anew whether the user trusts its folders."""
        self._is_trusted = is_trusted
        self._known.clear()

    def refusal(self, path: Path, root: Path | None = None) -> Refusal | None:
        """Why nothing is done for a file of the workspace at `root`; None: go on."""
        from sleepy_agent.live.permission.refusals import why_no_work

        mutes = self._read_mutes()
        key = (path, root)
        if key not in self._known:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            muted = mutes.files_of(root) if root is not None else frozenset()
            self._known[key] = why_no_work(path, self._circumstances(muted), root)
        return self._known[key]

    def is_refused(self, path: Path, root: Path) -> bool:
        return self.refusal(path, root) is not None

    def muted_families(self) -> frozenset[str]:
        """The families that nobody wants to hear of."""
        return self._read_mutes().families

    def forget(self) -> None:
        """Something that the answers depend on may be another now."""
        self._known.clear()

    def files_changed(self, paths: Iterable[Path]) -> bool:
        """Whether the change of some files may change what is allowed."""
        if any(path.name == IGNORE_FILE_NAME for path in paths):
            self._known.clear()
            return True
        return False

    def _circumstances(self, muted_files: frozenset[Path]) -> Circumstances:
        if self._rules is None:
            from sleepy_agent.live.permission.ignore import IgnoreFiles
            from sleepy_agent.live.permission.refusals import Circumstances

            # Whether the computer runs on battery changes by itself, so that is asked elsewhere, again and again.
            self._rules = Circumstances(self._options.settings, self._places, IgnoreFiles(), on_battery=lambda: False)
        return replace(self._rules, is_trusted=self._is_trusted, muted_files=muted_files)

    def _read_mutes(self) -> Mutes:
        """What is muted, read anew where the file changed: other editors write it as well."""
        from sleepy_agent.live.permission.mutes import Mutes, mutes_file, read_mutes

        try:
            found = mutes_file(self._places).stat()
            seen: tuple[int, int] | None = (found.st_mtime_ns, found.st_ino)
        except OSError:
            seen = None
        if self._mutes is None or seen != self._mutes_seen:
            self._mutes_seen = seen
            self._known.clear()
            try:
                self._mutes = read_mutes(self._places)
            except SleepyError as error:
                logger.warning("%s %s", error.message, error.remedy)
                self._mutes = Mutes()
        return self._mutes
