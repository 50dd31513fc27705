"""The files of a volume, read: folders, details, content, archives. What changes them is in `webui.engine.changes`.

Follows what https://docs.docker.com/engine/storage/volumes/ leaves to `docker run --rm -v NAME:/volume IMAGE ls`.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from posixpath import normpath

from webui.engine import scripts
from webui.engine.file_model import MOST_AT_ONCE, SORTS, Entry, EntryType, FolderPage, Place, TargetState
from webui.engine.file_trouble import refuse, trouble
from webui.engine.inside import Inside
from webui.engine.session import MISSING, OnCancel, Output, SessionLostError, ended_by
from webui.errors import ConflictError, EngineError, InvalidInputError
from webui.paths import TOP, VolumePath, name_text

_MOST_REMEMBERED = 200
_MOST_NAMES_REMEMBERED = 600_000
_DETAILS_AT_ONCE = 500
_LOOKS = 3
_CHANGED_MEANWHILE = b"Invalid argument"
"""What find says of what was a symbolic link when it asked for its type, and none when it asked where that leads."""

_TYPES = {
    b"f": EntryType.FILE,
    b"d": EntryType.FOLDER,
    b"l": EntryType.LINK,
    b"p": EntryType.FIFO,
    b"s": EntryType.SOCKET,
    b"b": EntryType.DEVICE,
    b"c": EntryType.DEVICE,
}
_TARGETS = {b"f": TargetState.FILE, b"d": TargetState.FOLDER, b"N": TargetState.MISSING, b"L": TargetState.LOOP}


@dataclass(frozen=True, slots=True)
class _Order:
    """The names of a folder as they were found and put in order once; `where` is the engine, the place and the path."""

    where: tuple[str, Place, VolumePath]
    names: Sequence[bytes]
    everything: int
    cut: bool


class _Orders:
    """The newest orders, so that later pages fit the first; forgotten when there are too many."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Order] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, order: _Order) -> str:
        token = secrets.token_hex(6)
        with self._lock:
            self._known[token] = order
            while len(self._known) > _MOST_REMEMBERED or (
                len(self._known) > 1 and sum(len(each.names) for each in self._known.values()) > _MOST_NAMES_REMEMBERED
            ):
                self._known.popitem(last=False)
        return token

    def get(self, token: str, where: tuple[str, Place, VolumePath]) -> _Order | None:
        with self._lock:
            known = self._known.get(token)
            if known is None or known.where != where:
                return None
            self._known.move_to_end(token)
            return known


_orders = _Orders()
_Told = dict[bytes, tuple[bytes, ...]]
"""The fields of FORMAT by the name of the entry."""


