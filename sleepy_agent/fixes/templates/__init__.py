"""The edit templates: `*.toml` says what each one does, the modules beside hold matchers that need more than a query.

Adding one: an entry in a TOML file here (catalogue.py says what it may contain), and, where a tree-sitter query cannot
say it, a function from a Scene to Proposals in a module here that the entry names.
"""
