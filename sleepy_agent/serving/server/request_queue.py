"""Who is answered next: each client in turn, so that one who asks a lot does not keep the others waiting."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """First come, first served for each client; round robin between clients. Belongs to one thread."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._waiting: OrderedDict[str, deque[Item]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, client: str, item: Item) -> bool:
        """Whether there was room for it."""
        if self._length >= self._capacity:
            return False
        self._waiting.setdefault(client, deque()).append(item)
        self._length += 1
        return True

    def take(self) -> Item | None:
        """The next one, None where nobody waits."""
        if not self._waiting:
            return None
        client, items = self._waiting.popitem(last=False)
        item = items.popleft()
        if items:
            # The client goes to the end of the row, however much it still wants.
            self._waiting[client] = items
        self._length -= 1
        return item

    def remove(self, client: str, item: Item) -> bool:
        """Whether it still waited."""
        items = self._waiting.get(client)
        if items is None or item not in items:
            return False
        items.remove(item)
        if not items:
            del self._waiting[client]
        self._length -= 1
        return True
