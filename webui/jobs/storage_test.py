"""Trying where a volume's data is to live, before it is made or when somebody asks, as a job.

What is made for it is removed again; its undo step is written down before. No secret comes into a job's records.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from webui.buckets import OutOfReachError, bucket_trouble
from webui.engine.connection import Engine
from webui.engine.file_model import Place
from webui.engine.helper import MountError
from webui.engine.model import Volume
from webui.engine.secrets import masked_text
from webui.engine.trial import Look, StorageSilentError, Trials
from webui.engine.volumes import create_volume
from webui.errors import ConflictError, DemijohnError, InvalidInputError
from webui.jobs.context import JobContext
from webui.jobs.helper_image import ready_helper_image
from webui.jobs.model import Job, JobState
from webui.jobs.runner import Runner
from webui.storage import (
    LABELS,
    S3,
    Bucket,
    Crypt,
    Mounting,
    Other,
    Storage,
    Trouble,
    Where,
    driver_of,
    driver_options,
    explain,
    read_bucket,
    read_options,
    silence,
)

TEST = "test"
CREATE = "create"
CHECK = "check"
_MARK_KEY = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A storage to try. `attach` is whether encrypted data is expected to be there already."""

    where: Where
    storage: Storage
    podman: bool = False
    attach: bool = False

    @property
    def mark(self) -> str:
        """What tells it from every other one without telling anything about it; another one after each start."""
        told = [self.where, driver_of(self.storage), repr(self.attach), *_in_clear(self)]
        return hmac.new(_MARK_KEY, json.dumps(told).encode(), hashlib.sha256).hexdigest()

    @property
    def options(self) -> dict[str, str]:
        """The options for its driver, secrets included."""
        return driver_options(self.storage, podman=self.podman)

    @property
    def proof(self) -> dict[str, str] | None:
        """Options with which rclone shows what its storage has, and not what its cache on the engine's machine has; None
        where there is no such cache."""
        if not self.where.by_rclone:
            return None
        return self.options | {"vfs-cache-mode": "off", "read-only": "true"}


@dataclass(frozen=True, slots=True)
class NewVolume:
    """The volume that is to be made once its storage answered."""

    name: str
    labels: Mapping[str, str]


def start_storage_test(runner: Runner, engine: Engine, image: str, wanted: Wanted) -> Job:
    """Mount a storage in the background and remove the mount again; `image` is the helper image's name.

    The result is `{"mark", "found", "writable", "note"}`: `found` names at the top, and whether a small file could be
    written there (None: not tried). One that failed has `{"mark", "field", "hint"}`: the field that is to be changed.
    """
    return runner.submit(
        TEST,
        LABELS[wanted.where],
        engine.name,
        wanted.mark,
        lambda context: try_storage(context, engine, image, wanted),
    )


def start_tested_volume(runner: Runner, engine: Engine, image: str, wanted: Wanted, new: NewVolume) -> Job:
    """The same, and make the volume if the storage answered; the result has `volume` then, its name.

    One that is made already, or that has another's name, fails before anything is tried: see `create_volume`.
    """

    def work(context: JobContext) -> dict[str, Any]:
        result = try_storage(context, engine, image, wanted)
        context.check()
        create_volume(engine, new.name, driver=driver_of(wanted.storage), options=wanted.options, labels=new.labels)
        return {**result, "volume": new.name}

    return runner.submit(CREATE, f"volume {new.name}", engine.name, f"{new.name} {wanted.mark}", work)


def start_storage_check(runner: Runner, engine: Engine, image: str, volume: Volume) -> Job:
    """Ask the storage of a volume whether it answers, by a mount of its own that only reads; the result as above."""
    return runner.submit(
        CHECK, volume.name, engine.name, volume.name, lambda context: _check(context, engine, image, volume)
    )


def try_storage(context: JobContext, engine: Engine, image: str, wanted: Wanted) -> dict[str, Any]:
    """Mount a storage and remove the mount again, as a part of a job; see `start_storage_test`.

    Raises ConflictError where it does not answer as it should.
    """
    context.progress(0, None, "", "Getting ready", details={"mark": wanted.mark})
    trials = Trials(engine, ready_helper_image(context, engine, image))
    bucket = _bucket_of(wanted.storage)
    try:
        if bucket:
            context.progress(0, None, "", "Asking the bucket")
            _ask_bucket(engine, bucket)
        context.progress(0, None, "", "Mounting it")
        look = _mounted(context, trials, wanted)
        if isinstance(wanted.storage, Crypt):
            context.progress(0, None, "", "Trying the passphrase")
            _try_passphrase(_mounted(context, trials, _below(wanted, wanted.storage)), look, attach=wanted.attach)
    except _TroubleError as error:
        trouble = error.trouble
        context.progress(0, None, "", "", details={"mark": wanted.mark, "field": trouble.field, "hint": trouble.hint})
        raise ConflictError(trouble.sentence, hint=trouble.hint) from error
    return {"mark": wanted.mark, "found": len(look.names), "writable": look.writable, "note": look.said}


