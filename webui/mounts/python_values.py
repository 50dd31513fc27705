"""Values in pasted Python, worked out from its syntax tree: literals, names, `Mount(…)`, and the folder functions.

Nothing is run. What can't be worked out raises `NotKnownError`, which carries the piece of source.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from webui.mounts.model import MountContext
from webui.mounts.sources import absolute_source
from webui.mounts.words import refuse

_MAX_STEPS = 20_000
_MAX_TEXT = 64 * 1024
_MOUNT_PARAMETERS = (
    "target", "source", "type", "read_only", "consistency", "propagation", "no_copy", "labels", "driver_config",
    "tmpfs_size", "tmpfs_mode", "subpath",
)  # fmt: skip
_FOLDER_CALLS = frozenset({"os.getcwd", "Path.cwd", "pathlib.Path.cwd"})
_HOME_CALLS = frozenset({"Path.home", "pathlib.Path.home"})
_SAME_TEXT_CALLS = frozenset({"str", "Path", "pathlib.Path", "os.fspath"})
_PATH_CALLS = frozenset({"os.path.abspath", "os.path.realpath", "os.path.expanduser", "os.path.expandvars"})


class NotKnownError(Exception):
    """A piece of Python whose value can't be read off its source."""


class Values:
    """Works out values, with the names that were assigned before them."""

    def __init__(self, context: MountContext) -> None:
        self._context = context
        self._names: dict[str, ast.expr] = {}
        self._steps = 0
        self._open: set[str] = set()

    def assign(self, name: str, node: ast.expr) -> None:
        """Remembers what a name stands for."""
        self._names[name] = node

    def value(self, node: ast.expr) -> Any:
        """The value of an expression; a call of `Mount` is a mapping for `mount_from_json`.

        Raises NotKnownError, or InvalidInputError at `spec` where the text only serves to grow without bound.
        """
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise refuse("spec", "The Python is too long to read. Paste only the call that starts the container.")
        reader = self._readers().get(type(node))
        if reader is None:
            raise NotKnownError(source_of(node))
        found = reader(node)
        if isinstance(found, str) and len(found) > _MAX_TEXT:
            raise refuse("spec", "A text in the Python grows too long.")
        return found

    def _readers(self) -> Mapping[type[ast.expr], Callable[[Any], Any]]:
        return {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.List: self._sequence,
            ast.Tuple: self._sequence,
            ast.Dict: self._dict,
            ast.JoinedStr: self._joined,
            ast.BinOp: self._operation,
            ast.UnaryOp: self._negative,
            ast.Call: self._call,
        }

    def _constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, (str, int, bool, type(None))):
            return node.value
        raise NotKnownError(source_of(node))

    def _name(self, node: ast.Name) -> Any:
        if node.id not in self._names or node.id in self._open:
            raise NotKnownError(node.id)
        self._open.add(node.id)
        try:
            return self.value(self._names[node.id])
        finally:
            self._open.discard(node.id)

    def _sequence(self, node: ast.List | ast.Tuple) -> list[Any] | tuple[Any, ...]:
        found = [self.value(item) for item in node.elts]
        return tuple(found) if isinstance(node, ast.Tuple) else found

    def _dict(self, node: ast.Dict) -> dict[Any, Any]:
        found = {}
        for key, item in zip(node.keys, node.values, strict=True):
            name = None if key is None else self.value(key)
            if not isinstance(name, (str, int)):
                raise NotKnownError(source_of(node))
            found[name] = self.value(item)
        return found

    def _joined(self, node: ast.JoinedStr) -> str:
        pieces = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
        return "".join(str(self.value(piece)) for piece in pieces)

    def _operation(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.Add) and isinstance(left, str) and isinstance(right, str):
            return left + right
        if isinstance(node.op, ast.Div) and isinstance(left, str) and isinstance(right, str):
            return f"{left.rstrip('/')}/{right}"
        raise NotKnownError(source_of(node))

    def _negative(self, node: ast.UnaryOp) -> int:
        value = self.value(node.operand)
        if isinstance(node.op, ast.USub) and isinstance(value, int):
            return -value
        raise NotKnownError(source_of(node))

    def _call(self, node: ast.Call) -> Any:
        name = dotted_name(node.func)
        if name.rpartition(".")[2] == "Mount":
            return self._mount(node)
        if name.rpartition(".")[2] == "DriverConfig":
            return self._driver_config(node)
        if name in _FOLDER_CALLS and self._context.start_folder:
            return self._context.start_folder
        if name in _HOME_CALLS and self._context.home:
            return self._context.home
        return self._path_call(name, node)

    def _path_call(self, name: str, node: ast.Call) -> str:
        arguments = [self.value(argument) for argument in node.args]
        if node.keywords or not arguments or not all(isinstance(argument, str) for argument in arguments):
            raise NotKnownError(source_of(node))
        if name in _SAME_TEXT_CALLS and len(arguments) == 1:
            return str(arguments[0])
        if name == "os.path.join":
            return "/".join([*(argument.rstrip("/") for argument in arguments[:-1]), arguments[-1]])
        if name in _PATH_CALLS and len(arguments) == 1:
            text = str(arguments[0])
            return absolute_source(text if text[:1] in {"~", "/", "."} else f"./{text}", self._context)
        raise NotKnownError(source_of(node))

    def _mount(self, node: ast.Call) -> dict[str, Any]:
        found = self._arguments(node, _MOUNT_PARAMETERS)
        unknown = [name for name in found if name not in _MOUNT_PARAMETERS]
        if unknown:
            raise NotKnownError(source_of(node))
        return found

    def _driver_config(self, node: ast.Call) -> dict[str, Any]:
        return self._arguments(node, ("name", "options"))

    def _arguments(self, node: ast.Call, parameters: tuple[str, ...]) -> dict[str, Any]:
        if len(node.args) > len(parameters) or any(keyword.arg is None for keyword in node.keywords):
            raise NotKnownError(source_of(node))
        found = {name: self.value(argument) for name, argument in zip(parameters, node.args, strict=False)}
        return found | {str(keyword.arg): self.value(keyword.value) for keyword in node.keywords}


def dotted_name(node: ast.expr) -> str:
    """`client.containers.run` for such an expression; a call or subscript in it is a `?`."""
    pieces: list[str] = []
    while isinstance(node, ast.Attribute):
        pieces.append(node.attr)
        node = node.value
    pieces.append(node.id if isinstance(node, ast.Name) else "?")
    return ".".join(reversed(pieces))


def source_of(node: ast.expr) -> str:
    """The expression as Python, cut where it is long."""
    text = ast.unparse(node)
    return f"{text[:60]}…" if len(text) > 60 else text
