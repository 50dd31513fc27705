"""Opens the start page: in the person's browser, or as a window of its own.

The address carries the token and would stand in the list of processes for every account to read. So the browser
is given a file that only this account can read, and that sends it on.
"""

from __future__ import annotations

import contextlib
import html
import logging
import os
import shutil
import subprocess
import sys
import threading
import webbrowser

from webui.settings import Settings

log = logging.getLogger(__name__)

_WINDOW_PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={url}"><title>Demijohn</title></head>
<body><p><a href="{url}">Open Demijohn</a></p></body></html>
"""
_CLOSE_SECONDS = 3.0


class Browser:
    """What shows the start page. `close` ends the window that was opened and removes the file with the token."""

    def __init__(self, settings: Settings, url: str) -> None:
        self._settings = settings
        self._url = url
        self._file = settings.data_dir / "open.html"
        self._window: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Open what the settings ask for, where there is a screen; otherwise the printed address has to do."""
        if not self._settings.display or not (self._settings.open_browser or self._settings.window):
            return
        program = _window_program(self._settings) if self._settings.window else None
        if program:
            self._write_file()
            self._open_window(program)
        elif _is_root():
            log.info("no browser is opened for root: open the address above in your own")
        else:
            self._write_file()
            threading.Thread(target=webbrowser.open, args=(self._file.as_uri(),), daemon=True).start()

    def close(self) -> None:
        """End the app window and remove the file."""
        self._file.unlink(missing_ok=True)
        if self._window is not None:
            self._window.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._window.wait(_CLOSE_SECONDS)

    def _write_file(self) -> None:
        self._file.unlink(missing_ok=True)
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(_PAGE.format(url=html.escape(self._url)))

    def _open_window(self, program: str) -> None:
        profile = self._settings.data_dir / "window"
        command = [program, f"--app={self._file.as_uri()}", f"--user-data-dir={profile}", "--no-first-run"]
        if _is_root():
            command.append("--no-sandbox")
        self._window = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def _window_program(settings: Settings) -> str | None:
    found = (shutil.which(name, path=settings.search_path) for name in _WINDOW_PROGRAMS)
    program = next(filter(None, found), None)
    if program is None:
        log.warning("--window needs Chromium, Chrome or Edge; the usual browser is opened instead")
    return program


def _is_root() -> bool:
    """Chromium's sandbox and Firefox both refuse to run as root in somebody's session on Linux."""
    return sys.platform == "linux" and os.getuid() == 0
