"""The `sleepy` command: one file a command, and the pieces they share.

Nothing here is imported before it is used: `sleepy --help` reads names and summaries only.
"""
