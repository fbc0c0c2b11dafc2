"""What Prometheus can ask the server: frames, chunks, recordings, bytes held on Redis."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ops.errors import UsageError

STATES = ("waiting", "running", "done", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabFigures:
    """The lab at one moment.

    frames_done: analysed since ever, so it must never fall; chunks_waiting by queue;
    chunks_running by worker; recordings by state, STATES at least; held_bytes: of chunks and their
    results on Redis; budget_bytes: how many there may be; server_on: whether the server's main loop
    goes round, which these figures are not read in.
    """

    frames_done: int
    chunks_waiting: Mapping[str, int] = field(default_factory=dict)
    chunks_running: Mapping[str, int] = field(default_factory=dict)
    recordings: Mapping[str, int] = field(default_factory=dict)
    held_bytes: int
    budget_bytes: int
    server_on: bool


class LabCollector(Collector):
    """Reads the figures whenever it is asked, and never in between."""

    def __init__(self, read: Callable[[], LabFigures]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """No metric beforehand, so that nothing is read before the first scrape."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The figures as metrics. What `read` raises fails the scrape, not the server."""
        figures = self._read()
        yield CounterMetricFamily(
            "facemirror_frames_done", "Frames analysed.", value=figures.frames_done
        )
        yield _by_label(
            "facemirror_chunks_waiting", "Chunks in a queue.", "queue", figures.chunks_waiting
        )
        yield _by_label(
            "facemirror_chunks_running", "Chunks in work.", "worker", figures.chunks_running
        )
        recordings = {**dict.fromkeys(STATES, 0), **figures.recordings}
        yield _by_label("facemirror_recordings", "Recordings.", "state", recordings)
        yield GaugeMetricFamily(
            "facemirror_redis_held_bytes",
            "Bytes of chunks and results on Redis.",
            value=figures.held_bytes,
        )
        yield GaugeMetricFamily(
            "facemirror_redis_budget_bytes",
            "Bytes of chunks and results that may be on Redis.",
            value=figures.budget_bytes,
        )
        yield GaugeMetricFamily(
            "facemirror_server_on",
            "1 while the server's main loop goes round.",
            value=int(figures.server_on),
        )


def serve(address: str, port: int, read: Callable[[], LabFigures]) -> None:
    """Answer scrapes at http://ADDRESS:PORT/metrics in threads that end with the process.

    read: called in such a thread for every scrape, perhaps in two at a time. Raises UsageError
    where the address cannot be used.
    """
    registry = CollectorRegistry()
    registry.register(LabCollector(read))
    try:
        start_http_server(port, address, registry)
    except OSError as error:
        raise UsageError(
            f"cannot listen on {address}, port {port} ({error.strerror or error}): choose another "
            "--metrics ADDRESS:PORT"
        ) from error


def parse_address(text: str) -> tuple[str, int]:
    """The address and port in `ADDRESS:PORT`. Raises UsageError."""
    address, _, port = text.rpartition(":")
    if not address or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise UsageError(f"'{text}' is no address and port: type one such as 127.0.0.1:9540")
    return address.strip("[]"), int(port)


def _by_label(
    name: str, explanation: str, label: str, values: Mapping[str, int]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, explanation, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family
