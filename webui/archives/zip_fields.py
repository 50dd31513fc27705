"""The records of a zip, as they are read and as they are written.

Follows https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
"""

from __future__ import annotations

import struct
from typing import Final

LOCAL: Final = struct.Struct("<4s5H3L2H")
LOCAL_MARK: Final = b"PK\x03\x04"
ENTRY: Final = struct.Struct("<4s2B5H3L5H2L")
ENTRY_MARK: Final = b"PK\x01\x02"
END: Final = struct.Struct("<4s4H2LH")
END_MARK: Final = b"PK\x05\x06"
END64: Final = struct.Struct("<4sQ2H2L4Q")
END64_MARK: Final = b"PK\x06\x06"
LOCATOR: Final = struct.Struct("<4sLQL")
LOCATOR_MARK: Final = b"PK\x06\x07"
SIZES_FOLLOW: Final = 0x0008
STORED: Final = 0
DEFLATED: Final = 8
FULL16: Final = 0xFFFF
FULL32: Final = 0xFFFFFFFF
