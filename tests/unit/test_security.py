"""The guard in front of every request: names, token, and where a request comes from."""

from __future__ import annotations

import io
import logging
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, render_template_string, request
from flask.testing import FlaskClient
from jinja2 import StrictUndefined
from werkzeug.test import TestResponse

from webui import security
from webui.log import LineFormatter
from webui.security import peers
from webui.security.headers import CONTENT_SECURITY_POLICY
from webui.serving import Server
from webui.settings import DockerEnvironment, Settings

TOKEN = "a-token-of-the-tests-1234"
HOST = "127.0.0.1:8765"
ORIGIN = f"http://{HOST}"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
HTMX = {"HX-Request": "true"}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH")
TEMPLATES = Path(__file__).parents[2] / "templates"


class Browser(FlaskClient):
    """A test client that speaks to the app by the address a browser would."""

    def open(self, *arguments: Any, **options: Any) -> TestResponse:
        return super().open(*arguments, **{"base_url": ORIGIN, "buffered": True, **options})

    def signed_in(self) -> Browser:
        assert self.get(f"/?token={TOKEN}").status_code == 303
        return self

    def form_token(self) -> str:
        return self.get("/form").text


def settings_in(folder: Path, **changes: Any) -> Settings:
    """Settings for an app whose engine does not exist: nothing the guard decides may need one."""
    nowhere = f"unix://{folder}/nobody.sock"
    values = {"data_dir": folder, "token": TOKEN, "engine": nowhere, "docker": DockerEnvironment(host=nowhere)}
    return Settings(**(values | changes))


def app_with(settings: Settings) -> Flask:
    """A small app with a route of every kind; the guard is registered last, and has to come first all the same."""
    static = settings.data_dir / "static"
    static.mkdir(exist_ok=True)
    (static / "app.css").write_text("body {}")
    app = Flask("webui.tests", template_folder=str(TEMPLATES), static_folder=str(static))
    app.jinja_env.undefined = StrictUndefined
    app.test_client_class = Browser
    app.before_request(lambda: _note_visit(app))
    app.context_processor(lambda: _note_visit(app) or {})
    app.add_url_rule("/", "page", lambda: "a page")
    app.add_url_rule("/things/<path:name>", "thing", lambda name: name)
    app.add_url_rule("/things", "make", lambda: ("made", 201), methods=["POST"])
    app.add_url_rule("/things/<name>", "store", lambda **_: request.stream.read(), methods=["PUT"])
    app.add_url_rule("/things/<name>", "remove", lambda **_: ("", 204), methods=["DELETE"])
    app.add_url_rule("/form", "form", lambda: render_template_string("{{ form_token() }}"))
    app.add_url_rule("/fault", "fault", lambda: {}["missing"])
    app.add_url_rule("/sandboxed", "sandboxed", lambda: Response(headers={"Content-Security-Policy": "sandbox"}))
    security.init_app(app, settings)
    return app


def _note_visit(app: Flask) -> None:
    """What the app does for a visitor, such as asking the engine, it must not do for someone who is turned away."""
    app.extensions["visits"] = app.extensions.get("visits", 0) + 1


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return app_with(settings_in(tmp_path))


@pytest.fixture
def stranger(app: Flask) -> Browser:
    return app.test_client()


@pytest.fixture
def guest(app: Flask) -> Browser:
    return app.test_client().signed_in()


