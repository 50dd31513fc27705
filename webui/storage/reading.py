"""A volume's options read back: where its data lives, as the fields of the form have it. Pure.

What is not understood is left over, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from webui.mounts.words import parse_boolean
from webui.storage.model import Bucket, Where
from webui.storage.options import GIVING_UP
from webui.storage.providers import preset_of


@dataclass(frozen=True, slots=True)
class Reading:
    """Where the data lives, the fields' values in clear, the fields that hold a secret, and what found no field."""

    where: Where
    values: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    left_over: Mapping[str, str] = field(default_factory=dict)


def read_options(driver: str, options: Mapping[str, str]) -> Reading:
    """Where a volume with these options keeps its data. `other` where it is none of those with a form."""
    left = {key: value for key, value in options.items() if value}
    reader = _reader(driver, left)
    if reader is None:
        where = Where.LOCAL if driver in {"", "local"} and not left else Where.OTHER
        return Reading(where, {"driver": driver or "local"}, left_over=left)
    return reader(driver, left)


def read_bucket(driver: str, options: Mapping[str, str]) -> Bucket | None:
    """The bucket in which a volume with these options is kept, its keys included, or None where it is in none."""
    where = read_options(driver, options).where
    if where is Where.S3:
        path = options.get("path", "")
        settings = {key.removeprefix("s3-").replace("-", "_"): value for key, value in options.items()}
    elif where is Where.CRYPT_S3 and (found := read_remote(options["crypt-remote"])):
        _, settings, path = found
    else:
        return None
    bucket, _, prefix = path.partition("/")
    return Bucket(
        settings.get("provider", ""),
        bucket,
        settings.get("access_key_id", ""),
        settings.get("secret_access_key", ""),
        settings.get("endpoint", ""),
        settings.get("region", ""),
        prefix.rstrip("/"),
    )


def split_mount_options(text: str) -> list[str]:
    """Mount options apart; a comma that is written twice, as in passwords of SMB, parts nothing."""
    return [each.replace("\0", ",,") for each in text.replace(",,", "\0").split(",") if each]


def read_remote(remote: str) -> tuple[str, dict[str, str], str] | None:
    """Backend, settings and path of one of rclone's connection strings, such as `:s3,provider='AWS':bucket`."""
    if not remote.startswith(":"):
        return None
    head, settings, rest = remote[1:], {}, ""
    end = next((place for place, letter in enumerate(head) if letter in ",:"), None)
    if end is None:
        return None
    backend, rest = head[:end], head[end:]
    while rest.startswith(","):
        key, value, rest = _setting(rest[1:])
        settings[key] = value
    return (backend, settings, rest[1:]) if rest.startswith(":") else None


def _setting(text: str) -> tuple[str, str, str]:
    """The next `key=value`, the value perhaps in quotes that are doubled inside it, and what follows."""
    end = next((place for place, letter in enumerate(text) if letter in "=,:"), len(text))
    key, rest = text[:end], text[end:]
    if not rest.startswith("="):
        return key, "true", rest
    rest = rest[1:]
    quote = rest[:1] if rest[:1] in {"'", '"'} else ""
    if not quote:
        end = next((place for place, letter in enumerate(rest) if letter in ",:"), len(rest))
        return key, rest[:end], rest[end:]
    letters, place = [], 1
    while place < len(rest):
        if rest.startswith(quote * 2, place):
            letters.append(quote)
            place += 2
        elif rest[place] == quote:
            break
        else:
            letters.append(rest[place])
            place += 1
    return key, "".join(letters), rest[place + 1 :]


def _reader(driver: str, options: Mapping[str, str]) -> Callable[[str, dict[str, str]], Reading] | None:
    kind = options.get("type", "").lower()
    if driver in {"", "local"}:
        flags = split_mount_options(options.get("o", ""))
        if {"bind", "rbind"} & set(flags):
            return _read_bind
        return {"tmpfs": _read_tmpfs, "nfs": _read_nfs, "nfs4": _read_nfs, "cifs": _read_smb, "smb3": _read_smb}.get(
            kind
        )
    if kind == "crypt" and options.get("crypt-remote", "").startswith(":local:"):
        return _read_crypt_local
    if kind == "crypt" and options.get("crypt-remote", "").startswith(":s3"):
        return _read_crypt_s3
    return _read_s3 if kind == "s3" else None


def _read_bind(_driver: str, left: dict[str, str]) -> Reading:
    flags = [each for each in split_mount_options(left.pop("o", "")) if each not in {"bind", "rbind"}]
    if left.get("type") in {"none", "bind"}:
        left.pop("type")
    return _reading(Where.BIND, {"folder": left.pop("device", "")}, left, flags)


def _read_tmpfs(_driver: str, left: dict[str, str]) -> Reading:
    flags = _Flags(left.pop("o", ""))
    left.pop("type")
    if left.get("device") in {"tmpfs", "none"}:
        left.pop("device")
    values = {
        "size": flags.take("size"),
        "mode": flags.take("mode"),
        "uid": flags.take("uid"),
        "gid": flags.take("gid"),
    }
    return _reading(Where.TMPFS, values, left, flags.rest)


def _read_nfs(_driver: str, left: dict[str, str]) -> Reading:
    flags = _Flags(left.pop("o", ""))
    server, _, export = left.pop("device", "").rpartition(":/")
    version = flags.take("nfsvers") or flags.take("vers")
    if left.pop("type") == "nfs4":
        version = version or "4"
    values = {
        "server": flags.take("addr") or server.strip("[]"),
        "export": f"/{export}",
        "version": version,
        "port": flags.take("port"),
        "read_only": _yes(flags.has("ro")),
        "give_up": _yes(flags.take_all(GIVING_UP)),
    }
    flags.has("rw")
    return _reading(Where.NFS, values | {"extra": ",".join(flags.rest)}, left, [])


