"""What `workspace/executeCommand` understands. docs/protocol.md describes each command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams

from sleepy_agent.errors import SleepyError
from sleepy_lsp.actions.views import explained
from sleepy_lsp.server.language_server import SleepyServer
from sleepy_lsp.texts.convert import uri_of_path

PAUSED_BY_USER = "paused by you; `sleepy.resume` goes on"


def applied(server: SleepyServer, *offer_ids: object) -> None:
    """`sleepy.applied`: the client made the edit of these offers, so that no board knows them any more; desks do."""
    asked = names(offer_ids)
    for driver in server.session.drivers:
        driver.desk.applied_ids(*asked)


def dismiss(server: SleepyServer, *offer_ids: object) -> None:
    """`sleepy.dismiss`: not this fix."""
    for one in server.session.offers_by_id(names(offer_ids)):
        one.driver.desk.dismissed(one.offer)
        one.driver.dismiss(one.offer)


def pause(server: SleepyServer, *_: object) -> None:
    """`sleepy.pause`: do nothing until `sleepy.resume`."""
    server.session.pause(PAUSED_BY_USER)


def resume(server: SleepyServer, *_: object) -> None:
    """`sleepy.resume`: go on."""
    server.session.resume()


async def mute_family(server: SleepyServer, *families: object) -> None:
    """`sleepy.muteFamily`: nothing more of these families, in every project."""
    from sleepy_agent.live.permission import mutes

    for family in names(families):
        await change_mutes(server, partial(mutes.mute_family, server.places, family))


async def mute_file(server: SleepyServer, *uris: object) -> None:
    """`sleepy.muteFile`: nothing more for these files."""
    from sleepy_agent.live.permission import mutes

    for path in paths(server, names(uris)):
        for driver in server.session.drivers:
            if driver.covers(path):
                await change_mutes(server, partial(mutes.mute_file, server.places, driver.root, path))


async def unmute(server: SleepyServer, *what: object) -> None:
    """`sleepy.unmute`: a family or a file again; without an argument all families, and the files of what is open."""
    from sleepy_agent.live.permission import mutes

    asked = names(what) if what else []
    for one in asked:
        subject: str | Path = paths(server, [one])[0] if "://" in one else one
        await change_mutes(server, partial(mutes.unmute, server.places, what=subject))
    if not asked:
        for driver in server.session.drivers:
            await change_mutes(server, partial(mutes.unmute, server.places, driver.root))


async def explain(server: SleepyServer, *problem_ids: object) -> dict[str, str] | None:
    """`sleepy.explain`: what is known of a problem, as Markdown; shown where the client does not show answers."""
    asked = names(problem_ids)
    text = explained(server.session, asked[0])
    if text is None:
        return None
    if not knows_sleepy(server.capabilities):
        server.in_background(show_text(server, text))
    return {"kind": lsp.MarkupKind.Markdown.value, "value": text}


async def show_text(server: SleepyServer, text: str) -> None:
    """Show some Markdown: as a document where the client can, else in a window."""
    window = server.capabilities.window
    if window is not None and window.show_document is not None and window.show_document.support:
        file = server.places.cache / "explanation.md"
        await asyncio.get_running_loop().run_in_executor(None, write_text, file, text)
        await server.request(lsp.WINDOW_SHOW_DOCUMENT, lsp.ShowDocumentParams(uri_of_path(file), take_focus=True))
    else:
        server.notify(lsp.WINDOW_SHOW_MESSAGE, lsp.ShowMessageParams(lsp.MessageType.Info, text))


def write_text(file: Path, text: str) -> None:
    """Put a text where a client can open it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


async def change_mutes(server: SleepyServer, change: Callable[[], object]) -> None:
    """Change what is muted, off the event loop: another editor may hold the lock."""
    try:
        await asyncio.get_running_loop().run_in_executor(None, change)
    except SleepyError as error:
        raise JsonRpcInvalidParams(f"{error.message} {error.remedy}") from error
    server.session.mutes_changed()


def names(arguments: tuple[object, ...]) -> list[str]:
    """The arguments of a command, which are strings, at least one. Raises JsonRpcInvalidParams."""
    # Some clients put the list into a list.
    listed = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list | tuple) else arguments
    if not listed or not all(isinstance(one, str) for one in listed):
        raise JsonRpcInvalidParams("The arguments of this command are strings, at least one.")
    return [str(one) for one in listed]


def paths(server: SleepyServer, uris: list[str]) -> list[Path]:
    """The files of some URIs. Raises JsonRpcInvalidParams."""
    found = [server.session.real_path_of(uri) for uri in uris]
    listed = [path for path in found if path is not None]
    if len(listed) < len(found):
        raise JsonRpcInvalidParams("The arguments of this command are URIs of files.")
    return listed


def knows_sleepy(capabilities: lsp.ClientCapabilities) -> bool:
    """Whether the client declared `capabilities.experimental.sleepy`."""
    experimental: Any = capabilities.experimental
    declared = experimental.get("sleepy") if isinstance(experimental, dict) else getattr(experimental, "sleepy", None)
    return declared is True


COMMAND_HANDLERS: dict[str, Callable[..., Any]] = {
    "sleepy.applied": applied,
    "sleepy.dismiss": dismiss,
    "sleepy.pause": pause,
    "sleepy.resume": resume,
    "sleepy.muteFamily": mute_family,
    "sleepy.muteFile": mute_file,
    "sleepy.unmute": unmute,
    "sleepy.explain": explain,
}


def register_commands(server: SleepyServer) -> None:
    """Announce and answer every command."""
    for name, handler in COMMAND_HANDLERS.items():
        server.command(name)(bound(handler, server))


def bound(handler: Callable[..., Any], server: SleepyServer) -> Callable[..., Any]:
    """A handler as pygls calls it, with whatever arguments the client sent.

    Not `functools.partial`: pygls asks whether a handler is a coroutine function, and looks at its signature. It gives
    its server to a handler whose first parameter could be one, as an `object` could.
    """
    if asyncio.iscoroutinefunction(handler):

        async def answer_later(*arguments: Any) -> object:
            result: object = await handler(server, *arguments)
            return result

        return answer_later

    def answer(*arguments: Any) -> object:
        result: object = handler(server, *arguments)
        return result

    return answer
