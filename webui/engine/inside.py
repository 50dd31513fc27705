"""Looking inside: the helper containers of an engine and the sessions in them, made on demand and ended when idle."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TypeVar

from webui.engine import helper, scripts
from webui.engine.connection import Engine
from webui.engine.file_model import Place
from webui.engine.file_trouble import refuse
from webui.engine.session import MISSING, Session
from webui.engine.single_flight import SingleFlight
from webui.errors import ConflictError, DemijohnError, EngineUnreachableError, NotFoundError
from webui.paths import VolumePath

T = TypeVar("T")
IDLE_SECONDS = 180.0
"""How long a helper waits for the next command before it is removed."""
MOST_HELPERS = 12
"""Helpers of one engine at a time, as long as no more are at work."""
MOST_PROCESSES = 24
"""Shells of their own that one helper has at a time, beside its first."""
PROCESS_SECONDS = 20.0
"""How long one waits for a shell of its own where there are as many already."""
CLEANING_SECONDS = 3600.0
"""How long removing what was staged may take: half a copy of many files, say."""
_log = logging.getLogger(__name__)


class Helper:
    """A helper container that runs, and the sessions in it. Every method may be called from any thread."""

    def __init__(self, engine: Engine, place: Place, image: str, *, writing: bool) -> None:
        """Starts it. Raises NotFoundError where the volume is gone, EngineError, EngineUnreachableError."""
        self._engine = engine
        self.place = place
        self.writing = writing
        self._image = image
        self._key = secrets.token_hex(16)
        self._lock = threading.Lock()
        self._spare: list[tuple[Session, int]] = []
        self._running: dict[int, Session] = {}
        self._places = threading.BoundedSemaphore(MOST_PROCESSES)
        self._users = 0
        self._staging_lock = threading.Lock()
        self._stagers = 0
        self.id, self.name, self._first = helper.start(engine, place, image, self._key, writing=writing)
        self.last_used = time.monotonic()

    @property
    def staging(self) -> bytes:
        """The name of its folder at the top of the volume, where what comes in lies until it is whole."""
        return scripts.staging_folder(self.name.encode())

    @property
    def lost(self) -> bool:
        """Whether it is of no more use."""
        return self._first.lost

    @property
    def busy(self) -> bool:
        """Whether anybody uses it right now."""
        return self._users > 0

    def hold(self) -> Helper:
        """Keep it from being taken for idle, until it is let go."""
        with self._lock:
            self._users += 1
        return self

    def let_go(self) -> None:
        """The end of what `hold` began."""
        with self._lock:
            self._users -= 1
            self.last_used = time.monotonic()

    @contextmanager
    def using(self) -> Iterator[Helper]:
        """Hold it for a while."""
        self.hold()
        try:
            yield self
        finally:
            self.let_go()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Its first session, for what is quick; callers take turns. Raises SessionLostError."""
        with self.using():
            yield self._first

    @contextmanager
    def process(self) -> Iterator[Session]:
        """A session for the caller alone, in a process of its own, which is killed if it is left in the middle.

        Raises ConflictError where too many are open, SessionLostError, EngineError, EngineUnreachableError.
        """
        if not self._places.acquire(timeout=PROCESS_SECONDS):
            raise ConflictError(
                f"Too much goes on in {self.place.subject} at once.", hint="Try again when something has ended."
            )
        try:
            with self.using():
                session, pid = self._spare_process() or self._new_process()
                try:
                    yield session
                finally:
                    self._give_back(session, pid)
        finally:
            self._places.release()

    @contextmanager
    def staged(self) -> Iterator[bytes]:
        """The name for something in its staging folder; what is left of it goes at the end, as does the folder."""
        token = secrets.token_hex(8).encode()
        with self.using():
            with self._staging_lock:
                self._stagers += 1
            try:
                yield token
            finally:
                self._clean(token)

    def carrier(self) -> AbstractContextManager[str]:
        """As `webui.engine.helper.carrier`, into its place."""
        return helper.carrier(self._engine, self.place, self._image, self.name)

    def close(self) -> None:
        """Remove it, whatever it does."""
        self.hang_up()
        helper.remove(self._engine, self.id)

    def hang_up(self) -> None:
        """Leave it to itself: it ends with what it does."""
        self._first.close()
        with self._lock:
            sessions = [*self._running.values(), *(session for session, _ in self._spare)]
            self._spare.clear()
        for session in sessions:
            session.close()

    def _clean(self, token: bytes) -> None:
        """Remove what is left under the token, and the staging folder with the last that uses it.

        That is done while nobody can begin to: the folder would go under their hands.
        """
        try:
            with self.process() as session:
                output = session.run(scripts.remove(self.staging, token), seconds=CLEANING_SECONDS)
            if output.status not in {0, MISSING}:
                refuse(output, self.place, VolumePath(self.staging), "removed")
        except DemijohnError as error:
            # The next one who writes to this place removes it before that.
            _log.warning("what was staged in %s could not be removed: %s", self.place.subject, error)
        with self._staging_lock:
            self._stagers -= 1
            if not self._stagers:
                with suppress(DemijohnError):  # the helper is gone, which was said
                    self._first.run(scripts.remove_staging(self.staging))

    def _spare_process(self) -> tuple[Session, int] | None:
        with self._lock:
            while self._spare:
                session, pid = self._spare.pop()
                if not session.lost:
                    self._running[pid] = session
                    return session, pid
        return None

    def _new_process(self) -> tuple[Session, int]:
        session = helper.attach_process(self._engine, self.id, self._key)
        try:
            pid = int(session.run(b"echo $$").out)
        except BaseException:
            session.close()
            raise
        with self._lock:
            self._running[pid] = session
        return session, pid

    def _give_back(self, session: Session, pid: int) -> None:
        with self._lock:
            self._running.pop(pid, None)
            if not session.lost and not session.busy and len(self._spare) < 4:
                self._spare.append((session, pid))
                return
        session.close()
        with suppress(DemijohnError):  # a helper that is gone has no processes left
            self._first.run(b"kill -9 -%d" % pid, seconds=10)


