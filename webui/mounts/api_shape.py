"""A mount as the Engine API spells it."""

from __future__ import annotations

from typing import Any

from webui.mounts.model import Mount

_RECURSION_FIELDS = {
    "disabled": "NonRecursive",
    "writable": "ReadOnlyNonRecursive",
    "readonly": "ReadOnlyForceRecursive",
}


def api_object(mount: Mount) -> dict[str, Any]:
    """The mount as the Engine API's `Mount` object, all but the SELinux label, for which it has no field.

    Follows https://docs.docker.com/reference/api/engine/ (`HostConfig.Mounts`).
    """
    found: dict[str, Any] = {"Type": mount.type.value, "Target": mount.target, "ReadOnly": mount.read_only}
    if mount.source:
        found["Source"] = mount.source
    if mount.consistency:
        found["Consistency"] = mount.consistency
    kinds = {
        "BindOptions": _api_bind(mount),
        "VolumeOptions": _api_volume(mount),
        "TmpfsOptions": _api_tmpfs(mount),
    }
    return found | {name: options for name, options in kinds.items() if options}


def _api_bind(mount: Mount) -> dict[str, Any]:
    found: dict[str, Any] = {"Propagation": mount.propagation} if mount.propagation else {}
    if mount.recursive in _RECURSION_FIELDS:
        found[_RECURSION_FIELDS[mount.recursive]] = True
    return found | ({"CreateMountpoint": True} if mount.create_missing else {})


def _api_volume(mount: Mount) -> dict[str, Any]:
    found: dict[str, Any] = {"NoCopy": True} if mount.no_copy else {}
    found |= {"Subpath": mount.subpath} if mount.subpath else {}
    found |= {"Labels": dict(mount.labels)} if mount.labels else {}
    if mount.driver or mount.driver_options:
        found["DriverConfig"] = {"Name": mount.driver, "Options": dict(mount.driver_options)}
    return found


def _api_tmpfs(mount: Mount) -> dict[str, Any]:
    found = {} if mount.tmpfs_size is None else {"SizeBytes": mount.tmpfs_size}
    return found | ({} if mount.tmpfs_mode is None else {"Mode": mount.tmpfs_mode})
