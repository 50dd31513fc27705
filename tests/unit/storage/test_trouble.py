"""What an engine says of a mount that failed is told in words, at the field that is to be changed."""

from __future__ import annotations

import pytest

from webui.storage import Where, explain

SAID = "error while mounting volume '/d/_data': failed to mount local volume: mount :/srv:/d/_data, data: addr=10.0.0.1: {}"


@pytest.mark.parametrize(
    ("where", "said", "field", "words"),
    [
        (Where.NFS, SAID.format("no such device"), "", "no NFS client"),
        (Where.NFS, SAID.format("connection refused"), "server", "no NFS server listens"),
        (Where.NFS, SAID.format("no route to host"), "server", "can’t reach"),
        (Where.NFS, SAID.format("connection timed out"), "", "did not answer"),
        (Where.NFS, SAID.format("permission denied"), "export", "let the engine’s machine"),
        (Where.NFS, SAID.format("no such file or directory"), "export", "no such export"),
        (Where.NFS, SAID.format("protocol not supported"), "version", "version of NFS"),
        (
            Where.NFS,
            "error resolving passed in network volume address: lookup nas: no such host",
            "server",
            "know the server",
        ),
        (Where.SMB, SAID.format("permission denied"), "password", "user or the password"),
        (Where.SMB, SAID.format("no such file or directory"), "share", "no such share"),
        (Where.SMB, SAID.format("host is down"), "version", "version of SMB"),
        (Where.SMB, SAID.format("no such device"), "", "no CIFS client"),
        (Where.BIND, SAID.format("no such file or directory"), "folder", "no such folder"),
        (Where.TMPFS, SAID.format("invalid argument"), "size", "size or mode"),
        (Where.S3, 'create x: plugin "rclone" not found', "driver", "no such volume driver"),
        (Where.S3, "fusermount3: mount failed: fuse: device not found", "", "FUSE is missing"),
    ],
)
def test_each_reason_has_its_words_and_its_field(where: Where, said: str, field: str, words: str) -> None:
    trouble = explain(where, said)
    assert trouble is not None
    assert trouble.field == field
    assert words in trouble.sentence
    assert trouble.hint.endswith((".", "?", ")"))


def test_what_nobody_knows_is_not_guessed_at() -> None:
    assert explain(Where.NFS, "something new") is None
    assert explain(Where.OTHER, "permission denied") is None
