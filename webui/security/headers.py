"""The headers that go with every answer, refusals and errors included."""

from __future__ import annotations

from typing import Final

from flask import Request, Response

# `manifest-src` is what an installable app adds; https://developer.mozilla.org/docs/Web/HTTP/Guides/CSP
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
BARE: Final = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, **_ALWAYS, "Cache-Control": "no-store"}
"""For answers that the server gives without asking the app."""
_KEPT_FOR_A_YEAR: Final = "private, max-age=31536000, immutable"


def protect(request: Request, response: Response) -> Response:
    """Add the headers to an answer.

    A view's own Content-Security-Policy stays beside the app's: a browser obeys both, so it can only be
    stricter.
    """
    response.headers.add("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.update(_ALWAYS)
    response.headers["Cache-Control"] = _KEPT_FOR_A_YEAR if _is_versioned(request, response) else "no-store"
    return response


def _is_versioned(request: Request, response: Response) -> bool:
    """Whether the answer is a static file under an address that changes when the file does."""
    return request.endpoint == "static" and bool(request.args.get("v")) and response.status_code in {200, 206, 304}
