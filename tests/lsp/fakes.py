"""Stand-ins for what surrounds the language server: the worker, and the editor."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Union

from cattrs import Converter
from lsprotocol import types as lsp
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient
from pytest_lsp.client import register_lsp_features

from lsp.scripted_worker import JOURNAL_VARIABLE
from sleepy_lsp.texts.convert import uri_of_path
from sleepy_lsp.workspaces.worker_client import WORKER_COMMAND_VARIABLE

TESTS = Path(__file__).parents[1]
SCRIPTED_WORKER = (sys.executable, "-m", "lsp.scripted_worker")
"""The command of a worker without a compiler."""


def worker_environment(journal: Path | None = None) -> dict[str, str]:
    """What must be in the environment of whoever starts the scripted worker instead of the real one."""
    paths = [str(TESTS), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(filter(None, paths))),
        WORKER_COMMAND_VARIABLE: json.dumps(SCRIPTED_WORKER),
    }
    return environment | ({JOURNAL_VARIABLE: str(journal)} if journal else {})


def full_capabilities(*, sleepy: bool = True) -> lsp.ClientCapabilities:
    """A client that can do everything that we look at."""
    return lsp.ClientCapabilities(
        workspace=lsp.WorkspaceClientCapabilities(
            workspace_edit=lsp.WorkspaceEditClientCapabilities(document_changes=True),
            did_change_watched_files=lsp.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True),
            diagnostics=lsp.DiagnosticWorkspaceClientCapabilities(refresh_support=True),
        ),
        text_document=lsp.TextDocumentClientCapabilities(
            diagnostic=lsp.DiagnosticClientCapabilities(),
            code_action=lsp.CodeActionClientCapabilities(
                code_action_literal_support=lsp.ClientCodeActionLiteralOptions(
                    lsp.ClientCodeActionKindOptions([lsp.CodeActionKind.QuickFix])
                ),
                is_preferred_support=True,
                data_support=True,
                resolve_support=lsp.ClientCodeActionResolveOptions(["edit", "command"]),
            ),
        ),
        window=lsp.WindowClientCapabilities(work_done_progress=True),
        general=lsp.GeneralClientCapabilities(position_encodings=[lsp.PositionEncodingKind.Utf8]),
        experimental={"sleepy": True} if sleepy else None,
    )


def plain_capabilities() -> lsp.ClientCapabilities:
    """A client that takes code actions and can do nothing else."""
    return lsp.ClientCapabilities(
        text_document=lsp.TextDocumentClientCapabilities(
            code_action=lsp.CodeActionClientCapabilities(
                code_action_literal_support=lsp.ClientCodeActionLiteralOptions(
                    lsp.ClientCodeActionKindOptions([lsp.CodeActionKind.QuickFix])
                ),
            )
        )
    )


def converter() -> Converter:
    """pygls's converter, where lsprotocol 2025.0 reads each code action that has a command as a command."""

    def read_action(content: dict[str, Any], _type: object) -> lsp.Command | lsp.CodeAction:
        is_command = isinstance(content.get("command"), str)
        return made.structure(content, lsp.Command) if is_command else made.structure(content, lsp.CodeAction)

    made: Converter = default_converter()  # type: ignore[no-untyped-call]
    made.register_structure_hook(lsp.Command | lsp.CodeAction, read_action)
    made.register_structure_hook(Union[lsp.Command, lsp.CodeAction], read_action)  # noqa: UP007
    return made


