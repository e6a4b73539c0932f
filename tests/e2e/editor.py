"""An editor for tests: documents, and two servers (way "beside") or one that speaks for both (way "wrapped").

It does what an editor does and nothing more: sends edits with versions, writes files when they are saved, forwards
rust-analyzer's diagnostics (beside), applies an edit only to the very version it names.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.uris import to_fs_path

from sleepy_agent.config import Places, find_places
from sleepy_agent.domain import Episode, Outcome

from .client import RecordingClient, started_client
from .journal import Journal
from .projects import Bug
from .store import stored_episodes, watched_store

BESIDE, WRAPPED = "beside", "wrapped"
WAYS = (BESIDE, WRAPPED)
SLEEPY_COMMAND = (sys.executable, "-m", "sleepy_agent.cli", "lsp")
ANALYZER = "rust-analyzer"
PUBLISHED = types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS

# Nothing of this is needed for a crate without dependencies, and each costs time at the start.
ANALYZER_SETTINGS: Mapping[str, Any] = {
    "cachePriming": {"enable": False},
    "procMacro": {"enable": False},
    "numThreads": 2,
    "checkOnSave": True,
}


class StaleEdit(AssertionError):
    """An edit names another version of a document than the editor has: a real editor would refuse it."""


@dataclass(slots=True)
class Document:
    text: str
    version: int = 1
    before: str = ""
    """The text before the last change."""


@dataclass(slots=True)
class Editor:
    """Owner of the open documents. `analyzer` and `sleepy` are one and the same client when wrapped."""

    root: Path
    journal: Journal
    analyzer: RecordingClient | None
    sleepy: RecordingClient
    places: Places
    documents: dict[Path, Document] = field(default_factory=dict)

    @property
    def clients(self) -> list[RecordingClient]:
        both = [self.sleepy] if self.analyzer in (None, self.sleepy) else [self.analyzer, self.sleepy]
        return [client for client in both if client is not None]

    def forget_analyzer(self) -> None:
        """rust-analyzer is dead: nothing is sent to it any more, and what it said is gone."""
        assert self.analyzer is not None
        self.analyzer.diagnostics.clear()
        self.analyzer = None

    def path(self, name: str) -> Path:
        return self.root / name

    # ---- documents -------------------------------------------------------------------------------------------

    def open(self, name: str) -> Path:
        """Open a file as it stands on the disk."""
        path = self.path(name)
        document = self.documents[path] = Document(path.read_text(encoding="utf-8"))
        item = types.TextDocumentItem(path.as_uri(), "rust", document.version, document.text)
        for client in self.clients:
            client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return path

    async def open_analyzed(self, name: str) -> Path:
        """Open a file and wait until rust-analyzer has said something about it, and so was heard by Sleepy, too."""
        since = len(self.journal)
        path = self.open(name)
        await self.journal.heard(PUBLISHED, lambda told: told["uri"] == path.as_uri(), since=since, source=ANALYZER)
        return path

    def close(self, path: Path) -> None:
        del self.documents[path]
        for client in self.clients:
            identifier = types.TextDocumentIdentifier(path.as_uri())
            client.text_document_did_close(types.DidCloseTextDocumentParams(identifier))

    def type(self, path: Path, old: str, new: str) -> None:
        """Replace the only place where `old` stands."""
        text = self.documents[path].text
        assert text.count(old) == 1, (old, text)
        start = text.index(old)
        self.replace(path, [(start, start + len(old), new)])

    def replace(self, path: Path, changes: Sequence[tuple[int, int, str]]) -> None:
        """Change places (of one text, as numbers of characters) in one step, as one undoable action of an editor."""
        document = self.documents[path]
        before = document.text
        document.version += 1
        identifier = types.VersionedTextDocumentIdentifier(document.version, path.as_uri())
        # From the end, so that places before an edit stay where they are.
        ordered = sorted(changes, reverse=True)
        for client in self.clients:
            events: list[types.TextDocumentContentChangeEvent] = [
                types.TextDocumentContentChangePartial(client.range_of(before, start, end), new)
                for start, end, new in ordered
            ]
            client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, events))
        document.before = before
        for start, end, new in ordered:
            document.text = document.text[:start] + new + document.text[end:]

    def undo(self, path: Path) -> None:
        """Take the last change back, as one change more."""
        self.replace_all(path, self.documents[path].before)

    def replace_all(self, path: Path, text: str) -> None:
        """Another text in one step."""
        self.replace(path, [(0, len(self.documents[path].text), text)])

    def save(self, path: Path) -> None:
        path.write_bytes(self.documents[path].text.encode())
        identifier = types.TextDocumentIdentifier(path.as_uri())
        for client in self.clients:
            client.text_document_did_save(types.DidSaveTextDocumentParams(identifier))

    def reload(self, paths: Sequence[Path]) -> None:
        """Others wrote these files: what is open shows the new text, and the servers are told of all of them."""
        for path in paths:
            document = self.documents.get(path)
            if document is not None and (text := path.read_text(encoding="utf-8")) != document.text:
                self.replace_all(path, text)
        events = [types.FileEvent(path.as_uri(), types.FileChangeType.Changed) for path in paths]
        for client in self.clients:
            client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(events))

    # ---- code actions ----------------------------------------------------------------------------------------

    async def actions(self, path: Path, at: str, only: Sequence[str] | None = None) -> list[types.CodeAction]:
        """What is offered where `at` stands first, invoked by hand; actions of rust-analyzer among them (wrapped)."""
        text = self.documents[path].text
        start = text.index(at)
        span = self.sleepy.range_of(text, start, start)
        here = [one for one in self.diagnostics(path) if one.range.start.line <= span.start.line <= one.range.end.line]
        context = types.CodeActionContext(here, list(only) if only else None, types.CodeActionTriggerKind.Invoked)
        identifier = types.TextDocumentIdentifier(path.as_uri())
        answer = await self.sleepy.text_document_code_action_async(types.CodeActionParams(identifier, span, context))
        return [action for action in answer or [] if isinstance(action, types.CodeAction)]

    def diagnostics(self, path: Path) -> list[types.Diagnostic]:
        """What rust-analyzer shows in a file (and our hints, where they are pushed)."""
        return [one for client in self.clients for one in client.diagnostics.get(path.as_uri(), [])]

    async def fixes(self, path: Path, bug: Bug) -> list[types.CodeAction]:
        """Our quick fixes for a bug, now."""
        return [
            action
            for action in await self.actions(path, bug.at)
            if sleepy_data(action).get("offerId") and action.kind == types.CodeActionKind.QuickFix
        ]

    async def fix(self, path: Path, bug: Bug) -> types.CodeAction:
        """Our preferred quick fix for a bug, resolved; waited for, as it is preferred once its rivals were compiled."""

        async def look() -> types.CodeAction | None:
            return next((action for action in await self.fixes(path, bug) if action.is_preferred), None)

        action = await self.journal.until(f"a fix of {bug.code} in {path.name}", look)
        return await self.resolve(action)

    async def resolve(self, action: types.CodeAction) -> types.CodeAction:
        """The action with its edit. Raises JsonRpcException where the server says that it is stale."""
        return action if action.edit else await self.sleepy.code_action_resolve_async(action)

    async def apply(self, action: types.CodeAction) -> None:
        """Apply an action as an editor does: the edit to the versions it names, then the command."""
        assert action.edit is not None, action
        for path, edits in self.edits_of(action.edit).items():
            if path not in self.documents:
                self.open(str(path.relative_to(self.root)))
            self.replace(path, edits)
        if action.command:
            parameters = types.ExecuteCommandParams(action.command.command, action.command.arguments)
            await self.sleepy.workspace_execute_command_async(parameters)

    def edits_of(self, edit: types.WorkspaceEdit) -> dict[Path, list[tuple[int, int, str]]]:
        """The edits by file, as places in characters. Raises StaleEdit where it names another version."""
        found = {}
        for change in edit.document_changes or []:
            assert isinstance(change, types.TextDocumentEdit), change
            path = path_of(change.text_document.uri)
            document = self.documents.get(path)
            if document is not None and change.text_document.version != document.version:
                raise StaleEdit(f"{path.name}: version {change.text_document.version}, here {document.version}")
            text = document.text if document else path.read_text(encoding="utf-8")
            plain = [one for one in change.edits if not isinstance(one, types.SnippetTextEdit)]
            assert len(plain) == len(change.edits), "a snippet, which this client never asked for"
            found[path] = [(*self.sleepy.places_of(text, one.range), one.new_text) for one in plain]
        return found

    async def until_clean(self) -> None:
        """Wait until rust-analyzer shows no error any more, and Sleepy knows of no problem."""
        await self.until_nothing_is_offered()

        async def look() -> bool | None:
            shown = [one for path in self.documents for one in self.diagnostics(path)]
            return None if any(one.severity == types.DiagnosticSeverity.Error for one in shown) else True

        await self.journal.until("diagnostics without errors", look)

    async def until_nothing_is_offered(self) -> None:
        """Wait until Sleepy has checked the text and offers nothing: the text is right, or its bugs have no fix."""

        async def look() -> bool | None:
            idle = [event.params["state"] for event in self.journal.events("sleepy/status")][-1:] == ["idle"]
            return True if idle and not await self.sleepy.request("sleepy/offers", {}) else None

        await self.journal.until("a text without offers", look)

    def texts_after(self, edit: types.WorkspaceEdit | None) -> dict[Path, str]:
        """The open texts with an edit made, without making it."""
        assert edit is not None
        texts = {path: document.text for path, document in self.documents.items()}
        for path, edits in self.edits_of(edit).items():
            for start, end, new in sorted(edits, reverse=True):
                texts[path] = texts[path][:start] + new + texts[path][end:]
        return texts

    # ---- what was remembered ---------------------------------------------------------------------------------

    def stored_count(self) -> int:
        """How many attempts are stored by now."""
        return len(stored_episodes(self.places))

    async def episode(self, outcome: Outcome, code: str, *, since: int, source: str | None = None) -> Episode:
        """The newest of the attempts stored after the first `since` that has this outcome; waited for."""

        async def look() -> Episode | None:
            for one in reversed(stored_episodes(self.places)[since:]):
                if (one.outcome, one.code) == (outcome, code) and source in (None, one.source):
                    return one
            return None

        return await self.journal.until(f"an episode of {code} that is {outcome}", look)


def path_of(uri: str) -> Path:
    path = to_fs_path(uri)
    assert path, uri
    return Path(path)


def sleepy_data(action: types.CodeAction) -> Mapping[str, Any]:
    """`data.sleepy` of an action, empty where it is not ours."""
    data = action.data if isinstance(action.data, dict) else {}
    return data.get("sleepy") or {}


@asynccontextmanager
async def open_editor(
    root: Path,
    way: str,
    environment: Mapping[str, str],
    settings: Mapping[str, Any],
    encodings: Sequence[str] = ("utf-8",),
) -> AsyncIterator[Editor]:
    """Start the servers of one way and wait until rust-analyzer knows the project; at the end both are shut down."""
    journal = Journal()
    places = find_places(environment)
    own = {"settings": dict(settings)}
    async with AsyncExitStack() as stack:

        async def start(name: str, command: Sequence[str], options: Mapping[str, Any]) -> RecordingClient:
            made = started_client(name, command, root, journal, environment, dict(options), encodings)
            return await stack.enter_async_context(made)

        if way == WRAPPED:
            command = [*SLEEPY_COMMAND, "--wrap", ANALYZER]
            sleepy = await start(ANALYZER, command, {**ANALYZER_SETTINGS, "sleepy": own})
            editor = Editor(root, journal, sleepy, sleepy, places)
        else:
            analyzer = await start(ANALYZER, [ANALYZER], ANALYZER_SETTINGS)
            sleepy = await start("sleepy", SLEEPY_COMMAND, own)
            forward_diagnostics(analyzer, sleepy)
            editor = Editor(root, journal, analyzer, sleepy, places)
        with watched_store(places, journal):
            await journal.heard("experimental/serverStatus", lambda status: status["quiescent"])
            yield editor


def forward_diagnostics(analyzer: RecordingClient, sleepy: RecordingClient) -> None:
    """What an editor's own Sleepy client does: pass on what rust-analyzer publishes, as it came."""

    def listen(method: str, params: Any) -> None:
        if method == PUBLISHED:
            sleepy.protocol.notify("sleepy/diagnostics", params)

    analyzer.listeners.append(listen)