class TestHosts:
    @pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1:8765", "[::1]:8765", "LocalHost:8765"])
    def test_own_names_are_answered(self, stranger: Browser, host: str) -> None:
        assert visit(stranger, host, headers=BEARER).status_code == 200

    @pytest.mark.parametrize("path", ["/", "/static/app.css", "/nowhere", "/fault", f"/?token={TOKEN}"])
    @pytest.mark.parametrize(
        "host",
        [
            "",
            "localhost",
            "127.0.0.1",
            "localhost:80",
            "localhost:87650",
            "localhost:08765",
            "localhost:",
            "localhost.:8765",
            "127.0.0.1.:8765",
            "0.0.0.0:8765",
            "[::]:8765",
            "::1:8765",
            "[::ffff:127.0.0.1]:8765",
            "2130706433:8765",
            "0x7f000001:8765",
            "127.1:8765",
            "127.0.0.2:8765",
            "example.org",
            "example.org:8765",
            "localhost.example.org:8765",
            "127.0.0.1.nip.io:8765",
            "evil-localhost:8765",
            "localhost:8765@example.org",
            "localhost:80@example.org:8765",
            "example.org#localhost:8765",
            "localhost:8765,localhost:8765",
            "localhost:8765, example.org",
            " localhost:8765",
            "localhost:8765\t",
            "http://localhost:8765",
            "localhost:8765/",
            "<b>:8765",
            "ｌocalhost:8765".encode().decode("latin-1"),
        ],
    )
    def test_foreign_names_are_not(self, stranger: Browser, host: str, path: str) -> None:
        response = visit(stranger, host, path, headers={**BEARER, "Accept": "text/html"})
        assert response.status_code == 400
        assert "visits" not in stranger.application.extensions
        assert "--allowed-hosts" in response.text
        assert "<b>" not in response.text

    @pytest.mark.parametrize("method", [*METHODS, "TRACE", "CONNECT", "QUERY"])
    def test_a_foreign_name_is_refused_whatever_the_method(self, guest: Browser, method: str) -> None:
        assert visit(guest, "example.org:8765", method=method).status_code == 400

    def test_a_forwarded_host_changes_nothing(self, stranger: Browser) -> None:
        headers = {**BEARER, "X-Forwarded-Host": HOST, "Forwarded": f"host={HOST}"}
        assert visit(stranger, "example.org:8765", headers=headers).status_code == 400

    @pytest.mark.parametrize("target", ["http://example.org/", "https://example.org:8765/things", "example.org:443"])
    def test_a_whole_address_in_the_request_line_is_refused(self, stranger: Browser, target: str) -> None:
        response = stranger.get("/", headers=BEARER, environ_overrides={"REQUEST_URI": target})
        assert response.status_code == 400

    @pytest.mark.parametrize(
        ("changes", "host", "scheme"),
        [
            ({"allowed_hosts": ("localhost:9999",)}, "localhost:9999", "http"),
            ({"allowed_hosts": ("box.example",)}, "box.example:8765", "http"),
            ({"allowed_hosts": ("[fd00::1]:99",)}, "[fd00::1]:99", "http"),
            ({"host": "127.0.0.5"}, "127.0.0.5:8765", "http"),
            ({"host": "::1"}, "[::1]:8765", "http"),
            ({"port": 80}, "localhost", "http"),
            ({"port": 80}, "localhost:80", "http"),
            ({"port": 443, "tls_certificate": Path("c")}, "localhost", "https"),
            ({"host": "Box.example", "tls_certificate": Path("c")}, "box.example:8765", "https"),
        ],
    )
    def test_settings_add_names(self, tmp_path: Path, changes: dict[str, Any], host: str, scheme: str) -> None:
        client = app_with(settings_in(tmp_path, **changes)).test_client()
        assert visit(client, host, scheme=scheme, headers=BEARER).status_code == 200

    @pytest.mark.parametrize(
        ("changes", "host"),
        [
            ({"allowed_hosts": ("box.example",)}, "box.example:9999"),
            ({"allowed_hosts": ("box.example",)}, "box.example"),
            ({"allowed_hosts": ("localhost:9999",)}, "127.0.0.1:9999"),
            ({"host": "0.0.0.0", "tls_certificate": Path("c")}, "0.0.0.0:8765"),
            ({"host": "::", "tls_certificate": Path("c")}, "[::]:8765"),
            ({"port": 443}, "localhost"),
        ],
    )
    def test_and_no_others(self, tmp_path: Path, changes: dict[str, Any], host: str) -> None:
        client = app_with(settings_in(tmp_path, **changes)).test_client()
        assert visit(client, host, headers=BEARER).status_code == 400

    def test_a_port_that_is_not_known_yet_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="bind the server"):
            app_with(settings_in(tmp_path, port=0))


