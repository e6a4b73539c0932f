"""The engine that runs a GGUF model with llama.cpp in this process: one base, its adapters, one request at a time.

Only `sleepy serve` and benchmarks load this: a crash in native code then ends the server and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from sleepy_agent.errors import ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import FinishReason
from sleepy_agent.serving.engine import AdapterFile, EngineInfo, Generated, GenerateRequest, OnText, Sample
from sleepy_agent.serving.llama.chat_template import render_chat
from sleepy_agent.serving.llama.decoding import DraftCounts, Writer, write_samples
from sleepy_agent.serving.llama.drafts import DraftSource, PromptLookup
from sleepy_agent.serving.llama.native import NativeContext, NativeModel
from sleepy_agent.serving.llama.overflow import fit_parts
from sleepy_agent.serving.llama.prefix_cache import PrefixCache, WeightsKey
from sleepy_agent.serving.llama.prompt_memory import PIECE_TOKENS, PromptMemory, Reading
from sleepy_agent.serving.llama.sampling import Chooser, Grammar, RecordedChooser, SampleChooser
from sleepy_agent.serving.manifest import sha256_of
from sleepy_agent.serving.memory_need import answering_threads, check_memory

EMBEDDED_TOKENS = 512
"""Longer texts are embedded by their beginning."""
EMBEDDED_TOGETHER = 32
"""The library computes logits, which nobody wants, for each token that is embedded; few at a time take less memory."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What to load and how much it may take. `sha256` is computed where it is not known; `threads` 0: all cores.

    `full_precision`: keep keys and values in 32 bits, so that results depend as little as can be on how many tokens
    are read at once: for comparisons with another implementation, and of one loop with another.
    """

    file: Path
    name: str = ""
    sha256: str = ""
    context_tokens: int = 4096
    threads: int = 0
    cache_bytes: int = 256 * 1024 * 1024
    most_samples_together: int = 16
    longest_draft: int = 31
    full_precision: bool = False


@dataclass(frozen=True, slots=True)
class _LoadedAdapter:
    file: AdapterFile
    handle: Any


@dataclass(frozen=True, slots=True)
class _Plan:
    """A request that was made ready: its tokens, and how many of its samples are written together."""

    prompt: tuple[int, ...]
    together: int


MakeDrafts = Callable[[Sequence[int], Sequence[int]], DraftSource]
"""Drafts for a prompt and the expected text, both as tokens."""


def load_engine(settings: EngineSettings, on_progress: Callable[[float], bool] | None = None) -> LlamaEngine:
    """Load a base. `on_progress` hears the share that is loaded (0 to 1) and says whether to go on.

    Raises ModelError for a file that is missing, damaged or no generating model, and where memory is too small.
    """
    from sleepy_agent.serving.files.gguf_header import validate_base

    file = settings.file
    validate_base(file)
    check_memory(file.stat().st_size, f"the model {file.name}")
    with ExitStack() as undo:
        model = NativeModel(file, on_progress)
        undo.callback(model.close)
        if not model.is_generator:
            raise ModelError(
                f"{file.name} is no model that writes text.", "Use another model (`sleepy model list` shows them)."
            )
        context_tokens = min(settings.context_tokens, model.trained_context)
        bytes_per_token = model.cache_bytes_per_token * (2 if settings.full_precision else 1)
        check_memory(context_tokens * bytes_per_token, f"a context of {context_tokens} tokens")
        context = NativeContext(
            model,
            context_tokens=context_tokens,
            batch_tokens=PIECE_TOKENS,
            most_outputs=max(settings.most_samples_together, settings.longest_draft + 1),
            sequences=settings.most_samples_together,
            threads=settings.threads or answering_threads(),
            full_precision=settings.full_precision,
        )
        undo.callback(context.close)
        known = replace(settings, sha256=settings.sha256 or sha256_of(file), context_tokens=context_tokens)
        engine = LlamaEngine(known, model, context)
        undo.pop_all()
    return engine


class LlamaEngine:
    """See `engine.Engine`. Made by `load_engine`."""

    def __init__(self, settings: EngineSettings, model: NativeModel, context: NativeContext) -> None:
        self._settings = settings
        self._model = model
        self._context = context
        self._embedder: NativeContext | None = None
        self._cache = PrefixCache(settings.cache_bytes)
        self._memory = PromptMemory(context, self._cache, can_rewind=model.can_rewind)
        self._adapters: dict[str, _LoadedAdapter] = {}
        self._control_texts: tuple[str, ...] | None = None
        self._info = EngineInfo(
            name=settings.name or settings.file.stem,
            sha256=settings.sha256,
            context_tokens=settings.context_tokens,
            embedding_length=model.embedding_length,
            chat_template=model.chat_template,
            file_bytes=settings.file.stat().st_size,
        )

    @property
    def info(self) -> EngineInfo:
        return self._info

    def set_adapters(self, adapters: Sequence[AdapterFile]) -> None:
        """Load these and forget the others. Where one cannot be loaded, ModelError is raised and nothing changes."""
        loaded: dict[str, _LoadedAdapter] = {}
        with ExitStack() as undo:
            for wanted in adapters:
                there = [*self._adapters.values(), *loaded.values()]
                adapter, handle = wanted, _handle_of(wanted.sha256, there)
                if handle is None:
                    adapter = _checked(wanted)
                    handle = _handle_of(adapter.sha256, there)
                if handle is None:
                    handle = self._model.load_adapter(adapter.file)
                    undo.callback(self._model.free_adapter, handle)
                loaded[adapter.name] = _LoadedAdapter(adapter, handle)
            undo.pop_all()
        # The context may hold the adapter of the last request, which is perhaps about to be freed.
        self._context.use_adapter(None)
        kept = [adapter.handle for adapter in loaded.values()]
        freed = {id(a.handle): a.handle for a in self._adapters.values() if all(a.handle is not k for k in kept)}
        for handle in freed.values():
            self._model.free_adapter(handle)
        self._adapters = loaded
        self._cache.keep_only({self._weights(None), *(self._weights(name) for name in loaded)})

    def apply_chat_template(self, messages: Sequence[tuple[str, str]]) -> str:
        if self._control_texts is None:
            self._control_texts = self._model.control_texts()
        return render_chat(
            self._model.chat_template,
            messages,
            self._model.beginning_text,
            self._model.ending_text,
            self._control_texts,
        )

    def generate(self, request: GenerateRequest, cancel: CancelToken, on_text: OnText | None = None) -> Generated:
        return self._generate(request, cancel, on_text, self._lookup if self._settings.longest_draft else None)

    def generate_recorded(
        self, request: GenerateRequest, text: str, cancel: CancelToken, *, with_drafts: bool
    ) -> Generated:
        """Write `text` as the only sample, whatever the model would say, through the plain loop or the one with drafts.

        For measurements: every step costs what it costs in `generate`, and the drafts that are accepted are those
        that `text` confirms.
        """
        recorded = self._model.tokenize(text, is_prompt=False)
        drafts = self._lookup if with_drafts else None
        request = replace(request, n=1, temperature=0.0, max_tokens=len(recorded))
        return self._generate(request, cancel, None, drafts, recorded)

    def generate_with(self, request: GenerateRequest, cancel: CancelToken, make_drafts: MakeDrafts | None) -> Generated:
        """`generate` with drafts from elsewhere, or without any: the text must not depend on them."""
        return self._generate(request, cancel, None, make_drafts)

    def embed(self, texts: Sequence[str], cancel: CancelToken) -> list[list[float]]:
        """The mean of the last hidden states of each text's tokens, normalised; of its first 512 tokens."""
        if self._embedder is None:
            self._embedder = NativeContext(
                self._model,
                context_tokens=min(EMBEDDED_TOKENS, self._settings.context_tokens),
                batch_tokens=EMBEDDED_TOGETHER,
                most_outputs=EMBEDDED_TOGETHER,
                sequences=1,
                threads=self._settings.threads or answering_threads(),
                embeddings=True,
            )
        return [self._embed_one(self._embedder, text, cancel) for text in texts]

    def _embed_one(self, embedder: NativeContext, text: str, cancel: CancelToken) -> list[float]:
        tokens = self._model.tokenize(text)[: min(EMBEDDED_TOKENS, self._settings.context_tokens)]
        total = np.zeros(self._model.embedding_length, np.float64)
        embedder.clear()
        for start in range(0, len(tokens), EMBEDDED_TOGETHER):
            cancel.raise_if_cancelled()
            piece = tokens[start : start + EMBEDDED_TOGETHER]
            embedder.decode(piece, range(start, start + len(piece)), 0, [True] * len(piece))
            for row in range(len(piece)):
                total += embedder.embedding(row)
        length = math.sqrt(float(total @ total))
        # The empty text has no direction; it stays at the origin, as far from everything.
        return [float(value) for value in (total / length if length > 0 else total)]

    def close(self) -> None:
        """Free everything. Twice is harmless."""
        if self._embedder is not None:
            self._embedder.close()
        self._cache.clear()
        self._context.close()
        self._model.close()

    def _generate(
        self,
        request: GenerateRequest,
        cancel: CancelToken,
        on_text: OnText | None,
        make_drafts: MakeDrafts | None,
        recorded: Sequence[int] | None = None,
    ) -> Generated:
        weights = self._weights(request.adapter)
        plan = self._plan(request)
        adapter = self._adapters[request.adapter] if request.adapter is not None else None
        self._context.use_adapter(adapter.handle if adapter else None, adapter.file.scale if adapter else 1.0)
        reading = self._memory.read(weights, plan.prompt, cancel)
        started = perf_counter()
        samples, counts = self._write(request, plan, reading, cancel, on_text, make_drafts, recorded)
        return Generated(
            samples=samples,
            tokens_in=len(plan.prompt),
            tokens_cached=reading.tokens_cached,
            tokens_drafted=counts.drafted,
            tokens_accepted=counts.accepted,
            prefill_milliseconds=reading.milliseconds,
            decode_milliseconds=(perf_counter() - started) * 1000,
        )

    def _write(
        self,
        request: GenerateRequest,
        plan: _Plan,
        reading: Reading,
        cancel: CancelToken,
        on_text: OnText | None,
        make_drafts: MakeDrafts | None,
        recorded: Sequence[int] | None,
    ) -> tuple[tuple[Sample, ...], DraftCounts]:
        # A greedy request has one answer, however often it is asked for.
        wanted = request.n if request.temperature > 0 else 1
        if reading.logits is None:
            cancelled = Sample("", FinishReason.CANCELLED, 0)
            return (cancelled,) * request.n, DraftCounts()
        counts = DraftCounts()
        samples: list[Sample] = []
        try:
            with ExitStack() as closing:
                writers = []
                for number in range(wanted):
                    chooser = self._chooser(request, number, recorded)
                    closing.callback(chooser.close)
                    writers.append(Writer(number, self._model, chooser, request.stop, request.max_tokens, on_text))
                expected = self._model.tokenize(request.expected, is_prompt=False) if request.expected else []
                for first in range(0, wanted, plan.together):
                    wave = writers[first : first + plan.together]
                    drafts = make_drafts(plan.prompt, expected) if make_drafts and self._model.can_rewind else None
                    more = write_samples(
                        self._context,
                        wave,
                        reading.logits,
                        len(plan.prompt),
                        drafts,
                        self._settings.longest_draft + 1,
                        cancel,
                    )
                    counts = DraftCounts(counts.drafted + more.drafted, counts.accepted + more.accepted)
                    self._memory.trim(len(wave))
                samples = [writer.sample() for writer in writers]
        except BaseException:
            self._memory.forget()
            raise
        return tuple(samples * (request.n // wanted)), counts

    def _chooser(self, request: GenerateRequest, number: int, recorded: Sequence[int] | None) -> Chooser:
        generator = np.random.default_rng(None if request.seed is None else [request.seed & (2**63 - 1), number])
        grammar = Grammar(self._model, request.grammar) if request.grammar else None
        chooser = SampleChooser(request.temperature, request.top_p, generator, grammar)
        return chooser if recorded is None else RecordedChooser(recorded, chooser)

    def _lookup(self, prompt: Sequence[int], expected: Sequence[int]) -> DraftSource:
        return PromptLookup(prompt, expected, self._settings.longest_draft)

    def _plan(self, request: GenerateRequest) -> _Plan:
        """Make the prompt fit. Raises ModelError where it cannot, or the request means nothing."""
        if request.n < 1 or request.max_tokens < 1:
            raise ModelError(
                "A request has to ask for at least one sample of at least one token.", "Raise `n` or `max_tokens`."
            )
        context_tokens = self._settings.context_tokens
        room = context_tokens - request.max_tokens
        text = fit_parts(request.parts, room, lambda part: len(self._model.tokenize(part))) if room > 0 else None
        if text is None:
            raise ModelError(
                f"The prompt and {request.max_tokens} tokens of answer do not fit into the context of "
                f"{context_tokens} tokens, even without what may be left out.",
                "Make `context_tokens` larger, or ask for fewer tokens.",
            )
        prompt = tuple(self._model.tokenize(text))
        if not prompt:
            raise ModelError("The prompt is empty.", "Ask something.")
        fitting = (context_tokens - len(prompt)) // request.max_tokens
        return _Plan(prompt, max(1, min(request.n, fitting, self._settings.most_samples_together)))

    def _weights(self, adapter: str | None) -> WeightsKey:
        if adapter is None:
            return WeightsKey(self._settings.sha256)
        loaded = self._adapters.get(adapter)
        if loaded is None:
            raise ModelError(
                f"No adapter `{adapter}` is loaded.",
                "Ask the base instead, or see `sleepy model list` for the adapters there are.",
            )
        return WeightsKey(self._settings.sha256, loaded.file.sha256, loaded.file.scale)


def _handle_of(sha256: str, loaded: Sequence[_LoadedAdapter]) -> Any | None:
    return next((adapter.handle for adapter in loaded if adapter.file.sha256 == sha256), None)


def _checked(adapter: AdapterFile) -> AdapterFile:
    """The adapter with the checksum of its file, which is sound; whatever is kept of a prompt goes by the checksum."""
    from sleepy_agent.serving.files.gguf_header import validate_adapter

    validate_adapter(adapter.file)
    sha256 = sha256_of(adapter.file)
    if adapter.sha256 not in ("", sha256):
        raise ModelError(
            f"The adapter {adapter.file.name} is not the file that was promoted: its checksum differs.",
            "Go back to an earlier snapshot, or let the next night train it again.",
        )
    return replace(adapter, sha256=sha256)
