"""rclone as a managed plugin, made of the program that PyPI carries, in the shape of rclone's own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from tests.engine.rclone_servers import PROGRAM

_LIBRARY = re.compile(r"(/\S+) \(0x")


def make_plugin(folder: Path, data: Path) -> Path:
    """A folder for `docker plugin create`: with FUSE's mount program beside rclone, keeping its state below `data`."""
    root = folder / "rootfs"
    for each in (
        "usr/local/bin",
        "bin",
        "etc",
        "tmp",
        "run/docker/plugins",
        "data/config",
        "data/cache",
        "mnt",
        "proc",
        "sys",
    ):
        (root / each).mkdir(parents=True)
    shutil.copy(PROGRAM, root / "usr/local/bin/rclone")
    _copy_with_libraries(Path(shutil.which("fusermount3") or "fusermount3"), root / "bin", root)
    (root / "etc/fuse.conf").write_text("user_allow_other\n")
    (folder / "config.json").write_text(json.dumps(_configuration(data)))
    return folder


def _copy_with_libraries(program: Path, to: Path, root: Path) -> None:
    shutil.copy(program, to)
    needed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    for library in map(Path, _LIBRARY.findall(needed)):
        (root / library.relative_to("/").parent).mkdir(parents=True, exist_ok=True)
        shutil.copy(library, root / library.relative_to("/"))


def _configuration(data: Path) -> dict[str, object]:
    environment = {
        "RCLONE_CONFIG": "/data/config/rclone.conf",
        "RCLONE_CACHE_DIR": "/data/cache",
        "RCLONE_BASE_DIR": "/mnt",
    }
    return {
        "description": "Rclone volume plugin for Docker",
        "documentation": "https://rclone.org/docker",
        "workdir": "/data",
        "interface": {"socket": "rclone.sock", "types": ["docker.volumedriver/1.0"]},
        "linux": {"capabilities": ["CAP_SYS_ADMIN"], "devices": [{"path": "/dev/fuse"}]},
        "network": {"type": "host"},
        "entrypoint": ["/usr/local/bin/rclone", "serve", "docker"],
        "env": [
            {"name": name, "value": value} for name, value in {**environment, "PATH": "/usr/local/bin:/bin"}.items()
        ],
        "mounts": [_mount("config", data), _mount("cache", data)],
        "args": {"name": "args", "value": [], "settable": ["value"]},
        "propagatedMount": "/mnt",
    }


def _mount(name: str, data: Path) -> dict[str, object]:
    return {
        **{"name": name, "source": str(data / name), "destination": f"/data/{name}", "type": "bind"},
        **{"options": ["rbind"], "settable": ["source"]},
    }
