"""A shell spoken to over a socket: what it says arrives whole, and what was meant as data is never run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, zip_longest
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.unit.framed_shell import KEY, FramedShell, frame
from tests.waiting import wait_until
from webui.engine.session import (
    LINK,
    MISSING,
    NOT_A_FOLDER,
    PIECE,
    Output,
    Session,
    SessionLostError,
    command,
    quoted,
)
from webui.errors import EngineError, EngineSlowError

FOREVER = b"exec tail -f /dev/null"
TAKE = b'while read -r size && [ "$size" != 0 ]; do head -c "$size" || break; done'


@pytest.fixture
def shell() -> Iterator[FramedShell]:
    """A shell and a session with it."""
    with FramedShell() as running:
        yield running


@pytest.fixture(scope="module")
def lasting_shell() -> Iterator[FramedShell]:
    """One for many commands."""
    with FramedShell() as running:
        yield running


Text = Callable[[bytes], bytes]
"""What a command prints, given the mark with which the shell will end it."""


class Peer:
    """A socket on which the answer to a command arrives: cut into frames at some places, and those into pieces."""

    def __init__(
        self, out: Text, errors: Text, status: int, *, frames: Iterable[int] = (), pieces: Iterable[int] = ()
    ) -> None:
        self._out, self._errors, self._status = out, errors, status
        self._frames, self._pieces = frames, pieces
        self._coming: list[bytes] = []
        self._pipe = os.pipe()
        self.output = Output(status, b"", b"")

    def send(self, data: memoryview) -> int:
        """Takes the command."""
        mark = b"\0" + bytes(data).split(b" ")[2]
        out, errors = self._out(mark + b" "), self._errors(mark + b"\n")
        self.output = Output(self._status, out, errors)
        said = parts(out + mark + b" %d\n" % self._status, self._frames)
        complained = parts(errors + mark + b"\n", self._frames)
        frames = (
            (frame(2, two) if two else b"") + (frame(1, one) if one else b"")
            for two, one in zip_longest(complained, said)
        )
        self._coming = parts(b"".join(frames), self._pieces)
        return len(data)

    def recv(self, _most: int) -> bytes:
        """The next piece."""
        return self._coming.pop(0) if self._coming else b""

    def fileno(self) -> int:
        """Something on which nothing is heard as long as nothing was sent."""
        return self._pipe[0]

    def settimeout(self, seconds: float | None) -> None:
        """It never waits."""

    def shutdown(self, how: int) -> None:
        """There is nobody behind it."""

    def close(self) -> None:
        """Called once."""
        for end in self._pipe:
            os.close(end)


def parts(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The bytes, cut at these places."""
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    return [data[start:end] for start, end in pairwise(places)]


def said(peer: Peer) -> Output:
    """What the session makes of the answer."""
    session = Session(peer, KEY)  # type: ignore[arg-type]
    try:
        return session.run(b"anything")
    finally:
        session.close()


def almost_the_mark(end: bytes) -> bytes:
    return b"out" + end[:12] + b"\0" + end[:-1] + b"|" + end[:1]


def test_an_answer_may_be_cut_into_frames_and_pieces_at_any_place() -> None:
    length = 240
    for cut in range(length):
        for frames, pieces in (((cut,), ()), ((), (cut,)), ((cut,), range(0, length, 5))):
            peer = Peer(almost_the_mark, almost_the_mark, 127, frames=frames, pieces=pieces)
            assert said(peer) == peer.output, (frames, pieces)
    one_by_one = Peer(almost_the_mark, almost_the_mark, 127, frames=range(length), pieces=range(9 * length))
    assert said(one_by_one) == one_by_one.output


texts = st.lists(st.one_of(st.binary(max_size=6), st.tuples(st.integers(0, 34), st.integers(0, 34))), max_size=8)


