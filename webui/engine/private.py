"""An engine of Demijohn's own, for a machine where none is running: dockerd as root, else Podman's service.

It listens on a socket only this account can reach, keeps its data under the data directory, leaves the
machine's network alone, and ends with the app. A lock decides whose it is: of several apps on one data
directory the first starts and stops the engine, the others use it; what a crash left is taken over.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from webui.engine.model import EngineAddress
from webui.errors import EngineUnreachableError
from webui.settings import SYSTEM_PATH, Settings

START_SECONDS = 30.0
STOP_SECONDS = 30.0
_LONGEST_SOCKET = 107
_DEEPEST_SOCKET = "exec/containerd/containerd.sock.ttrpc"
_POLL_SECONDS = 0.05
_RETRY_SECONDS = 5.0
_TAIL_LINES = 8
_INSTALL_HINT = "Install an engine, for example with `sudo apt install docker.io`, and start Demijohn again."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a private engine keeps what: `home` its data, `run` its sockets, whose paths have to be short."""

    home: Path
    run: Path

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.run / "docker.sock"

    @property
    def data(self) -> Path:
        """Volumes, images and containers."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """What it printed since it was started last."""
        return self.home / "log"

    @property
    def pid(self) -> Path:
        """The process id of the engine."""
        return self.home / "pid"


class PrivateEngine:
    """The private engine of one data directory. Every method may be called from any thread."""

    def __init__(self, data_dir: Path, *, runtime_folder: Path | None = None, search_path: str = SYSTEM_PATH) -> None:
        """Raises EngineUnreachableError where neither dockerd (as root) nor podman is installed."""
        self._folders = _folders(data_dir, runtime_folder)
        self._program = _program(search_path)
        self._search_path = search_path
        self._owned: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = threading.Lock()
        self._trouble: EngineUnreachableError | None = None
        self._starting: threading.Thread | None = None
        self._retry_at = 0.0
        self._stopped = False

    @classmethod
    def of(cls, settings: Settings) -> PrivateEngine:
        """The one that belongs to these settings. Raises as the constructor does."""
        return cls(settings.data_dir, runtime_folder=settings.runtime_folder, search_path=settings.search_path)

    @staticmethod
    def possible(settings: Settings) -> bool:
        """Whether this machine has what a private engine needs."""
        with contextlib.suppress(EngineUnreachableError):
            return bool(_program(settings.search_path))
        return False

    def address(self, name: str) -> EngineAddress:
        """Where it listens, or will."""
        kind = "dockerd" if self._is_dockerd else "podman"
        return EngineAddress(
            name=name,
            url=f"unix://{self._folders.socket}",
            source="private",
            description=f"private engine ({kind}), stopped together with Demijohn",
            data_folder=str(self._folders.data),
            start_hint=self._start_hint,
        )

    def start(self) -> None:
        """Return when it answers: at once where it runs already.

        Raises:
            EngineUnreachableError: it ended, or did not answer within START_SECONDS; with the end of its log.
        """
        with self._changing:
            if self._stopped:
                raise EngineUnreachableError("The private engine was stopped.")
            _make(self._folders)
            owner = self._own()
            if _answers(self._folders.socket):
                return
            if owner:
                self._end_leftovers()
                _make(self._folders)
                self._spawn()
            self._wait_until_it_answers()

    def wake(self) -> EngineUnreachableError:
        """Start it in the background unless that is under way; returns what can be said of it meanwhile."""
        under_way = self._starting is not None and self._starting.is_alive()
        if not under_way and not self._stopped and time.monotonic() >= self._retry_at:
            self._starting = threading.Thread(target=self._start_quietly, name="private engine", daemon=True)
            self._starting.start()
        return self._trouble or EngineUnreachableError(
            "Demijohn's private engine is starting.",
            hint="This takes a few seconds; the page goes on by itself.",
        )

    def stop(self) -> None:
        """End it and all it started, containers included; an engine another app owns is left alone."""
        self._stopped = True
        with self._changing:
            if self._owned is None:
                return
            try:
                self._end()
            finally:
                self._owned.close()
                self._owned = None

    @property
    def _is_dockerd(self) -> bool:
        return self._program.endswith("dockerd")

    @property
    def _start_hint(self) -> str:
        if self._is_dockerd:
            return "sudo systemctl start docker"
        return f"systemctl{'' if os.getuid() == 0 else ' --user'} start podman.socket"

    def _start_quietly(self) -> None:
        try:
            self.start()
            self._trouble = None
        except EngineUnreachableError as error:
            self._trouble = error
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            _log.warning("%s", error)

    def _own(self) -> bool:
        """Whether the lock is ours now. The kernel gives it back when the app dies, however it dies."""
        if self._owned is None:
            file = (self._folders.home / "lock").open("wb")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                return False
            self._owned = file
        return True

    def _spawn(self) -> None:
        command, variables = self._command()
        settings = [f"{name}={value}" for name, value in ({"PATH": self._search_path} | variables).items()]
        with self._folders.log.open("wb") as output:
            self._process = subprocess.Popen(
                ["env", *settings, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=self._folders.home,
            )
        self._folders.pid.write_text(f"{self._process.pid}\n")
        _log.info("private engine started: %s", " ".join(command))

    def _command(self) -> tuple[list[str], dict[str, str]]:
        if self._is_dockerd:
            return _dockerd_command(self._program, self._folders), {}
        variables = _podman_configuration(self._folders, self._search_path)
        return [self._program, "system", "service", "--time=0", self.address("").url], variables

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self._folders.socket):
            if self._process is not None and self._process.poll() is not None:
                raise self._failure("ended at once")
            if time.monotonic() > deadline:
                raise self._failure(f"did not answer within {START_SECONDS:g} s")
            time.sleep(_POLL_SECONDS)

    def _failure(self, what: str) -> EngineUnreachableError:
        tail = _tail(self._folders.log)
        return EngineUnreachableError(
            f"Demijohn's private engine {what}. It said: {tail or 'nothing'}",
            hint=f"Its whole log is {self._folders.log}. Another engine can be used with --engine.",
        )

    def _end(self) -> None:
        if not self._is_dockerd:
            self._stop_podman_containers()
        self._end_leftovers()

    def _stop_podman_containers(self) -> None:
        variables = [f"{k}={v}" for k, v in _podman_configuration(self._folders, self._search_path).items()]
        command = [
            "env",
            f"PATH={self._search_path}",
            *variables,
            self._program,
            "stop",
            "--all",
            "--time=10",
        ]
        subprocess.run(command, check=False, capture_output=True, timeout=STOP_SECONDS)

    def _end_leftovers(self) -> None:
        """Ends the engine by the pid it has, then whatever still works for it, and removes its traces."""
        pid = _running_engine(self._folders)
        if pid is not None:
            _end_process(pid, STOP_SECONDS)
        if self._process is not None:
            self._process.wait()
            self._process = None
        for orphan in _orphans(self._folders):
            _end_process(orphan, 0)
        if self._is_dockerd:
            _unmount_below(self._folders)
        shutil.rmtree(self._folders.run / "exec", ignore_errors=True)
        (self._folders.home / "dockerd.pid").unlink(missing_ok=True)
        self._folders.pid.unlink(missing_ok=True)
        self._folders.socket.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._folders.run.rmdir()


def start(data_dir: Path) -> PrivateEngine:
    """A private engine that answers, with its data under `data_dir`. Raises EngineUnreachableError."""
    engine = PrivateEngine(data_dir)
    try:
        engine.start()
    except EngineUnreachableError:
        engine.stop()
        raise
    return engine


def _program(search_path: str) -> str:
    candidates = ("dockerd", "podman") if os.getuid() == 0 else ("podman",)
    for name in candidates if sys.platform == "linux" else ():
        found = shutil.which(name, path=search_path)
        if found:
            return found
    raise EngineUnreachableError("A private engine needs dockerd (as root) or podman.", hint=_INSTALL_HINT)


def _folders(data_dir: Path, runtime_folder: Path | None) -> Folders:
    home = data_dir.resolve() / "engine"
    run = home / "run"
    if len(os.fsencode(run / _DEEPEST_SOCKET)) > _LONGEST_SOCKET:
        short = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        run = (runtime_folder or Path(tempfile.gettempdir())) / f"demijohn-{short}"
    return Folders(home, run)


def _make(folders: Folders) -> None:
    """Make them where they are missing; the one for sockets may lie where others can write, so look twice."""
    run = folders.run
    try:
        folders.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        run.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise EngineUnreachableError(f"No private engine can be started: {error}.") from error
    if run.is_symlink() or run.stat().st_uid != os.getuid():
        raise EngineUnreachableError(f"{run} belongs to somebody else, so no private engine can listen there.")
    run.chmod(0o700)


def _dockerd_command(program: str, folders: Folders) -> list[str]:
    """Flags (https://docs.docker.com/reference/cli/dockerd/) that leave the machine's network alone."""
    configuration = folders.home / "daemon.json"
    configuration.write_text("{}\n")
    return [
        program,
        f"--config-file={configuration}",
        f"--data-root={folders.data}",
        f"--exec-root={folders.run / 'exec'}",
        f"--pidfile={folders.home / 'dockerd.pid'}",
        f"--host=unix://{folders.socket}",
        f"--group={os.getgid()}",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        "--ip-masq=false",
        "--log-level=warn",
    ]


def _podman_configuration(folders: Folders, search_path: str) -> dict[str, str]:
    """Files that keep Podman's storage under the data directory, and the variables that point to them."""
    storage, containers = folders.home / "storage.conf", folders.home / "containers.conf"
    storage.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folders.data}"\nrunroot = "{folders.run / "exec"}"\n'
        f'rootless_storage_path = "{folders.data}"\n'
    )
    lines = ["[engine]"]
    if _mixed_cgroups():
        if shutil.which("runc", path=search_path):
            lines.append('runtime = "runc"')
        lines += ['cgroup_manager = "cgroupfs"', "[containers]"]
        lines.append('default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]')
    containers.write_text("\n".join(lines) + "\n")
    return {"CONTAINERS_STORAGE_CONF": str(storage), "CONTAINERS_CONF": str(containers)}


