"""The one-file programs that the benchmarks use, too."""

from __future__ import annotations

from benchmarks.programs import after, context_of, errors_of, problems_of

__all__ = ["after", "context_of", "errors_of", "problems_of"]