@given(texts, texts, st.integers(0, 255), st.sets(st.integers(0, 300)), st.sets(st.integers(0, 600)))
def test_whatever_is_printed_arrives_as_it_is(
    out: Sequence[bytes | tuple[int, int]],
    errors: Sequence[bytes | tuple[int, int]],
    status: int,
    frames: set[int],
    pieces: set[int],
) -> None:
    def text(pattern: Sequence[bytes | tuple[int, int]], end: bytes) -> bytes:
        found = b"".join(each if isinstance(each, bytes) else end[slice(*each)] for each in pattern)
        assume(end not in found)
        return found

    peer = Peer(lambda end: text(out, end), lambda end: text(errors, end), status, frames=frames, pieces=pieces)
    assert said(peer) == peer.output


def test_a_command_prints_and_complains_and_ends(shell: FramedShell) -> None:
    assert shell.session.run(b"echo out; echo err >&2; exit 3") == Output(3, b"out\n", b"err\n")
    assert shell.session.run(b":") == Output(0, b"", b"")
    assert not shell.session.lost


@pytest.mark.parametrize("piece", [1, 7, 8, 9, 4096])
def test_bytes_of_every_kind_come_through_however_the_connection_cuts_them(piece: int, tmp_path: Path) -> None:
    content = bytes(range(256)) * 40 + b"\0" * 500 + os.urandom(5000)
    (tmp_path / "content").write_bytes(content)
    with FramedShell(piece=piece) as shell:
        both = b"cat %s; cat %s >&2" % ((quoted(bytes(tmp_path / "content")),) * 2)
        assert shell.session.run(both) == Output(0, content, content)


def test_beginnings_of_the_mark_in_the_output_end_nothing(shell: FramedShell) -> None:
    """The shell knows the mark, so that what it runs can come as near to it as may be."""
    script = rb"""printf '\0%s' "$mark"; printf '\0%s\n' "$mark"; printf '\0\0%s' "${mark%?}"; printf '\0'"""
    found = shell.session.run(script)
    assert (found.status, len(found.out)) == (0, 33 + 34 + 33 + 1)
    assert shell.session.run(b"echo next").out == b"next\n"


def test_complaints_are_cut_where_they_are_very_long(shell: FramedShell) -> None:
    found = shell.session.run(b"head -c 1000000 /dev/zero >&2; echo whole")
    assert (found.out, len(found.errors)) == (b"whole\n", 64 * 1024)
    assert shell.session.run(b"echo next").out == b"next\n"


def test_a_command_that_is_killed_says_so_and_the_next_one_runs(shell: FramedShell) -> None:
    assert shell.session.run(b"echo begun; sh -c 'kill -9 $$'; exit $?") == Output(137, b"begun\n", b"Killed\n")
    assert shell.session.run(b"this is ( no script").status == 2
    assert shell.session.run(b"echo next").out == b"next\n"


def test_one_command_leaves_nothing_for_the_next(shell: FramedShell) -> None:
    shell.session.run(b"x=1; cd /; exec 7<.; umask 0; set -f; echo() { :; }")
    assert shell.session.run(b'echo "$x"; umask; [ -e /proc/self/fd/7 ]').out == b"\n0022\n"
    assert shell.session.run(b"cat; read -r line; echo $?").out == b"1\n"


def test_a_shell_that_dies_in_the_middle_is_said_to_be_gone(shell: FramedShell) -> None:
    with pytest.raises(SessionLostError):
        shell.session.run(b"echo begun; kill -9 $$")
    assert shell.session.lost
    with pytest.raises(SessionLostError):
        shell.session.run(b"echo again")


def test_a_connection_that_breaks_in_the_middle_is_said_to_be_gone(shell: FramedShell) -> None:
    with pytest.raises(SessionLostError), shell.session.command(b"echo begun; " + FOREVER) as running:
        output = running.output()
        assert next(output) == b"begun\n"
        shell.kill()
        next(output)
    assert shell.session.lost


def test_a_shell_that_ended_while_nobody_asked_is_lost(shell: FramedShell) -> None:
    assert not shell.session.lost
    shell.kill()
    wait_until(lambda: shell.session.lost)


def test_a_command_that_takes_too_long_ends_the_session(shell: FramedShell) -> None:
    with pytest.raises(EngineSlowError):
        shell.session.run(FOREVER, seconds=0.05)
    assert shell.session.lost