def _mixed_cgroups() -> bool:
    """Whether version 1 and 2 are both in use, which crun and systemd's manager do not cope with."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return False
    return any(not line.startswith("0::") for line in lines)


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=1)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _answers(path: Path) -> bool:
    """Whether an engine answers `_ping` at that socket within a second."""
    connection = _SocketConnection(path)
    try:
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _running_engine(folders: Folders) -> int | None:
    """The engine's process id, if that process is alive and is indeed the one for this socket."""
    try:
        pid = int(folders.pid.read_text())
    except (OSError, ValueError):
        return None
    return pid if str(folders.socket) in _arguments(pid) else None


def _orphans(folders: Folders) -> list[int]:
    """What outlives an engine that was killed: its containerd, its containers' shims, and all below these."""
    own = str(folders.run / "exec")
    roots = {pid for pid in _processes() if own in _arguments(pid) and pid != os.getpid()}
    parents = {pid: _parent(pid) for pid in _processes()}
    found = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found, reverse=True)


def _processes() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _arguments(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _end_process(pid: int, patience: float) -> None:
    """Asks it to end, and makes it after `patience` seconds; returns when it is gone."""
    with contextlib.suppress(ProcessLookupError):
        if patience:
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGTERM)
            if _wait_for(lambda: not _arguments(pid), patience):
                return
        os.kill(pid, signal.SIGKILL)
        _wait_for(lambda: not _arguments(pid), STOP_SECONDS)


def _wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _unmount_below(folders: Folders) -> None:
    """An engine that was killed leaves its containers' file systems mounted."""
    roots = (f"{folders.data}/", f"{folders.run}/")
    lines = Path("/proc/self/mounts").read_text().splitlines()
    mounted = [line.split()[1].replace(r"\040", " ") for line in lines]
    below = (each for each in mounted if f"{each}/".startswith(roots))
    for target in sorted(below, key=len, reverse=True):
        subprocess.run(["umount", "--lazy", target], check=False, capture_output=True)


def _tail(file: Path) -> str:
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return " | ".join(lines[-_TAIL_LINES:])[-1500:]
