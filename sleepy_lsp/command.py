"""The commands that this package adds to `sleepy` (entry-point group `sleepy.commands`). Imports nothing heavy."""

from __future__ import annotations

from sleepy_agent.cli.command import Command

LSP = Command("lsp", "the language server: verified fixes while you type, beside rust-analyzer", "sleepy_lsp.lsp")
WATCH = Command("watch", "show verified fixes as problems appear, beside any editor", "sleepy_lsp.watch.command")
