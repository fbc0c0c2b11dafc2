"""Real recordings the whole way: video, command and numbers, with the published models."""

import csv

import av
import cv2
import numpy as np
import pytest

from tests.decoded_chunks import decode_chunks, to_bgr
from tests.faces import filmed, pictures
from tests.ops.command import facemirror
from tests.ops.outputs import Outputs
from tests.shared import shared
from workers.face.eyes import au45
from workers.face.mirroring import SIDES
from workers.face.scheme import IBUG68
from workers.face.tracking import FaceTracker
from workers.session.backends import CPU
from workers.session.loading import load_models
from workers.video.reading.index import read_index

MEDIA = shared("media")
BROWS, CHIN = list(IBUG68.medial_brows), IBUG68.chin
EDGES = (0, 16)
PFLD = ("--landmarks", "pfld68")


@pytest.fixture(scope="module")
def run(published_weights, tmp_path_factory):
    """Runs the command with OpenFace 2's AUs; returns the outputs of one recording."""

    def run_it(recording, *options):
        out = tmp_path_factory.mktemp("out")
        fixed = ("--out", out, "--weights", published_weights, "--aus", "openface2")
        done = facemirror("run", recording, *fixed, *options)
        assert done.returncode == 0, done.stderr
        return Outputs(out / recording.stem)

    return run_it


@pytest.fixture(scope="module")
def outputs(office, run):
    """The mirrored faces of the whole recording, by PFLD's landmarks."""
    return run(office, *PFLD, "--workers", 2)


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


