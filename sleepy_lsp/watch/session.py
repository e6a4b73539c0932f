"""One `sleepy watch` from its start to its end: the server, the files, the keys and the screen, on one event loop."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sleepy_agent.errors import EXIT_GREEN, EXIT_INTERRUPTED, SleepyError
from sleepy_agent.fixes.write import FileChange
from sleepy_lsp.actions.words import NAME
from sleepy_lsp.texts.convert import uri_of_path
from sleepy_lsp.watch.applying import NotApplicable, diff_of, file_changes, write_accepted
from sleepy_lsp.watch.client import LanguageClient
from sleepy_lsp.watch.files import KnownStates, files_that_matter, watching_tree
from sleepy_lsp.watch.handshake import ENCODING, FIX_ALL, QUICK_FIX, Assignment, initialize_parameters
from sleepy_lsp.watch.keys import END_OF_INPUT, listening_to_keys
from sleepy_lsp.watch.offers import (
    Item,
    Offer,
    Selection,
    changed_lines,
    next_offer,
    next_problem,
    read_items,
    together,
    with_items,
    without_offer,
    without_taken,
)
from sleepy_lsp.watch.screen import BUSY, Screen, TerminalScreen, WorkState, title_of

ANSWER_SECONDS = 30.0
TICK_SECONDS = 1.0
OFF_SECONDS = 2.0
EXPECTED_SECONDS = 5.0
"""After a change on the disk the server is taken to be at work until it says so itself, at most this long."""
HASTY_SECONDS = 0.5
"""An `a` typed so soon after another offer came up by itself was meant for the one before."""
OFF = "off"
WORKING = frozenset(BUSY) - {"starting"}
OUTDATED = "The text has changed since, so nothing was written. What still holds is shown again in a moment."
UNDISTURBING = frozenset("Ae?")
"""Keys after which the preferred fixes go on being applied."""
ENDING_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class WatchSession:
    """The owner of everything that is known while `sleepy watch` runs."""

    def __init__(self, assignment: Assignment, screen: Screen) -> None:
        self._assignment = assignment
        self._screen = screen
        self._client: LanguageClient | None = None
        self._encoding = ENCODING
        self._selection = Selection()
        self._state = WorkState()
        self._state_since = time.monotonic()
        self._problems: dict[str, int] = {}
        self._files = KnownStates(())
        self._ending: asyncio.Future[int | SleepyError] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking = False
        self._ask_again = False
        self._acting = False
        self._takes_all = False
        self._expected_until = 0.0
        self._came_up_at = 0.0

    # ---- from start to end ---------------------------------------------------------------------------

    async def run(self) -> int:
        """Watch until the user quits; gives the exit code. Raises SleepyError where the server fails."""
        root = self._assignment.root
        with ExitStack() as stack:
            stack.callback(self._screen.close)
            self._end_at_signals(stack)
            self._files = KnownStates(files_that_matter(root, root))
            stack.enter_context(watching_tree(root, self._files_changed))
            self._client = await LanguageClient.start(self._assignment.server, root, self._hear)
            try:
                self._start(self._watch_server(self._client))
                self._start(self._shake_hands(self._client))
                self._start(self._tick())
                if self._assignment.keys is not None:
                    stack.enter_context(listening_to_keys(self._assignment.keys, self._key_typed))
                end = await self._ending
            finally:
                for task in self._tasks:
                    task.cancel()
                if self._tasks:
                    await asyncio.wait(self._tasks)
                self._screen.close()
                await self._client.close()
        if isinstance(end, SleepyError):
            raise end
        return end

    def _end(self, how: int | SleepyError) -> None:
        if not self._ending.done():
            self._ending.set_result(how)

    def _end_at_signals(self, stack: ExitStack) -> None:
        loop = asyncio.get_running_loop()
        for name in ENDING_SIGNALS:
            number = getattr(signal, name, None)
            # Windows has no handlers on the loop; there Ctrl-C ends the whole loop, and `finally` does the rest.
            with suppress(NotImplementedError):
                if number is not None:
                    loop.add_signal_handler(number, self._end, EXIT_INTERRUPTED)
                    stack.callback(loop.remove_signal_handler, number)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside everything else. An error that stops the work ends the session with it."""

        async def guarded() -> None:
            try:
                await work
            except SleepyError as error:
                self._end(error)

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self._ending.done():
            # A mistake of our own: it is raised where the session runs, and told as any other.
            self._ending.set_exception(error)

    async def _watch_server(self, client: LanguageClient) -> None:
        self._end(await client.wait_for_end())

    async def _shake_hands(self, client: LanguageClient) -> None:
        capabilities = await client.initialize(initialize_parameters(self._assignment))
        self._encoding = str(capabilities.get("positionEncoding") or "utf-16")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self._state.state in BUSY:
                self._show_state()
            elif self._expected_until and not self._is_busy:
                # The server had nothing to do about the last change.
                self._expected_until = 0.0
                self._ask_for_offers()

    # ---- what the server says ------------------------------------------------------------------------

    def _hear(self, method: str, parameters: Any) -> None:
        content = parameters if isinstance(parameters, dict) else {}
        if method == "sleepy/status":
            self._hear_status(str(content.get("state", "idle")), str(content.get("reason") or ""))
        elif method == "sleepy/ready" and isinstance(uri := content.get("uri"), str):
            count = content.get("problems")
            self._problems[uri] = count if isinstance(count, int) else 0
            self._state = replace(self._state, problems=sum(self._problems.values()), was_checked=True)
            self._ask_for_offers()
        elif method == "window/showMessage" and isinstance(text := content.get("message"), str):
            self._screen.tell(text, is_trouble=True)

    @property
    def _is_busy(self) -> bool:
        """Whether what is on offer may be another in a moment."""
        return self._state.state in BUSY or time.monotonic() < self._expected_until

    def _hear_status(self, state: str, reason: str) -> None:
        self._expected_until = 0.0
        if state != self._state.state:
            self._state_since = time.monotonic()
        # Of a workspace without a problem nothing else is told.
        was_checked = self._state.was_checked or (state == "idle" and self._state.state in WORKING)
        self._state = replace(self._state, state=state, reason=reason, was_checked=was_checked)
        if state == OFF:
            # Until the workspace is found the server has none to work on; that lasts a moment.
            self._start(self._show_later(self._state))
            return
        self._show_state()
        if state not in BUSY:
            self._ask_for_offers()

    async def _show_later(self, state: WorkState) -> None:
        await asyncio.sleep(OFF_SECONDS)
        if self._state == state:
            self._show_state()
            self._ask_for_offers()

    def _show_state(self) -> None:
        self._state = replace(self._state, elapsed_seconds=time.monotonic() - self._state_since)
        self._screen.show_state(self._state)

    def _ask_for_offers(self) -> None:
        """One question at a time; what becomes ready meanwhile needs one more."""
        if self._asking:
            self._ask_again = True
            return
        self._asking = True
        self._start(self._fetch_offers())

    async def _fetch_offers(self) -> None:
        try:
            items = read_items(await self._request("sleepy/offers", {}))
            self._offers_came(items)
            if self._state.state != OFF:
                self._show_state()
        finally:
            self._asking = False
        if self._ask_again:
            self._ask_again = False
            self._ask_for_offers()
        elif self._takes_all and not self._acting and not self._is_busy:
            self._act(self._apply_all())

    def _offers_came(self, items: Sequence[Item]) -> None:
        shown = self._selection.item
        if shown is not None and self._is_busy and all(item.problem_id != shown.problem_id for item in items):
            # While a text is checked anew nothing holds. What is looked at stays until it is known to be gone.
            items = [*items, shown]
        selection = with_items(self._selection, together(items))
        if shown is not None and selection.current != shown.problem_id:
            self._came_up_at = time.monotonic()
        self._select(selection)

    def _select(self, selection: Selection) -> None:
        self._selection = selection
        self._screen.show_selection(selection)

    async def _request(self, method: str, parameters: Any) -> Any:
        """The result of a request, None where there is none."""
        if self._client is None:
            return None
        return (await self._client.request(method, parameters, ANSWER_SECONDS)).result

    # ---- what happens on the disk --------------------------------------------------------------------

    def _files_changed(self, paths: Iterable[Path]) -> None:
        changes = self._files.changes(paths)
        if not changes or self._client is None:
            return
        told = [{"uri": uri_of_path(path), "type": int(kind)} for path, kind in changes]
        self._expected_until = time.monotonic() + EXPECTED_SECONDS
        self._client.notify("workspace/didChangeWatchedFiles", {"changes": told})
        if self._assignment.wraps_rust_analyzer:
            # Nothing is saved in an editor here, which is what rust-analyzer otherwise runs cargo for.
            self._client.notify("rust-analyzer/runFlycheck", {"textDocument": None})

    # ---- what the user types -------------------------------------------------------------------------

    def _key_typed(self, key: str) -> None:
        if key not in UNDISTURBING:
            self._takes_all = False
        if key in ("q", END_OF_INPUT):
            self._end(EXIT_GREEN)
        elif key == "?" and isinstance(self._screen, TerminalScreen):
            self._screen.show_help()
        elif key == "n":
            self._select(next_problem(self._selection))
        elif key == "o":
            self._select(next_offer(self._selection))
        elif key == "p":
            is_paused = self._state.state == "paused"
            self._start(self._command("sleepy.resume" if is_paused else "sleepy.pause", []))
        elif key == "A":
            self._takes_all = True
            if self._is_busy:
                self._screen.tell("Every preferred fix is applied once the search is done; any other key stops that.")
            else:
                self._act(self._apply_all())
        elif key in ("a", "x", "e"):
            item, offer = self._selection.item, self._selection.offer
            if item is None or offer is None:
                self._screen.tell("Nothing is on offer now.")
                return
            if key != "e" and time.monotonic() - self._came_up_at < HASTY_SECONDS:
                self._screen.tell(f"Another offer has just come up. Type {key} again if you mean that one.")
                return
            deeds: Mapping[str, Callable[[Item, Offer], Awaitable[None]]] = {
                "a": self._apply_one,
                "x": self._dismiss,
                "e": self._explain,
            }
            self._act(deeds[key](item, offer))

    def _act(self, deed: Awaitable[None]) -> None:
        """Do what was asked for, one deed at a time: a second `a` typed in haste is for what it was typed at."""

        async def alone() -> None:
            try:
                await deed
            except SleepyError as error:
                # A file that cannot be written is no reason to stop watching the others.
                self._takes_all = False
                self._screen.tell(f"{error.message} {error.remedy}", is_trouble=True)
            finally:
                self._acting = False

        if self._acting:
            if asyncio.iscoroutine(deed):
                deed.close()
            return
        self._acting = True
        self._start(alone())

    async def _command(self, name: str, arguments: Sequence[Any]) -> None:
        await self._request("workspace/executeCommand", {"command": name, "arguments": list(arguments)})

    async def _dismiss(self, _item: Item, offer: Offer) -> None:
        await self._command("sleepy.dismiss", [offer.offer_id])
        self._select(without_offer(self._selection, offer.offer_id))
        self._ask_for_offers()

    async def _explain(self, item: Item, _offer: Offer) -> None:
        answer = await self._request("sleepy/explain", {"problemId": item.problem_id})
        text = answer.get("value") if isinstance(answer, dict) else None
        self._screen.show_markdown(
            text if isinstance(text, str) else "There is nothing more to say about this problem."
        )

    async def _apply_one(self, item: Item, offer: Offer) -> None:
        """Write the shown offer."""
        if not await self._apply_offer(item, offer, diff=""):
            self._screen.tell(OUTDATED, is_trouble=True)
            self._ask_for_offers()

    async def _apply_offer(self, item: Item, offer: Offer, diff: str) -> bool:
        """Write an offer: what was shown, line by line, or nothing. `diff`: what is to be shown with it."""
        actions = await self._code_actions(item.uri, item.place, QUICK_FIX)
        # Where one change mends several problems it stands in the list once, under the name of one of them.
        for action in sorted(actions, key=lambda action: data_of(action).get("offerId") != offer.offer_id):
            changes = await self._changes_of(action)
            if changes and changed_lines(diff_of(changes, self._assignment.root)) == offer.changed_lines:
                await self._write(action, changes, title_of(offer), fixed=1 + len(item.companions), diff=diff)
                return True
        return False

    async def _apply_all(self) -> None:
        """Write the preferred fixes of one file, which were compiled as a whole, or one of them. The others follow
        when they were found again for the new text."""
        preferred = [item for item in self._selection.items if item.offers[0].preferred]
        for uri in dict.fromkeys(item.uri for item in preferred):
            everywhere = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
            for action in await self._code_actions(uri, everywhere, FIX_ALL):
                changes = await self._changes_of(action)
                if changes:
                    ids = data_of(action).get("offerIds")
                    diff = diff_of(changes, self._assignment.root)
                    title = str(action.get("title", "")).removeprefix(NAME)
                    await self._write(action, changes, title, fixed=len(ids) if isinstance(ids, list) else 1, diff=diff)
                    return
        for item in preferred:
            if await self._apply_offer(item, item.offers[0], diff=item.offers[0].diff):
                return
        self._takes_all = False
        self._screen.tell(OUTDATED if preferred else "No preferred fix is left.", is_trouble=bool(preferred))

    async def _code_actions(self, uri: str, place: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
        """Sleepy's own code actions with an edit, for a place in a file."""
        asked = {
            "textDocument": {"uri": uri},
            "range": place,
            "context": {"diagnostics": [], "only": [kind], "triggerKind": 1},
        }
        found = await self._request("textDocument/codeAction", asked)
        listed = [action for action in found if isinstance(action, dict)] if isinstance(found, list) else []
        return [action for action in listed if data_of(action).keys() & {"offerId", "bundleId"}]

    async def _changes_of(self, action: dict[str, Any]) -> tuple[FileChange, ...] | None:
        """What an action does to the files, None where it does not hold any more.

        The server is asked before and after the files are read. Where it gives the same edit twice, it saw both times
        the texts that the edit is for, and so what was read in between is such a text.
        """
        first = await self._request("codeAction/resolve", action)
        edit = first.get("edit") if isinstance(first, dict) else None
        if not isinstance(edit, dict):
            return None
        changes = file_changes(edit, self._encoding)
        second = await self._request("codeAction/resolve", action)
        if isinstance(changes, NotApplicable) or not isinstance(second, dict) or second.get("edit") != edit:
            return None
        action["command"] = second.get("command")
        return changes

    async def _write(
        self, action: Mapping[str, Any], changes: Sequence[FileChange], title: str, *, fixed: int, diff: str
    ) -> None:
        before = max(self._state.problems, len(self._selection.items))
        await asyncio.to_thread(
            write_accepted,
            changes,
            self._assignment.root,
            self._assignment.places,
            problems_before=before,
            problems_after=max(0, before - fixed),
        )
        paths = [change.path for change in changes]
        self._screen.show_applied(title, paths, diff)
        # Until the server has heard of it, it still lists what was just done.
        taken = data_of(action).get("offerIds") or [data_of(action).get("offerId")]
        self._select(without_taken(self._selection, taken))
        self._files_changed(paths)
        command = action.get("command")
        if isinstance(command, dict) and isinstance(command.get("command"), str):
            await self._command(command["command"], command.get("arguments") or [])


def data_of(action: Mapping[str, Any]) -> Mapping[str, Any]:
    """`data.sleepy` of a code action, empty where it has none."""
    data = action.get("data")
    ours = data.get("sleepy") if isinstance(data, dict) else None
    return ours if isinstance(ours, dict) else {}
