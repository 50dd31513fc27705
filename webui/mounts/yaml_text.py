"""YAML in and out, without the parts of it that surprise: no aliases, no tags, no numbers that were meant as text."""

from __future__ import annotations

from typing import Any

import yaml

from webui.mounts.words import refuse

_MAX_DEPTH = 24


class OctalNumber(int):
    """A file mode, which is to stand in octal (`01770`)."""


class _Dumper(yaml.SafeDumper):
    """Knows octal numbers, never writes aliases, and indents lists below their key."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


class _Loader(yaml.SafeLoader):
    """Reads every plain word but null as the text it is, and refuses a key that stands twice in one mapping."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        found = super().construct_mapping(node, deep)
        if len(found) < len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return found


def dump_yaml(value: Any) -> str:
    """The value as YAML in block style, in its own order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def load_yaml(text: str) -> Any:
    """What one YAML document holds, every scalar but null as text.

    Raises InvalidInputError at `spec` for anything else: broken YAML, aliases and tags, deep nesting, a key twice.
    """
    try:
        _check_events(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        raise refuse(
            "spec", f"This is not YAML that can be read{_place(error)}. Check indents, colons and quotes."
        ) from None


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise refuse("spec", "The YAML uses an alias (*name). Write its content out in each place.")
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) not in {None, "!"}:
            raise refuse("spec", "The YAML uses a tag (!name). Write the value without it.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise refuse("spec", "The YAML is nested too deeply for a Compose file.")


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1})" if mark is not None else ""


def _represent_octal(dumper: yaml.SafeDumper, value: OctalNumber) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:int", f"{int(value):05o}")


def _represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Text with invisible letters is escaped: some of them, NEL say, would be read back as line ends."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if value.isprintable() else '"')


_Dumper.add_representer(OctalNumber, _represent_octal)
_Dumper.add_representer(str, _represent_text)
_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
