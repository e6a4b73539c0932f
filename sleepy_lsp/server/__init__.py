"""The language server: what a client says and hears."""
