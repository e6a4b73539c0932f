"""Rust text and its syntax: edits on bytes, tree-sitter trees, what an edit does to the structure of a file."""
