"""Secrets never leave in clear, wherever Docker's options hide them; what is none stays readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.engine.secrets import MASK, masked_inspection, masked_options, masked_text, masked_value, masked_volume

SECRET = "hunter2hunter2"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("o", f"addr=10.0.0.1,username=ann,password={SECRET},vers=3.0"),
        ("o", f"user=ann,pass={SECRET}"),
        ("o", f"username=ann,PASSWORD={SECRET}"),
        ("o", f"password2={SECRET},rw"),
        ("crypt-remote", f":s3,provider=Minio,access_key_id=AKIA,secret_access_key={SECRET}:bucket/x"),
        ("crypt-remote", f':s3,secret_access_key="{SECRET},:=",provider=Minio:bucket'),
        ("crypt-remote", f":s3,secret_access_key='{SECRET}:,',provider=Minio:bucket"),
        ("remote", f":webdav,pass={SECRET},user=ann:folder"),
        ("s3-secret-access-key", SECRET),
        ("s3-access-key-id", SECRET),
        ("crypt-password", SECRET),
        ("crypt-password2", SECRET),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("API_KEY", SECRET),
        ("apikey", SECRET),
        ("GITHUB_TOKEN", SECRET),
        ("passphrase", SECRET),
        ("credentials", SECRET),
        ("device", f"https://ann:{SECRET}@example.org/dav"),
        ("device", f"//ann:{SECRET}@server/share"),
        ("DATABASE_URL", f"postgres://ann:{SECRET}@db:5432/shop?sslmode=require"),
        ("REDIS_URL", f"redis://:{SECRET}@cache/0"),
        ("o", f"username=ann,password=a:b;c {SECRET},vers=3.0"),
        ("o", f"user=ann%{SECRET},vers=3.0"),
        ("REMOTE", f"https://{SECRET * 2}@example.org/x"),
        ("DSN", f"Server=db;Pwd={SECRET};Database=shop"),
        ("command", f"redis-server --requirepass {SECRET} --port 6379"),
        *(
            (name, SECRET)
            for name in ("MYSQL_PWD", "JWT", "SIGNING_KEY", "AUTH", "b2-key", "azureblob-sas-url", "sftp-key-pem")
        ),
    ],
)
def test_a_secret_is_masked(name: str, value: str) -> None:
    masked = masked_value(name, value)
    assert SECRET not in masked
    assert MASK in masked


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("o", f"addr=10.0.0.1,username=ann,password={SECRET},vers=3.0", ("addr=10.0.0.1", "username=ann", "vers=3.0")),
        (
            "crypt-remote",
            f":s3,provider=Minio,secret_access_key={SECRET}:bucket/x",
            (":s3,provider=Minio", ":bucket/x"),
        ),
        ("URL", f"postgres://ann:{SECRET}@db:5432/shop", ("postgres://ann:", "@db:5432/shop")),
    ],
)
def test_what_stands_around_a_secret_stays(name: str, value: str, kept: tuple[str, ...]) -> None:
    masked = masked_value(name, value)
    assert all(part in masked for part in kept), masked


@pytest.mark.parametrize(
    "options",
    [
        {"type": "nfs", "o": "addr=10.0.0.1,rw,nfsvers=4", "device": ":/share"},
        {"type": "tmpfs", "o": "size=100m,uid=1000", "device": "tmpfs"},
        {"type": "none", "o": "bind", "device": "/srv/data"},
        {"path": "bucket/folder", "s3-provider": "Minio", "s3-endpoint": "http://127.0.0.1:9000"},
    ],
)
def test_options_without_secrets_stay_as_they_are(options: dict[str, str]) -> None:
    assert masked_options(options) == options


def test_an_empty_secret_is_seen_to_be_empty() -> None:
    assert masked_options({"password": ""}) == {"password": ""}


@given(st.text())
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = masked_text(text)
    assert masked_text(once) == once


@given(st.text(st.characters(categories=("Lu", "Ll", "Nd")), min_size=8))
def test_no_password_survives_among_mount_options(secret: str) -> None:
    assert f"={secret}," not in masked_text(f"username=ann,password={secret},rw")


def test_an_inspected_volume_is_masked_and_else_the_same() -> None:
    raw = {"Name": "share", "Options": {"o": f"password={SECRET}"}, "Labels": None}
    assert masked_volume(raw) == {"Name": "share", "Options": {"o": f"password={MASK}"}, "Labels": None}
    assert masked_volume({"Name": "plain", "Options": None}) == {"Name": "plain", "Options": None}


def test_an_inspected_container_is_masked_throughout() -> None:
    driver = {"Name": "local", "Options": {"o": f"password={SECRET}"}}
    raw = {
        "Id": "1",
        "Config": {"Env": ["PATH=/bin", f"DB_PASSWORD={SECRET}", f"URL=http://a:{SECRET}@b/", "EMPTY"]},
        "HostConfig": {"Mounts": [{"Type": "volume", "VolumeOptions": {"DriverConfig": driver}}, {"Type": "tmpfs"}]},
    }
    masked = masked_inspection(raw)
    assert SECRET not in str(masked)
    assert masked["Config"]["Env"][0] == "PATH=/bin"
    assert masked["Config"]["Env"][3] == "EMPTY"
    assert masked["HostConfig"]["Mounts"][1] == {"Type": "tmpfs"}
    assert SECRET in str(raw)


@pytest.mark.parametrize("text", ["the password is wrong", "PWD is not one", "author=ann", "keyring=off", "path=/pass"])
def test_prose_about_secrets_stays(text: str) -> None:
    assert masked_text(text) == text


def test_a_secret_that_is_a_word_of_its_own_is_masked_in_the_raw_inspection() -> None:
    masked = masked_inspection({"Args": ["--requirepass", SECRET, "--port", "6379"], "Labels": {"token": "kept"}})
    assert masked == {"Args": ["--requirepass", MASK, "--port", "6379"], "Labels": {"token": "kept"}}


@pytest.mark.parametrize(
    "text", ["0123456789abcdef" * 4000, "secret" * 10000, "a=" * 30000, "//a:" * 15000, "user=" * 12000]
)
def test_masking_takes_no_longer_than_the_text_is_long(text: str) -> None:
    """Megabytes of one value would otherwise hold up every page; a quadratic expression does not come to its end here."""
    assert masked_text(text)
