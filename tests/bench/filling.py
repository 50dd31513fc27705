"""An engine filled with many volumes, some with labels and projects, and containers that hold a few of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.bench.wire import Wire

CONTAINERS = 50
_HANDS = 8


def fill(socket_path: str, image: str, *, first: int, last: int) -> None:
    """Make the volumes numbered from `first` up to `last`, and once the containers that hold some of them."""
    hands = [Wire(socket_path) for _ in range(_HANDS)]
    try:
        with ThreadPoolExecutor(_HANDS) as workers:
            shares = [range(first + hand, last, _HANDS) for hand in range(_HANDS)]
            list(workers.map(_make_volumes, hands, shares))
        if first == 0:
            _make_containers(hands[0], image)
    finally:
        for hand in hands:
            hand.close()


def _make_volumes(wire: Wire, numbers: range) -> None:
    for number in numbers:
        wire.post("/volumes/create", {"Name": volume_name(number), "Labels": _labels(number)})


def volume_name(number: int) -> str:
    """Every tenth has no name of its own, as Docker's anonymous ones."""
    return f"{number:064x}" if number % 10 == 9 else f"bench-{number:05d}"


def _labels(number: int) -> dict[str, str]:
    if number % 10 == 9:
        return {"com.docker.volume.anonymous": ""}
    if number % 3 == 0:
        return {"com.docker.compose.project": f"project-{number % 40}", "com.docker.compose.volume": "data"}
    return {"owner": "ann"} if number % 7 == 0 else {}


def _make_containers(wire: Wire, image: str) -> None:
    for number in range(CONTAINERS):
        mounts: list[dict[str, Any]] = [
            {"Type": "volume", "Source": volume_name(number * 3), "Target": "/data"},
            {"Type": "volume", "Source": "bench-00000", "Target": "/shared", "ReadOnly": True},
        ]
        wire.post(
            f"/containers/create?name=bench-{number}",
            {"Image": image, "Cmd": ["sleep", "1"], "HostConfig": {"Mounts": mounts, "NetworkMode": "none"}},
        )
