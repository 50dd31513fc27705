"""Each field says what is wrong with it, in a sentence, and repeats no secret; whatever is sent, nothing else is raised."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.storage.strategies import RELAXED
from webui.errors import InvalidInputError
from webui.storage import FIELDS, Where, check_options, driver_options, storage_form

RIGHT: dict[str, dict[str, Any]] = {
    "bind": {"folder": "/srv/data"},
    "tmpfs": {},
    "nfs": {"server": "nas", "export": "/srv"},
    "smb": {"server": "nas", "share": "media", "username": "ann", "password": "pw"},
    "s3": {
        **{"provider": "Minio", "endpoint": "http://127.0.0.1:9000", "bucket": "photos"},
        **{"access_key_id": "AK", "secret_access_key": "SK"},
    },
}
RIGHT["crypt-s3"] = {**RIGHT["s3"], "passphrase": "correct horse battery", "kept": True}
RIGHT["crypt-local"] = {"folder": "/srv/enc", "passphrase": "correct horse battery", "kept": True}


def problems(where: str, **changes: Any) -> dict[str, str]:
    """What is said about the right fields with these changes."""
    try:
        storage_form({"where": where, **RIGHT[where], **changes})
    except InvalidInputError as error:
        return dict(error.fields)
    return {}


@pytest.mark.parametrize("where", RIGHT)
def test_what_is_right_passes(where: str) -> None:
    assert problems(where) == {}


@pytest.mark.parametrize(
    ("where", "field", "values"),
    [
        ("nfs", "server", ["", "nas/x", "nas:2049", "n as", "nas\n", "-nas", "http://nas", "a" * 300, "nas,ro"]),
        ("nfs", "export", ["", "srv", "/srv\n", "/s\0"]),
        ("nfs", "version", ["5", "4.3", "four"]),
        ("nfs", "port", ["0", "65536", "-1", "http", "２０４９", "1" * 20]),
        ("nfs", "extra", ["addr=x", "nfsvers=3", "a b", "x=", "ro,,rw", "bind", "o=$(x)"]),
        ("smb", "share", ["", "\\\\nas\\x", "/x", "x/", "x//y", "../y"]),
        ("smb", "username", ["a,b", "a\nb", ""]),
        ("smb", "password", ["a\nb", "a\0"]),
        ("smb", "domain", ["a,b"]),
        ("smb", "version", ["2", "9"]),
        ("smb", "uid", ["-1", "ann", "4294967295", "1.5", "99999999999999"]),
        ("smb", "file_mode", ["rwx", "0999", "77777"]),
        ("tmpfs", "size", ["10 bananas", "0", "-1", "0%", "101%", "1e9", "٣m", "m", "64 mb x"]),
        ("tmpfs", "mode", ["9", "u+x", "17777"]),
        ("bind", "folder", ["", "data", "/srv/../etc", "/a\nb", "./x", "C:\\x"]),
        ("crypt-local", "folder", ["", "/", "/etc/x", "srv", "/var/lib/docker/x"]),
        ("s3", "bucket", ["", "ab", "a/b", "-ab", "a b c", "x" * 64]),
        ("s3", "prefix", ["/x", "x/", "a//b", "../x", "a\nb"]),
        ("s3", "region", ["eu central", "eu/1", "x\n"]),
        ("s3", "provider", ["Nobody"]),
        (
            "s3",
            "endpoint",
            [
                *(
                    "",
                    "s3.example.com",
                    "ftp://x",
                    "http://u:hidden@h",
                    "http://u@h",
                    "http://h\nX: 1",
                    "http://h?x=1",
                    "http://",
                ),
                *("http://h:99999", "http://h:x", "http://h#f", "http://h h", "http:///x"),
            ],
        ),
        ("s3", "access_key_id", ["", "a b", "a\n"]),
        ("s3", "secret_access_key", ["", "a b", "hidden\n"]),
        ("crypt-s3", "passphrase", ["", "hidden", "hidden\nhidden hidden"]),
    ],
)
def test_what_is_wrong_is_said_at_its_field(where: str, field: str, values: list[str]) -> None:
    for value in values:
        found = problems(where, **{field: value})
        assert set(found) == {field}, (value, found)
        assert found[field].endswith((".", "?")), found
        assert "hidden" not in found[field]


@pytest.mark.parametrize(
    ("where", "field", "values"),
    [
        ("nfs", "server", ["192.168.1.20", "fd00::1", "nas.example.com", "nas_1", "nas."]),
        ("nfs", "export", ["/", "/srv/a b", "/srv/ä,b"]),
        ("smb", "password", ["a,b", "p=w", "'\"", " wörd ", ""]),
        ("tmpfs", "size", ["64m", "1g", "512 KiB", "50%", "100%", "1048576", ""]),
        ("s3", "endpoint", ["https://s3.example.com", "http://[::1]:9000", "http://10.0.0.1:9000/base"]),
        ("s3", "prefix", ["", "a", "a/b c", "ä"]),
        ("bind", "folder", ["/", "/srv/a b", "/etc"]),
    ],
)
def test_what_is_right_is_taken(where: str, field: str, values: list[str]) -> None:
    for value in values:
        assert problems(where, **{field: value}) == {}, value


def test_amazon_wants_a_region_and_no_address() -> None:
    assert set(problems("s3", provider="AWS", endpoint="")) == {"region"}
    assert problems("s3", provider="AWS", endpoint="", region="eu-central-1") == {}


def test_a_password_needs_somebody_whose_it_is_and_a_guest_none() -> None:
    assert set(problems("smb", username="")) == {"username"}
    assert problems("smb", username="", password="") == {}
    options = driver_options(storage_form({"where": "smb", "server": "nas", "share": "x"}))
    assert options["o"] == "addr=nas,username=,password=,vers=3.0"


def test_podman_mounts_in_its_own_way() -> None:
    sent = {"where": "nfs", "server": "fd00::1", "export": "/srv"}
    assert driver_options(storage_form(sent, podman=True), podman=True)["device"] == "[fd00::1]:/srv"
    assert driver_options(storage_form(sent))["device"] == ":/srv"
    with pytest.raises(InvalidInputError):
        storage_form({"where": "smb", **RIGHT["smb"], "password": "a,b"}, podman=True)


def test_an_old_passphrase_may_be_short_and_needs_no_promise() -> None:
    assert problems("crypt-s3", attach=True, kept=False, passphrase="short") == {}
    assert set(problems("crypt-s3", kept=False)) == {"kept"}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@RELAXED
@given(st.sampled_from(list(Where)), st.data())
def test_whatever_is_sent_is_a_storage_or_an_error_at_fields(where: Where, data: st.DataObject) -> None:
    names = [field.name for field in FIELDS[where]] or ["driver"]
    sent = data.draw(st.dictionaries(st.sampled_from([*names, "options"]), anything | st.tuples(st.text())))
    try:
        driver_options(storage_form({"where": where.value, **sent}))
    except InvalidInputError as error:
        assert error.fields


@pytest.mark.parametrize(
    ("driver", "options"),
    [
        ("local", {"type": "tmpfs", "device": "tmpfs", "o": "size=10 bananas"}),
        ("local", {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,mode=999"}),
        ("local", {"type": "nfs", "o": "addr=nas,port=http", "device": ":/x"}),
        ("local", {"type": "nfs", "o": "addr=nas,nfsvers=9", "device": ":/x"}),
        ("local", {"type": "nfs", "o": "addr=n as,rw", "device": ":/x"}),
        ("local", {"type": "cifs", "o": "addr=nas,vers=7,password=hidden", "device": "//nas/x"}),
        ("local", {"type": "nfs\n", "o": "addr=nas", "device": ":/x"}),
        ("rclone", {"type": "s3", "path": "b", "s3-endpoint": "https://u:hidden@h"}),
        ("rclone", {"type": "s3", "path": "b", "s3-endpoint": "https://h\nx"}),
        ("rclone", {"type": "crypt", "crypt-remote": ":s3,endpoint='https://u:hidden@h':b"}),
    ],
)
def test_free_options_that_can_not_be_meant_are_refused(driver: str, options: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError) as raised:
        check_options(driver, options)
    assert set(raised.value.fields) == {"options"}
    assert "hidden" not in raised.value.message


@pytest.mark.parametrize(
    ("driver", "options"),
    [
        ("local", {}),
        ("local", {"type": "tmpfs", "device": "tmpfs", "o": "size=100m,uid=1000,noexec"}),
        ("local", {"type": "btrfs", "device": "/dev/sda2"}),
        ("local", {"type": "nfs4", "o": "addr=nas,rw", "device": ":/x"}),
        ("local", {"type": "nfs", "o": "addr=fd00::1,vers=4.0", "device": ":/x"}),
        ("local", {"type": "nfs", "device": "nas.example.com:/x"}),
        ("local", {"type": "cifs", "o": "username=ann,password=a,,b,vers=default", "device": "//nas/x"}),
        ("rclone", {"type": "s3", "path": "b", "s3-endpoint": "minio:9000"}),
        ("rclone", {"type": "sftp", "sftp-key-pem": "line\nline"}),
        ("vieux/sshfs", {"sshcmd": "a@b:/c", "password": "x\ny"}),
    ],
)
def test_free_options_that_may_be_meant_pass(driver: str, options: dict[str, str]) -> None:
    check_options(driver, options)
