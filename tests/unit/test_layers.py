"""The plan of the house holds: who imports whom, and what templates and scripts do without."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
MODULES: Final = sorted((ROOT / "webui").rglob("*.py"))
TEMPLATES: Final = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS: Final = sorted((ROOT / "static" / "js").rglob("*.js"))

# Below are the rooms with narrow doors: what each may import of the app beside itself. Arrows point one way:
# views → jobs → engine → model; mounts and forms know nobody.
MAY_IMPORT: Final = {
    "webui.errors": set(),
    "webui.settings": {"webui.errors"},
    "webui.mounts": {"webui.errors"},
    "webui.forms": {"webui.errors"},
    "webui.paths": {"webui.errors"},
    "webui.preview": {"webui.errors"},
    "webui.archives": {"webui.errors", "webui.paths"},
    "webui.treemap": set(),
    "webui.storage": {"webui.errors", "webui.forms", "webui.mounts"},
    "webui.volume_form": {"webui.errors", "webui.forms", "webui.mounts", "webui.storage"},
    "webui.buckets": {"webui.storage"},
    "webui.engine.model": {"webui.errors"},
    "webui.engine": {
        *{"webui.errors", "webui.mounts", "webui.settings", "webui.paths", "webui.archives", "webui.storage"},
    },
    "webui.store": {"webui.errors", "webui.settings"},
    "webui.jobs": {
        *{"webui.errors", "webui.mounts", "webui.settings", "webui.paths", "webui.archives"},
        *{"webui.store", "webui.engine", "webui.storage", "webui.buckets"},
    },
}
KNOWS_REQUESTS: Final = ("webui.views", "webui.render", "webui.security")


def name_of(module: Path) -> str:
    return ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def is_in(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def imports(module: Path) -> Iterator[str]:
    """Every name a module imports, dotted and whole: `webui.engine.model.Volume`, `flask.request`."""
    package = name_of(module) if module.stem == "__init__" else name_of(module).rpartition(".")[0]
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            source = ".".join(part for part in (above, node.module) if part)
            yield from (f"{source}.{alias.name}" for alias in node.names)


def attributes(module: Path) -> Iterator[str]:
    """Every dotted name a module uses: `os.environ`, `flask.request.args`."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_only_the_engine_imports_docker(module: Path) -> None:
    used = [name for name in imports(module) if is_in(name, "docker")]
    assert not used or is_in(name_of(module), "webui.engine")


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_only_views_render_and_security_know_the_request(module: Path) -> None:
    if name_of(module).startswith(KNOWS_REQUESTS):
        return
    names = {"flask.request", "htmx_flask.request", "flask.globals.request"}
    assert not names & {*imports(module), *attributes(module)}


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_the_engine_and_the_jobs_know_nothing_of_the_web(module: Path) -> None:
    if name_of(module).startswith(("webui.engine", "webui.jobs", "webui.mounts", "webui.store", "webui.settings")):
        assert not [name for name in imports(module) if is_in(name, "flask") or is_in(name, "htmx_flask")]


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_arrows_point_one_way(module: Path) -> None:
    name = name_of(module)
    room = max((room for room in MAY_IMPORT if is_in(name, room)), key=len, default=None)
    if room is None:
        return
    doors = {room, *MAY_IMPORT[room]}
    wrong = [used for used in imports(module) if is_in(used, "webui") and not any(is_in(used, door) for door in doors)]
    assert not wrong, f"{name} must not import {wrong}"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_only_the_factory_imports_views(module: Path) -> None:
    name = name_of(module)
    used = [each for each in imports(module) if is_in(each, "webui.views")]
    assert not used or name == "webui" or is_in(name, "webui.views")


@pytest.mark.parametrize("module", [ROOT / "app.py", *MODULES], ids=name_of)
def test_only_settings_read_the_environment(module: Path) -> None:
    if name_of(module) in {"webui.settings", "app"}:  # app.py passes the environment on, whole
        return
    environment = {"os.environ", "os.environb", "os.getenv", "os.getenvb"}
    assert not environment & {*imports(module), *attributes(module)}


TEMPLATE_RULES: Final = {
    "a value that is not escaped": r"\|\s*safe\b|autoescape\s+false|\bMarkup\b",
    "htmx code": r"\bhx-on\b|data-hx-on|hx-vars|[\"'\s]js:|javascript:",
    "an inline script": r"<script(?![^>]*\bsrc=)[^>]*>",
    "an inline style": r"<style\b|\sstyle\s*=",
    "an inline handler": r"<[a-z][^<>]*\son[a-z]+\s*=",
    "something of another site": r"<(?:script|img|iframe|source|link)\b[^>]*\s(?:src|href)=[\"']?(?:https?:)?//",
}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
@pytest.mark.parametrize("what", TEMPLATE_RULES)
def test_templates_do_without(template: Path, what: str) -> None:
    found = re.search(TEMPLATE_RULES[what], template.read_text(), re.IGNORECASE)
    assert not found, f"{what}: {found[0]}"


SCRIPT_RULES: Final = {
    "running text as code": r"\beval\s*\(|\bnew\s+Function\b|set(?:Timeout|Interval)\s*\(\s*[\"'`]",
    "making elements of text": r"\b(?:inner|outer)HTML\s*\+?=(?!=)|insertAdjacentHTML|document\.write",
}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_small(script: Path) -> None:
    assert len(script.read_text().splitlines()) < 150


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
@pytest.mark.parametrize("what", SCRIPT_RULES)
def test_scripts_do_without(script: Path, what: str) -> None:
    found = re.search(SCRIPT_RULES[what], script.read_text())
    assert not found, f"{what}: {found[0]}"


class TestTheRulesThemselves:
    """A rule that matches nothing would keep nothing out."""

    @pytest.mark.parametrize(
        ("what", "markup"),
        [
            ("a value that is not escaped", "{{ name | safe }}"),
            ("a value that is not escaped", "{% autoescape false %}"),
            ("htmx code", '<b hx-on:click="x()">'),
            ("htmx code", "hx-vals='js:{a: 1}'"),
            ("an inline script", "<script>x()</script>"),
            ("an inline script", '<script type="module">x()</script>'),
            ("an inline style", '<p style="color: red">'),
            ("an inline handler", '<a href="x" onclick="y()">'),
            ("an inline handler", "<img\n onerror = y()>"),
            ("something of another site", '<script defer src="https://cdn.example/x.js">'),
            ("something of another site", '<link rel="stylesheet" href="//cdn.example/x.css">'),
        ],
    )
    def test_a_breach_is_seen(self, what: str, markup: str) -> None:
        assert re.search(TEMPLATE_RULES[what], markup, re.IGNORECASE)

    @pytest.mark.parametrize(
        "markup",
        [
            '<script type="module" src="/static/js/app.js"></script>',
            '<a href="https://docs.docker.com/engine/storage/volumes/">Docker</a>',
            '<input name="option" data-on="x">',
            "<p>one = two</p>",
        ],
    )
    def test_what_is_allowed_is_left_alone(self, markup: str) -> None:
        assert not [what for what, rule in TEMPLATE_RULES.items() if re.search(rule, markup, re.IGNORECASE)]

    def test_there_is_something_to_look_at(self) -> None:
        assert MODULES
        assert TEMPLATES
        assert SCRIPTS