class TestSigningIn:
    def test_the_printed_address_lets_a_browser_in(self, app: Flask, tmp_path: Path) -> None:
        url = security.login_url(settings_in(tmp_path))
        browser = app.test_client()
        response = browser.get(url.removeprefix(ORIGIN))
        assert (response.status_code, response.location) == (303, f"{ORIGIN}/")
        assert browser.get("/").text == "a page"

    @pytest.mark.parametrize(
        ("changes", "url"),
        [
            ({}, f"http://127.0.0.1:8765/?token={TOKEN}"),
            ({"host": "::1"}, f"http://[::1]:8765/?token={TOKEN}"),
            ({"host": "0.0.0.0", "tls_certificate": Path("c")}, f"https://localhost:8765/?token={TOKEN}"),
        ],
    )
    def test_the_printed_address_is_one_that_is_answered(
        self, tmp_path: Path, changes: dict[str, Any], url: str
    ) -> None:
        assert security.login_url(settings_in(tmp_path, **changes)) == url

    @pytest.mark.parametrize(
        ("address", "goes_on_at"),
        [
            ("/?token={}", "/"),
            ("/?token={}&q=a+b%26&q=%C3%A9", "/?q=a+b%26&q=%C3%A9"),
            ("/things/a%2Fb%3Fc?x=1&token={}", "/things/a%2Fb%3Fc?x=1"),
            ("/nowhere?%74oken={}", "/nowhere"),
            ("//example.org/?token={}", "//example.org/"),
            ("/things/%0d%0aSet-Cookie:x?token={}", "/things/%0d%0aSet-Cookie:x"),
            ("/?a=%22%3E%3Cb%3E&token={}", "/?a=%22%3E%3Cb%3E"),
        ],
    )
    def test_the_token_leaves_the_address_and_nothing_else_does(
        self, stranger: Browser, address: str, goes_on_at: str
    ) -> None:
        target = address.format(TOKEN)
        response = stranger.get("/", query_string=target.partition("?")[2], environ_overrides={"REQUEST_URI": target})
        assert (response.status_code, response.location) == (303, ORIGIN + goes_on_at)

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_from_another_site_a_page_leads_on(self, stranger: Browser, site: str) -> None:
        response = stranger.get(f"/?q=a&token={TOKEN}", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})
        assert response.status_code == 200
        assert f'<meta http-equiv="refresh" content="0; url={ORIGIN}/?q=a">' in response.text
        assert TOKEN not in response.text
        assert stranger.get("/").status_code == 200

    def test_the_cookie_is_for_this_app_alone(self, stranger: Browser) -> None:
        cookie = stranger.get(f"/?token={TOKEN}").headers["Set-Cookie"]
        assert re.fullmatch(r"demijohn-8765=[0-9a-f]{64}; HttpOnly; Path=/; SameSite=Strict", cookie)

    def test_the_cookie_is_named_by_the_port_the_browser_uses(self, tmp_path: Path) -> None:
        tunnel = app_with(settings_in(tmp_path, allowed_hosts=("localhost:9999",))).test_client()
        response = visit(tunnel, "localhost:9999", f"/?token={TOKEN}")
        assert response.headers["Set-Cookie"].startswith("demijohn-9999=")

    def test_the_cookie_is_secure_with_tls(self, tmp_path: Path) -> None:
        client = app_with(settings_in(tmp_path, tls_certificate=Path("c"))).test_client()
        response = client.get(f"/?token={TOKEN}", base_url=f"https://{HOST}")
        assert "; Secure;" in response.headers["Set-Cookie"]
        assert response.location == f"https://{HOST}/"

    def test_the_cookie_survives_a_restart_with_the_same_token(self, guest: Browser, tmp_path: Path) -> None:
        cookie = {"Cookie": f"demijohn-8765={guest.get_cookie('demijohn-8765', '127.0.0.1').value}"}
        again = app_with(settings_in(tmp_path)).test_client(use_cookies=False)
        other = app_with(settings_in(tmp_path, token="another-token-12345")).test_client(use_cookies=False)
        assert again.get("/", headers=cookie).status_code == 200
        assert other.get("/", headers=cookie).status_code == 401

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Cookie": "demijohn-8765="},
            {"Cookie": f"demijohn-8765={TOKEN}"},
            {"Cookie": "demijohn-8765=é"},
            {"Cookie": f"demijohn-1={TOKEN}"},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Bearer \xff\xfe"},
            {"Authorization": f"Basic {TOKEN}"},
            {"Authorization": TOKEN},
            {"X-Token": TOKEN},
        ],
    )
    @pytest.mark.parametrize("path", ["/", "/static/app.css", "/static/app.css?v=1", "/nowhere", "/fault", "/things"])
    @pytest.mark.parametrize("method", METHODS)
    def test_without_the_token_there_is_nothing(
        self, app: Flask, method: str, path: str, headers: dict[str, str]
    ) -> None:
        stranger = app.test_client(use_cookies=False)
        response = stranger.open(path, method=method, headers={**OWN_PAGE, **HTMX, **headers})
        assert response.status_code == 401
        assert "visits" not in app.extensions

    @pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", TOKEN[:-1], TOKEN.upper(), "é", "%ff%00"])
    def test_a_wrong_token_is_refused_even_with_a_cookie(self, guest: Browser, token: str) -> None:
        response = guest.get(f"/?token={token}")
        assert response.status_code == 401
        assert "Set-Cookie" not in response.headers

    def test_a_token_in_the_address_is_for_visits_only(self, stranger: Browser) -> None:
        for method in METHODS[1:]:
            assert stranger.open(f"/things?token={TOKEN}", method=method).status_code == 401

    def test_a_wrong_bearer_token_is_refused_even_with_a_cookie(self, guest: Browser) -> None:
        assert guest.get("/", headers={"Authorization": "Bearer wrong"}).status_code == 401

    def test_a_script_is_let_in(self, stranger: Browser) -> None:
        assert stranger.get("/", headers={"Authorization": f"bearer {TOKEN}"}).text == "a page"
        assert stranger.post("/things", headers=BEARER).status_code == 201

    def test_a_foreign_cookie_of_the_same_name_locks_nobody_out(self, guest: Browser) -> None:
        own = guest.get_cookie("demijohn-8765", "127.0.0.1").value
        stranger = guest.application.test_client(use_cookies=False)
        for cookies in ((own, "x"), ("x", own), ("", "x", own)):
            header = "; ".join(f"demijohn-8765={cookie}" for cookie in cookies)
            assert stranger.get("/", headers={"Cookie": header}).status_code == 200
        assert stranger.get("/", headers={"Cookie": "demijohn-8765=x; demijohn-8765=y"}).status_code == 401

    def test_a_cookie_that_is_not_good_is_told_from_none(self, app: Flask) -> None:
        stranger = app.test_client(use_cookies=False)
        assert "not signed in" in stranger.get("/").text
        page = stranger.get("/", headers={"Cookie": "demijohn-8765=x"}).text
        assert "another account" in page
        assert "earlier run" in page


