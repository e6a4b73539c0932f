"""The local model as its clients see it: asked over HTTP, its server started where none runs.

Whatever happens is answered with a value; only cancellation raises.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Final

from sleepy_agent.config import Places, Settings
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import CompletionAnswer, CompletionRequest, ModelUnavailable
from sleepy_agent.serving.clients.endpoint import DEFAULT_SECONDS
from sleepy_agent.serving.clients.lifecycle import SERVE_COMMAND, Connection, OnProgress, ensure_server
from sleepy_agent.serving.clients.openai_json import completion_answer, served_body
from sleepy_agent.serving.serve_folder import read_address, serve_folder_of

if TYPE_CHECKING:
    from sleepy_agent.serving.clients.http_calls import HttpAnswer, NoHttpAnswer

GRACE_SECONDS: Final = 1.0
"""At the deadline the server stops and sends what it has; that much later nothing comes any more."""
REMEMBER_FAILURE_SECONDS: Final = 30.0
"""A server that could not be started is not tried again for every problem of a run."""


class ServedModel:
    """The local model in this user's own server. May be asked by several threads."""

    def __init__(
        self,
        places: Places,
        settings: Settings,
        model_id: str,
        *,
        on_progress: OnProgress | None = None,
        command: tuple[str, ...] = SERVE_COMMAND,
    ) -> None:
        self._places = places
        self._settings = settings
        self._model_id = model_id
        self._on_progress = on_progress
        self._command = command
        self._client_name = uuid.uuid4().hex
        self._connection: Connection | None = None
        self._failure: tuple[ModelUnavailable, float] | None = None

    @property
    def model_id(self) -> str:
        """Of the model that the server has loaded, which the user may have exchanged since this was made."""
        connection = self._connection
        return (connection.model_id if connection is not None else None) or self._model_id

    def complete(self, request: CompletionRequest, cancel: CancelToken) -> CompletionAnswer | ModelUnavailable:
        """Answer, or say why not; starts the server where none runs. Raises Interrupted."""
        began = time.monotonic()
        deadline = began + (request.deadline_seconds or DEFAULT_SECONDS)
        answer = self._asked(request, deadline, cancel)
        if isinstance(answer, ModelUnavailable):
            return answer
        if answer.status != 200:
            return self._unavailable(answer)
        found = completion_answer(answer.body, self.model_id, began)
        return found or ModelUnavailable(
            "The model server gave an answer that is none.", "`sleepy serve --stop` ends it; a new one is started then."
        )

    def _asked(self, request: CompletionRequest, deadline: float, cancel: CancelToken) -> HttpAnswer | ModelUnavailable:
        from sleepy_agent.serving.clients.http_calls import CallFailure, HttpAnswer, call

        path, body = served_body(request)
        for is_last in (False, True):
            connection = self._connected(deadline, cancel)
            if isinstance(connection, ModelUnavailable):
                return connection
            left = max(0.001, deadline - time.monotonic())
            body["extra"]["deadline_seconds"] = left
            answer = call(
                "POST",
                connection.address.base_url + path,
                seconds=left + GRACE_SECONDS,
                cancel=cancel,
                headers={"Authorization": f"Bearer {connection.token}", "X-Sleepy-Client": self._client_name},
                body=body,
            )
            is_gone = not isinstance(answer, HttpAnswer) and answer.failure is CallFailure.UNREACHABLE
            if is_last or not (is_gone or (isinstance(answer, HttpAnswer) and answer.status == 401)):
                break
            # It ended just now because nobody had asked for long, or another one took its place.
            self._connection = None
        return answer if isinstance(answer, HttpAnswer) else self._broken_off(answer)

    def _connected(self, deadline: float, cancel: CancelToken) -> Connection | ModelUnavailable:
        connection = self._connection
        if connection is not None and read_address(serve_folder_of(self._places)) == connection.address:
            return connection
        if self._failure is not None and time.monotonic() < self._failure[1]:
            return self._failure[0]
        found = ensure_server(
            self._places,
            self._settings,
            cancel,
            on_progress=self._on_progress,
            command=self._command,
            seconds=max(0.001, deadline - time.monotonic()),
        )
        if isinstance(found, ModelUnavailable):
            lasts = time.monotonic() + REMEMBER_FAILURE_SECONDS
            self._failure = (found, lasts) if found.is_lasting else None
            self._connection = None
        else:
            self._connection, self._failure = found, None
        return found

    def _broken_off(self, failed: NoHttpAnswer) -> ModelUnavailable:
        from sleepy_agent.serving.clients.http_calls import CallFailure

        if failed.failure is CallFailure.TOO_LATE:
            return ModelUnavailable("The local model did not answer in time.", "Set model_seconds higher.")
        # A process that is being ended keeps its address and its port for a moment; the next request proves it anew.
        self._connection = None
        return ModelUnavailable(
            f"The model server ended while it was asked ({failed.detail}).",
            f"{serve_folder_of(self._places).log_file} says why; the next request starts a new one.",
        )

    def _unavailable(self, answer: HttpAnswer) -> ModelUnavailable:
        error = answer.body.get("error") if isinstance(answer.body, dict) else None
        extra = error.get("extra") if isinstance(error, dict) else None
        if not isinstance(extra, dict):
            return ModelUnavailable(f"The model server answered with status {answer.status}.", "Look into its log.")
        return ModelUnavailable(str(extra.get("message")), str(extra.get("remedy")))
