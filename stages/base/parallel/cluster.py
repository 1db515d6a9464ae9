"""Samples over the machines of a Ray cluster, where `compute.yaml` says `engine: ray`: the only room that knows Ray.

Ray starts the workers, hands them samples, watches over them and shows what they do (its dashboard and `ray status`).
One process, the stage that DVC runs, hands out what its journal lacks and writes results into the journal as they
come, so that a lost worker or machine costs the few samples that it had at once, and a killed stage no more than these.
A sample that ends its worker, twice, is a result (`Crashed`) and takes nobody with it.
"""

from __future__ import annotations

import atexit
import os
import pickle
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import stages
from stages.base.errors import InputError
from stages.base.journal.store import root
from stages.base.parallel.crashed import Crashed
from stages.base.params import compute

if TYPE_CHECKING:
    from ray import ObjectRef

T = TypeVar("T")
R = TypeVar("R")

#: Tasks under way for each worker: one that it works on and one that waits, so that memory does not grow.
_AHEAD = 2
#: A task costs Ray about 6 ms of a core, a third of a short clip's work: a task has as many samples as take this many
#: seconds, but no more than this, so that memory does not grow. Samples that take longer go one by one.
_TOGETHER, _MOST = 0.2, 16
#: Seconds between two looks whether the cluster has its head, and how often it is looked for before it counts as gone.
_LOOK, _TRIES = 5, 3
#: What a worker finds in its environment of what this process has. The first line holds its arithmetic: a machine that
#: joined by `ray start` has none of it, and a worker may import numpy before `stages` can set it.
_PASSED = (
    *("MKL_CBWR", "NPY_DISABLE_CPU_FEATURES", "OPENBLAS_CORETYPE", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA"),
    *("OMP_NUM_THREADS", "HF_HOME", "HF_HUB_OFFLINE"),
)


def join(gpus: float = 0) -> int:
    """Join the cluster of `compute.yaml`, or start one here; return how many workers it has room for.

    Args:
        gpus: that a worker needs; samples that are decoded need none.

    Raises:
        InputError: there is no cluster, a machine cannot do this project's work, or there is no room for one worker.
    """
    ray = _joined()
    return _room(ray.cluster_resources(), gpus, "the whole cluster")


def room_here(gpus: float = 0) -> int:
    """Join the cluster as `join` does; return how many workers this machine has room for.

    Raises:
        InputError: as `join`, or this machine has no room for one worker.
    """
    ray = _joined()
    here = ray.get_runtime_context().get_node_id()
    own = next(node["Resources"] for node in ray.nodes() if node["NodeID"] == here)
    return _room(own, gpus, "this machine")


def _joined() -> Any:
    ray = _ray()
    if ray.is_initialized():
        _Head(ray).look(at_once=True)  # without one Ray would not say what the cluster has
    else:
        _start(ray)
    return ray


def _room(have: Mapping[str, float], gpus: float, who: str) -> int:
    where = compute().ray
    room = int(have.get("CPU", 0) / where.cpus)
    if gpus:
        room = min(room, int(have.get("GPU", 0) / gpus))
    if room < 1:
        there = f"{have.get('CPU', 0):g} cores and {have.get('GPU', 0):g} GPUs"
        raise InputError(
            f"a worker takes {where.cpus:g} cores and {gpus:g} GPUs, and {who} has {there}",
            file="compute.yaml",
            key="ray",
            do="ask for less, or join a larger cluster",
        )
    return min(room, where.workers or room)


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        do = "install it: pip install -c constraints.txt -e '.[ray]'; or set engine: local"
        raise InputError("Ray is not installed", file="compute.yaml", key="engine", do=do) from None
    return ray


def _start(ray: Any) -> None:
    address = compute().ray.address
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    # Another machine has this project at the same path, on a disk that all share; its workers import it from there.
    passed["PYTHONPATH"] = os.pathsep.join([_code(), *filter(None, [os.environ.get("PYTHONPATH")])])
    passed["HAR_JOURNAL"] = str(root().resolve())
    # "local" starts one: left out, Ray would join whatever cluster it finds on this machine.
    options: dict[str, Any] = {"address": address} if address else {"address": "local", "include_dashboard": False}
    if not address and compute().workers:
        options["num_cpus"] = compute().workers * compute().ray.cpus
    try:
        _reach(address)
        ray.init(runtime_env={"env_vars": passed}, logging_level="warning", log_to_driver=False, **options)
        # Left to itself Ray waits half a second at the end, for lines of workers that nobody shows here.
        atexit.register(ray.shutdown)
    except (OSError, RuntimeError, ValueError) as error:
        do = "start one with `ray start --head`, give its address, or leave it out to start one here"
        raise InputError(f"no Ray cluster there: {error}", file="compute.yaml", key="ray.address", do=do) from error
    _check(ray)


def _reach(address: str | None) -> None:
    """Open a connection to a cluster's address once: Ray would try for minutes.

    Raises:
        OSError: nobody listens there.
    """
    host, _, port = (address or "").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=10).close()