class Inside:
    """The helpers of one engine, at most one to read and one to write for each place."""

    def __init__(self, engine: Engine, image: Callable[[], str], *, idle_seconds: float = IDLE_SECONDS) -> None:
        """`image` answers with the id of the image to use; it raises a domain error where there is none yet."""
        self.engine = engine
        self._image = image
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._helpers: dict[tuple[Place, bool], Helper] = {}
        self._starting: dict[tuple[Place, bool], threading.Lock] = {}
        self._flights = SingleFlight(f"helpers on {engine.name}")
        self._closed = False
        self._reaper: threading.Thread | None = None

    @contextmanager
    def helper(self, place: Place, *, writing: bool = False) -> Iterator[Helper]:
        """The place's helper, started where there is none; it stays for a while after.

        Raises NotFoundError where the volume is gone, ConflictError where the place is only to be looked at,
        EngineError, EngineUnreachableError, and what asking for the image raises.
        """
        if writing:
            self.refuse_read_only(place)
        found = self._held(place, writing=writing)
        try:
            yield found
        finally:
            found.let_go()

    @staticmethod
    def refuse_read_only(place: Place) -> None:
        """Raises ConflictError where the place is only to be looked at."""
        if place.read_only:
            raise ConflictError(
                f"The {place.subject} is only to be looked at from here.",
                hint="Change files of the host with the host’s own tools.",
            )

    def is_open(self, place: Place) -> bool:
        """Whether a helper that reads the place is there already."""
        with self._lock:
            known = self._helpers.get((place, False))
        return known is not None and not known.lost

    def start(self, place: Place, *, wait: float) -> None:
        """Have a helper that reads the place; it goes on in the background when it takes longer than `wait` seconds.

        Raises EngineSlowError then, and what `helper` raises.
        """

        def begin() -> None:
            with self.helper(place):
                """It stays for a while."""

        self._flights.run(place, begin, wait=wait)

    def patiently(self, key: Hashable, look: Callable[[], T], *, wait: float) -> T:
        """What `look` answers within `wait` seconds; those who ask with the same key share one that still runs.

        Raises EngineSlowError where it takes longer: the next who asks gets the answer. And what `look` raises.
        """
        return self._flights.run(key, look, wait=wait)

    def sweep(self) -> None:
        """Remove what an earlier run or a crash of the engine left: helpers that ended, and what they had staged.

        What can't be removed now is logged, and stays for the next time. Raises EngineError, EngineUnreachableError.
        """
        for place, container in helper.left_over(self.engine):
            try:
                self._sweep_one(place, container)
            except DemijohnError as error:
                # Storage that does not answer must not keep the rest from being swept.
                subject = place.subject if place else f"helper {container[:12]}"
                _log.warning("what an earlier run left in %s could not be removed: %s", subject, error)

    def _sweep_one(self, place: Place | None, container: str) -> None:
        try:
            if place is not None:
                with self.helper(place, writing=True) as writer:
                    self._clean_after_others(writer)  # its start did; one that was there already has not
                return
        except NotFoundError:
            """The volume is gone, and all that was in it."""
        helper.remove(self.engine, container)

    def end(self, place: Place) -> None:
        """Remove the place's helpers: the volume is about to be deleted. Raises ConflictError where one is at work."""
        with self._lock:
            keys = [key for key in self._helpers if key[0] == place]
            if any(self._helpers[key].busy and key[1] for key in keys):
                raise ConflictError(
                    f"Something is being written to {place.subject} right now.",
                    hint="Wait until it has ended, or cancel it.",
                )
            ended = [self._helpers.pop(key) for key in keys]
        for each in ended:
            each.close()

    def close(self) -> None:
        """Remove all helpers."""
        with self._lock:
            self._closed = True
            helpers = list(self._helpers.values())
            self._helpers.clear()
            self._changed.notify_all()
        for each in helpers:
            with suppress(DemijohnError):  # the engine may be gone; what is left is swept at the next start
                each.close()

    def _held(self, place: Place, *, writing: bool) -> Helper:
        """It is held already when others may see it, so that nobody takes it for idle before it is used."""
        key = (place, writing)
        with self._lock:
            if self._closed:
                raise EngineUnreachableError("Demijohn is stopping.")
            door = self._starting.setdefault(key, threading.Lock())
        with door:
            with self._lock:
                known = self._helpers.get(key)
                if known is not None and not known.lost:
                    return known.hold()
            if known is not None:
                self._drop(key, known)
            return self._start(key)

    def _start(self, key: tuple[Place, bool]) -> Helper:
        place, writing = key
        started = Helper(self.engine, place, self._image(), writing=writing).hold()
        if writing:
            try:
                self._clean_after_others(started)
            except BaseException:
                started.close()
                raise
        with self._lock:
            if not self._closed:
                self._helpers[key] = started
                if self._reaper is None:
                    self._reaper = threading.Thread(target=self._reap, name="idle helpers", daemon=True)
                    self._reaper.start()
                surplus = self._take_surplus()
                self._changed.notify_all()
            else:
                surplus = None
        if surplus is not None:
            for each in surplus:
                with suppress(DemijohnError):  # swept at the next start
                    each.close()
            return started
        started.close()
        raise EngineUnreachableError("Demijohn is stopping.")

    def _take_surplus(self) -> list[Helper]:
        """Those that were idle for longest, where there are many: each holds its volume."""
        idle = sorted((each for each in self._helpers.items() if not each[1].busy), key=lambda each: each[1].last_used)
        taken = idle[: max(0, len(self._helpers) - MOST_HELPERS)]
        return [self._helpers.pop(key) for key, _ in taken]

    def _clean_after_others(self, writer: Helper) -> None:
        """Remove what writers of this place had staged that have ended without doing so, and then those writers."""
        with writer.process() as session:
            own = scripts.staging_folder(helper.names_of(self.engine).encode())
            found = [name for name in session.run(scripts.staging_folders()).out.split(b"\0") if name.startswith(own)]
            used = map(scripts.staging_folder, helper.running_names(self.engine)) if found else ()
            if stale := set(found).difference(used):
                session.run(scripts.stale(stale), seconds=600)
        for place, container in helper.left_over(self.engine):
            if place == writer.place:
                helper.remove(self.engine, container)

    def _drop(self, key: tuple[Place, bool], lost: Helper) -> None:
        with self._lock:
            if self._helpers.get(key) is lost:
                del self._helpers[key]
        lost.hang_up()
        if not lost.writing:  # one that wrote may have left something: it is looked after by the one that follows
            with suppress(DemijohnError):  # it is gone already, or is swept at the next start
                lost.close()

    def _reap(self) -> None:
        while (idle := self._next_idle()) is not None:
            for each in idle:
                with suppress(DemijohnError):  # swept at the next start
                    each.close()

    def _next_idle(self) -> list[Helper] | None:
        """Those that are idle for too long, waited for without a clock's tick in between; None at the end."""
        with self._lock:
            while not self._closed:
                deadline = time.monotonic() - self._idle_seconds
                idle = {
                    key: each for key, each in self._helpers.items() if not each.busy and each.last_used <= deadline
                }
                for key in idle:
                    del self._helpers[key]
                if idle:
                    return list(idle.values())
                self._changed.wait(self._patience(deadline))
        return None

    def _patience(self, deadline: float) -> float | None:
        if not self._helpers:
            return None
        return max(
            1.0, min(self._idle_seconds if each.busy else each.last_used - deadline for each in self._helpers.values())
        )
