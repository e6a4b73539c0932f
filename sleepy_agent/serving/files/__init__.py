"""GGUF files: models and adapters read, checked, written and merged."""
