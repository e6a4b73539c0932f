"""An engine without a model: says which adapter answered and what it was asked, a word at a time."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from serving.snapshots import BASE
from sleepy_agent.errors import ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import FinishReason
from sleepy_agent.serving.engine import AdapterFile, EngineInfo, Generated, GenerateRequest, OnText, Sample

TOO_LONG = "too long"
UNFIT = b"does not fit"


@dataclass
class ScriptedEngine:
    """Answers `<adapter or base>: <prompt>`. The words of a prompt that begins with a command are obeyed:

    `wait`: nothing is said before `go_on` is set; `forever`: words come until somebody cancels; `explode`: a mistake;
    `no memory`; `too long`: a ModelError.
    """

    go_on: threading.Event = field(default_factory=threading.Event)
    has_begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    was_cancelled: threading.Event = field(default_factory=threading.Event)
    asked: list[GenerateRequest] = field(default_factory=list)
    adapters: tuple[AdapterFile, ...] = ()
    is_closed: bool = False
    threads: set[int] = field(default_factory=set)

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(BASE.name, BASE.sha256, 4096, 4, None, 1000)

    def set_adapters(self, adapters: Sequence[AdapterFile]) -> None:
        self.threads.add(threading.get_ident())
        if any(adapter.file.read_bytes() == UNFIT for adapter in adapters):
            raise ModelError("The adapter does not fit.", "Take another.")
        self.adapters = tuple(adapters)

    def apply_chat_template(self, messages: Sequence[tuple[str, str]]) -> str:
        return "".join(f"<{role}>{content.strip()}</>" for role, content in messages) + "<assistant>"

    def generate(self, request: GenerateRequest, cancel: CancelToken, on_text: OnText | None = None) -> Generated:
        self.threads.add(threading.get_ident())
        self.asked.append(request)
        self.has_begun.release()
        prompt = "".join(part.text for part in request.parts)
        if "explode" in prompt:
            raise RuntimeError("a defect")
        if "no memory" in prompt:
            raise MemoryError
        if TOO_LONG in prompt:
            raise ModelError("The prompt is too long.", "Send less.")
        if "wait" in prompt:
            while not self.go_on.wait(0.01) and not cancel.cancelled:
                pass
        if "forever" in prompt:
            return self._until_cancelled(request, cancel, on_text)
        text = f"{request.adapter or 'base'}: {prompt}"
        finish = FinishReason.CANCELLED if cancel.cancelled else FinishReason.STOP
        if cancel.cancelled:
            self.was_cancelled.set()
        samples = []
        for index in range(request.n):
            words = text.split(" ")
            for number, word in enumerate(words):
                if on_text is not None:
                    on_text(index, word if number == 0 else f" {word}")
            samples.append(Sample(text, finish, len(words)))
        return Generated(tuple(samples), len(prompt.split()), 1, 0, 0, 1.5, 2.5)

    def _until_cancelled(self, request: GenerateRequest, cancel: CancelToken, on_text: OnText | None) -> Generated:
        count = 0
        pause = threading.Event()
        while not cancel.cancelled:
            if on_text is not None:
                on_text(0, "word ")
            count += 1
            pause.wait(0.005)
        self.was_cancelled.set()
        samples = tuple(Sample("word " * count, FinishReason.CANCELLED, count) for _ in range(request.n))
        return Generated(samples, 1, 0, 0, 0, 0.0, 0.0)

    def embed(self, texts: Sequence[str], cancel: CancelToken) -> list[list[float]]:
        return [[byte / 255 for byte in hashlib.sha256(text.encode()).digest()[:4]] for text in texts]

    def close(self) -> None:
        self.is_closed = True
