"""The program as a person starts it: a process of its own, and the address it prints."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TextIO

from tests.conftest import TOKEN

PROGRAM = Path(__file__).resolve().parents[2] / "app.py"


class Program:
    """A running app.py, started in `folder`/work with `folder`/home as its home, speaking to the engine given."""

    def __init__(self, folder: Path, engine: str, *options: str) -> None:
        self.home, self.start_folder = folder / "home", folder / "work"
        self.home.mkdir(parents=True)
        self.start_folder.mkdir()
        self.errors = folder / "errors"
        data = folder / "data"
        with self.errors.open("w") as errors:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    PROGRAM,
                    "--port=0",
                    "--no-browser",
                    f"--data-dir={data}",
                    f"--engine={engine}",
                    *options,
                ],
                cwd=self.start_folder,
                env={"HOME": str(self.home), "PATH": os.environ["PATH"], "DEMIJOHN_TOKEN": TOKEN},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        self.address = self._printed_address()
        self.origin = self.address.partition("/?")[0]

    def stop(self) -> int:
        """Ask it to stop, and return its exit status."""
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(30)
        self._output.close()
        return status

    @property
    def _output(self) -> TextIO:
        assert self._process.stdout is not None
        return self._process.stdout

    def _printed_address(self) -> str:
        """The address with its token, which lets a browser in."""
        line = self._output.readline()
        found = re.fullmatch(r"Demijohn is at (http://127\.0\.0\.1:\d+/\?token=\S+)\n", line)
        assert found, line + self.errors.read_text()
        return found[1]