class _Head:
    """Whether the cluster still has its head: Ray waits a minute for it, then ends this process in words of its own."""

    def __init__(self, ray: Any) -> None:
        self._address: str = ray.get_runtime_context().gcs_address
        self._last = time.monotonic()

    def look(self, at_once: bool = False) -> None:
        """Look whether somebody listens there, if the last look was `_LOOK` seconds ago or it must be `at_once`.

        Raises:
            InputError: nobody does, in `_TRIES` tries.
        """
        if not at_once and time.monotonic() - self._last < _LOOK:
            return
        for left in reversed(range(_TRIES)):
            try:
                _reach(self._address)
            except OSError as error:
                if not left:
                    do = "start the cluster again and run the same command: it goes on where it stopped"
                    what = f"the head of the Ray cluster at {self._address} is gone: {error}"
                    raise InputError(what, file="compute.yaml", key="ray.address", do=do) from error
                time.sleep(_LOOK)
            else:
                break
        self._last = time.monotonic()


def _check(ray: Any) -> None:
    """Let each machine look for a file that this process has just written into the journal.

    Raises:
        InputError: a machine sees another folder, or cannot import this project.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    folder = root().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / f"marker-{uuid.uuid4().hex}"
    marker.touch()
    try:
        # All at once: each starts a process there, which takes seconds.
        looks = {}
        for node in _alive(ray):
            alone = NodeAffinitySchedulingStrategy(node, soft=False)
            look = ray.remote(num_cpus=0, max_retries=0, scheduling_strategy=alone)(_look)
            looks[node] = look.remote(os.getcwd(), str(marker), _code())
        names = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes()}
        for node, look in looks.items():
            try:
                problem = ray.get(look)
            except (ray.exceptions.NodeDiedError, ray.exceptions.TaskUnschedulableError):
                continue  # it died a moment ago, which its cluster learns late
            except ray.exceptions.RayError as error:
                problem = f"cannot run this project: {str(error).strip().splitlines()[-1]}"
            if problem:
                do = "give each machine this folder and its virtual environment at the same path, on a disk they share"
                raise InputError(f"machine {names[node]}: {problem}", file="compute.yaml", key="ray", do=do)
    finally:
        marker.unlink(missing_ok=True)


def _code() -> str:
    """Return the folder whose code this process runs."""
    return str(Path(stages.__path__[0]).resolve().parent)


def _look(folder: str, marker: str, code: str) -> str | None:
    """Return what is wrong with the machine that this runs on."""
    try:
        os.chdir(folder)
    except OSError as error:
        return f"has no folder {folder}: {error.strerror}"
    if not Path(marker).exists():
        return f"sees another journal than this one, or none: {Path(marker).parent}"
    return None if _code() == code else f"runs the code of {_code()}, not of {code}"


def _alive(ray: Any) -> list[str]:
    return sorted(node["NodeID"] for node in ray.nodes() if node["Alive"])


class _Under(NamedTuple):
    """Samples that somebody works on."""

    items: Sequence[Any]
    tries: int


def cluster_map(
    function: Callable[[T], R], items: Iterable[T], seconds: float | None = None
) -> Iterator[tuple[T, R | Crashed]]:
    """Yield each item with `function(item)` in any order, as `parallel_map` does, on all machines of a cluster.

    `seconds` is how long `function` lets itself work, for messages.
    """
    workers, ray = join(), _ray()
    _STAYING.end(ray)  # they would hold the room that samples wait for
    task = ray.remote(num_cpus=compute().ray.cpus, max_retries=0, retry_exceptions=False)(_work)
    start = partial(task.remote, os.getcwd(), function)
    waiting = iter(items)
    left: list[T] = []
    size = 1  # until it is known how long a sample takes: one may take minutes

    def take() -> list[T]:
        """What was left comes first, in tasks of the present size: others help with what kept one worker too long."""
        chunk = left[:size]
        del left[:size]
        return [*chunk, *islice(waiting, size - len(chunk))]

    def done(reference: ObjectRef[Any], of: _Under) -> list[tuple[T, R]]:
        nonlocal size
        results, took = ray.get(reference)
        left.extend(of.items[len(results) :])
        size = min(_MOST, max(1, int(_TOGETHER * len(results) / max(took, 1e-6))))
        return list(zip(of.items, results, strict=False))

    yield from _spread(ray, take, workers, start, done, seconds)


def actor_map(
    make: Callable[[], Callable[[list[T]], Iterable[tuple[T, R]]]], items: Sequence[T], size: int, gpus: float
) -> Iterator[tuple[T, R | Crashed]]:
    """Yield each item with its result in any order, from workers that each make their function once and keep it.

    The workers stay for the next call, with all that they made, until this process ends or calls `cluster_map`: a
    model is loaded once a worker, however often it is asked.

    Args:
        make: importable, with what it is given; returns what works on a list of items and yields each with its result,
            such as a model's. An equal one is not made again.
        items: what is worked on; each must survive being sent to another process.
        size: items that a worker gets at once.
        gpus: that a worker needs.
    """
    room, ray = join(gpus), _ray()
    actor = ray.remote(num_cpus=compute().ray.cpus, num_gpus=gpus, max_restarts=0)(_Worker)
    folder, made = os.getcwd(), ray.cloudpickle.dumps(make)
    idle = _STAYING.take(ray, gpus)
    workers = min(room, -(-len(items) // size))
    busy: dict[ObjectRef[Any], Any] = {}

    def start(chunk: Sequence[T]) -> ObjectRef[Any]:
        one = idle.pop() if idle else actor.remote(folder)
        reference: ObjectRef[Any] = one.work.remote(made, list(chunk))
        busy[reference] = one
        return reference

    def done(reference: ObjectRef[Any], of: _Under) -> list[tuple[T, R]]:
        one = busy.pop(reference)
        found = ray.get(reference)  # a worker that died is not put back
        idle.append(one)
        return [(of.items[place], result) for place, result in found]

    chunks = (items[at : at + size] for at in range(0, len(items), size))
    try:
        yield from _spread(ray, lambda: next(chunks, ()), workers, start, done, None, ahead=1)
    finally:
        _STAYING.put(idle)


class _Worker:
    """What a worker keeps: each function that it was asked for, by how it is made."""

    def __init__(self, folder: str) -> None:
        _enter(folder)
        self._made: dict[bytes, Any] = {}

    def lives(self) -> None:
        """Return."""

    def work(self, make: bytes, items: list[Any]) -> list[tuple[int, Any]]:
        """Return the place of each item with its result."""
        if make not in self._made:
            self._made[make] = pickle.loads(make)()
        place = {id(item): number for number, item in enumerate(items)}
        return [(place[id(item)], result) for item, result in self._made[make](items)]


class _Staying:
    """Workers that wait for the next `actor_map` of this process."""

    def __init__(self) -> None:
        self._cluster, self._gpus = ("", ""), 0.0
        self._idle: list[Any] = []

    def take(self, ray: Any, gpus: float) -> list[Any]:
        """Return those that live, which are then the caller's; end the others, and all where they have other `gpus`."""
        self._forget(ray)
        if self._gpus != gpus:
            self.end(ray)
        self._gpus = gpus
        looks = {one.lives.remote(): one for one in self._idle}
        self._idle.clear()
        if looks:
            ray.wait(list(looks), num_returns=len(looks), timeout=_LOOK)
        found = []
        for reference, one in looks.items():
            try:
                ray.get(reference, timeout=0)
            except ray.exceptions.RayError:
                ray.kill(one)  # one that hangs would hold its room
            else:
                found.append(one)
        return found

    def put(self, workers: Iterable[Any]) -> None:
        """Keep workers that have nothing to do."""
        self._idle += workers

    def end(self, ray: Any) -> None:
        """End those that wait."""
        self._forget(ray)
        for one in self._idle:
            ray.kill(one)
        self._idle.clear()

    def _forget(self, ray: Any) -> None:
        """Forget those that ended with a cluster that this process has left."""
        context = ray.get_runtime_context()
        cluster = (context.gcs_address, context.get_job_id())
        if self._cluster != cluster:
            self._idle.clear()
        self._cluster = cluster


