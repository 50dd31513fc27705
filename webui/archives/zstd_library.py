"""Zstandard as Python has it from 3.14 on; before that, the same in a package of its own."""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["zstd"]
