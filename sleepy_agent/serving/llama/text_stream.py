"""Tokens' bytes as text: characters and stop strings may begin in one token and end in another."""

from __future__ import annotations

import codecs


class TextStream:
    """The text of one sample while it is decoded. It ends before the first stop string that appears in it."""

    def __init__(self, stops: tuple[str, ...] = ()) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._certain: list[str] = []
        self._pending = ""
        self._is_stopped = False

    @property
    def text(self) -> str:
        """Everything that is certain so far."""
        return "".join(self._certain)

    @property
    def is_stopped(self) -> bool:
        """Whether a stop string was found."""
        return self._is_stopped

    def push(self, piece: bytes) -> str:
        """Add a token's bytes. Returns the text that became certain: what may begin a stop string is held back."""
        return self._take(self._decoder.decode(piece))

    def finish(self) -> str:
        """No more tokens come. Returns the text that was held back."""
        released = self._take(self._decoder.decode(b"", final=True))
        if not self._is_stopped:
            released += self._pending
            self._certain.append(self._pending)
            self._pending = ""
        return released

    def _take(self, text: str) -> str:
        if self._is_stopped:
            return ""
        self._pending += text
        places = [place for stop in self._stops if (place := self._pending.find(stop)) >= 0]
        if places:
            self._is_stopped = True
            return self._release(min(places))
        return self._release(len(self._pending) - max(map(self._begun, self._stops), default=0))

    def _begun(self, stop: str) -> int:
        """How many characters at the end of the pending text may be the beginning of `stop`."""
        longest = min(len(stop) - 1, len(self._pending))
        return next((length for length in range(longest, 0, -1) if self._pending.endswith(stop[:length])), 0)

    def _release(self, length: int) -> str:
        released, self._pending = self._pending[:length], self._pending[length:]
        self._certain.append(released)
        return released
