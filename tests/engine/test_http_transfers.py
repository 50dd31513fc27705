"""Files in and out over HTTP, from outside: uploads, downloads, archives, the forms that need no JavaScript."""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import socket
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

import pytest

from tests.conftest import TOKEN
from tests.engine import golden_tree
from tests.engine.golden_tree import ODD_NAMES, difference, moved, snapshot, without
from tests.engine.http_client import Answer, Client
from tests.waiting import wait_until
from webui.engine.connection import Engine
from webui.house import MOST_DOWNLOADS

MIB = 1024 * 1024
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@dataclass(frozen=True)
class Here:
    """An empty volume: its top folder on the engine's machine, where the tests are too, and a script that asks for it."""

    name: str
    top: Path
    api: Client

    @property
    def url(self) -> str:
        return f"/e/default/volumes/{self.name}"

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        return self.api.request(method, f"{self.url}/{path}", body, **headers)

    def open(self, method: str, path: str) -> AbstractContextManager[http.client.HTTPResponse]:
        return self.api.open(method, f"{self.url}/{path}")

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def put(self, path: str, body: bytes = b"", **headers: str) -> Answer:
        return self.request("PUT", path, body, **headers)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.api.port), timeout=60)

    def head(self, *lines: str) -> bytes:
        """The head of a request of the script's, its first line given."""
        first, *rest = lines
        own = (f"Host: localhost:{self.api.port}", f"Authorization: Bearer {TOKEN}", "Accept: application/json")
        return "".join(f"{line}\r\n" for line in (first, *own, *rest, "")).encode()

    def own(self) -> list[str]:
        """What of Demijohn's own lies in it."""
        return [each.name for each in self.top.iterdir() if "demijohn" in each.name]

    def tree(self) -> dict[bytes, golden_tree.Fact]:
        """All that is in it; when its top folder was changed does not count."""
        found = snapshot(self.top)
        return found | {b"": replace(found[b""], mtime_ns=0)}


@pytest.fixture
def here(engine: Engine, api: Client, prefix: str, small_image: str) -> Iterator[Here]:
    top = Path(engine.api.create_volume(prefix)["Mountpoint"])
    yield Here(prefix, top, api)
    golden_tree.remove(top)


def under(name: bytes) -> str:
    """A name as an address has it."""
    return quote(name, safe="")


