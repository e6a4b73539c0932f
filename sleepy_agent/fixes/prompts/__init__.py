"""How a model is asked for a fix, and how its answer becomes edits: what is shown (`view.py`), in which words
(`compose.py`, `hints.toml`), for which kind of model (`profiles.toml`), and what an answer must look like
(`answers.py`, `grammar.py`)."""
