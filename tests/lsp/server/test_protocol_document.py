"""docs/protocol.md says what the code does: every name in both, and every example is understood."""

from __future__ import annotations

import re

import pytest
from pygls.exceptions import JsonRpcException

from lsp.offers import FILE, bundle_of, fixes_found, known_problem, live_offer, replacing
from lsp.protocol_page import PAGE, SECTIONS, examples, first_column, keys_of
from sleepy_agent.config import find_places
from sleepy_agent.live.messages import Trigger
from sleepy_lsp.actions.code_actions import bundle_data, offer_data
from sleepy_lsp.actions.hints import hint_diagnostics
from sleepy_lsp.actions.views import offers_as_json
from sleepy_lsp.names import ACTION_KINDS, COMMANDS
from sleepy_lsp.options import KNOWN_OPTIONS, ReadOptions, ServerOptions, read_options
from sleepy_lsp.server.commands import COMMAND_HANDLERS
from sleepy_lsp.server.editor_session import EditorSession, real_tools
from sleepy_lsp.server.features import DIAGNOSTICS, EXPLAIN, OFFERS, OWN_METHODS, TRUST, error_lines, explained
from sleepy_lsp.server.language_server import make_server
from sleepy_lsp.server.notifier import READY, STATUS
from sleepy_lsp.workspaces.board import Board, found, valid_offers
from sleepy_lsp.workspaces.status import State
from sleepy_lsp.workspaces.worker_client import WORKER_COMMAND_VARIABLE

TEXT = b"fn main() {\n    let total = 0;\n    total += 1;\n}\n"


@pytest.fixture
def board() -> Board:
    known = known_problem(FILE, TEXT, "total += 1")
    offer = live_offer(known, {FILE: TEXT}, replacing(FILE, TEXT, "total", "mut total"), flags=("clone",))
    return found(Board(), fixes_found(0, offer, bundles=(bundle_of([offer, offer], {FILE: TEXT}),)))


def test_every_heading_is_a_method_and_every_method_has_one() -> None:
    headings = {title for title in SECTIONS if title.startswith("sleepy/")}
    assert headings == {*OWN_METHODS, READY, STATUS}


def test_what_is_registered_is_what_is_described() -> None:
    server = make_server(find_places())
    registered = {*server.protocol.fm.features, *server.protocol.fm.builtin_features}
    assert {method for method in registered if method.startswith("sleepy/")} == set(OWN_METHODS)
    described = SECTIONS["What it answers"]
    own = {method for method in server.protocol.fm.features if not method.startswith("sleepy/")} - {"initialized"}
    missing = {method for method in own if method not in described and f"`{method.split('/')[-1]}`" not in described}
    assert missing == set()
    assert all(f"`{kind}`" in described for kind in ACTION_KINDS)


def test_the_commands() -> None:
    server = make_server(find_places())
    assert first_column("Commands") == list(server.protocol.fm.commands) == list(COMMANDS) == list(COMMAND_HANDLERS)


def test_the_options() -> None:
    assert first_column("Initialization options") == list(KNOWN_OPTIONS)
    (example,) = examples("Initialization options")
    assert list(example) == list(KNOWN_OPTIONS)
    # The example shows the defaults.
    assert read_options(example, find_places()) == ReadOptions(ServerOptions())


def test_the_states() -> None:
    assert first_column(STATUS) == [state.value for state in State]
    (example,) = examples(STATUS)
    assert State(example["state"])


def test_the_examples_of_what_we_hear() -> None:
    (diagnostics,) = examples(DIAGNOSTICS)
    assert error_lines(diagnostics["diagnostics"]) == {4}
    assert examples(TRUST) == [{"trusted": True}]


def test_the_examples_of_what_we_are_asked() -> None:
    session = EditorSession(ServerOptions(), find_places(), "utf-8", real_tools(ServerOptions()))
    *asked, answer = examples(EXPLAIN)
    for parameters in asked:
        assert explained(session, parameters) is None
    with pytest.raises(JsonRpcException):
        explained(session, {"position": {"line": 0}})
    assert list(answer) == ["kind", "value"]


def test_the_answer_of_offers(board: Board) -> None:
    (held,) = valid_offers(board, FILE, lambda _: next(iter(board.offers[FILE].values())).offers[0].texts[FILE])
    _, answer = examples(OFFERS)
    assert keys_of([{**answer[0]["offers"][0], "flags": []}]) == keys_of([offers_as_json(held)[0] | {"flags": []}])


def test_the_data_of_actions(board: Board) -> None:
    (held,) = board.offers[FILE].values()
    (bundle,) = board.bundles.values()
    (example,) = examples("The data of our code actions")
    data = offer_data(held, held.offers[0])
    assert list(data) == list(example) == first_column("The data of our code actions")
    of_bundle = bundle_data(bundle, held.offers)
    assert set(of_bundle) == {*data, "bundleId", "offerIds"} - {"problemId", "offerId"}
    assert all(f"`{trigger.value}`" in SECTIONS["The data of our code actions"] for trigger in Trigger)


def test_the_data_of_hints(board: Board) -> None:
    from sleepy_lsp.texts.convert import PlacedText
    from sleepy_lsp.texts.line_index import line_index

    (held,) = board.offers[FILE].values()
    text = PlacedText("file:///x", 1, line_index(TEXT), held.offers[0].texts[FILE])
    (hint,) = hint_diagnostics(board, FILE, lambda _: text, "utf-8")
    assert isinstance(hint.data, dict)
    assert list(hint.data["sleepy"]) == ["problemId", "offerId"]
    assert "`data.sleepy` with `problemId` and `offerId`" in PAGE


def test_the_errors() -> None:
    codes = re.findall(r"^\| (\w+) \((-\d+)\)", SECTIONS["Errors"], re.MULTILINE)
    from lsprotocol import types as lsp

    for name, code in codes:
        known = getattr(lsp.ErrorCodes, name, None) or getattr(lsp.LSPErrorCodes, name)
        assert known.value == int(code)


def test_the_internal_variable_is_named() -> None:
    assert WORKER_COMMAND_VARIABLE in SECTIONS["Internal"]
