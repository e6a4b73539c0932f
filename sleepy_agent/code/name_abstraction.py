"""Code with the user's names taken out: `v1` for a value, `T1` for a type, `f1` for a function, and back again.

A small model knows few words. What is std's or Rust's own keeps its name; everything else gets a numbered one, the
same everywhere in one question. Works on pieces of code that are no whole program (lines, edits), so on words, not
on trees.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sleepy_agent.code.std_names import PRIMITIVES, std_names, std_table

# The Rust reference, "Tokens". Comments and texts are one piece each.
TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<string>[bc]?r(?P<hashes>\#*)".*?"(?P=hashes)|[bc]?"(?:\\.|[^"\\])*")
    |(?P<char>b?'(?:\\(?:u\{[0-9a-fA-F_]*\}|x[0-9a-fA-F]{2}|.)|[^'\\\n])')
    |(?P<lifetime>'[^\W\d]\w*)
    |(?P<number>\d(?:\w|\.(?=\d))*)
    |(?P<word>(?:r\#)?[^\W\d]\w*)
    |(?P<space>\s+)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
# A name in a text that is formatted: `{name}`, `{name:?}`; not `{{`.
FORMATTED = re.compile(r"(?<!\{)(\{)([^\W\d]\w*)(?=[:}])")
ABSTRACT = re.compile(r"(?:v|f|T|m)\d+")
IN_QUOTES = re.compile(r"`([^`]*)`")


@dataclass(frozen=True, slots=True)
class Token:
    """One word, sign, literal, comment or stretch of white space."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class NameTable:
    """Which name stands for which. Both directions are one to one."""

    abstract_of: Mapping[str, str]
    real_of: Mapping[str, str]

    def abstracted(self, code: str) -> str:
        """Code with abstract names. Words that the table does not know stay as they are."""
        return with_names(code, lambda name: self.abstract_of.get(name, name))

    def abstracted_prose(self, text: str) -> str:
        """The same for a sentence of the compiler: names stand between backticks."""
        return IN_QUOTES.sub(lambda match: f"`{self.abstracted(match.group(1))}`", text)

    def restored(self, code: str) -> str | None:
        """Code with the user's names again; None where it has an abstract name that stands for nothing."""
        unknown = {name for name in words_of(code) if ABSTRACT.fullmatch(name) and name not in self.real_of}
        return None if unknown else with_names(code, lambda name: self.real_of.get(name, name))


def tokens_of(code: str) -> Iterator[Token]:
    """The tokens of a piece of code; their texts in a row are the code again."""
    for match in TOKEN.finditer(code):
        kind = match.lastgroup or "other"
        yield Token("string" if kind == "hashes" else kind, match.group())


def words_of(code: str) -> Iterator[str]:
    """All names and keywords of a piece of code, those in formatted texts among them."""
    for token in tokens_of(code):
        if token.kind == "word":
            yield token.text
        elif token.kind == "string":
            yield from (match.group(2) for match in FORMATTED.finditer(token.text))


def with_names(code: str, name_of: Callable[[str], str]) -> str:
    """Code with every word replaced."""

    def written(token: Token) -> str:
        if token.kind == "word":
            return name_of(token.text)
        if token.kind == "string":
            return FORMATTED.sub(lambda match: match.group(1) + name_of(match.group(2)), token.text)
        return token.text

    return "".join(map(written, tokens_of(code)))


@cache
def kept_words() -> frozenset[str]:
    """What keeps its name: Rust's words and std's."""
    table = tomllib.loads(files("sleepy_agent.code").joinpath("kept_words.toml").read_text(encoding="utf-8"))
    found = {word for words in table.values() for word in words.split()} | PRIMITIVES
    for one in std_names():
        found.update(one.path)
        found.update(one.methods)
    for methods in std_table()["methods"].values():
        found.update(methods.split())
    found.update(std_table()["prelude"]["names"].split())
    return frozenset(found)


def name_table(pieces: Iterable[str]) -> NameTable:
    """Names for everything in some pieces of code that is neither Rust's nor std's, numbered as they come."""
    kinds: dict[str, str] = {}
    for piece in pieces:
        for name, kind in named_in(piece):
            # A call or a declaration says more than a use.
            if name not in kinds or (kinds[name] == "v" and kind != "v"):
                kinds[name] = kind
    counts: dict[str, int] = {}
    abstract_of: dict[str, str] = {}
    for name, kind in kinds.items():
        counts[kind] = counts.get(kind, 0) + 1
        abstract_of[name] = f"{kind}{counts[kind]}"
    return NameTable(abstract_of, {abstract: name for name, abstract in abstract_of.items()})


def named_in(piece: str) -> Iterator[tuple[str, str]]:
    """The user's names in a piece of code, each with the letter of its kind."""
    tokens = [token for token in tokens_of(piece) if token.kind not in {"space", "comment"}]
    for number, token in enumerate(tokens):
        if token.kind == "string":
            for match in FORMATTED.finditer(token.text):
                if match.group(2) not in kept_words():
                    yield match.group(2), "v"
        if token.kind != "word" or token.text in kept_words():
            continue
        after = "".join(one.text for one in tokens[number + 1 : number + 3])
        before = tokens[number - 1].text if number else ""
        yield token.text, kind_of(token.text, before, after)


def kind_of(name: str, before: str, after: str) -> str:
    """`m` for a macro, `f` for a function, `T` for a type or trait, `v` for everything else."""
    bare = name.removeprefix("r#")
    if after.startswith(("!(", "![", "!{")):
        return "m"
    if bare[:1].isupper() and (len(bare) == 1 or not bare.isupper()):
        return "T"
    return "f" if before == "fn" or after.startswith("(") else "v"