class Files:
    """What can be read in one place. Methods raise NotFoundError where a path is not there, ConflictError where a link
    is in the way or it is of another type, EngineError and EngineUnreachableError."""

    def __init__(self, inside: Inside, place: Place) -> None:
        self.inside = inside
        self.place = place

    def listing(
        self,
        path: VolumePath = TOP,
        *,
        sort: str = "name",
        descending: bool = False,
        q: str = "",
        hidden: bool = True,
        offset: int = 0,
        limit: int = 200,
        snapshot: str = "",
        goes_on: bool = False,
    ) -> FolderPage:
        """Some entries of a folder, folders first, from the `offset`th on.

        Names are put in order without regard to case; `q` is looked for in them; `hidden` takes those along that begin
        with a dot. With the `snapshot` of an earlier page the order is that page's, as long as it is remembered;
        with `goes_on` it has to be: ConflictError.
        """
        known = _orders.get(snapshot, self._where(path)) if snapshot else None
        told: _Told | None = None
        if known is None and goes_on:
            raise ConflictError(
                "Where this list left off is not remembered any more.", hint="Begin again, without `next`."
            )
        if known is None:
            known, told = self._order(path, sort, descending, q, hidden)
            snapshot = _orders.put(known)
        wanted = known.names[offset : offset + limit]
        return FolderPage(
            path=path,
            entries=self._details(path, wanted) if told is None else tuple(_entry(path, told[name]) for name in wanted),
            offset=offset,
            total=len(known.names),
            everything=known.everything,
            snapshot=snapshot,
            end=offset + len(wanted),
            cut=known.cut,
        )

    def entry(self, path: VolumePath) -> Entry:
        """One entry by its path; a link is told as itself."""
        found = _entries(path.parent, self._run(scripts.one(path), path, "looked at").out, path)
        if not found:  # it is the app's own
            raise trouble(Output(MISSING, b"", b""), self.place, path, "looked at")
        return found[0]

    def entries(self, paths: Iterable[VolumePath]) -> tuple[Entry, ...]:
        """Those of the paths that are there, in their order."""
        by_folder: dict[VolumePath, list[bytes]] = {}
        wanted = list(paths)
        for path in wanted:
            by_folder.setdefault(path.parent, []).append(path.name)
        found = {each.path: each for folder, names in by_folder.items() for each in self._details(folder, names)}
        return tuple(found[path] for path in wanted if path in found)

    def read(self, path: VolumePath, limit: int, start: int = 0) -> bytes:
        """At most `limit` bytes of a regular file, in memory."""
        return self._run(scripts.part_of(path, start, limit), path, "read").out

    @contextmanager
    def download(self, path: VolumePath, start: int, length: int) -> Iterator[Iterator[bytes]]:
        """`length` bytes of a regular file from `start` on, in pieces as they come.

        The iterator raises EngineError where fewer come than there should be: the file was cut while it was read.
        """
        with self._process(scripts.part_of(path, start, length), path, "read") as chunks:
            yield _whole(chunks, length, path)

    @contextmanager
    def tar(
        self, folder: VolumePath, names: Sequence[bytes] = (), *, options: Sequence[str] = ()
    ) -> Iterator[Iterator[bytes]]:
        """A POSIX tar of the named entries of a folder, of all that is in it without names, in pieces as they come.

        Holes, hard links, extended attributes and ACLs are kept, sockets left out: tar has none. `options` are more of
        GNU tar's. The iterator raises where the helper could not read everything.
        """
        if len(names) > MOST_AT_ONCE:
            raise InvalidInputError({"path": f"Choose at most {MOST_AT_ONCE:,} entries, or the folder they are in."})
        script = scripts.into(folder) + b"".join(map(scripts.exists, names)) + scripts.tar(names, options)
        with self._process(script, folder, "packed", allowed=frozenset({0, 1})) as chunks:
            yield chunks

    def count(self, paths: Sequence[VolumePath], on_cancel: OnCancel = lambda _: None) -> tuple[int, int]:
        """How many entries the paths are with all below them, and how many bytes they take.

        `on_cancel` is given what ends it from another thread: SessionLostError is raised then. Raises EngineSlowError
        where it takes more than minutes.
        """
        entries = taken = 0
        for path in paths:
            output = self._run_apart(scripts.count(path), path, "counted", on_cancel)
            numbers = output.out.split()
            entries, taken = entries + int(numbers[0]), taken + int(numbers[1])
        return entries, taken

    def not_carried(self, folder: VolumePath, names: Sequence[bytes] = ()) -> dict[EntryType, int]:
        """How many sockets, FIFOs, devices and links are among the named entries of a folder and below them."""
        output = self._run_apart(scripts.into(folder) + scripts.special(names), folder, "looked through")
        counted: dict[EntryType, int] = {}
        for letter in output.out:
            kind = _TYPES.get(bytes((letter,)), EntryType.DEVICE)
            counted[kind] = counted.get(kind, 0) + 1
        return counted

    def _order(
        self, path: VolumePath, sort: str, descending: bool, q: str, hidden: bool
    ) -> tuple[_Order, _Told | None]:
        """The names in order, and what else of them has been told by then."""
        if sort not in SORTS:
            raise InvalidInputError({"sort": f"Sort by one of {', '.join(SORTS)}."})
        told = self._all_told(path, few=sort == "name")
        if told is None:
            found = _by_name(self._run(scripts.names(path), path, "listed").out.split(b"\0")[:-1], descending)
        elif sort == "name":
            found = _by_name([fields[1] + name for name, fields in told.items()], descending)
        else:
            found = _by_field([_entry(path, fields) for fields in told.values()], sort, descending)
        if path.is_top:
            found = [name for name in found if not name.startswith(scripts.OWN_PREFIXES)]
        cut = len(found) > scripts.MOST_LISTED
        wanted = [name for name in found[: scripts.MOST_LISTED] if _fits(name, q.casefold(), hidden)]
        return _Order(self._where(path), wanted, len(found), cut), told

    def _where(self, path: VolumePath) -> tuple[str, Place, VolumePath]:
        return self.inside.engine.name, self.place, path

    def _all_told(self, path: VolumePath, *, few: bool) -> _Told | None:
        """What there is to know of all that is in a folder; with `few` None where that is much, or not all could be
        looked at."""
        output = self._run((scripts.few_details if few else scripts.all_details)(path), path, "listed")
        if few and (output.errors or len(output.out) >= scripts.FEW_BYTES):
            return None
        return {fields[0]: fields for fields in _records(output.out)}

    def _details(self, folder: VolumePath, names: Sequence[bytes]) -> tuple[Entry, ...]:
        found: list[Entry] = []
        for start in range(0, len(names), _DETAILS_AT_ONCE):
            wanted = names[start : start + _DETAILS_AT_ONCE]
            output = self._run(scripts.details(folder, wanted), folder, "listed", allowed=frozenset({0, 1}))
            found.extend(_entries(folder, output.out))
        return tuple(found)

    def _run(self, script: bytes, path: VolumePath, doing: str, allowed: frozenset[int] = frozenset({0})) -> Output:
        """What a quick script says. Reading again does no harm: it is tried once more where the session is gone, and
        where an entry became another one between two looks at it."""
        for _ in range(_LOOKS):
            try:
                output = self._try(script)
            except SessionLostError:
                output = self._try(script)
            if output.status in allowed:
                return output
            if _CHANGED_MEANWHILE not in output.errors:
                break
        raise trouble(output, self.place, path, doing)

    def _try(self, script: bytes) -> Output:
        with self.inside.helper(self.place) as helper, helper.session() as session:
            return session.run(script)

    def _run_apart(self, script: bytes, path: VolumePath, doing: str, on_cancel: OnCancel = lambda _: None) -> Output:
        """What a slow script says, in a process of its own."""
        with self.inside.helper(self.place) as helper, helper.process() as session, ended_by(session, on_cancel):
            output = session.run(script, seconds=600)
        if output.status > 1:
            refuse(output, self.place, path, doing)
        return output

    @contextmanager
    def _process(
        self, script: bytes, path: VolumePath, doing: str, allowed: frozenset[int] = frozenset({0})
    ) -> Iterator[Iterator[bytes]]:
        with self.inside.helper(self.place) as helper, helper.process() as session, session.command(script) as running:

            def chunks() -> Iterator[bytes]:
                yield from running.output()
                if running.status not in allowed:
                    raise trouble(Output(running.status, b"", running.errors), self.place, path, doing)

            coming = chunks()
            first = next(coming, None)  # what can't be begun is refused before an answer is on its way
            yield _chained(first, coming)


