"""A stale edit is never handed out, however edits, closes, writes to the disk, checks and searches of any earlier text,
requests for actions and their resolving follow each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from lsprotocol import types as lsp

from lsp.client_edits import with_workspace_edit
from lsp.offers import ROOT, bundle_of, fixes_found, known_problem, live_offer, search_ended, text_checked
from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.domain import Edit
from sleepy_agent.live.messages import FixBundle, KnownProblem
from sleepy_lsp.actions.abilities import ClientAbilities
from sleepy_lsp.actions.code_actions import Stale, code_actions, hashes, resolve_code_action
from sleepy_lsp.actions.hints import hint_diagnostics
from sleepy_lsp.texts.convert import uri_of_path
from sleepy_lsp.texts.documents import Documents
from sleepy_lsp.texts.line_index import line_index
from sleepy_lsp.workspaces.board import (
    Board,
    changed,
    checked,
    dismissed,
    found,
    valid_bundles,
    valid_offers,
)
from sleepy_lsp.workspaces.board import (
    search_ended as ended,
)

ENCODING = "utf-16"
FILES = tuple(ROOT / name for name in ("a.rs", "b.rs", "c.rs"))
PROBLEMS = ("one", "two", "three")
AT_ONCE = ClientAbilities(ENCODING, takes_code_actions=True, takes_versions=True)
LATER = ClientAbilities(
    ENCODING, takes_code_actions=True, takes_versions=True, keeps_data=True, resolves=frozenset({"edit", "command"})
)
# Few letters, so that texts come back to what they were; and all that makes positions hard.
TEXTS = st.text(st.sampled_from("ab\N{CRAB}\n\r"), min_size=1, max_size=8)
FILE = st.sampled_from(FILES)
NUMBERS = st.integers(0, 9)


@dataclass(frozen=True)
class Made:
    """What the worker computed: on these texts, with this result."""

    inputs: Mapping[Path, bytes]
    after: Mapping[Path, bytes]


class Interleavings(RuleBasedStateMachine):
    """An editor, a disk, a worker that is always late, and what the server keeps between them."""

    @initialize(texts=st.tuples(TEXTS, TEXTS, TEXTS))
    def begin(self, texts: tuple[str, str, str]) -> None:
        self.disk = {path: text.encode() for path, text in zip(FILES, texts, strict=True)}
        self.documents = Documents(ENCODING)
        self.shown: dict[Path, bytes] = {}
        self.versions: dict[Path, int] = {}
        self.version = 0
        self.untold: set[Path] = set()
        self.board = Board()
        self.snapshots = {0: dict(self.disk)}
        self.made: dict[str, list[Made]] = {}
        self.pending: list[lsp.CodeAction] = []

    def present(self) -> dict[Path, bytes]:
        return {**self.disk, **self.shown}

    def tell(self, paths: Iterable[Path]) -> None:
        """The server hears of a change: a new generation, whose texts the worker is told."""
        self.board = changed(self.board, paths)
        self.snapshots[self.board.generation] = self.present()

    # ---- what happens to texts -----------------------------------------------------------------------

    @rule(path=FILE, other=st.none() | TEXTS)
    def open(self, path: Path, other: str | None) -> None:
        if path in self.shown:
            return
        text = self.disk[path].decode() if other is None else other
        self.version += 1
        self.documents.open(uri_of_path(path), "rust", self.version, text, self.disk[path])
        self.shown[path], self.versions[path] = text.encode(), self.version
        if self.shown[path] != self.disk[path] or path in self.untold:
            self.untold.discard(path)
            self.tell([path])

    @rule(path=FILE, start=NUMBERS, length=NUMBERS, new=TEXTS | st.just(""))
    def type(self, path: Path, start: int, length: int, new: str) -> None:
        if path not in self.shown:
            return
        text = self.shown[path].decode()
        index = line_index(text.encode())
        offsets = [len(text[: start + more].encode()) for more in (0, length)]
        ends = [index.position(offset, ENCODING) for offset in offsets]
        places = {
            name: {"line": line, "character": at} for name, (line, at) in zip(("start", "end"), ends, strict=True)
        }
        first, last = (index.offset(*end, ENCODING) for end in ends)
        self.version += 1
        self.documents.change(uri_of_path(path), self.version, [{"range": places, "text": new}])
        self.shown[path] = text.encode()[:first] + new.encode() + text.encode()[last:]
        self.versions[path] = self.version
        self.tell([path])

    @rule(path=FILE)
    def save(self, path: Path) -> None:
        if path in self.shown:
            self.disk[path] = self.shown[path]
            self.documents.save(uri_of_path(path), self.disk[path])

    @rule(path=FILE)
    def close(self, path: Path) -> None:
        if path in self.shown:
            self.documents.close(uri_of_path(path))
            is_other = self.shown.pop(path) != self.disk[path]
            del self.versions[path]
            if is_other:
                self.tell([path])

    @rule(text=TEXTS, paths=st.sets(FILE, min_size=1), told=st.booleans())
    def write_to_the_disk(self, text: str, paths: set[Path], told: bool) -> None:
        for path in paths:
            self.disk[path] = text.encode()
        self.untold |= paths - set(self.shown)
        if told:
            self.hear_of_the_disk()

    @rule()
    def hear_of_the_disk(self) -> None:
        if self.untold:
            self.tell(self.untold)
            self.untold = set()

    # ---- what the worker says, of any text that was ------------------------------------------------------

    def problem(self, generation: int, path: Path, problem_id: str, number: int) -> KnownProblem | None:
        text = self.snapshots[generation].get(path, b"").decode()
        return known_problem(path, text.encode(), text[number : number + 2], problem_id=problem_id) if text else None

    @rule(data=st.data(), late=NUMBERS, problem_id=st.sampled_from(PROBLEMS), bundled=st.booleans())
    def find(self, data: st.DataObject, late: int, problem_id: str, bundled: bool) -> None:
        generation = max(self.board.generation - late // 3, 0)
        texts = self.snapshots[generation]
        known = self.problem(generation, data.draw(FILE), problem_id, data.draw(NUMBERS))
        offers = []
        for name in ("first", "second") if known else ():
            edits = data.draw(
                st.lists(st.builds(self.edit_of, st.just(texts), FILE, NUMBERS, NUMBERS, TEXTS), min_size=1, max_size=2)
            )
            after = apply_edits(edits, texts.__getitem__)
            if isinstance(after, EditConflict):
                continue
            assert known is not None
            inputs = data.draw(st.sets(FILE))
            offer = live_offer(known, texts, *edits, inputs=inputs, offer_id=f"{name} of {problem_id}")
            self.made.setdefault(offer.offer_id, []).append(Made({path: texts[path] for path in offer.inputs}, after))
            offers.append(offer)
        bundles: tuple[FixBundle, ...] = ()
        if bundled and offers:
            bundle = bundle_of(offers[:1], texts, subject=str(FILES[0]), bundle_id="bundle")
            bundles = (bundle,)
            after = apply_edits(bundle.edits, texts.__getitem__)
            assert not isinstance(after, EditConflict)
            self.made.setdefault("bundle", []).append(Made({path: texts[path] for path in bundle.inputs}, after))
        record = fixes_found(generation, *offers, bundles=bundles, problem_ids=(problem_id,))
        self.board = found(self.board, record)

    @staticmethod
    def edit_of(texts: Mapping[Path, bytes], path: Path, start: int, length: int, new: str) -> Edit:
        text = texts[path].decode()
        start, end = (len(text[: start + more].encode()) for more in (0, length % 3))
        # Between the halves of a line end the protocol has no position; a whole of both has its own test.
        while texts[path][start - 1 : start + 1] == b"\r\n":
            start -= 1
        while texts[path][end - 1 : end + 1] == b"\r\n":
            end += 1
        return Edit(path, start, end, new)

    @rule(data=st.data(), late=NUMBERS, problem_ids=st.sets(st.sampled_from(PROBLEMS)))
    def check(self, data: st.DataObject, late: int, problem_ids: set[str]) -> None:
        generation = max(self.board.generation - late // 3, 0)
        problems = (self.problem(generation, data.draw(FILE), name, data.draw(NUMBERS)) for name in sorted(problem_ids))
        self.board = checked(self.board, text_checked(generation, *(known for known in problems if known)))

    @rule(late=NUMBERS)
    def end_search(self, late: int) -> None:
        self.board = ended(self.board, search_ended(max(self.board.generation - late, 0)))

    # ---- what is handed out ---------------------------------------------------------------------------

    @rule(path=FILE, line=st.integers(0, 3), character=NUMBERS, only=st.sampled_from([None, "quickfix", "source"]))
    def ask(self, path: Path, line: int, character: int, only: str | None) -> None:
        place = lsp.Range(lsp.Position(line, character), lsp.Position(line + 3, 0))
        context = lsp.CodeActionContext([], only=None if only is None else [only])
        text_of = self.documents.texts(self.disk.get)
        for action in code_actions(self.board, path, place, context, text_of, AT_ONCE):
            self.must_be_fresh(action)
        self.pending += code_actions(self.board, path, place, context, text_of, LATER)
        assert all(action.edit is None for action in self.pending)

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def resolve(self, data: st.DataObject) -> None:
        action = data.draw(st.sampled_from(self.pending))
        copy = lsp.CodeAction(action.title, action.kind, data=action.data, command=action.command)
        resolved = resolve_code_action(self.board, copy, self.documents.texts(self.disk.get), LATER)
        if not isinstance(resolved, Stale):
            self.must_be_fresh(resolved)

    @rule(path=FILE)
    def list(self, path: Path) -> None:
        """What is listed and hinted at is valid as well."""
        text_of = self.documents.texts(self.disk.get)
        held = valid_offers(self.board, path, hashes(text_of))
        for offer in [offer for one in held for offer in one.offers]:
            assert any(self.holds(made) for made in self.made[offer.offer_id])
        for bundle in valid_bundles(self.board, hashes(text_of)):
            assert any(self.holds(made) for made in self.made[bundle.bundle.bundle_id])
        assert len(hint_diagnostics(self.board, path, text_of, ENCODING)) == len(held)

    @rule(problem_id=st.sampled_from(PROBLEMS))
    def dismiss(self, problem_id: str) -> None:
        self.board = dismissed(self.board, f"second of {problem_id}")

    def must_be_fresh(self, action: lsp.CodeAction) -> None:
        """An edit that is given out was compiled for exactly the texts that there are."""
        assert isinstance(action.data, dict)
        data = action.data["sleepy"]
        name = data.get("offerId") or data.get("bundleId")
        if name is None:
            assert action.edit is None
            return
        assert action.edit is not None
        after = with_workspace_edit(self.present(), self.versions, action.edit, ENCODING)
        assert any(self.holds(made) and made.after == after for made in self.made[name])

    def holds(self, made: Made) -> bool:
        """Whether something was computed for the present texts. Of a write that nobody told only edited files count."""
        present = self.present()
        return all(
            present[path] == text for path, text in made.inputs.items() if path in made.after or path not in self.untold
        )


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
