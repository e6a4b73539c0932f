"""Fetching models from a hub on this machine: going on, checking, and every way in which it fails."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from serving.fake_hub import COMMIT, REPOSITORY, TOKEN, FakeHub, serving
from serving.tiny_models import write_tiny_adapter, write_tiny_model
from sleepy_agent.config import Places, Settings
from sleepy_agent.errors import CannotWrite, Interrupted, ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.clients.model_choice import model_in_use
from sleepy_agent.serving.manifest import sha256_of
from sleepy_agent.serving.models.hub import wanted_model
from sleepy_agent.serving.models.installed import (
    PART_SUFFIX,
    alone_with,
    default_model,
    known_models,
    read_record,
    remove_model,
    stored_model,
    stored_models,
)
from sleepy_agent.serving.models.pull import (
    DISK_RESERVE_BYTES,
    Pulled,
    PullLimits,
    PullProgress,
    PullStage,
    pull_model,
    starting_offset,
)

REFERENCE = f"{REPOSITORY}/models/tiny-q4.gguf"
AT_ONCE = PullLimits(retry_pauses=(0.0, 0.0))


@pytest.fixture(scope="module")
def model_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "tiny.gguf").read_bytes()


@pytest.fixture(autouse=True)
def hub_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for name in ("HF_HUB_OFFLINE", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def hub(model_bytes: bytes) -> Iterator[FakeHub]:
    with serving(FakeHub({"models/tiny-q4.gguf": model_bytes})) as served:
        yield served


def pulled(
    places: Places,
    hub: FakeHub,
    reference: str = REFERENCE,
    *,
    name: str | None = "tiny",
    limits: PullLimits = AT_ONCE,
    steps: list[PullProgress] | None = None,
    cancel: CancelToken | None = None,
    on_progress: Callable[[PullProgress], None] | None = None,
    **environment: str,
) -> Pulled:
    tell = on_progress or (steps.append if steps is not None else lambda _step: None)
    wanted = wanted_model(reference, name)
    own = {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(cache_of_others(places))}
    return pull_model(places, wanted, own | environment, tell, cancel or CancelToken(), limits)


def cache_of_others(places: Places) -> Path:
    """huggingface_hub's cache, shared with whatever else uses it."""
    return places.cache / "huggingface"


def parts(places: Places) -> list[Path]:
    return sorted(places.models_folder.glob(f"*/*{PART_SUFFIX}"))


def test_a_model_is_fetched_checked_and_can_be_used(places: Places, hub: FakeHub, model_bytes: bytes) -> None:
    steps: list[PullProgress] = []
    found = pulled(places, hub, steps=steps)
    assert found.file == places.models_folder / "tiny" / "tiny-q4.gguf"
    assert found.file.read_bytes() == model_bytes
    assert found.fetched_bytes == len(model_bytes)
    assert model_in_use(places, Settings()).model_id == f"tiny#{sha256_of(found.file)[:8]}"
    record = read_record(found.file.parent)
    assert record == found.record
    assert record is not None
    assert (record.repository, record.file, record.revision) == (REPOSITORY, "models/tiny-q4.gguf", COMMIT)
    assert not parts(places)
    assert [step.done_bytes for step in steps] == sorted(step.done_bytes for step in steps)
    assert {step.total_bytes for step in steps} == {len(model_bytes)}
    assert steps[-1].stage is PullStage.CHECKING
    # One question and one answer; nobody is told which program runs this.
    assert [method for method, _, _ in hub.requests] == ["HEAD", "GET"]
    assert f"/resolve/{COMMIT}/" in hub.requests[1][1]


def test_what_is_here_already_is_not_fetched_again(places: Places, hub: FakeHub, model_bytes: bytes) -> None:
    pulled(places, hub)
    again = pulled(places, hub)
    assert (again.is_new, again.fetched_bytes) == (False, 0)
    assert [method for method, _, _ in hub.requests] == ["HEAD", "GET", "HEAD"]
    # And it can be named where nothing may be fetched.
    assert pulled(places, hub, HF_HUB_OFFLINE="1").file == again.file
    assert len(hub.requests) == 3


