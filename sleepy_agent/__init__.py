"""The core of Sleepy: what is broken, who proposes a fix, what the compiler says of it, what became of it.

ARCHITECTURE.md has the map. This package imports neither the language server nor the trainer.
"""

__version__ = "0.1.0"