_STAYING = _Staying()


class Held:
    """A call that holds GPUs while it runs, in a process of this machine: the GPUs that it sees are its own."""

    def __init__(self, function: Callable[[], int], gpus: float) -> None:
        """Hand it to Ray, which starts it as soon as the GPUs are free; `room_here` comes first.

        Args:
            function: importable, with what it is given; returns an exit status, and is interrupted where it must end.
            gpus: that it holds.
        """
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._ray = _ray()
        here = NodeAffinitySchedulingStrategy(self._ray.get_runtime_context().get_node_id(), soft=False)
        needs = {"num_cpus": compute().ray.cpus, "num_gpus": gpus, "scheduling_strategy": here}
        self._task = self._ray.remote(max_retries=0, **needs)(_call).remote(os.getcwd(), function)
        self._stopped = False

    def poll(self) -> int | None:
        """Return what the function returned, 1 where its process died or it was stopped; None while it works."""
        if not self._ray.wait([self._task], timeout=0)[0]:
            return None
        try:
            code: int = self._ray.get(self._task)
        except self._ray.exceptions.RayError as error:
            if isinstance(error, self._ray.exceptions.RayTaskError) and not self._stopped:
                raise error.cause from None
            return 1
        return code

    def stop(self, hard: bool) -> None:
        """Interrupt it, once, for it may have something to end itself; `hard` kills its process."""
        if hard or not self._stopped:
            self._stopped = True
            self._ray.cancel(self._task, force=hard)


