"""Settings and places: what may stand in config.toml, and what a mistake in it is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from sleepy_agent.config import Places, Settings, find_places, load_settings, settings_from
from sleepy_agent.errors import BadUsage


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = find_places({"SLEEPY_HOME": str(tmp_path)})
    found.config.mkdir(parents=True)
    return found


def test_one_variable_moves_everything(tmp_path: Path) -> None:
    home = tmp_path / "elsewhere"
    found = find_places({"SLEEPY_HOME": str(home)})
    for path in (found.cache, found.state, found.config, found.store_file, found.settings_file):
        assert path.is_relative_to(home)
    assert len({found.cache, found.state, found.config}) == 3
    assert not home.exists()


def test_places_are_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_places({"SLEEPY_HOME": "here"}).cache == tmp_path / "here" / "cache"
    assert find_places({"SLEEPY_HOME": "~/there"}).cache == Path.home() / "there" / "cache"


@pytest.mark.parametrize("environment", [{}, {"SLEEPY_HOME": ""}])
def test_without_it_the_platform_decides(environment: dict[str, str]) -> None:
    found = find_places(environment)
    assert len({found.cache, found.state, found.config}) >= 1
    assert all(path.is_absolute() and "sleepy" in str(path) for path in (found.cache, found.state, found.config))


def test_no_file_means_the_defaults(places: Places) -> None:
    assert load_settings(places) == Settings()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Settings()),
        ("# nothing\n", Settings()),
        ("slots = 3", Settings(slots=3)),
        ("niceness = 0\nwarm_above_lines = 10", Settings(niceness=0, warm_above_lines=10)),
        ('features = ["a", "b/c"]', Settings(features=("a", "b/c"))),
        ("features = []", Settings()),
        ("all_features = true\nno_default_features = true", Settings(all_features=True, no_default_features=True)),
        ("compile_timeout_seconds = 7", Settings(compile_timeout_seconds=7.0)),
        ("compile_timeout_seconds = 7.5", Settings(compile_timeout_seconds=7.5)),
        (
            "debounce_milliseconds = 0\nrest_milliseconds = 60000\nrust_analyzer_grace_milliseconds = 1",
            Settings(debounce_milliseconds=0, rest_milliseconds=60000, rust_analyzer_grace_milliseconds=1),
        ),
        ("settle_seconds = 0\nsearch_seconds = 3", Settings(settle_seconds=0.0, search_seconds=3.0)),
        ('hints = false\non_battery = "pause"', Settings(hints=False, on_battery="pause")),
        ('untrusted_folders = ["/srv/a", "~/b"]', Settings(untrusted_folders=("/srv/a", "~/b"))),
        ('model = "qwen"\nmodel_seconds = 3', Settings(model="qwen", model_seconds=3.0)),
        (
            'model_endpoint = "http://[::1]:8000"\nmodel_name = "a b"\nmodel_key_variable = "KEY"',
            Settings(model_endpoint="http://[::1]:8000", model_name="a b", model_key_variable="KEY"),
        ),
        (
            'remote_endpoint = "https://example.org/api/v1"\nremote_model = "m"\nremote_key_variable = "MY_KEY_2"',
            Settings(remote_endpoint="https://example.org/api/v1", remote_model="m", remote_key_variable="MY_KEY_2"),
        ),
        (
            "model_samples = 1\nmodel_rounds = 1\nserve_idle_seconds = 1\ncontext_tokens = 256",
            Settings(model_samples=1, model_rounds=1, serve_idle_seconds=1.0, context_tokens=256),
        ),
        ("prefix_cache_megabytes = 0\nserve_threads = 4", Settings(prefix_cache_megabytes=0, serve_threads=4)),
    ],
)
def test_settings_are_read(text: str, expected: Settings, places: Places) -> None:
    places.settings_file.write_text(text, encoding="utf-8")
    assert load_settings(places) == expected


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("slotz = 3", "unknown setting 'slotz'", "slots"),
        ("[slots]\nx = 1", "slots is {'x': 1}", "type int"),
        ('slots = "3"', "slots is '3'", "type int"),
        ("slots = 3.0", "slots is 3.0", "type int"),
        ("slots = true", "slots is True", "type int"),
        ("slots = -1", "slots is -1", "from 0"),
        ("niceness = 20", "niceness is 20", "from 0 to 19"),
        ("niceness = -5", "niceness is -5", "from 0 to 19"),
        ("compile_timeout_seconds = 0", "compile_timeout_seconds is 0", "above 0"),
        ("compile_timeout_seconds = -1", "compile_timeout_seconds is -1", "above 0"),
        ("compile_timeout_seconds = nan", "compile_timeout_seconds is nan", "above 0"),
        ("compile_timeout_seconds = true", "compile_timeout_seconds is True", "type float"),
        ("warm_above_lines = -1", "warm_above_lines is -1", "from 0"),
        ("all_features = 1", "all_features is 1", "type bool"),
        ('features = "a"', "features is 'a'", "type list"),
        ("features = [1]", "features is [1]", "list of strings"),
        ("debounce_milliseconds = -1", "debounce_milliseconds is -1", "from 0 to 60000"),
        ("rest_milliseconds = 60001", "rest_milliseconds is 60001", "from 0 to 60000"),
        ("rust_analyzer_grace_milliseconds = 1.5", "grace_milliseconds is 1.5", "type int"),
        ("settle_seconds = 3601", "settle_seconds is 3601", "from 0 to 3600"),
        ("settle_seconds = inf", "settle_seconds is inf", "from 0 to 3600"),
        ("search_seconds = 0", "search_seconds is 0", "above 0"),
        ('on_battery = "sleep"', "on_battery is 'sleep'", '"work" or "pause"'),
        ("on_battery = true", "on_battery is True", "type str"),
        ('untrusted_folders = ["here"]', "untrusted_folders is ['here']", "begin with /"),
        ('untrusted_folders = [""]', "untrusted_folders is ['']", "begin with /"),
        ('untrusted_folders = ["~nobody-of-this-name/x"]', "untrusted_folders is", "begin with /"),
        ('model = "a\\nb"', "model is 'a", "without line breaks"),
        ('model_endpoint = "example.org"', "model_endpoint is of no use", "such as http://"),
        ('model_endpoint = "ftp://example.org"', "model_endpoint is of no use", "such as http://"),
        ('model_endpoint = "http://"', "model_endpoint is of no use", "such as http://"),
        ('model_endpoint = "http://a:b"', "model_endpoint is of no use", "such as http://"),
        ('model_endpoint = "http://[::1"', "model_endpoint is of no use", "such as http://"),
        ('remote_endpoint = "https://me:secret@example.org"', "remote_endpoint is of no use", "such as http://"),
        ('remote_endpoint = "https://example.org/?key=1"', "remote_endpoint is of no use", "such as http://"),
        ('model_key_variable = "sk-123"', "model_key_variable is of no use", "not the key itself"),
        ('remote_key_variable = "sk-123"', "remote_key_variable is of no use", "not the key itself"),
        ("model_samples = 0", "model_samples is 0", "from 1 to 32"),
        ("model_rounds = 11", "model_rounds is 11", "from 1 to 10"),
        ("model_seconds = nan", "model_seconds is nan", "above 0"),
        ("serve_idle_seconds = 0", "serve_idle_seconds is 0", "from 1"),
        ("context_tokens = 255", "context_tokens is 255", "from 256"),
        ("prefix_cache_megabytes = -1", "prefix_cache_megabytes is -1", "from 0"),
        ("serve_threads = 257", "serve_threads is 257", "to 256"),
        ("slots = ", "cannot be read", "Mend or delete"),
        ("slots = 1\nslots = 2", "cannot be read", "Mend or delete"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(text: str, message: str, remedy: str, places: Places) -> None:
    places.settings_file.write_text(text, encoding="utf-8")
    with pytest.raises(BadUsage) as raised:
        load_settings(places)
    assert message in raised.value.message
    assert str(places.settings_file) in raised.value.message
    assert remedy in raised.value.remedy


def test_a_file_that_is_no_text_is_told(places: Places) -> None:
    places.settings_file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadUsage, match="cannot be read"):
        load_settings(places)


def test_a_folder_in_its_place_is_told(places: Places) -> None:
    places.settings_file.mkdir()
    with pytest.raises(BadUsage, match="cannot be read"):
        load_settings(places)


def test_settings_of_an_editor_stand_above_those_of_the_file() -> None:
    base = Settings(slots=3, hints=False)
    assert settings_from({}, base) == base
    assert settings_from({"hints": True, "features": ["a"], "search_seconds": 5}, base) == Settings(
        slots=3, hints=True, features=("a",), search_seconds=5.0
    )
    assert settings_from({"slots": None}, base) == base


@pytest.mark.parametrize(
    ("values", "remedy"),
    [({"slotz": 1}, "slots"), ({"slots": "1"}, "type int"), ({"niceness": 20}, "from 0 to 19")],
)
def test_a_mistake_in_the_settings_of_an_editor_says_where_it_stands(values: dict[str, object], remedy: str) -> None:
    with pytest.raises(BadUsage, match="n the settings of the editor") as raised:
        settings_from(values, Settings())
    assert remedy in raised.value.remedy


def test_a_key_in_the_wrong_place_is_not_said_again(places: Places) -> None:
    for line in ('remote_key_variable = "sk-secret"', 'remote_endpoint = "https://me:sk-secret@example.org"'):
        places.settings_file.write_text(line, encoding="utf-8")
        with pytest.raises(BadUsage) as raised:
            load_settings(places)
        assert "sk-secret" not in raised.value.message + raised.value.remedy


def test_slots() -> None:
    assert Settings(slots=7).slot_count == 7
    assert 1 <= Settings().slot_count <= 4
