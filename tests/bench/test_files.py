"""The folders of a volume, beside what this machine itself, the engine and the `docker` command take for the same.

Times are printed and not judged: machines differ. Ratios and counts are, with room for a busy machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.bench.conftest import VOLUMES, App, Docker, settle
from tests.bench.table import Table, interleaved, timed
from tests.bench.volumes import Volume, fill_folder, fill_tree, new_volume
from tests.bench.wire import Wire
from tests.proxy import CountingProxy
from webui.engine import usage
from webui.engine.connection import Engine
from webui.engine.file_model import Place
from webui.engine.files import Files
from webui.engine.inside import Inside
from webui.paths import TOP

REPETITIONS = 21
FEW_REPETITIONS = 7
FEW_ENTRIES = 1_000
MANY_ENTRIES = 100_000
WINDOW = 200
IDLE_SECONDS = 6.0

SCANDIR = "`os.scandir` + `stat`, as root"
LS = "`docker exec … ls -la`"
START = "create + start of a container, docker-py"
DU = "`du -s`, as root"


@pytest.fixture
def inside(engine: Engine, small_image: str) -> Iterator[Inside]:
    """What looks inside volumes, without HTTP."""
    image = engine.api.inspect_image(small_image)["Id"]
    with closing(Inside(engine, lambda: image)) as inside:
        yield inside


def test_a_folder(app: App, inside: Inside, volume: Volume, docker: Docker, table: Table) -> None:
    """All its entries, with all that is told of each."""
    fill_folder(volume.top, FEW_ENTRIES)
    files, url = Files(inside, Place.volume(volume.name)), f"{volume.url}/files?limit={FEW_ENTRIES}"
    with closing(app.script()) as script, closing(app.wire()) as page:
        assert len(files.listing(limit=FEW_ENTRIES).entries) == entries(script, url) == FEW_ENTRIES
        taken = interleaved(
            {
                **peers(volume, docker),
                "engine part": lambda: timed(lambda: files.listing(limit=FEW_ENTRIES)),
                "JSON": lambda: timed(lambda: entries(script, url)),
                "page": lambda: timed(lambda: page.get(f"{volume.url}/files")),
            },
            REPETITIONS,
        )
    name = f"folder of {FEW_ENTRIES:,} entries, session open"
    for work in ("engine part", "JSON"):
        assert table.compare(f"{name}, {work}", taken, work, SCANDIR, goal="≤ 3×") < 20
        assert table.compare(f"{name}, {work}", taken, work, LS, goal="≤ 0.2×") < 2
    assert table.compare(f"{name}, page of {WINDOW}", taken, "page", LS, goal="") < 5


def test_a_large_folder(app: App, volume: Volume, docker: Docker, table: Table) -> None:
    """A window of it, as a page shows; only the first has to go through all there is."""
    fill_folder(volume.top, MANY_ENTRIES)
    url = f"{volume.url}/files?limit={WINDOW}"
    with closing(app.script()) as script:
        snapshot = json.loads(script.get(url).body)["next"].partition(".")[0]
        later = f"{url}&next={snapshot}.{MANY_ENTRIES // 2}"
        assert entries(script, later) == WINDOW
        taken = interleaved(
            {
                **peers(volume, docker),
                "later": lambda: timed(lambda: entries(script, later)),
                "first": lambda: timed(lambda: entries(script, url)),
            },
            FEW_REPETITIONS,
        )
    for work in ("first", "later"):
        name = f"folder of {MANY_ENTRIES:,} entries, {work} window of {WINDOW}, JSON"
        assert table.compare(name, taken, work, SCANDIR, goal="≤ 3×") < 10
        assert table.compare(name, taken, work, LS, goal="≤ 0.2×") < 2


def test_the_first_folder_of_a_volume(
    app: App, engine: Engine, engine_wire: Wire, small_image: str, table: Table
) -> None:
    """Each time another volume that nobody has opened before."""
    with ExitStack() as stack:
        names = [f"bench-first-{number}" for number in range(2 * FEW_REPETITIONS)]
        volumes = [stack.enter_context(new_volume(engine_wire, name)) for name in names]
        script = stack.enter_context(closing(app.script()))
        script.get(VOLUMES)
        taken = interleaved(
            {
                START: lambda: timed(lambda: start(engine, small_image, volumes.pop())),
                "folder": lambda: timed(lambda: entries(script, f"{volumes.pop().url}/files")),
            },
            FEW_REPETITIONS,
        )
    assert table.compare("the first folder of a volume, JSON", taken, "folder", START, goal="≤ 1.3×") < 5


def test_size(inside: Inside, volume: Volume, table: Table) -> None:
    """What the engine part of measuring takes; both find the same."""
    fill_tree(volume.top, folders=100, files=MANY_ENTRIES // 100, size=2)
    files = Files(inside, Place.volume(volume.name))
    assert measured(files) == on_disk(volume.top)
    taken = interleaved(
        {DU: lambda: timed(lambda: on_disk(volume.top)), "size": lambda: timed(lambda: measured(files))},
        FEW_REPETITIONS,
    )
    assert table.compare(f"size of {MANY_ENTRIES:,} files", taken, "size", DU, goal="≤ 1.3×") < 5


def test_idle(watched_app: App, volume: Volume, proxy: CountingProxy, table: Table) -> None:
    """With a folder on the screen, and with what looks inside still there."""
    fill_folder(volume.top, FEW_ENTRIES)
    with closing(watched_app.wire()) as page, closing(watched_app.wire()) as stream:
        stream.open("/e/default/events")
        settle(page)
        assert page.get(f"{volume.url}/files").status == 200
        time.sleep(1)
        asked, used = len(proxy.requests), watched_app.processor_seconds()
        time.sleep(IDLE_SECONDS)
        used = (watched_app.processor_seconds() - used) / IDLE_SECONDS
        asked = len(proxy.requests) - asked
    table.add("idle with a folder open", f"{used:.1%} of a processor, {asked} engine calls", "", "", "none")
    assert asked == 0
    assert used < 0.05


def peers(folder: Volume, docker: Docker) -> Mapping[str, Callable[[], float]]:
    """What root on the engine's machine can do, and what a person types."""
    return {
        SCANDIR: lambda: timed(lambda: [each.stat(follow_symlinks=False) for each in os.scandir(folder.top)]),
        LS: lambda: timed(lambda: docker.run("exec", folder.holder, "ls", "-la", "/data")),
    }


def entries(script: Wire, url: str) -> int:
    """How many entries of a folder are told."""
    answer = script.get(url)
    assert answer.status == 200, answer.body
    return answer.body.count(b'"version"')


def start(engine: Engine, image: str, held: Volume) -> None:
    """Start a container with the volume, as a program does."""
    mounts = [{"Type": "volume", "Source": held.name, "Target": "/data"}]
    config = engine.api.create_host_config(mounts=mounts, network_mode="none")
    engine.api.start(engine.api.create_container(image, ["sleep", "3600"], host_config=config)["Id"])


def measured(files: Files) -> int:
    """What all files take, in bytes."""
    return usage.measure(files, TOP, lambda *_: None).bytes


def on_disk(folder: Path) -> int:
    """The same, as the system tells it."""
    said = subprocess.run(["du", "-s", "-B1", folder], capture_output=True, check=True, text=True)
    return int(said.stdout.split()[0])
