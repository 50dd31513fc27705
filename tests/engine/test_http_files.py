"""Files over HTTP, from outside: folders, details, changes. Uploads and downloads are in `test_http_transfers`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.http_client import Client
from tests.waiting import wait_until
from webui.engine.connection import Engine

ENTRIES = {"path", "id"}
GOING = {"from", "from_id", "to", "into", "into_id", "name", "exists"}
FIELDS = {
    "-/delete": {*ENTRIES, "version"},
    "folders": {"path", "into", "into_id", "name", "parents"},
    "-/file": {"path", "into", "into_id", "name"},
    "move": GOING,
    "copy": GOING,
    "permissions": {*ENTRIES, "mode", "uid", "gid", "recursive"},
    "archive": {*ENTRIES, "format"},
    "-/archive": ENTRIES,
    "-/archive/contents": ENTRIES,
    "-/count": {"id", "version"},
    "-/ask/rename": {"id"},
    "-/ask/move": {"id", "from_id", "into_id", "exists"},
    "-/ask/delete": {"id"},
    "-/ask/permissions": {"id", "mode", "uid", "gid", "recursive"},
    "-/edit/f": {"text", "version", "encoding", "line_endings", "bom", "copy", "overwrite_version"},
}
"""What is posted about files, and the fields that are read there."""
FITTING = {"path": "f", "id": "f", "from": "f", "from_id": "f", "to": "g", "text": "x", "version": "x", "mode": "0644"}
STRANGE = [7, 10**30, 1.5, True, [], [7], [None], [[]], {}, {"a": 1}, "\0", "\ud800", "../f"]

NASTY = [
    "new\nline",
    "-rf",
    "--help",
    "a'b\"c",
    "<b>bold<b>",
    "\u202egnp.exe",
    "back\\slash",
    " space ",
    "*?[x]",
    "$(reboot)`id`",
    "%2F",
    "x" * 255,
]


@pytest.fixture
def volume(engine: Engine, prefix: str, small_image: str) -> Iterator[str]:
    """A volume with nothing in it, and an image to look into it with."""
    engine.api.create_volume(prefix)
    yield prefix


@pytest.fixture
def top(engine: Engine, volume: str) -> Path:
    """The volume's folder on the engine's machine, where the tests are too."""
    return Path(engine.api.inspect_volume(volume)["Mountpoint"])


@pytest.fixture
def url(volume: str) -> str:
    return f"/e/default/volumes/{volume}"


def listed(folder: Path) -> list[str]:
    """The names in a folder of the engine's machine."""
    return sorted(each.name for each in folder.iterdir())


def names(api: Client, url: str, **query: str) -> list[str]:
    return [entry["name"] for entry in api.get(f"{url}/files", **query).json()["entries"]]


