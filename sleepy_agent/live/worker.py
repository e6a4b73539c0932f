"""The process that compiles for an editor: `python -m sleepy_agent.live.worker`, records on its standard streams.

It begins with `OpenWorkspace` and ends with the end of its standard input. Nothing else may be written to its
standard output.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from typing import IO, TYPE_CHECKING, cast

from sleepy_agent.errors import Interrupted, SleepyError
from sleepy_agent.heap import give_back_memory, keep_what_is_loaded, use_one_heap
from sleepy_agent.live.channel import receive, send
from sleepy_agent.live.inbox import Inbox, merged
from sleepy_agent.live.messages import (
    ChangeTexts,
    CheckText,
    FromWorker,
    OpenWorkspace,
    SearchFixes,
    StageBegan,
    ToWorker,
    WorkFailed,
    WorkspaceOpened,
)
from sleepy_agent.process import CancelToken

if TYPE_CHECKING:
    from sleepy_agent.live.workspace import LiveWorkspace


class Worker:
    """The owner of the workspace in this process. `requests` is read in a thread of its own."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests = requests
        self._answers = answers
        self._lifetime = CancelToken()
        self._inbox = Inbox(self._lifetime)
        self._in_stage = False

    def run(self) -> None:
        """Work until the requests end."""
        opening = receive(self._requests)
        if not isinstance(opening, OpenWorkspace):
            return
        threading.Thread(target=self._read_all, daemon=True).start()
        workspace = self._open(opening)
        if workspace is None:
            return
        try:
            self._tell_opened(workspace)
            self._serve(workspace)
        finally:
            workspace.close()

    def _open(self, opening: OpenWorkspace) -> LiveWorkspace | None:
        """Open the workspace, again after each change on disk where that fails; None at the end of the requests."""
        from sleepy_agent.live.workspace import LiveWorkspace

        missed: ChangeTexts | None = None
        while True:
            try:
                workspace = LiveWorkspace(opening, self._lifetime, self._begin_stage)
            except Interrupted:
                return None
            except SleepyError as error:
                self._fail(error)
            else:
                self._end_stage()
                if missed is not None:
                    workspace.change(missed)
                return workspace
            while True:
                taken = self._inbox.take()
                if taken is None:
                    return None
                if isinstance(taken[0], ChangeTexts):
                    missed = taken[0] if missed is None else merged(missed, taken[0])
                    if taken[0].changed_on_disk:
                        break

    def _serve(self, workspace: LiveWorkspace) -> None:
        has_settled, has_searched = False, False
        while True:
            if not self._inbox.has_something:
                self._idle(workspace)
                if not has_settled:
                    keep_what_is_loaded()
                    has_settled = True
                elif has_searched:
                    # After a check a search may follow at once; after a search the developer reads.
                    give_back_memory()
            taken = self._inbox.take()
            if taken is None:
                return
            message, cancel = taken
            has_searched = isinstance(message, SearchFixes)
            try:
                self._answer(workspace, message, cancel)
            except Interrupted:
                continue
            except SleepyError as error:
                self._fail(error)
            self._end_stage()

    def _answer(self, workspace: LiveWorkspace, message: ToWorker, cancel: CancelToken) -> None:
        if isinstance(message, ChangeTexts):
            workspace.change(message)
        elif isinstance(message, CheckText):
            self._tell(workspace.check(message.generation, cancel))
        elif isinstance(message, SearchFixes):
            self._tell(workspace.search(message, cancel, self._tell))

    def _idle(self, workspace: LiveWorkspace) -> None:
        """Do what makes the next search quicker, until something is asked."""
        cancel = self._inbox.idle_token()
        if cancel is not None:
            with contextlib.suppress(SleepyError):
                workspace.warm(cancel)

    def _read_all(self) -> None:
        while (message := receive(self._requests)) is not None:
            self._inbox.put(cast(ToWorker, message))
        self._inbox.close()

    def _begin_stage(self, text: str) -> None:
        self._in_stage = True
        self._tell(StageBegan(text))

    def _end_stage(self) -> None:
        if self._in_stage:
            self._in_stage = False
            self._tell(StageBegan(""))

    def _fail(self, error: SleepyError) -> None:
        self._tell(WorkFailed(error.message, error.remedy, is_final=False))

    def _tell(self, message: FromWorker) -> None:
        try:
            send(self._answers, message)
        except OSError:
            # Whoever asked is gone, and the end of the requests will say so in a moment.
            self._inbox.close()

    def _tell_opened(self, workspace: LiveWorkspace) -> None:
        found = workspace.session.workspace
        self._tell(WorkspaceOpened(found.root, found.source_roots, found.target_directory))


def main() -> None:
    use_one_heap()
    # The editor's Ctrl-C in a terminal is meant for the server, which ends this process by closing its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    # What some library prints must not get between the records.
    sys.stdout = sys.stderr
    Worker(requests, answers).run()


if __name__ == "__main__":
    main()
