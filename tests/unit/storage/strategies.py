"""What a person may enter about storage, for the properties."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

RELAXED = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
"""The first use of ciphers loads them, and a shell takes its time."""

words = st.from_regex(r"[a-z][a-z0-9-]{1,12}[a-z0-9]", fullmatch=True)
secrets = st.text(st.characters(exclude_categories=("C",)), min_size=12, max_size=30).map("¤{}".format)
"""Each begins with a sign that nothing else has, so that none is found in other words by chance."""
ids = st.integers(0, 2**32 - 2).map(str)
ports = st.integers(1, 65535).map(str)
servers = words | st.sampled_from(["192.168.1.20", "fd00::1", "nas.example.com"])
paths = st.lists(words, min_size=1, max_size=3).map("/".join)
yes_or_no = st.sampled_from(["yes", "no"])

bucket = {
    "provider": st.sampled_from(["AWS", "Cloudflare", "Minio", "Wasabi", "Other", "Ceph"]),
    "endpoint": st.sampled_from(["https://s3.example.com", "http://127.0.0.1:9000", "http://[::1]:9000/base"]),
    "region": words,
    "bucket": words,
    "access_key_id": st.from_regex(r"AK[A-Z0-9]{8,20}", fullmatch=True),
    "secret_access_key": secrets.filter(lambda text: " " not in text),
}
mounting = {"write_at_once": yes_or_no, "read_only": yes_or_no, "uid": ids, "gid": ids}
crypt = {"passphrase": secrets, "salt": secrets, "names": yes_or_no, "kept": st.just("yes")}

entered: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "bind": st.fixed_dictionaries({"folder": paths.map("/srv/{}".format)}),
    "tmpfs": st.fixed_dictionaries(
        {},
        optional={
            "size": st.sampled_from(["64m", "50%", "1g", "512k"]),
            "mode": st.sampled_from(["1777", "0750"]),
            "uid": ids,
            "gid": ids,
        },
    ),
    "nfs": st.fixed_dictionaries(
        {"server": servers, "export": paths.map("/{}".format), "version": st.sampled_from(["4.2", "4.1", "4", "3"])},
        optional={
            "port": ports,
            "read_only": yes_or_no,
            "give_up": yes_or_no,
            "extra": st.sampled_from(["noatime", "rsize=1024,nolock"]),
        },
    ),
    "smb": st.fixed_dictionaries(
        {"server": servers, "share": paths, "username": words, "password": secrets},
        optional={
            "domain": words,
            "port": ports,
            "uid": ids,
            "gid": ids,
            "file_mode": st.just("0644"),
            "read_only": yes_or_no,
        },
    ),
    "s3": st.fixed_dictionaries(bucket, optional={"prefix": paths, "empty_folders": yes_or_no, **mounting}),
    "crypt-s3": st.fixed_dictionaries(bucket | crypt, optional={"prefix": paths, **mounting}),
    "crypt-local": st.fixed_dictionaries(crypt | {"folder": paths.map("/srv/{}".format)}, optional=mounting),
}

described = st.one_of(
    *(each.map(lambda sent, where=where: {"where": where, **sent}) for where, each in entered.items())
)
"""The fields of a form, all of them right."""
