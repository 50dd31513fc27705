"""The names the app answers to. Anything else may be another site that pointed its own name at this machine.

Names are compared whole, with their port, as the browser sent them: there is nothing to parse and so
nothing to get wrong. (https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Host)
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from flask import Request

from webui.security.refusals import UnknownHostError
from webui.settings import Settings

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_PORT: Final = re.compile(r":(\d{1,5})$", re.ASCII)


class Hosts:
    """The Host headers that are the app's own, and the origins that follow from them."""

    def __init__(self, settings: Settings) -> None:
        if settings.port == 0:
            raise ValueError("the port has to be known: bind the server before making the app")
        self._scheme = "https" if settings.tls else "http"
        self._names = frozenset(self._spellings(settings))
        self.origin = f"{self._scheme}://{_reachable(settings.host)}:{settings.port}"

    def check(self, request: Request) -> str:
        """The origin (`http://localhost:8765`) that the request was sent to.

        Raises:
            UnknownHostError: it was sent to a name that is not the app's, or to none or several.
        """
        host = str(request.environ.get("HTTP_HOST", ""))
        own = host.lower()
        if own not in self._names or not _is_path(request):
            raise UnknownHostError(
                f"Demijohn does not answer to the name “{host[:200]}”.",
                hint="Open it at the address it printed at its start. To reach it by another name or port, "
                "start it with --allowed-hosts NAME:PORT.",
            )
        return f"{self._scheme}://{own}"

    def _spellings(self, settings: Settings) -> list[str]:
        names = [*_LOOPBACK, _reachable(settings.host), *settings.allowed_hosts]
        full = [name if _PORT.search(name) else f"{name}:{settings.port}" for name in map(str.lower, names)]
        usual = ":443" if settings.tls else ":80"
        return full + [name.removesuffix(usual) for name in full]


def port_of(origin: str) -> str:
    """The port a browser uses for an origin."""
    named = _PORT.search(origin)
    return named[1] if named else {"http": "80", "https": "443"}[origin.partition(":")[0]]


def _is_path(request: Request) -> bool:
    """Whether the request line leaves the host to the Host header; a whole address in it would win."""
    target = str(request.environ.get("REQUEST_URI", "/"))
    return target.startswith("/") or target == "*"


def _reachable(host: str) -> str:
    """How a browser writes the address the server is bound to; `0.0.0.0` and `::` mean all of them."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower()
    if address.is_unspecified:
        return "localhost"
    return f"[{address}]" if address.version == 6 else str(address)