def passed(job: Job | None, wanted: Wanted) -> bool:
    """Whether this very storage answered in that job."""
    return job is not None and job.state is JobState.DONE and (job.result or {}).get("mark") == wanted.mark


def ask_storage(context: JobContext, engine: Engine, image: str, volume: Volume) -> int:
    """Look into a volume with a mount of its own that only reads; how many names are at its top, 1,000 at most.

    `image` is the helper image's id. Raises ConflictError, in words, where its storage does not answer.
    """
    context.progress(0, None, "", "Asking the storage")
    stop = threading.Event()
    context.on_cancel(stop.set)
    try:
        bucket = read_bucket(volume.driver, volume.options)
        if bucket:
            _ask_bucket(engine, bucket)
        look = Trials(engine, image).look(Place.volume(volume.name), stop)
    except _TroubleError as error:
        raise ConflictError(error.trouble.sentence, hint=error.trouble.hint) from error
    except DemijohnError as error:
        context.check()
        trouble = _trouble(read_options(volume.driver, volume.options).where, error)
        raise ConflictError(trouble.sentence, hint=trouble.hint) from error
    if not look.readable:
        raise ConflictError(
            "It can be mounted, and its files can’t be read.",
            hint="The passphrase is another one, or the storage answers with errors.",
        )
    return len(look.names)


def _check(context: JobContext, engine: Engine, image: str, volume: Volume) -> dict[str, Any]:
    context.progress(0, None, "", "Getting ready")
    return {"found": ask_storage(context, engine, ready_helper_image(context, engine, image), volume)}


class _TroubleError(Exception):
    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.sentence)
        self.trouble = trouble


def _ask_bucket(engine: Engine, bucket: Bucket) -> None:
    """From this machine, which is the engine's or is not: then only what a server said itself counts."""
    try:
        trouble = bucket_trouble(bucket)
    except OutOfReachError as error:
        if engine.facts().local:
            raise _TroubleError(error.trouble) from error
        return
    if trouble:
        raise _TroubleError(trouble)


def _mounted(context: JobContext, trials: Trials, wanted: Wanted) -> Look:
    name = trials.new_name()
    step = context.undo("remove-trial", volume=name)
    stop = threading.Event()
    context.on_cancel(stop.set)
    try:
        look = trials.try_options(
            name,
            driver_of(wanted.storage),
            wanted.options,
            writing=not _reads_only(wanted),
            stop=stop,
            proof=wanted.proof,
        )
    except DemijohnError as error:
        context.check()
        if not isinstance(error, StorageSilentError):
            context.done_with(step)
        raise _TroubleError(_trouble(wanted.where, error)) from error
    context.done_with(step)
    return look


def _try_passphrase(below: Look, look: Look, *, attach: bool) -> None:
    """What lies there tells whether the passphrase is the one it was written under: names that it opens, or none."""
    if below.names and (not look.names or not look.readable):
        if attach:
            raise _TroubleError(
                Trouble(
                    "This passphrase does not fit the data that is there.",
                    "Check it, and the second one (salt), letter by letter; and whether names were encrypted.",
                    "passphrase",
                )
            )
        raise _TroubleError(
            Trouble(
                "Something is there already, and this passphrase does not open it.",
                "Choose an empty place. If it is encrypted data of yours, say “It exists already” and give its passphrase.",
                "attach",
            )
        )
    if attach and not below.names:
        raise _TroubleError(
            Trouble(
                "Nothing is there to attach.",
                "Check the place; for a new one, leave “It exists already” off.",
                "attach",
            )
        )


def _below(wanted: Wanted, storage: Crypt) -> Wanted:
    """What lies under the encryption, only to be read."""
    if isinstance(storage.inside, Bucket):
        return replace(wanted, where=Where.S3, storage=S3(storage.driver, storage.inside, Mounting(read_only=True)))
    options = {"type": "local", "path": storage.inside.path, "allow-other": "true", "read-only": "true"}
    return replace(wanted, where=Where.OTHER, storage=Other(storage.driver, options))


def _reads_only(wanted: Wanted) -> bool:
    options = wanted.options
    return options.get("read-only") == "true" or "ro" in options.get("o", "").split(",")


def _bucket_of(storage: Storage) -> Bucket | None:
    if isinstance(storage, S3):
        return storage.bucket
    return storage.inside if isinstance(storage, Crypt) and isinstance(storage.inside, Bucket) else None


def _trouble(where: Where, error: DemijohnError) -> Trouble:
    """What an error of the engine means for this storage; its own words where nothing is known of them."""
    if isinstance(error, StorageSilentError):
        return silence()
    field = next(iter(error.fields), "") if isinstance(error, InvalidInputError) else ""
    said = error.said if isinstance(error, MountError) else masked_text(error.message)
    return explain(where, said) or Trouble(said, error.hint, field)


def _in_clear(wanted: Wanted) -> list[str]:
    """Every part of it, secrets included, in the same order each time; obscured passphrases differ each time."""
    return [
        f"{key}={value}"
        for key, value in sorted(
            driver_options(wanted.storage, podman=wanted.podman, obscured=lambda text: text).items()
        )
    ]
