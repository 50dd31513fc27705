"""Importing archives: what comes in is whole or nothing, whatever the archive, the folder, and whoever dies meanwhile."""

from __future__ import annotations

import gzip
import io
import os
import signal
import struct
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TOKEN
from tests.e2e.program import Program
from tests.engine import golden_tree, http_client
from tests.engine.golden_tree import Fact, difference, snapshot, without
from tests.engine.http_client import Answer, Client
from tests.waiting import wait_until
from webui.engine import import_scripts
from webui.engine.connection import Engine

MIB = 1024 * 1024


@dataclass(frozen=True)
class Here:
    """An empty volume: its top folder on the engine's machine, where the tests are too, and a script that asks for it."""

    name: str
    top: Path
    api: Client

    @property
    def url(self) -> str:
        return f"/e/default/volumes/{self.name}"

    def send(self, archive: bytes, query: str = "", **headers: str) -> Answer:
        """Import it, into the top folder where the query has no other."""
        return self.api.request("POST", f"{self.url}/import?{query}", archive, **headers)

    def fill(self, files: dict[str, bytes]) -> None:
        """Put files into it, and folders where they need them."""
        for path, content in files.items():
            (self.top / path).parent.mkdir(parents=True, exist_ok=True)
            (self.top / path).write_bytes(content)

    def files(self) -> dict[str, bytes]:
        """Its files and what is in them."""
        return {
            str(each.relative_to(self.top)): each.read_bytes()
            for each in self.top.rglob("*")
            if each.is_file() and not each.is_symlink()
        }

    def own(self) -> list[str]:
        """What of Demijohn's own lies in it."""
        return [each.name for each in self.top.iterdir() if "demijohn" in each.name]

    def is_again(self, before: dict[bytes, Fact]) -> bool:
        """Whether it is as it was; while it changes it is not."""
        try:
            return not difference(before, self.tree())
        except FileNotFoundError:
            return False

    def tree(self) -> dict[bytes, Fact]:
        """All that is in it; when a folder was changed does not count, as putting something back changes it too."""
        found = snapshot(self.top)
        return {path: replace(fact, mtime_ns=0) if fact.type == "folder" else fact for path, fact in found.items()}


@pytest.fixture
def here(engine: Engine, api: Client, prefix: str, small_image: str) -> Iterator[Here]:
    top = Path(engine.api.create_volume(prefix)["Mountpoint"])
    yield Here(prefix, top, api)
    golden_tree.remove(top)


def entry(name: str, kind: bytes = tarfile.REGTYPE, **about: Any) -> tarfile.TarInfo:
    """An entry of a tar; folders may be walked into."""
    found = tarfile.TarInfo(name)
    found.type, found.mode = kind, 0o755 if kind == tarfile.DIRTYPE else 0o644
    for key, value in about.items():
        setattr(found, key, value)
    return found