class TestAFolder:
    def test_an_empty_volume_is_an_empty_folder(self, api: Client, url: str) -> None:
        found = api.get(f"{url}/files").json()
        assert found["path"] == ""
        assert found["entries"] == []
        assert found["next"] is None

    def test_entries_are_told_as_the_system_has_them(self, api: Client, url: str, top: Path) -> None:
        (top / "f").write_bytes(b"hello")
        os.chown(top / "f", 12, 34)
        (top / "f").chmod(0o2640)
        (top / "l").symlink_to("../../etc")
        os.mkfifo(top / "p")
        found = {entry["name"]: entry for entry in api.get(f"{url}/files").json()["entries"]}
        assert {name: entry["type"] for name, entry in found.items()} == {"f": "file", "l": "link", "p": "fifo"}
        file = found["f"]
        assert (file["size"], file["mode"], file["uid"], file["gid"]) == (5, "2640", 12, 34)
        assert found["l"]["target"] == "../../etc"
        assert found["l"]["target_state"] == "outside"

    def test_the_same_folder_is_a_page_and_a_part_of_it(
        self, visitor: Client, htmx: Client, url: str, top: Path
    ) -> None:
        (top / "<i>x<i>").write_bytes(b"")
        for client in (visitor, htmx):
            answer = client.get(f"{url}/files")
            assert answer.status == 200
            assert "&lt;i&gt;x&lt;i&gt;" in answer.text
            assert "<i>x<i>" not in answer.text

    def test_it_comes_in_parts_that_fit(self, api: Client, url: str, top: Path) -> None:
        for number in range(25):
            (top / f"{number:02}").write_bytes(b"")
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            found = api.get(f"{url}/files", limit="10", **({"next": cursor} if cursor else {})).json()
            seen += [entry["name"] for entry in found["entries"]]
            cursor = found["next"]
            (top / f"00{len(seen)}").write_bytes(b"")  # what comes later is not put between
        assert seen == [f"{number:02}" for number in range(25)]

    def test_it_goes_on_only_where_it_left_off(self, api: Client, url: str, top: Path) -> None:
        (top / "d").mkdir()
        for number in range(5):
            (top / f"{number}").write_bytes(b"")
        cursor = api.get(f"{url}/files", limit="2").json()["next"]
        assert api.get(f"{url}/files", next="abc.2").status == 409
        assert api.get(f"{url}/files/d", next=cursor).status == 409
        assert len(api.get(f"{url}/files", next=cursor).json()["entries"]) == 4

    def test_it_goes_on_however_much_else_is_listed(self, api: Client, url: str, top: Path) -> None:
        for number in range(20):
            (top / f"d{number}").mkdir()
        cursor = api.get(f"{url}/files", limit="10", sort="-name").json()["next"]
        for number in range(20):
            api.get(f"{url}/files/d{number}").json()
        found = [entry["name"] for entry in api.get(f"{url}/files", next=cursor).json()["entries"]]
        assert found == sorted((f"d{number}" for number in range(20)), reverse=True)[10:]

    def test_a_slash_at_the_end_changes_nothing(self, api: Client, url: str, top: Path) -> None:
        (top / "f").write_bytes(b"")
        assert [entry["name"] for entry in api.get(f"{url}/files/").json()["entries"]] == names(api, url) == ["f"]
        assert api.get(f"{url}/download/").status == 409

    @pytest.mark.parametrize(("sort", "expected"), [("name", "ab"), ("-name", "ba"), ("size", "ba"), ("-size", "ab")])
    def test_it_is_sorted_as_asked(self, api: Client, url: str, top: Path, sort: str, expected: str) -> None:
        (top / "a").write_bytes(b"xx")
        (top / "b").write_bytes(b"x")
        assert "".join(names(api, url, sort=sort)) == expected

    def test_hidden_entries_and_a_search_narrow_it(self, api: Client, url: str, top: Path) -> None:
        for name in (".hidden", "Readme", "other"):
            (top / name).write_bytes(b"")
        assert names(api, url) == [".hidden", "other", "Readme"]
        assert names(api, url, hidden="no") == ["other", "Readme"]
        assert names(api, url, q="READ") == ["Readme"]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"sort": "taste"}, "sort"),
            ({"limit": "0"}, "limit"),
            ({"limit": "x"}, "limit"),
            ({"next": "zz"}, "next"),
            ({"colour": "red"}, "colour"),
        ],
    )
    def test_a_query_that_makes_no_sense_is_refused(
        self, api: Client, url: str, query: dict[str, str], field: str
    ) -> None:
        assert field in api.get(f"{url}/files", **query).fields()

    def test_what_is_not_there_is_not_found(self, api: Client, url: str) -> None:
        assert api.get(f"{url}/files/nothing").status == 404
        assert api.get(f"{url}-nope/files").status == 404
        assert api.get("/e/default/containers/nope/mounts/0/files").status == 404

    def test_links_in_the_way_are_not_followed(self, api: Client, url: str, top: Path) -> None:
        (top / "real").mkdir()
        (top / "real" / "f").write_bytes(b"x")
        (top / "link").symlink_to("real")
        (top / "away").symlink_to("/etc")
        assert api.get(f"{url}/files/link").json()["type"] == "link"
        assert api.get(f"{url}/files/link/f").status == 409
        assert api.get(f"{url}/files/away/passwd").status == 409

    @pytest.mark.parametrize("path", ["a/../b", "%2e%2e", "a/./b", "a%00b"])
    def test_a_path_that_climbs_is_refused(self, api: Client, url: str, path: str) -> None:
        assert api.get(f"{url}/files/{path}").status in {404, 422}


