"""An engine that may die."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from webui.engine import private


class Mortal:
    """An engine that dies and comes back, with its data and at its old address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engine = private.start(folder)
        self.address = self._engine.address("default")

    def start(self) -> None:
        """Return when it answers again."""
        self._engine = private.start(self._folder)

    def stop(self) -> None:
        """End it and clear away what is left of it."""
        self._engine.stop()

    def kill(self) -> None:
        """End it without any warning."""
        os.kill(int((Path(self.address.data_folder).parent / "pid").read_text()), signal.SIGKILL)