LOOPBACKS = [
    ("127.0.0.1", "127.0.0.1"),
    ("127.0.0.1", "::ffff:127.0.0.1"),
    ("127.0.0.1", "127.0.0.2"),
    ("::1", "::1"),
    ("::", "127.0.0.1"),
    ("::", "::1"),
    ("::", "::ffff:127.0.0.1"),
]
SOMEBODY, ELSE = 65534, 4321
only_linux = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs the tables of Linux")
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another account")


class Connected:
    """A connection over a loopback address; the server's side listens on `host`, the client calls `address`."""

    def __init__(self, host: str, address: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, 0), family=family, dualstack_ipv6=host == "::") as listener:
            self.client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            if address == "127.0.0.2":
                self.client.bind((address, 0))
                address = host
            self.client.connect((address, listener.getsockname()[1]))
            self.server, _ = listener.accept()
        self.theirs, self.ours = self.server.getpeername(), self.server.getsockname()

    @property
    def environ(self) -> dict[str, str]:
        names = ("REMOTE_ADDR", "REMOTE_PORT", "SERVER_ADDR", "SERVER_PORT")
        return dict(zip(names, map(str, (*self.theirs[:2], *self.ours[:2])), strict=True))

    @property
    def ends(self) -> tuple[peers.End, peers.End]:
        return tuple(peers.End.parse(end[0], str(end[1])) for end in (self.theirs, self.ours))

    def close(self) -> None:
        self.client.close()
        self.server.close()


@only_linux
@pytest.mark.parametrize(("host", "address"), LOOPBACKS)
class TestPeers:
    @pytest.fixture
    def connected(self, host: str, address: str) -> Iterator[Connected]:
        connected = Connected(host, address)
        try:
            yield connected
        finally:
            connected.close()

    def test_the_account_is_known(self, connected: Connected) -> None:
        assert peers.account(connected.environ) == str(os.getuid())
        assert peers.find_uid(*connected.ends) == os.getuid()

    @only_root
    def test_and_it_is_that_of_the_client(self, connected: Connected) -> None:
        os.fchown(connected.client.fileno(), SOMEBODY, -1)
        os.fchown(connected.server.fileno(), ELSE, -1)
        assert peers.account(connected.environ) == str(SOMEBODY)
        assert peers.find_uid(*connected.ends) == SOMEBODY

    def test_a_connection_that_has_ended_is_nobodys(self, connected: Connected) -> None:
        for ending in (lambda: connected.client.shutdown(socket.SHUT_WR), connected.client.close):
            ending()
            assert peers.account(connected.environ) == peers.UNKNOWN
            assert peers.find_uid(*connected.ends) is None

    def test_another_end_is_not_taken_for_it(self, connected: Connected) -> None:
        for name, value in (("SERVER_PORT", "1"), ("REMOTE_PORT", "1"), ("SERVER_ADDR", "127.0.0.9")):
            assert peers.account(connected.environ | {name: value}) == peers.UNKNOWN


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": ""},
        {"REMOTE_ADDR": "", "REMOTE_PORT": "1"},
        {"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "1"},
        {"REMOTE_ADDR": "2001:db8::1", "REMOTE_PORT": "1"},
    ],
)
def test_who_is_elsewhere_is_unknown(environ: dict[str, str]) -> None:
    assert peers.account({"SERVER_ADDR": "127.0.0.1", "SERVER_PORT": "8765", **environ}) == peers.UNKNOWN


