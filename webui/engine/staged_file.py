"""A file in staging, read at any place: a zip says at its end what is in it."""

from __future__ import annotations

import io
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from webui.engine import scripts
from webui.engine.file_trouble import refuse
from webui.engine.inside import Helper
from webui.engine.session import Session
from webui.paths import VolumePath

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BLOCK: Final = 1024 * 1024
_MOST_BLOCKS: Final = 4


class StagedFile(io.RawIOBase):
    """A regular file of `size` bytes that is staged under a token. A read ends where a block does, so it may be short.

    Reading raises as the methods of Files do. The session is the caller's, for nothing else meanwhile.
    """

    def __init__(self, session: Session, helper: Helper, token: bytes, size: int) -> None:
        super().__init__()
        self._session = session
        self._place = helper.place
        self._path = VolumePath(helper.staging + b"/" + token)
        self._size = size
        self._at = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("There is nothing before the beginning of a file.")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        if self._at >= self._size:
            return 0
        target = memoryview(buffer).cast("B")
        start = self._at % _BLOCK
        piece = self._block(self._at // _BLOCK)[start : start + len(target)]
        target[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        output = self._session.run(scripts.part_of(self._path, number * _BLOCK, _BLOCK), seconds=600)
        refuse(output, self._place, self._path, "read")
        self._blocks[number] = output.out
        if len(self._blocks) > _MOST_BLOCKS:
            self._blocks.popitem(last=False)
        return output.out
