"""Others that must come to the same result: llama.cpp's converters, and torch beside llama.cpp."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from sleepy_agent.serving.files.gguf_files import BaseShape, Floats
from sleepy_agent.serving.files.lora_files import PEFT_PREFIX, LoraFactors
from sleepy_agent.serving.llama.native import NativeModel

F32 = 0
"""ggml's number of the type."""

CONVERT = """
import runpy, sys
from conversion.base import TextModel
# The converter knows pre-tokenizers by what they make of a sentence with one vocabulary, so never with a new one.
TextModel.get_vocab_base_pre = lambda self, tokenizer: "qwen2"
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def converters() -> Path:
    """The folder that tools/fetch_oracles.sh fills."""
    root = Path(os.environ.get("SLEEPY_TEST_CACHE", Path.home() / ".cache" / "sleepy-tests"))
    folder = root / f"converters-{version('llama-cpp-python')}"
    assert (folder / ".complete").exists(), f"run `tools/fetch_oracles.sh PYTHON` first (make test does): no {folder}"
    return folder


def convert(script: str, *arguments: str | Path) -> None:
    """Run one of llama.cpp's converters."""
    folder = converters()
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(folder / part) for part in ("llama.cpp", "llama.cpp/gguf-py", "python")),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", CONVERT, str(folder / "llama.cpp" / script), *map(str, arguments)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]


def save_for_transformers(
    folder: Path, shape: BaseShape, tokenizer: Tokenizer, weights: Mapping[str, NDArray[Any]], control: Sequence[str]
) -> Path:
    """Write a base as transformers keeps it: configuration, weights, tokenizer."""
    folder.mkdir()
    end, padding = control[-1], control[0]
    config = {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "hidden_size": shape.embedding,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.shared_heads,
        "max_position_embeddings": shape.context,
        "rope_theta": shape.rope_base,
        "rms_norm_eps": shape.norm_epsilon,
        "tie_word_embeddings": "lm_head.weight" not in weights,
        "vocab_size": tokenizer.get_vocab_size(),
        "eos_token_id": tokenizer.token_to_id(end),
        "pad_token_id": tokenizer.token_to_id(padding),
        "hidden_act": "silu",
        "torch_dtype": "float32",
    }
    about_tokens = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": end,
        "pad_token": padding,
        "add_bos_token": False,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(about_tokens), encoding="utf-8")
    tokenizer.save(str(folder / "tokenizer.json"))
    save_file(dict(weights), folder / "model.safetensors", {"format": "pt"})
    return folder


def save_for_peft(folder: Path, factors: Mapping[str, LoraFactors], alpha: float, base: Path) -> Path:
    """Write an adapter as peft keeps it."""
    folder.mkdir()
    rank = next(iter(factors.values())).rank
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": alpha, "base_model_name_or_path": str(base)}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    tensors = {
        f"{PEFT_PREFIX}{module}.lora_{part}.weight": values
        for module, pair in factors.items()
        for part, values in (("A", pair.a), ("B", pair.b))
    }
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    return folder


def llama_logits(model: Path, tokens: Sequence[int], adapter: Path | None = None) -> Floats:
    """llama.cpp's logits after each of the tokens, everything in f32: the product keeps keys and values in 16 bits."""
    with ExitStack() as closing:
        native = NativeModel(model)
        closing.callback(native.close)
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = parameters.n_outputs_max = len(tokens)
        parameters.n_threads = parameters.n_threads_batch = 1
        parameters.type_k = parameters.type_v = F32
        parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        context = llama_cpp.llama_init_from_model(native.handle, parameters)
        assert context
        closing.callback(llama_cpp.llama_free, context)
        if adapter is not None:
            handles = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(native.load_adapter(adapter))
            llama_cpp.llama_set_adapters_lora(context, handles, 1, (ctypes.c_float * 1)(1.0))
        batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
        closing.callback(llama_cpp.llama_batch_free, batch)
        batch.n_tokens = len(tokens)
        for place, token in enumerate(tokens):
            batch.token[place], batch.pos[place], batch.logits[place] = token, place, 1
            batch.n_seq_id[place], batch.seq_id[place][0] = 1, 0
        assert llama_cpp.llama_decode(context, batch) == 0
        rows = [llama_cpp.llama_get_logits_ith(context, place) for place in range(len(tokens))]
        return np.stack([np.ctypeslib.as_array(row, (native.vocabulary_size,)).copy() for row in rows])
