"""Who may speak to the app: the right host name, with the token, from the app's own pages.

The port gives root-like power over the machine, so `init_app` puts a guard in front of every request:
pages, static files, addresses that do not exist and errors alike. It asks in this order: is the app called
by a name of its own, does the visitor hold the token, is the method one the app has, and did the app's own
pages make the request. Each question is a module of this package.
"""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.wrappers import Response as AnyResponse

from webui.security import headers, refusals, sites
from webui.security.credentials import Credentials, Proof
from webui.security.hosts import Hosts
from webui.settings import Settings

__all__ = ["init_app", "login_url"]


def init_app(app: Flask, settings: Settings) -> None:
    """Guard every request to `app`, whatever else was or will be registered.

    Adds the Jinja global `form_token()`: the value of the hidden field `form_token`, without which a form
    sent without JavaScript is refused.

    Raises:
        ValueError: `settings.port` is 0. Host names are compared with their port, so bind first.
    """
    hosts = Hosts(settings)
    credentials = Credentials(settings.token)

    def guard() -> AnyResponse | None:
        try:
            return _admit(hosts, credentials)
        except refusals.RefusalError as refusal:
            return refusals.answer(request, refusal)

    def protect(response: Response) -> Response:
        return headers.protect(request, response)

    # In front of all others: an earlier hook must not act for someone the guard would turn away.
    app.before_request_funcs.setdefault(None, []).insert(0, guard)
    app.after_request_funcs.setdefault(None, []).insert(0, protect)
    app.add_template_global(lambda: credentials.form_token, "form_token")


def login_url(settings: Settings) -> str:
    """The address that signs a browser in, token included: for the person's eyes, not for the log."""
    return Credentials(settings.token).login_url(Hosts(settings).origin)


def _admit(hosts: Hosts, credentials: Credentials) -> AnyResponse | None:
    """Let the request through (None), answer it where it signs a browser in, or raise a `RefusalError`."""
    origin = hosts.check(request)
    if credentials.in_address(request):
        return credentials.sign_in(request, origin)
    proof = credentials.check(request, origin)
    sites.check_method(request)
    sites.check_not_foreign(request, origin)
    if proof is Proof.COOKIE and sites.changes_something(request):
        sites.check_own_page(request, origin)
        credentials.check_form(request)
    return None
