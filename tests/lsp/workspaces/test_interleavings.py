"""However edits, saves, disk changes, closes and a slow worker interleave: an edit that is handed out was computed for
exactly the texts that are there at that moment, those it does not change included.

The whole way from the editor's messages to code actions is real; only the worker is played, with answers that arrive
as late as hypothesis likes, and the desk that follows offers.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from lsprotocol import types as lsp

from lsp.scripted_worker import ScriptedWorker
from sleepy_agent.config import Settings, find_places
from sleepy_agent.live.channel import receive
from sleepy_agent.live.messages import FixesFound, FromWorker
from sleepy_lsp.actions.abilities import ClientAbilities
from sleepy_lsp.actions.code_actions import code_actions
from sleepy_lsp.options import Scope, ServerOptions
from sleepy_lsp.server.editor_session import EditorSession, Tools
from sleepy_lsp.texts.convert import uri_of_path

NAMES = ("a.rs", "b.rs")
WORDS = ("fn f() {}", "broken_x", "broken_y", "\n", "broken_z ")
AT_ONCE = Settings(debounce_milliseconds=0, rest_milliseconds=0, rust_analyzer_grace_milliseconds=0)
EVERYWHERE = lsp.Range(lsp.Position(0, 0), lsp.Position(99, 0))
ABILITIES = ClientAbilities(encoding="utf-8", takes_code_actions=True, takes_versions=True)

texts_of_files = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
names = st.sampled_from(NAMES)


def fingerprint(texts: dict[Path, bytes]) -> str:
    """All texts of the workspace in one word."""
    return hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()


class LateWorker:
    """Works at once on what it hears, as the scripted worker does, and says so later, record by record."""

    def __init__(self, on_record: Callable[[FromWorker], None], _on_end: Callable[[str], None]) -> None:
        self._on_record = on_record
        self._output = io.BytesIO()
        self._worker = ScriptedWorker(self._output)
        self.unsaid: deque[Any] = deque()
        self.is_behind = False

    def send(self, record: Any) -> None:
        start = self._output.tell()
        self._worker.hear(record)
        self._output.seek(start)
        while (answer := receive(self._output)) is not None:
            self.unsaid.append(self.marked(answer))

    def marked(self, answer: object) -> object:
        """What is found depends on every text of the workspace, and says which they were."""
        if not isinstance(answer, FixesFound):
            return answer
        texts = dict(self._worker.texts())
        inputs = frozenset(texts)
        mark = (fingerprint(texts),)
        return replace(
            answer,
            offers=tuple(replace(offer, inputs=inputs, why=mark) for offer in answer.offers),
            bundles=tuple(replace(bundle, inputs=inputs, proof=mark[0]) for bundle in answer.bundles),
        )

    def say(self, count: int) -> None:
        for _ in range(min(count, len(self.unsaid))):
            self._on_record(self.unsaid.popleft())

    def kill(self) -> None:
        raise AssertionError("nobody is deaf here")

    async def close(self) -> None:
        self.unsaid.clear()


class SilentDesk:
    """Follows nothing."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class SilentListener:
    def files_changed(self, paths: Collection[Path]) -> None: ...

    def status_changed(self) -> None: ...

    def stage_changed(self, driver: object, text: str) -> None: ...

    def trouble(self, message: str, remedy: str) -> None:
        raise AssertionError(message)


