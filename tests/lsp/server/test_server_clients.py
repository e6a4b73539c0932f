"""Clients differ in what they can do; each gets what it can take."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp

from lsp.fakes import cargo_project, changes_of, editor, full_capabilities, offers_of, plain_capabilities
from lsp.raw_client import raw_client
from sleepy_lsp.texts.convert import uri_of_path

LONGEST_SECONDS = 60.0
BROKEN = "fn main() { broken_one }\n"
QUICK = {"settings": {"rest_milliseconds": 1, "debounce_milliseconds": 1}}


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, LONGEST_SECONDS))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return cargo_project(tmp_path / "demo", lib=BROKEN)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, "utf-16"),
        ([], "utf-16"),
        (["utf-8"], "utf-8"),
        (["utf-32", "utf-8"], "utf-32"),
        (["utf-7", "utf-8"], "utf-8"),
        (["utf-7"], "utf-16"),
    ],
)
def test_the_client_s_favourite_encoding_is_taken(offered: list[str] | None, chosen: str) -> None:
    async def work() -> None:
        async with raw_client() as client:
            general = {} if offered is None else {"general": {"positionEncodings": offered}}
            result = await client.initialize(capabilities=general)
            assert result["capabilities"]["positionEncoding"] == chosen

    run(work())


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 21), ("utf-16", 17), ("utf-32", 15)])
def test_edits_count_in_the_encoding_of_the_client(project: Path, encoding: str, column: int) -> None:
    async def work() -> None:
        capabilities = full_capabilities()
        assert capabilities.general is not None
        capabilities.general.position_encodings = [encoding]
        async with editor(project, capabilities=capabilities) as one:
            uri = one.open(project / "src/lib.rs", "fn main() { \N{CRAB}\N{CRAB} broken_one }\n")
            await one.wait_ready(offers=2)
            best = offers_of(await one.actions(uri))[0]
            (change,) = changes_of(await one.client.code_action_resolve_async(best))
            assert change.edits[0].range.start.character == column

    run(work())


def test_a_client_that_can_do_little_gets_plain_edits_and_pushed_hints(project: Path) -> None:
    async def work() -> None:
        async with editor(project, capabilities=plain_capabilities(), options=QUICK) as one:
            uri = one.open(project / "src/lib.rs")
            while not (published := await one.published.get()).diagnostics:
                pass
            (hint,) = published.diagnostics
            assert (published.uri, published.version) == (uri, 1)
            assert (hint.source, hint.severity, hint.code) == ("sleepy", lsp.DiagnosticSeverity.Hint, "E0425")
            best = offers_of(await one.actions(uri))[0]
            assert best.is_preferred is None
            assert best.edit is not None
            assert best.edit.changes is not None
            assert [edit.new_text for edit in best.edit.changes[uri]] == ["mended_one"]
            assert best.command is not None
            assert best.command.command == "sleepy.applied"
            one.type(uri, "fn main() { mended_one }\n")
            assert not (await one.published.get()).diagnostics
            one.type(uri, BROKEN)
            assert (await one.published.get()).diagnostics
            one.close(uri)
            assert not (await one.published.get()).diagnostics
            # What is only meant for clients that know us did not come.
            assert one.ready.empty()
            assert one.statuses.empty()
            assert one.refreshed.empty()

    run(work())


def test_a_client_that_pulls_is_told_to_ask_again(project: Path) -> None:
    async def work() -> None:
        async with editor(project, capabilities=full_capabilities(sleepy=False), options=QUICK) as one:
            assert one.result is not None
            provider = one.result.capabilities.diagnostic_provider
            assert isinstance(provider, lsp.DiagnosticOptions)
            assert not provider.workspace_diagnostics
            uri = one.open(project / "src/lib.rs")
            asked = lsp.DocumentDiagnosticParams(lsp.TextDocumentIdentifier(uri))
            while True:
                await one.refreshed.get()
                report = await one.client.text_document_diagnostic_async(asked)
                assert isinstance(report, lsp.RelatedFullDocumentDiagnosticReport)
                if report.items:
                    break
            assert [hint.source for hint in report.items] == ["sleepy"]
            asked.previous_result_id = report.result_id
            again = await one.client.text_document_diagnostic_async(asked)
            assert isinstance(again, lsp.RelatedUnchangedDocumentDiagnosticReport)
            one.type(uri, "fn main() {}\n")
            gone = await one.client.text_document_diagnostic_async(asked)
            assert isinstance(gone, lsp.RelatedFullDocumentDiagnosticReport)
            assert not gone.items
            assert one.published.empty()
            assert one.ready.empty()

    run(work())


@pytest.mark.parametrize("capabilities", [full_capabilities(sleepy=False), plain_capabilities()])
def test_hints_can_be_switched_off(project: Path, capabilities: lsp.ClientCapabilities) -> None:
    async def work() -> None:
        async with editor(project, capabilities=capabilities, options=QUICK | {"hints": False}) as one:
            assert one.result is not None
            assert one.result.capabilities.diagnostic_provider is None
            uri = one.open(project / "src/lib.rs")
            while not offers_of(await one.actions(uri)):
                # Nothing else tells such a client, so it asks now and then, as a light bulb does.
                await asyncio.to_thread(lambda: None)
            assert one.published.empty()

    run(work())


@pytest.mark.parametrize(
    "place",
    [
        lambda project: {"root_uri": uri_of_path(project)},
        lambda project: {"root_path": str(project)},
        lambda project: {},
        lambda project: {"workspace_folders": [], "root_uri": uri_of_path(project)},
    ],
    ids=["rootUri", "rootPath", "nothing", "no folders"],
)
def test_clients_without_workspace_folders(project: Path, place: Any) -> None:
    async def work() -> None:
        parameters = lsp.InitializeParams(capabilities=full_capabilities(), **place(project))
        async with editor(None, initialize=parameters) as one:
            one.open(project / "src/lib.rs")
            await one.wait_ready(offers=2)

    run(work())


def test_a_whole_workspace_is_looked_at_before_a_file_is_opened(project: Path) -> None:
    async def work() -> None:
        parameters = lsp.InitializeParams(
            capabilities=full_capabilities(),
            root_uri=uri_of_path(project),
            initialization_options=QUICK | {"scope": "workspace"},
        )
        async with editor(None, initialize=parameters) as one:
            assert (await one.wait_ready(offers=2)).uri == uri_of_path(project / "src/lib.rs")

    run(work())


def test_files_are_watched_here_where_the_client_does_not(project: Path) -> None:
    async def work() -> None:
        capabilities = full_capabilities()
        assert capabilities.workspace is not None
        capabilities.workspace.did_change_watched_files = None
        async with editor(project, capabilities=capabilities, options=QUICK | {"scope": "workspace"}) as one:
            await one.wait_ready(offers=2)
            (project / "src/other.rs").write_text("fn other() { broken_two }\n", encoding="utf-8")
            assert (await one.wait_ready(offers=2)).uri == uri_of_path(project / "src/other.rs")
            assert one.registered.empty()

    run(work())


def test_a_broken_manifest_is_noticed_when_it_is_mended(project: Path) -> None:
    async def work() -> None:
        capabilities = full_capabilities()
        assert capabilities.workspace is not None
        # Nobody watches files here, as there is no workspace yet.
        capabilities.workspace.did_change_watched_files = None
        manifest = project / "Cargo.toml"
        mended = manifest.read_text(encoding="utf-8")
        manifest.write_text("[package\n", encoding="utf-8")
        async with editor(project, capabilities=capabilities, options=QUICK) as one:
            uri = one.open(project / "src/lib.rs")
            while "Mend the manifest" not in (await one.wait_status("off")).reason:
                pass
            manifest.write_text(mended, encoding="utf-8")
            one.save(uri)
            await one.wait_ready(offers=2)

    run(work())


def test_folders_come_and_go(tmp_path: Path) -> None:
    async def work() -> None:
        first = cargo_project(tmp_path / "first", lib=BROKEN)
        second = cargo_project(tmp_path / "second", lib=BROKEN)
        async with editor(first, options=QUICK | {"scope": "workspace"}) as one:
            assert (await one.wait_ready(offers=2)).uri == uri_of_path(first / "src/lib.rs")
            added = [lsp.WorkspaceFolder(uri_of_path(second), "second")]
            event = lsp.WorkspaceFoldersChangeEvent(added=added, removed=[])
            one.client.workspace_did_change_workspace_folders(lsp.DidChangeWorkspaceFoldersParams(event))
            assert (await one.wait_ready(offers=2)).uri == uri_of_path(second / "src/lib.rs")

    run(work())


def test_a_folder_that_is_not_trusted_is_left_alone_until_it_is(project: Path, tmp_path: Path) -> None:
    async def work() -> None:
        journal = tmp_path / "journal"
        async with editor(project, options=QUICK | {"trusted": False}, journal=journal) as one:
            uri = one.open(project / "src/lib.rs")
            while "trust" not in (await one.wait_status("off")).reason:
                pass
            assert not journal.exists()
            one.tell("sleepy/trust", {"trusted": True})
            await one.wait_ready(offers=2)
            one.tell("sleepy/trust", {"trusted": False})
            assert await one.actions(uri) == []
            await one.wait_status("off")

    run(work())


def test_an_option_that_means_nothing_is_told_once(project: Path) -> None:
    async def work() -> None:
        async with editor(project, options={"scope": "all", "settings": {"rest_milliseconds": 1}}) as one:
            assert "`scope` is 'all'" in (await one.shown.get()).message
            one.open(project / "src/lib.rs")
            await one.wait_ready(offers=2)
            assert one.shown.empty()

    run(work())


def test_long_work_has_a_window_and_can_be_stopped(project: Path) -> None:
    async def work() -> None:
        async with editor(project, options=QUICK) as one:
            uri = one.open(project / "src/lib.rs", f"{BROKEN}// worker: record")
            await one.wait_status("recording")
            began = await one.progress.get()
            assert isinstance(began.value, dict)
            assert began.value["kind"] == "begin"
            assert began.value["message"] == "recording the rustc calls"
            assert began.value["cancellable"]
            one.client.window_work_done_progress_cancel(lsp.WorkDoneProgressCancelParams(began.token))
            one.type(uri, BROKEN)
            ended = await one.progress.get()
            assert isinstance(ended.value, dict)
            assert (ended.token, ended.value["kind"]) == (began.token, "end")
            await one.wait_ready(offers=2)

    run(work())
