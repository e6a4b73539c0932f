"""A model behind any OpenAI-compatible endpoint: vLLM, llama-server, Ollama, a service."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import CompletionAnswer, CompletionRequest, ModelUnavailable
from sleepy_agent.serving.clients.openai_json import completion_answer, cut_at_stops, detail_of, endpoint_body

if TYPE_CHECKING:
    from sleepy_agent.serving.clients.http_calls import HttpAnswer, NoHttpAnswer

DEFAULT_SECONDS: Final = 120.0
"""Patience with a request that has no deadline of its own."""
REMEMBER_NAMES_SECONDS: Final = 60.0
LIST_SECONDS: Final = 5.0
AT_A_TIME: Final = 4


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server. `base_url` as in the settings; `key_variable`: where its key stands, or empty.

    `has_adapters`: whether it may serve our adapters as models `sleepy/<family>`, as vLLM does.
    """

    base_url: str
    model_name: str
    key_variable: str = ""
    has_adapters: bool = False

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or ""

    def url(self, path: str) -> str:
        """Where `path` is: below the base URL, and below /v1 where that has no path of its own."""
        base = self.base_url.rstrip("/")
        return f"{base}{'' if urlsplit(base).path else '/v1'}{path}"


class EndpointModel:
    """Any OpenAI-compatible endpoint (vLLM, llama-server, Ollama, a service). May be asked by several threads.

    Grammars and expected text are not sent: there is no common name for them. What comes is parsed strictly anyway.
    """

    def __init__(self, endpoint: Endpoint, environment: Mapping[str, str]) -> None:
        self._endpoint = endpoint
        self._key = environment.get(endpoint.key_variable, "").strip() if endpoint.key_variable else ""
        self._names: tuple[frozenset[str], float] | None = None

    @property
    def model_id(self) -> str:
        return f"{self._endpoint.model_name}@{self._endpoint.host}"

    def complete(self, request: CompletionRequest, cancel: CancelToken) -> CompletionAnswer | ModelUnavailable:
        """Answer, or say why not. Raises Interrupted."""
        refusal = self._refusal()
        if refusal is not None:
            return refusal
        began = time.monotonic()
        deadline = began + (request.deadline_seconds or DEFAULT_SECONDS)
        model = self._model_for(request.adapter, deadline, cancel)
        wanted = request.n if request.temperature > 0 else 1
        first = self._ask(replace(request, n=wanted), model, began, deadline, cancel)
        if isinstance(first, ModelUnavailable):
            return first
        return self._with_more(first, request, wanted, model, deadline, cancel)

    def _refusal(self) -> ModelUnavailable | None:
        variable = self._endpoint.key_variable
        if variable and not self._key:
            return ModelUnavailable(
                f"The environment variable {variable}, which holds the key for {self._endpoint.host}, is not set.",
                f"Set {variable}, or remove its name from the settings.",
                is_lasting=True,
            )
        is_here = self._endpoint.host in ("localhost", "127.0.0.1", "::1")
        if self._key and not is_here and not self._endpoint.base_url.startswith("https:"):
            return ModelUnavailable(
                f"The key for {self._endpoint.host} would be sent without encryption.",
                "Use an https:// address.",
                is_lasting=True,
            )
        return None

    def _ask(
        self, request: CompletionRequest, model: str, began: float, deadline: float, cancel: CancelToken
    ) -> CompletionAnswer | ModelUnavailable:
        path, body = endpoint_body(request, model)
        answer = self._call("POST", path, body, deadline, cancel)
        if isinstance(answer, ModelUnavailable):
            return answer
        found = completion_answer(answer.body, self.model_id, began)
        if found is None:
            return ModelUnavailable(
                f"{self._endpoint.host} did not answer as an OpenAI-compatible server does.",
                f"Check its address; {self._endpoint.url(path)} was asked.",
                is_lasting=True,
            )
        return replace(found, completions=tuple(cut_at_stops(one, request.stop) for one in found.completions))

    def _with_more(
        self,
        first: CompletionAnswer,
        request: CompletionRequest,
        wanted: int,
        model: str,
        deadline: float,
        cancel: CancelToken,
    ) -> CompletionAnswer:
        """Some servers (Ollama) answer once however many were asked for; the rest is asked one by one."""
        missing = range(len(first.completions), wanted)
        if not missing:
            return first

        def ask(number: int) -> CompletionAnswer | ModelUnavailable:
            seed = None if request.seed is None else request.seed + number
            return self._ask(replace(request, n=1, seed=seed), model, time.monotonic(), deadline, cancel)

        with ThreadPoolExecutor(min(AT_A_TIME, len(missing))) as pool:
            more = [one for one in pool.map(ask, missing) if isinstance(one, CompletionAnswer)]
        completions = (*first.completions, *(completion for one in more for completion in one.completions))
        milliseconds = first.milliseconds + max((one.milliseconds for one in more), default=0.0)
        return replace(first, completions=completions[:wanted], milliseconds=milliseconds)

    def _model_for(self, adapter: str | None, deadline: float, cancel: CancelToken) -> str:
        """The name of the adapter where the server lists it, else of the base."""
        if adapter is None or not self._endpoint.has_adapters:
            return self._endpoint.model_name
        names = self._names
        if names is None or time.monotonic() > names[1]:
            listed = self._call("GET", "/models", None, min(deadline, time.monotonic() + LIST_SECONDS), cancel)
            body = None if isinstance(listed, ModelUnavailable) else listed.body
            data = body.get("data") if isinstance(body, dict) else None
            listed_models = data if isinstance(data, list) else []
            found = frozenset(str(one.get("id")) for one in listed_models if isinstance(one, dict))
            self._names = names = (found, time.monotonic() + REMEMBER_NAMES_SECONDS)
        name = f"sleepy/{adapter}"
        return name if name in names[0] else self._endpoint.model_name

    def _call(
        self, method: str, path: str, body: object, deadline: float, cancel: CancelToken
    ) -> HttpAnswer | ModelUnavailable:
        from sleepy_agent.serving.clients.http_calls import HttpAnswer, call

        answer = call(
            method,
            self._endpoint.url(path),
            seconds=max(0.001, deadline - time.monotonic()),
            cancel=cancel,
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            body=body,
        )
        if not isinstance(answer, HttpAnswer):
            return self._no_answer(answer)
        return answer if answer.status == 200 else self._bad_status(answer)

    def _no_answer(self, failed: NoHttpAnswer) -> ModelUnavailable:
        from sleepy_agent.serving.clients.http_calls import CallFailure

        host = self._endpoint.host
        if failed.failure is CallFailure.TOO_LATE:
            return ModelUnavailable(
                f"{host} did not answer in time.", "Set model_seconds higher, or use a quicker one."
            )
        if failed.failure is CallFailure.UNREACHABLE:
            return ModelUnavailable(
                f"{host} cannot be reached ({failed.detail}).",
                f"Start the server there, or correct its address {self._endpoint.base_url}.",
            )
        return ModelUnavailable(f"{host} broke the answer off ({failed.detail}).", "Look into the log of that server.")

    def _bad_status(self, answer: HttpAnswer) -> ModelUnavailable:
        host, variable = self._endpoint.host, self._endpoint.key_variable
        detail = detail_of(answer.body)
        if self._key:
            # Some services repeat the key they were sent.
            detail = detail.replace(self._key, "***")
        said = f": {detail}" if detail else ""
        if answer.status in (401, 403):
            remedy = f"Check the key in {variable}." if variable else "Name the variable with its key in the settings."
            return ModelUnavailable(f"{host} does not let us in{said}.", remedy, is_lasting=True)
        if answer.status == 404:
            remedy = f"Check the name {self._endpoint.model_name!r} and the address {self._endpoint.base_url}."
            return ModelUnavailable(f"{host} does not know the model{said}.", remedy, is_lasting=True)
        if answer.status == 429:
            seconds = answer.headers.get("retry-after", "")
            return ModelUnavailable(f"{host} is busy{said}.", f"Ask again in {seconds or 'some'} seconds.")
        return ModelUnavailable(
            f"{host} answered with status {answer.status}{said}.", "Look into the log of that server."
        )