def test_a_command_that_prints_too_much_ends_the_session(shell: FramedShell) -> None:
    with pytest.raises(EngineError, match="more than 1,000 bytes"):
        shell.session.run(b"exec cat /dev/zero", limit=1000)
    assert shell.session.lost


def test_a_command_that_is_left_in_the_middle_ends_the_session(shell: FramedShell) -> None:
    with shell.session.command(b"echo begun; " + FOREVER) as running:
        assert next(running.output()) == b"begun\n"
        assert shell.session.busy
    assert shell.session.lost


def test_an_answer_that_is_not_liked_leaves_the_session_as_it_is(shell: FramedShell) -> None:
    with pytest.raises(LookupError), shell.session.command(b"echo out; exit 1") as running:
        list(running.output())
        raise LookupError
    assert shell.session.run(b"echo next").out == b"next\n"


def test_a_session_that_is_closed_by_another_thread_lets_go_of_the_one_that_waits(shell: FramedShell) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(shell.session.run, FOREVER)
        wait_until(lambda: shell.session.busy)
        shell.session.close()
        with pytest.raises(SessionLostError):
            waiting.result(timeout=10)


def test_input_comes_through_in_pieces_of_any_size(shell: FramedShell) -> None:
    sent = [b"", b"x", os.urandom(PIECE), b"0\n", os.urandom(PIECE * 2 + 1), b"\0" * 70_000, b"12\n"]
    with shell.session.command(TAKE, takes_input=True) as running:
        assert all(map(running.send_piece, sent))
        assert running.send_end()
        assert b"".join(running.output()) == b"".join(sent)
    assert shell.session.run(b"echo next").out == b"next\n"


def test_input_that_breaks_off_ends_the_command(shell: FramedShell) -> None:
    with shell.session.command(TAKE + b' && [ "$size" = 0 ] || exit 5', takes_input=True) as running:
        assert running.send_piece(b"half")
        assert running.send_stop()
        assert b"".join(running.output()) == b"half"
        assert running.status == 5
    assert shell.session.lost


def test_no_more_is_sent_to_a_command_that_has_ended(shell: FramedShell) -> None:
    """Although nobody closes the connection: an engine may go on taking what nobody reads, until it takes no more."""
    shell.hold()
    with shell.session.command(b"echo enough >&2; exit 3", takes_input=True) as running:
        while running.send_piece(bytes(PIECE)):
            pass
        assert b"".join(running.output()) == b""
        assert (running.status, running.errors) == (3, b"enough\n")


@pytest.mark.parametrize("size", [10, 100_000])
def test_input_that_a_failed_command_left_is_never_run(shell: FramedShell, tmp_path: Path, size: int) -> None:
    """Not even where it is what would be a command, with the right key."""
    evil = b"touch " + quoted(bytes(tmp_path / "run"))
    bait = b"%s %d mark no\n%s\n" % (KEY.encode(), len(evil), evil) * size
    with pytest.raises(SessionLostError):
        with shell.session.command(b"exit 3", takes_input=True) as running:
            running.send(bait)
            assert b"".join(running.output()) == b""
            assert running.status == 3
        shell.session.run(b":")
    assert shell.session.lost
    shell.wait()
    assert not (tmp_path / "run").exists()


def test_input_that_was_not_asked_for_is_never_run(shell: FramedShell, tmp_path: Path) -> None:
    with shell.session.command(b":", takes_input=True) as running:
        running.send(b"wrong 5 mark no\ntouch %s\n" % quoted(bytes(tmp_path / "run")))
        assert b"".join(running.output()) == b""
    with pytest.raises(SessionLostError):
        shell.session.run(b"echo next")
    assert shell.wait() == 1
    assert not (tmp_path / "run").exists()


def test_of_a_command_that_did_not_come_whole_nothing_is_run(shell: FramedShell, tmp_path: Path) -> None:
    begun = b"touch %s\n" % quoted(bytes(tmp_path / "run"))
    shell.socket.sendall(b"%s %d mark no\n%s" % (KEY.encode(), len(begun) + 1, begun))
    shell.session.close()
    assert shell.wait() == 1
    assert not (tmp_path / "run").exists()