class TestAFile:
    def test_a_query_that_nobody_reads_is_refused(self, api: Client, url: str, top: Path) -> None:
        (top / "f").write_bytes(b"")
        assert "colour" in api.get(f"{url}/files/f", colour="red").fields()
        assert api.get(f"{url}/files/f", sort="size", limit="10").status == 200

    def test_text_is_shown_with_its_encoding_and_line_endings(self, api: Client, url: str, top: Path) -> None:
        (top / "t").write_bytes("grüß\r\ndich\r\n".encode())
        preview = api.get(f"{url}/files/t").json()["preview"]
        assert preview["kind"] == "text"
        assert preview["text"] == "grüß\r\ndich\r\n"
        assert preview["encoding"] == "utf-8"
        assert preview["line_endings"] == "CRLF"

    def test_binary_is_shown_in_hex(self, api: Client, url: str, top: Path) -> None:
        (top / "b").write_bytes(bytes(range(256)))
        preview = api.get(f"{url}/files/b").json()["preview"]
        assert preview["kind"] == "hex"
        assert preview["hex"][0]["hex"].replace(" ", "").startswith("000102")

    def test_what_is_no_file_is_not_opened(self, api: Client, url: str, top: Path) -> None:
        os.mkfifo(top / "p")
        os.mknod(top / "d", 0o20600, os.makedev(1, 5))
        assert api.get(f"{url}/files/p").json()["preview"] is None
        assert api.get(f"{url}/files/d").json()["type"] == "device"


