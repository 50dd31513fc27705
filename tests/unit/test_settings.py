"""Settings: an option beats its variable, which beats the default, and a bad value is named."""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from webui.settings import VERSION, Settings, SettingsError, load

ROOT = Path(__file__).resolve().parents[2]


def load_with(*arguments: str, **environment: str) -> Settings:
    return load(arguments, {"HOME": "/home/someone", **environment})


def test_defaults_are_safe_ones() -> None:
    settings = load_with()
    assert (settings.host, settings.port, settings.engine) == ("127.0.0.1", 8765, "auto")
    assert settings.open_browser
    assert not (settings.window or settings.verbose or settings.tls)
    assert settings.helper_image == "debian:stable-slim"
    assert settings.home_folder == Path("/home/someone")


@pytest.mark.parametrize(
    ("option", "variable", "text", "field", "value"),
    [
        ("--host", "DEMIJOHN_HOST", "::1", "host", "::1"),
        ("--host", "DEMIJOHN_HOST", "LOCALHOST", "host", "localhost"),
        ("--port", "DEMIJOHN_PORT", "0", "port", 0),
        ("--engine", "DEMIJOHN_ENGINE", "tcp://10.0.0.1:2375", "engine", "tcp://10.0.0.1:2375"),
        ("--data-dir", "DEMIJOHN_DATA_DIR", "/srv/demijohn", "data_dir", Path("/srv/demijohn")),
        ("--helper-image", "DEMIJOHN_HELPER_IMAGE", "reg:5000/a/b:1", "helper_image", "reg:5000/a/b:1"),
        ("--allowed-hosts", "DEMIJOHN_ALLOWED_HOSTS", "A.org, b:80", "allowed_hosts", ("a.org", "b:80")),
        ("--allowed-hosts", "DEMIJOHN_ALLOWED_HOSTS", "[::1]:80", "allowed_hosts", ("[::1]:80",)),
    ],
)
def test_every_value_can_be_given_both_ways(option: str, variable: str, text: str, field: str, value: object) -> None:
    assert getattr(load_with(option, text), field) == value
    assert getattr(load_with(**{variable: text}), field) == value
    assert getattr(load_with(option, text, **{variable: "nonsense ://"}), field) == value


@pytest.mark.parametrize(
    ("option", "variable", "field", "value"),
    [
        ("--no-browser", "DEMIJOHN_NO_BROWSER", "open_browser", False),
        ("--window", "DEMIJOHN_WINDOW", "window", True),
        ("--verbose", "DEMIJOHN_VERBOSE", "verbose", True),
    ],
)
def test_every_switch_can_be_given_both_ways(option: str, variable: str, field: str, value: bool) -> None:
    assert getattr(load_with(option), field) is value
    assert getattr(load_with(**{variable: "yes"}), field) is value
    assert getattr(load_with(**{variable: "0"}), field) is not value


@pytest.mark.parametrize(
    ("arguments", "environment", "names"),
    [
        (["--port", "65536"], {}, "--port"),
        (["--port", "-1"], {}, "--port"),
        (["--port", "８０"], {}, "--port"),
        ([], {"DEMIJOHN_PORT": "eighty"}, "DEMIJOHN_PORT"),
        (["--host", "not a host"], {}, "--host"),
        (["--host", "0.0.0.0"], {}, "--tls-certificate"),
        (["--host", "example.org"], {}, "--tls-certificate"),
        (["--engine", "ftp://x"], {}, "--engine"),
        (["--engine", "a b"], {}, "--engine"),
        (["--helper-image", "a b"], {}, "--helper-image"),
        (["--helper-image"], {}, "--helper-image"),
        (["--prot", "80"], {}, "--prot"),
        (["stray"], {}, "stray"),
        (["--data-dir", __file__], {}, "--data-dir"),
        (["--tls-key", "/nonexistent"], {}, "--tls-key"),
        (["--tls-key", __file__], {}, "--tls-certificate"),
        (["--allowed-hosts", "a/b"], {}, "--allowed-hosts"),
        (["--allowed-hosts", "a:99999"], {}, "--allowed-hosts"),
        ([], {"DEMIJOHN_VERBOSE": "perhaps"}, "DEMIJOHN_VERBOSE"),
        ([], {"DEMIJOHN_TOKEN": "a token with spaces in it"}, "DEMIJOHN_TOKEN"),
        ([], {"DEMIJOHN_TOKEN": "a-token-with-a-newline-at-the-end\n"}, "DEMIJOHN_TOKEN"),
    ],
)
def test_a_bad_value_is_refused_by_name_in_one_line(
    arguments: list[str], environment: Mapping[str, str], names: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_with(*arguments, **environment)
    message = str(caught.value)
    assert names in message
    assert "\n" not in message
    assert message.endswith(".")


def test_a_refused_token_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        load_with(DEMIJOHN_TOKEN="secret words")
    assert "secret" not in str(caught.value)


def test_an_empty_variable_is_no_value() -> None:
    assert load_with(DEMIJOHN_PORT="").port == 8765


def test_each_start_has_a_token_of_its_own_that_is_not_shown() -> None:
    first, second = load_with(), load_with()
    assert first.token != second.token
    assert len(first.token) >= 32
    assert first.token not in repr(first)
    assert load_with(DEMIJOHN_TOKEN="0123456789abcdef").token == "0123456789abcdef"


def test_other_machines_are_served_with_tls_only(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    for file in (certificate, key):
        file.write_text("PEM")
    settings = load_with("--host", "0.0.0.0", "--tls-certificate", str(certificate), "--tls-key", str(key))
    assert settings.tls


def test_the_version_is_the_projects(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        load_with("--version")
    assert caught.value.code == 0
    assert VERSION in capsys.readouterr().out
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_the_start_folder_keeps_the_links_it_was_reached_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    monkeypatch.chdir(link)
    assert load_with(PWD=str(link)).start_folder == link
    assert load_with(PWD="/").start_folder == real


def test_what_docker_reads_from_its_environment_is_found() -> None:
    docker = load_with(
        DOCKER_HOST="tcp://a:1",
        DOCKER_CONTEXT="b",
        DOCKER_CONFIG="/c",
        DOCKER_TLS_VERIFY="1",
        DOCKER_CERT_PATH="/d",
    ).docker
    assert (docker.host, docker.context, docker.tls_verify) == ("tcp://a:1", "b", True)
    assert (docker.config_folder, docker.certificate_folder) == (Path("/c"), Path("/d"))
    assert load_with().docker.config_folder == Path("/home/someone/.docker")


def test_programs_are_executable() -> None:
    for name in (".ci/need", ".ci/run"):
        assert (ROOT / name).stat().st_mode & stat.S_IXUSR
