"""Jobs over HTTP: list, look, cancel."""

from __future__ import annotations

import socket
from contextlib import closing
from datetime import UTC, datetime

import pytest

from tests.conftest import TOKEN
from tests.engine import http_client
from tests.engine.conftest import served
from tests.engine.http_client import Client
from tests.waiting import wait_until
from webui.jobs.journal import Journal
from webui.jobs.model import Job, JobId, JobState
from webui.settings import Settings
from webui.store import Store


@pytest.mark.parametrize("job", ["nosuch", "..", "%2e%2e", "%00", "x" * 300, "a%2Fb"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_one_that_is_not_there(api: Client, method: str, job: str) -> None:
    assert api.request(method, f"/jobs/{job}").json(404)["error"]


def test_one_that_runs_can_be_cancelled(api: Client, htmx: Client, visitor: Client) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        image = f"127.0.0.1:{silent.getsockname()[1]}/nobody/answers:1"
        answer = api.post("/e/default/images/pull", {"image": image})
        location, job = answer.headers["Location"], answer.json(202)["job"]
        again = api.post("/e/default/images/pull", {"image": image}).json(202)["job"]
        assert again["id"] == job["id"]
        wait_until(lambda: api.get(location).json()["state"] == "running")
        assert image in htmx.get("/jobs").text
        assert visitor.get(location).status == 200
        assert api.get("/e/default/status").json()["running_jobs"] >= 1
        assert api.delete(location).json(202)["id"] == job["id"]
        wait_until(lambda: api.get(location).json()["state"] == "cancelled")
        assert api.delete(location).json(409)["error"]


def test_one_that_was_cut_off_is_settled_at_the_next_start(engine_settings: Settings) -> None:
    with closing(Store(engine_settings.data_dir)) as store:
        job = Job(JobId("cut-off"), "pull", "debian:latest", "default", JobState.RUNNING, datetime.now(UTC))
        Journal(store).add(job)
    with served(engine_settings) as port:
        api = http_client.script(port, TOKEN)
        wait_until(lambda: api.get("/jobs/cut-off").json()["state"] == "interrupted")


def test_wrong_methods(api: Client) -> None:
    assert api.request("POST", "/jobs").json(405)["error"]
    assert api.request("PUT", "/jobs/x").json(405)["error"]
