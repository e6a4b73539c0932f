"""`sleepy model`: what each action does and says, over real files and a hub on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from serving.fake_hub import REPOSITORY, FakeHub, serving
from serving.running_server import RunningServer, running
from serving.scripted_engine import ScriptedEngine
from serving.tiny_models import TinyShape, write_tiny_adapter, write_tiny_model

from cli.fakes import FakeTerminal, make_terminal, parse
from sleepy_agent.cli import model
from sleepy_agent.cli.main import main
from sleepy_agent.cli.model_report import size_text
from sleepy_agent.cli.settings_file import write_setting
from sleepy_agent.config import Places, Settings, find_places, load_settings
from sleepy_agent.errors import BadUsage, CannotWrite, ModelError
from sleepy_agent.serving.memory_need import RESERVE_BYTES
from sleepy_agent.serving.serve_folder import read_address, serve_folder_of

REFERENCE = f"{REPOSITORY}/models/tiny-q4.gguf"


@dataclass(frozen=True)
class Done:
    """What a command wrote."""

    terminal: FakeTerminal

    @property
    def text(self) -> str:
        return self.terminal.output.getvalue()

    @property
    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found


def run(*words: str, interactive: bool = False, **environment: str) -> Done:
    # Of what other programs fetched, nothing is taken.
    environment = {"HF_HUB_CACHE": str(find_places().cache / "huggingface")} | environment
    terminal = make_terminal(colours=interactive, environment=environment)
    assert model.run_with(parse("model", *words), terminal.as_terminal, find_places()) == 0
    return Done(terminal)


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setenv("HF_TOKEN", "hf_nobody")
    return find_places()


@pytest.fixture
def hub(tmp_path: Path, places: Places) -> Iterator[FakeHub]:
    content = write_tiny_model(tmp_path / "tiny.gguf").read_bytes()
    with serving(FakeHub({"models/tiny-q4.gguf": content})) as served:
        yield served


def stored(places: Places, name: str) -> Path:
    """A model that somebody put here by hand."""
    folder = places.models_folder / name
    folder.mkdir(parents=True)
    return write_tiny_model(folder / f"{name}.gguf")


def test_a_pulled_model_is_in_use_at_once_where_it_is_the_only_one(places: Places, hub: FakeHub) -> None:
    done = run("pull", REFERENCE, HF_ENDPOINT=hub.url)
    lines = done.text.splitlines()
    assert lines[-1].startswith("tiny-q4: fetched ")
    assert lines[-1].endswith("; in use.")
    assert any(line.startswith("fetching: 100 % of") for line in lines)
    assert "comparing the checksum" in lines
    assert load_settings(places).model == ""
    assert "was here already" in run("pull", REFERENCE, HF_ENDPOINT=hub.url).text


def test_a_second_model_is_used_when_it_is_said(places: Places, hub: FakeHub) -> None:
    stored(places, "old")
    write_setting(places, "model", "old")
    done = run("pull", REFERENCE, "--name", "new", HF_ENDPOINT=hub.url)
    assert "`sleepy model use new` uses it" in done.text
    record = run("pull", REFERENCE, "--name", "new", "--use", "--json", HF_ENDPOINT=hub.url).record
    assert record["in_use"] is True
    assert record["fetched_bytes"] == 0
    assert load_settings(places).model == "new"


def test_the_only_model_stays_in_use_when_another_one_comes(places: Places, hub: FakeHub) -> None:
    stored(places, "old")
    assert load_settings(places).model == ""
    assert "`sleepy model use new` uses it" in run("pull", REFERENCE, "--name", "new", HF_ENDPOINT=hub.url).text
    assert load_settings(places).model == "old"
    assert "* old" in run("list").text


def test_a_terminal_gets_a_bar_and_nothing_is_left_of_it(places: Places, hub: FakeHub) -> None:
    written = run("pull", REFERENCE, interactive=True, HF_ENDPOINT=hub.url).text
    assert "━" in written
    assert "tiny-q4: fetched" in written.splitlines()[-1]


def test_json_is_all_there_is(places: Places, hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    record = run("pull", REFERENCE, "--json", HF_ENDPOINT=hub.url).record
    assert Path(record["file"]).is_file()
    assert record["record"]["repository"] == REPOSITORY
    assert main(["model", "rm", "nothing", "--json"]) == 2
    assert "no model nothing" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_ctrl_c_keeps_what_is_fetched(places: Places, hub: FakeHub) -> None:
    program = (
        "import os, signal, sys\n"
        "from contextlib import contextmanager\n"
        "from sleepy_agent.cli import pull_progress\n"
        "from sleepy_agent.cli.main import main\n"
        "@contextmanager\n"
        "def impatient(terminal, silent):\n"
        "    yield lambda step: os.kill(os.getpid(), signal.SIGINT) if step.done_bytes else None\n"
        "pull_progress.shown_progress = impatient\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", program, "model", "pull", REFERENCE]
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_DISABLE_TELEMETRY"}
    environment |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(places.cache / "huggingface")}
    stopped = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert stopped.returncode == 130, stopped.stderr
    assert stopped.stderr == "sleepy: Stopped.\nRun the same command again to go on.\n"
    # Nobody is asked for, or told of, anything else.
    assert [method for method, _, _ in hub.requests] == ["HEAD", "GET"]
    assert "fetched so far" in run("list").text
    assert run("pull", REFERENCE, "--json", HF_ENDPOINT=hub.url).record["fetched_bytes"] < len(
        hub.files["models/tiny-q4.gguf"]
    )


def test_the_list(places: Places, hub: FakeHub, tmp_path: Path) -> None:
    assert "none; `sleepy model pull` fetches the default one" in run("list").text
    stored(places, "mine")
    hub.breaks_after = [1000, 0, 0, 0, 0]
    half = places.models_folder / "qwen2.5-coder-3b"
    half.mkdir()
    (half / f"{'0' * 64}.part").write_bytes(b"x" * 2000)
    broken = places.models_folder / "broken"
    broken.mkdir()
    (broken / "broken.gguf").write_bytes(b"<html>")
    (places.models_folder / "empty").mkdir()
    text = run("list").text
    assert "None is in use: `sleepy model use NAME` chooses one." in text
    assert "2 kB fetched so far" in text
    assert "`sleepy model info broken` says why" in text
    run("use", "mine")
    models = {one["name"]: one for one in run("list", "--json").record["models"]}
    assert [name for name, one in models.items() if one["in_use"]] == ["mine"]
    assert {name: one["state"] for name, one in models.items()} == {
        "broken": "ready",
        "mine": "ready",
        "qwen2.5-coder-3b": "partial",
        "qwen2.5-coder-1.5b": "available",
        "qwen2.5-coder-7b": "available",
    }
    assert models["qwen2.5-coder-7b"]["memory_bytes"] > models["qwen2.5-coder-1.5b"]["memory_bytes"]
    assert "no commercial use" in models["qwen2.5-coder-3b"]["licence"]
    assert "* mine" in run("list").text


def test_what_a_model_takes_is_its_file_its_context_and_the_server(places: Places) -> None:
    file = stored(places, "mine")
    shape = TinyShape()
    per_token = 2 * 2 * shape.layers * shape.shared_heads * shape.head
    settings = Settings()
    expected = file.stat().st_size + per_token * settings.context_tokens + RESERVE_BYTES
    expected += settings.prefix_cache_megabytes << 20
    assert run("info", "mine", "--json").record["memory_bytes"] == expected
    write_setting(places, "model", "mine")
    places.settings_file.write_text(places.settings_file.read_text() + "context_tokens = 256\n")
    assert run("info", "--json").record["memory_bytes"] == expected - per_token * (4096 - 256)


def test_use_keeps_what_the_user_wrote(places: Places) -> None:
    stored(places, "mine")
    places.config.mkdir(parents=True)
    own = places.config / "dotfiles.toml"
    own.write_bytes("# Meine Regeln: größer\r\nslots = 2 # two\r\nmodel = 'gone' # old\r\n".encode())
    own.chmod(0o640)
    places.settings_file.symlink_to(own)
    assert "mine is used from now on." in run("use", "mine").text
    assert own.read_bytes().decode() == '# Meine Regeln: größer\r\nslots = 2 # two\r\nmodel = "mine" # old\r\n'
    assert places.settings_file.is_symlink()
    assert own.stat().st_mode & 0o777 == 0o640


def test_use_takes_a_file_from_anywhere(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_tiny_model(tmp_path / "own model.gguf")
    monkeypatch.chdir(tmp_path)
    run("use", "./own model.gguf")
    assert load_settings(places).model == str(file)
    assert f"* {file}" in run("list").text
    assert run("info", "--json").record["in_use"] is True


def test_the_running_server_makes_way_for_another_model(places: Places) -> None:
    stored(places, "mine")
    stored(places, "other")
    write_setting(places, "model", "other")
    with running(RunningServer(places, ScriptedEngine())) as server:
        server.wait_until_ready()
        assert run("use", "other", "--json").record["server_ended"] is False
        assert read_address(serve_folder_of(places)) is not None
        previous = signal.signal(signal.SIGTERM, lambda _number, _frame: server.stop())
        try:
            record = run("use", "mine", "--json").record
        finally:
            signal.signal(signal.SIGTERM, previous)
    assert record["server_ended"] is True
    assert read_address(serve_folder_of(places)) is None


@pytest.mark.parametrize(
    ("name", "message", "remedy"),
    [
        ("qwen2.5-coder-3b", "is not here yet", "sleepy model pull qwen2.5-coder-3b"),
        ("minn", "no model minn", "Did you mean mine?"),
        ("zzz", "no model zzz", "sleepy model list"),
        ("./gone.gguf", "no file", "Check the path"),
        ("broken", "broken.gguf cannot be used: it is no GGUF file", "pull"),
    ],
)
def test_models_that_cannot_be_used(name: str, message: str, remedy: str, places: Places) -> None:
    stored(places, "mine")
    (places.models_folder / "broken").mkdir()
    (places.models_folder / "broken" / "broken.gguf").write_bytes(b"<html>")
    with pytest.raises(ModelError, match=message) as error:
        run("use", name)
    assert remedy in error.value.remedy
    assert not places.settings_file.exists()


def test_an_endpoint_of_the_settings_goes_before(places: Places) -> None:
    stored(places, "mine")
    places.config.mkdir(parents=True)
    places.settings_file.write_text('model_endpoint = "http://127.0.0.1:9/v1"\n')
    for words in (("use", "mine"), ("list",)):
        assert "model_endpoint names http://127.0.0.1:9/v1" in run(*words).text


def test_info(places: Places, hub: FakeHub) -> None:
    run("pull", REFERENCE, HF_ENDPOINT=hub.url)
    text = run("info").text
    for expected in ("tiny-q4   in use", "qwen2", "parameters, F32", "chat template", REPOSITORY, "layers", "sha256"):
        assert expected in text, expected
    record = run("info", "--json").record
    assert record["is_as_fetched"] is True
    assert record["model"]["chat_template"].startswith("{%")
    file = Path(record["file"])
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    assert "not the file that was fetched" in run("info").text


def test_info_of_a_file_and_of_an_adapter(places: Places, tmp_path: Path) -> None:
    bare = write_tiny_model(tmp_path / "bare.gguf", chat_template=None)
    assert "none of its own: ChatML is used" in run("info", str(bare)).text
    adapter = write_tiny_adapter(tmp_path / "adapter.gguf", rank=4)
    text = run("info", str(adapter)).text
    assert "an adapter for qwen2" in text
    assert "memory" not in text
    assert run("info", str(adapter), "--json").record["model"]["rank"] == 4
    with pytest.raises(ModelError, match="no local model"):
        run("info")


def test_rm(places: Places) -> None:
    stored(places, "mine")
    stored(places, "other")
    run("use", "mine")
    with pytest.raises(ModelError, match="mine is in use") as error:
        run("rm", "mine")
    assert "--force" in error.value.remedy
    assert run("rm", "other", "--json").record["freed_bytes"] > 0
    assert load_settings(places).model == "mine"
    assert "mine is gone: " in run("rm", "mine", "--force").text
    assert load_settings(places).model == ""
    assert not list(places.models_folder.glob("*/*"))
    with pytest.raises(ModelError, match="no model mine"):
        run("rm", "mine")


def test_rm_takes_no_paths(places: Places, tmp_path: Path) -> None:
    file = stored(places, "mine")
    for name in ("../models/mine", str(file), ".", "", ".."):
        with pytest.raises(ModelError, match="no model"):
            run("rm", name, "--force")
    assert file.is_file()


def test_rm_gives_up_what_is_half_fetched(places: Places) -> None:
    folder = places.models_folder / "half"
    folder.mkdir(parents=True)
    (folder / f"{'0' * 64}.part").write_bytes(b"x" * 2000)
    assert run("rm", "half").text == "half is gone: 2 kB freed.\n"


def test_models_on_another_disk_stay_there(places: Places, tmp_path: Path) -> None:
    file = write_tiny_model(tmp_path / "theirs.gguf")
    places.models_folder.mkdir(parents=True)
    (places.models_folder / "linked").symlink_to(tmp_path)
    assert run("rm", "linked", "--force", "--json").record["freed_bytes"] == 0
    assert file.is_file()


@pytest.mark.parametrize("package", ["huggingface_hub", "httpx2"])
def test_without_the_extra_the_command_that_brings_it_is_told(
    package: str, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(BadUsage, match=f"`sleepy model pull` needs the Python package {package}") as error:
        run("pull")
    assert "sleepy-coder[serve]" in error.value.remedy
    # What needs none of it works all the same.
    assert "qwen2.5-coder-1.5b" in run("list").text


@pytest.mark.parametrize("text", [b"model = \n", b"\xff\xfe"])
def test_settings_that_cannot_be_read_are_left_alone(text: bytes, places: Places) -> None:
    places.config.mkdir(parents=True)
    places.settings_file.write_bytes(text)
    with pytest.raises(BadUsage, match="settings in"):
        write_setting(places, "model", "mine")
    assert places.settings_file.read_bytes() == text


def test_settings_that_cannot_be_written(places: Places) -> None:
    places.config.parent.mkdir(parents=True, exist_ok=True)
    places.config.write_text("a file where the folder should be")
    with pytest.raises(CannotWrite):
        write_setting(places, "model", "mine")


def test_a_value_that_means_nothing_is_not_written(places: Places) -> None:
    with pytest.raises(BadUsage):
        write_setting(places, "model", "two\nlines")
    assert not places.settings_file.exists()


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (12_345, "12 kB"), (340_000_000, "340 MB"), (1_117_320_768, "1.1 GB")],
)
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text
