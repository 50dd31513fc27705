"""The token and what stands for it: the browser's cookie, the script's header, the field of a form."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final
from urllib.parse import quote, unquote_plus

from flask import Request
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as AnyResponse

from webui import log
from webui.security import peers
from webui.security.hosts import port_of
from webui.security.refusals import ForeignRequestError, SignInError, page
from webui.security.sites import FOREIGN_SITES

_WHERE: Final = "The terminal where Demijohn was started shows an address that ends in ?token=… and lets you in."
_URL_CHARACTERS: Final = "%/?:@!$&()*+,;=~"
_FORM_TYPES: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


class Proof(Enum):
    """How a visitor showed that they hold the token."""

    COOKIE = auto()
    BEARER = auto()


class Credentials:
    """The token of this run, and the values derived from it, which tell nothing about it.

    They are the same after a restart with the same token, so that open pages go on working. None of them gets
    into a log.

    A browser shows a cookie to every port of its host name, so the server of another account on this machine may
    get to see it. The cookie is therefore good for one account only: the one whose browser was given it.
    """

    def __init__(self, token: str) -> None:
        self._token = token
        self.form_token = _derived(token, "form")
        log.hide(token)
        log.hide(self.form_token)

    def login_url(self, origin: str) -> str:
        """The address that signs a browser in at `origin`."""
        return f"{origin}/?token={quote(self._token, safe='')}"

    def in_address(self, request: Request) -> bool:
        """Whether the request is a visit to an address with a token in it."""
        return request.method == "GET" and "token" in request.args

    def sign_in(self, request: Request, origin: str) -> AnyResponse:
        """Give the browser its cookie and send it to the same address without the token.

        A browser that comes from another site (a link in a web terminal) keeps a strict cookie to itself
        while it follows a redirect; it gets a page that goes on by itself instead.

        Raises:
            SignInError: the token in the address is wrong.
        """
        if not _same(request.args["token"], self._token):
            raise SignInError("The token in the address is not the one of this run.", hint=_WHERE)
        address = origin + _target_without_token(request)
        if request.headers.get("Sec-Fetch-Site") in FOREIGN_SITES:
            response: AnyResponse = page("signed_in.html", address=address)
        else:
            response = redirect(address, 303)
        response.set_cookie(
            _cookie_name(origin),
            self._cookie_for(request),
            secure=origin.startswith("https:"),
            httponly=True,
            samesite="Strict",
        )
        return response

    def check(self, request: Request, origin: str) -> Proof:
        """Which proof the request carries. A script's header counts before the cookie.

        Raises:
            SignInError: it carries none, or a wrong one.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            if _same(token.strip(), self._token):
                return Proof.BEARER
            raise SignInError("The token in the Authorization header is not the one of this run.", hint=_WHERE)
        self._check_cookies(request, origin)
        return Proof.COOKIE

    def check_form(self, request: Request) -> None:
        """See that a page of the app made the request: by htmx's header, else by the form's own token.

        Only a posted form is read for its token; the body of an upload is left to the one who streams it. So a form
        that holds files has its token in the address it is sent to.

        Raises:
            ForeignRequestError: neither is there.
        """
        if request.headers.get("HX-Request") == "true":
            return
        is_form = request.method == "POST" and request.mimetype in _FORM_TYPES
        if not (is_form and (self._is_own(request.args) or self._is_own(request.form))):
            raise ForeignRequestError(
                "The form did not carry the mark of the page it belongs to, so nothing was done.",
                hint="Open the page again and send the form once more.",
            )

    def _is_own(self, sent: Mapping[str, str]) -> bool:
        return _same(sent.get("form_token", ""), self.form_token)

    def _check_cookies(self, request: Request, origin: str) -> None:
        """One good cookie is enough: a server on another port can set more of the same name, and they may come first."""
        cookies = request.cookies.getlist(_cookie_name(origin))
        if not cookies:
            raise SignInError("This browser has not signed in to this run of Demijohn yet.", hint=_WHERE)
        expected = self._cookie_for(request)
        if not any(_same(cookie, expected) for cookie in cookies):
            raise SignInError(
                "The cookie of this browser is of an earlier run of Demijohn, or belongs to another account of this "
                "machine.",
                hint=_WHERE,
            )

    def _cookie_for(self, request: Request) -> str:
        cookie = _derived(self._token, f"cookie:{peers.account(request.environ)}")
        log.hide(cookie)
        return cookie


def _derived(secret: str, purpose: str) -> str:
    return hmac.new(secret.encode(), f"demijohn {purpose}".encode(), hashlib.sha256).hexdigest()


def _same(offered: str, expected: str) -> bool:
    """Compared in a time that tells nothing."""
    return hmac.compare_digest(offered.encode("utf-8", "backslashreplace"), expected.encode())


def _cookie_name(origin: str) -> str:
    """Cookies know no ports, so the name does; the port is the browser's, which a tunnel may have changed."""
    return f"demijohn-{port_of(origin)}"


def _target_without_token(request: Request) -> str:
    """Path and query as they came, less the token; `%2F` and other escapes keep their meaning."""
    path, _, query = str(request.environ["REQUEST_URI"]).partition("?")
    kept = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) != "token"]
    target = f"{path}?{'&'.join(kept)}" if kept else path
    return quote(target, safe=_URL_CHARACTERS, encoding="latin-1")
