"""What crates.toml promises, and how a published manifest becomes one of the user's own."""

from __future__ import annotations

import tomllib

from benchmarks.real_crates.crates import Crate, known_crates, reduced_manifest

PUBLISHED = {
    "package": {"name": "sample", "version": "1.0.0", "resolver": "2", "metadata": {"docs": {}}},
    "dependencies": {"other": "1"},
    "dev-dependencies": {"slow": "1", "needed": "2"},
    "target": {"cfg(unix)": {"dependencies": {"unix": "1"}, "dev-dependencies": {"terminal": "3"}}},
    "features": {"default": ["std"], "std": []},
    "bench": [{"name": "speed"}],
}


def test_enough_crates_and_five_held_out() -> None:
    crates = known_crates()
    assert len(crates) >= 16
    assert sum(crate.held_out for crate in crates) == 5
    assert len({crate.name for crate in crates}) == len(crates)
    assert all(crate.about and crate.version.count(".") == 2 for crate in crates)


def test_manifest_keeps_what_unit_tests_need_and_stands_alone() -> None:
    crate = Crate("sample", "1.0.0", "", dev_dependencies=("needed", "terminal"))
    manifest = tomllib.loads(reduced_manifest(PUBLISHED, crate))
    assert manifest["dev-dependencies"] == {"needed": "2", "terminal": "3"}
    assert manifest["target"] == {"cfg(unix)": {"dependencies": {"unix": "1"}}}
    assert manifest["dependencies"] == {"other": "1"}
    assert manifest["workspace"] == {}
    assert manifest["package"]["name"] == "sample"
    assert manifest["package"]["autobins"] is False
    assert not {"resolver", "metadata"} & manifest["package"].keys()
    assert "bench" not in manifest
    assert manifest["features"]["default"] == ["std"]


def test_manifest_with_chosen_features() -> None:
    manifest = tomllib.loads(reduced_manifest(PUBLISHED, Crate("sample", "1.0.0", "", features=())))
    assert manifest["features"] == {"default": [], "std": []}
