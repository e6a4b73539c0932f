"""`python -m benchmarks NAME|all [--quick]` measures; `python -m benchmarks readme` writes the figures into README."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from benchmarks.results import Result, result_text, write_result
from sleepy_agent.errors import Interrupted
from sleepy_agent.process import CancelToken, InterruptSignals

MODULES = {
    "error_index": "benchmarks.error_index.run",
    "real_crates": "benchmarks.real_crates.run",
    "dependency_bumps": "benchmarks.dependency_bumps.run",
    "ablation": "benchmarks.ablation",
    "throughput": "benchmarks.throughput",
    "polite": "benchmarks.polite",
    "example_time": "benchmarks.example_time",
    "proxy_latency": "benchmarks.proxy_latency",
    "lsp_start": "benchmarks.lsp_start",
    "lsp_latency": "benchmarks.lsp_latency",
    "lsp_typing": "benchmarks.lsp_typing",
    "serving": "benchmarks.serving.speed",
    "serving_edits": "benchmarks.serving.edits",
    "serving_start": "benchmarks.serving.start",
}


def main(arguments: Sequence[str]) -> int:
    """Run what is named; 0: all bars met, 1: some not, 130: interrupted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=[*MODULES, "all", "readme"])
    parser.add_argument("--quick", action="store_true", help="few cases and repeats; nothing is written to the results")
    options = parser.parse_args(arguments)
    if options.name == "readme":
        from benchmarks.readme import rewrite_readme

        print("README.md was brought up to date." if rewrite_readme() else "README.md already says so.")
        return 0
    cancel = CancelToken()
    names = list(MODULES) if options.name == "all" else [options.name]
    with InterruptSignals(cancel):
        try:
            results = [_run(name, options.quick, cancel) for name in names]
        except Interrupted:
            print("Stopped; nothing was written.", file=sys.stderr)
            return Interrupted.exit_code
    return 0 if all(figure.met is not False for result in results for figure in result.figures) else 1


def _run(name: str, quick: bool, cancel: CancelToken) -> Result:
    print(f"== {name}", flush=True)
    command = f"python -m benchmarks {name}{' --quick' if quick else ''}"
    result: Result = importlib.import_module(MODULES[name]).run(quick, command, cancel)
    print(result_text(result), flush=True)
    if quick:
        print("A quick run says little, so nothing was written to the results.")
    else:
        print(f"written to benchmarks/results/{write_result(result).name}")
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
