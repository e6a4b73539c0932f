"""The calls into llama.cpp, with Python's types: a model, a context, its log. Nobody else touches the bindings.

The low-level bindings of llama-cpp-python are plain C: a pointer that is None means that something failed, and why
is in the log. What crashes in there takes the whole process along, which is why only the server's process loads it.
"""

from __future__ import annotations

import ctypes
import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from sleepy_agent.errors import ModelError

Logits = NDArray[np.float32]

CONTINUED_LINE = 5
"""ggml's log level of a text that goes on with the line before."""

LOG_LEVELS = {3: logging.INFO, 4: logging.ERROR}
"""ggml's warnings and errors as our levels, the rest being for debugging: its warnings rarely concern a user."""

PIECE_BYTES = 256
F32 = 0
"""`GGML_TYPE_F32` (ggml.h), which the bindings do not name."""


class NativeLog:
    """llama.cpp's log, written to ours; the last errors are kept to say why something failed."""

    def __init__(self) -> None:
        # Where native code gives up, it would start a debugger and write pages to the terminal first.
        os.environ.setdefault("GGML_NO_BACKTRACE", "1")
        self._logger = logging.getLogger("sleepy.llama")
        self._errors: deque[str] = deque(maxlen=4)
        # The library keeps only the pointer, so the callback has to live as long as this.
        self._callback = llama_cpp.llama_log_callback(self._take)
        llama_cpp.llama_log_set(self._callback, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()

    def forget(self) -> None:
        """What was said until now has nothing to do with what comes."""
        self._errors.clear()

    @property
    def reason(self) -> str:
        """The last errors as one text; empty where there were none."""
        return "; ".join(self._errors)

    def _take(self, level: int, text: bytes, _data: object) -> None:
        line = text.decode("utf-8", "replace").strip()
        if not line or level == CONTINUED_LINE:
            return
        if LOG_LEVELS.get(level) == logging.ERROR:
            self._errors.append(line)
        self._logger.log(LOG_LEVELS.get(level, logging.DEBUG), "%s", line)


@cache
def native_log() -> NativeLog:
    """The log of the library: it has one for the whole process, set when it is first used."""
    return NativeLog()


def native_error(what: str, remedy: str) -> ModelError:
    reason = native_log().reason
    return ModelError(f"{what}{': ' + reason if reason else ''}.", remedy)


class NativeModel:
    """A loaded base: its vocabulary, what its file says, and the adapters that belong to it."""

    def __init__(self, file: Path, on_progress: Callable[[float], bool] | None = None) -> None:
        """Load `file`. `on_progress` hears the share that is loaded and says whether to go on."""
        native_log().forget()
        parameters = llama_cpp.llama_model_default_params()
        report = on_progress or (lambda _share: True)
        callback = llama_cpp.llama_progress_callback(lambda share, _data: report(share))
        parameters.progress_callback = callback
        # Weights are repacked for the processor while they are loaded. A mapped file would then be in memory twice.
        parameters.load_mode = llama_cpp.LLAMA_LOAD_MODE_NONE
        self._model: Any = llama_cpp.llama_model_load_from_file(str(file).encode(), parameters)
        if not self._model:
            raise native_error(
                f"llama.cpp could not load {file.name}",
                "Fetch the model again (`sleepy model pull`), or use another one (`sleepy model use`).",
            )
        self.vocabulary: Any = llama_cpp.llama_model_get_vocab(self._model)
        self.vocabulary_size: int = llama_cpp.llama_vocab_n_tokens(self.vocabulary)
        self.embedding_length: int = llama_cpp.llama_model_n_embd(self._model)
        self.trained_context: int = llama_cpp.llama_model_n_ctx_train(self._model)
        self.is_generator = bool(llama_cpp.llama_model_has_decoder(self._model)) and not bool(
            llama_cpp.llama_model_has_encoder(self._model)
        )
        # Models with a running state cannot forget their last tokens, so nothing of them is kept or guessed.
        self.can_rewind = not (
            llama_cpp.llama_model_is_recurrent(self._model) or llama_cpp.llama_model_is_hybrid(self._model)
        )
        template = llama_cpp.llama_model_chat_template(self._model, None)
        self.chat_template: str | None = template.decode("utf-8", "replace") if template else None
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}

    @property
    def handle(self) -> Any:
        return self._model

    @property
    def has_k_quants(self) -> bool:
        """Whether most weights are quantised in blocks of 256 (Q2_K to Q6_K)."""
        first, last = llama_cpp.LLAMA_FTYPE_MOSTLY_Q2_K, llama_cpp.LLAMA_FTYPE_MOSTLY_Q6_K
        return first <= int(llama_cpp.llama_model_ftype(self._model)) <= last

    @property
    def cache_bytes_per_token(self) -> int:
        """What keys and values of one token take at 16 bits a number."""
        heads = max(llama_cpp.llama_model_n_head(self._model), 1)
        width = self.embedding_length // heads * llama_cpp.llama_model_n_head_kv(self._model)
        return int(2 * 2 * width * llama_cpp.llama_model_n_layer(self._model))

    def tokenize(self, text: str, *, is_prompt: bool = True) -> list[int]:
        """The tokens of `text`. In a prompt, control tokens are read as such and the model's own beginning is added."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        tokens = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self.vocabulary, data, len(data), tokens, room, is_prompt, is_prompt)
        if count < 0:
            raise native_error("The text cannot be split into tokens", "Use another model (`sleepy model use`).")
        found = tokens[:count]
        # A chat template may have written the beginning itself. A vocabulary without one is said to have the 11th word.
        adds_beginning = bool(llama_cpp.llama_vocab_get_add_bos(self.vocabulary))
        beginning = llama_cpp.llama_vocab_bos(self.vocabulary)
        return list(found[1:] if adds_beginning and found[:2] == [beginning, beginning] else found)

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; none for control tokens."""
        known = self._pieces.get(token)
        if known is None:
            known = self._pieces[token] = self._read_piece(token, special=False)
        return known

    def ends_generation(self, token: int) -> bool:
        known = self._ends.get(token)
        if known is None:
            known = self._ends[token] = bool(llama_cpp.llama_vocab_is_eog(self.vocabulary, token))
        return known

    @property
    def end_token(self) -> int:
        """A token that ends an answer."""
        turn_end = llama_cpp.llama_vocab_eot(self.vocabulary)
        return int(turn_end if turn_end >= 0 else llama_cpp.llama_vocab_eos(self.vocabulary))

    def special_text(self, token: int) -> str:
        """What a special token is written as; empty where the vocabulary has no such token."""
        return self._read_piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""

    @property
    def beginning_text(self) -> str:
        return self.special_text(llama_cpp.llama_vocab_bos(self.vocabulary))

    @property
    def ending_text(self) -> str:
        return self.special_text(llama_cpp.llama_vocab_eos(self.vocabulary))

    def control_texts(self) -> tuple[str, ...]:
        """Every control token as it is written. Takes tens of milliseconds."""
        texts = (
            self.special_text(token)
            for token in range(self.vocabulary_size)
            if llama_cpp.llama_vocab_is_control(self.vocabulary, token)
        )
        return tuple(text for text in texts if len(text) > 2)

    def _read_piece(self, token: int, *, special: bool) -> bytes:
        room = PIECE_BYTES
        while True:
            buffer = ctypes.create_string_buffer(room)
            length = llama_cpp.llama_token_to_piece(self.vocabulary, token, buffer, room, 0, special)
            if length >= 0:
                return buffer.raw[:length]
            room = -length

    def load_adapter(self, file: Path) -> Any:
        """A handle of the adapter in `file`; raises ModelError where it does not fit this base."""
        native_log().forget()
        adapter = llama_cpp.llama_adapter_lora_init(self._model, str(file).encode())
        if not adapter:
            raise native_error(
                f"The adapter {file.name} does not fit this model",
                "Use the model it was made for, or train it again (the next night does).",
            )
        return adapter

    def free_adapter(self, adapter: Any) -> None:
        llama_cpp.llama_adapter_lora_free(adapter)

    def close(self) -> None:
        if self._model:
            llama_cpp.llama_model_free(self._model)
            self._model = None