@only_linux
@only_root
class TestAccounts:
    """Processes of several accounts, over real connections."""

    @pytest.fixture
    def port(self, tmp_path: Path) -> Iterator[int]:
        server = Server("127.0.0.1", 0)
        server.start(app_with(settings_in(tmp_path, port=server.port)))
        try:
            yield server.port
        finally:
            server.stop()

    def test_a_cookie_is_good_for_the_account_that_got_it(self, port: int) -> None:
        cookie = signed_in(port, os.getuid())
        assert status(port, os.getuid(), "GET / ", cookie) == 200
        assert status(port, SOMEBODY, "GET / ", cookie) == 401

    def test_whoever_shows_it_and_with_whatever_headers(self, port: int) -> None:
        own = {"Origin": f"http://127.0.0.1:{port}", **OWN_PAGE, **HTMX}
        headers = signed_in(port, os.getuid()) | own
        assert status(port, os.getuid(), "POST /things", headers) == 201
        assert status(port, SOMEBODY, "POST /things", headers) == 401

    def test_the_account_of_the_browser_counts_and_not_that_of_the_app(self, port: int) -> None:
        cookie = signed_in(port, SOMEBODY)
        assert [status(port, SOMEBODY, "GET /", cookie) for _ in range(3)] == [200, 200, 200]
        assert status(port, ELSE, "GET /", cookie) == status(port, os.getuid(), "GET /", cookie) == 401

    def test_the_token_itself_is_good_for_all(self, port: int) -> None:
        for uid in (os.getuid(), SOMEBODY, ELSE):
            assert status(port, uid, "GET /", BEARER) == 200


def signed_in(port: int, uid: int) -> dict[str, str]:
    """The Cookie header of a browser of that account that has opened the printed address."""
    answer = exchange(port, uid, f"GET /?token={TOKEN}", {})
    return {"Cookie": re.search(r"Set-Cookie: (demijohn-\d+=\w+)", answer)[1]}


def status(port: int, uid: int, request: str, headers: dict[str, str]) -> int:
    return int(exchange(port, uid, request, headers).split()[1])


