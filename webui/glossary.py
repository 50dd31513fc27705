"""One sentence of help for each term, in our own words, and Docker's page about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_DOCS = "https://docs.docker.com"


@dataclass(frozen=True, slots=True)
class Entry:
    """A term's help."""

    sentence: str
    link: str


def _entry(sentence: str, page: str) -> Entry:
    return Entry(sentence, f"{_DOCS}/{page}")


ENTRIES: Mapping[str, Entry] = {
    "volume": _entry(
        "A folder that Docker keeps outside of containers: it outlives them, can be shared between them, and is "
        "deleted only when somebody says so.",
        "engine/storage/volumes/",
    ),
    "clone": _entry(
        "A new volume with a copy of all that is in another one. From then on the two have nothing to do with each other: "
        "what is changed in one stays as it is in the other.",
        "engine/storage/volumes/#back-up-restore-or-migrate-data-volumes",
    ),
    "anonymous volume": _entry(
        "A volume nobody named: Docker made up its name for one container. The next container won’t find it again, "
        "and removing the container with its volumes deletes it.",
        "engine/storage/volumes/#named-and-anonymous-volumes",
    ),
    "bind mount": _entry(
        "A folder or file of the engine’s machine seen inside a container. It depends on that machine’s layout and "
        "lets the container change the machine’s files.",
        "engine/storage/bind-mounts/",
    ),
    "tmpfs": _entry(
        "A folder kept in memory only: quick, private to one container, and empty again after it stops.",
        "engine/storage/tmpfs/",
    ),
    "driver": _entry(
        "Who keeps the volume’s data. “local” is the engine’s own disk; plugins can keep it on a server or in the cloud.",
        "engine/storage/volumes/#use-a-volume-driver",
    ),
    "plugin": _entry(
        "A program that adds something to the engine, such as a volume driver. A managed one is fetched and run by the "
        "engine itself, with the permissions one agrees to.",
        "engine/extend/",
    ),
    "driver options": _entry(
        "Settings the driver understands. For “local” they are those of the mount command: type, o and device.",
        "reference/cli/docker/volume/create/#opt",
    ),
    "label": _entry(
        "A note of your own on a volume or a container, as key and value. Docker keeps it and can’t change it afterwards.",
        "engine/manage-resources/labels/",
    ),
    "mountpoint": _entry(
        "Where the volume’s folder lies on the engine’s machine.", "reference/cli/docker/volume/inspect/"
    ),
    "mount": _entry(
        "What joins a volume, a folder of the machine or a piece of memory to a path inside the container.",
        "engine/storage/",
    ),
    "target": _entry(
        "The absolute path inside the container where the mount appears. It hides what the image has there.",
        "engine/storage/volumes/#mounting-a-volume-over-existing-data",
    ),
    "read-only": _entry(
        "The container can read the mount and not write to it; others still can.",
        "engine/storage/volumes/#use-a-read-only-volume",
    ),
    "nocopy": _entry(
        "An empty volume over a folder of the image is filled with what the image has there. nocopy leaves it empty.",
        "engine/storage/volumes/#populate-a-volume-using-a-container",
    ),
    "subpath": _entry(
        "Mounts one folder of the volume instead of the whole. It has to exist already.",
        "engine/storage/volumes/#mount-a-volume-subdirectory",
    ),
    "propagation": _entry(
        "Whether mounts made later below the folder are seen on the other side. Few people need anything but rprivate.",
        "engine/storage/bind-mounts/#configure-bind-propagation",
    ),
    "image": _entry(
        "The files and settings a container starts from.", "get-started/docker-concepts/the-basics/what-is-an-image/"
    ),
    "container": _entry(
        "A running or stopped process with its own files. What it writes outside of its mounts goes with it.",
        "get-started/docker-concepts/the-basics/what-is-a-container/",
    ),
    "restart policy": _entry(
        "What the engine does when the container ends: leave it, start it again always, or only after a failure.",
        "engine/containers/start-containers-automatically/",
    ),
    "published port": _entry(
        "A port of the machine that leads to a port of the container: 8080:80. Without an address before it, everyone "
        "who reaches the machine reaches it; 127.0.0.1:8080:80 keeps it to this machine.",
        "engine/network/port-publishing/",
    ),
    "network": _entry("Which other containers and machines the container can talk to.", "engine/network/"),
    "environment": _entry(
        "Variables the program in the container can read. Everyone who may inspect the container reads them too.",
        "reference/cli/docker/container/run/#env",
    ),
    "engine": _entry("The Docker or Podman service that keeps the volumes and runs the containers.", "engine/"),
    "context": _entry(
        "An engine’s address under a name, as the docker command line keeps it.", "engine/manage-resources/contexts/"
    ),
    "prune": _entry(
        "Docker’s own clean-up of everything unused at once. Demijohn never calls it: it deletes only what you named.",
        "reference/cli/docker/volume/prune/",
    ),
}
