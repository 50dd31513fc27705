"""Images of a real engine: made from this machine's tools, listed, looked into, removed, pulled."""

from __future__ import annotations

import base64
import json
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.engine.registry import ACCOUNT, LAYER_BYTES, LAYERS, Registry, publish, registry, slow_road
from tests.waiting import wait_until
from webui.engine import private
from webui.engine.connection import Engine, Engines
from webui.engine.images import has_content_at, image_detail, load_images, remove_image
from webui.engine.model import ROLE_LABEL
from webui.engine.pull import PullProgress, pull, pull_error
from webui.engine.references import parse_reference
from webui.engine.tools_image import MADE_BY_LABEL, make_tools_image
from webui.errors import ConflictError, EngineError, EngineUnreachableError, InvalidInputError, NotFoundError
from webui.settings import Settings

__all__ = ["registry"]


class EnoughError(Exception):
    """What a test raises to stop something."""


@pytest.fixture
def image(engine: Engine, small_image: str, prefix: str) -> Iterator[str]:
    """A name of the small image that a test may remove."""
    name = f"demijohn-test/{prefix}:latest"
    engine.api.tag(small_image, name)
    try:
        yield name
    finally:
        drop(engine, name)


@pytest.fixture(scope="session")
def large_image(
    engine_socket: str, small_image: str, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The path in the registry of an image with several layers that take a while."""
    folder = tmp_path_factory.mktemp("publisher")
    with closing(Engines(Settings(data_dir=folder, token="t", engine=engine_socket))) as found:
        publish(found.get("default"), small_image, f"{registry.host}/large:latest")
    return "large"


def drop(engine: Engine, name: str) -> None:
    if any(name in image.tags for image in load_images(engine.api)):
        engine.api.remove_image(name, force=True)


def is_local(engine: Engine, name: str) -> bool:
    return any(name in image.tags for image in load_images(engine.api))


def run(engine: Engine, image: str, name: str, command: list[str]) -> tuple[int, str]:
    host = engine.api.create_host_config(network_mode="none")
    container = engine.api.create_container(image, command, name=name, host_config=host)["Id"]
    engine.api.start(container)
    status = engine.api.wait(container)["StatusCode"]
    return status, engine.api.logs(container).decode()


# Made from this machine's tools


def test_the_small_image_runs_what_one_tries_first(engine: Engine, small_image: str, prefix: str) -> None:
    loop = "while true; do date >> /data/x; sleep 1; done"
    host = engine.api.create_host_config(network_mode="none", binds={f"{prefix}-data": {"bind": "/data"}})
    container = engine.api.create_container(
        small_image, ["sh", "-c", loop], name=f"{prefix}-loop", host_config=host, volumes=["/data"]
    )["Id"]
    engine.api.start(container)

    def lines() -> int:
        task = engine.api.exec_create(container, ["sh", "-c", "cat /data/x | wc -l"])
        return int(engine.api.exec_start(task["Id"]).strip() or 0)

    wait_until(lambda: lines() >= 2)


def test_the_small_image_has_a_person_s_usual_tools(engine: Engine, small_image: str, prefix: str) -> None:
    script = (
        "set -e; cd /tmp; mkdir a; touch a/b; cp -a a c; tar -c c | tar -t; find . -name b | sort;"
        " echo x | sed s/x/y/ | grep y; printf '1\\n2\\n' | tail -n 1; env | head -1 >/dev/null; whoami;"
        " /bin/sh -c 'stat -c %a /tmp'; du -s . >/dev/null; sha256sum a/b >/dev/null"
    )
    status, said = run(engine, small_image, f"{prefix}-tools", ["sh", "-c", script])
    assert (status, said) == (0, "c/\nc/b\n./a/b\n./c/b\ny\n2\nroot\n1777\n")


def test_the_small_image_says_who_made_it_and_what_it_runs(engine: Engine, small_image: str) -> None:
    detail = image_detail(engine, small_image)
    assert detail.argv == ("sh",)
    assert dict(detail.environment)["PATH"].endswith("/usr/bin:/sbin:/bin")
    assert engine.api.inspect_image(small_image)["Config"]["Labels"][MADE_BY_LABEL] == "tools"
    assert detail.image.size < 30_000_000


def test_making_the_small_image_tells_how_far_it_is_and_can_be_stopped(engine: Engine, prefix: str) -> None:
    told: list[tuple[int, int]] = []

    def stop_half_way(done: int, total: int) -> None:
        told.append((done, total))
        if done > total / 2:
            raise EnoughError

    name = f"demijohn-test/{prefix}:latest"
    with pytest.raises(EnoughError):
        make_tools_image(engine, name, stop_half_way)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert not is_local(engine, name)


def test_the_small_image_needs_a_proper_name(engine: Engine) -> None:
    with pytest.raises(InvalidInputError):
        make_tools_image(engine, "Not A Name")


# Listed and removed


def test_the_list_has_names_sizes_and_users_but_not_demijohn_s_own(engine: Engine, image: str, prefix: str) -> None:
    engine.api.create_container(image, ["true"], name=f"{prefix}-user")
    engine.api.create_container(image, ["true"], name=f"{prefix}-helper", labels={ROLE_LABEL: "helper"})
    found = next(each for each in load_images(engine.api) if image in each.tags)
    assert f"{prefix}-user" in found.used_by
    assert f"{prefix}-helper" not in found.used_by
    assert found.size > 1_000_000
    assert found.created is not None
    assert found.created.tzinfo is not None


def test_an_image_without_a_name_is_listed_by_its_id(engine: Engine, small_image: str, prefix: str) -> None:
    container = engine.api.create_container(small_image, ["true"], name=f"{prefix}-base")["Id"]
    made = engine.api.commit(container)["Id"]
    try:
        found = next(each for each in load_images(engine.api) if each.id == made)
        assert found.tags == ()
        assert re.fullmatch("[0-9a-f]{12}", found.name)
    finally:
        engine.api.remove_image(made)


def test_a_detail_says_what_an_image_brings_along(engine: Engine, small_image: str, prefix: str) -> None:
    container = engine.api.create_container(small_image, ["true"], name=f"{prefix}-base")["Id"]
    name = f"demijohn-test/{prefix}:rich"
    changes = [
        "VOLUME /b",
        "VOLUME /a",
        "ENV A=b=c",
        "EXPOSE 80",
        'ENTRYPOINT ["sh"]',
        'CMD ["-c", "true"]',
        "WORKDIR /tmp",
    ]
    engine.api.commit(container, repository=name.rpartition(":")[0], tag="rich", changes=changes)
    try:
        detail = image_detail(engine, name)
        assert detail.volumes == ("/a", "/b")
        assert ("A", "b=c") in detail.environment
        assert detail.exposed_ports == ("80/tcp",)
        assert detail.argv == ("sh", "-c", "true")
        assert detail.working_directory == "/tmp"
    finally:
        engine.api.remove_image(name)


def test_an_unused_image_is_removed(engine: Engine, image: str) -> None:
    remove_image(engine, image)
    assert not is_local(engine, image)


def test_an_image_in_use_stays_and_its_users_are_named(engine: Engine, registry: Registry, prefix: str) -> None:
    name = f"demijohn-test/{prefix}:only"
    make_tools_image(engine, name)
    engine.api.create_container(name, ["true"], name=f"{prefix}-user")
    try:
        with pytest.raises(ConflictError, match=f"in use by {prefix}-user") as caught:
            remove_image(engine, name)
        assert [use["name"] for use in caught.value.used_by] == [f"{prefix}-user"]
        assert is_local(engine, name)
    finally:
        engine.api.remove_container(f"{prefix}-user")
        engine.api.remove_image(name)


@pytest.mark.parametrize("ask", [image_detail, remove_image])
def test_an_image_that_is_not_there_is_not_found(engine: Engine, ask: type) -> None:
    with pytest.raises(NotFoundError, match="no image demijohn-test/none"):
        ask(engine, "demijohn-test/none:latest")


# Looked into


@pytest.mark.parametrize(
    ("path", "has_files"),
    [
        ("/usr/bin", True),
        ("/bin", True),
        ("/usr/bin/", True),
        ("/etc/passwd", True),
        ("/tmp", False),
        ("/data", False),
        ("/not/there", False),
        ("/etc/passwd/x", False),
    ],
)
def test_whether_an_image_has_files_at_a_path(engine: Engine, small_image: str, path: str, has_files: bool) -> None:
    before = everything(engine)
    assert has_content_at(engine, small_image, path) is has_files
    assert everything(engine) == before


def test_nobody_knows_what_is_in_an_image_that_is_not_there(engine: Engine) -> None:
    assert has_content_at(engine, "demijohn-test/none:latest", "/data") is None


def test_looking_at_a_declared_volume_makes_none(engine: Engine, small_image: str, prefix: str) -> None:
    container = engine.api.create_container(small_image, ["true"], name=f"{prefix}-base")["Id"]
    name = f"demijohn-test/{prefix}:declares"
    engine.api.commit(
        container, repository=name.rpartition(":")[0], tag="declares", changes=["VOLUME /etc", "VOLUME /new"]
    )
    made: list[str] = []
    try:
        events = engine.api.events(decode=True, filters={"type": "volume", "event": "create"})
        reader = threading.Thread(target=lambda: made.extend(str(event) for event in events))
        reader.start()
        before = everything(engine)
        assert has_content_at(engine, name, "/etc") is True
        assert has_content_at(engine, name, "/new") is False
        assert everything(engine) == before
        events.close()
        reader.join(5)
        assert made == []
    finally:
        engine.api.remove_image(name)


def test_what_was_seen_once_is_not_looked_up_again(engine: Engine, small_image: str) -> None:
    has_content_at(engine, small_image, "/var")
    with closing(engine.api.events(decode=True, filters={"type": "container"})) as events:
        has_content_at(engine, small_image, "/var")
        marker = engine.api.create_container(small_image, ["true"])["Id"]
        engine.api.remove_container(marker)
        assert next(events)["Actor"]["ID"] == marker


def everything(engine: Engine) -> tuple[set[str], set[str]]:
    containers = {each["Id"] for each in engine.api.containers(all=True)}
    return containers, {each["Name"] for each in engine.api.volumes()["Volumes"] or ()}


# Pulled


def test_a_pull_brings_the_image_and_tells_of_every_layer(engine: Engine, registry: Registry, large_image: str) -> None:
    name = f"{registry.host}/{large_image}"
    told: list[PullProgress] = []
    with slow_road(registry, 4_000_000) as road:
        name = f"{road.host}/{large_image}"
        try:
            found = pull(engine, name, told.append, lambda _: None)
            assert found is not None
            assert found.tags == (f"{name}:latest",)
        finally:
            drop(engine, f"{name}:latest")
    last = told[-1]
    assert len(last.layers) == LAYERS + 1
    assert all(layer.finished for layer in last.layers)
    new = [layer for layer in last.layers if layer.status == "Pull complete"]
    assert len(new) >= LAYERS
    assert last.total is not None
    assert last.done == last.total >= LAYERS * LAYER_BYTES
    assert [each.done for each in told] == sorted(each.done for each in told)
    assert any(0 < layer.current < (layer.total or 0) for each in told for layer in each.layers)


def test_without_a_tag_only_latest_is_pulled(engine: Engine, registry: Registry, small_image: str, prefix: str) -> None:
    for tag in ("latest", "other"):
        publish(engine, small_image, f"{registry.host}/{prefix}:{tag}", layers=0)
    try:
        pull(engine, f"{registry.host}/{prefix}", lambda _: None, lambda _: None)
        assert is_local(engine, f"{registry.host}/{prefix}:latest")
        assert not is_local(engine, f"{registry.host}/{prefix}:other")
    finally:
        drop(engine, f"{registry.host}/{prefix}:latest")


def test_a_pull_by_digest(engine: Engine, registry: Registry, large_image: str) -> None:
    name = f"{registry.host}/{large_image}"
    pull(engine, name, lambda _: None, lambda _: None)
    try:
        digest = engine.api.inspect_image(name)["RepoDigests"][0]
        engine.api.remove_image(f"{name}:latest")
        found = pull(engine, digest, lambda _: None, lambda _: None)
        assert found is not None
    finally:
        engine.api.remove_image(digest)


def test_a_cancelled_pull_stops_the_engine_and_leaves_no_image(
    engine: Engine, registry: Registry, large_image: str
) -> None:
    with slow_road(registry, 300_000) as road:
        name = f"{road.host}/{large_image}:latest"
        cancels = []

        def cancel_when_it_flows(progress: PullProgress) -> None:
            if progress.done:
                threading.Thread(target=cancels[0]).start()

        assert pull(engine, name, cancel_when_it_flows, cancels.append) is None
        wait_until(lambda: road.open == 0)
        assert road.carried < LAYERS * LAYER_BYTES
        assert not is_local(engine, name)


def test_a_pull_can_be_cancelled_while_the_registry_is_silent(
    engine: Engine, registry: Registry, large_image: str
) -> None:
    with slow_road(registry, 0) as road:
        result: list[object] = []
        cancels = []

        def work() -> None:
            result.append(pull(engine, f"{road.host}/{large_image}", lambda _: None, cancels.append))

        thread = threading.Thread(target=work)
        thread.start()
        wait_until(lambda: road.open > 0)
        cancels[0]()
        thread.join(2)
        assert result == [None]
    wait_until(lambda: road.open == 0)
    assert not is_local(engine, f"{road.host}/{large_image}:latest")


def test_an_image_the_registry_does_not_have_is_not_found(engine: Engine, registry: Registry) -> None:
    with pytest.raises(NotFoundError, match=r"has no image .*/none:1, or not for this account"):
        pull(engine, f"{registry.host}/none:1", lambda _: None, lambda _: None)


def test_a_tag_the_registry_does_not_have_is_not_found(engine: Engine, registry: Registry, large_image: str) -> None:
    with pytest.raises(NotFoundError, match="large:never"):
        pull(engine, f"{registry.host}/{large_image}:never", lambda _: None, lambda _: None)


def test_a_registry_out_of_reach_is_named(engine: Engine) -> None:
    with pytest.raises(EngineError, match=r"can't reach the registry 127\.0\.0\.1:1:") as caught:
        pull(engine, "127.0.0.1:1/anything", lambda _: None, lambda _: None)
    assert "tools" in caught.value.hint


def test_what_is_no_image_s_name_asks_nobody(engine: Engine) -> None:
    with pytest.raises(InvalidInputError) as caught:
        pull(engine, "nginx latest", lambda _: None, lambda _: None)
    assert "image" in caught.value.fields


def test_a_private_registry_is_opened_with_the_credentials_of_docker_login(
    engine: Engine, small_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with closing(Registry(tmp_path, private=True)) as closed:
        name = f"{closed.host}/{prefix}:latest"
        with pytest.raises(NotFoundError, match="not for this account") as caught:
            pull(engine, name, lambda _: None, lambda _: None)
        assert f"docker login {closed.host}" in caught.value.hint

        secret = base64.b64encode(":".join(ACCOUNT).encode()).decode()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {closed.host: {"auth": secret}}}))
        engine.api.reload_config()
        publish(engine, small_image, name, layers=0)
        try:
            assert pull(engine, name, lambda _: None, lambda _: None) is not None
        finally:
            drop(engine, name)


def test_an_engine_killed_in_the_middle_is_told_as_such(
    registry: Registry, large_image: str, settings: Settings
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="demijohn-"))
    own = private.start(folder)
    try:
        url = own.address("default").url
        with (
            closing(Engines(Settings(data_dir=folder, token="t", engine=url))) as found,
            slow_road(registry, 300_000) as road,
        ):

            def kill_when_it_flows(progress: PullProgress) -> None:
                if progress.done:
                    own.stop()

            with pytest.raises(EngineUnreachableError):
                pull(found.get("default"), f"{road.host}/{large_image}", kill_when_it_flows, lambda _: None)
    finally:
        own.stop()
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("write /var/lib/docker/tmp/x: no space left on device", EngineError, "disk is full"),
        ("toomanyrequests: You have reached your pull rate limit.", EngineError, "no more pulls for now"),
        ("no matching manifest for linux/amd64 in the manifest list", NotFoundError, "kind of processor"),
        ('Get "https://r/v2/": x509: certificate signed by unknown authority', EngineError, "does not trust"),
        ('Get "https://r/v2/": dial tcp: lookup r: no such host', EngineError, "can't reach the registry r.test"),
        ("manifest for r.test/x:1 not found: manifest unknown", NotFoundError, "has no image r.test/x:1"),
        ("pull access denied for x, repository does not exist", NotFoundError, "has no image"),
        ("something new", EngineError, "something new"),
    ],
)
def test_what_engines_say_about_failed_pulls_in_words(said: str, kind: type, words: str) -> None:
    error = pull_error(parse_reference("r.test/x:1"), said)
    assert type(error) is kind
    assert words in error.message
