"""Images over HTTP: list, pull, remove, and the one made from this machine's tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.http_client import Client
from tests.waiting import wait_until
from webui.engine.connection import Engine

IMAGES = "/e/default/images"


def over(api: Client, location: str) -> dict[str, Any]:
    wait_until(lambda: api.get(location).json()["state"] not in {"queued", "running"}, seconds=60)
    return api.get(location).json()


def test_lists_what_is_there(api: Client, engine: Engine, prefix: str, small_image: str) -> None:
    container = engine.api.create_container(small_image, command=["true"], name=f"{prefix}-c")
    found = [image for image in api.get(IMAGES).json()["images"] if small_image in image["tags"]]
    assert set(found[0]) == {"id", "name", "tags", "size", "created", "used_by"}
    assert f"{prefix}-c" in found[0]["used_by"]
    assert api.get(IMAGES, q="nosuchimage").json()["images"] == []
    assert container


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"image": ""},
        {"image": "UPPER"},
        {"image": "a b"},
        {"image": "../x"},
        {"image": "x:"},
        {"image": 5},
        {"image": ["x"]},
        {"image": "\ud800"},
        {"image": "x" * 1000},
    ],
)
def test_a_bad_reference_is_not_pulled(api: Client, sent: dict[str, Any]) -> None:
    assert list(api.post(f"{IMAGES}/pull", sent).fields()) == ["image"]


def test_a_pull_is_a_job_that_says_why_it_failed(api: Client, htmx: Client) -> None:
    answer = api.post(f"{IMAGES}/pull", {"image": "127.0.0.1:1/nosuch/image:1"})
    job = answer.json(202)["job"]
    assert answer.headers["Location"] == f"/jobs/{job['id']}"
    assert (job["kind"], job["engine"]) == ("pull", "default")
    assert {"id", "kind", "subject", "state", "progress", "message", "result", "error"} <= set(job)
    assert set(job["progress"]) == {"done", "total", "unit"}
    failed = over(api, answer.headers["Location"])
    assert failed["state"] == "failed"
    assert failed["error"]
    assert "Traceback" not in failed["error"]
    assert failed["id"] in {each["id"] for each in api.get("/jobs").json()["jobs"]}
    assert api.delete(answer.headers["Location"]).json(409)["error"]
    page = htmx.form(f"{IMAGES}/pull", {"image": "UPPER"})
    assert page.status == 422
    assert "UPPER" in page.text


def test_unknown_fields_are_refused(api: Client) -> None:
    assert list(api.post(f"{IMAGES}/pull", {"image": "debian", "platform": "x"}).fields()) == ["platform"]


def test_one_in_use_stays(
    api: Client, engine: Engine, docker: Callable[..., str], prefix: str, small_image: str
) -> None:
    tag = f"{prefix}/tagged:1"
    docker("tag", small_image, tag)
    engine.api.create_container(tag, command=["true"], name=f"{prefix}-c")
    image = engine.api.inspect_image(small_image)["Id"]
    said = api.delete(f"{IMAGES}/{image}").json(409)
    assert f"{prefix}-c" in {use["name"] for use in said["used_by"]}
    assert engine.api.inspect_image(small_image)
    engine.api.remove_container(f"{prefix}-c")
    assert api.delete(f"{IMAGES}/{tag}", X_Engine_Id="another").json(409)["error"]
    assert api.delete(f"{IMAGES}/{tag}").status == 204
    assert api.delete(f"{IMAGES}/{tag}").json(404)["error"]


@pytest.mark.parametrize(
    "reference", ["..", "%2e%2e", "../containers/CONTAINER", "a/../../containers/CONTAINER", ".", "%00"]
)
def test_a_strange_reference_never_reaches_a_container(
    api: Client, engine: Engine, prefix: str, small_image: str, reference: str
) -> None:
    container = engine.api.create_container(small_image, command=["true"], name=f"{prefix}-c")["Id"]
    name = reference.replace("CONTAINER", container)
    assert api.delete(f"{IMAGES}/{name}").json(404)["error"]
    assert api.post(f"{IMAGES}/-/remove", {"image": name}).json(404)["error"]
    assert api.get(f"{IMAGES}/-/remove", image=name).json(404)["error"]
    assert engine.api.inspect_container(container)


def test_the_tools_of_this_machine_become_one(api: Client) -> None:
    answer = api.request("POST", f"{IMAGES}/-/tools")
    done = over(api, answer.headers["Location"])
    assert answer.json(202)["job"]["id"] == done["id"]
    assert done["state"] == "done", done
