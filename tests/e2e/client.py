"""pytest-lsp's client, which writes down every notification and knows the position encoding of its server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cattrs import Converter
from lsprotocol import types
from lsprotocol.converters import get_converter
from pygls.protocol import JsonRPCNotification, JsonRPCRequestMessage, JsonRPCResponseMessage
from pygls.workspace import PositionCodec
from pytest_lsp import LanguageClient
from pytest_lsp.client import register_lsp_features
from pytest_lsp.protocol import LanguageClientProtocol

from .journal import Journal


def plain_converter() -> Converter:
    """Messages that the specification does not know stay dicts and lists."""
    converter = get_converter()
    for message_type in (JsonRPCNotification, JsonRPCRequestMessage, JsonRPCResponseMessage):
        converter.register_structure_hook(message_type, lambda message, kind: kind(**message))
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
        register_lsp_features(self)
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


async def start_client(
    name: str,
    command: Sequence[str],
    root: Path,
    journal: Journal,
    environment: Mapping[str, str],
    options: Any,
    encodings: Sequence[str],
) -> RecordingClient:
    """Start a server in `root` and shake hands with it."""
    client = RecordingClient(name, journal)
    client.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda _params: None)
    client.feature(types.CLIENT_UNREGISTER_CAPABILITY)(lambda _params: None)
    await client.start_io(*command, cwd=root, env=dict(environment))
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
    return client
