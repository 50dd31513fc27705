"""Merging a tree that was unpacked into a folder of a volume: all of it, or nothing.

The tree, a plan of what is renamed to where, and all that has to make way for it lie in a folder at the top of the
volume meanwhile, from where `put_back` can restore everything at any moment, also after a crash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from webui.engine import import_scripts, scripts
from webui.engine import session as engine_session
from webui.engine.changes import Changes, candidates
from webui.engine.file_model import Exists, Place
from webui.engine.file_trouble import named, refuse
from webui.engine.inside import Helper
from webui.engine.session import Output, Session
from webui.errors import ConflictError, InvalidInputError
from webui.paths import VolumePath, name_text, shown_name

MOST_NAMED: Final = 100
"""Names that are told of those that are in the way."""
_AT_ONCE = 500
_BYTES_AT_ONCE = 64 * 1024
_LONGEST_SECONDS = 6 * 3600.0
_FOLDER = ord("d")
_KINDS = {b"f": "files", b"d": "folders", b"l": "links"}
_SMALL = 4096


class ClashError(ConflictError):
    """Names of the tree are taken in the folder, and nothing was said of what to do then; or a folder is in the way."""

    def __init__(self, clashes: tuple[bytes, ...], count: int, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint, fields={"exists": message})
        self.clashes = clashes
        self.count = count

    def details(self) -> dict[str, Any]:
        """Adds `clashes`, paths from the folder on, and how many there are."""
        return {**super().details(), "clashes": [name_text(path) for path in self.clashes], "clash_count": self.count}


@dataclass(frozen=True, slots=True)
class Group:
    """What is renamed in one folder, which is named from where the merge goes: `old` names make way, then `new` ones
    get their places. `marks` tell the new entries from others of the same names."""

    folder: bytes
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]
    marks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is renamed, and what is left behind because its name is taken."""

    groups: tuple[Group, ...] = ()
    skipped: tuple[bytes, ...] = ()

    @property
    def size(self) -> int:
        """How many entries get a place."""
        return sum(len(group.new) for group in self.groups)

    def to_bytes(self) -> bytes:
        """The groups, as `from_bytes` reads them."""
        fields: list[bytes] = []
        for group in self.groups:
            fields += (group.folder, b"%d" % len(group.old), *group.old)
            fields += (b"%d" % len(group.new), *group.new, *group.marks)
        return b"".join(each + b"\0" for each in fields)

    @classmethod
    def from_bytes(cls, data: bytes) -> Plan:
        """The plan that was written down."""
        fields = iter(data.split(b"\0")[:-1])

        def take() -> tuple[bytes, ...]:
            return tuple(next(fields) for _ in range(count))

        groups = []
        for folder in fields:
            count = int(next(fields))
            old = take()
            count = int(next(fields))
            groups.append(Group(folder, old, take(), take()))
        return cls(tuple(groups))


def make_plan(helper: Helper, token: bytes, folder: VolumePath, exists: Exists) -> Plan:
    """How the tree that is staged under the token gets into the folder. Folders that are in both are walked into.

    Raises ClashError, with REPLACE only where a folder would make way for what is none; InvalidInputError where the
    tree has names that are Demijohn's own.
    """
    with helper.process() as session:
        planner = _Planner(_Teller(session, helper.place, folder), _staged(helper, token), folder, exists)
        return planner.plan()


def brought(helper: Helper, token: bytes, plan: Plan) -> dict[str, int]:
    """How many `files`, `folders`, `links` and `others` get a place, and the `bytes` of the files, without holes.

    Further names of a file are links, as in an archive.
    """
    counted: Counter[str] = Counter()
    seen: set[bytes] = set()
    tree = _staged(helper, token)
    with _telling(helper, tree) as tell:
        for group in plan.groups:
            records = tell(import_scripts.sizes(_below(tree, group.folder), group.new)).split(b"\0")[:-1]
            for kind, inode, size, blocks in (record.split(b" ") for record in records):
                named_again = kind == b"f" and inode in seen
                seen.add(inode)
                counted["links" if named_again else _KINDS.get(kind, "others")] += 1
                counted["bytes"] += _content_bytes(int(size), int(blocks)) if kind == b"f" and not named_again else 0
    return dict(counted)


