"""A small lexer for Rust, only for the benchmarks: their judgement must not lean on Sleepy's own code.

It follows the lexical structure of the Rust reference closely enough for the compiler's own examples:
nested block comments, raw strings, byte and C strings, characters apart from lifetimes, raw identifiers.
Punctuation comes one character a token, so that `>>` and `> >` are equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class TokenKind(StrEnum):
    """What a token is; only what the benchmarks ask for is told apart."""

    COMMENT = "comment"
    WORD = "word"
    LIFETIME = "lifetime"
    NUMBER = "number"
    TEXT = "text"
    """A string or a character literal of any sort."""
    PUNCTUATION = "punctuation"


@dataclass(frozen=True, slots=True)
class Token:
    """One token as it is written."""

    kind: TokenKind
    text: str


_RAW_TEXT = re.compile(r'(?:b|c)?r(#*)"')
_PATTERNS = (
    (TokenKind.COMMENT, re.compile(r"//[^\n]*")),
    (TokenKind.TEXT, re.compile(r'[bc]?"(?:\\.|[^"\\])*"', re.DOTALL)),
    (TokenKind.TEXT, re.compile(r"b?'(?:\\(?:u\{[0-9a-fA-F_]*\}|x[0-9a-fA-F]{2}|.)|[^\\'\n])'")),
    (TokenKind.LIFETIME, re.compile(r"'(?:r#)?\w+")),
    (TokenKind.NUMBER, re.compile(r"\d(?:[eE][+-]\d|\w)*(?:\.\d(?:[eE][+-]\d|\w)*)?")),
    (TokenKind.WORD, re.compile(r"(?:r#)?[^\W\d]\w*")),
)


def tokens_of(source: str) -> tuple[Token, ...]:
    """All tokens of `source`, comments included, whitespace left out. Never fails: what is unknown is punctuation."""
    tokens: list[Token] = []
    position = 0
    while position < len(source):
        if source[position].isspace():
            position += 1
            continue
        token = _token_at(source, position)
        tokens.append(token)
        position += len(token.text)
    return tuple(tokens)


def code_tokens(source: str) -> tuple[str, ...]:
    """The texts of all tokens except comments: what two sources must share to be the same program."""
    return tuple(token.text for token in tokens_of(source) if token.kind is not TokenKind.COMMENT)


def comments_of(source: str) -> tuple[str, ...]:
    """The texts of all comments, with their marks."""
    return tuple(token.text for token in tokens_of(source) if token.kind is TokenKind.COMMENT)


def _token_at(source: str, position: int) -> Token:
    if source.startswith("/*", position):
        return Token(TokenKind.COMMENT, source[position : _end_of_block_comment(source, position)])
    if raw := _RAW_TEXT.match(source, position):
        closing = '"' + raw.group(1)
        end = source.find(closing, raw.end())
        return Token(TokenKind.TEXT, source[position : len(source) if end < 0 else end + len(closing)])
    for kind, pattern in _PATTERNS:
        if match := pattern.match(source, position):
            return Token(kind, match.group())
    return Token(TokenKind.PUNCTUATION, source[position])


def _end_of_block_comment(source: str, position: int) -> int:
    depth = 0
    while position < len(source):
        if source.startswith("/*", position):
            depth, position = depth + 1, position + 2
        elif source.startswith("*/", position):
            depth, position = depth - 1, position + 2
            if depth == 0:
                return position
        else:
            position += 1
    return position
