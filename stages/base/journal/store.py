"""Journal of finished samples, outside the outputs: append-only, crash-safe, shared by any number of processes.

A stage that is killed starts again where it stopped, and a grown data set costs only its new samples. A record is a
line `key <tab> crc32 <tab> JSON`; each process appends to a segment of its own, so nobody locks anybody, also on a
network disk, and a line torn by a crash is recognised by its checksum and skipped. What another version of the code
wrote is left aside: its keys are others, and a value without the fields that this version needs counts as missing.
`HAR_JOURNAL` moves the journal to
shared storage (`dvc exp run --temp` and `--queue` need that: they run in a copy of the tree). A long segment has an
index (`index.py`), so that a journal of a million records opens in a second.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import uuid
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

from stages.base.errors import InputError, keeps
from stages.base.journal.index import LEAST, Indexed, Place, index_of, make_index, read_index, read_records

T = TypeVar("T")
Value = dict[str, Any]


def journal_key(**shapes: Any) -> str:
    """Return the hash of everything that shapes one sample's result, and of nothing else.

    Give the media's hash, prompt, model revision, generation params, versions of the libraries that compute, and the
    integer version that stands beside the function that computes a sample; no address, batch size or time-out.
    """
    text = json.dumps(shapes, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def root() -> Path:
    """Return the folder that holds every room's journal."""
    return Path(os.environ.get("HAR_JOURNAL", ".journal"))


class Journal:
    """One room's finished samples. Holds keys and places in memory, not values."""

    def __init__(self, room: str, *kinds: Collection[str]) -> None:
        """Open a room's journal.

        Args:
            room: name of its folder.
            kinds: the fields of each kind of value that the room keeps; a record that lacks a field of every kind is
                not taken. None given: every record is.
        """
        self.folder = root() / room
        keeps("finished samples are in the journal")
        # In compact JSON a quote within a text is escaped, so this is found as a field and nowhere else.
        self._kinds = [[b'"%s":' % field.encode() for field in kind] for kind in kinds]
        self._places: dict[str, Place] = {}
        self._out: IO[bytes] | None = None
        self._offset = 0
        self._open: dict[Path, IO[bytes]] = {}
        known = {}
        for segment in sorted(self.folder.glob("*.jsonl")):
            try:
                found = read_index(segment, kinds)
                if found is None and segment.stat().st_size >= LEAST:
                    found = make_index(segment, kinds)
                if found is not None:
                    known[segment] = found.records
                for record in read_records(segment, 0 if found is None else found.covered):
                    if self._fits(record.body):
                        self._places[record.key] = Place(segment, record.offset, len(record.body))
            except OSError as error:
                print(f"left aside, its samples are computed again: {segment}: {error.strerror}", file=sys.stderr)
        self._indexed = Indexed(list(known), list(known.values()))

    def _fits(self, body: bytes) -> bool:
        return not self._kinds or any(all(field in body for field in kind) for kind in self._kinds)

    def _place(self, key: str) -> Place | None:
        return self._places.get(key) or self._indexed.find(key)

    def __contains__(self, key: str) -> bool:
        return self._place(key) is not None

    def __len__(self) -> int:
        return len(self._indexed) + sum(self._indexed.find(key) is None for key in self._places)

    def keys(self) -> set[str]:
        """Return the keys of all finished samples."""
        return self._indexed.keys() | set(self._places)

    def get(self, key: str) -> Value:
        """Return a finished sample's value.

        Raises:
            KeyError: no such sample.
            InputError: its bytes are not those that were written.
        """
        place = self._place(key)
        if place is None:
            raise KeyError(key)
        stream = self._open.get(place.segment)
        if stream is None:
            stream = self._open[place.segment] = place.segment.open("rb")
        head = b"%s\t00000000\t" % key.encode(errors="replace")
        stream.seek(max(0, place.offset - len(head)))
        crc, _, body = stream.read(len(head) + place.length)[len(head) - 9 :].partition(b"\t")
        if crc != b"%08x" % zlib.crc32(body):
            index_of(place.segment).unlink(missing_ok=True)
            do = "run the same command again: its damaged records are computed again"
            raise InputError("a record of the journal was damaged", file=place.segment, row=key, do=do)
        value: Value = json.loads(body)
        return value

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        """Append a finished sample; it survives a kill of this process from here on."""
        # Half of a character, which a server's JSON or a file's name may hold, comes back as it was.
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass") + b"\n"
        head = b"%s\t%08x\t" % (key.encode(), zlib.crc32(body))
        if self._out is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._segment = self.folder / f"{uuid.uuid4().hex}.jsonl"
            self._out = self._segment.open("ab", buffering=0)
        self._write(head + body)
        self._places[key] = Place(self._segment, self._offset + len(head), len(body))
        self._offset += len(head) + len(body)

    def _write(self, record: bytes) -> None:
        # An unbuffered write may be short on a full disk; the next call then raises ENOSPC.
        assert self._out is not None
        view = memoryview(record)
        while view:
            view = view[self._out.write(view) or 0 :]

    def close(self) -> None:
        """Flush to disk and close."""
        if self._out is not None:
            os.fsync(self._out.fileno())
            self._out.close()
            self._out = None
        for stream in self._open.values():
            stream.close()
        self._open.clear()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def compute_missing(
    journal: Journal,
    items: Sequence[T],
    key: Callable[[T], str],
    compute: Callable[[list[T]], Iterable[tuple[T, Mapping[str, Any]]]],
    advance: Callable[[int], None] = lambda _: None,
) -> int:
    """Compute and journal the items that the journal lacks, each distinct key once; return how many those were.

    `compute` yields (item, value) in any order as samples finish.
    """
    missing: dict[str, T] = {}
    for item in items:
        sample = key(item)
        if sample not in journal:
            missing.setdefault(sample, item)
    if missing:
        for item, value in compute(list(missing.values())):
            journal.put(key(item), value)
            advance(1)
    return len(missing)


def prune(room: str, needed: set[str]) -> tuple[int, int]:
    """Rewrite a room's journal with the needed samples only; return (kept, dropped). No writer may be running."""
    with Journal(room) as old:
        segments = sorted(old.folder.glob("*.jsonl"))
        kept = sorted(old.keys() & needed)
        with Journal(room) as new:
            for sample in kept:
                new.put(sample, old.get(sample))
        for segment in segments:
            segment.unlink()
            index_of(segment).unlink(missing_ok=True)
        return len(kept), len(old) - len(kept)


def iterate(journal: Journal, keys: Iterable[str]) -> Iterator[tuple[str, Value]]:
    """Yield (key, value) in the order of `keys`, one at a time, so that memory does not grow with their number."""
    for sample in keys:
        yield sample, journal.get(sample)
