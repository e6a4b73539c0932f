"""How much of an adapter's effect a merged model has, measured on the model's own logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import numpy as np

from sleepy_agent.errors import ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.files.gguf_files import Floats
from sleepy_agent.serving.memory_need import answering_threads

PROBES = (
    "fn total(items: &[u32]) -> u32 {\n    let mut sum = 0;\n    for item in items {\n        sum += item;\n",
    "error[E0382]: borrow of moved value: `name`\nL4 `name`: value borrowed here after move\n",
    "error[E0308]: mismatched types\nL2 `&str`: expected `String`, found `&str`\n<edit>\nL2 ",
    "use std::collections::HashMap;\n\nfn count(words: &[String]) -> HashMap<&str, usize> {\n",
    "error[E0596]: cannot borrow `list` as mutable, as it is not declared as mutable\nL3 `let list`",
    "impl Display for Point {\n    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {\n        write!(f, ",
)
PROBED_TOKENS = 48
PROBED_PLACES = 12
"""Of each probe so many last places are compared."""


def surviving_share(
    base: Path,
    adapter: Path,
    merged: Path,
    scale: float = 1.0,
    *,
    probes: Sequence[str] = PROBES,
    threads: int = 0,
    progress: Callable[[float], None] = lambda _share: None,
    cancel: CancelToken | None = None,
) -> float:
    """How much of an adapter's effect a merged model has: 1 is all of it, 0 as much as none. See `merge.merge`.

    `progress` hears the share of the work that is done. Raises ModelError for models whose logits are no numbers,
    Interrupted.
    """
    cancel = cancel or CancelToken()
    used_threads = threads or answering_threads()
    done = count()

    def step() -> None:
        cancel.raise_if_cancelled()
        progress(next(done) / (3 * len(probes)))

    plain, wanted = _logits(base, [(None, 1.0), (adapter, scale)], probes, used_threads, step, cancel)
    (found,) = _logits(merged, [(None, 1.0)], probes, used_threads, step, cancel)
    effect = float(np.linalg.norm(wanted - plain))
    lost = float(np.linalg.norm(found - wanted))
    if not np.isfinite(effect + lost):
        raise ModelError(
            f"{base.name} or {adapter.name} gives answers that are no numbers: the file is damaged.",
            "Fetch or make the file again.",
        )
    if effect == 0:
        # An adapter without any effect survives if nothing else changed.
        return 1.0 if lost <= 1e-3 * float(np.linalg.norm(plain)) else 0.0
    return 1.0 - lost / effect


def _logits(
    model: Path,
    adapters: Sequence[tuple[Path | None, float]],
    probes: Sequence[str],
    threads: int,
    step: Callable[[], None],
    cancel: CancelToken,
) -> list[Floats]:
    """The logits of the probes' last places, a row each, once for each adapter (None: none)."""
    from sleepy_agent.serving.llama.native import NativeContext, NativeModel

    found = []
    with ExitStack() as closing:
        try:
            native = NativeModel(model, lambda _share: not cancel.cancelled)
        except ModelError:
            cancel.raise_if_cancelled()
            raise
        closing.callback(native.close)
        context = NativeContext(
            native,
            context_tokens=2 * PROBED_TOKENS,
            batch_tokens=PROBED_TOKENS,
            most_outputs=PROBED_TOKENS,
            sequences=1,
            threads=threads,
        )
        closing.callback(context.close)
        for adapter, scale in adapters:
            context.use_adapter(None if adapter is None else native.load_adapter(adapter), scale)
            rows = []
            for probe in probes:
                step()
                tokens = native.tokenize(probe)[:PROBED_TOKENS]
                context.clear()
                context.decode(tokens, range(len(tokens)), 0, [True] * len(tokens))
                rows += [context.logits(row).copy() for row in range(max(0, len(tokens) - PROBED_PLACES), len(tokens))]
            context.use_adapter(None)
            found.append(np.stack(rows))
    return found
