"""The server's own metrics, scraped over HTTP as Prometheus does."""

import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ops.errors import UsageError
from ops.lab.figures import read_figures
from ops.lab.metrics import LabFigures, parse_address, serve
from tests.ops.one_machine_lab import end, free_port, wait_until
from tests.recordings import Recipe, record


def scrape(port: int) -> dict[tuple[str, str], float]:
    """Each sample by its name and the value of its label, '' without one."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {
            (sample.name, "".join(sample.labels.values())): sample.value
            for family in families
            for sample in family.samples
        }


def test_every_scrape_tells_the_figures_of_the_moment():
    port, frames = free_port(), iter((1200, 1300))

    def read() -> LabFigures:
        return LabFigures(
            frames_done=next(frames),
            chunks_waiting={"facemirror.analyze.0a1b2c3d.any": 7},
            chunks_running={"facemirror@mac-3": 1},
            recordings={"done": 3, "failed": 1},
            held_bytes=5_000_000,
            budget_bytes=1 << 30,
            server_on=True,
        )

    serve("127.0.0.1", port, read)
    assert scrape(port) == {
        ("facemirror_frames_done_total", ""): 1200,
        ("facemirror_chunks_waiting", "facemirror.analyze.0a1b2c3d.any"): 7,
        ("facemirror_chunks_running", "facemirror@mac-3"): 1,
        ("facemirror_recordings", "waiting"): 0,
        ("facemirror_recordings", "running"): 0,
        ("facemirror_recordings", "done"): 3,
        ("facemirror_recordings", "failed"): 1,
        ("facemirror_redis_held_bytes", ""): 5_000_000,
        ("facemirror_redis_budget_bytes", ""): 1 << 30,
        ("facemirror_server_on", ""): 1,
    }
    assert scrape(port)["facemirror_frames_done_total", ""] == 1300


def test_figures_that_cannot_be_read_fail_one_scrape_and_no_more(capfd):
    port, silent = free_port(), iter((True, False))

    def read() -> LabFigures:
        if next(silent):
            raise ConnectionError("Redis is being started anew")
        return LabFigures(frames_done=5, held_bytes=0, budget_bytes=1, server_on=True)

    serve("127.0.0.1", port, read)
    with pytest.raises(urllib.error.HTTPError) as failed:
        scrape(port)
    failed.value.close()
    assert failed.value.code == 500
    assert scrape(port)["facemirror_frames_done_total", ""] == 5


def test_a_port_that_is_taken_is_said():
    port = free_port()

    def read() -> LabFigures:
        return LabFigures(frames_done=0, held_bytes=0, budget_bytes=1, server_on=True)

    serve("127.0.0.1", port, read)
    with pytest.raises(UsageError, match=f"port {port} .*choose another"):
        serve("127.0.0.1", port, read)
    with pytest.raises(UsageError, match="cannot listen on nowhere"):
        serve("nowhere.invalid", port, read)


def test_the_server_answers_prometheus_while_it_works_simulated(lab, tmp_path):
    record(tmp_path / "a.mp4", Recipe(frames=60))
    port = free_port()
    lab.start("server", "server", "--metrics", f"127.0.0.1:{port}")
    lab.start("worker", "worker", "--provider", "simulated", "--name", "mac-3")
    lab.wait_for(
        lab.submit(tmp_path / "a.mp4", "--out", tmp_path / "out", "--provider", "simulated")
    )
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        said = answer.read().decode()
    assert "facemirror_frames_done_total 60.0" in said
    assert 'facemirror_recordings{state="done"} 1.0' in said
    assert 'facemirror_chunks_running{worker="facemirror@mac-3"} 0.0' in said
    assert "facemirror_redis_held_bytes 0.0" in said
    assert "facemirror_redis_budget_bytes 1.073741824e+09" in said


def test_what_waits_is_counted_while_it_waits_simulated(lab, tmp_path):
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    for name in ("a", "b", "c"):
        record(recordings / f"{name}.mp4", Recipe(frames=120, options=(("g", "10"),)))
    lab.submit(recordings, "--out", tmp_path / "out", "--provider", "simulated")
    assert read_figures(lab.client, 1).recordings["waiting"] == 3

    port = free_port()
    server = lab.start("server", "server", "--metrics", f"127.0.0.1:{port}")
    wait_until(lambda: answers(port), 60, lab.logs)

    def waiting() -> dict[str, float]:
        return {label: n for (name, label), n in scrape(port).items() if "chunks_waiting" in name}

    # Too slow to finish a chunk: what waits behind it stays.
    slow = ("--simulated-seconds", 60, "--workers", 1, "--name", "mac-3")
    worker = lab.start("worker", "worker", "--provider", "simulated", *slow)
    running = ("facemirror_chunks_running", "facemirror@mac-3")
    wait_until(lambda: scrape(port).get(running) and sum(waiting().values()), 60, lab.logs)
    wait_until(lambda: waiting() == on_queues(lab.client, waiting()), 30, lab.logs)
    assert sum(waiting().values()) >= 1

    end(worker)
    wait_until(lambda: running not in scrape(port), 60, lab.logs)
    wait_until(lambda: waiting() == on_queues(lab.client, waiting()), 30, lab.logs)
    assert sum(waiting().values()) >= 2  # nobody reads them, and the one in hand came back
    assert scrape(port)["facemirror_server_on", ""] == 1
    server.kill()
    wait_until(lambda: not read_figures(lab.client, 1).server_on, 30, lab.logs)


def answers(port: int) -> bool:
    """Whether the server's metrics can be scraped."""
    try:
        return bool(scrape(port))
    except urllib.error.URLError:
        return False


def on_queues(client, names) -> dict[str, float]:
    """How many messages lie in Redis's lists for each queue, of all priorities."""
    lists = [key.decode() for key in client.scan_iter("facemirror.*", _type="list")]
    return {
        name: sum(client.llen(key) for key in lists if key.split("\x06")[0] == name)
        for name in names
    }


@pytest.mark.parametrize("text", ["9540", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000"])
def test_an_address_without_a_port_is_refused(text):
    with pytest.raises(UsageError, match="type one such as"):
        parse_address(text)