def exchange(port: int, uid: int, request: str, headers: dict[str, str]) -> str:
    """What a process of that account is answered."""
    lines = [f"{request.strip()} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setresuid(uid, uid, uid)
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall("\r\n".join([*lines, "", ""]).encode())
                os.write(writing, b"".join(iter(lambda: client.recv(65_536), b"")))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text


class TestBeingTurnedAway:
    def test_a_person_gets_a_form_that_keeps_the_address(self, stranger: Browser) -> None:
        page = stranger.get("/things/x?q=%3Cb%3E&q=2&token=old").text
        assert '<meta name="color-scheme" content="light dark">' in page
        assert '<form method="get">' in page
        assert '<input type="hidden" name="q" value="&lt;b&gt;">' in page
        assert '<input type="hidden" name="q" value="2">' in page
        assert page.count('name="token"') == 1
        assert "old" not in page
        assert "terminal" in page

    def test_the_form_works(self, stranger: Browser) -> None:
        assert stranger.get("/", query_string={"token": TOKEN}, follow_redirects=True).text == "a page"

    def test_the_page_needs_nothing_else(self, stranger: Browser) -> None:
        page = stranger.get("/").text
        assert not re.search(r"<script|<style|style=|/static/| on\w+=", page)

    @pytest.mark.parametrize("headers", [{"Accept": "application/json"}, {"Authorization": "Bearer wrong"}])
    def test_a_script_gets_json(self, stranger: Browser, headers: dict[str, str]) -> None:
        response = stranger.get("/", headers=headers)
        assert response.status_code == 401
        assert set(response.get_json()) == {"error", "hint"}
        assert response.headers["WWW-Authenticate"].startswith("Bearer")

    def test_htmx_is_told_to_load_the_page_anew(self, stranger: Browser) -> None:
        assert stranger.get("/", headers=HTMX).headers["HX-Refresh"] == "true"
        assert "HX-Refresh" not in stranger.get("/").headers

    def test_who_followed_a_link_may_just_go_on(self, stranger: Browser) -> None:
        page = stranger.get("/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}).text
        assert '<a href="">' in page

    def test_a_refused_form_signs_in_at_the_start(self, stranger: Browser) -> None:
        assert '<form method="get" action="/">' in stranger.post("/things", data={"a": "b"}).text

    @pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
    def test_methods_that_nobody_needs(self, stranger: Browser, guest: Browser, method: str) -> None:
        assert stranger.open("/", method=method).status_code == 401
        response = guest.open("/", method=method)
        assert response.status_code == 405
        assert method not in response.headers["Allow"]

    def test_the_method_cannot_be_overridden(self, guest: Browser) -> None:
        headers = {**OWN_PAGE, **HTMX, "X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}
        assert guest.post("/things/x?_method=DELETE", headers=headers).status_code == 405


SITE = {"-": None, "same-origin": "same-origin", "none": "none", "same-site": "same-site", "cross-site": "cross-site"}
SENDER = {"-": None, "own": ORIGIN, "port": "http://127.0.0.1:3000", "evil": "https://evil.example", "null": "null"}
MATRIX = """
proof   method  site         sender  mark  status
cookie  POST    same-origin  -       htmx  201
cookie  POST    same-origin  own     htmx  201
cookie  POST    same-origin  own     form  201
cookie  POST    same-origin  null    form  201
cookie  POST    same-origin  -       file  201
cookie  POST    same-origin  own     -     403
cookie  POST    same-origin  own     bad   403
cookie  POST    same-origin  own     json  403
cookie  POST    same-origin  evil    htmx  403
cookie  POST    same-origin  port    form  403
cookie  POST    -            own     htmx  201
cookie  POST    -            own     form  201
cookie  POST    -            own     -     403
cookie  POST    -            -       htmx  403
cookie  POST    -            -       form  403
cookie  POST    -            null    form  403
cookie  POST    -            port    htmx  403
cookie  POST    -            evil    htmx  403
cookie  POST    none         -       htmx  403
cookie  POST    none         own     form  403
cookie  POST    same-site    own     htmx  403
cookie  POST    same-site    port    form  403
cookie  POST    cross-site   own     htmx  403
cookie  POST    cross-site   evil    form  403
cookie  POST    cross-site   -       -     403
cookie  PUT     same-origin  own     htmx  200
cookie  PUT     same-origin  own     form  403
cookie  PUT     same-origin  own     -     403
cookie  PUT     cross-site   evil    htmx  403
cookie  DELETE  same-origin  -       htmx  204
cookie  DELETE  -            own     htmx  204
cookie  DELETE  same-origin  -       -     403
cookie  DELETE  same-site    port    htmx  403
cookie  PATCH   same-origin  own     -     403
cookie  PATCH   same-origin  own     htmx  405
cookie  GET     -            -       -     200
cookie  GET     same-origin  -       -     200
cookie  GET     none         -       -     200
cookie  GET     same-site    -       -     403
cookie  GET     same-site    port    htmx  403
cookie  GET     cross-site   -       -     403
cookie  GET     -            own     -     200
cookie  GET     -            evil    -     403
cookie  HEAD    cross-site   evil    -     403
cookie  OPTIONS same-origin  own     -     200
cookie  OPTIONS cross-site   evil    -     403
cookie  OPTIONS same-site    port    -     403
script  POST    -            -       -     201
script  POST    same-origin  own     -     201
script  POST    -            own     -     201
script  POST    none         -       -     201
script  POST    -            port    htmx  403
script  POST    -            null    -     403
script  POST    -            evil    -     403
script  POST    same-origin  evil    -     403
script  POST    same-site    -       htmx  403
script  POST    cross-site   -       form  403
script  PUT     -            -       -     200
script  PUT     cross-site   evil    -     403
script  DELETE  -            -       -     204
script  DELETE  -            evil    htmx  403
script  GET     -            -       -     200
script  GET     cross-site   evil    -     403
wrong   POST    same-origin  own     htmx  401
wrong   GET     same-origin  own     -     401
nobody  POST    same-origin  own     htmx  401
nobody  POST    cross-site   evil    -     401
nobody  OPTIONS cross-site   evil    -     401
"""
PATHS = {"POST": "/things", "PUT": "/things/x", "DELETE": "/things/x", "PATCH": "/things/x"}


class TestOtherSites:
    @pytest.mark.parametrize(
        ("proof", "method", "site", "sender", "mark", "status"), [row.split() for row in MATRIX.split("\n")[2:-1]]
    )
    def test_who_may_do_what(
        self, app: Flask, proof: str, method: str, site: str, sender: str, mark: str, status: str
    ) -> None:
        client = app.test_client()
        form_token = client.signed_in().form_token()
        if proof in {"script", "nobody"}:
            client = app.test_client()
        given = {
            "Sec-Fetch-Site": SITE[site],
            "Origin": SENDER[sender],
            "HX-Request": "true" if mark == "htmx" else None,
            "Authorization": {"script": f"Bearer {TOKEN}", "wrong": "Bearer wrong"}.get(proof),
        }
        headers = {name: value for name, value in given.items() if value is not None}
        response = client.open(PATHS.get(method, "/"), method=method, headers=headers, **body(mark, form_token))
        assert response.status_code == int(status)

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    @pytest.mark.parametrize(
        ("mode", "destination", "status"),
        [
            ("navigate", "document", 200),
            ("navigate", None, 200),
            ("navigate", "iframe", 403),
            ("navigate", "embed", 403),
            ("no-cors", "image", 403),
            ("no-cors", "script", 403),
            ("cors", "empty", 403),
            ("websocket", "websocket", 403),
            (None, "document", 403),
        ],
    )
    def test_a_link_may_be_followed_and_nothing_else(
        self, guest: Browser, site: str, mode: str | None, destination: str | None, status: int
    ) -> None:
        given = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": destination}
        headers = {name: value for name, value in given.items() if value is not None}
        assert guest.get("/", headers=headers).status_code == status

    def test_a_form_of_another_site_is_not_a_link(self, guest: Browser) -> None:
        headers = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        response = guest.post("/things", headers=headers, data={"form_token": guest.form_token()})
        assert response.status_code == 403

    def test_an_upload_is_left_unread(self, guest: Browser) -> None:
        headers = {**OWN_PAGE, **HTMX, "Content-Type": "application/x-www-form-urlencoded"}
        assert guest.put("/things/x", headers=headers, data=b"a=b").data == b"a=b"

    def test_an_upload_that_is_refused_is_not_read_either(self, guest: Browser) -> None:
        upload = io.BytesIO(b"x" * 1000)
        response = guest.put(
            "/things/x", headers=OWN_PAGE, input_stream=upload, content_length=1000, content_type="text/plain"
        )
        assert (response.status_code, upload.tell()) == (403, 0)

    def test_the_form_token_is_neither_token_nor_cookie(self, guest: Browser) -> None:
        cookie = guest.get_cookie("demijohn-8765", "127.0.0.1")
        assert cookie is not None
        assert len({TOKEN, cookie.value, guest.form_token()}) == 3


def body(mark: str, form_token: str) -> dict[str, Any]:
    """What the request of a row of the matrix carries."""
    match mark:
        case "form":
            return {"data": {"form_token": form_token}}
        case "file":
            return {"data": {"form_token": form_token, "file": (io.BytesIO(b"x"), "name")}}
        case "bad":
            return {"data": {"form_token": "wrong"}}
        case "json":
            return {"json": {"form_token": form_token}}
    return {}


class TestHeaders:
    @pytest.mark.parametrize(
        ("path", "headers", "status"),
        [
            ("/", BEARER, 200),
            ("/static/app.css", BEARER, 200),
            ("/static/missing.css?v=1", BEARER, 404),
            ("/nowhere", BEARER, 404),
            ("/things", BEARER, 405),
            ("/fault", BEARER, 500),
            (f"/?token={TOKEN}", {}, 303),
            (f"/?token={TOKEN}", {"Sec-Fetch-Site": "cross-site"}, 200),
            ("/", {}, 401),
            ("/static/app.css?v=1", {}, 401),
            ("/", {**BEARER, "Origin": "https://evil.example"}, 403),
            ("/", {**BEARER, "Host": "evil.example"}, 400),
        ],
    )
    def test_every_answer_carries_them(
        self, stranger: Browser, path: str, headers: dict[str, str], status: int
    ) -> None:
        response = stranger.get(path, headers=headers)
        assert response.status_code == status
        assert_protected(response)
        assert response.headers["Cache-Control"] == "no-store"

    def test_the_policy_adds_back_only_the_app_itself(self) -> None:
        directives = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))
        assert directives.pop("default-src") == "'none'"
        assert directives.pop("img-src") == "'self' data:"
        assert directives.pop("base-uri") == directives.pop("frame-ancestors") == "'none'"
        assert set(directives.values()) == {"'self'"}

    def test_a_stricter_policy_of_a_view_is_kept(self, guest: Browser) -> None:
        policies = guest.get("/sandboxed").headers.getlist("Content-Security-Policy")
        assert policies == ["sandbox", CONTENT_SECURITY_POLICY]

    def test_versioned_files_are_kept_by_the_browser(self, guest: Browser) -> None:
        response = guest.get("/static/app.css?v=1")
        assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        again = guest.get("/static/app.css?v=1", headers={"If-None-Match": response.headers["ETag"]})
        assert (again.status_code, again.headers["Cache-Control"]) == (304, response.headers["Cache-Control"])

    def test_nobody_else_may_read_an_answer(self, guest: Browser) -> None:
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "hx-request"}
        for headers in ({}, OWN_PAGE, {"Origin": ORIGIN}, {"Origin": "https://evil.example"}):
            response = guest.options("/things", headers={**asked, **headers})
            assert "access-control" not in str(response.headers).lower()


