"""What goes through the private Redis of a run."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import redis


@dataclass(frozen=True, slots=True)
class Traffic:
    """commands: that Redis has done; reads: how often it read from a connection, which is once a
    round trip and more often for large values; received, sent: bytes."""

    commands: int = 0
    reads: int = 0
    received: int = 0
    sent: int = 0


class TrafficWatch:
    """Asks the one Redis whose socket lies below a folder, once it is there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._client: redis.Redis | None = None
        self.last = Traffic()

    def look(self) -> None:
        """Bring `last` up to date, if Redis answers."""
        with suppress(redis.RedisError, StopIteration):
            if self._client is None:
                socket = next(self._folder.glob("*/redis.sock"))
                self._client = redis.Redis(unix_socket_path=str(socket))
            told = self._client.info("stats")
            self.last = Traffic(
                commands=int(told["total_commands_processed"]),
                reads=int(told.get("total_reads_processed", 0)),
                received=int(told["total_net_input_bytes"]),
                sent=int(told["total_net_output_bytes"]),
            )
