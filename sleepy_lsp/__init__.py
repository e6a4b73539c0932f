"""The language-server sidecar. Empty as yet; its place and its one dependency (`sleepy_agent`) are fixed here."""
