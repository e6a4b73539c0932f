"""What is imported with what: the proxy stays without the protocol's types, the server without what compiles."""

from __future__ import annotations

import subprocess
import sys

import pytest

WEIGHTY = ("tree_sitter", "sqlite_utils", "rich", "watchdog", "sleepy_agent.cargo.session", "sleepy_agent.fixes.rank")


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("sleepy_lsp.texts.content_changes", ("lsprotocol", "pygls", "attrs", "asyncio", *WEIGHTY)),
        ("sleepy_lsp.actions.code_actions", ("pygls", *WEIGHTY)),
        ("sleepy_lsp.actions.hints", ("pygls", *WEIGHTY)),
        ("sleepy_lsp.actions.explain", ("pygls", *WEIGHTY)),
        ("sleepy_lsp.texts.documents", ("pygls", *WEIGHTY)),
    ],
)
def test_a_module_does_not_bring_more_than_it_needs(module: str, unwanted: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print(*sorted({set(unwanted)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