class TestChanging:
    @pytest.mark.parametrize("name", NASTY)
    def test_any_name_can_be_made_moved_copied_and_deleted(self, api: Client, url: str, top: Path, name: str) -> None:
        made = api.post(f"{url}/folders", {"path": name}).json(201)
        assert made["name"] == name
        assert listed(top) == [name]
        assert api.get(f"{url}/files/{made['id']}").json()["path"] == name
        moved = api.post(f"{url}/move", {"from": name, "to": "plain"}).json()
        assert (moved["name"], listed(top)) == ("plain", ["plain"])
        back = api.post(f"{url}/move", {"from": "plain", "to": name}).json()
        assert back["name"] == name
        assert api.delete(f"{url}/files/{made['id']}").status == 204
        assert listed(top) == []

    def test_bytes_that_are_no_text_go_by_their_id(self, api: Client, url: str, top: Path) -> None:
        (Path(os.fsdecode(os.fsencode(top) + b"/caf\xe9"))).write_bytes(b"x")
        entry = api.get(f"{url}/files").json()["entries"][0]
        assert entry["id"] == "caf%E9"
        assert api.get(f"{url}/files/{entry['id']}").json()["name"] == entry["name"] == "caf\udce9"
        renamed = api.post(f"{url}/move", {"from_id": entry["id"], "to": "cafe"}).json()
        assert renamed["name"] == "cafe"
        again = api.post(f"{url}/move", {"from": "cafe", "to": "caf\udce9"}).json()
        assert again["id"] == "caf%E9"
        assert listed(top) == ["caf\udce9"]

    def test_a_new_folder_belongs_to_whom_the_one_around_it_belongs(self, api: Client, url: str, top: Path) -> None:
        os.chown(top, 70, 71)
        made = api.post(f"{url}/folders", {"path": "a/b", "parents": True}).json(201)
        assert (made["uid"], made["gid"], made["mode"]) == (70, 71, "0755")

    def test_names_that_are_taken_are_a_conflict(self, api: Client, url: str, top: Path) -> None:
        (top / "a").write_bytes(b"a")
        (top / "b").write_bytes(b"b")
        assert api.post(f"{url}/folders", {"path": "a"}).status == 409
        assert api.post(f"{url}/move", {"from": "a", "to": "b"}).status == 409
        assert (top / "b").read_bytes() == b"b"
        assert api.post(f"{url}/move", {"from": "a", "to": "b", "exists": "keep-both"}).json()["name"] == "b (2)"
        assert api.post(f"{url}/move", {"from": "b (2)", "to": "b", "exists": "replace"}).json()["name"] == "b"
        assert (top / "b").read_bytes() == b"a"

    def test_many_are_moved_into_a_folder(self, api: Client, url: str, top: Path) -> None:
        for name in ("a", "b"):
            (top / name).write_bytes(b"")
        (top / "d").mkdir()
        found = api.post(f"{url}/move", {"from": ["a", "b", "gone"], "into": "d"}).json(207)
        assert [result["ok"] for result in found["results"]] == [True, True, False]
        assert listed(top / "d") == ["a", "b"]

    def test_a_copy_is_a_job(self, api: Client, url: str, top: Path) -> None:
        (top / "d").mkdir()
        (top / "d" / "f").write_bytes(b"x")
        job = api.post(f"{url}/copy", {"from": "d", "to": "e"}).json(202)["job"]
        done = wait_for(api, job["id"])
        assert done["state"] == "done", done
        assert done["result"] == {"copied": ["e"], "skipped": []}
        assert (top / "e" / "f").read_bytes() == b"x"
        assert listed(top) == ["d", "e"]

    def test_permissions_are_set_also_below(self, api: Client, url: str, top: Path) -> None:
        (top / "d").mkdir()
        (top / "d" / "f").write_bytes(b"x")
        found = api.post(
            f"{url}/permissions", {"path": "d", "mode": "0750", "uid": 5, "gid": 6, "recursive": True}
        ).json()
        assert (found["mode"], found["uid"], found["gid"]) == ("0750", 5, 6)
        below = (top / "d" / "f").stat()
        assert (below.st_mode & 0o7777, below.st_uid, below.st_gid) == (0o750, 5, 6)

    @pytest.mark.parametrize(
        ("sent", "field"),
        [
            ({"path": "f", "mode": "999"}, "mode"),
            ({"path": "f", "mode": "u+x; reboot"}, "mode"),
            ({"path": "f", "uid": -1}, "uid"),
            ({"path": "f"}, "mode"),
            ({"mode": "0644"}, "path"),
            ({"path": "../f", "mode": "0644"}, "path"),
            ({"path": "f", "mode": "0644", "colour": "red"}, "colour"),
        ],
    )
    def test_permissions_that_make_no_sense_are_refused(
        self, api: Client, url: str, top: Path, sent: dict[str, Any], field: str
    ) -> None:
        (top / "f").write_bytes(b"")
        before = (top / "f").stat()
        assert field in api.post(f"{url}/permissions", sent).fields()
        assert (top / "f").stat().st_ctime_ns == before.st_ctime_ns

    @pytest.mark.parametrize("path", ["", "/", ".", "..", "a/../b", "a//b", "a\0b", "x" * 256, "\ud800"])
    def test_a_folder_can_be_made_only_where_one_can_be(self, api: Client, url: str, top: Path, path: str) -> None:
        assert api.post(f"{url}/folders", {"path": path}).status == 422
        assert listed(top) == []

    @pytest.mark.parametrize(
        ("route", "sent"),
        [
            ("permissions", {"path": "f", "uid": [1]}),
            ("permissions", {"path": "f", "gid": {}}),
            ("permissions", {"path": "f", "mode": ["0644"]}),
            ("permissions", {"path": {"a": 1}, "mode": "0644"}),
            ("permissions", {"path": "f", "uid": [None]}),
            ("move", {"from": 1, "to": "g"}),
            ("move", {"from": "f", "to": ["g"], "into": "d"}),
            ("move", {"from": "f", "to": "g", "exists": ["replace"]}),
            ("copy", {"from": [["f"]], "into": "d"}),
            ("folders", {"path": ["a", "b"]}),
            ("folders", {"path": 7}),
            ("-/file", {"path": ["a", "b"]}),
            ("-/delete", {"path": [{}]}),
            ("-/delete", {"path": "f", "version": [1, 2]}),
            ("-/edit/f", {"text": None, "version": "x"}),
            ("-/edit/f", {"text": 5, "version": "x"}),
            ("-/edit/f", {"text": "a\0b", "version": "x"}),
        ],
    )
    def test_what_is_no_answer_to_what_was_asked_is_refused(
        self, api: Client, url: str, top: Path, route: str, sent: dict[str, Any]
    ) -> None:
        (top / "f").write_bytes(b"content")
        (top / "d").mkdir()
        assert api.post(f"{url}/{route}", sent).fields()
        assert (listed(top), (top / "f").read_bytes()) == (["d", "f"], b"content")

    @pytest.mark.parametrize("route", FIELDS)
    def test_nothing_that_is_sent_is_a_fault_of_the_app(self, api: Client, url: str, top: Path, route: str) -> None:
        for field in (*FIELDS[route], "engine_id"):
            (top / "f").write_bytes(b"content")
            fitting = {name: value for name, value in FITTING.items() if name in FIELDS[route] and "id" not in name}
            for strange in STRANGE:
                answer = api.post(f"{url}/{route}", {**fitting, field: strange})
                assert answer.status < 500, (field, strange, answer.body)

    def test_a_field_that_nobody_reads_is_refused(self, api: Client, url: str) -> None:
        for route in FIELDS:
            assert "tast" in api.post(f"{url}/{route}", {"tast": "f"}).fields(), route

    def test_a_folder_to_move_into_has_to_be_said(self, api: Client, url: str, top: Path) -> None:
        (top / "d").mkdir()
        (top / "d" / "f").write_bytes(b"")
        for nothing in (None, []):
            assert "into" in api.post(f"{url}/move", {"from": "d/f", "into": nothing}).fields()
        assert listed(top / "d") == ["f"]

    @pytest.mark.parametrize("other", ["nothing/x", "link/x", "d/x"])
    def test_of_many_that_are_deleted_each_says_how_it_went(self, api: Client, url: str, top: Path, other: str) -> None:
        (top / "d").mkdir()
        (top / "d" / "x").write_bytes(b"")
        (top / "link").symlink_to("d")
        found = api.post(f"{url}/-/delete", {"path": ["d", other]}).json(207)
        assert [result["ok"] for result in found["results"]] == [True, False]
        assert listed(top) == ["link"]

    def test_permissions_of_many_change_only_if_all_are_there(self, api: Client, url: str, top: Path) -> None:
        (top / "f").write_bytes(b"")
        (top / "f").chmod(0o600)
        assert api.post(f"{url}/permissions", {"path": ["f", "nope"], "mode": "711"}).status == 404
        assert (top / "f").stat().st_mode & 0o7777 == 0o600

    def test_of_permissions_that_some_can_not_get_each_says_how_it_went(
        self, api: Client, htmx: Client, url: str, top: Path
    ) -> None:
        (top / "f").write_bytes(b"")
        (top / "l").symlink_to("f")
        found = api.post(f"{url}/permissions", {"path": ["f", "l"], "mode": "711"}).json(207)
        assert [result["ok"] for result in found["results"]] == [True, False]
        assert "1 of 2 entries" in found["error"]
        assert (top / "f").stat().st_mode & 0o7777 == 0o711
        shown = htmx.form(f"{url}/permissions", {"id": ["f", "l"], "mode": "711"})
        assert shown.status == 207
        assert "1 of 2 entries" in shown.text

    @pytest.mark.parametrize(
        ("mode", "found"), [("g=u", "0664"), ("7", "0007"), ("04755", "4755"), ("u=rw,go+s", "2644")]
    )
    def test_modes_are_those_of_chmod(self, api: Client, url: str, top: Path, mode: str, found: str) -> None:
        (top / "f").write_bytes(b"")
        (top / "f").chmod(0o644)
        assert api.post(f"{url}/permissions", {"path": "f", "mode": mode}).json()["mode"] == found

    def test_what_is_not_there_is_not_moved_even_onto_itself(self, api: Client, url: str, top: Path) -> None:
        (top / "f").write_bytes(b"")
        assert api.post(f"{url}/move", {"from": "nope", "to": "nope"}).status == 404
        assert api.post(f"{url}/move", {"from": ["nope", "no"], "into": ""}).status == 404
        assert api.post(f"{url}/move", {"from": "f", "to": "f"}).json() == {"skipped": True}

    def test_a_copy_that_can_not_be_is_refused_at_once(self, api: Client, url: str, top: Path) -> None:
        (top / "d").mkdir()
        (top / "f").write_bytes(b"")
        assert api.post(f"{url}/copy", {"from": "nope", "to": "g"}).status == 404
        assert api.post(f"{url}/copy", {"from": "d", "to": "d/e"}).status == 409
        assert api.post(f"{url}/copy", {"from": "f", "to": "d"}).status == 409

    def test_a_volume_that_can_not_be_mounted_says_why(self, api: Client, engine: Engine, prefix: str) -> None:
        options = {"type": "none", "o": "bind", "device": f"/nonexistent/{prefix}"}
        engine.api.create_volume(f"{prefix}-bad", driver_opts=options)
        told = api.get(f"/e/default/volumes/{prefix}-bad/files").json(409)
        assert f"can’t mount volume {prefix}-bad" in told["error"]
        assert f"/nonexistent/{prefix}" in told["error"]
        assert told["hint"]

    def test_a_volume_in_memory_says_that_nothing_lasts(self, api: Client, engine: Engine, prefix: str) -> None:
        engine.api.create_volume(f"{prefix}-memory", driver_opts={"type": "tmpfs", "device": "tmpfs", "o": "size=1m"})
        told = api.request("PUT", f"/e/default/volumes/{prefix}-memory/files/f", b"x").json(201)
        assert "no container runs" in told["warnings"][0]

    def test_the_top_folder_stays(self, api: Client, url: str, top: Path) -> None:
        assert api.delete(f"{url}/files/").status == 409
        assert top.exists()

    def test_deleting_needs_the_engine_that_was_seen(self, api: Client, url: str, top: Path) -> None:
        (top / "f").write_bytes(b"")
        assert api.delete(f"{url}/files/f", X_Engine_Id="another").status == 409
        assert listed(top) == ["f"]

    def test_nothing_of_the_helper_is_seen(
        self, api: Client, url: str, volume: str, docker: Callable[..., str]
    ) -> None:
        api.post(f"{url}/folders", {"path": "a"})
        assert api.get(f"/e/default/volumes/{volume}").json()["used_by"] == []
        listed = api.get("/e/default/containers").json()["containers"]
        assert not [each for each in listed if each["name"].startswith("demijohn-helper")]
        assert api.delete(f"/e/default/volumes/{volume}").status == 204
        assert volume not in docker("volume", "ls", "--quiet").split()


