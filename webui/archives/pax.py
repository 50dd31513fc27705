"""The records of PAX's extended headers: `LENGTH KEY=VALUE\\n`.

Follows https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_03; values are bytes, as GNU tar has
them for extended attributes and for names that are not UTF-8.
"""

from __future__ import annotations

import re
from typing import Final

NANOSECONDS: Final = 1_000_000_000
_RECORD: Final = re.compile(rb"([0-9]{1,19}) ([^=\0]+)=")
_NEWLINE: Final = 0x0A
_TIME: Final = re.compile(rb"(-?)([0-9]{1,16})(?:\.([0-9]*))?")
_NUMBER: Final = re.compile(rb"[0-9]{1,19}")
_LARGEST: Final = 2**63 - 1


def parse_records(data: bytes) -> list[tuple[bytes, bytes]]:
    """The records in their order. Raises ValueError with the end of a sentence that starts with the entry's name."""
    found: list[tuple[bytes, bytes]] = []
    at = 0
    while at < len(data):
        start = _RECORD.match(data, at)
        if start is None:
            raise ValueError("its extended header is damaged")
        digits, key = start.groups()
        value_at, end = start.end(), at + int(digits)
        if not value_at < end <= len(data) or data[end - 1] != _NEWLINE:
            raise ValueError("its extended header is damaged")
        found.append((key, data[value_at : end - 1]))
        at = end
    return found


def print_record(key: bytes, value: bytes) -> bytes:
    """One record; its length counts its own digits too."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, key, value)


def parse_number(value: bytes, what: str) -> int:
    """A decimal number of PAX. Raises ValueError with the end of a sentence that names it as `what`."""
    if not _NUMBER.fullmatch(value):
        raise ValueError(f"its {what} is not a number")
    found = int(value)
    if found > _LARGEST:
        raise ValueError(f"its {what} is out of range")
    return found


def parse_time(value: bytes) -> int:
    """Nanoseconds since 1970 in seconds with a fraction. Raises ValueError as `parse_number` does."""
    found = _TIME.fullmatch(value)
    if found is None:
        raise ValueError("its time is not a number")
    sign, seconds, fraction = found.groups()
    size = int(seconds) * NANOSECONDS + int((fraction or b"")[:9].ljust(9, b"0"))
    return -size if sign else size


def print_time(modified: int) -> bytes:
    """What `parse_time` reads back to the same nanoseconds."""
    seconds, fraction = divmod(abs(modified), NANOSECONDS)
    sign = b"-" if modified < 0 else b""
    return (b"%b%d.%09d" % (sign, seconds, fraction)).rstrip(b"0") if fraction else b"%b%d" % (sign, seconds)
