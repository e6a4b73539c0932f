"""pytest-lsp's client, which writes down every notification and knows the position encoding of its server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Union

from cattrs import Converter
from lsprotocol import types
from lsprotocol.converters import get_converter
from pygls.protocol import JsonRPCNotification, JsonRPCRequestMessage, JsonRPCResponseMessage
from pygls.workspace import PositionCodec
from pytest_lsp import LanguageClient
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features
from pytest_lsp.protocol import LanguageClientProtocol

from .journal import Journal

# What is only of interest in the journal. Progress is among it, because pytest-lsp warns of tokens that come again, and
# rust-analyzer uses its tokens again.
ONLY_WRITTEN_DOWN = (
    types.PROGRESS,
    types.WINDOW_WORK_DONE_PROGRESS_CREATE,
    types.CLIENT_REGISTER_CAPABILITY,
    types.CLIENT_UNREGISTER_CAPABILITY,
    "experimental/serverStatus",
    "sleepy/ready",
    "sleepy/status",
)
CLOSING_SECONDS = 20.0


def _no_answer(_client: LanguageClient, _params: Any) -> None:
    """Nothing is to be done."""


def plain_converter() -> Converter:
    """Messages that the specification does not know stay dicts and lists."""
    converter = get_converter()
    for message_type in (JsonRPCNotification, JsonRPCRequestMessage, JsonRPCResponseMessage):
        converter.register_structure_hook(message_type, lambda message, kind: kind(**message))

    def command_or_action(plain: Any, _kind: Any) -> types.Command | types.CodeAction:
        # lsprotocol takes every action that has a command for a bare command.
        kind = types.Command if isinstance(plain.get("command"), str) else types.CodeAction
        structured: types.Command | types.CodeAction = converter.structure(plain, kind)  # type: ignore[assignment]
        return structured

    converter.register_structure_hook(types.Command | types.CodeAction, command_or_action)
    # The name by which lsprotocol asks.
    converter.register_structure_hook(Union[types.Command, types.CodeAction], command_or_action)  # noqa: UP007
    return converter


class RecordingProtocol(LanguageClientProtocol):
    _server: RecordingClient

    def _handle_notification(self, method_name: str, params: Any) -> None:
        # Handled first, so that who waits for the event sees what it changed.
        super()._handle_notification(method_name, params)  # type: ignore[no-untyped-call]
        self._server.note(method_name, self._converter.unstructure(params))


class RecordingClient(LanguageClient):
    """One connection of an editor to one server."""

    def __init__(self, name: str, journal: Journal) -> None:
        super().__init__(protocol_cls=RecordingProtocol, converter_factory=plain_converter)
        register_lsp_features(self, {**DEFAULT_CLIENT_FEATURES, **dict.fromkeys(ONLY_WRITTEN_DOWN, _no_answer)})
        self.name = name
        self.journal = journal
        self.codec = PositionCodec()
        self.listeners: list[Callable[[str, Any], None]] = []

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._server is not None
        return self._server

    def note(self, method: str, params: Any) -> None:
        self.journal.add(self.name, method, params)
        for listener in self.listeners:
            listener(method, params)

    async def request(self, method: str, params: Any) -> Any:
        """Send any request; an error answer raises JsonRpcException."""
        return await self.protocol.send_request_async(method, params)  # type: ignore[no-untyped-call]

    def range_of(self, text: str, start: int, end: int) -> types.Range:
        """The range between two places, given as numbers of characters, in the units of this connection."""
        return types.Range(self._position_of(text, start), self._position_of(text, end))

    def places_of(self, text: str, span: types.Range) -> tuple[int, int]:
        """The places of a range, as numbers of characters."""
        return self._place_of(text, span.start), self._place_of(text, span.end)

    def _position_of(self, text: str, place: int) -> types.Position:
        before = text[:place]
        column = self.codec.client_num_units(before[before.rfind("\n") + 1 :])
        return types.Position(before.count("\n"), column)

    def _place_of(self, text: str, position: types.Position) -> int:
        lines = text.splitlines(keepends=True)
        if position.line >= len(lines):
            return len(text)
        here = self.codec.position_from_client_units(lines, position)
        return sum(map(len, lines[: here.line])) + here.character


def capabilities(encodings: Sequence[types.PositionEncodingKind | str]) -> types.ClientCapabilities:
    """What a present editor can do, as far as it matters here."""
    action_kinds = types.ClientCodeActionKindOptions(
        [types.CodeActionKind.QuickFix, types.CodeActionKind.Refactor, types.CodeActionKind.SourceFixAll]
    )
    return types.ClientCapabilities(
        workspace=types.WorkspaceClientCapabilities(
            apply_edit=True,
            configuration=True,
            workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True),
            workspace_folders=True,
            did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True),
        ),
        text_document=types.TextDocumentClientCapabilities(
            synchronization=types.TextDocumentSyncClientCapabilities(did_save=True),
            code_action=types.CodeActionClientCapabilities(
                code_action_literal_support=types.ClientCodeActionLiteralOptions(action_kinds),
                is_preferred_support=True,
                disabled_support=True,
                data_support=True,
                resolve_support=types.ClientCodeActionResolveOptions(["edit"]),
            ),
            publish_diagnostics=types.PublishDiagnosticsClientCapabilities(
                related_information=True, version_support=True, code_description_support=True, data_support=True
            ),
        ),
        window=types.WindowClientCapabilities(work_done_progress=True),
        general=types.GeneralClientCapabilities(position_encodings=list(encodings)),
        experimental={"serverStatusNotification": True, "sleepy": True},
    )


@asynccontextmanager
async def started_client(
    name: str,
    command: Sequence[str],
    root: Path,
    journal: Journal,
    environment: Mapping[str, str],
    options: Any,
    encodings: Sequence[str],
) -> AsyncIterator[RecordingClient]:
    """A server in `root`, after the handshake; shut down at the end."""
    client = RecordingClient(name, journal)
    await client.start_io(*command, cwd=root, env=dict(environment))
    try:
        answer = await client.initialize_session(
            types.InitializeParams(
                capabilities=capabilities(encodings),
                root_uri=root.as_uri(),
                workspace_folders=[types.WorkspaceFolder(root.as_uri(), root.name)],
                initialization_options=options,
                client_info=types.ClientInfo("sleepy-tests"),
            )
        )
        client.codec = PositionCodec(answer.capabilities.position_encoding or types.PositionEncodingKind.Utf16)
        yield client
    finally:
        await close_client(client)


async def close_client(client: RecordingClient) -> None:
    """End a server as an editor does. Fails where it does not end; one that is dead already is no error."""
    ended = True
    if client.process.returncode is None:
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await client.shutdown_session()
        except TimeoutError:
            ended = False
            client.process.kill()
    await client.stop()  # type: ignore[no-untyped-call]
    assert ended, f"{client.name} did not end in {CLOSING_SECONDS:.0f} s after `shutdown` and `exit`"