class TestSecrecy:
    def test_the_token_is_in_no_answer(self, stranger: Browser) -> None:
        for path in (f"/?token={TOKEN}", f"/nowhere?token={TOKEN}", f"/fault?token={TOKEN}"):
            response = stranger.get(path, headers={"Sec-Fetch-Site": "cross-site"})
            assert TOKEN not in response.text + str(response.headers)

    def test_neither_token_nor_cookie_is_logged(self, guest: Browser, caplog: pytest.LogCaptureFixture) -> None:
        cookie = guest.get_cookie("demijohn-8765", "127.0.0.1")
        assert cookie is not None
        for secret in (TOKEN, cookie.value, guest.form_token()):
            logging.getLogger("webui.tests").warning("met %s", secret)
        lines = [LineFormatter().format(record) for record in caplog.records]
        assert len(lines) == 3
        assert all(line.endswith(" met ***") for line in lines)


class TestWholeApp:
    """The same questions to the real app, over all of its addresses."""

    @pytest.fixture
    def app(self, tmp_path: Path) -> Iterator[Flask]:
        from webui import create_app
        from webui.engine.connection import Engines

        settings = settings_in(tmp_path)
        app = create_app(settings, Engines(settings))
        app.test_client_class = Browser
        yield app
        app.extensions["demijohn"].close()

    def test_every_route_wants_the_token(self, app: Flask, stranger: Browser) -> None:
        for path, method in every_request(app):
            response = stranger.open(path, method=method, headers={**OWN_PAGE, **HTMX})
            assert response.status_code == 401, f"{method} {path}"
            assert_protected(response)

    def test_every_route_wants_its_own_name(self, app: Flask, stranger: Browser) -> None:
        for path, method in every_request(app):
            response = visit(stranger, "evil.example:8765", path, method=method, headers=BEARER)
            assert response.status_code == 400, f"{method} {path}"

    def test_every_change_wants_a_page_of_the_app(self, app: Flask, guest: Browser) -> None:
        for path, method in every_request(app):
            if method not in {"GET", "HEAD", "OPTIONS"}:
                assert guest.open(path, method=method, headers=HTMX).status_code == 403, f"{method} {path}"
                assert guest.open(path, method=method, headers=OWN_PAGE).status_code == 403, f"{method} {path}"

    def test_no_route_answers_another_site(self, app: Flask, guest: Browser) -> None:
        foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": "https://evil.example"}
        for path, method in every_request(app):
            assert guest.open(path, method=method, headers=foreign).status_code == 403, f"{method} {path}"


def every_request(app: Flask) -> list[tuple[str, str]]:
    """Each address of the app with something in its gaps, with every method."""
    paths = sorted({re.sub(r"<[^>]+>", "1", rule.rule) for rule in app.url_map.iter_rules()})
    return [(path, method) for path in paths for method in METHODS]


def assert_protected(response: TestResponse) -> None:
    headers = response.headers
    assert CONTENT_SECURITY_POLICY in headers.getlist("Content-Security-Policy")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def visit(client: Browser, host: str, path: str = "/", *, scheme: str = "http", **options: Any) -> TestResponse:
    """A request whose Host header is exactly `host`."""
    return client.open(path, environ_overrides={"HTTP_HOST": host, "wsgi.url_scheme": scheme}, **options)
