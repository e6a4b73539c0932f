"""The last text that is likely to have compiled: git's HEAD. Used only to warm slots, never to judge."""

from __future__ import annotations

from pathlib import Path

from sleepy_agent.process import CancelToken, run_process


def last_green_texts(root: Path, cancel: CancelToken | None = None) -> dict[Path, bytes]:
    """Committed texts of the Rust files below `root` that differ from it now; empty outside git."""
    top = run_process(["git", "rev-parse", "--show-toplevel"], cwd=root, cancel=cancel)
    changed = run_process(["git", "diff", "--name-only", "-z", "HEAD", "--", "*.rs"], cwd=root, cancel=cancel)
    if not top.succeeded or not changed.succeeded:
        return {}
    folder = Path(top.stdout.decode().strip())
    texts = {}
    for name in changed.stdout.decode(errors="replace").split("\0"):
        path = folder / name
        if name and path.is_relative_to(root) and path.is_file():
            shown = run_process(["git", "show", f"HEAD:{name}"], cwd=folder, cancel=cancel)
            if shown.succeeded:
                texts[path] = shown.stdout
    return texts
