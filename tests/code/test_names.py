"""How near two names are: what people mistype and misremember is near, what merely looks like it is not."""

from __future__ import annotations

import pytest

from sleepy_agent.code.names import edit_distance, nearest, similarity, singular, words_of


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("", "", 0),
        ("abc", "abc", 0),
        ("abc", "", 3),
        ("kitten", "sitting", 3),
        ("lenght", "length", 1),
        ("ab", "ba", 1),
        ("teh", "the", 1),
        ("capactiy", "capacity", 1),
        ("form", "from", 1),
        ("abc", "cab", 2),
    ],
)
def test_the_distance_counts_slips_an_exchange_as_one(first: str, second: str, expected: int) -> None:
    assert edit_distance(first, second) == expected
    assert edit_distance(second, first) == expected


@pytest.mark.parametrize(("first", "second"), [("abcdef", "uvwxyz"), ("a", "abcdef")])
def test_the_distance_stops_at_its_limit(first: str, second: str) -> None:
    assert edit_distance(first, second, 2) == 3


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("snake_case_name", ("snake", "case", "name")),
        ("CamelCaseName", ("camel", "case", "name")),
        ("SCREAMING_NAME", ("screaming", "name")),
        ("HTTPServer2", ("http", "server", "2")),
        ("_private", ("private",)),
        ("größe_neu", ("größe", "neu")),
        ("", ()),
    ],
)
def test_names_are_split_into_words(name: str, words: tuple[str, ...]) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("word", "expected"),
    [("items", "item"), ("entries", "entry"), ("boxes", "box"), ("class", "class"), ("is", "is"), ("item", "item")],
)
def test_plurals_lose_their_ending(word: str, expected: str) -> None:
    assert singular(word) == expected


# What was written, what was there, and which of it was meant.
MEANT = [
    ("lenght", ["length", "left", "weight"], "length"),
    ("item", ["items", "index", "time"], "items"),
    ("count_items", ["item_count", "count", "items"], "item_count"),
    ("maxSize", ["max_size", "min_size"], "max_size"),
    ("MaxSize", ["MAX_SIZE", "MIN_SIZE"], "MAX_SIZE"),
    ("buf", ["buffer", "base"], "buffer"),
    ("Hashmap", ["HashMap", "HashSet"], "HashMap"),
    ("token_kind", ["TokenKind", "token", "Token"], "TokenKind"),
    ("recieve", ["receive", "receiver", "remove"], "receive"),
    ("pritn", ["print", "paint"], "print"),
    ("user_nmae", ["user_name", "username", "user"], "user_name"),
    ("Prser", ["Parser", "Printer"], "Parser"),
    ("is_empyt", ["is_empty", "is_full"], "is_empty"),
    ("parse_lines", ["parse_line", "parse_list"], "parse_line"),
    ("positoin", ["position", "positions"], "position"),
]


@pytest.mark.parametrize(("written", "there", "meant"), MEANT)
def test_the_name_that_was_meant_is_the_nearest(written: str, there: list[str], meant: str) -> None:
    found = nearest(written, there)
    assert found[0][0] == meant
    assert found[0][1] > 0.7


@pytest.mark.parametrize(
    ("written", "there"),
    [("open", ["close", "read"]), ("x", ["y", "value"]), ("Shelf", ["Book", "Member"]), ("start", ["end"]), ("a", [])],
)
def test_names_with_nothing_in_common_are_not_near(written: str, there: list[str]) -> None:
    assert [name for name, value in nearest(written, there) if value > 0.6] == []


def test_a_name_is_not_near_itself_and_no_more_are_given_than_asked_for() -> None:
    there = ["item", "items", "itemz", "item_s", "titem"]
    assert "item" not in [name for name, _ in nearest("item", there, most=10)]
    assert len(nearest("item", there, most=2)) == 2


@pytest.mark.parametrize(("first", "second"), [("alpha", "alhpa"), ("a_b", "b_a"), ("", "a"), ("x", "x")])
def test_similarity_lies_between_nothing_and_one_and_has_no_direction(first: str, second: str) -> None:
    assert 0 <= similarity(first, second) <= 1
    assert similarity(first, second) == similarity(second, first)


def test_the_nearer_the_more_similar() -> None:
    order = ["capacity", "Capacity", "capactiy", "cap", "velocity", "banana"]
    values = [similarity("capacity", one) for one in order]
    assert values == sorted(values, reverse=True)
