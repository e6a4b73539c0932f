"""What "the same mistake" means: the code and the message with everything abstracted that names can change.

rustc puts what comes from the program between backticks; what the language itself says there (`?`, `mut`,
`{`) is kept, because it tells mistakes apart.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from sleepy_agent.domain import Diagnostic

_NAME: Final = "`_`"
_NUMBER: Final = "N"
_TEXT: Final = '"_"'
_PATH: Final = "PATH"
_HASH_LENGTH: Final = 12

# Words of the language (the reference's keywords, and the traits closures are told apart by): no program
# can rename them. `union`, `auto` and `default` are left out, since a variable may be called so.
# fmt: off
_WORDS_OF_THE_LANGUAGE: Final = frozenset({
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern",
    "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub",
    "ref", "return", "self", "Self", "static", "struct", "super", "trait", "true", "type", "unsafe",
    "use", "where", "while", "yield", "Fn", "FnMut", "FnOnce",
})
# fmt: on

_QUOTED: Final = re.compile(r"`[^`]*`")
_WORD: Final = re.compile(r"[^\W\d]\w*")
_SYMBOLS_ONLY: Final = re.compile(r"[^\w'\"]+")
_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_CHARACTER: Final = re.compile(r"(?<![\w`])'(?:\\[^']*|[^'\\])'(?!\w)")
_LIFETIME: Final = re.compile(r"(?<![\w`'])'\w+")
# A path of files has a separator and ends in an extension, so that "and/or" is none.
_FILE: Final = re.compile(r"(?:[A-Za-z]:)?[\w.~@+-]*(?:[\\/][\w.~@+-]+)*[\\/][\w.~@+-]+\.\w+(?::\d+)*")
_DIGITS: Final = re.compile(r"(?<![\w`])\d[\w]*(?:\.\d+)?")
# "`A`, `B` and 2 more" is the same mistake as "`A`", only in another program.
_LIST_OF_NAMES: Final = re.compile(r"`_`(?:(?:, | and | or |, and |, or )(?:`_`|N more|N others?))+")
_COUNTED_PLURAL: Final = re.compile(
    r"\bN (?P<counted>(?:positional |generic |lifetime |type |const |named )?"
    r"(?:argument|parameter|field|element|pattern|bound|item|variable|other))s\b"
)
_PLURAL_VERB: Final = re.compile(r"\b(?P<verb>were|are)\b")
_SPACE: Final = re.compile(r"\s+")

_SINGULAR_VERBS: Final = {"were": "was", "are": "is"}


def normalise_message(message: str) -> str:
    """The message of a diagnostic without the names, types, numbers, strings and paths of one program.

    Two messages that differ only in those give the same text; normalising twice changes nothing.
    """
    # Space first: a line end inside a string would otherwise hide the string.
    message = _SPACE.sub(" ", message).strip()
    pieces = []
    position = 0
    for match in _QUOTED.finditer(message):
        pieces.append(_normalise_prose(message[position : match.start()]))
        pieces.append(_normalise_quoted(match.group()[1:-1]))
        position = match.end()
    pieces.append(_normalise_prose(message[position:]))
    joined = _LIST_OF_NAMES.sub(_NAME, "".join(pieces))
    if _NUMBER in joined:
        joined = _COUNTED_PLURAL.sub(r"N \g<counted>", joined)
        joined = _PLURAL_VERB.sub(lambda match: _SINGULAR_VERBS[match["verb"]], joined)
    return joined


def signature_of(diagnostic: Diagnostic) -> str:
    """`CODE:HASH`: the code ("syntax" where there is none) and 12 hex digits of the normalised message's SHA-256.

    Labels, notes and positions take no part, so that it survives edits elsewhere in the file.
    """
    digest = hashlib.sha256(normalise_message(diagnostic.message).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{diagnostic.code or 'syntax'}:{digest[:_HASH_LENGTH]}"


def _normalise_quoted(content: str) -> str:
    """What stands between backticks: kept where the language says it, `_` where the program does."""
    if content and _belongs_to_the_language(content):
        return f"`{content}`"
    return _NAME


def _belongs_to_the_language(content: str) -> bool:
    if _SYMBOLS_ONLY.fullmatch(content):
        return True
    without_words = _WORD.sub(lambda match: "" if match.group() in _WORDS_OF_THE_LANGUAGE else "0", content)
    return "0" not in without_words and not any(
        character.isalnum() or character in "'\"_" for character in without_words
    )


def _normalise_prose(text: str) -> str:
    text = _STRING.sub(_TEXT, text)
    text = _FILE.sub(_PATH, text)
    text = _CHARACTER.sub("'_'", text)
    text = _LIFETIME.sub("'_", text)
    return _DIGITS.sub(_NUMBER, text)
