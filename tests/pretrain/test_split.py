"""No template and no crate is on two sides."""

from __future__ import annotations

from collections import Counter

import pytest

from trainer.pretrain.split import SHARES, origin_of, split_of


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        ("template:ownership/push_while_first", "template:ownership/push_while_first"),
        ("template:composed#17", "template:composed"),
        ("crate:semver-lite-1.0.2/src/lib.rs::parse", "crate:semver-lite"),
        ("crate:semver-lite-2.0.0/src/identifier.rs::Identifier::new", "crate:semver-lite"),
    ],
)
def test_variants_versions_and_items_have_one_origin(source: str, origin: str) -> None:
    assert origin_of(source) == origin


def test_a_whole_origin_is_on_one_side() -> None:
    assert len({split_of(f"crate:one-1.{number}.0/src/lib.rs::f{number}") for number in range(50)}) == 1
    assert len({split_of(f"template:loops#{number}") for number in range(50)}) == 1


def test_sides_have_about_their_shares() -> None:
    sides = Counter(split_of(f"template:{number}") for number in range(4000))
    for name, share in SHARES:
        assert abs(sides[name] / 4000 - share) < 0.02
    assert sum(share for _, share in SHARES) == pytest.approx(1.0)


def test_a_source_stays_where_it_was() -> None:
    # Otherwise what was trained on with one version of this would report with the next.
    assert {name: split_of(f"template:{name}") for name in PLACES} == PLACES


PLACES = {"sum": "train", "queue": "report", "ledger": "train", "inbox": "report", "merge": "tune"}
