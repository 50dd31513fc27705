"""Speaks HTTP to the app as a script, or as a browser does; paths go out exactly as they are written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self, status: int = 200) -> Any:
        """The JSON it holds, once its status is the one expected."""
        assert self.status == status, f"{self.status} instead of {status}: {self.body[:2000]!r}"
        assert self.headers["Content-Type"].startswith("application/json"), self.headers
        return json.loads(self.body)

    def fields(self, status: int = 422) -> dict[str, str]:
        """The sentences beside fields."""
        said = self.json(status)
        assert isinstance(said["error"], str), said
        return said["fields"]


class Client:
    """One visitor. `headers` go with every request."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self.port = port
        self.headers = dict(headers)

    def request(self, method: str, path: str, body: bytes | str | None = None, **headers: str) -> Answer:
        """Send a request; a header is written with underscores for dashes."""
        with self.open(method, path, body, **headers) as response:
            return Answer(response.status, dict(response.headers), response.read())

    @contextmanager
    def open(
        self, method: str, path: str, body: bytes | str | None = None, seconds: float = 60, **headers: str
    ) -> Iterator[HTTPResponse]:
        """The same, with the response not read yet."""
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=seconds)) as connection:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, sent)
            with closing(connection.getresponse()) as response:
                yield response

    def get(self, path: str, **query: str) -> Answer:
        return self.request("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, sent: Any, **headers: str) -> Answer:
        """Send JSON."""
        return self.request("POST", path, json.dumps(sent), Content_Type="application/json", **headers)

    def form(self, path: str, sent: Mapping[str, Any], **headers: str) -> Answer:
        """Send a form."""
        body = urlencode(sent, doseq=True)
        return self.request("POST", path, body, Content_Type="application/x-www-form-urlencoded", **headers)

    def delete(self, path: str, sent: Any = None, **headers: str) -> Answer:
        if sent is None:
            return self.request("DELETE", path, **headers)
        return self.request("DELETE", path, json.dumps(sent), Content_Type="application/json", **headers)


def script(port: int, token: str) -> Client:
    """A script with the token."""
    return Client(port, {"Authorization": f"Bearer {token}", "Accept": "application/json"})


def htmx(port: int, token: str) -> Client:
    """A browser that has signed in, with htmx asking from one of the app's own pages."""
    answer = Client(port, {}).request("GET", f"/?token={token}")
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    return Client(port, {"Cookie": cookie, "Sec-Fetch-Site": "same-origin", "HX-Request": "true", "Accept": "*/*"})


def visitor(port: int, token: str) -> Client:
    """The same browser opening whole pages, without htmx."""
    headers = htmx(port, token).headers
    del headers["HX-Request"]
    return Client(port, headers | {"Accept": "text/html,application/xhtml+xml"})