def _content_bytes(size: int, blocks: int) -> int:
    """What is in a file but for holes; of a small one file systems may keep the content where it takes no block."""
    return size if size < _SMALL else min(size, blocks * 512)


class Merge:
    """A plan on its way. What goes wrong is raised; it is for the caller to have `put_back` called then."""

    def __init__(self, helper: Helper, folder: VolumePath, plan: Plan, kept: bytes) -> None:
        """`kept` is the name of the folder for all that is needed to undo it: KEPT_PREFIX and something unique."""
        self._helper = helper
        self._folder = folder
        self._plan = plan
        self._kept = kept

    def keep(self, token: bytes, plan_token: bytes) -> None:
        """Make the kept folder of the tree and the written plan, which are staged under these tokens."""
        with self._teller() as tell:
            tell(import_scripts.keep(self._helper.staging, token, plan_token, self._kept, self._folder))

    def carry_out(self, watch: Callable[[int], None]) -> None:
        """Rename everything. `watch` is told how many entries have their places; what it raises ends it."""
        done = 0
        with self._teller() as tell:
            for number, group in enumerate(self._plan.groups):
                watch(done)
                target = _below(self._folder, group.folder)
                if group.old:
                    tell(import_scripts.make_room(self._kept, number))
                    _rename_all(tell, target, _old(self._kept, number), group.old, target)
                _rename_all(tell, _below(_new(self._kept), group.folder), target, group.new, target)
                done += len(group.new)

    def forget(self) -> None:
        """Remove the kept folder, and with it all that made way."""
        with self._teller() as tell:
            tell(import_scripts.remove_kept(self._kept))

    def _teller(self) -> AbstractContextManager[_Teller]:
        return _telling(self._helper, self._folder)


def put_back(changes: Changes, folder: VolumePath, kept: bytes) -> None:
    """Undo a merge into the folder, whole, half done or not begun: new entries go back into the kept folder, old ones
    to their places. Nothing happens where there is no kept folder. A new entry that somebody has written to since stays;
    what it had replaced goes beside it."""
    with changes.staged() as (helper, _), _telling(helper, folder) as tell:
        written = tell.found(scripts.part_of(VolumePath(kept + b"/plan"), 0, engine_session.MOST_OUTPUT))
        if written is None:
            return
        groups = Plan.from_bytes(written).groups
        for number in reversed(range(len(groups))):
            _take_out(tell, kept, folder, groups[number])
            _put_in(tell, changes, kept, number, _below(folder, groups[number].folder))


def remove_kept(changes: Changes, kept: bytes) -> None:
    """Remove the kept folder of a merge that is over."""
    with changes.staged() as (helper, _), _telling(helper, VolumePath(kept)) as tell:
        tell(import_scripts.remove_kept(kept))


def _take_out(tell: _Teller, kept: bytes, folder: VolumePath, group: Group) -> None:
    """Move the entries of a group that have got their places back to where they were."""
    target = _below(folder, group.folder)
    marks = dict(zip(group.new, group.marks, strict=True))
    found = tell.found(import_scripts.marks_found(target, group.new)) or b""
    there = (record.split(b" ./", 1) for record in found.split(b"\0")[:-1])
    own = [name for mark, name in there if marks[name] == mark]
    if own:
        touched = (tell.found(import_scripts.touched(target, own, kept)) or b"").split(b"\0")[:-1]
        own = [name for name in own if b"./" + name not in touched]
    if own:
        _rename_all(tell, target, _below(_new(kept), group.folder), own, target)


