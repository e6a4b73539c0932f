"""The one thread that the engine works in, and the queue before it. Used only by the server, inside its event loop.

Between two requests the snapshot manifest is looked at; a new one is loaded then, so that what is being answered
ends with the adapters it began with.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from sleepy_agent.errors import ModelError, SleepyError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.engine import Engine
from sleepy_agent.serving.manifest import ManifestWatch, Snapshot, adapter_files, check_base, read_snapshot
from sleepy_agent.serving.server.request_queue import FairQueue

LONGEST_QUEUE: Final = 200
LOOK_AT_MANIFEST_SECONDS: Final = 2.0
LONGEST_RETRY_SECONDS: Final = 60

Result = TypeVar("Result")
logger = logging.getLogger("sleepy.serve")


class State(StrEnum):
    """Where the server stands."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


class RefusalKind(StrEnum):
    """Why a request was not even begun."""

    BUSY = "server_busy"
    EXPIRED = "deadline_exceeded"
    NO_MODEL = "model_not_loaded"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that was not begun. `retry_seconds`: how long until asking again makes sense."""

    kind: RefusalKind
    message: str
    remedy: str
    retry_seconds: int = 1


@dataclass(frozen=True, slots=True)
class Loaded:
    """What answers now. `problem`: why the newest manifest is not in use, or None."""

    engine: Engine
    snapshot: Snapshot | None = None
    problem: str | None = None


Work = Callable[[Loaded, CancelToken], Result]
Load = Callable[[Callable[[float], bool]], Engine]
"""Loads the model. What it is given hears the share that is loaded (0 to 1), and says whether to go on."""


@dataclass(eq=False, slots=True)
class _Job(Generic[Result]):
    client: str
    work: Work[Result]
    cancel: CancelToken
    future: asyncio.Future[Result | Refusal]


class EngineRunner:
    """Owns the engine from its loading to its end. All methods belong to the event loop's thread."""

    def __init__(
        self,
        load: Load,
        manifest: Path,
        *,
        capacity: int = LONGEST_QUEUE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._manifest = manifest
        self._watch = ManifestWatch(manifest)
        self._clock = clock
        self._queue: FairQueue[_Job[Any]] = FairQueue(capacity)
        self._wake = asyncio.Event()
        self._running: _Job[Any] | None = None
        self._started = clock()
        self._last_activity = clock()
        self._seconds_per_request = 1.0
        self._is_ending = False
        self.state = State.LOADING
        self.loaded_share = 0.0
        self.failure: SleepyError | None = None
        self.loaded: Loaded | None = None

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def running(self) -> int:
        return int(self._running is not None)

    @property
    def idle_seconds(self) -> float:
        """How long nobody has wanted anything. Loading is no idleness: whoever started the server waits for it."""
        if self.queued or self.running or self.state is State.LOADING:
            return 0.0
        return self._clock() - self._last_activity

    @property
    def seconds_since_start(self) -> float:
        return self._clock() - self._started

    def note_activity(self) -> None:
        """Somebody asked for something that needs no engine."""
        self._last_activity = self._clock()

    def cancel_all(self) -> None:
        """End what runs between two tokens, and answer nobody who still waits."""
        while (job := self._queue.take()) is not None:
            self._refuse(job, _stopping())
        if self._running is not None:
            self._running.cancel.cancel()

    async def submit(self, client: str, work: Work[Result], deadline_seconds: float | None = None) -> Result | Refusal:
        """Wait for one's turn and for the answer. Whoever stops waiting (task cancelled) stops the work.

        Raises what `work` raises. Once the deadline has passed, the work is told to stop.
        """
        self.note_activity()
        if self.failure is not None:
            return Refusal(RefusalKind.NO_MODEL, self.failure.message, self.failure.remedy)
        loop = asyncio.get_running_loop()
        job = _Job(client, work, CancelToken(), loop.create_future())
        if not self._queue.put(client, job):
            return self._busy()
        self._wake.set()
        timer = None if deadline_seconds is None else loop.call_later(deadline_seconds, self._expire, job)
        try:
            result: Result | Refusal = await job.future
            return result
        finally:
            if timer is not None:
                timer.cancel()
            job.cancel.cancel()
            self._queue.remove(client, job)
            self.note_activity()

    async def run(self) -> None:
        """Load the model, then answer until cancelled. Returns early only where the model cannot be loaded."""
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        loop = asyncio.get_running_loop()
        try:
            self.loaded = Loaded(await loop.run_in_executor(executor, self._load, self._note_share))
            await loop.run_in_executor(executor, self._refresh)
            self.state = State.READY
            self._last_activity = self._clock()
            logger.info("the model %s is loaded, %.1f s", self.loaded.engine.info.name, self.seconds_since_start)
            while True:
                await self._step(executor)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._fail(error)
        finally:
            self._is_ending = True
            self.cancel_all()
            if self.loaded is not None:
                # After what still runs: there is only this one thread.
                executor.submit(self.loaded.engine.close)
            # A disk that hangs would keep us, so the end of the loading is not waited for.
            executor.shutdown(wait=self.loaded is not None)

    async def _step(self, executor: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        job = self._queue.take()
        if job is None:
            self._wake.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_AT_MANIFEST_SECONDS)
                return
            await loop.run_in_executor(executor, self._refresh)
            return
        if job.future.done():
            return
        self._running = job
        began = self._clock()
        try:
            result = await loop.run_in_executor(executor, self._do, job)
        except asyncio.CancelledError:
            job.cancel.cancel()
            self._refuse(job, _stopping())
            raise
        except Exception as error:
            if not job.future.done():
                job.future.set_exception(error)
        else:
            if not job.future.done():
                job.future.set_result(result)
        finally:
            self._running = None
            self._seconds_per_request += 0.2 * (self._clock() - began - self._seconds_per_request)

    def _note_share(self, share: float) -> bool:
        """In the engine's thread."""
        self.loaded_share = share
        return not self._is_ending

    def _do(self, job: _Job[Result]) -> Result:
        """In the engine's thread."""
        self._refresh()
        assert self.loaded is not None
        return job.work(self.loaded, job.cancel)

    def _refresh(self) -> None:
        """In the engine's thread: take the newest manifest, or say why not and keep the old one."""
        assert self.loaded is not None
        if not self._watch.changed():
            return
        engine = self.loaded.engine
        try:
            snapshot = read_snapshot(self._manifest)
            if snapshot is not None:
                check_base(snapshot, engine.info.name, engine.info.sha256)
            engine.set_adapters(adapter_files(snapshot, self._manifest) if snapshot else ())
        except Exception as error:
            # Whatever is wrong with the adapters, the base can answer.
            problem = f"{type(error).__name__}: {error}"
            if isinstance(error, SleepyError):
                problem = f"{error.message} {error.remedy}"
            logger.warning("the snapshot stays %s: %s", snapshot_name(self.loaded.snapshot), problem)
            self.loaded = Loaded(engine, self.loaded.snapshot, problem)
            return
        self.loaded = Loaded(engine, snapshot)
        logger.info("the snapshot is %s now", snapshot_name(snapshot))

    def _fail(self, error: Exception) -> None:
        self.state = State.FAILED
        if isinstance(error, SleepyError):
            self.failure = error
        elif isinstance(error, MemoryError):
            self.failure = ModelError(
                "There is not enough memory for the model.",
                "Close other programs, choose a smaller model (`sleepy model list`) or set context_tokens lower.",
            )
        else:
            logger.error("the model cannot be loaded", exc_info=error)
            self.failure = ModelError(
                f"The model cannot be loaded ({type(error).__name__}: {error}).",
                "`sleepy model info` checks the file; the log of the server has the details.",
            )

    def _expire(self, job: _Job[Any]) -> None:
        job.cancel.cancel()
        if self._queue.remove(job.client, job):
            self._refuse(
                job,
                Refusal(
                    RefusalKind.EXPIRED,
                    "The time for this request was over before its turn came.",
                    "Ask again later, or give it more time.",
                    self._retry_seconds,
                ),
            )

    def _refuse(self, job: _Job[Any], refusal: Refusal) -> None:
        if self.failure is not None:
            refusal = Refusal(RefusalKind.NO_MODEL, self.failure.message, self.failure.remedy)
        if not job.future.done():
            job.future.set_result(refusal)

    @property
    def _retry_seconds(self) -> int:
        """After how long about half of those who wait will have had their turn."""
        return max(1, min(LONGEST_RETRY_SECONDS, math.ceil(self._seconds_per_request * self.queued / 2)))

    def _busy(self) -> Refusal:
        return Refusal(
            RefusalKind.BUSY,
            f"{self.queued} requests are waiting for the model already.",
            f"Ask again in {self._retry_seconds} s.",
            self._retry_seconds,
        )


def snapshot_name(snapshot: Snapshot | None) -> str:
    """A snapshot in messages."""
    return snapshot.snapshot_id if snapshot is not None else "none (the base alone)"


def _stopping() -> Refusal:
    return Refusal(RefusalKind.NO_MODEL, "The model server is ending.", "Ask again: the next request starts it anew.")
