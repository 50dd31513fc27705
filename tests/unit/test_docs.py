"""What the app can be told and asked is written down: options, variables, nouns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from webui import create_app
from webui.engine.connection import Engines
from webui.settings import Settings, load

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


@pytest.fixture
def help_text(capsys: pytest.CaptureFixture[str]) -> str:
    """What `python app.py --help` prints."""
    with pytest.raises(SystemExit):
        load(["--help"], {})
    return capsys.readouterr().out


def options_of(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def variables_read() -> set[str]:
    """Every variable of Demijohn's own that settings look at: those they spell out, and one for each name they read."""
    source = (ROOT / "webui" / "settings.py").read_text()
    named = set(re.findall(r"DEMIJOHN_[A-Z_]*[A-Z]", source)) - {"DEMIJOHN_DATA_DIR"}
    return named | {f"DEMIJOHN_{name.upper()}" for name in re.findall(r'reader\.read\("([a-z_]+)"', source)}


def test_every_option_is_in_the_readme(help_text: str) -> None:
    missing = options_of(help_text) - {"--help"} - options_of(README.read_text())
    assert not missing, f"README.md does not name {sorted(missing)}"


def test_the_readme_names_no_option_of_the_app_that_does_not_exist(help_text: str) -> None:
    table = re.findall(r"^\|\s*(`--.*?)\|", README.read_text(), re.MULTILINE)
    stale = options_of(" ".join(table)) - options_of(help_text)
    assert not stale, f"README.md names {sorted(stale)}, which app.py does not take"


def test_every_variable_is_in_the_readme() -> None:
    named = set(re.findall(r"DEMIJOHN_[A-Z_]*[A-Z]", README.read_text()))
    assert not variables_read() - named, f"README.md does not name {sorted(variables_read() - named)}"
    assert not named - variables_read(), f"README.md names {sorted(named - variables_read())}, which nobody reads"


def test_every_noun_of_the_addresses_is_in_the_readme(settings: Settings) -> None:
    engines = Engines(settings)
    app = create_app(settings, engines)
    try:
        nouns = {noun_of(rule.rule) for rule in app.url_map.iter_rules()} - {"", "static"}
    finally:
        app.extensions["demijohn"].close()
    text = README.read_text()
    missing = {noun for noun in nouns if not re.search(rf"/{noun}\b", text)}
    assert not missing, f"README.md does not name the addresses of {sorted(missing)}"


def noun_of(rule: str) -> str:
    """The noun an address begins with; what pages alone use has a dash in its place."""
    inside = rule.removeprefix("/e/<engine>").removeprefix("/<place:where>")
    return inside.strip("/").partition("/")[0].removeprefix("-")


def test_files_the_readme_points_to_are_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README.read_text()):
        assert (ROOT / target).exists(), target
