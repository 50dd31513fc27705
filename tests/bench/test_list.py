"""The list of volumes, beside what the engine itself takes to tell them.

Times are printed and not judged: machines differ. Ratios, weights and counts are, with room for a busy machine.
"""

from __future__ import annotations

import gzip
import json
import re
import statistics
import time
from contextlib import ExitStack, closing

from tests.bench.conftest import VOLUMES, App, settle
from tests.bench.table import Table, interleaved, median_ratio, milliseconds
from tests.bench.wire import Timed, Wire
from tests.proxy import CountingProxy

REPETITIONS = 21
STREAMS = 64
IDLE_SECONDS = 6.0
KILOBYTE = 1000
SEARCHES = {
    "search": "?q=bench+42",
    "filter": "?used=no&project=project-12",
    "sort": "?sort=-created",
    "next page": "?page=7",
}


def test_first_byte_of_the_list(app: App, engine_wire: Wire, many: int, table: Table) -> None:
    """Page and JSON are asked fresh of the engine each time."""
    with closing(app.wire()) as page, closing(app.wire(Accept="application/json")) as script:
        assert json.loads(unpacked(script.get(VOLUMES)))["total"] == many
        taken = interleaved(
            {
                "engine": lambda: raw_answers(engine_wire),
                "page": lambda: answered(page.get(VOLUMES)),
                "json": lambda: answered(script.get(VOLUMES)),
            },
            REPETITIONS,
        )
    for work in ("page", "json"):
        ratio = median_ratio(taken[work], taken["engine"])
        name = f"list of {many:,} volumes as {work}, first byte"
        peer = f"{milliseconds(taken['engine'])} (`GET /volumes` + `GET /containers/json`)"
        table.add(name, milliseconds(taken[work]), peer, f"{ratio:.2f}×", "≤ 1.5×")
        assert ratio < (3 if many >= 10_000 else 8)


def test_first_byte_after_a_change(app: App, engine_wire: Wire, many: int, table: Table) -> None:
    """A volume more each time: nothing of the answer before it can simply be shown again."""
    made: list[str] = []

    def page_after_a_change() -> float:
        made.append(f"bench-new-{len(made)}")
        engine_wire.post("/volumes/create", {"Name": made[-1]})
        return answered(page.get(VOLUMES))

    try:
        with closing(app.wire()) as page:
            page.get(VOLUMES)
            works = {"engine": lambda: raw_answers(engine_wire), "page": page_after_a_change}
            taken = interleaved(works, REPETITIONS)
    finally:
        for name in made:
            engine_wire.delete(f"/volumes/{name}")
    ratio = median_ratio(taken["page"], taken["engine"])
    name = f"the same after a change, {many:,} volumes"
    table.add(name, milliseconds(taken["page"]), milliseconds(taken["engine"]), f"{ratio:.2f}×", "≤ 1.5×")
    assert ratio < (3 if many >= 10_000 else 8)


def test_filter_search_sort_and_page_again(app: App, many: int, table: Table) -> None:
    """As htmx asks for them, while events are read and nothing changed."""
    with closing(app.wire(HX_Request="true")) as page, closing(app.wire()) as stream:
        stream.open("/e/default/events")
        settle(page)
        taken = interleaved(
            {name: lambda query=query: answered(page.get(VOLUMES + query)) for name, query in SEARCHES.items()},
            REPETITIONS,
        )
    for name, seconds in taken.items():
        table.add(f"{name}, {many:,} volumes", milliseconds(seconds), "", "", "≤ 30 ms")


def test_fragments_ask_the_engine_nothing(watched_app: App, proxy: CountingProxy, many: int) -> None:
    with closing(watched_app.wire(HX_Request="true")) as page:
        settle(page)
        before = len(proxy.requests)
        for query in SEARCHES.values():
            answered(page.get(VOLUMES + query))
        assert proxy.requests[before:] == []


