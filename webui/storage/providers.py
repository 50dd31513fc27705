"""Who keeps S3-compatible buckets: the names rclone has for them, and what the best known need. Pure.

See https://rclone.org/s3/.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """One of them. `endpoint` is what its address looks like; a region is asked for only where it says so."""

    name: str
    label: str
    endpoint: str = "https://s3.example.com"
    needs_endpoint: bool = True
    needs_region: bool = False
    hint: str = ""


PRESETS = (
    Provider(
        "AWS",
        "Amazon S3",
        needs_endpoint=False,
        needs_region=True,
        hint="Leave the address empty; give the region of the bucket, such as eu-central-1.",
    ),
    Provider(
        "Cloudflare",
        "Cloudflare R2",
        "https://ACCOUNT.r2.cloudflarestorage.com",
        hint="ACCOUNT is the account’s id, as the dashboard of R2 shows it. The region stays empty.",
    ),
    Provider(
        "BackblazeB2",
        "Backblaze B2",
        "https://s3.us-west-004.backblazeb2.com",
        hint="The address stands on the bucket’s page, under Endpoint. The key is an application key.",
    ),
    Provider("Minio", "MinIO", "http://minio.example.com:9000", hint="The address of its API, not of its console."),
    Provider(
        "Wasabi",
        "Wasabi",
        "https://s3.eu-central-1.wasabisys.com",
        hint="The address of the bucket’s region.",
    ),
    Provider("Other", "Any other", hint="Whatever speaks S3."),
)

_RCLONE_NAMES = {"BackblazeB2": "Other"}
"""Presets for which rclone has no name of its own."""

FURTHER = (
    *("Alibaba", "ArvanCloud", "BizflyCloud", "Ceph", "ChinaMobile", "Cubbit", "DigitalOcean", "Dreamhost", "Exaba"),
    *("Fastly", "FileLu", "FlashBlade", "GCS", "HCP", "Hetzner", "HuaweiOBS", "IBMCOS", "IDrive", "ImpossibleCloud"),
    *("Intercolo", "IONOS", "Leviia", "Liara", "Linode", "LyveCloud", "Magalu", "Mega", "Netease", "Outscale"),
    *("OVHcloud", "Petabox", "Qiniu", "Rabata", "RackCorp", "Rclone", "Scaleway", "Scality", "SeaweedFS", "Selectel"),
    *("Servercore", "SpectraLogic", "Storj", "Synology", "TencentCOS", "US3", "Zadara", "Zata", "ZeroServices"),
)
"""The others that rclone has a name for."""

_BY_NAME = {each.name: each for each in PRESETS} | {name: Provider(name, name) for name in FURTHER}


def provider(name: str) -> Provider | None:
    """The provider of that name, or None."""
    return _BY_NAME.get(name)


def rclone_name(name: str) -> str:
    """What rclone calls it."""
    return _RCLONE_NAMES.get(name, name)


def preset_of(rclone_provider: str, endpoint: str) -> str:
    """The name of the provider that rclone's name and the endpoint mean."""
    if rclone_provider == "Other" and ".backblazeb2.com" in endpoint:
        return "BackblazeB2"
    return rclone_provider or "Other"
