"""What is watched and with what, and what the server is told of that when it starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from sleepy_agent.checksums import sha256_of_text
from sleepy_agent.config import Places
from sleepy_lsp.names import ACTION_KINDS
from sleepy_lsp.texts.convert import uri_of_path

ENCODING = "utf-8"
"""The position encoding we ask for: rust-analyzer and Sleepy both know it."""
QUICK_FIX, FIX_ALL = ACTION_KINDS


@dataclass(frozen=True, slots=True)
class Assignment:
    """What is watched, and with what."""

    root: Path
    """The root of the cargo workspace."""
    server: tuple[str, ...]
    """Command of the language server."""
    wraps_rust_analyzer: bool
    places: Places
    keys: TextIO | None = None
    """The terminal that keys are read from; None: nobody types."""


def initialize_parameters(assignment: Assignment) -> dict[str, Any]:
    """The `params` of `initialize` (LSP 3.17, `InitializeParams`): what a terminal can do, and what it wants."""
    uri = uri_of_path(assignment.root)
    # What lies on the disk was saved: nobody is in the middle of a word, so a search need not wait for typing to rest.
    ours = {"scope": "workspace", "hints": False, "trusted": True, "settings": {"rest_milliseconds": 0}}
    # rust-analyzer builds in a folder of ours: nobody's `cargo build` waits for it, and the tree gets no target folder.
    build_folder = assignment.places.cache / "rust-analyzer" / sha256_of_text(os.fsencode(assignment.root))[:16]
    theirs = {
        "cargo": {"targetDir": str(build_folder)},
        "cachePriming": {"enable": False},
        "diagnostics": {"enable": False},
    }
    return {
        "processId": os.getpid(),
        "clientInfo": {"name": "sleepy watch"},
        "rootUri": uri,
        "workspaceFolders": [{"uri": uri, "name": assignment.root.name}],
        "initializationOptions": {"sleepy": ours, **theirs} if assignment.wraps_rust_analyzer else ours,
        "capabilities": {
            "general": {"positionEncodings": [ENCODING]},
            "workspace": {
                "workspaceFolders": True,
                "workspaceEdit": {"documentChanges": True},
                "didChangeWatchedFiles": {"dynamicRegistration": True},
            },
            "textDocument": {
                "publishDiagnostics": {"relatedInformation": True},
                "codeAction": {
                    "codeActionLiteralSupport": {"codeActionKind": {"valueSet": list(ACTION_KINDS)}},
                    "isPreferredSupport": True,
                    "dataSupport": True,
                    "resolveSupport": {"properties": ["edit", "command"]},
                },
            },
            "experimental": {"sleepy": True},
        },
    }
