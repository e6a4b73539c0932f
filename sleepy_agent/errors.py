"""The one tree of exceptions: what went wrong unexpectedly, why, and what the user can do about it.

Expected failures (a candidate that does not compile, a crate that cannot be checked yet) are values, not
exceptions. Whatever is raised on purpose derives from `SleepyError`; the command line prints the three
sentences and exits with `exit_code`, without a traceback.
"""

from __future__ import annotations

from pathlib import Path

EXIT_GREEN = 0
EXIT_ERRORS_REMAIN = 1
EXIT_COULD_NOT_RUN = 2
EXIT_INTERRUPTED = 130


class SleepyError(Exception):
    """Something happened that stops the work. `str(error)` is what happened and why; `remedy` is what to do."""

    exit_code = EXIT_COULD_NOT_RUN

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class NoCargoProject(SleepyError):
    """The given path belongs to no cargo workspace."""


class BrokenManifest(SleepyError):
    """Cargo cannot read a manifest or the lock file."""


class NoToolchain(SleepyError):
    """cargo or rustc cannot be started, or the toolchain the project asks for is not installed."""


class RecordingFailed(SleepyError):
    """Cargo could not prepare the workspace (a dependency or a build script fails), so nothing can be verified."""


class FileChanged(SleepyError):
    """A file is no longer what a fix or an undo was computed from, so it was not written."""


class CannotWrite(SleepyError):
    """A file cannot be written: permission, a read-only file, a full disk, a link that leaves the workspace."""


class StoreError(SleepyError):
    """The episode store cannot be opened or written."""


class ModelError(SleepyError):
    """A model or an adapter cannot be loaded, merged, fetched or asked."""


class BadKoans(SleepyError):
    """The koans cannot be read: an entry that means nothing, a file that is missing."""


class BadUsage(SleepyError):
    """An option or a setting has a value that means nothing."""


class Interrupted(SleepyError):
    """The user stopped the work (Ctrl-C or a signal)."""

    exit_code = EXIT_INTERRUPTED


def cannot_write(path: Path, error: OSError) -> CannotWrite:
    """Say why `path` could not be written, in one sentence, with the remedy that fits the cause."""
    import errno

    remedies = {
        errno.ENOSPC: "Free some space on that disk and run the same command again.",
        errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC: "Your disk quota is used up: free some space.",
        errno.EROFS: "That file system is read-only: work on a copy elsewhere.",
        errno.ENOTDIR: "A file stands where a folder should be: move it away, or set SLEEPY_HOME to another folder.",
        errno.EEXIST: "A file stands where a folder should be: move it away, or set SLEEPY_HOME to another folder.",
        errno.EACCES: "Give yourself write permission there (chmod u+w) and run the same command again.",
        errno.EPERM: "Give yourself write permission there (chmod u+w) and run the same command again.",
    }
    remedy = remedies.get(error.errno or 0, "Check the path and run the same command again.")
    return CannotWrite(f"Could not write {path}: {(error.strerror or str(error)).lower()}.", remedy)
