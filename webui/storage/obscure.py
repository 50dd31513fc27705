"""Passwords as rclone wants them in its settings: see https://rclone.org/commands/rclone_obscure/.

That keeps nobody from reading them who has them and knows rclone; it keeps them from being read over a shoulder.
"""

from __future__ import annotations

import base64
import secrets

_KEY = bytes.fromhex("9c935b48730a554d6bfd7c63c886a92bd390198eb8128afbf4de162b8b95f638")
"""The same in every rclone."""
_BLOCK_BYTES = 16


def obscure(text: str) -> str:
    """What `rclone obscure` prints: another one each time."""
    start = secrets.token_bytes(_BLOCK_BYTES)
    return base64.urlsafe_b64encode(start + _passed(start, text.encode())).rstrip(b"=").decode()


def reveal(obscured: str) -> str:
    """The text again. Raises ValueError where it was not obscured."""
    raw = base64.urlsafe_b64decode(obscured + "=" * (-len(obscured) % 4))
    if len(raw) < _BLOCK_BYTES:
        raise ValueError("too short to have been obscured")
    return _passed(raw[:_BLOCK_BYTES], raw[_BLOCK_BYTES:]).decode()


def _passed(start: bytes, text: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import (  # noqa: PLC0415 - most pages need none of it
        Cipher,
        algorithms,
        modes,
    )

    encryptor = Cipher(algorithms.AES(_KEY), modes.CTR(start)).encryptor()
    return encryptor.update(text) + encryptor.finalize()
