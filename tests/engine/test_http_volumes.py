"""Volumes over HTTP: listing, making, looking, deleting."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.client import HTTPConnection
from typing import ClassVar

import pytest

from tests.engine.http_client import Client
from tests.waiting import wait_until
from webui.engine.connection import Engine

VOLUMES = "/e/default/volumes"
FIELDS = {
    "name",
    "driver",
    "kind",
    "options",
    "labels",
    "created",
    "mountpoint",
    "scope",
    "project",
    "anonymous",
    "used_by",
    "size",
}
MASK = "••••••••"


def names(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [volume["name"] for volume in answer["volumes"]]


@pytest.fixture
def holder(engine: Engine, prefix: str, small_image: str) -> Callable[..., str]:
    """Makes a container that holds a volume and gives its id."""

    def make(volume: str, *, run: bool = False, name: str = "", labels: dict[str, str] | None = None) -> str:
        made = engine.api.create_container(
            small_image,
            command=["sleep", "600"],
            name=name or f"{prefix}-holder",
            labels=labels or {},
            host_config=engine.api.create_host_config(
                mounts=[{"Type": "volume", "Source": volume, "Target": "/data", "ReadOnly": False}],
                network_mode="none",
            ),
        )["Id"]
        if run:
            engine.api.start(made)
        return str(made)

    return make


class TestList:
    def test_has_exactly_the_shape_of_the_contract(self, api: Client, prefix: str) -> None:
        api.post(VOLUMES, {"name": f"{prefix}-data"})
        answer = api.get(VOLUMES, q=prefix)
        said = answer.json()
        assert set(said) == {"volumes", "total", "page", "pages"}
        assert (said["total"], said["page"], said["pages"]) == (1, 1, 1)
        volume = said["volumes"][0]
        assert set(volume) == FIELDS
        assert (volume["name"], volume["driver"], volume["kind"]) == (f"{prefix}-data", "local", "local")
        assert volume["used_by"] == []
        assert volume["anonymous"] is False
        assert volume["size"] is None
        assert {"HX-Request", "Accept"} <= {word.strip() for word in answer.headers["Vary"].split(",")}

    def test_answers_head_with_the_headers_alone(self, api: Client) -> None:
        answer = api.request("HEAD", VOLUMES)
        assert answer.status == 200
        assert answer.body == b""
        assert answer.headers["Content-Type"].startswith("application/json")

    @pytest.mark.parametrize("asked", ["-data", "LABEL-VALUE", "holder", "shop"])
    def test_finds_by_name_label_container_and_project(
        self, api: Client, holder: Callable[..., str], prefix: str, asked: str
    ) -> None:
        labels = {"purpose": f"label-value-{prefix}", "com.docker.compose.project": f"shop-{prefix}"}
        api.post(VOLUMES, {"name": f"{prefix}-data", "labels": labels})
        api.post(VOLUMES, {"name": f"{prefix}-else"})
        holder(f"{prefix}-data")
        assert names(api.get(VOLUMES, q=f"{prefix} {asked}").json()) == [f"{prefix}-data"]

    def test_filters(self, api: Client, holder: Callable[..., str], prefix: str) -> None:
        api.post(VOLUMES, {"name": f"{prefix}-a", "labels": {"com.docker.compose.project": prefix}})
        api.post(VOLUMES, {"name": f"{prefix}-b", "options": {"type": "tmpfs", "device": "tmpfs"}})
        holder(f"{prefix}-a")
        first, second = [f"{prefix}-a"], [f"{prefix}-b"]
        for query, expected in (
            ({"used": "yes"}, first),
            ({"used": "0"}, second),
            ({"kind": "tmpfs"}, second),
            ({"kind": "local"}, first),
            ({"project": prefix}, first),
            ({"driver": "local"}, first + second),
            ({"driver": "nosuch"}, []),
            ({"anonymous": "true"}, []),
            ({"anonymous": "no"}, first + second),
        ):
            assert names(api.get(VOLUMES, q=prefix, **query).json()) == expected, query

    def test_tells_anonymous_volumes(
        self, api: Client, docker: Callable[..., str], prefix: str, small_image: str
    ) -> None:
        identifier = docker("create", "--name", f"{prefix}-c", "--volume", "/data", small_image, "true")
        found = api.get(VOLUMES, anonymous="yes", q=f"{prefix}-c").json()["volumes"]
        assert [volume["used_by"][0]["id"] for volume in found] == [identifier]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("page", "0"),
            ("page", "-1"),
            ("page", "one"),
            ("page", "1.5"),
            ("page", "٣"),
            ("page", "9" * 30),
            ("sort", "colour"),
            ("sort", "--name"),
            ("kind", "floppy"),
            ("used", "perhaps"),
            ("anonymous", "2"),
        ],
    )
    def test_refuses_what_it_cannot_read_by_its_name(self, api: Client, name: str, value: str) -> None:
        assert list(api.get(VOLUMES, **{name: value}).fields()) == [name]

    def test_is_empty_beyond_the_last_page(self, api: Client, prefix: str) -> None:
        api.post(VOLUMES, {"name": f"{prefix}-a"})
        said = api.get(VOLUMES, q=prefix, page="7").json()
        assert said == {"volumes": [], "total": 1, "page": 7, "pages": 1}

    @pytest.mark.parametrize("sort", ["name", "status", "size", "kind", "driver", "project", "used", "created"])
    def test_sorts_every_column_both_ways(
        self, api: Client, holder: Callable[..., str], prefix: str, sort: str
    ) -> None:
        for name in ("b", "A", "c"):
            api.post(VOLUMES, {"name": f"{prefix}-{name}", "labels": {"com.docker.compose.project": name}})
        holder(f"{prefix}-c")
        up = names(api.get(VOLUMES, q=prefix, sort=sort).json())
        down = names(api.get(VOLUMES, q=prefix, sort=f"-{sort}").json())
        assert sorted(up) == sorted(down)
        assert len(up) == 3
        if sort in {"name", "project"}:
            assert up == [f"{prefix}-{name}" for name in ("A", "b", "c")]
            assert down == up[::-1]
        if sort == "used":
            assert down[0] == up[-1] == f"{prefix}-c"


class TestManyVolumes:
    COUNT = 250

    @pytest.fixture
    def many(self, engine: Engine, prefix: str) -> str:
        for number in range(self.COUNT):
            engine.api.create_volume(f"{prefix}-{number:03}")
        return prefix

    def test_pages_hold_each_volume_once(self, api: Client, htmx: Client, many: str) -> None:
        found: list[str] = []
        for page, length in ((1, 100), (2, 100), (3, 50), (4, 0)):
            said = api.get(VOLUMES, q=many, page=str(page)).json()
            assert (len(said["volumes"]), said["total"], said["page"], said["pages"]) == (length, 250, page, 3)
            found += names(said)
        assert found == [f"{many}-{number:03}" for number in range(self.COUNT)]
        assert names(api.get(VOLUMES, q=many, sort="-name").json())[0] == f"{many}-249"
        rows = htmx.get(VOLUMES, q=many, page="3").text
        assert f"{many}-249" in rows
        assert f"{many}-199" not in rows

    def test_the_next_answer_knows_what_the_command_line_did(
        self, api: Client, htmx: Client, many: str, docker: Callable[..., str]
    ) -> None:
        stop = threading.Event()

        def refresh() -> None:
            while not stop.is_set():
                assert htmx.get(VOLUMES, q=many).status == 200

        with ThreadPoolExecutor(4) as browsers:
            refreshing = [browsers.submit(refresh) for _ in range(4)]
            try:
                for number in range(12):
                    docker("volume", "create", f"{many}-new-{number}")
                    assert names(api.get(VOLUMES, q=f"{many}-new-{number}").json()) == [f"{many}-new-{number}"]
                    docker("volume", "rm", f"{many}-new-{number}")
                    assert names(api.get(VOLUMES, q=f"{many}-new-{number}").json()) == []
            finally:
                stop.set()
            for each in refreshing:
                each.result()


class TestCreate:
    def test_answers_with_the_volume_and_where_it_is(self, api: Client, engine: Engine, prefix: str) -> None:
        sent = {
            "name": f"{prefix}-data",
            "driver": "local",
            "options": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"},
            "labels": {"a": "1", "b": ""},
        }
        answer = api.post(VOLUMES, sent)
        made = answer.json(201)
        assert set(made) == FIELDS
        assert (made["options"], made["labels"], made["kind"]) == (sent["options"], sent["labels"], "tmpfs")
        assert answer.headers["Location"] == f"{VOLUMES}/{prefix}-data"
        assert api.get(answer.headers["Location"]).json() == made
        assert engine.api.inspect_volume(f"{prefix}-data")["Options"] == sent["options"]

    def test_refuses_a_name_that_exists_whatever_else_is_asked(self, api: Client, engine: Engine, prefix: str) -> None:
        api.post(VOLUMES, {"name": f"{prefix}-data"}).json(201)
        answer = api.post(VOLUMES, {"name": f"{prefix}-data", "labels": {"new": "1"}})
        assert "name" in answer.fields(409)
        assert not engine.api.inspect_volume(f"{prefix}-data")["Labels"]

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "a",
            "x" * 256,
            "a/b",
            "/etc",
            "a b",
            " ab",
            "é-data",
            "data\n",
            "data\0",
            "-data",
            ".hidden",
            "..",
            "a:b",
            "<b>bold</b>",
            None,
            7,
            3.5,
            True,
            ["data"],
            {"name": "data"},
            "\ud800x",
        ],
    )
    def test_refuses_a_bad_name_at_its_field_and_makes_nothing(self, api: Client, engine: Engine, name: object) -> None:
        before = engine.api.volumes()["Volumes"]
        fields = api.post(VOLUMES, {"name": name}).fields()
        assert list(fields) == ["name"]
        assert engine.api.volumes()["Volumes"] == before

    def test_refuses_a_missing_name(self, api: Client) -> None:
        assert list(api.post(VOLUMES, {}).fields()) == ["name"]

    def test_takes_the_longest_and_the_shortest_name(self, api: Client, prefix: str) -> None:
        longest = (prefix + "x" * 255)[:255]
        api.post(VOLUMES, {"name": longest}).json(201)
        api.post(VOLUMES, {"name": f"{prefix}.."}).json(201)
        assert api.get(f"{VOLUMES}/{prefix}..").json()["name"] == f"{prefix}.."
        assert api.delete(f"{VOLUMES}/{longest}").status == 204

    @pytest.mark.parametrize(
        ("more", "field"),
        [
            ({"options": {"nosuchoption": "1"}}, "options"),
            ({"options": {"": "1"}}, "options"),
            ({"options": "type=nfs"}, "options"),
            ({"options": {"type": ["nfs"]}}, "options"),
            ({"options": [1]}, "options"),
            ({"driver": ["local"]}, "driver"),
            ({"driver": {}}, "driver"),
            ({"driver": "../x"}, "driver"),
            ({"driver": "no such driver"}, "driver"),
            ({"labels": {"": "x"}}, "labels"),
            ({"labels": {" ": "x"}}, "labels"),
            ({"labels": {f"key{number}": "" for number in range(200)}}, "labels"),
            ({"labels": {"key": "x" * 100_000}}, "labels"),
            ({"labels": {"key": {"deep": 1}}}, "labels"),
            ({"options": {"type": "tm\0pfs"}}, "options"),
            ({"labels": ["a=1", "a=2"]}, "labels"),
            ({"labels": 5}, "labels"),
            ({"labels": {"a": "\ud800"}}, "labels"),
            ({"options": {"type": "\ud800"}}, "options"),
            ({"driver": "\ud800"}, "driver"),
            ({"nmae": "typo"}, "nmae"),
            ({"force": True}, "force"),
        ],
    )
    def test_refuses_bad_fields_and_makes_nothing(
        self, api: Client, prefix: str, more: dict[str, object], field: str
    ) -> None:
        fields = api.post(VOLUMES, {"name": f"{prefix}-data", **more}).fields()
        assert list(fields) == [field]
        assert fields[field]
        assert api.get(f"{VOLUMES}/{prefix}-data").status == 404

    def test_an_unknown_driver_is_refused_and_holds_up_nobody_else(self, api: Client, prefix: str) -> None:
        with ThreadPoolExecutor(1) as other:
            answer = other.submit(api.post, VOLUMES, {"name": f"{prefix}-data", "driver": "nosuchdriver"})
            api.post(VOLUMES, {"name": f"{prefix}-meanwhile"}).json(201)
            assert not answer.done()
            assert "nosuchdriver" in answer.result().fields()["driver"]
        assert api.get(f"{VOLUMES}/{prefix}-data").status == 404

    def test_says_what_the_driver_said(self, api: Client, prefix: str) -> None:
        fields = api.post(VOLUMES, {"name": f"{prefix}-data", "options": {"nosuchoption": "1"}}).fields()
        assert "nosuchoption" in fields["options"]
        fields = api.post(VOLUMES, {"name": f"{prefix}-data", "options": {"type": "nfs"}}).fields()
        assert "device" in fields["options"]

    def test_takes_labels_and_options_as_lists_and_numbers_as_text(self, api: Client, prefix: str) -> None:
        made = api.post(VOLUMES, {"name": f"{prefix}-data", "labels": ["a=1=2", "b"]}).json(201)
        assert made["labels"] == {"a": "1=2", "b": ""}
        made = api.post(VOLUMES, {"name": f"{prefix}-more", "labels": {"a": 1, "b": None, "c": True}}).json(201)
        assert made["labels"] == {"a": "1", "b": "", "c": "true"}

    def test_keeps_markup_as_text(self, api: Client, visitor: Client, htmx: Client, prefix: str) -> None:
        labels = {"<b>key</b>": "<script>alert(1)</script>\n\"'&"}
        made = api.post(VOLUMES, {"name": f"{prefix}-data", "labels": labels}).json(201)
        assert made["labels"] == labels
        for client in (visitor, htmx):
            for path in (f"{VOLUMES}/{prefix}-data", f"{VOLUMES}/{prefix}-data?tab=raw", f"{VOLUMES}?q={prefix}"):
                answer = client.get(path)
                assert answer.status == 200
                assert "<script>alert" not in answer.text
                assert "<b>key" not in answer.text

    def test_ten_at_once_make_one(self, api: Client, prefix: str) -> None:
        together = threading.Barrier(10)

        def create(number: int) -> int:
            together.wait()
            return api.post(VOLUMES, {"name": f"{prefix}-data", "labels": {"by": str(number)}}).status

        with ThreadPoolExecutor(10) as ten:
            statuses = sorted(ten.map(create, range(10)))
        assert statuses == [201] + [409] * 9

    def test_takes_a_form_from_a_script_and_from_a_page(
        self, api: Client, htmx: Client, visitor: Client, prefix: str
    ) -> None:
        sent = {"labels_key": ["a", ""], "labels_value": ["1", ""], "options_text": ""}
        assert api.form(VOLUMES, {"name": f"{prefix}-one", **sent}).json(201)["labels"] == {"a": "1"}
        assert (
            htmx.form(VOLUMES, {"name": f"{prefix}-two", **sent})
            .headers["HX-Redirect"]
            .endswith(f"inspect={prefix}-two")
        )
        assert visitor.form(VOLUMES, {"name": f"{prefix}-three", **sent}).status == 403
        assert api.get(VOLUMES, q=prefix).json()["total"] == 2

    def test_a_form_comes_back_with_its_input(self, htmx: Client, prefix: str) -> None:
        api_sent = {"name": f"{prefix}/x", "driver": "local", "labels_key": "colour", "labels_value": "dark blue"}
        answer = htmx.form(VOLUMES, api_sent)
        assert answer.status == 422
        for text in (f"{prefix}/x", "colour", "dark blue"):
            assert text in answer.text


class TestBody:
    @pytest.mark.parametrize("body", ["[]", "null", "7", '"text"', "{", "", "[" * 100_000, '{"a":' * 100_000, "\xff"])
    def test_has_to_be_a_json_object(self, api: Client, body: str) -> None:
        answer = api.request("POST", VOLUMES, body.encode("latin-1"), Content_Type="application/json")
        assert answer.json(422)["error"]

    def test_may_not_be_huge(self, api: Client) -> None:
        answer = api.post(VOLUMES, {"name": "x" * 5_000_000})
        assert answer.json(413)["error"]

    def test_may_not_be_huge_in_chunks_either(self, api: Client) -> None:
        with closing(HTTPConnection("127.0.0.1", api.port, timeout=20)) as connection:
            chunks = (b"x" * 500_000 for _ in range(12))
            headers = api.headers | {"Content-Type": "application/json"}
            with suppress(ConnectionError):  # refused before all of it was sent
                connection.request("POST", VOLUMES, chunks, headers)
            assert connection.getresponse().status in {413, 422}

    def test_numbers_of_any_length_do_no_harm(self, api: Client) -> None:
        answer = api.request("POST", VOLUMES, '{"name": ' + "9" * 10_000 + "}", Content_Type="application/json")
        assert answer.status == 422
        answer = api.request("POST", VOLUMES, '{"name": NaN}', Content_Type="application/json")
        assert answer.status == 422

    def test_a_key_given_twice_is_not_guessed(self, api: Client, prefix: str) -> None:
        body = f'{{"name": "{prefix}-a", "name": "{prefix}-b"}}'
        assert api.request("POST", VOLUMES, body, Content_Type="application/json").status in {201, 422}

    @pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/octet-stream"])
    def test_of_another_kind_is_refused(self, api: Client, prefix: str, kind: str) -> None:
        answer = api.request("POST", VOLUMES, f'{{"name": "{prefix}-a"}}', Content_Type=kind)
        assert answer.json(415)["error"]

    def test_wrong_methods_are_named(self, api: Client) -> None:
        for method, path in (("PUT", VOLUMES), ("PATCH", VOLUMES), ("DELETE", VOLUMES), ("POST", f"{VOLUMES}/data")):
            answer = api.request(method, path)
            assert answer.json(405)["error"]
            assert answer.headers["Allow"]


class TestForm:
    @pytest.mark.parametrize(
        "sent",
        [
            {"action": "remove-labels:x", "labels_key": ["a"], "labels_value": ["1"]},
            {"action": "remove-options:99999999999999999999"},
            {"action": "add-labels"},
            {"action": "paste-options", "options_text": "-o type=nfs\n--opt 'open"},
            {"labels_key": ["a", "b"], "labels_value": ["1"]},
            {"driver": "../x"},
        ],
    )
    def test_a_preview_makes_nothing_and_never_fails(self, htmx: Client, prefix: str, sent: dict[str, object]) -> None:
        answer = htmx.form(f"{VOLUMES}/-/preview", {"name": f"{prefix}-a", **sent})
        assert answer.status == 200
        assert f"{prefix}-a" in answer.text


class TestShow:
    def test_a_volume_that_is_not_there(self, api: Client, visitor: Client, prefix: str) -> None:
        assert api.get(f"{VOLUMES}/{prefix}-none").json(404)["error"]
        answer = visitor.get(f"{VOLUMES}/{prefix}-none")
        assert answer.status == 404
        assert f"{prefix}-none" in answer.text

    @pytest.mark.parametrize(
        "name",
        [
            "..",
            "%2e%2e",
            ".",
            "%2e",
            "%00",
            "a%00b",
            "x" * 300,
            "a%2Fb",
            "..%2F..%2Fcontainers%2Fjson",
            "..%2Finfo",
            "%2F",
            "-",
            "%0a",
            "ab%0a",
            "%20",
            "%3Fx=1",
            "%23",
            "a%25b",
            "%E9",
            "%ff",
            "a",
            "{id}",
            "x%0d%0aHost:%20y",
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_a_strange_name_never_reaches_another_address_of_the_engine(
        self, api: Client, name: str, method: str
    ) -> None:
        answer = api.request(method, f"{VOLUMES}/{name}")
        assert answer.json(404)["error"]

    @pytest.mark.parametrize("name", ["new", "prune", "sizes", "delete", "create", "preview"])
    def test_names_that_are_words_elsewhere(self, api: Client, visitor: Client, engine: Engine, name: str) -> None:
        try:
            api.post(VOLUMES, {"name": name}).json(201)
            assert api.get(f"{VOLUMES}/{name}").json()["name"] == name
            assert visitor.get(f"{VOLUMES}/{name}").status == 200
            assert api.delete(f"{VOLUMES}/{name}").status == 204
            assert api.get(f"{VOLUMES}/{name}").status == 404
        finally:
            if name in {volume["Name"] for volume in engine.api.volumes()["Volumes"] or ()}:
                engine.api.remove_volume(name)

    def test_says_who_holds_it(self, api: Client, holder: Callable[..., str], prefix: str) -> None:
        api.post(VOLUMES, {"name": f"{prefix}-data"})
        identifier = holder(f"{prefix}-data", run=True)
        assert api.get(f"{VOLUMES}/{prefix}-data").json()["used_by"] == [
            {"id": identifier, "name": f"{prefix}-holder", "state": "running", "target": "/data", "read_only": False}
        ]


class TestDelete:
    def test_deletes(self, api: Client, prefix: str) -> None:
        api.post(VOLUMES, {"name": f"{prefix}-data"})
        answer = api.delete(f"{VOLUMES}/{prefix}-data")
        assert (answer.status, answer.body) == (204, b"")
        assert api.delete(f"{VOLUMES}/{prefix}-data").json(404)["error"]

    @pytest.mark.parametrize("run", [True, False])
    def test_refuses_while_a_container_holds_it(
        self, api: Client, engine: Engine, holder: Callable[..., str], prefix: str, run: bool
    ) -> None:
        api.post(VOLUMES, {"name": f"{prefix}-data"})
        identifier = holder(f"{prefix}-data", run=run)
        said = api.delete(f"{VOLUMES}/{prefix}-data").json(409)
        assert said["used_by"] == [
            {
                "id": identifier,
                "name": f"{prefix}-holder",
                "state": "running" if run else "created",
                "target": "/data",
                "read_only": False,
            }
        ]
        assert engine.api.inspect_volume(f"{prefix}-data")

    def test_refuses_on_another_engine(self, api: Client, engine: Engine, prefix: str) -> None:
        path = f"{VOLUMES}/{prefix}-data"
        api.post(VOLUMES, {"name": f"{prefix}-data"})
        assert api.delete(path, X_Engine_Id="another").json(409)["error"]
        assert api.delete(f"{path}?engine_id=another").json(409)["error"]
        assert api.delete(path, {"engine_id": "another"}).json(409)["error"]
        assert list(api.delete(path, {"engine_id": ["another"]}).fields()) == ["engine_id"]
        assert engine.api.inspect_volume(f"{prefix}-data")
        assert api.delete(path, X_Engine_Id=engine.facts().identity).status == 204

    def test_a_page_has_to_name_the_engine(self, htmx: Client, engine: Engine, prefix: str) -> None:
        engine.api.create_volume(f"{prefix}-data")
        assert htmx.delete(f"{VOLUMES}/{prefix}-data").status == 422
        assert engine.api.inspect_volume(f"{prefix}-data")
        assert htmx.delete(f"{VOLUMES}/{prefix}-data?engine_id={engine.facts().identity}").status == 200

    def test_strange_fields_are_refused(self, api: Client, engine: Engine, prefix: str) -> None:
        engine.api.create_volume(f"{prefix}-data")
        assert list(api.delete(f"{VOLUMES}/{prefix}-data", {"force": True}).fields()) == ["force"]
        assert engine.api.inspect_volume(f"{prefix}-data")

    def test_helpers_do_not_count_and_do_not_keep_a_volume(
        self, api: Client, engine: Engine, holder: Callable[..., str], prefix: str
    ) -> None:
        engine.api.create_volume(f"{prefix}-data")
        helper = holder(f"{prefix}-data", run=True, labels={"io.demijohn.role": "helper"})
        assert api.get(f"{VOLUMES}/{prefix}-data").json()["used_by"] == []
        assert api.get(VOLUMES, q=prefix).json()["volumes"][0]["used_by"] == []
        assert api.get("/e/default/containers", q=prefix).json()["containers"] == []
        assert api.get(f"/e/default/containers/{helper}").status == 404
        assert api.delete(f"{VOLUMES}/{prefix}-data").status == 204


class TestDeleteMany:
    def test_says_for_each_how_it_went(
        self, api: Client, engine: Engine, holder: Callable[..., str], prefix: str
    ) -> None:
        wanted = [f"{prefix}-{name}" for name in ("a", "b", "c")]
        for name in wanted:
            engine.api.create_volume(name)
        identifier = holder(wanted[1])
        said = api.post(f"{VOLUMES}/-/delete", {"name": [*wanted, f"{prefix}-none", "../x"]}).json()
        assert [(each["name"], each["ok"]) for each in said["results"]] == [
            (wanted[0], True),
            (wanted[1], False),
            (wanted[2], True),
            (f"{prefix}-none", False),
            ("../x", False),
        ]
        assert said["results"][1]["used_by"][0]["id"] == identifier
        assert names(api.get(VOLUMES, q=prefix).json()) == [wanted[1]]

    def test_shows_the_failures_to_a_person(
        self, htmx: Client, engine: Engine, holder: Callable[..., str], prefix: str
    ) -> None:
        for name in ("a", "b"):
            engine.api.create_volume(f"{prefix}-{name}")
        holder(f"{prefix}-a")
        dialog = htmx.request("GET", f"{VOLUMES}/-/delete?name={prefix}-a&name={prefix}-b")
        assert dialog.status == 200
        assert f"{prefix}-holder" in dialog.text
        sent = {"name": [f"{prefix}-a", f"{prefix}-b"], "engine_id": engine.facts().identity}
        answer = htmx.form(f"{VOLUMES}/-/delete", sent)
        assert answer.status == 409
        assert f"{prefix}-holder" in answer.text
        assert [each["Name"] for each in engine.api.volumes(filters={"name": prefix})["Volumes"]] == [f"{prefix}-a"]

    @pytest.mark.parametrize("sent", [{}, {"name": []}, {"name": 5}, {"name": [5]}, {"names": ["ab"]}, {"name": {}}])
    def test_has_to_be_told_names(self, api: Client, sent: dict[str, object]) -> None:
        assert api.post(f"{VOLUMES}/-/delete", sent).fields()

    def test_refuses_on_another_engine(self, api: Client, engine: Engine, prefix: str) -> None:
        engine.api.create_volume(f"{prefix}-a")
        sent = {"name": [f"{prefix}-a"], "engine_id": "another"}
        assert api.post(f"{VOLUMES}/-/delete", sent).json(409)["error"]
        assert engine.api.inspect_volume(f"{prefix}-a")


class TestSecrets:
    OPTIONS: ClassVar = {"type": "cifs", "device": "//host/share", "o": "username=ann,password=correcthorse,vers=3"}

    @pytest.fixture
    def path(self, engine: Engine, prefix: str) -> str:
        engine.api.create_volume(f"{prefix}-data", driver_opts=self.OPTIONS)
        return f"{VOLUMES}/{prefix}-data"

    def test_are_masked_everywhere(self, api: Client, visitor: Client, htmx: Client, path: str, prefix: str) -> None:
        assert api.get(path).json()["options"]["o"] == f"username=ann,password={MASK},vers=3"
        for client in (api, visitor, htmx):
            for address in (
                path,
                f"{path}?tab=raw",
                f"{path}?tab=containers",
                f"{VOLUMES}?q={prefix}&inspect={prefix}-data",
            ):
                answer = client.get(address)
                assert answer.status == 200
                assert b"correcthorse" not in answer.body, address

    def test_are_shown_on_request(self, api: Client, visitor: Client, htmx: Client, path: str) -> None:
        assert api.get(path, secrets="shown").json()["options"] == self.OPTIONS
        for client in (visitor, htmx):
            assert "correcthorse" in client.get(path, secrets="shown").text
            assert "correcthorse" in client.get(path, tab="raw", secrets="shown").text

    def test_are_masked_in_the_answer_to_their_creation(self, api: Client, prefix: str) -> None:
        sent = {"name": f"{prefix}-more", "options": self.OPTIONS}
        assert "correcthorse" not in json.dumps(api.post(VOLUMES, sent).json(201), ensure_ascii=False)


class TestSizes:
    def test_arrive_later(self, api: Client, engine: Engine, prefix: str) -> None:
        engine.api.create_volume(f"{prefix}-data")
        assert api.request("POST", f"{VOLUMES}/-/sizes").status == 202
        said = api.get(f"{VOLUMES}/-/sizes").json()
        assert set(said) == {"running", "measured_at", "sizes", "error"}

    def test_unknown_ones_sort_last_both_ways(self, api: Client, engine: Engine, prefix: str) -> None:
        engine.api.create_volume(f"{prefix}-known")
        api.request("POST", f"{VOLUMES}/-/sizes")
        wait_until(lambda: not api.get(f"{VOLUMES}/-/sizes").json()["running"])
        api.request("POST", f"{VOLUMES}/-/sizes")
        wait_until(lambda: api.get(f"{VOLUMES}/{prefix}-known").json()["size"] is not None)
        engine.api.create_volume(f"{prefix}-unknown", driver_opts={"type": "tmpfs", "device": "tmpfs"})
        for sort in ("size", "-size"):
            assert names(api.get(VOLUMES, q=prefix, sort=sort).json()) == [f"{prefix}-known", f"{prefix}-unknown"]
        assert api.get(f"{VOLUMES}/{prefix}-known").json()["size"]["bytes"] == 0