class TestEditing:
    def test_a_text_is_read_changed_and_saved(self, api: Client, url: str, top: Path) -> None:
        (top / "t").write_bytes(b"one\r\ntwo\r\n")
        os.chown(top / "t", 5, 6)
        (top / "t").chmod(0o640)
        text = api.get(f"{url}/-/edit/t").json()
        sent = {name: text[name] for name in ("version", "encoding", "line_endings", "bom")}
        saved = api.post(f"{url}/-/edit/t", {**sent, "text": "one\ntwo\nthree\n"}).json()
        assert (top / "t").read_bytes() == b"one\r\ntwo\r\nthree\r\n"
        found = (top / "t").stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (5, 6, 0o640)
        assert api.get(f"{url}/-/edit/t").json()["version"] == saved["version"]

    def test_who_saves_second_is_shown_both(self, api: Client, url: str, top: Path) -> None:
        (top / "t").write_bytes(b"one\n")
        version = api.get(f"{url}/-/edit/t").json()["version"]
        assert api.post(f"{url}/-/edit/t", {"text": "mine\n", "version": version}).status == 200
        theirs = api.post(f"{url}/-/edit/t", {"text": "yours\n", "version": version})
        assert theirs.json(409)["text"] == "mine\n"
        assert (top / "t").read_bytes() == b"mine\n"
        over = {"text": "yours\n", "version": version, "overwrite_version": theirs.json(409)["version"]}
        assert api.post(f"{url}/-/edit/t", over).status == 200
        assert (top / "t").read_bytes() == b"yours\n"
        api.post(f"{url}/-/edit/t", {"text": "third\n", "version": version, "copy": True}).json()
        assert listed(top) == ["t", "t (2)"]

    def test_what_was_deleted_meanwhile_can_be_made_again(self, api: Client, htmx: Client, url: str, top: Path) -> None:
        (top / "t").write_bytes(b"one\n")
        sent = {"text": "mine\n", "version": api.get(f"{url}/-/edit/t").json()["version"]}
        (top / "t").unlink()
        assert api.post(f"{url}/-/edit/t", sent).status == 404
        told = htmx.form(f"{url}/-/edit/t", sent)
        assert (told.status, "Make it again" in told.text) == (404, True)
        assert listed(top) == []
        assert api.post(f"{url}/-/edit/t", sent | {"again": True}).status == 200
        assert (top / "t").read_bytes() == b"mine\n"
        assert api.post(f"{url}/-/edit/t", sent | {"again": True, "text": "x"}).status == 409
        assert (top / "t").read_bytes() == b"mine\n"

    def test_a_page_says_why_a_file_is_not_edited_and_leads_back(self, visitor: Client, url: str, top: Path) -> None:
        (top / "d").mkdir()
        (top / "d" / "b").write_bytes(bytes(range(256)))
        told = visitor.get(f"{url}/-/edit/d/b")
        assert told.status == 422
        assert "It can’t be edited" in told.text
        assert f'href="{url}/files/d"' in told.text

    def test_what_is_no_text_or_too_large_is_not_edited(self, api: Client, url: str, top: Path) -> None:
        (top / "b").write_bytes(bytes(range(256)))
        (top / "large").write_bytes(b"x" * (4 * 1024 * 1024 + 1))
        assert "text" in api.get(f"{url}/-/edit/b").fields()
        assert api.get(f"{url}/-/edit/large").status == 409

    def test_a_text_of_three_megabytes_is_saved_from_a_form(
        self, htmx: Client, api: Client, url: str, top: Path
    ) -> None:
        (top / "t").write_bytes(b"x")
        version = api.get(f"{url}/-/edit/t").json()["version"]
        answer = htmx.form(f"{url}/-/edit/t", {"text": "ä\n" * 1_000_000, "version": version})
        assert answer.status == 200
        assert (top / "t").stat().st_size == 3_000_000

    def test_what_the_encoding_has_not_is_said_and_kept(
        self, visitor: Client, api: Client, url: str, top: Path
    ) -> None:
        (top / "t").write_bytes("grün\n".encode("latin-1"))
        sent = {name: api.get(f"{url}/-/edit/t").json()[name] for name in ("version", "encoding", "line_endings")}
        answer = visitor.form(f"{url}/-/edit/t", {**sent, "text": "snow ☃\n"}, HX_Request="true")
        assert answer.status == 422
        assert "snow ☃" in answer.text
        assert (top / "t").read_bytes() == "grün\n".encode("latin-1")


class TestAHostFolder:
    def test_it_is_read_and_never_written(self, api: Client, prefix: str, small_image: str, tmp_path: Path) -> None:
        (tmp_path / "f").write_bytes(b"x")
        made = api.post(
            "/e/default/containers",
            {
                "image": small_image,
                "name": f"{prefix}-c",
                "mounts": [{"type": "bind", "source": str(tmp_path), "target": "/data"}],
                "start": False,
            },
        ).json(201)["containers"][0]
        url = f"/e/default/containers/{made['id']}/mounts/0"
        assert names(api, url) == ["f"]
        assert api.post(f"{url}/folders", {"path": "d"}).status == 409
        assert api.post(f"{url}/copy", {"from": "f", "to": "g"}).status == 409
        assert api.delete(f"{url}/files/f").status == 409
        assert listed(tmp_path) == ["f"]
        assert api.get(f"/e/default/containers/{made['id']}/mounts/7/files").status == 404


def wait_for(api: Client, job: str) -> Any:
    """The job once it is over."""
    wait_until(lambda: api.get(f"/jobs/{job}").json()["finished_at"] is not None)
    return api.get(f"/jobs/{job}").json()