@pytest.mark.parametrize("damage", [lambda raw: raw[:9000], lambda raw: raw[:-9] + bytes(9)], ids=["cut", "changed"])
def test_what_is_here_and_damaged_is_fetched_again(
    damage: Callable[[bytes], bytes], places: Places, hub: FakeHub, model_bytes: bytes
) -> None:
    file = pulled(places, hub).file
    file.write_bytes(damage(model_bytes))
    again = pulled(places, hub)
    assert (again.is_new, again.fetched_bytes) == (True, len(model_bytes))
    assert again.file.read_bytes() == model_bytes
    file.write_bytes(damage(model_bytes))
    with pytest.raises(ModelError, match="Nothing is fetched"):
        pulled(places, hub, HF_HUB_OFFLINE="1")


def test_a_new_version_takes_the_place_of_the_old_one(
    places: Places, hub: FakeHub, tmp_path: Path, model_bytes: bytes
) -> None:
    old = pulled(places, hub)
    hub.files["models/tiny-q4.gguf"] = write_tiny_model(tmp_path / "new.gguf", seed=7).read_bytes()
    new = pulled(places, hub)
    assert new.record.sha256 != old.record.sha256
    assert new.record.sha256 == sha256_of(new.file) == model_in_use(places, Settings()).sha256


def test_a_broken_connection_is_gone_on_with(places: Places, hub: FakeHub, model_bytes: bytes) -> None:
    hub.breaks_after = [1000, 0, 500]
    steps: list[PullProgress] = []
    assert pulled(places, hub, steps=steps).file.read_bytes() == model_bytes
    assert hub.ranges == [None, "bytes=1000-", "bytes=1000-", "bytes=1500-"]
    assert PullStage.WAITING in {step.stage for step in steps}


def test_a_later_run_goes_on_where_an_earlier_one_gave_up(places: Places, hub: FakeHub, model_bytes: bytes) -> None:
    hub.breaks_after = [1000, 0, 0]
    with pytest.raises(ModelError, match="cannot be reached") as error:
        pulled(places, hub)
    assert "goes on from there" in error.value.remedy
    assert [part.stat().st_size for part in parts(places)] == [1000]
    [half] = stored_models(places)
    assert (half.name, half.file, half.stored_bytes) == ("tiny", None, 1000)
    found = pulled(places, hub)
    assert hub.ranges[-1] == "bytes=1000-"
    assert found.fetched_bytes == len(model_bytes) - 1000
    assert found.file.read_bytes() == model_bytes


def test_a_process_that_is_killed_loses_nothing(places: Places, hub: FakeHub, model_bytes: bytes) -> None:
    program = (
        "import os, signal, sys\n"
        "from sleepy_agent.cli import pull_progress\n"
        "from sleepy_agent.cli.main import main\n"
        "from contextlib import contextmanager\n"
        "@contextmanager\n"
        "def deadly(terminal, silent):\n"
        "    yield lambda step: os.kill(os.getpid(), signal.SIGKILL) if step.done_bytes else None\n"
        "pull_progress.shown_progress = deadly\n"
        "main(sys.argv[1:])\n"
    )
    words = ["model", "pull", REFERENCE, "--name", "tiny"]
    killed = subprocess.run(
        [sys.executable, "-c", program, *words], env=os.environ | {"HF_ENDPOINT": hub.url}, check=False
    )
    assert killed.returncode == -9
    [part] = parts(places)
    had = part.stat().st_size
    assert 0 < had <= len(model_bytes)
    assert part.read_bytes() == model_bytes[:had]
    assert pulled(places, hub).fetched_bytes == len(model_bytes) - had


def test_a_server_without_ranges_sends_it_all_again(places: Places, hub: FakeHub, model_bytes: bytes) -> None:
    hub.with_ranges = False
    hub.breaks_after = [1000]
    assert pulled(places, hub).file.read_bytes() == model_bytes
    assert hub.ranges == [None, "bytes=1000-"]


def test_what_is_left_of_another_version_is_not_gone_on_with(
    places: Places, hub: FakeHub, tmp_path: Path, model_bytes: bytes
) -> None:
    hub.breaks_after = [1000, 0, 0]
    with pytest.raises(ModelError):
        pulled(places, hub)
    newer = write_tiny_model(tmp_path / "new.gguf", seed=7).read_bytes()
    hub.files["models/tiny-q4.gguf"] = newer
    assert pulled(places, hub).file.read_bytes() == newer
    assert hub.ranges[-1] is None
    assert not parts(places)


