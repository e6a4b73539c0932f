"""The peers of the same run: `cargo fix`, plain verified search over rustc's suggestions, rust-analyzer's quick fixes.

What a peer makes of a mutant is kept in the cache: a second run costs only Sleepy's part.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from benchmarks.real_crates.judging import (
    CrateJudgement,
    JudgedCopy,
    Texts,
    apply_parts,
    judge_crate,
    judged_copy,
)
from benchmarks.real_crates.mutants import Mutant, cache_tag
from benchmarks.real_crates.rust_analyzer import PROGRAM_VARIABLE, QuickFixes, rust_analyzer_program
from benchmarks.real_crates.scoring import UNCHANGED, Score, entry_of, score_of, score_texts
from sleepy_agent.process import CancelToken, run_process

CARGO_FIX = "`cargo fix`"
PLAIN_SEARCH = "plain verified search"
RUST_ANALYZER = "rust-analyzer's quick fixes"
PEERS = (CARGO_FIX, PLAIN_SEARCH, RUST_ANALYZER)

SEARCH_DEPTH = 4
"""Suggestions behind each other; the design's plain search goes no deeper."""

SEARCH_COMPILES = 25
"""Compiles of one mutant after which plain search gives up."""

CARGO_FIX_SECONDS = 60.0


class NoRustAnalyzer(RuntimeError):
    """A figure of a peer that is not there would be none."""


@dataclass(slots=True)
class PeersOfACrate:
    """The peers on one crate, with what they answered before. Use it as a context manager: it ends rust-analyzer."""

    copy: JudgedCopy
    cancel: CancelToken
    _known: dict[str, dict[str, Score]] = field(default_factory=dict)
    _quick_fixes: QuickFixes | None = None

    def __enter__(self) -> PeersOfACrate:
        if self._file.exists():
            entries = json.loads(self._file.read_text(encoding="utf-8"))
            self._known = {
                peer: {name: score_of(entry) for name, entry in scores.items()} for peer, scores in entries.items()
            }
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._quick_fixes is not None:
            self._quick_fixes.close()
        entries = {
            peer: {name: entry_of(score) for name, score in scores.items()} for peer, scores in self._known.items()
        }
        self._file.write_text(json.dumps(entries), encoding="utf-8")

    @property
    def _file(self) -> Path:
        return self.copy.opened.folder / f"peers-{cache_tag()}.json"

    def score(self, peer: str, mutant: Mutant) -> Score:
        """What the named peer makes of a mutant."""
        known = self._known.setdefault(peer, {})
        key = mutant_key(mutant)
        if key not in known:
            broken = mutant.texts(self.copy.opened)
            started = time.perf_counter()
            after = self._repairers()[peer](broken)
            seconds = time.perf_counter() - started
            known[key] = score_texts(self.copy, broken, after, seconds, self.cancel) if after else UNCHANGED
        return known[key]

    def _repairers(self) -> Mapping[str, Callable[[Texts], Texts | None]]:
        return {
            CARGO_FIX: lambda broken: cargo_fix(self.copy, broken, self.cancel),
            PLAIN_SEARCH: lambda broken: plain_search(self.copy, broken, self.cancel),
            RUST_ANALYZER: self._with_rust_analyzer,
        }

    def _with_rust_analyzer(self, broken: Texts) -> Texts | None:
        if self._quick_fixes is None:
            program = rust_analyzer_program()
            if program is None:
                raise NoRustAnalyzer(f"No rust-analyzer works here: name one in {PROGRAM_VARIABLE}.")
            shown = judged_copy(self.copy.opened, "rust-analyzer")
            self._quick_fixes = QuickFixes.start(program, self.copy, shown, self.cancel)
        return self._quick_fixes.repaired(broken)


def mutant_key(mutant: Mutant) -> str:
    """The name of a mutant with its places: what was answered for another place does not count."""
    places = ",".join(f"{mistake.file}@{mistake.changes[0].start}" for mistake in mutant.mistakes)
    return f"{mutant.name} ({places})"


def cargo_fix(copy: JudgedCopy, broken: Texts, cancel: CancelToken) -> dict[Path, bytes]:
    """All sources after `cargo fix --broken-code` that differ from the green text."""
    cancel.raise_if_cancelled()
    with copy.laid({**{file: copy.opened.original(file) for file in copy.opened.sources}, **broken}) as root:
        run_process(
            ["cargo", "fix", "--lib", "--quiet", "--offline", "--allow-no-vcs", "--allow-dirty", "--broken-code"],
            cwd=root,
            environment=copy.environment,
            timeout_seconds=CARGO_FIX_SECONDS,
            cancel=cancel,
        )
        texts = {file: (root / file).read_bytes() for file in copy.opened.sources}
    cancel.raise_if_cancelled()
    return {file: text for file, text in texts.items() if file in broken or text != copy.opened.original(file)}


@dataclass(slots=True)
class _PlainSearch:
    """One depth-first search: `visited` grows with what it has tried, in all its branches."""

    copy: JudgedCopy
    cancel: CancelToken
    visited: set[frozenset[tuple[Path, bytes]]] = field(default_factory=set)

    def search(self, texts: Texts, judgement: CrateJudgement, depth: int) -> Texts | None:
        if depth == 0:
            return None
        for error in judgement.errors:
            for suggestion in error.suggestions:
                changed = apply_parts(suggestion, texts, self.copy.opened)
                if changed is None or frozenset(changed.items()) in self.visited:
                    continue
                if len(self.visited) >= SEARCH_COMPILES:
                    return None
                self.visited.add(frozenset(changed.items()))
                after = judge_crate(self.copy, changed, self.cancel)
                if after.compiles:
                    return changed
                # A step that leaves more errors than there were leads away.
                if len(after.errors) <= len(judgement.errors):
                    solved = self.search(changed, after, depth - 1)
                    if solved is not None:
                        return solved
        return None


def plain_search(copy: JudgedCopy, broken: Texts, cancel: CancelToken) -> Texts | None:
    """The first text that compiles, depth-first over all suggestions of any applicability; None if none does.

    "Verified" means no more than that here: no cheat is refused. That is the point of this peer.
    """
    state = _PlainSearch(copy, cancel, {frozenset(broken.items())})
    return state.search(broken, judge_crate(copy, broken, cancel), SEARCH_DEPTH)
