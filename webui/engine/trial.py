"""Mounting storage once to see whether it answers: in a helper container, removed again.

What is mounted is a volume of its own with the options in question, or one that exists.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from webui.engine import helper
from webui.engine.connection import Engine
from webui.engine.errors import translated
from webui.engine.file_model import Place
from webui.engine.model import ROLE_LABEL
from webui.engine.scripts import STAGING_PREFIX, into
from webui.engine.session import Session, command, quoted
from webui.errors import ConflictError, EngineSlowError, NotFoundError
from webui.paths import TOP

T = TypeVar("T")
PATIENCE_SECONDS = 60.0
"""How long a mount may take before its storage counts as silent; the kernel itself may wait for minutes."""
_LOOK_SECONDS = 30.0
_NAME_PREFIX = "demijohn-test-"
_PROOF = "-proof"
_UNREADABLE = 79


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a storage: the names at its top, whether it can be written, and what was said where not.

    `names` are at most 1,000; `writable` is None where that was not tried. `readable` is whether the first file that
    was found could be read.
    """

    names: tuple[bytes, ...]
    readable: bool = True
    writable: bool | None = None
    said: str = ""


class StorageSilentError(EngineSlowError):
    """The mount has not come back; it goes on in the background, and what was made for it is removed when it does."""


class Trials:
    """Tries storage on one engine. `image` is the helper image's id."""

    def __init__(self, engine: Engine, image: str) -> None:
        self._engine = engine
        self._image = image

    @staticmethod
    def new_name() -> str:
        """The name for a volume to try with."""
        return _NAME_PREFIX + secrets.token_hex(6)

    def make(self, name: str, driver: str, options: Mapping[str, str]) -> None:
        """Make the volume to try with. Raises InvalidInputError, and what the engine raises; see `remove_trial`."""
        with translated(f"driver {driver}"):
            self._engine.api.create_volume(
                name=name, driver=driver, driver_opts=dict(options), labels={ROLE_LABEL: "test"}
            )

    def try_options(
        self,
        name: str,
        driver: str,
        options: Mapping[str, str],
        *,
        writing: bool,
        stop: threading.Event,
        proof: Mapping[str, str] | None = None,
    ) -> Look:
        """Make a volume of that name, look into it and remove it, in at most PATIENCE_SECONDS or until `stop` is set.

        With `proof`, options that see past a driver's cache, what was written counts only if a second volume with them
        has it. Raises InvalidInputError at driver or options, ConflictError where it can't be mounted, in the engine's
        words, StorageSilentError, and what the engine raises.
        """
        return _patiently(lambda: self._try_new(name, driver, options, writing=writing, proof=proof), stop)

    def look(self, place: Place, stop: threading.Event) -> Look:
        """Look into a volume that is there, with a mount of its own. Raises as `try_options`, and NotFoundError."""
        return _patiently(lambda: self._look(place), stop)

    def _try_new(
        self, name: str, driver: str, options: Mapping[str, str], *, writing: bool, proof: Mapping[str, str] | None
    ) -> Look:
        try:
            self.make(name, driver, options)
            with self._mounted(Place.volume(name), writing=writing) as session:
                look = _seen(session, name)
                if not writing:
                    return look
                token = STAGING_PREFIX + secrets.token_hex(6).encode()
                try:
                    look = _written(session, token, look)
                    if proof and look.writable and not self._has_arrived(name + _PROOF, driver, proof, token):
                        look = replace(look, writable=False, said="it did not arrive at the storage")
                finally:
                    session.run(into(TOP) + command("rm", "-f", "--", b"./" + token), seconds=_LOOK_SECONDS)
                return look
        finally:
            remove_trial(self._engine, name)

    def _has_arrived(self, name: str, driver: str, options: Mapping[str, str], token: bytes) -> bool:
        self.make(name, driver, options)
        with self._mounted(Place.volume(name), writing=False) as session:
            script = into(TOP) + b'[ "$(cat -- %s)" = x ]' % quoted(b"./" + token)
            return session.run(script, seconds=_LOOK_SECONDS).status == 0

    def _look(self, place: Place) -> Look:
        with self._mounted(place, writing=False) as session:
            return _seen(session, place.name)

    @contextmanager
    def _mounted(self, place: Place, *, writing: bool) -> Iterator[Session]:
        container, _name, session = helper.start(
            self._engine, place, self._image, secrets.token_hex(16), writing=writing
        )
        try:
            yield session
        finally:
            session.close()
            helper.remove(self._engine, container)


def remove_trial(engine: Engine, name: str) -> None:
    """Remove what is left of a trial with a volume of that name; what is gone is fine.

    Raises ConflictError, EngineError, EngineUnreachableError.
    """
    for each in (name + _PROOF, name):
        with translated(f"volume {each}"):
            holders = engine.api.containers(all=True, filters={"volume": each, "label": f"{ROLE_LABEL}=helper"})
        for holder in holders:
            helper.remove(engine, holder["Id"])
        with suppress(NotFoundError), translated(f"volume {each}"):
            engine.api.remove_volume(each)


def undo_handlers() -> dict[str, Callable[[Engine, Mapping[str, Any]], None]]:
    """What the undo steps of trials do."""

    return {"remove-trial": lambda engine, arguments: remove_trial(engine, str(arguments["volume"]))}


def _seen(session: Session, name: str) -> Look:
    listed = session.run(
        into(TOP)
        + command("find", ".", "-mindepth", "1", "-maxdepth", "1", "-printf", r"%f\0")
        + b" | head -z -n 1000",
        seconds=_LOOK_SECONDS,
    )
    if listed.status or listed.errors:
        raise ConflictError(f"What is in volume {name} can’t be listed. {_plain(listed.errors)}")
    names = tuple(each for each in listed.out.split(b"\0") if each)
    read = session.run(_first_file(), seconds=_LOOK_SECONDS)
    return Look(names, read.status != _UNREADABLE)


def _first_file() -> bytes:
    """Read a byte of the first file that is found, not far down; a folder that can't be read is none of its business."""
    find = command("find", ".", "-maxdepth", "5", "-type", "f", "-size", "+0", "-print0", "-quit")
    return (
        into(TOP)
        + b'file=$(%s 2>/dev/null | tr -d "\\0"; echo x); file=${file%%x}\n' % find
        + b'[ -z "$file" ] || head -c 1 -- "$file" >/dev/null || exit %d' % _UNREADABLE
    )


def _written(session: Session, token: bytes, look: Look) -> Look:
    """The look with whether a small file of that name could be written, and what was said where it could not."""
    name = quoted(b"./" + token)
    output = session.run(into(TOP) + b'printf x >%s && [ "$(cat -- %s)" = x ]' % (name, name), seconds=_LOOK_SECONDS)
    return replace(look, writable=output.status == 0, said=_plain(output.errors) if output.status else "")


def _plain(errors: bytes) -> str:
    """The last thing a tool said, without the place it said it at."""
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].rpartition(": ")[2] if lines else ""


def _patiently(call: Callable[[], T], stop: threading.Event) -> T:
    """The answer of a call that may hang in the kernel, within PATIENCE_SECONDS or until `stop` is set."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asks for the result
            future.set_exception(error)
        stop.set()

    threading.Thread(target=run, name="trial", daemon=True).start()
    stop.wait(PATIENCE_SECONDS)
    if future.done():
        return future.result()
    raise StorageSilentError("The storage did not answer in time.")
