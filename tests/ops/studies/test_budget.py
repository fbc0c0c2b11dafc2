"""Redis holds no more than it may, however large a recording is."""

import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.ops.outputs import Outputs
from tests.ops.studies.simulated import SIMULATED, start_simulated


def write_heavy(path: Path, frames: int) -> Path:
    """A recording of noise: some 85 KB a frame, each a key frame."""
    draw = np.random.default_rng(1)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mjpeg", rate=30, options={"qmin": "8", "qmax": "8"})
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuvj420p"
        noise = [
            av.VideoFrame.from_ndarray(
                draw.integers(0, 255, (360, 480, 3), dtype=np.uint8), format="bgr24"
            ).reformat(format="yuvj420p")
            for _ in range(3)
        ]
        for n in range(frames):
            frame = noise[n % 3]
            frame.pts, frame.time_base = n, Fraction(1, 30)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


BYTES_KEPT = """
local bytes = 0
for _, key in ipairs(redis.call('KEYS', 'facemirror*')) do
    bytes = bytes + redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0)
end
return bytes
"""
"""In one moment. What Redis allocates in all would not do: it counts what is being sent, up to a
chunk for each connection, and before its version 7 some 10 MiB while it rewrites its log."""


def test_a_recording_of_twenty_budgets_goes_through_within_the_budget_simulated(lab, tmp_path):
    budget = 16 << 20
    heavy = write_heavy(tmp_path / "heavy.avi", 4200)
    assert heavy.stat().st_size >= 20 * budget
    lab.start("server", "server", "--redis-budget", "16MiB")
    start_simulated(lab, workers=4)
    lab.wait_for_workers(5)
    most = [0]
    ended = threading.Event()

    def sample():
        client = lab.client
        while not ended.wait(0.25):
            most[0] = max(most[0], client.eval(BYTES_KEPT, 0))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        study = lab.submit(heavy, "--out", tmp_path / "out", *SIMULATED)
        status = lab.wait_for(study, 200)
    finally:
        ended.set()
        sampler.join()
    assert [r["state"] for r in status["recordings"]] == ["done"], status
    assert len(Outputs(tmp_path / "out" / "heavy").rows("left")) == 4200
    assert budget / 4 < most[0] <= 1.01 * budget  # of names, lists and messages
    assert lab.client.hlen("facemirror:held") == 0
