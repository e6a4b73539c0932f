"""The checksum by which texts are the same text."""

from __future__ import annotations

import hashlib


def sha256_of_text(text: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(text).hexdigest()