def test_a_part_that_is_longer_than_the_file_is_begun_anew(places: Places, hub: FakeHub, model_bytes: bytes) -> None:
    part = places.models_folder / "tiny" / f"{hashlib.sha256(model_bytes).hexdigest()}{PART_SUFFIX}"
    part.parent.mkdir(parents=True)
    part.write_bytes(model_bytes + b"more")
    assert pulled(places, hub).file.read_bytes() == model_bytes
    assert hub.ranges == [None]


def test_the_token_is_told_to_the_hub_and_to_nobody_else(places: Places, model_bytes: bytes) -> None:
    content = {"models/tiny-q4.gguf": model_bytes}
    with serving(FakeHub(content), "localhost") as storage, serving(FakeHub(content)) as hub:
        hub.storage_url = storage.url
        storage.breaks_after = [1000]
        assert pulled(places, hub).file.read_bytes() == model_bytes
    assert {headers.get("authorization") for _, _, headers in hub.requests} == {f"Bearer {TOKEN}"}
    assert [headers.get("authorization") for _, _, headers in storage.requests] == [None, None]
    assert storage.ranges == [None, "bytes=1000-"]


@pytest.mark.parametrize(
    ("wrong", "message", "kept"),
    [
        (lambda raw: raw[:5000] + b"!" + raw[5001:], "was damaged on its way", False),
        (lambda raw: raw + b"more", "sent more than the", False),
        (lambda raw: raw[:5000], "the server sent less than it announced", True),
    ],
    ids=["other bytes", "too much", "too little"],
)
def test_wrong_content(
    wrong: Callable[[bytes], bytes], message: str, kept: bool, places: Places, hub: FakeHub, model_bytes: bytes
) -> None:
    hub.sent = wrong(model_bytes)
    with pytest.raises(ModelError, match=message):
        pulled(places, hub)
    assert bool(parts(places)) is kept
    assert not list(places.models_folder.glob("*/*.gguf"))
    hub.sent = None
    assert pulled(places, hub).file.read_bytes() == model_bytes


@pytest.mark.parametrize("kind", ["text", "adapter", "cut short"])
def test_what_is_no_model_is_not_kept(kind: str, places: Places, hub: FakeHub, tmp_path: Path) -> None:
    adapter = write_tiny_adapter(tmp_path / "adapter.gguf").read_bytes()
    whole = hub.files["models/tiny-q4.gguf"]
    hub.files["models/tiny-q4.gguf"] = {"text": b"<html>" * 50, "adapter": adapter, "cut short": whole[:9000]}[kind]
    with pytest.raises(ModelError, match=r"tiny-q4\.gguf cannot be used.*It was deleted"):
        pulled(places, hub)
    assert not [file for file in places.models_folder.iterdir() if file.is_dir()]


@pytest.mark.parametrize(
    ("error", "message", "remedy"),
    [
        ((404, "EntryNotFound"), "has no file", "for its files"),
        ((404, "RevisionNotFound"), "has no revision", "--revision"),
        ((404, "RepoNotFound"), "has no repository", "HF_TOKEN"),
        ((401, None), "does not let you have", "HF_TOKEN"),
        ((403, "GatedRepo"), "agree to its terms", "HF_TOKEN"),
        ((403, None), "HTTP status 403", "HF_TOKEN"),
        ((429, None), "is asked too much", "later"),
        ((503, None), "HTTP status 503", "later"),
    ],
)
def test_a_hub_that_refuses(
    error: tuple[int, str | None], message: str, remedy: str, places: Places, hub: FakeHub
) -> None:
    hub.error = error
    with pytest.raises(ModelError, match=message) as raised:
        pulled(places, hub)
    assert remedy in raised.value.remedy


