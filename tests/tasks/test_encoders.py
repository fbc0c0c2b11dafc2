"""One recording, one encoder."""

from dataclasses import replace

import av
import pytest

from tests.ops.outputs import Outputs
from workers.video.writing.encoders import CODECS

LACKS_HARDWARE = pytest.mark.skipif(
    CODECS["videotoolbox"] in av.codec.codecs_available, reason="this FFmpeg has VideoToolbox"
)


@pytest.fixture
def lab_of_macs(lab):
    """Its workers were told that their encoder is VideoToolbox."""
    return replace(lab, configuration=replace(lab.configuration, encoder="videotoolbox"))


@LACKS_HARDWARE
def test_a_worker_encodes_with_what_it_was_told(lab_of_macs, face_clip):
    with lab_of_macs.workers(1) as workers:
        submission = lab_of_macs.submit(face_clip, chunk_frames=20)
        outcome = lab_of_macs.wait(submission, workers)
    assert outcome.status == "failed"
    assert "cannot encode with h264_videotoolbox" in outcome.reason


@LACKS_HARDWARE
def test_where_arithmetics_may_be_mixed_every_machine_writes_what_can_be_joined(
    lab_of_macs, face_clip
):
    with lab_of_macs.workers(1) as workers:
        submission = lab_of_macs.submit(face_clip, chunk_frames=20, mix_providers=True)
        outcome = lab_of_macs.wait(submission, workers)
    assert outcome.status == "done", outcome.reason
    assert Outputs(lab_of_macs.out / face_clip.stem).run["encoder"] == "x264"
