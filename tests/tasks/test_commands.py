"""How often Redis is asked, and what for: real workers, a simulated session."""

import time
from dataclasses import replace

from tests.recordings import Recipe, record
from workers.session.backends import SIMULATED_BACKEND

CHUNKS, CHUNK_FRAMES = 24, 20
MOST_A_CHUNK = 80


def calls(client) -> dict[str, int]:
    """Commands that Redis was ever sent, by name, those that ask for this left out."""
    told = client.info("commandstats")
    return {name: one["calls"] for name, one in told.items() if name != "cmdstat_info"}


def test_a_chunk_takes_few_commands_and_nobody_subscribes_to_results_simulated(lab, tmp_path):
    """From feed to the disk, Celery's own and all that is done once a recording among them; the
    dispatcher, which asks by the clock, left out."""
    options = (("g", str(CHUNK_FRAMES)),)
    film = record(tmp_path / "r.mp4", Recipe(frames=CHUNKS * CHUNK_FRAMES, options=options))
    quick = replace(
        lab.configuration,
        backend=SIMULATED_BACKEND,
        simulated_seconds=0.005,
        lease_seconds=60.0,
    )
    lab = replace(lab, configuration=quick)
    with lab.workers(1) as workers:
        first = lab.submit(film, chunk_frames=CHUNK_FRAMES, provider="simulated")
        assert lab.wait(first, workers).status == "done"  # all is imported and connected
        before, asked = calls(lab.client), 0
        sent = lab.submit(film, chunk_frames=CHUNK_FRAMES, provider="simulated")
        while sent.store.outcome() is None:
            own = sum(calls(lab.client).values())
            lab.dispatcher.step()
            asked += sum(calls(lab.client).values()) - own
            workers.tend()
            time.sleep(0.2)
        after = calls(lab.client)
    spent = {name: count - before.get(name, 0) for name, count in after.items()}
    assert spent.get("cmdstat_subscribe", 0) == 0
    assert 20 < (sum(spent.values()) - asked) / CHUNKS < MOST_A_CHUNK
