"""OpenFace 2's AUs are made with the workers' own models, from evidence only."""

import shutil

import pytest

from tasks.messages import ModelSum, RunSettings
from tasks.outputs.au_tables import au_tables, predicted
from weights.manifest import WeightsError, verify_model
from workers.aus.occurrence_scores import OccurrenceScores
from workers.aus.openface2.models import open_openface2
from workers.chunk.order import AnalysisSettings, ChunkOrder
from workers.chunk.rows import ChunkRows, ChunkRowsBuilder
from workers.chunk.simulation import simulate_chunk

SETTINGS = RunSettings(analysis=AnalysisSettings(landmarks="pfld68", aus="openface2"))


@pytest.fixture
def weights(phantom_weights, tmp_path):
    """A weights folder with OpenFace 2's AU models."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in ("weights.json", "openface2_aus.zip"):
        shutil.copyfile(phantom_weights / name, folder / name)
    return folder


def open_tables(weights, sha256, folder):
    models = (ModelSum("openface2_aus", "openface2_aus.zip", sha256),)
    with au_tables(SETTINGS, models, weights, lambda: [], folder / "smile") as tables:
        return tables.sources


def test_the_models_of_the_workers_are_taken(weights, tmp_path):
    sources = open_tables(weights, verify_model(weights, "openface2_aus").sha256, tmp_path)
    assert len(sources) == 18
    assert (tmp_path / "smile_left_mirrored.csv").read_text().startswith("frame,face_id,")


def test_other_models_than_the_workers_are_refused(weights, tmp_path):
    with pytest.raises(WeightsError, match="is not the file that the workers have"):
        open_tables(weights, "0" * 64, tmp_path)


def test_missing_models_are_named(weights, tmp_path):
    (weights / "openface2_aus.zip").unlink()
    with pytest.raises(WeightsError, match=r"openface2_aus\.zip is missing"):
        open_tables(weights, "0" * 64, tmp_path)


def test_chunks_that_were_analysed_for_other_aus_are_refused(weights):
    builder = ChunkRowsBuilder(1, 68, OccurrenceScores.of_no_face())
    builder.add(None, decoded=True, faces=0)
    models = open_openface2(weights / "openface2_aus.zip")
    with pytest.raises(TypeError, match="has OccurrenceScores, not evidence"):
        predicted(models, 2, [builder.finish()])


@pytest.mark.parametrize(("faces", "count"), [("mirrored", 2), ("original", 1)])
def test_a_simulated_chunk_has_nobody_in_it(faces, count, weights):
    order = ChunkOrder(
        recording="x",
        start=0,
        stop=5,
        first=0,
        pts=(0, 1, 2, 3, 4),
        numerator=1,
        denominator=30,
        width=64,
        height=48,
        rotation=0,
        settings=AnalysisSettings(landmarks="pfld68", aus="openface2", faces=faces),
    )
    made = simulate_chunk(order, 0.0, lambda _: None)
    rows = ChunkRows.from_bytes(made.rows.to_bytes())
    models = open_openface2(weights / "openface2_aus.zip")
    aus = predicted(models, count, [rows])
    assert [one.intensities.shape for one in aus] == [(5, 17)] * count
    assert not any(one.intensities.any() or one.presences.any() for one in aus)
    assert sorted(made.segments) == (["left", "right"] if faces == "mirrored" else [])
