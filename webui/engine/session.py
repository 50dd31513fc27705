"""A shell in a helper container, spoken to over one attached socket: a command, what it prints, how it ended.

Docker frames what a container prints: a byte for the stream, three of nothing, four of length, then the bytes
(https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach). Within that,
each command's output ends with a mark that nobody who writes to a volume can know.
"""

from __future__ import annotations

import secrets
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from webui.errors import EngineError, EngineSlowError

MOST_OUTPUT: Final = 256 * 1024 * 1024
"""Bytes that `Session.run` takes of a command's output; a folder of a million names fits."""
PIECE: Final = 4 * 1024 * 1024
"""Bytes of input that are announced at a time."""
OnCancel = Callable[[Callable[[], None]], None]
"""Takes what is to be called, from another thread, when something is to end early."""
_MOST_ERRORS = 64 * 1024
_ATTENTION = 0.2
_RECEIVE = 256 * 1024
_STDERR = 2
_HEADER = 8
_MOST_WAITING = 16
_TURN_SECONDS = 30.0

# The loop that the shell runs. The key keeps bytes that were left unread from passing for a command; one that was cut
# off, because the app ended, is not run.
# `into` enters a folder below /volume and proves that it is the one named, although another process may exchange any
# part of the path for a symbolic link at any time. After a physical `cd`, dash and busybox set PWD from getcwd(2): the
# path under which the kernel knows the folder that was entered, which no link is part of. Where that is not the path
# asked for, or another shell runs, it goes name by name and compares each folder it entered with what the name stood
# for just before. The folder that is entered is held: what follows works in it, whatever its name becomes.
# A folder of Demijohn's own at the top was made by root and is closed to others: who owns the top folder could put
# another one in its place. File systems of other machines have owners of their own; there that can't be told.
LOOP: Final = r"""
n='
'
case $(readlink "/proc/$$/exe") in */dash | */busybox) exact=yes ;; *) exact=no ;; esac
into() {
  cd -P -- /volume || exit 70
  case ${1-} in
    '') return ;;
    .demijohn-helper-*|.demijohn-kept-*) enter "$1"; only_ours; shift ;;
    *) if [ "$exact" = yes ] && enter_at_once "$@"; then return; fi ;;
  esac
  for name do enter "$name"; done
}
enter_at_once() {
  target=/volume
  for name do target=$target/$name; done
  { cd -P -- "$target"; } 2>/dev/null && [ "$PWD" = "$target" ] && return
  cd -P -- /volume || exit 70
  false
}
enter() {
  [ -L "./$1" ] && exit 72
  [ -e "./$1" ] || exit 71
  [ -d "./$1" ] || exit 73
  before=$(stat -c '%F %d:%i' -- "./$1" 2>&1) || exit 71
  { cd -P -- "./$1"; } 2>/dev/null || { [ -d "./$1" ] || exit 71; exit 70; }
  [ "$before" = "$(stat -c '%F %d:%i' .)" ] || exit 72
}
only_ours() {
  case $(stat -f -c %T .) in nfs*|smb*|cifs*|fuse*|v9fs|9p|afs|ceph) return ;; esac
  case $(stat -c '%u %a' .) in '0 700'|'0 2700') ;; *) exit 72 ;; esac
}
while read -r key size mark input; do
  [ "$key" = "$1" ] || exit 1
  script=$(head -c "$size"; echo .)
  script=${script%.}
  [ "${#script}" = "$size" ] || exit 1
  if [ "$input" = yes ]; then ( eval "$script" ); else ( eval "$script" ) </dev/null; fi
  status=$?
  printf '\0%s %d\n' "$mark" "$status"
  printf '\0%s\n' "$mark" >&2
  [ "$input" = no ] || [ "$status" = 0 ] || exit 1
done
"""

NO_WAY_IN: Final = 70
MISSING: Final = 71
LINK: Final = 72
NOT_A_FOLDER: Final = 73
"""How `into` ends where it can't go on: the place itself is no folder, nothing there, a symbolic link, something that is no folder."""


