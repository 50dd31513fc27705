"""Starts Demijohn: options, server, engines, app, browser; and stops it on Ctrl-C and SIGTERM."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace

from webui import create_app, log, security
from webui.browser import Browser
from webui.engine.connection import Engines
from webui.errors import DemijohnError, NotFoundError
from webui.serving import Server
from webui.settings import Settings, SettingsError, load

BAD_SETTINGS = 2
CANNOT_START = 1
IMPATIENT_SECONDS = 2.0
OBJECTS_BETWEEN_COLLECTIONS = 50_000
WISE_TOKEN = 16


def main(arguments: Sequence[str]) -> int:
    """Run until told to stop. Returns the exit status: 0, or 2 for a bad setting, 1 for what hinders the start."""
    try:
        settings = load(arguments)
        log.configure(settings.verbose)
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        server = Server(settings.host, settings.port, certificate=settings.tls_certificate, key=settings.tls_key)
    except SettingsError as error:
        return _refuse(str(error), BAD_SETTINGS)
    except OSError as error:
        return _refuse(f"Demijohn can't start: {error}.", CANNOT_START)
    return run(replace(settings, port=server.port), server)


def run(settings: Settings, server: Server) -> int:
    """Serve the app on a server that is bound already, until a signal comes. Returns the exit status."""
    told_to_stop = _stop_signal()
    with ExitStack() as leaving:
        try:
            engines = leaving.enter_context(closing(Engines(settings)))
            app = create_app(settings, engines)
        except NotFoundError as error:
            return _refuse(f"--engine {settings.engine}: {error.message} {error.hint}", BAD_SETTINGS)
        except DemijohnError as error:
            return _refuse(f"{error.message} {error.hint}".strip(), CANNOT_START)
        house = leaving.enter_context(closing(app.extensions["demijohn"]))
        leaving.callback(server.stop)
        browser = leaving.enter_context(closing(Browser(settings, security.login_url(settings))))
        leaving.callback(house.stopping.set)
        _calm_garbage_collection()
        server.start(app)
        _say(f"Demijohn is at {security.login_url(settings)}", *_about_token(settings), *_about_engine(engines))
        browser.open()
        os.read(told_to_stop, 1)
        _say("Stopping …")
    return 0


def _calm_garbage_collection() -> None:
    """What was made by now stays until the end: reading ten thousand volumes must not go through all of it again and again."""
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)


def _stop_signal() -> int:
    """A pipe to read from: it has a byte as soon as the first Ctrl-C or SIGTERM has come.

    A second one, IMPATIENT_SECONDS later or after that, ends the app at once. Until then further ones change nothing: `timeout` and some
    terminals send every signal twice. A pipe, as a handler must not take a lock that the thread it interrupts may hold.
    """
    readable, writable = os.pipe()
    asked_at: list[float] = []

    def ask(number: int, _: object) -> None:
        if not asked_at:
            asked_at.append(time.monotonic())
            os.write(writable, b"!")
        elif time.monotonic() - asked_at[0] > IMPATIENT_SECONDS:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return readable


def _about_token(settings: Settings) -> list[str]:
    if len(settings.token) >= WISE_TOKEN:
        return []
    return [f"DEMIJOHN_TOKEN is short and could be guessed: {WISE_TOKEN} characters or more are wise."]


def _about_engine(engines: Engines) -> list[str]:
    address = engines.get(engines.default).address
    if not address.private:
        return [*engines.notes, f"Engine: {address.description}, {address.url}"]
    return [
        *engines.notes,
        f"Engine: a {address.description}.",
        f"Its data is in {address.data_folder}.",
        f"To use an engine of this machine instead: {address.start_hint}, and start Demijohn again.",
    ]


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _refuse(message: str, status: int) -> int:
    sys.stderr.write(f"app.py: {message}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
