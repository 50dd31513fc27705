"""What a plugin asks for is said in words, and what is much is marked as such."""

from __future__ import annotations

import pytest

from webui.plugin_words import permission_words


@pytest.mark.parametrize(
    ("name", "values", "words", "great"),
    [
        ("network", ["host"], "network of the engine’s machine", True),
        ("network", ["bridge"], "Use the network: bridge.", False),
        ("mount", ["/var/lib/x"], "Read and write on the engine’s machine: /var/lib/x.", True),
        ("device", ["/dev/fuse"], "Use the device /dev/fuse.", False),
        ("capabilities", ["CAP_SYS_ADMIN", "CAP_X"], "CAP_SYS_ADMIN), CAP_X.", True),
        ("allow-all-devices", ["true"], "every device", True),
        ("host pid namespace", ["true"], "every process", True),
        ("something new", ["1"], "something new: 1.", True),
    ],
)
def test_each_permission_has_its_words(name: str, values: list[str], words: str, great: bool) -> None:
    told = permission_words(name, values)
    assert words in told.sentence
    assert told.great is great