class Interleavings(RuleBasedStateMachine):
    """One editor, one workspace, two files."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp()).resolve()
        (self.root / "Cargo.toml").write_text("[package]\n", encoding="utf-8")
        for name in NAMES:
            (self.root / name).write_text("broken_x", encoding="utf-8")
        self.loop = asyncio.new_event_loop()
        self.workers: list[LateWorker] = []
        self.offered = 0
        self.versions = dict.fromkeys(NAMES, 0)
        self.run(self.begin)

    def run(self, act: Callable[[], object]) -> None:
        """Do something on the loop, and let it come round until nothing is due any more."""

        async def act_and_settle() -> None:
            act()
            for _ in range(8):
                turn = self.loop.create_future()
                self.loop.call_soon(turn.set_result, None)
                await turn
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                await task

        self.loop.run_until_complete(act_and_settle())

    def begin(self) -> None:
        def make_worker(*hears: Any) -> LateWorker:
            self.workers.append(LateWorker(*hears))
            return self.workers[-1]

        options = ServerOptions(scope=Scope.WORKSPACE, settings=AT_ONCE)
        tools = Tools(make_worker, locate=lambda _folder: self.root, make_desk=SilentDesk)  # type: ignore[arg-type]
        self.session = EditorSession(options, find_places(), "utf-8", tools)
        self.session.begin(SilentListener())
        self.session.folders_changed([self.root])

    def uri(self, name: str) -> str:
        return uri_of_path(self.root / name)

    @rule(name=names, text=texts_of_files, rests=st.booleans())
    def open_or_type(self, name: str, text: str, rests: bool) -> None:
        if rests:
            self.everything_comes_to_rest()
        self.versions[name] += 1
        version = self.versions[name]
        if self.session.documents.get(self.uri(name)) is None:
            self.run(lambda: self.session.opened(self.uri(name), "rust", version, text))
        else:
            self.run(lambda: self.session.changed(self.uri(name), version, [{"text": text}]))

    @rule(name=names)
    def save(self, name: str) -> None:
        document = self.session.documents.get(self.uri(name))
        if document is not None:
            (self.root / name).write_bytes(document.content)
            self.run(lambda: self.session.saved(self.uri(name)))
            self.run(lambda: self.session.files_changed([self.root / name]))

    @rule(name=names, rests=st.booleans())
    def close(self, name: str, rests: bool) -> None:
        if rests:
            self.everything_comes_to_rest()
        self.run(lambda: self.session.closed(self.uri(name)))

    @rule(name=names, text=texts_of_files, rests=st.booleans())
    def written_by_somebody(self, name: str, text: str, rests: bool) -> None:
        if rests:
            self.everything_comes_to_rest()
        (self.root / name).write_text(text, encoding="utf-8")
        self.run(lambda: self.session.files_changed([self.root / name]))

    @rule(count=st.integers(1, 5))
    def the_worker_speaks(self, count: int) -> None:
        for worker in self.workers:
            self.run(lambda worker=worker: worker.say(count))  # type: ignore[misc]

    @rule()
    def everything_comes_to_rest(self) -> None:
        """Then what is offered is all that can be."""
        while any(worker.unsaid for worker in self.workers):
            self.the_worker_speaks(5)
        broken = sum(text.count(b"broken") for text in self.present().values())
        assert bool(self.handed_out()) == bool(broken)

    def present(self) -> dict[Path, bytes]:
        """The texts as they are at this moment, asked of the world and not of the session."""
        documents = {name: self.session.documents.get(self.uri(name)) for name in NAMES}
        return {
            self.root / name: document.content if document else (self.root / name).read_bytes()
            for name, document in documents.items()
        }

    def handed_out(self) -> list[lsp.CodeAction]:
        context = lsp.CodeActionContext([])
        actions = []
        for name in NAMES:
            path = self.root / name
            driver, board = self.session.board_of(path)
            if driver is not None:
                actions += code_actions(board, path, EVERYWHERE, context, self.session.texts(), ABILITIES)
        return [action for action in actions if action.edit is not None]

    @invariant()
    def what_is_handed_out_is_for_the_present_texts(self) -> None:
        present = fingerprint(self.present())
        for action in self.handed_out():
            assert isinstance(action.data, dict)
            data = action.data["sleepy"]
            ids = [data["offerId"]] if "offerId" in data else data["offerIds"]
            for found in self.session.offers_by_id(ids):
                assert found.offer.why == (present,), action.title
            assert action.edit is not None
            for change in action.edit.document_changes or []:
                assert isinstance(change, lsp.TextDocumentEdit)
                document = self.session.documents.get(change.text_document.uri)
                assert change.text_document.version == (document.version if document else None)

    def teardown(self) -> None:
        self.loop.run_until_complete(self.session.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        shutil.rmtree(self.root)


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