def test_from_pixels_it_agrees_with_openface(office, run):
    """As closely as OpenFace with itself from landmarks less than 1 px off. The README has these
    numbers."""
    made = run(office, "--faces", "original")
    assert made.run["weights_are_official"] is True
    with (made.folder / "default.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    check_agreement(rows)
    check_shape_and_place(rows)
    check_clinical_measures(made)
    filmed_smile = np.array([float(row["AU12_r"]) for row in rows])
    mirrored = run(office, "--chunk-frames", 100)
    smiles = [np.array([float(row["AU12_r"]) for row in mirrored.rows(side)]) for side in SIDES]
    for smile in smiles:
        assert np.corrcoef(filmed_smile, smile)[0, 1] > 0.8
    assert np.corrcoef(*smiles)[0, 1] > 0.8
    assert np.abs(smiles[0] - smiles[1]).mean() > 0.01


def check_agreement(rows):
    golden = np.load(shared("openface2", "golden", "default_own_raw.npz"))
    shaken = np.load(shared("openface2", "golden", "default_jitter_raw.npz"))
    names = [str(name) for name in golden["au_r_names"]]
    ours = np.array([[float(row[f"{name}_r"]) for name in names] for row in rows])
    theirs = golden["au_r"]
    found = [np.corrcoef(ours[:, i], theirs[:, i])[0, 1] for i in range(len(names))]
    assert np.median(found) >= 0.995
    assert np.min(found) >= 0.98
    assert np.abs(ours - theirs).mean() <= 2 * np.abs(shaken["au_r"] - theirs).mean()
    agreeing = [
        np.mean([int(row[f"{name}_c"]) for row in rows] == golden["au_c"][:, i])
        for i, name in enumerate(str(name) for name in golden["au_c_names"])
    ]
    assert np.mean(agreeing) >= 0.98


def check_shape_and_place(rows):
    """With OpenFace's own names; certainty, pose and shape are what its program says."""
    golden = np.load(shared("openface2", "landmarks", "golden", "default_continuous.npz"))

    def column(name):
        return np.array([float(row[name]) for row in rows])

    assert np.median(np.abs(column("confidence") - golden["confidence"])) < 1e-3
    assert {row["success"] for row in rows} == {"1"}
    for i, name in enumerate(("p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty")):
        apart = np.abs(column(name) - golden["params_global"][:, i])
        assert np.median(apart) < 0.02, name
    points = np.stack(
        [np.stack([column(f"{axis}_{i}") for axis in "xy"], axis=1) for i in range(68)], axis=1
    )
    assert np.median(np.linalg.norm(points - golden["landmarks"], axis=2)) < 0.05
    # By its guess of the camera (a focal length of 500 px at 640 x 480) the face is near a desk.
    assert 300 < np.median(column("pose_Tz")) < 1500
    assert np.abs(column("pose_Rz") - golden["params_global"][:, 3]).max() < 0.1


def check_clinical_measures(original):
    """Irises of 14 px; it blinks four times. It is never quite at rest: it begins to speak."""
    told = original.run["measures"]
    assert told["ruler"]["unit"] == "mm"
    assert told["ruler"]["spread"] <= 0.05
    assert told["ruler"]["frames"] > 250
    assert told["ruler"]["pupils_apart"] == pytest.approx(62, abs=2)
    assert told["warnings"] == []
    assert told["shut_eyes"] == [5, 4]
    noise = told["rest"]["noise"]
    for side in ("left", "right"):
        assert noise[f"{side}_commissure_excursion_mm"] < 0.4
        for name in (
            *("palpebral_fissure_height", "brow_height"),
            *("marginal_reflex_distance_1", "marginal_reflex_distance_2"),
        ):
            assert noise[f"{side}_{name}_mm"] < 0.2
    with (original.folder / "default_measures.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 288
    assert {row["empty_because"] for row in rows} == {""}
    still = slice(*np.searchsorted([float(row["timestamp"]) for row in rows], (10.3, 11.3)))
    for side in ("left", "right"):
        fissure = np.array([float(row[f"{side}_palpebral_fissure_height_mm"]) for row in rows])
        excursion = np.array([float(row[f"{side}_commissure_excursion_mm"]) for row in rows])
        assert max(fissure[still].std(ddof=1), excursion[still].std(ddof=1)) < 0.3
        for blink in (19, 79, 250, 282):
            assert fissure[blink] < 0.1
            assert rows[blink][f"{side}_eye_shut"] == rows[blink][f"{side}_iris_inferred"] == "1"
            assert fissure[[blink - 3, blink + 4]].min() > 6.0
        assert (fissure < 3.0).sum() <= 5


def test_cuts_and_pictures_of_all_sizes_are_followed(office, run, tmp_path):
    """The smallest have faces that the tracker's finest parts cannot see."""
    shots, others = pictures(office, 21), pictures(MEDIA / "multi_face.avi", 21)
    scenes = [shots[:7], others[:7], shots[7:14], others[7:14], shots[14:], others[14:]]
    clip = filmed(tmp_path / "cuts.mp4", [shot for scene in scenes for shot in scene])
    followed, quick = (run(clip, "--faces", "original", *more).landmarks() for more in ((), PFLD))
    width = np.linalg.norm(quick[:, 16] - quick[:, 0], axis=1)
    assert np.isfinite(followed).all()
    apart = np.linalg.norm(followed - quick, axis=2).mean(axis=1)
    assert (apart / width).max() < 0.08  # another face would be elsewhere
    as_filmed = run(filmed(tmp_path / "as_filmed.mp4", shots[:4]), "--faces", "original")
    points = as_filmed.landmarks()
    for size in ((176, 144), (3840, 2160)):
        resized = [cv2.resize(shot, size, interpolation=cv2.INTER_AREA) for shot in shots[:4]]
        made = run(filmed(tmp_path / f"{size[0]}.mp4", resized), "--faces", "original")
        stretch = np.array(size) / shots[0].shape[1::-1]
        apart = np.linalg.norm(made.landmarks() / stretch - points, axis=2).mean(axis=1)
        assert (apart / width[:4]).max() < 0.03, size


def test_the_mirror_is_on_the_face_of_a_person_who_moves(outputs, published_weights, tmp_path):
    check_left_minus_right(outputs)
    models = load_models(published_weights, CPU, "pfld68", "openface2", tmp_path)
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


def test_the_fast_way_measures_a_talking_persons_blinks_and_aus_as_the_exact_one(
    office, run, outputs
):
    fast = run(office, *PFLD, "--fast", "--workers", 2)
    assert fast.run["counts"]["followed"] > 0.7 * 288
    there, here = outputs.landmarks(), fast.landmarks()
    apart = np.linalg.norm(here - there, axis=2)
    assert apart.mean() < 1.0
    assert np.percentile(apart, 99) < 3.0
    for side in SIDES:
        exact, followed = outputs.aus(side), fast.aus(side)
        given = np.isfinite(exact).all(axis=0)
        assert given.sum() == 17
        assert np.abs(exact - followed)[:, given].mean(axis=0).max() < 0.1 * 5
        closure = np.array([[au45(p, IBUG68, side) for p in points] for points in (there, here)])
        peaks = [i for i in range(3, 285) if closure[0, i - 3 : i + 4].argmax() == 3]
        blinks = [i for i in peaks if closure[0, i] >= 1.0]
        assert len(blinks) > 4
        for i in blinks:
            assert abs(closure[1, i - 2 : i + 3].max() - closure[0, i]) < 0.5
