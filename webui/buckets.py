"""Looks into a bucket by S3's own protocol, from this machine: a volume's driver can't say what a server answered it.

See https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html and ErrorResponses.html beside it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from webui.storage import Bucket, Trouble

CONNECT_SECONDS = 8
ANSWER_SECONDS = 15
_REGION_CODES = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "InvalidRegion", "301"}
)


class OutOfReachError(Exception):
    """The server could not be asked from here, which says nothing of the engine's machine; `trouble` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.sentence)
        self.trouble = trouble


def bucket_trouble(bucket: Bucket) -> Trouble | None:
    """What is wrong with address, region, keys or name of a bucket, or None: it answered with what is in it.

    Raises OutOfReachError where nobody could be asked.
    """
    import botocore.exceptions as wrong  # noqa: PLC0415 - heavy, and most of what the app does needs none of it

    address = f"https://{bucket.endpoint}" if bucket.endpoint and "://" not in bucket.endpoint else bucket.endpoint
    try:
        _client(replace(bucket, endpoint=address)).list_objects_v2(
            Bucket=bucket.bucket, Prefix=bucket.prefix, MaxKeys=1
        )
    except wrong.ClientError as error:
        return _refused(bucket, error.response)
    except wrong.SSLError as error:
        raise OutOfReachError(
            Trouble(
                "The server’s certificate is not one to trust, or it speaks no HTTPS.",
                "Give the server a certificate that is trusted, or begin the address with http:// where it has none.",
                "endpoint",
            )
        ) from error
    except (wrong.ConnectTimeoutError, wrong.ReadTimeoutError) as error:
        raise OutOfReachError(
            Trouble(
                "The server does not answer.", "Check the address and its port, and what may be between.", "endpoint"
            )
        ) from error
    except wrong.EndpointConnectionError as error:
        raise OutOfReachError(_unconnected(str(error.kwargs.get("error", "")))) from error
    except (wrong.BotoCoreError, ValueError) as error:
        raise OutOfReachError(
            Trouble("What answers at this address does not speak S3.", "Check the address and its port.", "endpoint")
        ) from error
    return None


def _client(bucket: Bucket) -> Any:
    import botocore.config  # noqa: PLC0415 - as above
    import botocore.session  # noqa: PLC0415

    return botocore.session.get_session().create_client(
        "s3",
        endpoint_url=bucket.endpoint or None,
        region_name=bucket.region or ("auto" if bucket.provider == "Cloudflare" else "us-east-1"),
        aws_access_key_id=bucket.access_key_id,
        aws_secret_access_key=bucket.secret_access_key,
        config=botocore.config.Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"} if bucket.endpoint else {},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            retries={"total_max_attempts": 1},
        ),
    )


def _refused(bucket: Bucket, response: dict[str, Any]) -> Trouble:
    """What the server's refusal means. Its own words are not repeated: keys may stand in them."""
    told = response.get("Error", {})
    code = str(told.get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "NoSuchBucket":
        return Trouble(
            f"There is no bucket {bucket.bucket}.", "Check its name, or make it at the provider first.", "bucket"
        )
    if code == "InvalidAccessKeyId":
        return Trouble(
            "The server does not know this access key.",
            "Check it, and that it is one for this provider.",
            "access_key_id",
        )
    if code in {"SignatureDoesNotMatch", "InvalidSignature"}:
        return Trouble("The secret key does not belong to the access key.", "Copy it again.", "secret_access_key")
    if code in _REGION_CODES:
        region = told.get("Region") or response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(
            "x-amz-bucket-region"
        )
        return Trouble(
            f"The bucket is in another region{f': {region}' if region else ''}.",
            "Give the bucket’s own region.",
            "region",
        )
    if code == "RequestTimeTooSkewed":
        return Trouble("The server’s clock and this machine’s differ too much.", "Set this machine’s clock.")
    if code in {"AccessDenied", "AllAccessDisabled", "Forbidden"} or status == 403:
        return Trouble(
            "The key may not list this bucket, or the bucket is another’s.",
            "Give the key the rights to list, read, write and delete in it.",
            "access_key_id",
        )
    if status == 404:
        return Trouble("There is no such bucket at this address.", "Check bucket and address.", "bucket")
    return Trouble(f"The server refuses with “{code or status}”.", "Check address, bucket and keys.", "endpoint")


def _unconnected(said: str) -> Trouble:
    if "NameResolution" in said or "getaddrinfo" in said or "Name or service" in said or "resolve" in said:
        return Trouble("Nobody knows a server of this name.", "Check the address.", "endpoint")
    if "refused" in said:
        return Trouble(
            "The server refuses the connection: nobody listens at this port.", "Check address and port.", "endpoint"
        )
    return Trouble("The server can’t be reached.", "Check the address and the network.", "endpoint")