def tar(*entries: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of these entries, those of files with what is in them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for each in entries:
            info, content = each if isinstance(each, tuple) else (each, b"")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def files_tar(files: dict[str, bytes]) -> bytes:
    """A tar of files alone; folders follow from their names."""
    return tar(*((entry(name), content) for name, content in files.items()))


def files_zip(files: dict[str, bytes]) -> bytes:
    """The same as a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def zst(data: bytes) -> bytes:
    """Compressed by the program everybody has."""
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


FILES = {"a/one": b"1", "a/b/two": os.urandom(300_000), "three": b"", "a/four": b"4" * 5000}


class TestWhatComesIn:
    @pytest.mark.parametrize(
        "pack",
        [files_tar, lambda files: gzip.compress(files_tar(files)), files_zip],
        ids=["tar", "tar.gz", "zip"],
    )
    def test_a_format_is_told_by_its_content(self, here: Here, pack: Callable[[dict[str, bytes]], bytes]) -> None:
        told = here.send(pack(FILES), Content_Type="text/plain").json(201)
        assert here.files() == FILES
        assert (told["files"], told["bytes"]) == (4, sum(map(len, FILES.values())))
        assert (told["left_out"], told["warnings"]) == ([], [])
        assert here.own() == []

    def test_zstd_too(self, here: Here) -> None:
        from backports import zstd as library

        here.send(library.compress(files_tar(FILES))).json(201)
        assert here.files() == FILES

    def test_what_was_exported_comes_back(self, here: Here) -> None:
        golden_tree.build(here.top)
        before = snapshot(here.top)
        archive = here.api.request("GET", f"{here.url}/archive?format=tar")
        assert archive.status == 200
        golden_tree.remove(here.top)
        told = here.send(archive.body, "devices=1").json(201)
        assert told["others"] > 0
        changed = difference(without(before, "socket"), snapshot(here.top))
        # GNU tar makes two FIFOs of one with two names, and a link with two names comes back as two links. The top
        # folder is the volume's own.
        assert set(changed) <= {b"", b"hard/fifo", b"hard/link"}, changed

    def test_a_zip_of_it_brings_what_a_zip_can(self, here: Here) -> None:
        golden_tree.build(here.top)
        before = {path: fact.sha256 for path, fact in snapshot(here.top / "plain").items() if fact.type == "file"}
        archive = here.api.request("GET", f"{here.url}/archive?path=plain&format=zip")
        golden_tree.remove(here.top)
        here.send(archive.body).json(201)
        after = {path: fact.sha256 for path, fact in snapshot(here.top / "plain").items() if fact.type == "file"}
        assert before == after

    def test_owners(self, here: Here) -> None:
        (here.top / "of").mkdir()
        os.chown(here.top / "of", 77, 88)
        archive = tar((entry("f", uid=1, gid=2), b"x"), (entry("d/g", uid=3, gid=4), b"x"))
        here.send(archive, "path=of").json(201)
        found = snapshot(here.top / "of")
        assert (found[b"f"].owner, found[b"d/g"].owner) == ((1, 2), (3, 4))
        here.send(archive, "path=of&owners=folder&exists=replace").json(201)
        found = snapshot(here.top / "of")
        assert (found[b"f"].owner, found[b"d/g"].owner) == ((77, 88), (77, 88))

    def test_modes_and_devices(self, here: Here) -> None:
        device = entry("null", tarfile.CHRTYPE, devmajor=1, devminor=3)
        archive = tar((entry("su", mode=0o6755), b"x"), entry("pipe", tarfile.FIFOTYPE), device)
        told = here.send(archive, "modes=plain").json(201)
        assert [each["name"] for each in told["left_out"]] == ["null"]
        assert told["left_out_count"] == 1
        found = snapshot(here.top)
        assert (found[b"su"].mode, found[b"pipe"].type, b"null" in found) == (0o755, "fifo", False)
        here.send(archive, "devices=1&exists=replace").json(201)
        found = snapshot(here.top)
        assert (found[b"su"].mode, found[b"null"].device) == (0o6755, (1, 3))

    def test_an_empty_archive_brings_nothing(self, here: Here) -> None:
        assert here.send(tar()).json(201)["files"] == 0
        assert here.send(tar(entry(".", tarfile.DIRTYPE))).json(201)["files"] == 0
        assert list(here.top.iterdir()) == []

    def test_a_deep_and_a_long_name(self, here: Here) -> None:
        name = "/".join("x" * 250 for _ in range(15)) + "/" + "é" * 120
        here.send(tar((entry(name), b"deep"))).json(201)
        assert b"deep" in here.files().values()

    @pytest.mark.parametrize(
        "query", ["owners=nobody", "modes=all", "devices=x", "exists=keep-both", "exist=skip", "path=.."]
    )
    def test_an_option_that_makes_no_sense(self, here: Here, query: str) -> None:
        assert here.send(files_tar(FILES), query).fields()
        assert list(here.top.iterdir()) == []

    def test_where_there_is_no_folder(self, here: Here) -> None:
        here.fill({"file": b"x"})
        (here.top / "link").symlink_to("/")
        assert here.send(files_tar(FILES), "path=missing").status == 404
        assert here.send(files_tar(FILES), "path=file").json(409)["error"]
        assert here.send(files_tar(FILES), "path=link").json(409)["error"]
        assert here.send(files_tar(FILES), "path=link/etc").json(409)["error"]
        assert here.files() == {"file": b"x"}


class TestWhereNamesAreTaken:
    def test_folders_of_both_are_merged(self, here: Here) -> None:
        here.fill({"a/old": b"old", "a/b/old": b"old", "other/x": b"x"})
        (here.top / "a").chmod(0o711)
        os.chown(here.top / "a", 5, 6)
        here.send(tar(entry("a", tarfile.DIRTYPE, mode=0o777), (entry("a/new"), b"n"), (entry("a/b/new"), b"n"))).json(
            201
        )
        assert here.files() == {"a/old": b"old", "a/b/old": b"old", "other/x": b"x", "a/new": b"n", "a/b/new": b"n"}
        fact = snapshot(here.top)[b"a"]
        assert (fact.mode, fact.owner) == (0o711, (5, 6))

    def test_nothing_is_changed_where_names_are_taken(self, here: Here) -> None:
        here.fill({"a/one": b"old", "three": b"old", "z": b"z"})
        before = here.tree()
        refused = here.send(files_tar(FILES))
        assert refused.fields(409)["exists"]
        told = refused.json(409)
        assert (sorted(told["clashes"]), told["clash_count"]) == (["a/one", "three"], 2)
        assert not difference(before, here.tree())

    def test_the_first_hundred_names_are_told(self, here: Here) -> None:
        files = {f"{number:03}": b"" for number in range(250)}
        here.fill(files)
        told = here.send(files_tar(files)).json(409)
        assert (len(told["clashes"]), told["clash_count"]) == (100, 250)

    def test_what_is_there_is_replaced(self, here: Here) -> None:
        here.fill({"a/one": b"old", "a/kept": b"kept", "link-to-be": b"x", "three": b"old"})
        (here.top / "a" / "b").symlink_to("..")
        os.mkfifo(here.top / "a" / "four")
        told = here.send(files_tar(FILES), "exists=replace").json(201)
        assert told["files"] == 4
        assert here.files() == FILES | {"a/kept": b"kept", "link-to-be": b"x"}
        assert here.own() == []

    def test_a_folder_is_never_replaced_by_what_is_none(self, here: Here) -> None:
        here.fill({"three/precious": b"precious", "a/one": b"old"})
        before = here.tree()
        told = here.send(files_tar(FILES), "exists=replace").json(409)
        assert told["clashes"] == ["three"]
        assert not difference(before, here.tree())

    def test_what_is_there_is_skipped(self, here: Here) -> None:
        here.fill({"a/one": b"old", "three/x": b"x"})
        (here.top / "a" / "b").write_bytes(b"a file, not a folder")
        told = here.send(files_tar(FILES), "exists=skip").json(201)
        assert here.files() == {
            "a/one": b"old",
            "three/x": b"x",
            "a/b": b"a file, not a folder",
            "a/four": FILES["a/four"],
        }
        assert {each["name"] for each in told["left_out"]} == {"a/one", "a/b", "three"}
        assert (told["files"], told["folders"], told["links"], told["bytes"]) == (1, 0, 0, 5000)

    def test_what_is_brought_beside_what_is_skipped_is_counted(self, here: Here) -> None:
        here.fill({"taken": b"old"})
        archive = tar(
            *((entry(name), b"new") for name in ("taken/p/q", "new/deep/one")),
            (entry("new/again", tarfile.LNKTYPE, linkname="new/deep/one"), b""),
        )
        told = here.send(archive, "exists=skip").json(201)
        assert (told["files"], told["folders"], told["links"], told["bytes"]) == (1, 2, 1, 3)

    def test_all_of_it_is_skipped(self, here: Here) -> None:
        here.fill(FILES)
        before = here.tree()
        told = here.send(files_tar(FILES), "exists=skip").json(201)
        assert (told["files"], told["bytes"], told["left_out_count"]) == (0, 0, 4)
        assert not difference(before, here.tree())

    def test_links_in_the_folder_are_not_followed(self, here: Here, tmp_path: Path) -> None:
        (tmp_path / "precious").write_bytes(b"precious")
        (here.top / "a").symlink_to(tmp_path)
        assert here.send(files_tar({"a/precious": b"x"})).json(409)["clashes"] == ["a"]
        here.send(files_tar({"a/precious": b"x"}), "exists=replace").json(201)
        assert (tmp_path / "precious").read_bytes() == b"precious"
        assert here.files() == {"a/precious": b"x"}

    def test_odd_names_are_told_apart(self, here: Here) -> None:
        here.fill({"plain": b"x"})
        for name in golden_tree.ODD_NAMES:
            golden_tree.write(golden_tree.named(here.top, name), b"old")
        entries = [(entry(name.decode("utf-8", "surrogateescape")), b"new") for name in golden_tree.ODD_NAMES]
        archive = tar(*entries)
        assert here.send(archive).json(409)["clash_count"] == len(entries)
        here.send(archive, "exists=replace").json(201)
        assert set(here.files().values()) == {b"x", b"new"}
        assert len(here.files()) == len(entries) + 1

    def test_what_looks_like_demijohns_own_stays_out_of_its_place(self, here: Here) -> None:
        (here.top / "sub").mkdir()
        for name in (".demijohn-helper-1", ".demijohn-kept-1"):
            archive = files_tar({f"{name}/f": b"x"})
            assert here.send(archive).fields()["archive"]
            here.send(archive, "path=sub").json(201)
        assert set(here.files()) == {"sub/.demijohn-helper-1/f", "sub/.demijohn-kept-1/f"}


def symlink(name: str, target: str) -> tarfile.TarInfo:
    return entry(name, tarfile.SYMTYPE, linkname=target)


def hard_link(name: str, target: str) -> tarfile.TarInfo:
    return entry(name, tarfile.LNKTYPE, linkname=target)


def overlapping_zip() -> bytes:
    """Two entries of the directory that share one's data."""
    data = bytearray(files_zip({"a": b"x" * 1000, "b": b"y"}))
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = struct.pack("<L", 0)
    return bytes(data)


def encrypted_zip() -> bytes:
    data = bytearray(files_zip({"a": b"x"}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(mark) + place
        data[at] |= 1
    return bytes(data)


GOOD = (entry("good/first"), b"fine")
HOSTILE = {
    "climbs": tar(GOOD, (entry("../outside"), b"x")),
    "climbs inside": tar(GOOD, (entry("good/../../outside"), b"x")),
    "absolute": tar(GOOD, (entry("/etc/passwd"), b"x")),
    "through its own link": tar(GOOD, symlink("l", "/tmp"), (entry("l/x"), b"x")),
    "through a link upwards": tar(GOOD, symlink("l", ".."), (entry("l/x"), b"x")),
    "over its own link": tar(GOOD, symlink("l", "/etc/passwd"), (entry("l"), b"x")),
    "hard link outside": tar(GOOD, hard_link("h", "../../etc/passwd")),
    "hard link to what is there": tar(GOOD, hard_link("h", "precious")),
    "below a file": tar(GOOD, (entry("f"), b"x"), (entry("f/x"), b"x")),
    "twice": tar(GOOD, (entry("f"), b"1"), (entry("f"), b"2")),
    "no name": tar(GOOD, (entry(""), b"x")),
    "dots": tar(GOOD, (entry(".."), b"x")),
    "long component": tar(GOOD, (entry("x" * 256), b"x")),
    "cut off": tar(GOOD, (entry("f"), b"x" * 5000))[:2000],
    "without an end": tar(GOOD)[:1024],
    "garbage behind": tar(GOOD) + b"garbage" * 200,
    "damaged": tar(GOOD, (entry("f"), b"x")).replace(b"ustar\x0000", b"usTar\x0000"),
    "gzip cut off": gzip.compress(tar(GOOD, (entry("f"), os.urandom(500_000))))[:100_000],
    "gzip damaged": gzip.compress(tar(GOOD))[:-8] + bytes(8),
    "compressed twice": gzip.compress(gzip.compress(tar(GOOD))),
    "xz": b"\xfd7zXZ\0" + bytes(1000),
    "rar": b"Rar!\x1a\x07\x01\0" + bytes(1000),
    "nothing": b"",
    "text": b"hello, I am no archive" * 100,
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(1000),
    "zip climbs": files_zip({"good": b"x", "../outside": b"x"}),
    "zip absolute": files_zip({"good": b"x", "/etc/passwd": b"x"}),
    "zip cut off": files_zip({"good": os.urandom(100_000)})[:50_000],
    "zip overlaps": overlapping_zip(),
    "zip encrypted": encrypted_zip(),
    "zip damaged": files_zip({"good": b"x" * 1000}).replace(b"good", b"evil", 1),
}
"""Archives that nobody should unpack, all beginning with an entry that is fine."""


class TestHostileArchives:
    @pytest.mark.parametrize("folder", ["", "path=sub"])
    def test_they_change_nothing(self, here: Here, folder: str) -> None:
        here.fill({"precious": b"precious", "good/old": b"old", "sub/good/old": b"old"})
        before = here.tree()
        for exists in ("refuse", "replace", "skip"):
            for name, archive in HOSTILE.items():
                answer = here.send(archive, f"exists={exists}&{folder}")
                assert answer.status == 422, (name, answer)
                assert answer.fields()["archive"], name
                assert not difference(before, here.tree()), name
        wait_until(lambda: here.own() == [])

    def test_a_bomb_is_stopped(self, here: Here) -> None:
        zeros = gzip.compress(bytes(400 * MIB), 9)
        head = tar((entry("f"), b""))[:512]
        header = bytearray(head)
        header[124:136] = b"%011o\0" % (4 << 30)
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        bomb = gzip.compress(bytes(header)) + zeros * 8
        assert "times its size" in here.send(bomb).fields()["archive"]
        wait_until(lambda: list(here.top.iterdir()) == [])

    def test_one_that_breaks_off_on_the_way_changes_nothing(self, here: Here) -> None:
        import socket

        for archive in (files_tar({"f": os.urandom(3 * MIB)}), files_zip({"f": os.urandom(3 * MIB)})):
            with socket.create_connection(("127.0.0.1", here.api.port), timeout=60) as connection:
                lines = (
                    f"POST {here.url}/import HTTP/1.1",
                    f"Host: localhost:{here.api.port}",
                    f"Authorization: Bearer {TOKEN}",
                    f"Content-Length: {len(archive)}",
                )
                connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + archive[: 2 * MIB])
                connection.shutdown(socket.SHUT_WR)
                answer = connection.makefile("rb").read()
            assert answer.startswith(b"HTTP/1.1 422 "), answer[:300]
            wait_until(lambda: list(here.top.iterdir()) == [])

    def test_an_archive_that_is_whole_in_a_body_that_is_not(self, here: Here) -> None:
        import socket

        archive = files_tar({"f": b"x"})
        with socket.create_connection(("127.0.0.1", here.api.port), timeout=60) as connection:
            head = f"POST {here.url}/import HTTP/1.1\r\nHost: localhost:{here.api.port}\r\n"
            head += f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(archive) + 1000}\r\n\r\n"
            connection.sendall(head.encode() + archive)
            connection.shutdown(socket.SHUT_WR)
            assert connection.makefile("rb").read().startswith(b"HTTP/1.1 422 ")
        wait_until(lambda: list(here.top.iterdir()) == [])


BEFORE = {f"d{number}/f{place}": b"old %d" % number for number in range(12) for place in range(3)} | {"top": b"old"}
AFTER = {f"d{number}/f{place}": b"new %d" % number for number in range(12) for place in range(1, 5)} | {
    "top": b"new",
    "fresh/one": b"new",
}


class TestFaults:
    """A merge has many steps; whichever fails, all is as it was before."""

    @pytest.mark.parametrize("done", [False, True], ids=["before it is done", "after it is done"])
    def test_any_step_may_fail(self, here: Here, monkeypatch: pytest.MonkeyPatch, done: bool) -> None:
        here.fill(BEFORE)
        before = here.tree()
        names = ("move_all", "make_room", "keep")
        steps = 0

        def failing(number: int) -> int:
            """Let the step of that number fail; how many were begun."""
            begun = 0

            def wrapped(original: Callable[..., bytes]) -> Callable[..., bytes]:
                def script(*arguments: Any) -> bytes:
                    nonlocal begun
                    begun += 1
                    said = original(*arguments)
                    if begun == number:
                        return said + b"\nexit 74" if done else b"exit 74\n" + said
                    return said

                return script

            with monkeypatch.context() as patched:
                for name in names:
                    patched.setattr(import_scripts, name, wrapped(getattr(import_scripts, name)))
                answer = here.send(files_tar(AFTER), "exists=replace")
            if answer.status != 201:
                assert answer.json(502)["error"]
            return begun

        number = 1
        while (steps := failing(number)) >= number:
            assert not difference(before, here.tree()), number
            assert here.own() == [], number
            number += 4
        assert steps > 20
        assert here.files() == BEFORE | AFTER

    def test_a_name_that_is_taken_meanwhile_is_not_overwritten(
        self, here: Here, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here.fill(BEFORE)
        original = import_scripts.keep

        def keep(*arguments: Any) -> bytes:
            here.fill({"d11/f4": b"somebody else's"})
            return original(*arguments)

        monkeypatch.setattr(import_scripts, "keep", keep)
        refused = here.send(files_tar(AFTER), "exists=replace").json(409)
        assert "meanwhile" in refused["error"]
        assert here.files() == BEFORE | {"d11/f4": b"somebody else's"}
        assert here.own() == []

    def test_a_folder_that_becomes_a_link_meanwhile_is_not_followed(
        self, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here.fill(BEFORE)
        original = import_scripts.keep

        def keep(*arguments: Any) -> bytes:
            (here.top / "d11").rename(here.top / "moved")
            (here.top / "d11").symlink_to(tmp_path)
            return original(*arguments)

        monkeypatch.setattr(import_scripts, "keep", keep)
        assert here.send(files_tar(AFTER), "exists=replace").json(409)["error"]
        assert list(tmp_path.iterdir()) == []
        (here.top / "d11").unlink()
        (here.top / "moved").rename(here.top / "d11")
        assert here.files() == BEFORE
        assert here.own() == []

    def test_the_helper_may_die(self, here: Here, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        here.fill(BEFORE)
        before = here.tree()
        original, calls = import_scripts.move_all, 0

        def move_all(*arguments: Any) -> bytes:
            nonlocal calls
            calls += 1
            if calls == 9:
                for helper in engine.api.containers(filters={"volume": here.name}):
                    engine.api.kill(helper["Id"])
            return original(*arguments)

        monkeypatch.setattr(import_scripts, "move_all", move_all)
        assert here.send(files_tar(AFTER), "exists=replace").status in {502, 503}
        assert calls > 9
        wait_until(lambda: here.is_again(before))
        here.send(files_tar(AFTER), "exists=replace").json(201)
        assert here.files() == BEFORE | AFTER
        assert here.own() == []

    def test_it_can_be_cancelled(self, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
        here.fill(BEFORE)
        before = here.tree()
        original, begun, go_on = import_scripts.move_all, threading.Event(), threading.Event()

        def move_all(*arguments: Any) -> bytes:
            begun.set()
            assert go_on.wait(60)
            return original(*arguments)

        monkeypatch.setattr(import_scripts, "move_all", move_all)
        answers: list[Answer] = []
        sender = threading.Thread(target=lambda: answers.append(here.send(files_tar(AFTER), "exists=replace")))
        sender.start()
        assert begun.wait(60)
        (job,) = [each for each in here.api.get("/jobs").json()["jobs"] if each["subject"] == here.name]
        assert (job["kind"], job["state"]) == ("import", "running")
        here.api.delete(f"/jobs/{job['id']}")
        go_on.set()
        sender.join(60)
        assert "cancelled" in answers[0].json(409)["error"]
        assert not difference(before, here.tree())
        assert here.own() == []

    def test_what_can_not_be_removed_afterwards_is_told_and_tried_again(
        self, here: Here, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here.fill(BEFORE)
        monkeypatch.setattr(import_scripts, "remove_kept", lambda *_: b"exit 74")
        told = here.send(files_tar(AFTER), "exists=replace").json(201)
        assert "tried again" in told["warnings"][0]
        assert [name.startswith(".demijohn-kept-") for name in here.own()] == [True]
        assert here.files().keys() > AFTER.keys()
        assert ".demijohn" not in here.api.request("GET", f"{here.url}/files").text

    def test_several_at_once(self, here: Here) -> None:
        here.fill({"shared/old": b"old"})
        answers: list[Answer] = []
        sent = [{f"shared/{number}/{place}": b"x" for place in range(20)} for number in range(4)]
        senders = [
            threading.Thread(target=lambda files=files: answers.append(here.send(files_tar(files)))) for files in sent
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(120)
        assert [answer.status for answer in answers] == [201] * 4
        assert len(here.files()) == 81
        assert here.own() == []

    def test_much_that_tar_complains_of_does_not_stop_it(
        self, api: Client, engine: Engine, prefix: str, small_image: str
    ) -> None:
        """A file system without ACLs, of which every entry has one."""
        name = f"{prefix}-ram"
        engine.api.create_volume(name, driver_opts={"type": "ramfs", "device": "ramfs"})
        holder = engine.api.create_container(
            small_image,
            command=["sleep", "600"],
            name=f"{prefix}-holder",
            host_config=engine.api.create_host_config(binds=[f"{name}:/v"], network_mode="none"),
        )["Id"]
        try:
            engine.api.start(holder)
            many = [entry(f"f{number}", pax_headers={"SCHILY.xattr.user.x": "1"}) for number in range(5000)]
            told = Here(name, Path("/"), api).send(tar(*many)).json(201)
            assert told["files"] == 5000
            assert told["warnings"]
            assert api.get(f"/e/default/volumes/{name}/files", limit="1").json()["total"] == 5000
        finally:
            engine.api.remove_container(holder, force=True)


class TestTheAppDies:
    def test_in_the_middle_of_a_merge(self, here: Here, engine_socket: str, tmp_path: Path) -> None:
        folders = 400
        here.fill({f"d{number}/f": b"old" for number in range(folders)})
        before = here.tree()
        archive = files_tar({f"d{number}/f": b"new" for number in range(folders)} | {"fresh": b"new"})
        with killed(tmp_path / "first", engine_socket, tmp_path / "data") as port:
            client = http_client.script(port, TOKEN)
            sender = threading.Thread(
                target=send_and_forget, args=(client, f"{here.url}/import?exists=replace", archive)
            )
            sender.start()
            wait_until(lambda: len(list(here.top.glob(".demijohn-kept-*/old/*"))) > folders // 4, seconds=120)
        sender.join(60)
        contents = [content for path, content in here.files().items() if not path.startswith(".")]
        assert b"new" in contents
        assert b"old" in contents
        program = Program(tmp_path / "second", engine_socket, f"--data-dir={tmp_path / 'data'}")
        try:
            wait_until(lambda: here.is_again(before), seconds=60)
        finally:
            program.stop()
        assert here.own() == []

    def test_while_it_comes(self, here: Here, engine_socket: str, tmp_path: Path) -> None:
        here.fill({"old": b"old"})
        before = here.tree()
        with killed(tmp_path / "first", engine_socket, tmp_path / "data") as port:
            import socket

            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                head = f"POST {here.url}/import HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Bearer {TOKEN}\r\n"
                archive = files_tar({"f": os.urandom(4 * MIB)})
                connection.sendall(f"{head}Content-Length: {len(archive)}\r\n\r\n".encode() + archive[: 3 * MIB])
                wait_until(here.own, seconds=60)
        program = Program(tmp_path / "second", engine_socket, f"--data-dir={tmp_path / 'data'}")
        try:
            wait_until(lambda: here.is_again(before), seconds=60)
        finally:
            program.stop()


@contextmanager
def killed(folder: Path, engine_socket: str, data: Path) -> Iterator[int]:
    """The program, killed at the end of the block without any warning; its port."""
    program = Program(folder, engine_socket, f"--data-dir={data}")
    try:
        yield int(program.origin.rpartition(":")[2])
    finally:
        os.kill(program._process.pid, signal.SIGKILL)
        program._process.wait(30)
        program._output.close()


def send_and_forget(client: Client, address: str, archive: bytes) -> None:
    """Send it to somebody who dies meanwhile."""
    try:
        client.request("POST", address, archive)
    except OSError:
        return
    except Exception as error:
        if "closed connection" not in str(error):
            raise
