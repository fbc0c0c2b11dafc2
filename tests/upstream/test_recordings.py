"""Real recordings the whole way: video, command and numbers, with the published models."""

import csv
import shutil

import av
import cv2
import numpy as np
import pytest

from tests.decoded_chunks import decode_chunks, to_bgr
from tests.ops.command import facemirror
from tests.ops.outputs import Outputs
from tests.shared import shared
from workers.face.mirroring import SIDES
from workers.face.scheme import IBUG68
from workers.face.tracking import FaceTracker
from workers.session.loading import load_models
from workers.video.reading.index import read_index

MEDIA = shared("media")
BROWS, CHIN = list(IBUG68.medial_brows), IBUG68.chin
EDGES = (0, 16)
PFLD = ("--aus", "openface2", "--landmarks", "pfld68")


@pytest.fixture(scope="module")
def outputs(office, published_weights, tmp_path_factory):
    """The mirrored faces of the whole recording."""
    folder = tmp_path_factory.mktemp("moving")
    clip = folder / "talking.wmv"
    shutil.copyfile(office, clip)
    options = ("--weights", published_weights, *PFLD, "--workers", 2)
    done = facemirror("run", clip, "--out", folder, *options)
    assert done.returncode == 0, done.stderr
    return Outputs(folder / "talking")


def ends(points):
    """(n, 2, 2): glabella and chin."""
    return np.stack([points[:, BROWS].mean(axis=1), points[:, CHIN]], axis=1)


def test_real_recordings_are_listed_and_cut_whole(office):
    """Their pictures are those that FFmpeg and OpenCV decode from the whole file."""
    group = MEDIA / "multi_face.avi"
    index = read_index(office)
    assert (index.frame_count, index.width, index.height) == (288, 640, 480)
    assert index.pts[:4] == (9, 73, 137, 201)
    assert [n for n, key in enumerate(index.key_frames) if key] == [*range(0, 288, 15)]
    listed = read_index(group)
    assert [n for n, key in enumerate(listed.key_frames) if key] == [0, 300, 600]
    assert listed.frame_count == 702
    for path, chunk_frames in ((office, 40), (office, 100), (group, 40), (group, 100)):
        index = read_index(path)
        chunks = iter(decode_chunks(path, index, chunk_frames))
        with av.open(str(path), options={"fflags": "+genpts"}) as container:
            for place, frame in enumerate(container.decode(container.streams.video[0])):
                assert frame.pts == index.pts[place]
                assert np.array_equal(next(chunks), to_bgr(frame))
        assert next(chunks, "end") == "end"
    pictures = decode_chunks(office, read_index(office), 100)
    for frame in (0, 40, 80, 120, 160, 200):
        golden = cv2.imread(str(shared("oracle", "frames", f"default_{frame:04d}.png")))
        assert np.array_equal(pictures[frame], golden)


def test_from_pixels_it_agrees_with_openface(office, outputs, published_weights, tmp_path):
    """Its landmarks there, PFLD's here. The README has these numbers, and why AU23 is low."""
    options = ("--weights", published_weights, *PFLD, "--faces", "original")
    done = facemirror("run", office, "--out", tmp_path, *options)
    assert done.returncode == 0, done.stderr
    assert Outputs(tmp_path / "default").run["weights_are_official"] is True
    with (tmp_path / "default" / "default.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    golden = np.load(shared("openface2", "golden", "default_own_raw.npz"))
    names = [str(name) for name in golden["au_r_names"]]
    ours = np.array([[float(row[f"{name}_r"]) for name in names] for row in rows])
    theirs = golden["au_r"]
    alive = [i for i in range(len(names)) if theirs[:, i].std() > 0.1]
    found = {names[i]: np.corrcoef(ours[:, i], theirs[:, i])[0, 1] for i in alive}
    assert np.median(list(found.values())) >= 0.75
    assert {name for name, value in found.items() if not value >= 0.5} <= {"AU23"}
    agreeing = [
        np.mean([int(row[f"{name}_c"]) for row in rows] == golden["au_c"][:, i])
        for i, name in enumerate(str(name) for name in golden["au_c_names"])
    ]
    assert np.mean(agreeing) > 0.85
    smiles = [np.array([float(row["AU12_r"]) for row in outputs.rows(side)]) for side in SIDES]
    filmed = np.array([float(row["AU12_r"]) for row in rows])
    for mirrored in smiles:
        assert np.corrcoef(filmed, mirrored)[0, 1] > 0.8
    assert np.corrcoef(*smiles)[0, 1] > 0.8
    assert np.abs(smiles[0] - smiles[1]).mean() > 0.01


def test_the_mirror_is_on_the_face_of_a_person_who_moves(outputs, published_weights, tmp_path):
    check_left_minus_right(outputs)
    models = load_models(published_weights, "cpu", "pfld68", "openface2", tmp_path)
    check_symmetry(outputs, models)


def check_left_minus_right(outputs):
    """It follows the face and not the head."""
    left, right = (outputs.aus(side) for side in SIDES)
    given = ~np.isnan(left).all(axis=0)
    apart = (left - right)[:, given]
    bridge = outputs.landmarks()[:, 27:31].mean(axis=1)
    step = np.concatenate([[[0.0, 0.0]], np.diff(bridge, axis=0)])
    speed = np.hypot(*step.T)
    fast, calm = speed >= np.quantile(speed, 0.85), speed <= np.median(speed)
    assert np.abs(apart[fast]).mean() <= 1.2 * np.abs(apart[calm]).mean()
    moving = apart[:, apart.std(axis=0) > 0]
    for course in (step[:, 0], speed):
        agreement = [abs(np.corrcoef(column, course)[0, 1]) for column in moving.T]
        assert np.median(agreement) < 0.12


def check_symmetry(outputs, models):
    """About the line where a face was mirrored: found anew in the mirrored pictures within 2 % of
    the face's width, in 99 % of frames."""
    points = outputs.landmarks()
    width = np.hypot(*(points[:, EDGES[1]] - points[:, EDGES[0]]).T)
    put = ends(points)
    along = (put[:, 1] - put[:, 0]) / np.linalg.norm(put[:, 1] - put[:, 0], axis=1)[:, None]
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1)
    for side in SIDES:
        tracker = FaceTracker(models.seeker, models.verifier, models.landmarker)
        pictures = outputs.video(f"{side}_mirrored")[1]
        faces = [tracker.step(i, shot).face for i, shot in enumerate(pictures)]
        assert all(faces)
        found = ends(np.stack([face.points for face in faces if face]))
        off = np.abs(np.einsum("nec,nc->ne", found - put[:, :1], normal)).max(axis=1) / width
        assert np.quantile(off, 0.99) < 0.02
