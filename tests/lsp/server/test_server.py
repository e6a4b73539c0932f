"""The server as an editor sees it: a real process, asked through pipes, with a worker that plays the compiler."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from lsp.fakes import cargo_project, changes_of, editor, offers_of, own_data, text_after
from sleepy_lsp.texts.convert import uri_of_path

LONGEST_SECONDS = 60.0
BROKEN = "fn main() { broken_one }\n"


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, LONGEST_SECONDS))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return cargo_project(tmp_path / "demo", lib=BROKEN, other="fn other() {}\n")


def test_a_fix_is_ready_and_is_taken(project: Path) -> None:
    async def work() -> None:
        async with editor(project) as one:
            uri = one.open(project / "src/lib.rs")
            news = await one.wait_ready(problems=1, offers=2)
            assert (news.uri, news.version) == (uri, 1)
            best, other = offers_of(await one.actions(uri))
            assert best.title.startswith("Sleepy: use `mended_one`")
            assert best.is_preferred
            assert not other.is_preferred
            assert own_data(best)["trigger"] == "own replay"
            assert best.edit is None
            resolved = await one.client.code_action_resolve_async(best)
            (change,) = changes_of(resolved)
            assert (change.text_document.uri, change.text_document.version) == (uri, 1)
            text = text_after(BROKEN, change.edits)
            assert text == "fn main() { mended_one }\n"
            assert resolved.command is not None
            one.type(uri, text)
            await one.command(resolved.command.command, *(resolved.command.arguments or []))
            await one.wait_ready(problems=0, offers=0)
            assert await one.actions(uri) == []

    run(work())


def test_typing_makes_what_was_shown_stale_at_once(project: Path) -> None:
    async def work() -> None:
        # Nothing is checked for a while after the edit, so that both requests below come before.
        patient = {"settings": {"rest_milliseconds": 1, "debounce_milliseconds": 3000}}
        async with editor(project, options=patient) as one:
            uri = one.open(project / "src/lib.rs")
            await one.wait_ready(offers=2)
            best = offers_of(await one.actions(uri))[0]
            one.type(uri, "// more\n" + BROKEN)
            # In the very next moment, before anything was checked.
            assert await one.actions(uri, line=1) == []
            with pytest.raises(JsonRpcException, match="changed since") as stale:
                await one.client.code_action_resolve_async(best)
            assert stale.value.code == lsp.LSPErrorCodes.ContentModified
            while (await one.wait_ready(offers=2)).version != 2:
                pass
            # What was found again for the new text is the same fix at its new place.
            (change,) = changes_of(await one.client.code_action_resolve_async(best))
            assert change.text_document.version == 2
            assert change.edits[0].range.start.line == 1

    run(work())


def test_what_a_late_worker_says_of_an_older_text_is_not_shown(project: Path) -> None:
    async def work() -> None:
        async with editor(project) as one:
            uri = one.open(project / "src/lib.rs", "// worker: late\n" + BROKEN)
            await one.wait_ready(offers=2)
            one.type(uri, "// worker: late, but\n\n\nfn main() { fine }\n")
            await one.wait_ready(problems=0)
            for line in range(4):
                assert await one.actions(uri, line) == []
            assert await one.ask("sleepy/offers", {}) == []

    run(work())


def test_after_a_save_rust_analyzer_has_the_word(project: Path) -> None:
    def diagnostics(uri: str, version: int, line: int) -> dict[str, Any]:
        place = {"start": {"line": line, "character": 12}, "end": {"line": line, "character": 22}}
        return {"uri": uri, "version": version, "diagnostics": [{"range": place, "severity": 1, "message": "no"}]}

    async def work() -> None:
        slow = {"settings": {"rest_milliseconds": 60_000, "rust_analyzer_grace_milliseconds": 60_000}}
        async with editor(project, options=slow) as one:
            uri = one.open(project / "src/lib.rs", "fn main() {}\n")
            await one.wait_status("idle")
            one.tell("sleepy/diagnostics", {"uri": uri, "version": 1, "diagnostics": []})
            version = one.type(uri, "\n" + BROKEN)
            one.save(uri)
            await one.wait_ready(problems=1)
            # Of an older text, and of another line: not what is waited for.
            one.tell("sleepy/diagnostics", diagnostics(uri, version - 1, 1))
            one.tell("sleepy/diagnostics", diagnostics(uri, version, 0))
            assert await one.actions(uri, line=1) == []
            one.tell("sleepy/diagnostics", diagnostics(uri, version, 1))
            await one.wait_ready(offers=2)
            actions = offers_of(await one.actions(uri, line=1))
            assert [own_data(action)["trigger"] for action in actions] == ["rust-analyzer"] * 2

    run(work())


def test_without_rust_analyzer_s_word_fixes_are_shown_after_a_grace(project: Path) -> None:
    async def work() -> None:
        options = {"settings": {"rest_milliseconds": 60_000, "rust_analyzer_grace_milliseconds": 50}}
        async with editor(project, options=options) as one:
            uri = one.open(project / "src/lib.rs", "fn main() {}\n")
            one.tell("sleepy/diagnostics", {"uri": uri, "diagnostics": []})
            one.type(uri, BROKEN)
            one.save(uri)
            await one.wait_ready(offers=2)
            assert own_data(offers_of(await one.actions(uri))[0])["trigger"] == "own replay"

    run(work())


def test_several_fixes_of_a_file_come_as_one_action(project: Path) -> None:
    async def work() -> None:
        async with editor(project) as one:
            text = "fn main() { broken_one; broken_two }\n"
            uri = one.open(project / "src/lib.rs", text)
            await one.wait_ready(problems=2, offers=4)
            (whole,) = await one.actions(uri, only=["source.fixAll"])
            assert whole.kind == "source.fixAll.sleepy"
            assert whole.title == "Sleepy: fix all 2 safe problems in this file (rustc accepts the whole)"
            (change,) = changes_of(await one.client.code_action_resolve_async(whole))
            assert text_after(text, change.edits) == "fn main() { mended_one; mended_two }\n"
            assert any(action.title == whole.title for action in await one.actions(uri))

    run(work())


def test_a_file_that_changes_on_the_disk_is_checked_again(project: Path) -> None:
    async def work() -> None:
        async with editor(project, options={"scope": "workspace", "settings": {"rest_milliseconds": 1}}) as one:
            assert (await one.registered.get()).registrations[0].method == "workspace/didChangeWatchedFiles"
            other = project / "src/other.rs"
            await one.wait_ready(problems=1, offers=2)
            other.write_text("fn other() { broken_there }\n", encoding="utf-8")
            one.files_changed(other)
            news = await one.wait_ready(problems=1, offers=2)
            assert news.uri == uri_of_path(other)
            assert news.version is None
            listed = await one.ask("sleepy/offers", {"uri": news.uri})
            assert [problem["code"] for problem in listed] == ["E0425"]
            renamed = project / "src/renamed.rs"
            other.rename(renamed)
            renaming = lsp.RenameFilesParams([lsp.FileRename(news.uri, uri_of_path(renamed))])
            one.client.workspace_did_rename_files(renaming)
            assert (await one.wait_ready(offers=0)).uri == news.uri
            assert (await one.wait_ready(offers=2)).uri == uri_of_path(renamed)
            renamed.unlink()
            one.client.workspace_did_delete_files(lsp.DeleteFilesParams([lsp.FileDelete(uri_of_path(renamed))]))
            assert (await one.wait_ready(offers=0)).uri == uri_of_path(renamed)

    run(work())


def test_a_folder_that_is_renamed_takes_its_files_with_it(project: Path) -> None:
    async def work() -> None:
        (project / "src/inner").mkdir()
        former = project / "src/inner/mod.rs"
        former.write_text("fn inner() { broken_inside }\n", encoding="utf-8")
        async with editor(project, options={"scope": "workspace", "settings": {"rest_milliseconds": 1}}) as one:
            while (await one.wait_ready(offers=2)).uri != uri_of_path(former):
                pass
            (project / "src/inner").rename(project / "src/outer")
            renaming = lsp.FileRename(uri_of_path(project / "src/inner"), uri_of_path(project / "src/outer"))
            one.client.workspace_did_rename_files(lsp.RenameFilesParams([renaming]))
            assert (await one.wait_ready(offers=0)).uri == uri_of_path(former)
            assert (await one.wait_ready(offers=2)).uri == uri_of_path(project / "src/outer/mod.rs")

    run(work())


def test_of_a_manifest_what_is_saved_counts(project: Path, tmp_path: Path) -> None:
    async def work() -> None:
        journal = tmp_path / "journal"
        async with editor(project, journal=journal) as one:
            uri = one.open(project / "src/lib.rs")
            manifest = one.open(project / "Cargo.toml")
            await one.wait_ready(offers=2)
            one.type(manifest, "[package]\n# half of something\n")
            assert len(offers_of(await one.actions(uri))) == 2
            heard = journal.read_text(encoding="utf-8").splitlines()
            while not one.statuses.empty():
                one.statuses.get_nowait()
            one.save(manifest)
            await one.wait_status("checking")
            await one.wait_status("idle")
            new = journal.read_text(encoding="utf-8").splitlines()[len(heard) :]
            assert [line.split("(")[0] for line in new][:2] == ["ChangeTexts", "CheckText"]
            assert "Cargo.toml" in new[0].partition("changed_on_disk")[2]
            assert "half of something" not in new[0]

    run(work())


def test_a_project_that_is_made_while_its_file_is_open(tmp_path: Path) -> None:
    async def work() -> None:
        loose = tmp_path / "demo" / "src" / "lib.rs"
        loose.parent.mkdir(parents=True)
        loose.write_text(BROKEN, encoding="utf-8")
        async with editor(tmp_path) as one:
            uri = one.open(loose)
            while "Cargo.toml" not in (await one.wait_status("off")).reason:
                pass
            (tmp_path / "demo" / "Cargo.toml").write_text(
                '[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2021"\n', encoding="utf-8"
            )
            one.files_changed(tmp_path / "demo" / "Cargo.toml")
            assert (await one.wait_ready(offers=2)).uri == uri

    run(work())


def test_a_closed_document_is_what_lies_on_the_disk(project: Path) -> None:
    async def work() -> None:
        async with editor(project, options={"scope": "workspace", "settings": {"rest_milliseconds": 1}}) as one:
            uri = one.open(project / "src/other.rs", "fn other() { broken_buffer }\n")
            while (await one.wait_ready(offers=2)).uri != uri:
                pass
            one.close(uri)
            while (await one.wait_ready(offers=0)).uri != uri:
                pass
            assert [problem["uri"] for problem in await one.ask("sleepy/offers", None)] == [
                uri_of_path(project / "src/lib.rs")
            ]

    run(work())


def test_an_open_document_counts_whatever_is_written_below_it(project: Path) -> None:
    async def work() -> None:
        async with editor(project) as one:
            path = project / "src/lib.rs"
            uri = one.open(path)
            await one.wait_ready(offers=2)
            path.write_text("fn main() {}\n", encoding="utf-8")
            one.files_changed(path)
            assert len(offers_of(await one.actions(uri))) == 2

    run(work())


def test_a_file_opened_later_gets_its_fixes_without_a_new_text(project: Path) -> None:
    async def work() -> None:
        async with editor(project) as one:
            (project / "src/other.rs").write_text("fn other() { broken_two }\n", encoding="utf-8")
            one.open(project / "src/lib.rs")
            await one.wait_ready(offers=2)
            other = one.open(project / "src/other.rs")
            assert (await one.wait_ready(offers=2)).uri == other

    run(work())


def test_two_workspaces_and_a_file_outside_any(tmp_path: Path) -> None:
    async def work() -> None:
        first = cargo_project(tmp_path / "first", lib=BROKEN)
        second = cargo_project(tmp_path / "second", lib="fn two() { broken_two }\n")
        loose = tmp_path / "loose.rs"
        loose.write_text(BROKEN, encoding="utf-8")
        journal = tmp_path / "journal"
        async with editor(tmp_path, journal=journal) as one:
            outside = one.open(loose)
            uris = [one.open(first / "src/lib.rs"), one.open(second / "src/lib.rs")]
            found = {(await one.wait_ready(offers=2)).uri for _ in uris}
            assert found == set(uris)
            assert await one.actions(outside) == []
            assert "mended_one" in offers_of(await one.actions(uris[0]))[0].title
            assert "mended_two" in offers_of(await one.actions(uris[1]))[0].title
        opened = [line for line in journal.read_text(encoding="utf-8").splitlines() if line.startswith("OpenWorkspace")]
        assert len(opened) == 2

    run(work())


def test_two_editors_on_one_workspace(project: Path) -> None:
    async def work() -> None:
        async with editor(project) as one, editor(project) as two:
            uris = [one.open(project / "src/lib.rs"), two.open(project / "src/lib.rs", "\n" + BROKEN)]
            await one.wait_ready(offers=2)
            await two.wait_ready(offers=2)
            assert len(offers_of(await one.actions(uris[0], line=0))) == 2
            assert len(offers_of(await two.actions(uris[1], line=1))) == 2
            two.type(uris[1], "fn main() {}\n")
            await two.wait_ready(problems=0)
            assert len(offers_of(await one.actions(uris[0], line=0))) == 2

    run(work())


def test_a_project_reached_through_a_link(project: Path, tmp_path: Path) -> None:
    async def work() -> None:
        link = tmp_path / "link"
        link.symlink_to(project)
        async with editor(link) as one:
            uri = one.open(link / "src/lib.rs")
            assert (await one.wait_ready(offers=2)).uri == uri
            best = offers_of(await one.actions(uri))[0]
            (change,) = changes_of(await one.client.code_action_resolve_async(best))
            assert (change.text_document.uri, change.text_document.version) == (uri, 1)

    run(work())