class NativeContext:
    """A context of a model: the keys and values of what it read, and the outputs of its last batch.

    `batch_tokens`: the most tokens of one call of `decode`, of which at most `most_outputs` want outputs; all that the
    library sets aside grows with these two and with `context_tokens`. `full_precision`: keys and values in 32 bits
    instead of 16.
    """

    def __init__(
        self,
        model: NativeModel,
        *,
        context_tokens: int,
        batch_tokens: int,
        most_outputs: int,
        sequences: int,
        threads: int,
        embeddings: bool = False,
        full_precision: bool = False,
    ) -> None:
        native_log().forget()
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = context_tokens
        parameters.n_batch = parameters.n_ubatch = batch_tokens
        parameters.n_outputs_max = most_outputs
        parameters.n_seq_max = sequences
        parameters.n_threads = parameters.n_threads_batch = threads
        # One buffer for all sequences: what they share (the prompt) is in it once.
        parameters.kv_unified = True
        if not llama_cpp.llama_supports_gpu_offload():
            # On a processor it is no quicker for prompts of this length, and its 16-bit sums depend far more on how
            # many tokens are read at once: answers with and without drafts would part at close calls.
            parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        if full_precision:
            parameters.type_k = parameters.type_v = F32
        parameters.no_perf = True
        parameters.embeddings = embeddings
        if embeddings:
            parameters.pooling_type = llama_cpp.LLAMA_POOLING_TYPE_NONE
        self._context: Any = llama_cpp.llama_init_from_model(model.handle, parameters)
        if not self._context:
            raise native_error(
                f"There is not enough memory for a context of {context_tokens} tokens",
                "Make `context_tokens` smaller, or use a smaller model (`sleepy model list`).",
            )
        self._memory: Any = llama_cpp.llama_get_memory(self._context)
        self._vocabulary_size = model.vocabulary_size
        self._embedding_length = model.embedding_length
        self.splits_batches = model.has_k_quants and not bool(llama_cpp.llama_supports_gpu_offload())
        self._make_batch(batch_tokens)

    def _make_batch(self, capacity: int) -> None:
        self._tokens = np.zeros(capacity, np.int32)
        self._positions = np.zeros(capacity, np.int32)
        self._sequences = np.zeros(capacity, np.int32)
        self._outputs = np.zeros(capacity, np.int8)
        self._counts = np.ones(capacity, np.int32)
        integers = ctypes.POINTER(ctypes.c_int32)
        first = self._sequences.ctypes.data
        self._sequence_pointers = (integers * capacity)(
            *(ctypes.cast(first + 4 * index, integers) for index in range(capacity))
        )
        batch: Any = llama_cpp.llama_batch()
        batch.token = self._tokens.ctypes.data_as(integers)
        batch.pos = self._positions.ctypes.data_as(integers)
        batch.n_seq_id = self._counts.ctypes.data_as(integers)
        batch.seq_id = ctypes.cast(self._sequence_pointers, ctypes.POINTER(integers))
        batch.logits = self._outputs.ctypes.data_as(ctypes.POINTER(ctypes.c_int8))
        self._batch = batch

    def decode(
        self, tokens: Sequence[int], positions: Sequence[int], sequences: Sequence[int] | int, outputs: Sequence[bool]
    ) -> None:
        """Run the model over a batch: one token a row, its position, its sequence, and whether its output is wanted."""
        count = len(tokens)
        self._tokens[:count] = tokens
        self._positions[:count] = positions
        self._sequences[:count] = sequences
        self._outputs[:count] = outputs
        self._batch.n_tokens = count
        native_log().forget()
        code = llama_cpp.llama_decode(self._context, self._batch)
        if code != 0:
            raise native_error(
                f"llama.cpp stopped in the middle of an answer (code {code})",
                "Ask again; if it stays so, make `context_tokens` smaller or fetch the model again.",
            )

    def logits(self, row: int) -> Logits:
        """The logits after row `row` of the last batch: a view, gone with the next batch."""
        pointer = llama_cpp.llama_get_logits_ith(self._context, row)
        return np.ctypeslib.as_array(pointer, (self._vocabulary_size,))

    def embedding(self, row: int) -> NDArray[np.float32]:
        """The last hidden state of row `row` of the last batch: a view, gone with the next batch."""
        pointer = llama_cpp.llama_get_embeddings_ith(self._context, row)
        return np.ctypeslib.as_array(pointer, (self._embedding_length,))

    def forget_from(self, sequence: int, position: int) -> None:
        """Remove everything of a sequence from `position` on."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, position, -1)

    def copy_sequence(self, source: int, target: int) -> None:
        """Let `target` begin with all of `source`; nothing is computed and nothing copied but marks."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def clear(self) -> None:
        llama_cpp.llama_memory_clear(self._memory, False)

    def save(self, sequence: int) -> bytearray:
        """The state of a sequence as bytes for `restore`."""
        size = llama_cpp.llama_state_seq_get_size(self._context, sequence)
        state = bytearray(size)
        buffer = (ctypes.c_uint8 * size).from_buffer(state)
        written = llama_cpp.llama_state_seq_get_data(self._context, buffer, size, sequence)
        del buffer
        return state[:written] if written != size else state

    def restore(self, sequence: int, state: bytearray) -> bool:
        """Put a saved state back; False where the library does not take it."""
        buffer = (ctypes.c_uint8 * len(state)).from_buffer(state)
        return bool(llama_cpp.llama_state_seq_set_data(self._context, buffer, len(state), sequence))

    def use_adapter(self, adapter: Any | None, scale: float = 1.0) -> None:
        """Answer with this adapter from now on, or with the base alone."""
        if adapter is None:
            llama_cpp.llama_set_adapters_lora(self._context, None, 0, None)
            return
        adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(adapter)
        llama_cpp.llama_set_adapters_lora(self._context, adapters, 1, (ctypes.c_float * 1)(scale))

    def close(self) -> None:
        if self._context:
            llama_cpp.llama_free(self._context)
            self._context = None