class SessionLostError(EngineError):
    """The shell is gone: it died, its helper was removed, or the engine closed the connection."""

    title = "The helper container is gone"

    def __init__(self) -> None:
        super().__init__(
            "The helper container through which Demijohn looks into the volume has ended.",
            hint="Try again: a new one is started then.",
        )


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed and its exit status."""

    status: int
    out: bytes
    errors: bytes


def quoted(word: bytes | str) -> bytes:
    """A word as the shell reads it: any bytes but NUL, nothing in them means anything."""
    raw = word.encode("utf-8", "surrogateescape") if isinstance(word, str) else word
    if b"\0" in raw:
        raise ValueError("A word of a command has no NUL in it.")
    return b"'" + raw.replace(b"'", b"'\\''") + b"'"


def command(*argv: bytes | str) -> bytes:
    """A command line that runs exactly these words."""
    return b" ".join(map(quoted, argv))


class Session:
    """One shell. Commands are run one after the other; a second caller waits for the first."""

    def __init__(self, sock: socket.socket, key: str, *, keep: object = None) -> None:
        """Speaks over `sock`, which is attached to LOOP with `key` as its `$1`; `keep` must live as long as it."""
        self._sock = sock
        self._key = key
        self._keep = keep
        self._lock = threading.Lock()
        self._waiting = threading.BoundedSemaphore(_MOST_WAITING)
        self._frames = _Frames(sock)
        self._over = False

    def run(self, script: bytes, *, seconds: float = 60.0, limit: int = MOST_OUTPUT) -> Output:
        """Run a script in a shell of its own and take all it prints.

        Raises:
            SessionLostError: the shell is gone.
            EngineSlowError: it did not end within `seconds`; the session can't be used any more.
            EngineError: it printed more than `limit` bytes; the session can't be used any more.
        """
        with self.command(script, seconds=seconds) as running:
            parts, size = [], 0
            for chunk in running.output():
                parts.append(chunk)
                size += len(chunk)
                if size > limit:
                    raise EngineError(f"The helper answered with more than {limit:,} bytes.")
            return Output(running.status, b"".join(parts), running.errors)

    @contextmanager
    def command(self, script: bytes, *, takes_input: bool = False, seconds: float | None = None) -> Iterator[Running]:
        """Run a script whose output, and input where `takes_input`, goes in pieces.

        `output` has to be read to its end before the block is left; otherwise the session is over, as nobody knows
        what still comes. So it is when a command that takes input fails. Raises SessionLostError, and EngineSlowError
        where too many wait for their turn or it does not come.
        """
        with self._turn():
            if self._over:
                raise SessionLostError
            running = Running(self._sock, self._frames, None if seconds is None else time.monotonic() + seconds)
            try:
                head = f"{self._key} {len(script)} {running.mark} {'yes' if takes_input else 'no'}\n"
                running.send(head.encode() + script)
                yield running
            finally:
                if not running.over or (takes_input and running.status):
                    self._lose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Storage that does not answer must not keep everybody waiting who asks for it, one behind the other."""
        if not self._waiting.acquire(blocking=False):
            raise _crowded()
        try:
            if not self._lock.acquire(timeout=_TURN_SECONDS):
                raise _crowded()
        finally:
            self._waiting.release()
        try:
            yield
        finally:
            self._lock.release()

    @property
    def lost(self) -> bool:
        """Whether it can't be used any more."""
        if not self._over and self._lock.acquire(blocking=False):
            try:
                if _is_heard(self._sock):  # a shell that was asked nothing says nothing: it has ended
                    self._lose()
            finally:
                self._lock.release()
        return self._over

    @property
    def busy(self) -> bool:
        """Whether a command is running."""
        return self._lock.locked()

    def close(self) -> None:
        """Hang up, which ends the shell when its command has ended. May be called from any thread, and again."""
        self._lose()

    def _lose(self) -> None:
        self._over = True
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._sock.close()
        close = getattr(self._keep, "close", None)
        if close is not None:
            with suppress(OSError):
                close()


@contextmanager
def ended_by(session: Session, on_cancel: OnCancel) -> Iterator[None]:
    """Give `on_cancel` what ends the session from another thread; once the block is left, that does nothing any more."""
    lock = threading.Lock()
    using = True

    def end() -> None:
        with lock:
            if using:
                session.close()

    on_cancel(end)
    try:
        yield
    finally:
        with lock:
            using = False


