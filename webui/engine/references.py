"""The names of images: `[registry[:port]/]path[:tag][@digest]`. Pure.

The grammar is https://pkg.go.dev/github.com/distribution/reference, what an omitted part means is
https://docs.docker.com/reference/cli/docker/image/tag/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from webui.errors import InvalidInputError

DOCKER_HUB = "docker.io"
_HOST_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = re.compile(rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_PATH_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name in its parts; `tag` and `digest` are empty where they are not given."""

    name: str
    tag: str = ""
    digest: str = ""

    @property
    def version(self) -> str:
        """What to ask a registry for: the digest, else the tag, else `latest`."""
        return self.digest or self.tag or "latest"

    @property
    def registry(self) -> str:
        """Where the image is pulled from, as a person would name it."""
        return _split_host(self.name)[0] or DOCKER_HUB

    def __str__(self) -> str:
        """The full name, the tag always spelled out."""
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.version}"


def parse_reference(text: str) -> Reference:
    """The parts of an image's name. Raises InvalidInputError for the field `image`."""
    problem = reference_problem(text)
    if problem:
        raise InvalidInputError({"image": problem})
    return _split(text)


def reference_problem(text: str) -> str:
    """Why this is not the name of an image, in a sentence to show beside the field; empty when it is one."""
    if not text:
        return "Name an image, for example debian:stable-slim."
    if any(character.isspace() for character in text):
        return "An image's name has no spaces or line breaks."
    reference = _split(text)
    return _name_problem(reference.name) or _version_problem(text, reference)


def _split(text: str) -> Reference:
    rest, _, digest = text.partition("@")
    folder, slash, last = rest.rpartition("/")
    base, _, tag = last.partition(":")
    return Reference(f"{folder}{slash}{base}", tag, digest)


def _split_host(name: str) -> tuple[str, str]:
    """The registry and the path; the first part is a registry if it looks like a host, as `docker pull` has it."""
    first, slash, path = name.partition("/")
    if slash and (first == "localhost" or any(mark in first for mark in ".:[")):
        return first, path
    return "", name


def _name_problem(name: str) -> str:
    host, path = _split_host(name)
    if host and not _HOST.fullmatch(host):
        return f"“{host}” is not a registry’s address, which is a host name and a port if needed."
    if len(name) > _LONGEST_NAME:
        return f"The name has {len(name)} characters; {_LONGEST_NAME} is the most."
    if path != path.lower():
        return f"An image's name is in lower case; did you mean {path.lower()}?"
    if not all(_PATH_PART.fullmatch(part) for part in path.split("/")):
        return (
            "An image's name is made of a-z and 0-9, with single dots, underscores or dashes between them, "
            "and slashes between its parts."
        )
    if _IMAGE_ID.fullmatch(name):
        return "This is the id of an image, not a name a registry knows."
    return ""


def _version_problem(text: str, reference: Reference) -> str:
    if "@" in text and not _DIGEST.fullmatch(reference.digest):
        return "After the @ stands a digest, like sha256: and 64 hexadecimal digits."
    if text.partition("@")[0] != reference.name and not _TAG.fullmatch(reference.tag):
        return (
            "After the last colon stands a tag: at most 128 letters, digits, dots, underscores and dashes, "
            "not beginning with a dot or a dash."
        )
    return ""
