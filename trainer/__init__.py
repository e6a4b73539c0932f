"""The night. Empty as yet; its place and its one dependency (`sleepy_agent`) are fixed here."""