class Running:
    """A command under way."""

    def __init__(self, sock: socket.socket, frames: _Frames, deadline: float | None) -> None:
        self.mark = secrets.token_hex(16)
        self.status = -1
        self.over = False
        self._sock = sock
        self._frames = frames
        self._deadline = deadline
        self._out = _Until(b"\0" + self.mark.encode() + b" ")
        self._errors = _Until(b"\0" + self.mark.encode() + b"\n")
        self._complaints = bytearray()
        self._early: deque[bytes] = deque()

    @property
    def errors(self) -> bytes:
        """What it wrote to its standard error so far, cut where that is very long."""
        return bytes(self._complaints)

    def send(self, data: bytes | memoryview) -> bool:
        """Give it input; False where it has ended, or the connection has, and takes no more.

        What it says meanwhile is listened to: it might wait for that before it takes the rest, or have ended with a
        reason. Raises SessionLostError, EngineSlowError.
        """
        view = memoryview(data)
        while view and not self._is_ending:
            if self._frames.begun or _is_heard(self._sock):
                if chunk := self._heard():
                    self._early.append(chunk)
                continue
            with _connected():
                self._sock.settimeout(min(_ATTENTION, self._left() or _ATTENTION))
                try:
                    view = view[self._sock.send(view) :]
                except TimeoutError:
                    if self._deadline is not None and time.monotonic() > self._deadline:
                        raise
                except OSError:
                    return False  # what it said before can still be read
        return not view

    def send_piece(self, data: bytes | memoryview) -> bool:
        """Input as a script takes it that reads `read -r size; head -c "$size"` in a loop. As `send`."""
        view = memoryview(data)
        pieces = (view[start : start + PIECE] for start in range(0, len(view), PIECE))
        return all(self.send(b"%d\n" % len(piece)) and self.send(piece) for piece in pieces)

    def send_end(self) -> bool:
        """There is no more input. As `send`."""
        return self.send(b"0\n")

    def send_stop(self) -> bool:
        """There will not be all of the input: what is no size ends such a script as a failure. As `send`."""
        return self.send(b"stop\n")

    def output(self) -> Iterator[bytes]:
        """What it prints, as it comes, until it has ended. Raises SessionLostError, EngineSlowError."""
        while self._early:
            yield self._early.popleft()
        while not (self._out.ended and self._errors.ended and b"\n" in self._out.rest):
            if chunk := self._heard():
                yield chunk
        self.status = int(self._out.rest.partition(b"\n")[0])
        self.over = True

    @property
    def _is_ending(self) -> bool:
        return self._out.ended or self._errors.ended

    def _heard(self) -> bytes:
        """What it prints next, or nothing where it was something else; waits for it."""
        with _connected():
            self._sock.settimeout(self._left())
            stream, data = self._frames.next()
        if stream != _STDERR:
            return self._out.feed(data)
        self._complain(self._errors.feed(data))
        return b""

    def _complain(self, data: bytes) -> None:
        self._complaints += data[: max(0, _MOST_ERRORS - len(self._complaints))]

    def _left(self) -> float | None:
        return None if self._deadline is None else max(0.01, self._deadline - time.monotonic())


def _crowded() -> EngineSlowError:
    return EngineSlowError(
        "Too much is asked of this volume at once, or its storage does not answer.", hint="Try again in a moment."
    )


class _Until:
    """Passes bytes on until the mark, which may come in parts."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._held = b""
        self.ended = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        if self.ended:
            self.rest += data
            return b""
        data = self._held + data if self._held else data
        found = data.find(self._mark)
        if found >= 0:
            self.ended, self.rest = True, data[found + len(self._mark) :]
            return data[:found]
        held = self._beginning_at_end_of(data)
        self._held = data[held:]
        return data[:held] if self._held else data

    def _beginning_at_end_of(self, data: bytes) -> int:
        """Where at the end of `data` the mark may have begun; its length where it has not."""
        start = data.find(b"\0", max(0, len(data) - len(self._mark) + 1))
        while start >= 0:
            if self._mark.startswith(data[start:]):
                return start
            start = data.find(b"\0", start + 1)
        return len(data)


class _Frames:
    """Docker's frames, read from a socket; what is here of one or several is handed out before the rest has come."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._held = memoryview(b"")
        self._stream = 0
        self._left = 0

    @property
    def begun(self) -> bool:
        """Whether some of what comes next was received already."""
        return bool(self._held)

    def next(self) -> tuple[int, bytes]:
        """The stream and what is here of it, at least one byte. Raises SessionLostError at the end, OSError."""
        while not self._left:
            while len(self._held) < _HEADER:
                self._held = memoryview(bytes(self._held) + self._received())
            self._begin()
        if not self._held:
            self._held = memoryview(self._received())
        stream, parts = self._stream, [self._taken(self._left)]
        while not self._left and len(self._held) > _HEADER and self._held[0] == stream:
            self._begin()
            parts.append(self._taken(self._left))
        return stream, b"".join(parts)

    def _begin(self) -> None:
        """Read the header of a frame."""
        self._stream, self._left = self._held[0], int.from_bytes(self._held[4:_HEADER], "big")
        self._held = self._held[_HEADER:]

    def _taken(self, most: int) -> memoryview:
        taken, self._held = self._held[:most], self._held[most:]
        self._left -= len(taken)
        return taken

    def _received(self) -> bytes:
        received = self._sock.recv(_RECEIVE)
        if not received:
            raise SessionLostError
        return received


@contextmanager
def _connected() -> Iterator[None]:
    """Raise the domain's errors for those of the socket."""
    try:
        yield
    except TimeoutError as error:
        raise EngineSlowError("Looking into the volume takes too long; its storage may not answer.") from error
    except OSError as error:
        raise SessionLostError from error


def _is_heard(sock: socket.socket) -> bool:
    """Whether there is something to be read, the end included."""
    waiting = select.poll()
    try:
        waiting.register(sock, select.POLLIN)
    except ValueError:  # it was closed just now
        return True
    return bool(waiting.poll(0))
