"""Which family, and so which adapter, serves a diagnostic: ordered rules read from families.toml.

Nothing here knows a code. A new code, a new crate or a taste of one's own is a line in a TOML file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from sleepy_agent.domain import Diagnostic
from sleepy_agent.errors import BadUsage

_SCHEMA: Final = 1
_DOCUMENT_KEYS: Final = frozenset({"schema", "fallback", "family", "rule"})
_FAMILY_KEYS: Final = frozenset({"name", "description"})
_CODE_KEYS: Final = ("codes", "code_pattern", "no_code")
_RULE_KEYS: Final = frozenset({"name", "family", "message", "anywhere", "crates", *_CODE_KEYS})
_FAMILY_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")

# A crate shows itself as the head of a path (`serde::Serialize`) or as the object of an import.
_CRATE_IN_TEXT: Final = re.compile(
    r"(?<![\w:])(?P<path_head>[a-z_][a-z0-9_]*)::"
    r"|\b(?:crate|import|package|dependency|crate for) `(?P<imported>[a-z_][a-z0-9_]*)`"
)
# ... or as the folder a registry dependency is unpacked in: `serde_json-1.0.149`.
_CRATE_FOLDER: Final = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_-]*?)-\d+\.\d+\.\d+.*")


@dataclass(frozen=True, slots=True)
class FamilyRule:
    """One rule: it fits when its code part and every further condition that is set hold."""

    name: str
    family: str
    codes: frozenset[str]
    code_pattern: re.Pattern[str] | None
    no_code: bool
    message: re.Pattern[str] | None
    anywhere: re.Pattern[str] | None
    crates: frozenset[str]

    @property
    def is_unconditional(self) -> bool:
        """Whether the code alone decides."""
        return self.message is None and self.anywhere is None and not self.crates


@dataclass(frozen=True, slots=True)
class FamilyRules:
    """All rules in the order they are asked (the user's first), and the families they may name."""

    rules: tuple[FamilyRule, ...]
    families: tuple[str, ...]
    fallback: str


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What of a diagnostic the rules look at, gathered once."""

    code: str | None
    message: str
    everything: str
    crates: frozenset[str]


def load_family_rules(user_file: Path | None = None) -> FamilyRules:
    """Read the rules that come with Sleepy and, before them, those of `user_file`.

    Raises `BadUsage` when `user_file` cannot be read or says something that means nothing.
    """
    built_in = _built_in_rules()
    if user_file is None:
        return built_in
    document = _read_user_document(user_file)
    origin = str(user_file)
    families = built_in.families + tuple(
        name for name in _family_names(document, origin) if name not in built_in.families
    )
    fallback = document.get("fallback", built_in.fallback)
    if fallback not in families:
        raise _bad_rules(origin, f"its fallback {fallback!r} is no family")
    return FamilyRules(
        rules=_parse_rules(document, families, origin) + built_in.rules, families=families, fallback=fallback
    )


def family_of(diagnostic: Diagnostic, rules: FamilyRules) -> str:
    """The name of the family that serves `diagnostic`: that of the first rule that fits, else the fallback."""
    evidence = _evidence_of(diagnostic)
    return next((rule.family for rule in rules.rules if _fits(rule, evidence)), rules.fallback)


def is_mapped(code: str | None, rules: FamilyRules) -> bool:
    """Whether some rule decides about `code` whatever its message says. None asks about "no code"."""
    return any(rule.is_unconditional and _names_code(rule, code) for rule in rules.rules)


def _fits(rule: FamilyRule, evidence: _Evidence) -> bool:
    return (
        _names_code(rule, evidence.code)
        and (rule.message is None or rule.message.search(evidence.message) is not None)
        and (rule.anywhere is None or rule.anywhere.search(evidence.everything) is not None)
        and (not rule.crates or not rule.crates.isdisjoint(evidence.crates))
    )


def _names_code(rule: FamilyRule, code: str | None) -> bool:
    if code is None:
        return rule.no_code
    return code in rule.codes or (rule.code_pattern is not None and rule.code_pattern.fullmatch(code) is not None)


def _evidence_of(diagnostic: Diagnostic) -> _Evidence:
    everything = "\n".join(_texts_of(diagnostic))
    return _Evidence(
        code=diagnostic.code,
        message=diagnostic.message,
        everything=everything,
        crates=frozenset(_crates_in(everything)) | frozenset(_crates_of_files(diagnostic.children)),
    )


def _texts_of(diagnostic: Diagnostic) -> Iterator[str]:
    yield diagnostic.message
    yield from (span.label for span in diagnostic.spans if span.label)
    for child in diagnostic.children:
        yield from _texts_of(child)


def _crates_in(text: str) -> Iterator[str]:
    for match in _CRATE_IN_TEXT.finditer(text):
        yield match["path_head"] or match["imported"]


def _crates_of_files(diagnostics: Iterable[Diagnostic]) -> Iterator[str]:
    """Names of the registry crates whose sources the notes point into ("required by a bound in ...")."""
    for diagnostic in diagnostics:
        for span in diagnostic.spans:
            for folder in span.file.parts[:-1]:
                if match := _CRATE_FOLDER.fullmatch(folder):
                    yield match["name"].replace("-", "_")
        yield from _crates_of_files(diagnostic.children)


def _read_user_document(user_file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(user_file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadUsage(
            f"The family rules {user_file} cannot be read: {(error.strerror or str(error)).lower()}.",
            "Check the path in your settings, or remove that setting.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad_rules(str(user_file), f"it is not valid TOML ({error})") from error


def _family_names(document: Mapping[str, Any], origin: str) -> tuple[str, ...]:
    _check_keys(document, _DOCUMENT_KEYS, "the file", origin)
    if document.get("schema", _SCHEMA) != _SCHEMA:
        raise _bad_rules(origin, f"it has schema {document['schema']!r}, and this program reads {_SCHEMA}")
    names = []
    for family in _tables(document, "family", origin):
        _check_keys(family, _FAMILY_KEYS, "a family", origin)
        name = family.get("name")
        if not isinstance(name, str) or not _FAMILY_NAME.fullmatch(name):
            raise _bad_rules(origin, f"{name!r} is no name for a family (lower case, digits, underscores)")
        names.append(name)
    return tuple(names)


def _parse_rules(document: Mapping[str, Any], families: tuple[str, ...], origin: str) -> tuple[FamilyRule, ...]:
    tables = _tables(document, "rule", origin)
    return tuple(_parse_rule(table, number, families, origin) for number, table in enumerate(tables, start=1))


def _parse_rule(table: Mapping[str, Any], number: int, families: tuple[str, ...], origin: str) -> FamilyRule:
    title = f"rule {number} ({table.get('name', 'without a name')})"
    _check_keys(table, _RULE_KEYS, title, origin)
    if table.get("family") not in families:
        raise _bad_rules(origin, f"{title} names the family {table.get('family')!r}, which is not declared")
    if sum(key in table for key in _CODE_KEYS) != 1:
        raise _bad_rules(origin, f"{title} needs exactly one of {', '.join(_CODE_KEYS)}")
    if "no_code" in table and table["no_code"] is not True:
        raise _bad_rules(origin, f"no_code of {title} can only be true")
    return FamilyRule(
        name=str(table.get("name", "")),
        family=table["family"],
        codes=_words(table, "codes", title, origin),
        code_pattern=_pattern(table, "code_pattern", title, origin),
        no_code="no_code" in table,
        message=_pattern(table, "message", title, origin),
        anywhere=_pattern(table, "anywhere", title, origin),
        crates=_words(table, "crates", title, origin),
    )


def _tables(document: Mapping[str, Any], key: str, origin: str) -> list[Mapping[str, Any]]:
    tables = document.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise _bad_rules(origin, f"{key} has to be written as [[{key}]]")
    return tables


def _words(table: Mapping[str, Any], key: str, title: str, origin: str) -> frozenset[str]:
    words = table.get(key, [])
    if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
        raise _bad_rules(origin, f"{key} of {title} has to be a list of words")
    if key in table and not words:
        raise _bad_rules(origin, f"{key} of {title} is empty")
    return frozenset(words)


def _pattern(table: Mapping[str, Any], key: str, title: str, origin: str) -> re.Pattern[str] | None:
    if key not in table:
        return None
    try:
        return re.compile(table[key])
    except (re.error, TypeError) as error:
        raise _bad_rules(origin, f"{key} of {title} is no regular expression ({error})") from error


def _check_keys(table: Mapping[str, Any], allowed: frozenset[str], title: str, origin: str) -> None:
    if unknown := sorted(set(table) - allowed):
        raise _bad_rules(origin, f"{title} has the unknown key {unknown[0]!r}")


def _bad_rules(origin: str, reason: str) -> BadUsage:
    return BadUsage(
        f"The family rules {origin} make no sense: {reason}.",
        "Correct that file; sleepy_agent/families.toml shows the form, and its first lines explain it.",
    )


@cache
def _built_in_rules() -> FamilyRules:
    """The rules in this package. Cached because every caller gets the same frozen record."""
    document = tomllib.loads(Path(__file__).with_name("families.toml").read_text(encoding="utf-8"))
    families = _family_names(document, "families.toml")
    return FamilyRules(
        rules=_parse_rules(document, families, "families.toml"),
        families=families,
        fallback=document["fallback"],
    )


FAMILIES: Final[tuple[str, ...]] = _built_in_rules().families
"""The families that come with Sleepy, in the order of families.toml."""