def _call(folder: str, function: Callable[[], R]) -> R:
    _enter(folder)
    return function()


def _spread(
    ray: Any,
    take: Callable[[], Sequence[T]],
    workers: int,
    start: Callable[[Sequence[T]], ObjectRef[Any]],
    done: Callable[[ObjectRef[Any], _Under], list[tuple[T, R]]],
    seconds: float | None,
    ahead: int = _AHEAD,
) -> Iterator[tuple[T, R | Crashed]]:
    """Keep all workers at work until `take` gives nothing; of one whose worker died each item is tried again, alone.

    `done` returns what a chunk gave, and may let `take` give again what its worker left.
    """
    again: list[_Under] = []
    running: dict[ObjectRef[Any], _Under] = {}
    nodes = _alive(ray)
    head = _Head(ray)
    tries = compute().ray.tries
    while True:
        while len(running) < ahead * workers:
            one = again.pop() if again else _Under(take(), 0)
            if not one.items:
                break
            running[start(one.items)] = one
        if not running:
            return
        head.look()
        for reference in ray.wait(list(running), num_returns=1, timeout=_LOOK)[0]:
            of = running.pop(reference)
            try:
                found = done(reference, of)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except ray.exceptions.RayError as error:
                head.look(at_once=True)  # without one Ray would not say who is alive
                living = _alive(ray)
                # Neither of several samples nor of one whose machine went away is it known that it ended the worker.
                tried = of.tries + (len(of.items) == 1 and living == nodes)
                nodes = living
                if tried < tries:
                    again += [_Under([item], tried) for item in of.items]
                else:
                    yield of.items[0], Crashed(_why(error, tries, seconds))
                continue
            yield from found


def _why(error: Exception, tries: int, seconds: float | None) -> str:
    late = f", or it took longer than {seconds:g} s" if seconds is not None else ""
    memory = " for want of memory" if type(error).__name__ == "OutOfMemoryError" else ""
    return f"the process that worked on it died{memory}{late}, {tries} times"


def _work(folder: str, function: Callable[[T], R], items: Sequence[T]) -> tuple[list[R], float]:
    """Return the results of the first items, as many as are done in `_TOGETHER` seconds, and the seconds they took.

    One that takes long thereby keeps back neither what was done before it nor what others could do meanwhile.
    """
    _enter(folder)
    start = time.monotonic()
    results = [function(items[0])]
    for item in items[1:]:
        if time.monotonic() - start >= _TOGETHER:
            break
        results.append(function(item))
    return results, time.monotonic() - start


def _enter(folder: str) -> None:
    """Work where the stage works: paths of tables and params are relative to it."""
    os.chdir(folder)