def _chained(first: bytes | None, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first is not None:
        yield first
    yield from rest


def _whole(chunks: Iterator[bytes], length: int, path: VolumePath) -> Iterator[bytes]:
    done = 0
    for chunk in chunks:
        done += len(chunk)
        yield chunk
    if done != length:
        raise EngineError(f"“{path.shown}” became shorter while it was read: {done:,} of {length:,} bytes came.")


def _by_name(records: list[bytes], descending: bool) -> list[bytes]:
    """The names in records of type and name."""
    records.sort(key=lambda record: (_folded(record[1:]), record), reverse=descending)
    folders = [record[1:] for record in records if record.startswith(b"d")]
    return folders + [record[1:] for record in records if not record.startswith(b"d")]


def _by_field(entries: Iterable[Entry], sort: str, descending: bool) -> list[bytes]:
    keys: dict[str, Callable[[Entry], tuple[object, ...]]] = {
        "size": lambda entry: (entry.size,),
        "modified": lambda entry: (entry.modified, entry.version),
        "mode": lambda entry: (entry.mode,),
        "owner": lambda entry: (entry.uid, entry.gid),
    }
    by_name = sorted(entries, key=lambda entry: (_folded(entry.name), entry.name))
    ordered = sorted(by_name, key=keys[sort], reverse=descending)
    return [each.name for each in ordered if each.is_folder] + [each.name for each in ordered if not each.is_folder]


def _folded(name: bytes) -> str:
    return name_text(name).casefold()


def _fits(name: bytes, q: str, hidden: bool) -> bool:
    return (hidden or not name.startswith(b".")) and (not q or q in _folded(name))


def _entries(folder: VolumePath, out: bytes, itself: VolumePath | None = None) -> tuple[Entry, ...]:
    """What FORMAT says, as entries of the folder; `itself` where it is one entry that is known."""
    found = (_entry(folder, fields, itself) for fields in _records(out))
    return tuple(each for each in found if not (folder.is_top and each.name.startswith(scripts.OWN_PREFIXES)))


def _records(out: bytes) -> Iterator[tuple[bytes, ...]]:
    """What FORMAT says, the fields of each entry."""
    fields = out.split(b"\0")
    return zip(*[iter(fields)] * scripts.FIELDS, strict=False)


def _entry(folder: VolumePath, fields: Sequence[bytes], itself: VolumePath | None = None) -> Entry:
    name, kind, size, blocks, modified, mode, uid, gid, links, target, leads_to, version = fields
    path = itself if itself is not None else VolumePath(folder.raw + b"/" + name if folder.raw else name)
    is_link = kind == b"l"
    return Entry(
        path=path,
        type=_TYPES.get(kind, EntryType.DEVICE),
        size=int(size),
        allocated=int(blocks) * 512,
        modified=_moment(modified),
        mode=int(mode, 8),
        uid=int(uid),
        gid=int(gid),
        links=int(links),
        version=version.decode("ascii"),
        target=target if is_link else None,
        target_state=_target_state(folder, target, leads_to) if is_link else None,
    )


def _moment(seconds: bytes) -> datetime:
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _target_state(folder: VolumePath, target: bytes, leads_to: bytes) -> TargetState:
    """An absolute target means whatever is there in the container that follows it: it is outside, seen from here."""
    if target.startswith(b"/"):
        return TargetState.OUTSIDE
    reached = normpath(b"/".join(filter(None, (folder.raw, target))))
    if reached == b".." or reached.startswith(b"../"):
        return TargetState.OUTSIDE
    return _TARGETS.get(leads_to, TargetState.SPECIAL)
