"""`python -m webui.engine [OPTIONS OF app.py]`: exit status 1 where no engine answers and one has to be found first.

Options that can't be used are left for `app.py` to explain.
"""

from __future__ import annotations

import sys

from webui.engine import discovery
from webui.engine.connection import Engine, trouble_with
from webui.errors import NotFoundError
from webui.settings import SettingsError, load


def main() -> int:
    """Look for an engine that answers."""
    try:
        candidates = discovery.preferred(load(sys.argv[1:]))
    except (SettingsError, NotFoundError):
        return 0
    return int(all(trouble_with(Engine(candidate)) for candidate in candidates))


if __name__ == "__main__":
    sys.exit(main())
