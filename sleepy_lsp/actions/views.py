"""What is shown of a file besides its code actions: the news of it, its hints, the list of its offers, explanations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp

from sleepy_agent.live.messages import LiveOffer
from sleepy_lsp.actions.code_actions import hashes, offer_data
from sleepy_lsp.actions.explain import explanation_at, explanation_of
from sleepy_lsp.actions.hints import hint_diagnostics
from sleepy_lsp.actions.words import offer_titles
from sleepy_lsp.server.editor_session import EMPTY_BOARD, EditorSession
from sleepy_lsp.server.notifier import FileNews
from sleepy_lsp.texts.convert import lsp_range
from sleepy_lsp.workspaces.board import HeldOffers, may_be_applied_unasked, valid_offers


def news_of(session: EditorSession, path: Path) -> FileNews:
    """What `sleepy/ready` says of a file now."""
    driver, board = session.board_of(path)
    held = valid_offers(board, path, hashes(session.texts()))
    problems = driver.problem_ids_of(path) if driver is not None and board is not EMPTY_BOARD else ()
    offers = [(one.problem_id, offer.offer_id, offer.is_provisional) for one in held for offer in one.offers]
    document = session.document_at(path)
    # The same offers for another text stand at other places.
    text = document.version if document and offers else None
    return FileNews(
        uri=session.uri_of(path),
        version=document.version if document else None,
        is_open=document is not None,
        problems=len(problems),
        offers=len(offers),
        mark=(driver is None, tuple(sorted(problems)), tuple(offers), text),
    )


def hints_of(session: EditorSession, path: Path) -> Sequence[lsp.Diagnostic]:
    """One hint for each problem with a fix."""
    _, board = session.board_of(path)
    return hint_diagnostics(board, path, session.texts(), session.documents.encoding)


def listed_offers(session: EditorSession, uri: str | None) -> tuple[list[dict[str, Any]], list[LiveOffer]]:
    """The answer to `sleepy/offers`, for one file or for all, and the offers that stand in it."""
    paths = session.files_with_offers() if uri is None else [session.real_path_of(uri)]
    text_of = session.texts()
    listed: list[dict[str, Any]] = []
    shown: list[LiveOffer] = []
    for path in paths:
        text = text_of(path) if path is not None else None
        if path is None or text is None:
            continue
        _, board = session.board_of(path)
        for held in valid_offers(board, path, hashes(text_of)):
            place = lsp_range(text.index, *held.places[0], session.documents.encoding)
            listed.append(
                {
                    "uri": text.uri,
                    "range": range_as_json(place),
                    "problemId": held.problem_id,
                    "code": held.problem.code,
                    "message": held.problem.message,
                    "family": held.problem.family,
                    "offers": offers_as_json(held),
                }
            )
            shown += held.offers
    return listed, shown


def offers_as_json(held: HeldOffers) -> list[dict[str, Any]]:
    """The offers of a problem, the best one first."""
    titles = offer_titles(held.offers)
    return [
        {key: value for key, value in offer_data(held, offer).items() if key not in {"problemId", "generation"}}
        | {
            "title": titles[offer.offer_id],
            "preferred": position == 0 and may_be_applied_unasked(offer),
            "diff": offer.diff,
        }
        for position, offer in enumerate(held.offers)
    ]


def range_as_json(place: lsp.Range) -> dict[str, dict[str, int]]:
    """A range as the protocol writes it."""
    return {
        name: {"line": position.line, "character": position.character}
        for name, position in (("start", place.start), ("end", place.end))
    }


def explained_at(session: EditorSession, uri: str, line: int, character: int) -> str | None:
    """Markdown about the problem at a position, None where there is none."""
    path = session.real_path_of(uri)
    text_of = session.texts()
    text = text_of(path) if path else None
    if path is None or text is None:
        return None
    driver, board = session.board_of(path)
    offset = text.index.offset(line, character, session.documents.encoding)
    return None if driver is None else explanation_at(board, path, offset, hashes(text_of), driver.root)


def explained(session: EditorSession, problem_id: str) -> str | None:
    """Markdown about a problem, None where nobody knows it."""
    hash_of = hashes(session.texts())
    texts = (explanation_of(driver.board, problem_id, hash_of, driver.root) for driver in session.drivers)
    return next((text for text in texts if text is not None), None)
