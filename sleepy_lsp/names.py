"""The names that the server and the proxy both announce. Data only, so that the proxy stays light."""

from __future__ import annotations

COMMANDS = (
    "sleepy.applied",
    "sleepy.dismiss",
    "sleepy.pause",
    "sleepy.resume",
    "sleepy.muteFamily",
    "sleepy.muteFile",
    "sleepy.unmute",
    "sleepy.explain",
)
"""What `workspace/executeCommand` understands (docs/protocol.md)."""

ACTION_KINDS = ("quickfix", "source.fixAll.sleepy")
"""Kinds of our code actions (LSP 3.17, `CodeActionKind`)."""
