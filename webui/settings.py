"""Typed settings from the command line and the environment. Nothing else reads either.

An option beats its DEMIJOHN_* variable, which beats the default; a value that can't be used stops the start.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import re
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TypeVar

import platformdirs

VERSION = "1.0.0"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TOKEN = re.compile(r"[A-Za-z0-9._~-]+")
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.(?!-)[A-Za-z0-9-]{1,63})*\.?")
_IMAGE = re.compile(r"[a-z0-9][\w./:@-]*", re.ASCII)
_ENGINE = re.compile(r"[A-Za-z0-9][\w.+-]*|(unix|npipe|tcp|http|https|ssh)://\S+", re.ASCII)
T = TypeVar("T")
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


class SettingsError(ValueError):
    """A setting that can't be used; the message names the option or variable and says what would do."""


@dataclass(frozen=True, slots=True)
class DockerEnvironment:
    """What the `docker` command line reads from its environment to find an engine.

    `config_folder` holds config.json and contexts/; the rest is as in
    https://docs.docker.com/reference/cli/docker/#environment-variables, empty where not set.
    """

    host: str = ""
    context: str = ""
    config_folder: Path = field(default_factory=lambda: Path.home() / ".docker")
    tls_verify: bool = False
    certificate_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be chosen when Demijohn starts, and what it found out about where it runs.

    `port` 0 means a free one, replaced by the real one once bound. `start_folder` is what `$PWD` means in
    mounts, `home_folder` what `~` means. `allowed_hosts` are further Host headers, `name` or `name:port`.
    `runtime_folder` is XDG_RUNTIME_DIR; `search_path` is where an engine's programs are looked for, as PATH.
    """

    data_dir: Path
    token: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 8765
    engine: str = "auto"
    open_browser: bool = True
    window: bool = False
    helper_image: str = "debian:stable-slim"
    verbose: bool = False
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    allowed_hosts: tuple[str, ...] = ()
    start_folder: Path = field(default_factory=Path.cwd)
    home_folder: Path = field(default_factory=Path.home)
    runtime_folder: Path | None = None
    search_path: str = SYSTEM_PATH
    docker: DockerEnvironment = field(default_factory=DockerEnvironment)
    display: bool = True

    @property
    def tls(self) -> bool:
        """Whether pages are served over HTTPS."""
        return self.tls_certificate is not None


def load(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Settings:
    """The settings for a command line (without the program's name) and an environment, the process's by default.

    Raises:
        SettingsError: an option does not exist, or a value can't be used.
        SystemExit: for `--help` and `--version`.
    """
    if environment is None:
        environment = os.environ
    values = vars(_parser().parse_args(arguments))
    reader = _Reader(values, environment)
    settings = Settings(
        data_dir=reader.read("data_dir", _folder, str(platformdirs.user_data_path("demijohn"))),
        token=_token(environment),
        host=reader.read("host", _host, "127.0.0.1"),
        port=reader.read("port", _port, "8765"),
        engine=reader.read("engine", _engine, "auto"),
        open_browser=not reader.read("no_browser", _switch, ""),
        window=reader.read("window", _switch, ""),
        helper_image=reader.read("helper_image", _image, "debian:stable-slim"),
        verbose=reader.read("verbose", _switch, ""),
        tls_certificate=reader.read("tls_certificate", _existing_file, ""),
        tls_key=reader.read("tls_key", _existing_file, ""),
        allowed_hosts=reader.read("allowed_hosts", _hosts, ""),
        start_folder=_start_folder(environment),
        home_folder=Path(environment.get("HOME") or Path.home()),
        runtime_folder=_optional_path(environment.get("XDG_RUNTIME_DIR", "")),
        search_path=f"{environment.get('PATH', '')}:{SYSTEM_PATH}".lstrip(":"),
        docker=_docker_environment(environment),
        display=_has_display(environment),
    )
    _check_together(settings)
    return settings


class _Reader:
    """Finds each value where it was given, and names that place when the value can't be used."""

    def __init__(self, options: Mapping[str, str | None], environment: Mapping[str, str]) -> None:
        self._options = options
        self._environment = environment

    def read(self, name: str, parse: Callable[[str], T], default: str) -> T:
        """The option's value, else its variable's (an empty one is no value), else the default, parsed."""
        option = self._options.get(name)
        variable = f"DEMIJOHN_{name.upper()}"
        if option is not None:
            place, text = f"--{name.replace('_', '-')}", option
        else:
            place, text = variable, self._environment.get(variable) or default
        try:
            return parse(text)
        except ValueError as error:
            raise SettingsError(f"{place} {error}") from None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{_capital(message)}. `python app.py --help` lists the options.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="app.py",
        description="Docker volumes and the containers that use them, point and click, on localhost.",
        epilog="Every option has a variable: --data-dir is DEMIJOHN_DATA_DIR. DEMIJOHN_TOKEN sets the token "
        "(at least 16 characters are wise); without it each start makes a new one.",
        allow_abbrev=False,
    )
    for flag, metavar, explanation in _VALUE_OPTIONS:
        parser.add_argument(flag, metavar=metavar, help=explanation)
    for flag, explanation in _SWITCHES:
        parser.add_argument(flag, action="store_const", const="yes", help=explanation)
    parser.add_argument("--version", action="version", version=f"Demijohn {VERSION}")
    return parser