def _read_smb(_driver: str, left: dict[str, str]) -> Reading:
    flags = _Flags(left.pop("o", ""))
    left.pop("type")
    server, _, share = left.pop("device", "").replace("\\", "/").lstrip("/").partition("/")
    password = flags.take("password") or flags.take("pass")
    values = {
        "server": flags.take("addr") or flags.take("ip") or server,
        "share": share,
        "username": flags.take("username") or flags.take("user"),
        "domain": flags.take("domain") or flags.take("dom"),
        "version": flags.take("vers"),
        "port": flags.take("port"),
        "uid": flags.take("uid"),
        "gid": flags.take("gid"),
        "file_mode": flags.take("file_mode"),
        "dir_mode": flags.take("dir_mode"),
        "read_only": _yes(flags.has("ro")),
    }
    flags.has("rw"), flags.has("guest")
    values["extra"] = ",".join(flags.rest)
    return _reading(Where.SMB, values, left, [], frozenset({"password"} if password else ()))


def _read_s3(driver: str, left: dict[str, str]) -> Reading:
    left.pop("type")
    settings = {key.removeprefix("s3-").replace("-", "_"): left.pop(key) for key in list(left) if key.startswith("s3-")}
    values, secrets = _bucket(settings, left.pop("path", ""))
    left |= {f"s3-{key.replace('_', '-')}": value for key, value in settings.items()}
    return _reading(Where.S3, {"driver": driver} | values | _mounting(left), left, [], secrets)


def _read_crypt_s3(driver: str, left: dict[str, str]) -> Reading:
    found = read_remote(left["crypt-remote"])
    if found is None or found[0] != "s3":
        return Reading(Where.OTHER, {"driver": driver}, left_over=left)
    _, settings, path = found
    values, secrets = _bucket(settings, path)
    if not settings:
        left.pop("crypt-remote")
    more, more_secrets = _crypt(left)
    return _reading(Where.CRYPT_S3, {"driver": driver} | values | more, left, [], secrets | more_secrets)


def _read_crypt_local(driver: str, left: dict[str, str]) -> Reading:
    folder = left.pop("crypt-remote").removeprefix(":local:")
    values, secrets = _crypt(left)
    return _reading(Where.CRYPT_LOCAL, {"driver": driver, "folder": folder} | values, left, [], secrets)


def _crypt(left: dict[str, str]) -> tuple[dict[str, str], frozenset[str]]:
    left.pop("type")
    secrets = {"passphrase": left.pop("crypt-password", ""), "salt": left.pop("crypt-password2", "")}
    off = left.get("crypt-filename-encryption") == "off" and left.get("crypt-directory-name-encryption") == "false"
    if off:
        left.pop("crypt-filename-encryption"), left.pop("crypt-directory-name-encryption")
    return {"names": _yes(not off)} | _mounting(left), frozenset(name for name, value in secrets.items() if value)


def _bucket(settings: dict[str, str], path: str) -> tuple[dict[str, str], frozenset[str]]:
    """The fields about a bucket; what they come from is taken out of `settings`."""
    bucket, _, prefix = path.partition("/")
    endpoint = settings.pop("endpoint", "")
    values = {
        "provider": preset_of(settings.pop("provider", ""), endpoint),
        "endpoint": endpoint,
        "region": settings.pop("region", ""),
        "bucket": bucket,
        "prefix": prefix.rstrip("/"),
        "empty_folders": _yes(parse_boolean(settings.pop("directory_markers", "")) is True),
    }
    keys = ("access_key_id", "secret_access_key")
    secrets = frozenset([name for name in keys if settings.pop(name, "")])
    if parse_boolean(settings.get("no_check_bucket", "")) is True:
        settings.pop("no_check_bucket")
    return values, secrets


def _mounting(left: dict[str, str]) -> dict[str, str]:
    """The fields about rclone's mount. A cache that is not the usual one stays left over."""
    write_back = left.get("vfs-write-back", "5s")
    if write_back in {"0s", "0", "5s"}:
        left.pop("vfs-write-back", None)
    if left.get("vfs-cache-mode") == "writes":
        left.pop("vfs-cache-mode")
    if parse_boolean(left.get("allow-other", "")) is True:
        left.pop("allow-other")
    return {
        "write_at_once": _yes(write_back in {"0s", "0"}),
        "read_only": _yes(parse_boolean(left.pop("read-only", "")) is True),
        "uid": left.pop("uid", ""),
        "gid": left.pop("gid", ""),
    }


class _Flags:
    """Mount options, from which the known ones are taken one by one."""

    def __init__(self, text: str) -> None:
        self.rest = split_mount_options(text)

    def take(self, name: str) -> str:
        """The value of the last one of that name, or an empty string."""
        found = [each for each in self.rest if each.startswith(f"{name}=")]
        self.rest = [each for each in self.rest if each not in found]
        return found[-1].partition("=")[2] if found else ""

    def has(self, name: str) -> bool:
        """Whether it is among them, as a word alone."""
        found = name in self.rest
        self.rest = [each for each in self.rest if each != name]
        return found

    def take_all(self, names: tuple[str, ...]) -> bool:
        """Whether all of them are there; some of them alone stay."""
        found = set(names) <= set(self.rest)
        if found:
            self.rest = [each for each in self.rest if each not in names]
        return found


def _reading(
    where: Where,
    values: Mapping[str, str],
    left: Mapping[str, str],
    flags: list[str],
    secrets: frozenset[str] = frozenset(),
) -> Reading:
    kept = {key: value for key, value in values.items() if value}
    over = dict(left) | ({"o": ",".join(flags)} if flags else {})
    return Reading(where, kept, secrets, over)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
