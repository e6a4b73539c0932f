"""The methods that the server answers: those of the protocol, and our own. docs/protocol.md describes ours.

Every handler answers at once from what is known. Parameters of our own methods and of document changes come as plain
JSON (`wire.py`) and are judged here: what is wrong in a request is an InvalidParams, a wrong notification is left out.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcContentModified, JsonRpcInvalidParams

from sleepy_lsp.actions import views
from sleepy_lsp.actions.abilities import abilities_of
from sleepy_lsp.actions.code_actions import Stale, code_actions, resolve_code_action, sleepy_data
from sleepy_lsp.names import ACTION_KINDS
from sleepy_lsp.options import ServerOptions, read_options
from sleepy_lsp.proxy.initialization import member
from sleepy_lsp.server.commands import knows_sleepy
from sleepy_lsp.server.editor_session import EditorSession, real_tools
from sleepy_lsp.server.language_server import SleepyServer
from sleepy_lsp.server.notifier import Notifier, TellingWays
from sleepy_lsp.texts.convert import path_of_uri

logger = logging.getLogger(__name__)

DIAGNOSTICS = "sleepy/diagnostics"
TRUST = "sleepy/trust"
EXPLAIN = "sleepy/explain"
OFFERS = "sleepy/offers"
OWN_METHODS = (DIAGNOSTICS, TRUST, EXPLAIN, OFFERS)
"""What a client may send us beyond the protocol."""

WATCHED = (
    "**/*.rs",
    "**/Cargo.toml",
    "**/Cargo.lock",
    "**/rust-toolchain*",
    "**/.cargo/config*",
    "**/.git/HEAD",
    "**/.sleepyignore",
)
"""The files whose changes on the disk concern us."""
WATCHED_REGISTRATION = "sleepy-watched-files"
RUST_FILES = lsp.FileOperationRegistrationOptions(
    [lsp.FileOperationFilter(lsp.FileOperationPattern("**/*"), scheme="file")]
)


def register_features(server: SleepyServer) -> None:
    """Register every handler. Those that depend on the client follow in `initialize`."""
    register_lifecycle(server)
    register_documents(server)
    register_answers(server)
    register_own_methods(server)


# ---- from initialize on ----------------------------------------------------------------------------------


def register_lifecycle(server: SleepyServer) -> None:
    @server.feature(lsp.INITIALIZE)
    def initialize(parameters: lsp.InitializeParams) -> None:
        read = read_options(parameters.initialization_options, server.places)
        encoding = str(getattr(server.workspace.position_encoding, "value", server.workspace.position_encoding))
        server.complaints = read.complaints
        server.capabilities = parameters.capabilities
        server.abilities = abilities_of(parameters.capabilities, encoding)
        server.folders = tuple(folders_of(parameters))
        session = EditorSession(read.options, server.places, encoding, real_tools(read.options, verbose=server.verbose))
        ways = telling_ways(parameters.capabilities, read.options)
        notifier = Notifier(
            server,
            ways,
            lambda path: views.news_of(session, path),
            lambda path: views.hints_of(session, path),
            lambda: session.status,
        )
        server.begin(session, notifier)
        if ways.pulls_hints:
            register_pulled_hints(server)

    @server.feature(lsp.INITIALIZED)
    def initialized(_parameters: lsp.InitializedParams) -> None:
        for complaint in server.complaints:
            server.notifier.trouble(complaint, "")
        client_watches = register_watched_files(server)
        server.session.begin(server.notifier, None if client_watches else server.watch_ourselves)
        server.session.folders_changed(server.folders)
        if server.session.options.settings.on_battery == "pause":
            server.in_background(server.watch_battery())
        server.notifier.status_changed()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders_changed(parameters: lsp.DidChangeWorkspaceFoldersParams) -> None:
        server.session.folders_changed(
            paths_of(folder.uri for folder in parameters.event.added),
            paths_of(folder.uri for folder in parameters.event.removed),
        )

    @server.feature(lsp.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def cancelled(parameters: lsp.WorkDoneProgressCancelParams) -> None:
        server.notifier.cancelled(parameters.token)


def folders_of(parameters: lsp.InitializeParams) -> Iterable[Path]:
    """The folders that the client shows: several, one (older clients), or none."""
    if parameters.workspace_folders:
        return paths_of(folder.uri for folder in parameters.workspace_folders)
    if parameters.root_uri is not None:
        return paths_of([parameters.root_uri])
    return [Path(parameters.root_path)] if parameters.root_path else []


def paths_of(uris: Iterable[str]) -> list[Path]:
    """The files of those URIs that are files'."""
    return [path for uri in uris if (path := path_of_uri(uri)) is not None]