def _put_in(tell: _Teller, changes: Changes, kept: bytes, number: int, target: VolumePath) -> None:
    """Move what made way back to its place; beside it where somebody has taken that since."""
    source = _old(kept, number)
    names = (tell.found(import_scripts.names(source)) or b"").split(b"\0")[:-1]
    if not names:
        return
    if not target.is_top:
        changes.make_folder(target, parents=True)
    output = tell.output(import_scripts.move_all(source, target, names))
    if output.status != scripts.TAKEN:
        refuse(output, tell.place, target, "put back")
        return
    for name in (tell.found(import_scripts.names(source)) or b"").split(b"\0")[:-1]:
        _put_beside(tell, source / name, target / name)


def _put_beside(tell: _Teller, source: VolumePath, target: VolumePath) -> None:
    for candidate in candidates(target, Exists.KEEP_BOTH):
        output = tell.output(scripts.rename(source, candidate, replace=False))
        if output.status != scripts.TAKEN:
            refuse(output, tell.place, candidate, "put back")
            return


class _Planner:
    def __init__(self, tell: _Teller, tree: VolumePath, folder: VolumePath, exists: Exists) -> None:
        self._tell = tell
        self._tree = tree
        self._folder = folder
        self._exists = exists
        self._groups: list[Group] = []
        self._skipped: list[bytes] = []
        self._clashes: list[bytes] = []
        self._clash_count = 0
        self._in_both = [b""]

    def plan(self) -> Plan:
        while self._in_both:
            batch = next(_batches(reversed(self._in_both)))
            del self._in_both[-len(batch) :]
            self._look_at(batch)
        if self._clash_count:
            raise _clash(tuple(self._clashes), self._clash_count, self._exists)
        return Plan(tuple(self._groups), tuple(self._skipped))

    def _look_at(self, folders: list[bytes]) -> None:
        listed = _by_folder(self._tell(import_scripts.listings(self._tree, folders)), folders)
        there = self._there(_join(folder, name) for folder, found in listed for name in found)
        for folder, found in listed:
            if not folder:
                self._refuse_own(found)
            old, new = self._sorted(folder, found, there)
            for names in _batches(new):
                replaced = old.intersection(names)
                marks = self._tell(import_scripts.marks(_below(self._tree, folder), names)).split(b"\0")[:-1]
                self._groups.append(
                    Group(folder, tuple(each for each in names if each in replaced), tuple(names), tuple(marks))
                )

    def _there(self, paths: Iterable[bytes]) -> dict[bytes, int]:
        """The types of those paths that are in the folder already."""
        found: dict[bytes, int] = {}
        for batch in _batches(paths):
            names: dict[bytes, list[bytes]] = {}
            for path in batch:
                folder, _, name = path.rpartition(b"/")
                names.setdefault(folder, []).append(name)
            folders = tuple(names)
            script = import_scripts.types({_below(self._folder, folder): names[folder] for folder in folders})
            for record in self._tell(script).split(b"\0")[:-1]:
                number, _, name = record[1:].partition(b"/")
                found[_join(folders[int(number)], name)] = record[0]
        return found

    def _sorted(
        self, folder: bytes, found: dict[bytes, int], there: dict[bytes, int]
    ) -> tuple[set[bytes], list[bytes]]:
        """The names in one folder that make way, and those that get a place."""
        old: set[bytes] = set()
        new: list[bytes] = []
        for name, kind in found.items():
            path = _join(folder, name)
            taken = there.get(path)
            if taken is None:
                new.append(name)
            elif kind == taken == _FOLDER:
                self._in_both.append(path)
            elif self._exists is Exists.SKIP:
                self._skipped.append(path)
            elif self._exists is Exists.REPLACE and taken != _FOLDER:
                old.add(name)
                new.append(name)
            else:
                self._clash_count += 1
                self._clashes += [path] if self._clash_count <= MOST_NAMED else []
        return old, new

    def _refuse_own(self, names: Iterable[bytes]) -> None:
        own = next((name for name in names if name.startswith(scripts.OWN_PREFIXES)), None)
        if own is not None and self._folder.is_top:
            raise InvalidInputError(
                {"archive": f"“{shown_name(own)}” begins as Demijohn’s own folders do. Import it into a folder below."}
            )


