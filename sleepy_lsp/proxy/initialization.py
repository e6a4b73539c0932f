"""The handshake of three: what the client is told the server can do, and what Sleepy's server is told of both.

The wrapped server gets the client's own request. Only its answer is extended, by what Sleepy adds. Pure.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sleepy_lsp.names import ACTION_KINDS, COMMANDS

DEFAULT_ENCODING = "utf-16"
"""What holds where a server does not say (LSP 3.17, `ServerCapabilities.positionEncoding`)."""


def position_encoding(result: Any) -> str:
    """The position encoding that the server chose in its answer to `initialize`."""
    encoding = member(result, "capabilities", "positionEncoding")
    return encoding if isinstance(encoding, str) else DEFAULT_ENCODING


def extended_result(result: dict[str, Any], client: Mapping[str, Any]) -> dict[str, Any]:
    """The server's answer to `initialize` with Sleepy's commands and kinds of code actions; all else as it was.

    `client` is the `params` of the client's request.
    """
    extended = copy.deepcopy(result)
    capabilities = extended.setdefault("capabilities", {})
    if not isinstance(capabilities, dict):
        return result
    capabilities["codeActionProvider"] = _code_action_provider(capabilities.get("codeActionProvider"), client)
    commands = capabilities.get("executeCommandProvider")
    provider = commands if isinstance(commands, dict) else {}
    capabilities["executeCommandProvider"] = provider | {"commands": _with(provider.get("commands"), COMMANDS)}
    return extended


def _code_action_provider(theirs: Any, client: Mapping[str, Any]) -> dict[str, Any]:
    provider = dict(theirs) if isinstance(theirs, dict) else {}
    if not theirs:
        provider["codeActionKinds"] = list(ACTION_KINDS)
    elif "codeActionKinds" in provider:
        # A server that names no kinds may send any; a list of ours alone would tell the client otherwise.
        provider["codeActionKinds"] = _with(provider["codeActionKinds"], ACTION_KINDS)
    if not provider.get("resolveProvider") and resolves_code_actions(client):
        provider["resolveProvider"] = True
    return provider


def resolves_code_actions(client: Mapping[str, Any]) -> bool:
    """Whether the client asks for the edit of an action later (LSP 3.16, `codeAction.resolveSupport`)."""
    code_action = member(client, "capabilities", "textDocument", "codeAction")
    return bool(member(code_action, "dataSupport") and member(code_action, "resolveSupport", "properties"))


def sleepy_parameters(client: Mapping[str, Any], encoding: str) -> dict[str, Any]:
    """The `params` of `initialize` for Sleepy's server.

    What the wrapped server chose, the position encoding, is all that is left to choose; nothing is reported on the
    client's token twice; and the settings are those under `sleepy`, because the others belong to the wrapped server.
    Hints are off unless asked for: pushed diagnostics of two servers would replace each other in the client.
    """
    parameters = copy.deepcopy(dict(client))
    capabilities = parameters.get("capabilities")
    if not isinstance(capabilities, dict):
        capabilities = parameters["capabilities"] = {}
    general = capabilities.get("general")
    capabilities["general"] = (general if isinstance(general, dict) else {}) | {"positionEncodings": [encoding]}
    text_document = capabilities.get("textDocument")
    if isinstance(text_document, dict):
        text_document.pop("diagnostic", None)
    parameters.pop("workDoneToken", None)
    options = member(client, "initializationOptions", "sleepy")
    parameters["initializationOptions"] = {"hints": False} | (options if isinstance(options, dict) else {})
    return parameters


def _with(theirs: Any, ours: tuple[str, ...]) -> list[Any]:
    listed = list(theirs) if isinstance(theirs, list) else []
    return [*listed, *(one for one in ours if one not in listed)]


def member(value: Any, *names: str) -> Any:
    """`value[name][name]...`, None as soon as there is no such member."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