@pytest.mark.parametrize("missing", ["commit", "checksum"])
def test_a_server_that_is_no_hub(missing: str, places: Places, hub: FakeHub) -> None:
    hub.is_hub = missing != "commit"
    hub.with_checksum = missing != "checksum"
    with pytest.raises(ModelError, match="does not say the size, the version and the checksum"):
        pulled(places, hub)
    assert [method for method, _, _ in hub.requests] == ["HEAD"]


def test_no_network(places: Places, hub: FakeHub) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        hub.url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ModelError, match="cannot be reached") as error:
            pulled(places, hub)
    assert "HTTPS_PROXY" in error.value.remedy
    assert "kept" not in error.value.remedy


@pytest.mark.parametrize("value", ["1", "true", "ON"])
def test_offline(value: str, places: Places, hub: FakeHub) -> None:
    with pytest.raises(ModelError, match="Nothing is fetched") as error:
        pulled(places, hub, HF_HUB_OFFLINE=value)
    assert "sleepy model use" in error.value.remedy
    assert not hub.requests


@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize("with_links", [True, False])
def test_what_another_program_fetched_is_taken(
    offline: bool, with_links: bool, places: Places, hub: FakeHub, model_bytes: bytes
) -> None:
    repository = cache_of_others(places) / f"models--{REPOSITORY.replace('/', '--')}"
    snapshot, blobs = repository / "snapshots" / COMMIT / "models" / "tiny-q4.gguf", repository / "blobs"
    for folder in (snapshot.parent, blobs, repository / "refs", repository.parent / "blobs"):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    if with_links:
        # Shared between repositories, as huggingface_hub keeps what comes from its newer storage.
        shared = repository.parent / "blobs" / ("f" * 64)
        shared.write_bytes(model_bytes)
        blob = blobs / hashlib.sha256(model_bytes).hexdigest()
        blob.symlink_to(shared)
        snapshot.symlink_to(blob)
    else:
        snapshot.write_bytes(model_bytes)
    found = pulled(places, hub, HF_HUB_OFFLINE="1" if offline else "0")
    assert found.file.read_bytes() == model_bytes
    assert not found.file.is_symlink()
    assert (found.is_new, found.fetched_bytes) == (True, 0)
    assert found.record.revision == COMMIT
    assert found.record.sha256 == hashlib.sha256(model_bytes).hexdigest()
    assert [method for method, _, _ in hub.requests] == ([] if offline else ["HEAD"])
    assert snapshot.read_bytes() == model_bytes


def test_a_disk_without_room_is_told_before(places: Places, hub: FakeHub, model_bytes: bytes) -> None:
    enough = len(model_bytes) + DISK_RESERVE_BYTES
    with pytest.raises(ModelError, match="too little room"):
        pulled(places, hub, limits=PullLimits(free_bytes=lambda _folder: enough - 1))
    assert hub.ranges == []
    # What is here already needs no room a second time.
    hub.breaks_after = [1000, 0]
    with pytest.raises(ModelError, match="cannot be reached"):
        pulled(places, hub, limits=PullLimits(lambda _folder: enough, (0.0,)))
    pulled(places, hub, limits=PullLimits(free_bytes=lambda _folder: enough - 1000))


def test_a_disk_that_is_full_in_between(places: Places, hub: FakeHub, model_bytes: bytes) -> None:
    part = places.models_folder / "tiny" / f"{hashlib.sha256(model_bytes).hexdigest()}{PART_SUFFIX}"
    part.parent.mkdir(parents=True)
    # Whatever is written there, the disk is full.
    part.symlink_to("/dev/full")
    with pytest.raises(CannotWrite, match="no space left") as error:
        pulled(places, hub)
    assert "Free some space" in error.value.remedy


def test_cancelling_keeps_what_is_here(places: Places, hub: FakeHub, model_bytes: bytes) -> None:
    cancel = CancelToken()

    def stop(step: PullProgress) -> None:
        if step.done_bytes:
            cancel.cancel()

    with pytest.raises(Interrupted):
        pulled(places, hub, cancel=cancel, on_progress=stop)
    [part] = parts(places)
    had = part.stat().st_size
    assert 0 < had <= len(model_bytes)
    assert part.read_bytes() == model_bytes[:had]
    assert pulled(places, hub).file.read_bytes() == model_bytes


