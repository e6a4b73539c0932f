"""What a client may choose, and what becomes of what means nothing."""

from __future__ import annotations

import pytest

from sleepy_agent.config import Settings, find_places
from sleepy_lsp.options import Scope, ServerOptions, read_options


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, ServerOptions()),
        ({}, ServerOptions()),
        ({"trusted": False}, ServerOptions(trusted=False)),
        ({"scope": "workspace"}, ServerOptions(scope=Scope.WORKSPACE)),
        ({"hints": False}, ServerOptions(hints=False)),
        ({"hints": None, "scope": None, "settings": None, "trusted": None}, ServerOptions()),
        ({"settings": {"debounce_milliseconds": 7}}, ServerOptions(settings=Settings(debounce_milliseconds=7))),
        ({"settings": {"search_seconds": 3}}, ServerOptions(settings=Settings(search_seconds=3.0))),
        ({"settings": {"hints": False}}, ServerOptions(hints=False, settings=Settings(hints=False))),
        ({"hints": True, "settings": {"hints": False}}, ServerOptions(settings=Settings(hints=False))),
        ({"checkOnSave": True}, ServerOptions()),
    ],
)
def test_what_is_understood(raw: object, expected: ServerOptions) -> None:
    read = read_options(raw, find_places())
    assert read.options == expected
    assert read.complaints == ()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ([], "no object"),
        ("trusted", "no object"),
        ({"trusted": "yes"}, "`trusted` is 'yes'"),
        ({"hints": 1}, "`hints` is 1"),
        ({"scope": "all"}, '"open" or "workspace"'),
        ({"scope": ["open"]}, "`scope`"),
        ({"settings": 5}, "`settings`"),
        ({"settings": {"niceness": 99}}, "niceness is 99"),
        ({"settings": {"nicenes": 1}}, "unknown setting 'nicenes'"),
        ({"settings": {"hints": "x"}}, "hints is 'x'"),
    ],
)
def test_what_means_nothing_is_left_out_and_told(raw: object, words: str) -> None:
    read = read_options(raw, find_places())
    assert read.options == ServerOptions()
    assert len(read.complaints) == 1
    assert words in read.complaints[0]


def test_one_bad_value_does_not_take_the_good_ones_with_it() -> None:
    raw = {"hints": "x", "scope": "workspace", "settings": {"nonsense": 1, "rest_milliseconds": 9}}
    read = read_options(raw, find_places())
    assert read.options == ServerOptions(scope=Scope.WORKSPACE, settings=Settings(rest_milliseconds=9))
    assert len(read.complaints) == 2


def test_the_user_s_settings_count_and_the_client_s_come_before_them() -> None:
    places = find_places()
    places.config.mkdir(parents=True)
    places.settings_file.write_text("hints = false\nniceness = 3\nslots = 2\n", encoding="utf-8")
    assert read_options(None, places).options.hints is False
    read = read_options({"hints": True, "settings": {"slots": 1}}, places).options
    assert (read.hints, read.settings.niceness, read.settings.slots) == (True, 3, 1)


def test_a_broken_settings_file_is_told_and_the_defaults_hold() -> None:
    places = find_places()
    places.config.mkdir(parents=True)
    places.settings_file.write_text("niceness = [", encoding="utf-8")
    read = read_options({"trusted": False}, places)
    assert read.options == ServerOptions(trusted=False)
    assert "cannot be read" in read.complaints[0]
