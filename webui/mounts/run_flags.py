"""The flags of `docker run`, `docker create` and `podman run`: which take a value, and which stand alone.

Follows https://docs.docker.com/reference/cli/docker/container/run/#options. Only with all of them known are the image
and the command found where they stand.
"""

from __future__ import annotations

from dataclasses import dataclass

_LONG_WITH_VALUE = frozenset((
    "add-host", "annotation", "attach", "blkio-weight", "blkio-weight-device", "cap-add", "cap-drop",
    "cgroup-parent", "cgroupns", "cidfile", "cpu-count", "cpu-percent", "cpu-period", "cpu-quota",
    "cpu-rt-period", "cpu-rt-runtime", "cpu-shares", "cpus", "cpuset-cpus", "cpuset-mems", "detach-keys",
    "device", "device-cgroup-rule", "device-read-bps", "device-read-iops", "device-write-bps",
    "device-write-iops", "dns", "dns-opt", "dns-option", "dns-search", "domainname", "entrypoint", "env",
    "env-file", "expose", "gpus", "group-add", "health-cmd", "health-interval", "health-retries",
    "health-start-interval", "health-start-period", "health-timeout", "hostname", "io-maxbandwidth",
    "io-maxiops", "ip", "ip6", "ipc", "isolation", "kernel-memory", "label", "label-file", "link",
    "link-local-ip", "log-driver", "log-opt", "mac-address", "memory", "memory-reservation", "memory-swap",
    "memory-swappiness", "mount", "name", "net", "net-alias", "network", "network-alias", "oom-score-adj",
    "pid", "pids-limit", "platform", "publish", "pull", "restart", "runtime", "security-opt", "shm-size",
    "stop-signal", "stop-timeout", "storage-opt", "sysctl", "tmpfs", "ulimit", "user", "userns", "uts",
    "volume", "volume-driver", "volumes-from", "workdir", "arch", "authfile", "cgroup-conf", "cgroups",
    "chrootdirs", "conmon-pidfile", "creds", "decryption-key", "env-merge", "gidmap", "group-entry",
    "health-log-destination", "health-max-log-count", "health-on-failure", "hooks-dir", "hostuser",
    "image-volume", "init-path", "os", "passwd-entry", "personality", "pidfile", "pod", "pod-id-file",
    "preserve-fd", "preserve-fds", "rdt-class", "requires", "retry", "retry-delay", "sdnotify",
    "seccomp-policy", "secret", "shm-size-systemd", "subgidname", "subuidname", "systemd", "timeout", "tz",
    "uidmap", "umask", "unsetenv", "variant",
))  # fmt: skip
_LONG_ALONE = frozenset((
    "detach", "disable-content-trust", "help", "init", "interactive", "no-healthcheck", "oom-kill-disable",
    "privileged", "publish-all", "quiet", "read-only", "rm", "sig-proxy", "tty", "use-api-socket", "env-host",
    "http-proxy", "no-hostname", "no-hosts", "passwd", "read-only-tmpfs", "replace", "rmi", "rootfs",
    "tls-verify", "unsetenv-all",
))  # fmt: skip
_SHORT_WITH_VALUE = {
    "a": "attach", "c": "cpu-shares", "e": "env", "h": "hostname", "l": "label", "m": "memory", "p": "publish",
    "u": "user", "v": "volume", "w": "workdir",
}  # fmt: skip
_SHORT_ALONE = {"d": "detach", "i": "interactive", "P": "publish-all", "q": "quiet", "t": "tty"}


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag that was given: its long name, its value (None where it stands alone), and how it was written."""

    name: str
    value: str | None
    written: str
    known: bool = True


@dataclass(frozen=True, slots=True)
class RunWords:
    """The words after `run`: flags in order, the image ("" where there is none), and its command."""

    flags: tuple[Flag, ...]
    image: str
    command: tuple[str, ...]


def split_run_words(words: tuple[str, ...]) -> RunWords:
    """Tells flags, image and command apart. A flag nobody knows is taken to stand alone, and marked."""
    flags: list[Flag] = []
    place = 0
    while place < len(words) and words[place].startswith("-") and len(words[place]) > 1:
        if words[place] == "--":
            place += 1
            break
        following = words[place + 1] if place + 1 < len(words) else None
        found, used = _read_flags(words[place], following)
        flags += found
        place += 1 + used
    image = words[place] if place < len(words) else ""
    return RunWords(tuple(flags), image, tuple(words[place + 1 :]))


def _read_flags(word: str, following: str | None) -> tuple[list[Flag], int]:
    """The flags in one word, and how many of the following words they used up."""
    return _read_long(word, following) if word.startswith("--") else _read_short(word, following)


def _read_long(word: str, following: str | None) -> tuple[list[Flag], int]:
    name, equals, value = word[2:].partition("=")
    if name in _LONG_WITH_VALUE and not equals:
        return [Flag(name, following or "", f"--{name} {following or ''}".rstrip())], following is not None
    known = name in _LONG_WITH_VALUE or name in _LONG_ALONE
    return [Flag(name, value if equals else None, word, known)], 0


def _read_short(word: str, following: str | None) -> tuple[list[Flag], int]:
    found: list[Flag] = []
    for place, letter in enumerate(word[1:], start=1):
        if name := _SHORT_WITH_VALUE.get(letter, ""):
            attached = word[place + 1 :].removeprefix("=")
            value = attached or following or ""
            found.append(Flag(name, value, f"-{letter} {value}".rstrip()))
            return found, not attached and following is not None
        if word[place + 1 : place + 2] == "=" and letter in _SHORT_ALONE:
            return [*found, Flag(_SHORT_ALONE[letter], word[place + 2 :], f"-{word[place:]}")], 0
        found.append(Flag(_SHORT_ALONE.get(letter, letter), None, f"-{letter}", letter in _SHORT_ALONE))
    return found, 0
