"""`sleepy watch`: the language server's offers in a terminal, for whoever's editor has none."""