class TestUpload:
    @pytest.mark.parametrize("size", [0, 1, 70_000, MIB, MIB + 1, 5 * MIB + 7])
    def test_a_new_file_holds_what_was_sent(self, here: Here, size: int) -> None:
        os.chown(here.top, 12, 34)
        content = os.urandom(size)
        answer = here.put("files/new.bin", content)
        told = answer.json(201)
        assert answer.headers["Location"].endswith("/files/new.bin")
        assert (told["name"], told["size"], told["uid"], told["gid"], told["mode"]) == ("new.bin", size, 12, 34, "0644")
        assert (here.top / "new.bin").read_bytes() == content
        assert here.own() == []

    def test_any_name_that_linux_knows(self, here: Here) -> None:
        for name in ODD_NAMES:
            told = here.put(f"files/{under(name)}", name).json(201)
            assert unquote_to_bytes(told["id"]) == name
            assert told["name"].encode("utf-8", "surrogateescape") == name
            assert golden_tree.named(here.top, name).read_bytes() == name
            got = here.request("GET", f"download/{told['id']}")
            assert (got.status, got.body) == (200, name)
        assert len(list(here.top.iterdir())) == len(ODD_NAMES)

    def test_one_that_is_replaced_keeps_owner_and_mode(self, here: Here) -> None:
        golden_tree.write(here.top / "f", b"old", 0o4750)
        os.chown(here.top / "f", 7, 8)
        (here.top / "f").chmod(0o4750)
        os.setxattr(here.top / "f", "user.note", b"kept")
        told = here.put("files/f", b"new").json(200)
        assert (told["mode"], told["uid"], told["gid"]) == ("4750", 7, 8)
        assert ((here.top / "f").read_bytes(), os.getxattr(here.top / "f", "user.note")) == (b"new", b"kept")

    def test_what_to_do_where_the_name_is_taken(self, here: Here) -> None:
        (here.top / "f.txt").write_bytes(b"old")
        assert here.put("files/f.txt?exists=refuse", b"new").fields(409)["exists"]
        assert here.put("files/f.txt", b"new", If_None_Match="*").json(409)["error"]
        assert here.put("files/f.txt?exists=skip", b"new").json()["skipped"] is True
        assert (here.top / "f.txt").read_bytes() == b"old"
        assert here.put("files/f.txt?exists=keep-both", b"new").json(201)["name"] == "f (2).txt"
        assert ((here.top / "f.txt").read_bytes(), (here.top / "f (2).txt").read_bytes()) == (b"old", b"new")
        assert here.put("files/f.txt?exists=replace", b"new").status == 200
        assert (here.top / "f.txt").read_bytes() == b"new"

    def test_only_the_version_that_is_meant_is_replaced(self, here: Here) -> None:
        version = here.put("files/f", b"one").json(201)["version"]
        assert here.put("files/f", b"two", If_Match=f'"{version}"').status == 200
        for stale in (f'"{version}"', 'W/"x"', '"none"'):
            assert here.put("files/f", b"three", If_Match=stale).json(409)["error"]
        assert here.put("files/missing", b"x", If_Match="*").status == 409
        assert here.put("files/f", b"four", If_Match="*").status == 200
        assert [(each.name, each.read_bytes()) for each in here.top.iterdir()] == [("f", b"four")]

    def test_folders_on_the_way_are_made_only_where_that_is_asked(self, here: Here) -> None:
        assert here.put("files/a/b/c", b"x").status == 404
        assert here.put("files/a/b/c?parents=1", b"x").json(201)["path"] == "a/b/c"
        assert (here.top / "a" / "b" / "c").read_bytes() == b"x"
        (here.top / "file").write_bytes(b"f")
        assert here.put("files/file/below?parents=1", b"x").status == 409

    def test_neither_a_folder_nor_a_link_is_written_to(self, here: Here, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.write_bytes(b"precious")
        (here.top / "d").mkdir()
        (here.top / "l").symlink_to(outside)
        (here.top / "dl").symlink_to(tmp_path)
        os.mkfifo(here.top / "p")
        before = here.tree()
        for name in ("d", "l", "p", "dl/new"):
            assert here.put(f"files/{name}", b"new").json(409)["error"]
        assert here.put("files", b"new").status == 409
        assert here.put("files/.demijohn-kept-1", b"new").status == 409
        assert not difference(before, here.tree())
        assert outside.read_bytes() == b"precious"

    @pytest.mark.parametrize("bad", ["..", "a/../b", "%2e%2e/x", "a/./b", "a%00b", "x" * 256, "a//b"])
    def test_a_bad_path_changes_nothing(self, here: Here, bad: str) -> None:
        answer = here.put(f"files/{bad}?parents=1", b"x")
        assert answer.status in {404, 422, 308}
        assert list(here.top.iterdir()) == []

    @pytest.mark.parametrize("query", ["exists=perhaps", "parents=maybe", "exist=replace"])
    def test_a_query_that_makes_no_sense_changes_nothing(self, here: Here, query: str) -> None:
        assert here.put(f"files/f?{query}", b"x").fields()
        assert list(here.top.iterdir()) == []

    def test_a_missing_volume_is_not_made(self, api: Client, engine: Engine, prefix: str) -> None:
        assert api.request("PUT", f"/e/default/volumes/{prefix}-gone/files/f", b"x").status == 404
        assert not engine.api.volumes(filters={"name": f"{prefix}-gone"})["Volumes"]

    def test_another_engine_than_the_one_seen_is_left_alone(self, here: Here) -> None:
        assert here.put("files/f", b"x", X_Engine_Id="another").json(409)["error"]
        assert list(here.top.iterdir()) == []

    @pytest.mark.parametrize("size", [3, 3 * MIB])
    def test_a_body_without_a_length(self, here: Here, size: int) -> None:
        content = os.urandom(size)
        with closing(http.client.HTTPConnection("127.0.0.1", here.api.port, timeout=60)) as connection:
            chunks = (content[at : at + 100_000] for at in range(0, size, 100_000))
            headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}
            connection.request("PUT", f"{here.url}/files/f", chunks, headers, encode_chunked=True)
            assert connection.getresponse().status == 201
        assert (here.top / "f").read_bytes() == content

    @pytest.mark.parametrize("size", [500_000, 8 * MIB])
    @pytest.mark.parametrize("before", [None, b"old"])
    @pytest.mark.parametrize("framing", ["length", "chunked"])
    def test_one_that_breaks_off_changes_nothing(
        self, here: Here, size: int, before: bytes | None, framing: str
    ) -> None:
        if before is not None:
            (here.top / "f").write_bytes(before)
        told = here.tree()
        length = f"Content-Length: {size}" if framing == "length" else "Transfer-Encoding: chunked"
        half = os.urandom(size // 2)
        with here.connect() as connection:
            connection.sendall(here.head(f"PUT {here.url}/files/f?parents=1 HTTP/1.1", length))
            connection.sendall(half if framing == "length" else b"%x\r\n%s\r\n" % (len(half), half))
            connection.shutdown(socket.SHUT_WR)
            answer = connection.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 422 "), answer[:200]
        assert b"nothing was changed" in answer
        wait_until(lambda: here.own() == [])
        assert not difference(told, here.tree())

    def test_a_sender_that_vanishes_leaves_nothing(self, here: Here) -> None:
        with here.connect() as connection:
            connection.sendall(here.head(f"PUT {here.url}/files/f HTTP/1.1", f"Content-Length: {50 * MIB}"))
            connection.sendall(bytes(4 * MIB))
            wait_until(here.own)
        wait_until(lambda: list(here.top.iterdir()) == [])

    def test_a_full_volume_says_so(self, api: Client, engine: Engine, prefix: str, small_image: str) -> None:
        small = f"{prefix}-small"
        engine.api.create_volume(small, driver_opts={"type": "tmpfs", "device": "tmpfs", "o": "size=2m"})
        holder = engine.api.create_container(
            small_image,
            command=["sleep", "600"],
            name=f"{prefix}-holder",
            host_config=engine.api.create_host_config(binds=[f"{small}:/v"], network_mode="none"),
        )["Id"]
        try:
            engine.api.start(holder)
            address = f"/e/default/volumes/{small}/files"
            assert api.request("PUT", f"{address}/fits", bytes(100_000)).status == 201
            for size in (MIB * 3, MIB * 8):
                refused = api.request("PUT", f"{address}/large", bytes(size)).json(409)
                assert "full" in refused["error"]
            assert [each["name"] for each in api.get(address).json()["entries"]] == ["fits"]
            assert api.request("PUT", f"{address}/again", bytes(100_000)).status == 201
        finally:
            engine.api.remove_container(holder, force=True)

    def test_a_page_needs_its_header(self, here: Here, htmx: Client, visitor: Client) -> None:
        assert visitor.request("PUT", f"{here.url}/files/f", b"x").status == 403
        answer = htmx.request("PUT", f"{here.url}/files/f", b"x", Accept="application/json")
        assert answer.json(201)["name"] == "f"
        assert htmx.request("PUT", f"{here.url}/files/g", b"x", Sec_Fetch_Site="same-site").status == 403
        assert [each.name for each in here.top.iterdir()] == ["f"]

    def test_a_folder_of_the_host_is_not_written(
        self, api: Client, docker: Callable[..., str], prefix: str, small_image: str, tmp_path: Path
    ) -> None:
        (tmp_path / "f").write_bytes(b"hello")
        docker(
            *("run", "--detach", "--network=none", f"--name={prefix}-c", "--stop-signal=KILL"),
            *(f"--volume={tmp_path}:/data", small_image, "sleep", "600"),
        )
        address = f"/e/default/containers/{prefix}-c/mounts/0"
        assert api.request("PUT", f"{address}/files/new", b"x").json(409)["error"]
        assert api.request("PUT", f"{address}/files/f", b"x").json(409)["error"]
        assert api.request("GET", f"{address}/download/f").body == b"hello"
        assert [each.name for each in tmp_path.iterdir()] == ["f"]
        assert api.request("POST", f"{address}/import", tar_of({"a": b"x"})).json(409)["error"]


class TestDownload:
    @pytest.mark.parametrize("size", [0, 1, 70_000, 3 * MIB + 5])
    def test_the_bytes_as_they_are(self, here: Here, size: int) -> None:
        content = os.urandom(size)
        (here.top / "f.html").write_bytes(content)
        answer = here.request("GET", "download/f.html")
        assert (answer.status, answer.body) == (200, content)
        headers = answer.headers
        assert headers["Content-Length"] == str(size)
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["Accept-Ranges"] == "bytes"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Content-Encoding" not in headers
        assert headers["ETag"] == f'"{here.get("files/f.html").json()["version"]}"'

    def test_nothing_of_it_runs(self, here: Here) -> None:
        (here.top / "f.svg").write_bytes(SVG)
        for query in ("", "?inline=1"):
            with here.open("GET", f"download/f.svg{query}") as response:
                assert response.headers["Content-Disposition"].startswith("attachment;")
                assert response.headers["Content-Type"] == "application/octet-stream"
                assert "sandbox; default-src 'none'" in response.headers.get_all("Content-Security-Policy", [])

    @pytest.mark.parametrize(
        ("name", "content", "shown"),
        [
            ("picture", PNG, "image/png"),
            ("picture.html", PNG, "image/png"),
            ("picture.png", SVG, None),
            ("page.png", b"<!doctype html><script>alert(1)</script>", None),
            ("page.gif", b"GIF89a/*<script>*/" + bytes(9), "image/gif"),
        ],
    )
    def test_only_pictures_are_shown_and_by_what_they_are(
        self, here: Here, name: str, content: bytes, shown: str | None
    ) -> None:
        (here.top / name).write_bytes(content)
        headers = here.request("GET", f"download/{name}?inline=1").headers
        assert headers["Content-Type"] == (shown or "application/octet-stream")
        assert headers["Content-Disposition"].partition(";")[0] == ("inline" if shown else "attachment")
        assert here.request("GET", f"download/{name}").headers["Content-Disposition"].startswith("attachment;")

    def test_it_is_saved_under_its_name(self, here: Here) -> None:
        for name in ODD_NAMES:
            golden_tree.write(golden_tree.named(here.top, name), b"x")
            with here.open("HEAD", f"download/{under(name)}") as response:
                said = response.headers["Content-Disposition"]
            assert said.isascii(), name
            assert said.isprintable(), name
            plain = said.split('filename="')[1].split('"')[0]
            saved = unquote_to_bytes(said.split("filename*=UTF-8''")[1]).decode()
            assert plain, name
            if name.isascii() and name.decode().isprintable():
                assert saved == name.decode()
                assert plain == saved or set(saved) & set('"\\%')
            assert not set(saved) & set("\u202e\u2066\u2028\n\r\0/"), name

    def test_head_says_what_get_would(self, here: Here) -> None:
        (here.top / "f").write_bytes(b"hello")
        asked, got = (here.request(method, "download/f") for method in ("HEAD", "GET"))
        assert (asked.status, asked.body) == (200, b"")
        kept = ("Content-Length", "ETag", "Last-Modified", "Content-Disposition", "Accept-Ranges", "Content-Type")
        assert {name: asked.headers[name] for name in kept} == {name: got.headers[name] for name in kept}
        assert here.request("HEAD", "download/none").status == 404

    @pytest.mark.parametrize(
        ("asked", "start", "end"),
        [
            ("bytes=0-0", 0, 1),
            ("bytes=2-4", 2, 5),
            ("bytes=5-", 5, 10),
            ("bytes=-3", 7, 10),
            ("bytes=-99", 0, 10),
            ("bytes=9-99", 9, 10),
            ("BYTES=0-9", 0, 10),
        ],
    )
    def test_a_part(self, here: Here, asked: str, start: int, end: int) -> None:
        (here.top / "f").write_bytes(b"0123456789")
        answer = here.request("GET", "download/f", Range=asked)
        assert (answer.status, answer.body) == (206, b"0123456789"[start:end])
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/10"
        assert answer.headers["Content-Length"] == str(end - start)

    @pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
    def test_a_part_that_is_not_there(self, here: Here, asked: str) -> None:
        (here.top / "f").write_bytes(b"0123456789")
        answer = here.request("GET", "download/f", Range=asked)
        assert answer.json(416)["error"]
        assert answer.headers["Content-Range"] == "bytes */10"

    @pytest.mark.parametrize(
        "asked", ["bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4", "x"]
    )
    def test_what_is_no_part_gets_the_whole(self, here: Here, asked: str) -> None:
        (here.top / "f").write_bytes(b"0123456789")
        answer = here.request("GET", "download/f", Range=asked)
        assert (answer.status, answer.body) == (200, b"0123456789")

    def test_an_empty_file_has_no_parts(self, here: Here) -> None:
        (here.top / "f").write_bytes(b"")
        assert here.request("GET", "download/f", Range="bytes=0-").status == 416

    def test_it_is_taken_up_again_where_it_broke_off(self, here: Here) -> None:
        content = os.urandom(6 * MIB)
        (here.top / "f").write_bytes(content)
        with here.open("GET", "download/f") as response:
            version = response.headers["ETag"]
            got = response.read(2 * MIB + 3)
        rest = here.request("GET", "download/f", Range=f"bytes={len(got)}-", If_Range=version)
        assert rest.status == 206
        assert hashlib.sha256(got + rest.body).digest() == hashlib.sha256(content).digest()

    def test_a_part_of_another_version_is_never_glued_on(self, here: Here) -> None:
        (here.top / "f").write_bytes(b"0123456789")
        os.utime(here.top / "f", (10**9, 10**9))
        first = here.request("HEAD", "download/f").headers
        again = here.request("GET", "download/f", Range="bytes=5-", If_Range=first["Last-Modified"])
        assert again.status == 206
        (here.top / "f").write_bytes(b"abcdefghij")
        for mark in (first["ETag"], first["Last-Modified"], f"W/{first['ETag']}", "nonsense"):
            answer = here.request("GET", "download/f", Range="bytes=5-", If_Range=mark)
            assert (answer.status, answer.body) == (200, b"abcdefghij")

    def test_what_the_reader_has_is_not_sent_again(self, here: Here) -> None:
        (here.top / "f").write_bytes(b"hello")
        version = here.request("HEAD", "download/f").headers["ETag"]
        for mark in (version, f"W/{version}", f'"other", {version}', "*"):
            answer = here.request("GET", "download/f", If_None_Match=mark)
            assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", version)
        assert here.request("GET", "download/f", If_None_Match='"other"').body == b"hello"

    def test_another_version_than_the_one_meant_is_not_sent(self, here: Here) -> None:
        (here.top / "f").write_bytes(b"hello")
        version = here.request("HEAD", "download/f").headers["ETag"]
        assert here.request("GET", "download/f", If_Match='"other"').json(409)["error"]
        for mark in (version, f'"other", {version}', "*"):
            assert here.request("GET", "download/f", If_Match=mark).body == b"hello"

    def test_only_regular_files(self, here: Here) -> None:
        (here.top / "d").mkdir()
        (here.top / "l").symlink_to("/etc/passwd")
        (here.top / "dl").symlink_to("d")
        os.mkfifo(here.top / "p")
        folder = here.request("GET", "download/d").json(409)
        assert "/archive?path=d" in folder["hint"]
        for name in ("l", "p"):
            assert here.request("GET", f"download/{name}").json(409)["error"]
        assert here.request("GET", "download/dl/x").status == 409
        assert here.request("GET", "download").status == 409
        assert here.request("GET", "download/missing").status == 404

    def test_a_file_that_is_cut_meanwhile_breaks_the_connection(self, here: Here) -> None:
        with (here.top / "f").open("wb") as file:
            file.truncate(200 * MIB)
        with here.open("GET", "download/f") as response:
            assert response.read(1) == b"\0"
            os.truncate(here.top / "f", 10)
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                response.read()
                raise AssertionError(f"{response.length} bytes are missing and nobody said so")

    def test_the_helper_stops_reading_when_the_reader_goes(self, here: Here, docker: Callable[..., str]) -> None:
        with (here.top / "f").open("wb") as file:
            file.truncate(20 << 30)
        helper = ""

        def processes() -> int:
            return docker("top", helper, "-eo", "pid,args").count(" dd ")

        with here.open("GET", "download/f") as response:
            response.read(MIB)
            helper = docker("ps", "--quiet", "--filter", f"volume={here.name}")
            assert processes() == 1
        wait_until(lambda: processes() == 0)
        assert here.request("GET", "download/f", Range="bytes=5-9").body == bytes(5)

    def test_too_many_at_once_are_refused_and_room_is_made_again(self, here: Here) -> None:
        with (here.top / "f").open("wb") as file:
            file.truncate(1 << 30)

        @contextmanager
        def several(number: int) -> Iterator[None]:
            with here.open("GET", "download/f") as response:
                assert response.status == 200
                if number > 1:
                    with several(number - 1):
                        yield
                else:
                    yield

        with several(MOST_DOWNLOADS):
            answer = here.request("GET", "download/f")
            assert answer.json(503)["error"]
            assert here.request("GET", "files").status == 200
        wait_until(lambda: here.request("GET", "download/f", Range="bytes=0-9").status == 206)


def tar_of(files: dict[str, bytes]) -> bytes:
    """A tar of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def packed_names(answer: Answer) -> list[bytes]:
    """The names in a tar, in its order."""
    assert answer.status == 200, answer.body
    with tarfile.open(fileobj=io.BytesIO(answer.body), encoding="utf-8", errors="surrogateescape") as tar:
        return [each.name.encode("utf-8", "surrogateescape") for each in tar]


def unpacked(archive: bytes, kind: str, folder: Path) -> Path:
    """An archive, unpacked by the programs that everybody has."""
    folder.mkdir()
    if kind == "zip":
        with zipfile.ZipFile(io.BytesIO(archive)) as found:
            assert found.testzip() is None
            found.extractall(folder)
        return folder
    command = [
        "tar",
        "-x",
        "-C",
        folder,
        "--numeric-owner",
        "--same-owner",
        "-p",
        "--xattrs",
        "--xattrs-include=*",
        "--acls",
    ]
    command += {"tar": [], "tar.gz": ["-z"], "tar.zst": ["-I", "zstd"]}[kind]
    subprocess.run(command, input=archive, check=True)
    return folder


class TestArchive:
    @pytest.mark.parametrize(
        ("kind", "media"),
        [("tar", "application/x-tar"), ("tar.gz", "application/gzip"), ("zip", "application/zip")],
    )
    def test_it_holds_what_is_selected(self, here: Here, tmp_path: Path, kind: str, media: str) -> None:
        for path, content in {"a/one": b"1", "a/b/two": b"22", "c": b"333", "d": b"no"}.items():
            (here.top / path).parent.mkdir(parents=True, exist_ok=True)
            (here.top / path).write_bytes(content)
        answer = here.request("GET", f"archive?path=a&path=c&format={kind}")
        assert (answer.status, answer.headers["Content-Type"]) == (200, media)
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert "Content-Encoding" not in answer.headers
        found = unpacked(answer.body, kind, tmp_path / "out")
        files = {str(each.relative_to(found)): each.read_bytes() for each in found.rglob("*") if each.is_file()}
        assert files == {"a/one": b"1", "a/b/two": b"22", "c": b"333"}

    def test_the_golden_tree_comes_back_from_a_tar(self, here: Here, tmp_path: Path) -> None:
        golden_tree.build(here.top)
        (here.top / ".demijohn-helper-other").mkdir()
        (here.top / ".demijohn-kept-other").mkdir()
        (here.top / ".demijohn-kept-other" / "f").write_bytes(b"x")
        answer = here.request("GET", "archive?format=tar")
        assert answer.status == 200
        found = unpacked(answer.body, "tar", tmp_path / "out")
        for name in (".demijohn-kept-other/f",):
            (here.top / name).unlink()
        for name in (".demijohn-helper-other", ".demijohn-kept-other"):
            (here.top / name).rmdir()
        expected, got = without(here.tree(), "socket"), snapshot(found)
        changed = difference(expected, got)
        assert set(changed) <= {b"", b"hard/fifo"}, changed  # tar makes two FIFOs of one with two names

    def test_a_folder_is_in_it_by_its_name(self, here: Here, tmp_path: Path) -> None:
        golden_tree.build(here.top)
        answer = here.request("GET", "archive?path=plain&format=tar")
        found = unpacked(answer.body, "tar", tmp_path / "out")
        assert [each.name for each in found.iterdir()] == ["plain"]
        assert not difference(moved(here.tree(), b"plain"), moved(snapshot(found), b"plain"))

    @pytest.mark.parametrize(
        ("query", "name"),
        [
            ("", "VOLUME.tar"),
            ("path=", "VOLUME.tar"),
            ("path=a", "a.tar"),
            ("path=a/x&path=a/y", "a.tar"),
            ("path=a&path=c&format=zip", "VOLUME.zip"),
            ("path=%FF%0A", "__.tar"),
        ],
    )
    def test_it_is_named_after_what_is_in_it(self, here: Here, query: str, name: str) -> None:
        (here.top / "a").mkdir()
        for path in (b"a/x", b"a/y", b"c", b"\xff\n"):
            golden_tree.write(golden_tree.named(here.top, path), b"x")
        said = here.request("GET", f"archive?{query}").headers["Content-Disposition"]
        assert said.endswith(f"filename*=UTF-8''{name.replace('VOLUME', here.name)}")

    def test_any_name_can_be_selected(self, here: Here) -> None:
        for name in ODD_NAMES:
            golden_tree.write(golden_tree.named(here.top, name), b"x")
            assert packed_names(here.request("GET", f"archive?path={under(name)}")) == [name]

    def test_a_long_selection_is_sent_as_a_form(self, here: Here, visitor: Client) -> None:
        names = [f"{number:04}-{'x' * 60}" for number in range(1500)] + ["\udcff"]
        for name in names:
            (here.top / name).write_bytes(b"")
        token = visitor.get(f"{here.url}/-/archive").text.split('name="form_token" value="')[1].split('"')[0]
        sent = {"id": [under(os.fsencode(name)) for name in names], "format": "tar", "form_token": token}
        assert len(packed_names(visitor.form(f"{here.url}/archive", sent))) == len(names)
        few = here.api.post(f"{here.url}/archive", {"path": names[-2:], "format": "tar"})
        assert packed_names(few) == list(map(os.fsencode, names[-2:]))

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ("format=rar", 422),
            ("path=a&path=a/x", 422),
            ("path=&path=a", 422),
            ("path=../x", 422),
            ("path=missing", 404),
            ("path=a&path=missing", 404),
            ("paths=a", 422),
        ],
    )
    def test_a_selection_that_makes_no_sense(self, here: Here, query: str, status: int) -> None:
        (here.top / "a").mkdir()
        (here.top / "a" / "x").write_bytes(b"")
        assert here.request("GET", f"archive?{query}").json(status)["error"]

    def test_one_that_can_not_be_finished_breaks_the_connection(self, here: Here, docker: Callable[..., str]) -> None:
        with (here.top / "f").open("wb") as file:
            for _ in range(64):
                file.write(os.urandom(MIB))
        with here.open("GET", "archive?format=tar") as response:
            response.read(1000)
            docker("rm", "--force", docker("ps", "--quiet", "--filter", f"volume={here.name}"))
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                response.read()
        assert here.request("GET", "files").status == 200

    def test_its_dialog_tells_what_each_format_loses(self, here: Here, visitor: Client, htmx: Client) -> None:
        formats = here.get("-/archive").json()["formats"]
        assert [each["format"] for each in formats] == ["tar", "tar.gz", "tar.zst", "zip"]
        page, part = visitor.get(f"{here.url}/-/archive").text, htmx.get(f"{here.url}/-/archive").text
        for each in formats:
            assert each["cannot"].split(".")[0] in page
            assert each["cannot"].split(".")[0] in part
        assert "<html" not in part

    def test_what_is_selected_is_counted_late(self, here: Here, htmx: Client) -> None:
        golden_tree.build(here.top)
        told = here.get("-/archive/contents?path=special").json()
        assert told["entries"] == 7
        assert told["special"] == {"socket": 1, "fifo": 2, "device": 3}
        assert "sockets" in htmx.get(f"{here.url}/-/archive/contents?path=special").text
        assert here.get("-/archive/contents?path=plain").json()["special"] == {}


class TestWithoutJavaScript:
    """Forms of files, which nobody may keep on the app's own disk."""

    def test_files_are_uploaded(self, here: Here, visitor: Client) -> None:
        (here.top / "sub").mkdir()
        (here.top / "sub" / "taken").write_bytes(b"old")
        action = self.action(visitor.get(f"{here.url}/-/upload?path=sub"))
        large = os.urandom(3 * MIB)
        body = form(
            {"exists": "keep-both"},
            [
                ("file", 'say "so"\n.txt', b"1"),
                ("file", "folder/inner/x", large),
                ("file", "taken", b"new"),
                ("file", "", b""),
            ],
        )
        answer = visitor.request("POST", action, body, Content_Type="multipart/form-data; boundary=limit")
        assert answer.status == 303, answer.body[:500]
        assert answer.headers["Location"].endswith("/files/sub")
        assert (here.top / "sub" / 'say "so"\n.txt').read_bytes() == b"1"
        assert (here.top / "sub" / "folder" / "inner" / "x").read_bytes() == large
        assert ((here.top / "sub" / "taken").read_bytes(), (here.top / "sub" / "taken (2)").read_bytes()) == (
            b"old",
            b"new",
        )

    @pytest.mark.parametrize(
        "content", [b"", b"\r\n", b"x--limit", b"\r\n--limi", b"\r\n--limit-\r\n" * 50, b"\r" * 70_000]
    )
    def test_no_byte_is_lost_at_the_limits(self, here: Here, content: bytes) -> None:
        body = form({}, [("file", "f", content)])
        answer = here.request("POST", "upload", body, Content_Type="multipart/form-data; boundary=limit")
        assert answer.status == 200, answer.body
        assert (here.top / "f").read_bytes() == content

    @pytest.mark.parametrize("name", ["../x", "a/../../x", "/", ".."])
    def test_a_name_that_climbs_is_refused(self, here: Here, name: str) -> None:
        (here.top / "sub").mkdir()
        body = form({}, [("file", name, b"x")])
        answer = here.request("POST", "upload?path=sub", body, Content_Type="multipart/form-data; boundary=limit")
        assert answer.status in {409, 422}
        assert [str(each.relative_to(here.top)) for each in here.top.rglob("*")] == ["sub"]

    @pytest.mark.parametrize(
        "body", [b"", b"--limit--\r\n", b"nonsense", b"--limit\r\nno header\r\n\r\nx\r\n--limit--\r\n"]
    )
    def test_a_form_without_a_file(self, here: Here, body: bytes) -> None:
        answer = here.request("POST", "upload", body, Content_Type="multipart/form-data; boundary=limit")
        assert answer.json(422)["error"]
        assert list(here.top.iterdir()) == []

    @pytest.mark.parametrize("name", ["C:\\x\\y", "\\\\host\\f", "a; filename=b"])
    def test_a_name_is_what_the_browser_means(self, here: Here, name: str) -> None:
        body = form({}, [("file", name, b"x")])
        answer = here.request("POST", "upload", body, Content_Type="multipart/form-data; boundary=limit")
        assert answer.json()["results"][0]["name"] == name
        assert [each.name for each in here.top.iterdir()] == [name]

    def test_a_field_that_nobody_reads_changes_nothing(self, here: Here) -> None:
        for route, name in (("upload", "file"), ("import", "archive")):
            body = form({"tast": "1"}, [(name, "f", tar_of({"x": b"1"}))])
            answer = here.request("POST", route, body, Content_Type="multipart/form-data; boundary=limit")
            assert "tast" in answer.fields()
        assert list(here.top.iterdir()) == []

    def test_a_field_that_nobody_reads_is_said_even_at_the_end(self, here: Here) -> None:
        body = form({}, [("file", "f", b"x")]).removesuffix(b"--limit--\r\n") + form({"tast": "1"}, [])
        answer = here.request("POST", "upload", body, Content_Type="multipart/form-data; boundary=limit")
        assert "tast" in answer.json(207)["results"][1]["fields"]

    def test_a_wish_that_comes_after_the_archive_is_not_overlooked(self, here: Here) -> None:
        late = form({"owners": "folder"}, [])
        body = form({}, [("archive", "a.tar", tar_of({"x": b"1"}))]).removesuffix(b"--limit--\r\n") + late
        answer = here.request("POST", "import", body, Content_Type="multipart/form-data; boundary=limit")
        assert "owners" in answer.fields()
        assert list(here.top.iterdir()) == []

    def test_of_many_it_says_how_far_it_came(self, here: Here, visitor: Client) -> None:
        (here.top / "taken").write_bytes(b"old")
        body = form({}, [("file", "a", b"1"), ("file", "taken", b"2"), ("file", "c", b"3")])
        told = here.request("POST", "upload", body, Content_Type="multipart/form-data; boundary=limit").json(207)
        assert told["results"][0]["name"] == "a"
        assert told["results"][1]["ok"] is False
        assert told["error"].startswith("One file was uploaded.")
        (here.top / "a").unlink()
        action = self.action(visitor.get(f"{here.url}/-/upload"))
        page = visitor.request("POST", action, body, Content_Type="multipart/form-data; boundary=limit")
        assert "One file was uploaded. Then it ended" in page.text
        assert sorted(each.name for each in here.top.iterdir()) == ["a", "taken"]

    def test_one_that_breaks_off_changes_nothing(self, here: Here) -> None:
        body = form({}, [("file", "f", os.urandom(2 * MIB))])[:MIB]
        answer = here.request("POST", "upload", body, Content_Type="multipart/form-data; boundary=limit")
        assert answer.json(422)["error"]
        assert list(here.top.iterdir()) == []

    def test_a_form_whose_head_never_ends_is_not_kept(self, here: Here) -> None:
        body = b"--limit\r\nContent-Disposition: " + b"x" * 3 * MIB
        answer = here.request("POST", "upload", body, Content_Type="multipart/form-data; boundary=limit")
        assert answer.status == 413
        assert list(here.top.iterdir()) == []

    def test_an_archive_is_imported(self, here: Here, visitor: Client) -> None:
        action = self.action(visitor.get(f"{here.url}/-/import"))
        body = form(
            {"owners": "folder", "exists": "refuse", "devices": "0"}, [("archive", "a.tar", tar_of({"x": b"1"}))]
        )
        answer = visitor.request("POST", action, body, Content_Type="multipart/form-data; boundary=limit")
        assert answer.status == 201
        assert "1 file" in answer.text
        assert (here.top / "x").read_bytes() == b"1"
        again = visitor.request("POST", action, body, Content_Type="multipart/form-data; boundary=limit")
        assert again.status == 409
        assert "Nothing was imported" in again.text

    def test_the_page_has_to_be_the_apps_own(self, here: Here, visitor: Client) -> None:
        body = form({}, [("file", "f", b"x")])
        content_type = "multipart/form-data; boundary=limit"
        for query in ("", "&form_token=", "&form_token=wrong"):
            answer = visitor.request("POST", f"{here.url}/upload?path={query}", body, Content_Type=content_type)
            assert answer.status == 403
        action = self.action(visitor.get(f"{here.url}/-/upload"))
        for site in ("same-site", "cross-site"):
            answer = visitor.request("POST", action, body, Content_Type=content_type, Sec_Fetch_Site=site)
            assert answer.status == 403
        assert list(here.top.iterdir()) == []

    @staticmethod
    def action(page: Answer) -> str:
        """Where the form of a page is sent to."""
        assert page.status == 200
        before, _, _ = page.text.partition('enctype="multipart/form-data"')
        after = page.text.partition('enctype="multipart/form-data"')[2]
        found = (before.rpartition("<form")[2] + after).split('action="')[1].split('"')[0]
        return found.replace("&amp;", "&")


def form(fields: dict[str, str], files: list[tuple[str, str, bytes]]) -> bytes:
    """A form as a browser sends it, its parts divided by `limit`."""
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    for field, name, content in files:
        sent = name.replace('"', "%22").replace("\n", "%0A").replace("\r", "%0D")
        head = f'Content-Disposition: form-data; name="{field}"; filename="{sent}"\r\nContent-Type: text/plain\r\n\r\n'
        parts.append(head.encode() + content)
    return b"".join(b"--limit\r\n" + part + b"\r\n" for part in parts) + b"--limit--\r\n"