def test_a_command_that_complains_all_the_time_takes_its_input_to_the_end(shell: FramedShell) -> None:
    loud = b'while read -r size && [ "$size" != 0 ]; do head -c "$size" >&2; done'
    with shell.session.command(loud, takes_input=True, seconds=20) as running:
        for _ in range(20):
            running.send_piece(b"?" * 100_000)
        running.send_end()
        assert b"".join(running.output()) == b""
        assert running.errors == b"?" * 64 * 1024
    assert shell.session.run(b"echo next").out == b"next\n"


def test_threads_take_turns_and_each_gets_its_own_answer(shell: FramedShell) -> None:
    def ask(number: int) -> Output:
        return shell.session.run(b"echo %d; echo %d >&2; exit %d" % (number, number, number % 50))

    with ThreadPoolExecutor(4) as pool:
        for number, found in enumerate(pool.map(ask, range(200))):
            assert found == Output(number % 50, b"%d\n" % number, b"%d\n" % number)


def test_one_thread_waits_for_the_other(shell: FramedShell) -> None:
    answered = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        with shell.session.command(b"read -r line; echo over", takes_input=True) as running:
            second = pool.submit(lambda: (shell.session.run(b"echo second"), answered.set()))
            assert not answered.is_set()
            running.send(b"go on\n")
            assert b"".join(running.output()) == b"over\n"
        assert second.result(timeout=10)[0].out == b"second\n"


words = st.binary(min_size=1, max_size=60).filter(lambda word: b"\0" not in word)


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(words, min_size=1, max_size=6))
@example([bytes(range(1, 256))])
@example([b"'", b"''", b"\\'", b"'\\''", b"\n", b"-n", b"*", b"$(id)", b"`id`", b"", b" "])
def test_words_reach_a_command_as_they_are(lasting_shell: FramedShell, argv: list[bytes]) -> None:
    found = lasting_shell.session.run(command("printf", r"%s\0", *argv))
    assert found.out == b"".join(word + b"\0" for word in argv)


def test_text_reaches_a_command_as_its_bytes(lasting_shell: FramedShell) -> None:
    assert lasting_shell.session.run(command("printf", "%s", "é\udcff")).out == "é".encode() + b"\xff"


def test_a_word_with_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quoted(b"a\0b")


def make_tree(top: Path) -> None:
    """A folder, deep below others, and links beside them."""
    (top / "a" / "b" / "-c d\n").mkdir(parents=True)
    (top / "a" / "file").touch()
    (top / "link").symlink_to("a")
    (top / "out").symlink_to("/")
    (top / "a" / "b" / "up").symlink_to("..")
    (top / "dangling").symlink_to("nowhere")


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ((), 0),
        (("a",), 0),
        (("a", "b", "-c d\n"), 0),
        (("a", "file"), NOT_A_FOLDER),
        (("a", "file", "x"), NOT_A_FOLDER),
        (("missing",), MISSING),
        (("a", "missing", "x"), MISSING),
        (("link",), LINK),
        (("link", "b"), LINK),
        (("out", "etc"), LINK),
        (("a", "b", "up"), LINK),
        (("dangling",), LINK),
    ],
)
def test_one_goes_down_to_a_folder_and_through_no_link(parts: tuple[str, ...], status: int, tmp_path: Path) -> None:
    make_tree(tmp_path)
    with FramedShell(top=str(tmp_path)) as shell:
        found = shell.session.run(command("into", *parts) + b"\npwd -P")
    assert (found.status, found.errors) == (status, b"")
    assert found.out.decode() == (f"{tmp_path.joinpath(*parts)}\n" if not status else "")


def test_a_folder_that_is_swapped_for_a_link_on_the_way_leads_nowhere_else(tmp_path: Path) -> None:
    """A link is put where the folder was after that was looked at, and before it is gone into."""
    (tmp_path / "top" / "a").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    swap = b'cd() { rmdir ./a 2>/dev/null && ln -s %s a; command cd "$@"; }\n' % quoted(bytes(tmp_path / "outside"))
    with FramedShell(top=str(tmp_path / "top")) as shell:
        found = shell.session.run(swap + b"into a\npwd -P")
    assert (found.status, found.out) == (LINK, b"")
    assert (tmp_path / "top" / "a").is_symlink()