def test_two_do_not_fetch_the_same(places: Places, hub: FakeHub) -> None:
    with alone_with(places, "tiny"):
        with pytest.raises(ModelError, match="by another process"):
            pulled(places, hub)
        with pytest.raises(ModelError, match="by another process"):
            remove_model(places, "tiny")
        pulled(places, hub, name="other")
    pulled(places, hub)


def test_a_name_means_one_model(places: Places, hub: FakeHub) -> None:
    pulled(places, hub)
    with pytest.raises(ModelError, match="another model called tiny") as error:
        pulled(places, hub, "else/where/tiny-q4.gguf")
    assert "--name" in error.value.remedy


def test_removing_frees_everything(places: Places, hub: FakeHub) -> None:
    found = pulled(places, hub)
    model = stored_model(places, "tiny")
    assert model is not None
    assert remove_model(places, "tiny") == model.stored_bytes > found.record.size_bytes
    assert stored_models(places) == ()
    with pytest.raises(ModelError, match="no model tiny"):
        remove_model(places, "tiny")


@pytest.mark.parametrize(
    ("reference", "name", "file", "called"),
    [
        ("qwen2.5-coder-3b", None, "qwen2.5-coder-3b-instruct-q4_k_m.gguf", "qwen2.5-coder-3b"),
        ("qwen2.5-coder-3b", "big", "qwen2.5-coder-3b-instruct-q4_k_m.gguf", "big"),
        ("Some.One/My_Models/sub/Tiny-Q4_K_M.gguf", None, "sub/Tiny-Q4_K_M.gguf", "tiny-q4_k_m"),
    ],
)
def test_what_a_reference_means(reference: str, name: str | None, file: str, called: str) -> None:
    wanted = wanted_model(reference, name)
    assert (wanted.file, wanted.name) == (file, called)


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("qwen", None),
        ("someone/models", None),
        ("someone/models/../../secrets.gguf", None),
        ("someone/models//x.gguf", None),
        ("someone/models/x.safetensors", None),
        ("someone/models/x-00001-of-00002.gguf", None),
        ("qwen2.5-coder-3b", "../up"),
        ("qwen2.5-coder-3b", "Upper"),
        ("qwen2.5-coder-3b", "x.gguf"),
        ("qwen2.5-coder-3b", ""),
    ],
)
def test_references_that_mean_nothing(reference: str, name: str | None) -> None:
    with pytest.raises(ModelError):
        wanted_model(reference, name)


def test_the_catalogue() -> None:
    assert default_model().name == "qwen2.5-coder-1.5b"
    assert sum(model.default for model in known_models()) == 1
    sizes = [model.size_bytes for model in known_models()]
    assert sizes == sorted(sizes)
    for model in known_models():
        assert wanted_model(model.name).licence == model.licence
        assert wanted_model(f"{model.repository}/{model.file}").file == model.file


@pytest.mark.parametrize(
    ("status", "content_range", "offset"), [(200, "bytes 5-9/10", 0), (206, "bytes 5-9/10", 5), (206, "", None)]
)
def test_where_an_answer_begins(status: int, content_range: str, offset: int | None) -> None:
    assert starting_offset(status, content_range) == offset


@pytest.mark.parametrize("damaged", ["", "[]", '{"sha256": 1}', "{"])
def test_a_damaged_record_is_no_record(damaged: str, places: Places, hub: FakeHub) -> None:
    found = pulled(places, hub)
    (found.file.parent / "info.json").write_text(damaged)
    assert read_record(found.file.parent) is None
    assert model_in_use(places, Settings()).sha256 == found.record.sha256
    # The file is fetched again rather than believed.
    assert pulled(places, hub).is_new
    assert read_record(found.file.parent) is not None


def test_a_file_that_somebody_else_put_here_is_not_replaced(places: Places, hub: FakeHub, model_bytes: bytes) -> None:
    own = places.models_folder / "tiny" / "finetuned.gguf"
    own.parent.mkdir(parents=True)
    own.write_bytes(model_bytes)
    with pytest.raises(ModelError, match="not fetched by this command") as error:
        pulled(places, hub)
    assert "--name" in error.value.remedy
    assert not hub.requests
    assert own.read_bytes() == model_bytes