def test_a_page_costs_the_engine_two_questions(watched_app: App, proxy: CountingProxy, many: int) -> None:
    with closing(watched_app.wire()) as page:
        settle(page)
        before = len(proxy.requests)
        answered(page.get(VOLUMES))
        asked = sorted(re.sub(r"/v[\d.]+", "", line.split()[1]).partition("?")[0] for line in proxy.requests[before:])
        assert asked == ["/containers/json", "/volumes"]


def test_weight_of_the_first_visit(app: App, many: int, table: Table) -> None:
    """Every byte a browser loads: the page, and the files it names, the scripts those import among them."""
    with closing(app.wire()) as wire:
        page = wire.get(VOLUMES)
        weight, waiting, seen = len(page.body), named_files(unpacked(page)), set[str]()
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            file = wire.get(path)
            assert file.status == 200, path
            weight += len(file.body)
            waiting |= imported_files(path, unpacked(file))
    name = f"first visit, {many:,} volumes: page and {len(seen)} files, compressed"
    table.add(name, f"{weight / KILOBYTE:.0f} KB", "", "", "≤ 300 KB")
    assert weight < 300 * KILOBYTE


def test_start_to_first_page(app: App, many: int, table: Table) -> None:
    with closing(app.wire()) as wire:
        answered(wire.get(VOLUMES))
    seconds = time.perf_counter() - app.began
    table.add(f"start of Python to the first page, {many:,} volumes", f"{seconds:.2f} s", "", "", "< 1 s")


def test_open_event_streams_do_not_slow_requests(app: App, many: int, table: Table) -> None:
    with closing(app.wire(HX_Request="true")) as page, ExitStack() as streams:
        settle(page)
        without = [answered(page.get(VOLUMES)) for _ in range(REPETITIONS)]
        for _ in range(STREAMS):
            stream = streams.enter_context(closing(app.wire()))
            assert stream.open("/e/default/events").readline() == b"event: hello\n"
        beside = [answered(page.get(VOLUMES)) for _ in range(REPETITIONS)]
    ratio = statistics.median(beside) / statistics.median(without)
    name = f"a fragment beside {STREAMS} open event streams"
    table.add(name, milliseconds(beside), f"{milliseconds(without)} (beside none)", f"{ratio:.2f}×", "")
    assert ratio < 5


def test_idle(watched_app: App, proxy: CountingProxy, many: int, table: Table) -> None:
    with closing(watched_app.wire(HX_Request="true")) as page, closing(watched_app.wire()) as stream:
        stream.open("/e/default/events")
        settle(page)
        asked, used = len(proxy.requests), watched_app.processor_seconds()
        time.sleep(IDLE_SECONDS)
        used = watched_app.processor_seconds() - used
        asked = len(proxy.requests) - asked
    name = f"idle with a page open, {many:,} volumes"
    table.add(name, f"{used / IDLE_SECONDS:.1%} of a processor, {asked} engine calls", "", "", "none")
    assert asked == 0
    assert used / IDLE_SECONDS < 0.05


def raw_answers(wire: Wire) -> float:
    """Seconds for both of the engine's own answers, unread."""
    return wire.get("/volumes").whole + wire.get("/containers/json?all=1").whole


def answered(answer: Timed) -> float:
    assert answer.status == 200, answer.body
    return answer.first_byte


def unpacked(answer: Timed) -> str:
    """The answer's text, compressed or not."""
    packed = answer.body[:2] == b"\x1f\x8b"
    return (gzip.decompress(answer.body) if packed else answer.body).decode()


def named_files(page: str) -> set[str]:
    """The static files a page names."""
    return {found.replace("&amp;", "&") for found in re.findall(r'(?:href|src)="(/static/[^"#]+)', page)}


def imported_files(path: str, text: str) -> set[str]:
    """The scripts and pictures that a static file loads in turn."""
    folder = path.rpartition("/")[0]
    names = re.findall(r'(?:from|import)\s+"\./([^"]+)"', text) if path.partition("?")[0].endswith(".js") else []
    return {f"{folder}/{name}" for name in names}
