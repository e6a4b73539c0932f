"""`cargo fix` over all broken cases at once, and plain verified search over each; what they answer is kept."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.dependency_bumps.cases import Case, known_cases
from benchmarks.dependency_bumps.ends import end_of
from benchmarks.dependency_bumps.workspaces import BumpedWorkspace, content_hash
from benchmarks.machine import rustc_version
from benchmarks.real_crates.judging import JudgedCopy, Texts, judged_copy
from benchmarks.real_crates.peers import CARGO_FIX, PLAIN_SEARCH, plain_search
from benchmarks.real_crates.scoring import UNCHANGED, Score, entry_of, score_of, score_texts
from sleepy_agent.process import CancelToken, run_process

PEERS = (CARGO_FIX, PLAIN_SEARCH)

CARGO_FIX_SECONDS = 900.0


def peer_scores(
    workspace: BumpedWorkspace,
    copy: JudgedCopy,
    cases: Sequence[Case],
    say: Callable[[str], None],
    cancel: CancelToken,
) -> dict[str, dict[str, Score]]:
    """What each peer makes of each case, by the case's name. Only what is not known yet is asked."""
    tag = hashlib.sha256(f"{content_hash(known_cases())} {rustc_version()}".encode()).hexdigest()[:12]
    kept = workspace.folder / f"peers-{tag}.json"
    entries: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    missing = [case for case in cases if case.name not in entries]
    started = time.perf_counter()
    fixed = cargo_fix_all(workspace, missing, cancel) if missing else {}
    seconds = (time.perf_counter() - started) / max(1, len(missing))
    for case in missing:
        broken = workspace.broken(case)
        changed = {file: text for file, text in fixed.items() if file.parts[0] == case.name}
        started = time.perf_counter()
        found = plain_search(copy, broken, cancel)
        searched = time.perf_counter() - started
        scores = {
            CARGO_FIX: score_texts(copy, broken, changed, seconds, cancel) if changed else UNCHANGED,
            PLAIN_SEARCH: score_texts(copy, broken, found, searched, cancel) if found else UNCHANGED,
        }
        say(f"    {'   '.join(f'{peer}: {end_of(score)}' for peer, score in scores.items())}   {case.name}")
        entries[case.name] = {peer: entry_of(score) for peer, score in scores.items()}
        kept.write_text(json.dumps(entries), encoding="utf-8")
    return {case.name: {peer: score_of(entry) for peer, entry in entries[case.name].items()} for case in cases}


def cargo_fix_all(workspace: BumpedWorkspace, cases: Sequence[Case], cancel: CancelToken) -> dict[Path, bytes]:
    """The files that `cargo fix --broken-code` changed, in a copy in which every case is broken."""
    copy = judged_copy(workspace, "cargo-fix")
    broken: Texts = {file: text for case in cases for file, text in workspace.broken(case).items()}
    green = {file: workspace.original(file) for file in workspace.sources}
    # cargo writes other files than those that are broken, too, so all of them are laid and read.
    with copy.laid({**green, **broken}) as root:
        run_process(
            [
                *("cargo", "fix", "--workspace", "--lib", "--quiet", "--offline", "--keep-going"),
                *("--allow-no-vcs", "--allow-dirty", "--broken-code"),
            ],
            cwd=root,
            environment=copy.environment,
            timeout_seconds=CARGO_FIX_SECONDS,
            cancel=cancel,
        )
        texts = {file: (root / file).read_bytes() for file in green}
    cancel.raise_if_cancelled()
    return {file: text for file, text in texts.items() if text != broken.get(file, green[file])}