def telling_ways(capabilities: lsp.ClientCapabilities, options: ServerOptions) -> TellingWays:
    """How this client is told that something is new."""
    workspace, document, window = capabilities.workspace, capabilities.text_document, capabilities.window
    refreshes = bool(workspace and workspace.diagnostics and workspace.diagnostics.refresh_support)
    pulls = bool(document and document.diagnostic)
    return TellingWays(
        knows_sleepy=knows_sleepy(capabilities),
        refreshes=refreshes,
        pulls_hints=options.hints and refreshes and pulls,
        takes_pushed_hints=options.hints and not (refreshes and pulls),
        takes_progress=bool(window and window.work_done_progress),
    )


def register_watched_files(server: SleepyServer) -> bool:
    """Ask the client to tell of changed files; False where it cannot."""
    workspace = server.capabilities.workspace
    watching = workspace.did_change_watched_files if workspace else None
    if watching is None or not watching.dynamic_registration:
        return False
    options = lsp.DidChangeWatchedFilesRegistrationOptions([lsp.FileSystemWatcher(glob) for glob in WATCHED])
    registration = lsp.Registration(WATCHED_REGISTRATION, lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
    server.in_background(server.request(lsp.CLIENT_REGISTER_CAPABILITY, lsp.RegistrationParams([registration])))
    return True


# ---- documents and files ---------------------------------------------------------------------------------


def register_documents(server: SleepyServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(parameters: Any) -> None:
        document = member(parameters, "textDocument")
        uri, text = member(document, "uri"), member(document, "text")
        if isinstance(uri, str) and isinstance(text, str):
            language = member(document, "languageId")
            server.session.opened(uri, str(language), version_of(document), text)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(parameters: Any) -> None:
        uri, changes = member(parameters, "textDocument", "uri"), member(parameters, "contentChanges")
        if isinstance(uri, str) and isinstance(changes, list):
            server.session.changed(uri, version_of(member(parameters, "textDocument")), changes)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(parameters: Any) -> None:
        uri = member(parameters, "textDocument", "uri")
        if isinstance(uri, str):
            server.session.saved(uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(parameters: Any) -> None:
        uri = member(parameters, "textDocument", "uri")
        if isinstance(uri, str):
            path = server.session.real_path_of(uri)
            server.session.closed(uri)
            if path is not None:
                server.notifier.forget(path, uri)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def files_changed(parameters: lsp.DidChangeWatchedFilesParams) -> None:
        server.session.files_changed(paths_of(change.uri for change in parameters.changes))

    @server.feature(lsp.WORKSPACE_DID_CREATE_FILES, RUST_FILES)
    def created(parameters: lsp.CreateFilesParams) -> None:
        server.session.files_changed(paths_of(file.uri for file in parameters.files))

    @server.feature(lsp.WORKSPACE_DID_RENAME_FILES, RUST_FILES)
    def renamed(parameters: lsp.RenameFilesParams) -> None:
        server.session.files_changed(paths_of(uri for file in parameters.files for uri in (file.old_uri, file.new_uri)))

    @server.feature(lsp.WORKSPACE_DID_DELETE_FILES, RUST_FILES)
    def deleted(parameters: lsp.DeleteFilesParams) -> None:
        server.session.files_changed(paths_of(file.uri for file in parameters.files))


def version_of(document: Any) -> int | None:
    """The version that a client gave a document, None where it gave none."""
    version = member(document, "version")
    return version if isinstance(version, int) and not isinstance(version, bool) else None


# ---- what is asked ---------------------------------------------------------------------------------------


def register_answers(server: SleepyServer) -> None:
    options = lsp.CodeActionOptions(code_action_kinds=list(ACTION_KINDS), resolve_provider=True)

    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, options)
    def answer_code_actions(parameters: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        path = server.session.real_path_of(parameters.text_document.uri)
        if path is None:
            return []
        _, board = server.session.board_of(path)
        text_of = server.session.texts()
        actions = code_actions(board, path, parameters.range, parameters.context, text_of, server.abilities)
        tell_shown(server, actions, parameters.context.trigger_kind)
        return actions

    @server.feature(lsp.CODE_ACTION_RESOLVE)
    def resolve(action: lsp.CodeAction) -> lsp.CodeAction:
        offer_ids, bundle_id = own_ids(action)
        text_of = server.session.texts()
        for driver in server.session.drivers:
            resolved = resolve_code_action(driver.board, action, text_of, server.abilities)
            if not isinstance(resolved, Stale):
                return resolved
        if offer_ids or bundle_id:
            raise JsonRpcContentModified(Stale().message)
        return action


def own_ids(action: lsp.CodeAction) -> tuple[list[str], str | None]:
    """The offers that an action of ours would apply, and the bundle they come in."""
    data = sleepy_data(action.data)
    offer_id, bundle_id, listed = data.get("offerId"), data.get("bundleId"), data.get("offerIds")
    if isinstance(offer_id, str):
        return [offer_id], None
    ids = [one for one in listed if isinstance(one, str)] if isinstance(listed, list | tuple) else []
    return ids, bundle_id if isinstance(bundle_id, str) else None


def tell_shown(
    server: SleepyServer, actions: Iterable[lsp.CodeAction], trigger: lsp.CodeActionTriggerKind | None
) -> None:
    """Tell the desks which offers the client got to show."""
    offer_ids = [offer_id for action in actions for offer_id in own_ids(action)[0]]
    tell_desks(server, offer_ids, asked=trigger is not lsp.CodeActionTriggerKind.Automatic)


def tell_desks(server: SleepyServer, offer_ids: list[str], *, asked: bool) -> None:
    """Tell the desk of each workspace which of its offers the client got; `asked`: the user wanted to see them."""
    found = server.session.offers_by_id(offer_ids) if offer_ids else []
    for driver in {one.driver.root: one.driver for one in found}.values():
        driver.desk.shown([one.offer for one in found if one.driver is driver], asked=asked)


def register_pulled_hints(server: SleepyServer) -> None:
    """Announce hints as pulled diagnostics: only to clients that ask again when they are told to."""

    @server.feature(lsp.TEXT_DOCUMENT_DIAGNOSTIC, lsp.DiagnosticOptions(False, False, identifier="sleepy"))
    def pull(parameters: lsp.DocumentDiagnosticParams) -> lsp.DocumentDiagnosticReport:
        path = server.session.real_path_of(parameters.text_document.uri)
        hints = list(views.hints_of(server.session, path)) if path is not None else []
        identity = hashlib.sha256(repr(hints).encode()).hexdigest()[:16]
        if identity == parameters.previous_result_id:
            return lsp.RelatedUnchangedDocumentDiagnosticReport(result_id=identity)
        return lsp.RelatedFullDocumentDiagnosticReport(items=hints, result_id=identity)


# ---- our own methods -------------------------------------------------------------------------------------


def register_own_methods(server: SleepyServer) -> None:
    @server.feature(DIAGNOSTICS)
    def diagnostics(parameters: Any) -> None:
        uri, listed = member(parameters, "uri"), member(parameters, "diagnostics")
        if isinstance(uri, str) and isinstance(listed, list):
            server.session.analyzer_heard(uri, version_of(parameters), error_lines(listed))
        else:
            logger.warning("%s was left out: it has no uri or no diagnostics", DIAGNOSTICS)

    @server.feature(TRUST)
    def trust(parameters: Any) -> None:
        is_trusted = member(parameters, "trusted")
        if isinstance(is_trusted, bool):
            server.session.trust(is_trusted)
        else:
            logger.warning("%s was left out: `trusted` is neither true nor false", TRUST)

    @server.feature(EXPLAIN)
    def explain(parameters: Any) -> dict[str, str] | None:
        text = explained(server.session, parameters)
        return None if text is None else {"kind": lsp.MarkupKind.Markdown.value, "value": text}

    @server.feature(OFFERS)
    def offers(parameters: Any) -> list[dict[str, Any]]:
        uri = member(parameters, "uri")
        if uri is not None and not isinstance(uri, str):
            raise JsonRpcInvalidParams(f"{OFFERS}: `uri` is a string, or left out.")
        listed, shown = views.listed_offers(server.session, uri)
        tell_desks(server, [offer.offer_id for offer in shown], asked=True)
        return listed


def explained(session: EditorSession, parameters: Any) -> str | None:
    """Markdown for the problem of an id, or at a position. Raises JsonRpcInvalidParams."""
    problem_id = member(parameters, "problemId")
    if isinstance(problem_id, str):
        return views.explained(session, problem_id)
    uri = member(parameters, "textDocument", "uri")
    line, character = member(parameters, "position", "line"), member(parameters, "position", "character")
    if not isinstance(uri, str) or not isinstance(line, int) or not isinstance(character, int):
        raise JsonRpcInvalidParams(f"{EXPLAIN} takes textDocument and position, or problemId.")
    return views.explained_at(session, uri, line, character)


def error_lines(listed: Iterable[object]) -> frozenset[int]:
    """The lines that errors begin in. A diagnostic without a severity is an error, as most clients show it."""
    lines = set()
    for diagnostic in listed:
        line = member(diagnostic, "range", "start", "line")
        is_error = isinstance(diagnostic, Mapping) and diagnostic.get("severity", 1) == lsp.DiagnosticSeverity.Error
        if is_error and isinstance(line, int):
            lines.add(line)
    return frozenset(lines)