class Editor:
    """A client of a real server process, with pytest-lsp's client inside."""

    def __init__(self) -> None:
        self.client = LanguageClient(converter_factory=converter)
        register_lsp_features(self.client)
        self.ready: asyncio.Queue[Any] = asyncio.Queue()
        self.statuses: asyncio.Queue[Any] = asyncio.Queue()
        self.published: asyncio.Queue[lsp.PublishDiagnosticsParams] = asyncio.Queue()
        self.refreshed: asyncio.Queue[None] = asyncio.Queue()
        self.shown: asyncio.Queue[lsp.ShowMessageParams] = asyncio.Queue()
        self.registered: asyncio.Queue[lsp.RegistrationParams] = asyncio.Queue()
        self.progress: asyncio.Queue[lsp.ProgressParams] = asyncio.Queue()
        self.result: lsp.InitializeResult | None = None
        self._versions: dict[str, int] = {}
        take = {
            "sleepy/ready": self.ready.put_nowait,
            "sleepy/status": self.statuses.put_nowait,
            lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS: self.published.put_nowait,
            lsp.WORKSPACE_DIAGNOSTIC_REFRESH: self.refreshed.put_nowait,
            lsp.WINDOW_SHOW_MESSAGE: self.shown.put_nowait,
            lsp.CLIENT_REGISTER_CAPABILITY: self.registered.put_nowait,
            lsp.PROGRESS: self.progress.put_nowait,
        }
        for method, handler in take.items():
            self.client.protocol.fm.features.pop(method, None)
            # pygls writes on what it registers, which a bound method does not bear.
            self.client.feature(method)(partial(handler))

    @property
    def process_id(self) -> int:
        assert self.client._server is not None
        return self.client._server.pid

    async def wait_ready(self, problems: int | None = None, offers: int | None = None) -> Any:
        """The next `sleepy/ready` with these counts."""
        while True:
            news = await self.ready.get()
            if problems in {None, news.problems} and offers in {None, news.offers}:
                return news

    async def wait_status(self, state: str) -> Any:
        """The next `sleepy/status` with this state."""
        while True:
            status = await self.statuses.get()
            if status.state == state:
                return status

    def open(self, path: Path, text: str | None = None) -> str:
        """Open a file, with another text than the one on the disk where given; its URI."""
        uri = uri_of_path(path)
        shown = path.read_text(encoding="utf-8") if text is None else text
        self._versions[uri] = 1
        self.client.text_document_did_open(
            lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(uri, lsp.LanguageKind.Rust, 1, shown))
        )
        return uri

    def type(self, uri: str, text: str) -> int:
        """Replace the text of a document; its version."""
        self._versions[uri] += 1
        self.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(self._versions[uri], uri),
                [lsp.TextDocumentContentChangeWholeDocument(text)],
            )
        )
        return self._versions[uri]

    def save(self, uri: str) -> None:
        self.client.text_document_did_save(lsp.DidSaveTextDocumentParams(lsp.TextDocumentIdentifier(uri)))

    def close(self, uri: str) -> None:
        self.client.text_document_did_close(lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(uri)))

    def files_changed(self, *paths: Path) -> None:
        """Tell what the client's watcher saw."""
        events = [lsp.FileEvent(uri_of_path(path), lsp.FileChangeType.Changed) for path in paths]
        self.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams(events))

    async def actions(self, uri: str, line: int = 0, only: list[str] | None = None) -> list[lsp.CodeAction]:
        """The code actions of a line."""
        place = lsp.Range(lsp.Position(line, 0), lsp.Position(line, 200))
        answer = await self.client.text_document_code_action_async(
            lsp.CodeActionParams(
                lsp.TextDocumentIdentifier(uri),
                place,
                lsp.CodeActionContext([], only=only, trigger_kind=lsp.CodeActionTriggerKind.Invoked),
            )
        )
        assert answer is not None
        assert all(isinstance(one, lsp.CodeAction) for one in answer)
        return [one for one in answer if isinstance(one, lsp.CodeAction)]

    async def command(self, name: str, *arguments: object) -> Any:
        """Run a command."""
        return await self.client.workspace_execute_command_async(lsp.ExecuteCommandParams(name, list(arguments)))

    async def ask(self, method: str, parameters: object) -> Any:
        """Send any request."""
        return await self.client.protocol.send_request_async(method, parameters)  # type: ignore[no-untyped-call]

    def tell(self, method: str, parameters: object) -> None:
        """Send any notification."""
        self.client.protocol.notify(method, parameters)


SERVER = (sys.executable, "-m", "sleepy_agent.cli", "lsp", "--stdio")


@asynccontextmanager
async def editor(
    project: Path | None,
    *,
    capabilities: lsp.ClientCapabilities | None = None,
    options: object = None,
    journal: Path | None = None,
    initialize: lsp.InitializeParams | None = None,
    is_initialized: bool = True,
) -> AsyncIterator[Editor]:
    """An editor with a server of its own and the scripted worker. At the end everything must have ended in peace."""
    one = Editor()
    await one.client.start_io(*SERVER, env={**os.environ, **worker_environment(journal)})
    folders = [lsp.WorkspaceFolder(uri_of_path(project), project.name)] if project else None
    parameters = initialize or lsp.InitializeParams(
        capabilities=capabilities or full_capabilities(),
        workspace_folders=folders,
        initialization_options={"settings": {"rest_milliseconds": 50, "debounce_milliseconds": 5}}
        if options is None
        else options,
    )
    try:
        if is_initialized:
            one.result = await one.client.initialize_session(parameters)
        yield one
        if is_initialized:
            await one.client.shutdown_session()
    except BaseException:
        # A client waits for its server, and this one may not have been asked to end.
        if one.client._server is not None and one.client._server.returncode is None:
            one.client._server.kill()
        raise
    finally:
        await one.client.stop()  # type: ignore[no-untyped-call]


def cargo_project(folder: Path, **files: str) -> Path:
    """A cargo package whose `src` has these files (`lib="..."` makes `src/lib.rs`); its folder."""
    (folder / "src").mkdir(parents=True)
    manifest = f'[package]\nname = "{folder.name}"\nversion = "0.1.0"\nedition = "2021"\n'
    (folder / "Cargo.toml").write_text(manifest, encoding="utf-8")
    for name, text in files.items():
        (folder / "src" / f"{name}.rs").write_text(text, encoding="utf-8")
    return folder.resolve()


def text_after(text: str, edits: Iterable[lsp.TextEdit | lsp.AnnotatedTextEdit | lsp.SnippetTextEdit]) -> str:
    """A text of single-byte characters after some edits."""
    lines = text.splitlines(keepends=True)

    def offset(position: lsp.Position) -> int:
        return sum(map(len, lines[: position.line])) + position.character

    for edit in sorted(edits, key=lambda edit: offset(edit.range.start), reverse=True):
        assert isinstance(edit, lsp.TextEdit)
        text = text[: offset(edit.range.start)] + edit.new_text + text[offset(edit.range.end) :]
    return text


def own_data(action: lsp.CodeAction) -> dict[str, Any]:
    """`data.sleepy` of an action."""
    assert isinstance(action.data, dict)
    return dict(action.data["sleepy"])


def offers_of(actions: Iterable[lsp.CodeAction]) -> list[lsp.CodeAction]:
    """Those actions that are one offer."""
    return [action for action in actions if "offerId" in own_data(action)]


def changes_of(action: lsp.CodeAction) -> list[lsp.TextDocumentEdit]:
    """The versioned edits of an action."""
    assert action.edit is not None
    assert action.edit.document_changes is not None
    return [change for change in action.edit.document_changes if isinstance(change, lsp.TextDocumentEdit)]
