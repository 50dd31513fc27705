"""Whether the app's own pages made a request.

A browser adds the cookie to requests of other pages too: even a strict one to those of another port of
localhost. So its word on who asks is taken, `Sec-Fetch-Site`, or `Origin` where the browser is too old for
that.
(https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site)
"""

from __future__ import annotations

from typing import Final

from flask import Request

from webui.security.refusals import ForeignRequestError, MethodRefusedError

FOREIGN_SITES: Final = frozenset({"cross-site", "same-site"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})
_REFUSED_METHODS: Final = frozenset({"CONNECT", "TRACE"})
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HINT: Final = "Do it in the app itself, at the address it printed at its start."


def check_method(request: Request) -> None:
    """See that the method is one that something here may answer to.

    Raises:
        MethodRefusedError: it is not.
    """
    if request.method in _REFUSED_METHODS:
        raise MethodRefusedError(f"Demijohn has no use for {request.method}.")


def changes_something(request: Request) -> bool:
    """Whether the request may do more than look."""
    return request.method not in _SAFE_METHODS


def check_not_foreign(request: Request, origin: str) -> None:
    """See that no other site made the request. From there one may follow a link to a page, nothing else.

    Raises:
        ForeignRequestError: another site made it.
    """
    if _is_foreign(request, origin) and not _is_followed_link(request):
        raise ForeignRequestError("The request came from another site, so nothing was done.", hint=_HINT)


def check_own_page(request: Request, origin: str) -> None:
    """See that the browser vouches for the request: a page of the app itself made it.

    Raises:
        ForeignRequestError: it does not vouch for it.
    """
    site, sender = _site(request), _sender(request)
    if site != "same-origin" and (site is not None or sender != origin):
        raise ForeignRequestError(
            "The browser does not say that a page of this app made the request, so nothing was done.",
            hint=_HINT,
        )


def _is_foreign(request: Request, origin: str) -> bool:
    site, sender = _site(request), _sender(request)
    if site is None:
        return sender is not None and sender != origin
    # Under the app's own `Referrer-Policy: no-referrer` a form is sent with the origin "null".
    return site not in _OWN_SITES or sender not in {None, "null", origin}


def _is_followed_link(request: Request) -> bool:
    fetch = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest", "document")
    return fetch == ("navigate", "document") and not changes_something(request)


def _site(request: Request) -> str | None:
    return request.headers.get("Sec-Fetch-Site")


def _sender(request: Request) -> str | None:
    return request.headers.get("Origin")