_VALUE_OPTIONS = (
    (
        "--host",
        "ADDRESS",
        "address to listen on (127.0.0.1); one that others can reach needs the TLS options",
    ),
    ("--port", "NUMBER", "port to listen on (8765); 0 takes a free one"),
    (
        "--engine",
        "ENGINE",
        "auto, private, the name of a docker context, or a URL such as unix:///run/docker.sock",
    ),
    ("--data-dir", "FOLDER", "where records and a private engine's data are kept"),
    ("--helper-image", "IMAGE", "image of the containers that look inside volumes (debian:stable-slim)"),
    ("--tls-certificate", "FILE", "certificate (PEM, with its chain) to serve HTTPS with"),
    ("--tls-key", "FILE", "its private key (PEM)"),
    ("--allowed-hosts", "HOSTS", "further Host headers to answer to, separated by commas: name or name:port"),
)
_SWITCHES = (
    ("--no-browser", "do not open a browser"),
    ("--window", "open as an app window of Chromium, Chrome or Edge"),
    ("--verbose", "log every request and every call to the engine"),
)


def _token(environment: Mapping[str, str]) -> str:
    token = environment.get("DEMIJOHN_TOKEN", "")
    if not token:
        return secrets.token_urlsafe(32)
    if not _TOKEN.fullmatch(token):
        raise SettingsError("DEMIJOHN_TOKEN may have only letters, digits and . _ ~ - in it.")
    return token


def _host(text: str) -> str:
    host = text.removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        if _HOST_NAME.fullmatch(host):
            return host.lower()
    raise ValueError(f"is not an address or host name: {text!r}.")


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65_535:
        raise ValueError(f"has to be a number from 0 to 65535, not {text!r}.")
    return int(text)


def _engine(text: str) -> str:
    if not _ENGINE.fullmatch(text):
        raise ValueError(
            f"has to be auto, private, the name of a docker context, or a URL "
            f"(unix://, tcp://, http://, https://, ssh://), not {text!r}."
        )
    return text


def _image(text: str) -> str:
    if not _IMAGE.fullmatch(text):
        raise ValueError(f"is not the name of an image: {text!r}.")
    return text


def _switch(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(f"has to be yes or no, not {text!r}.")


def _folder(text: str) -> Path:
    folder = Path(text).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"is not a folder: {folder}.")
    return folder


def _existing_file(text: str) -> Path | None:
    if not text:
        return None
    file = Path(text).expanduser().absolute()
    if not file.is_file() or not os.access(file, os.R_OK):
        raise ValueError(f"is not a file that can be read: {file}.")
    return file


def _hosts(text: str) -> tuple[str, ...]:
    return tuple(_allowed_host(part.strip()) for part in text.split(",") if part.strip())


def _allowed_host(text: str) -> str:
    name, _, port = text.rpartition(":") if re.search(r":\d+$", text) else (text, "", "")
    try:
        name = _host(name)
        number = f":{_port(port)}" if port else ""
    except ValueError:
        raise ValueError(f"has to be names like example.org or example.org:8080, not {text!r}.") from None
    return (f"[{name}]" if ":" in name else name) + number


def _check_together(settings: Settings) -> None:
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise SettingsError("--tls-certificate and --tls-key belong together: give both or neither.")
    if not settings.tls and not _is_loopback(settings.host):
        raise SettingsError(
            f"--host {settings.host} is open to other machines, so it needs --tls-certificate and --tls-key."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _docker_environment(environment: Mapping[str, str]) -> DockerEnvironment:
    home = Path(environment.get("HOME") or Path.home())
    return DockerEnvironment(
        host=environment.get("DOCKER_HOST", ""),
        context=environment.get("DOCKER_CONTEXT", ""),
        config_folder=_optional_path(environment.get("DOCKER_CONFIG", "")) or home / ".docker",
        tls_verify=bool(environment.get("DOCKER_TLS_VERIFY", "")),
        certificate_folder=_optional_path(environment.get("DOCKER_CERT_PATH", "")),
    )


def _start_folder(environment: Mapping[str, str]) -> Path:
    """The shell's own idea of the folder, which keeps links as they were typed, where it is still right."""
    shell = Path(environment.get("PWD") or ".")
    here = Path.cwd()
    return shell if shell.is_absolute() and shell.is_dir() and shell.samefile(here) else here


def _optional_path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None


def _has_display(environment: Mapping[str, str]) -> bool:
    """Whether a window can be shown. Only on Linux and the BSDs does that depend on the environment."""
    if os.name == "nt" or sys.platform == "darwin":
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