@dataclass(frozen=True, slots=True)
class _Teller:
    """Has scripts run on behalf of a folder, which is what the errors are about."""

    session: Session
    place: Place
    folder: VolumePath

    def __call__(self, script: bytes, about: VolumePath | None = None) -> bytes:
        """What the script prints. Raises what its status means."""
        output = self.output(script)
        refuse(output, self.place, self.folder if about is None else about, "imported into")
        return output.out

    def found(self, script: bytes) -> bytes | None:
        """What the script prints; None where the folder it goes to is not there."""
        output = self.output(script)
        if output.status in {engine_session.MISSING, engine_session.NOT_A_FOLDER, engine_session.LINK}:
            return None
        refuse(output, self.place, self.folder, "put back")
        return output.out

    def output(self, script: bytes) -> Output:
        return self.session.run(script, seconds=_LONGEST_SECONDS)


@contextmanager
def _telling(helper: Helper, folder: VolumePath) -> Iterator[_Teller]:
    with helper.process() as session:
        yield _Teller(session, helper.place, folder)


def _rename_all(
    tell: _Teller, source: VolumePath, target: VolumePath, names: Iterable[bytes], into: VolumePath
) -> None:
    """`into` is the folder of a person's that this is about."""
    output = tell.output(import_scripts.move_all(source, target, names))
    if output.status == scripts.TAKEN:
        raise ConflictError(
            f"{named(into, tell.place)} got something meanwhile that the archive has as well; nothing was changed.",
            hint="Import it again.",
        )
    refuse(output, tell.place, into, "imported into")


def _by_folder(output: bytes, folders: Sequence[bytes]) -> list[tuple[bytes, dict[bytes, int]]]:
    """Each folder with the names in it and their types."""
    found: list[tuple[bytes, dict[bytes, int]]] = []
    rest = iter(folders)
    for record in output.split(b"\0")[:-1]:
        if record.startswith(b"0"):
            found.append((next(rest), {}))
        else:
            found[-1][1][record[2:]] = record[1]
    return found


def _batches(paths: Iterable[bytes]) -> Iterator[list[bytes]]:
    """As many at a time as a command takes."""
    batch: list[bytes] = []
    size = 0
    for path in paths:
        if batch and (len(batch) == _AT_ONCE or size + len(path) > _BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += len(path)
    if batch:
        yield batch


def _clash(clashes: tuple[bytes, ...], count: int, exists: Exists) -> ClashError:
    first = f"“{shown_name(clashes[0])}”"
    others = "" if count == 1 else f" So {'is one other' if count == 2 else f'are {count - 1:,} others'}."
    if exists is Exists.REPLACE:
        return ClashError(
            clashes,
            count,
            f"{first} is a folder already, and something else in the archive.{others}",
            hint="A folder is not replaced by what is none. Skip what exists, or delete the folder first.",
        )
    return ClashError(
        clashes,
        count,
        f"{first} exists already.{others}",
        hint="Say that what exists is to be replaced or skipped, or import into another folder.",
    )


def _staged(helper: Helper, token: bytes) -> VolumePath:
    return VolumePath(helper.staging + b"/" + token)


def _new(kept: bytes) -> VolumePath:
    return VolumePath(kept + b"/new")


def _old(kept: bytes, number: int) -> VolumePath:
    return VolumePath(kept + b"/old/%d" % number)


def _below(folder: VolumePath, path: bytes) -> VolumePath:
    return VolumePath(_join(folder.raw, path)) if path else folder


def _join(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder else name
