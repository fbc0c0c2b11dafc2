"""Running a stage in its own thread, so that decoding, inference and encoding overlap.

PyAV, OpenCV and ONNX Runtime release Python's lock while they work. Each stage stays in order and
holds at most `depth` items, so memory is bounded and nothing depends on thread timing.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")

QUEUED_BYTES = 50 << 20
MOST_QUEUED = 8


def depth_for(item_bytes: int) -> int:
    """How many items of a size may wait between two stages: few large ones, some small ones."""
    return max(1, min(MOST_QUEUED, QUEUED_BYTES // item_bytes))


class _End:
    """Marks the end of a queue, with the error that ended it if there was one."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def prefetched(items: Iterable[T], depth: int) -> Iterator[T]:
    """The items, produced up to `depth` ahead in another thread; its errors are raised here."""
    waiting: queue.Queue[T | _End] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def put(item: T | _End) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for item in items:
                if not put(item):
                    return
        except Exception as error:
            put(_End(error))
        else:
            put(_End())

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item = waiting.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stopped.set()
        thread.join()


class InBackground(Generic[T]):
    """Calls a function with each item handed over, in order, in another thread.

    Use as a context manager: leaving it waits until all items were handled. An error of the
    function is raised at the next `put` or on leaving.
    """

    def __init__(self, handle: Callable[[T], None], depth: int) -> None:
        self._handle = handle
        self._waiting: queue.Queue[T | _End] = queue.Queue(maxsize=depth)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)

    def put(self, item: T) -> None:
        """Hand over an item; blocks while `depth` items wait."""
        if self._error is not None:
            raise self._error
        self._waiting.put(item)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._waiting.put(_End())
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def _run(self) -> None:
        while not isinstance(item := self._waiting.get(), _End):
            if self._error is None:
                try:
                    self._handle(item)
                except Exception as error:
                    self._error = error
