"""HDR and wide-gamut recordings come out as the standards' SDR values, the whole way."""

from pathlib import Path

import numpy as np
import pytest

from tests.colour_charts import (
    BT709,
    BT2020,
    DISPLAY_P3,
    HLG,
    MATRIX_601,
    MATRIX_709,
    PQ,
    UNSAID,
    Chart,
    as_stored,
    light_to_pq,
    patches,
    record_chart,
    worth,
)
from tests.decoded_chunks import decode_chunks
from tests.recordings import Recipe, record
from workers.video import VideoError
from workers.video.pictures.colour import Colour
from workers.video.pictures.hdr_formula import sdr_signal
from workers.video.pictures.sdr_tables import _SdrTables
from workers.video.reading.index import read_index

GREYS = [(v, v, v) for v in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0)]
SKIN = [(0.62, 0.53, 0.48), (0.55, 0.45, 0.40), (0.42, 0.33, 0.28), (0.30, 0.22, 0.19)]
COLOURS = [(0.6, 0.3, 0.3), (0.3, 0.6, 0.3), (0.3, 0.3, 0.6), (0.5, 0.5, 0.3), (0.7, 0.7, 0.5)]
PATCHES = [*GREYS, *SKIN, *COLOURS]

CHARTS = {
    "hlg.mp4": Chart(HLG),
    "hlg.mkv": Chart(HLG),
    "hlg_full_range.mov": Chart(HLG, full=True),
    "hlg_12_bit.mp4": Chart(HLG, bits=12),
    "pq.mp4": Chart(PQ),
    "pq.mkv": Chart(PQ, bits=12),
    "primaries_unsaid.mp4": Chart(HLG, UNSAID),
    "matrix_unsaid.mp4": Chart(PQ, matrix=UNSAID),
    "wide_gamut.mp4": Chart(1, BT2020),
    "display_p3.mov": Chart(1, DISPLAY_P3, MATRIX_709),
    "display_p3_601.mov": Chart(1, DISPLAY_P3, MATRIX_601),
}


@pytest.mark.parametrize("name", CHARTS)
def test_patches_are_the_standards_sdr_values(tmp_path: Path, name: str) -> None:
    chart = CHARTS[name]
    path = record_chart(tmp_path / name, PATCHES, chart)

    pictures = decode_chunks(path, read_index(path), 1000)

    for shown, patch in zip(patches(pictures[1], len(PATCHES)), PATCHES, strict=True):
        assert shown == pytest.approx(worth(as_stored(patch, chart), chart), abs=0.005)


def test_a_phones_recording_is_turned_upright_as_well(tmp_path: Path) -> None:
    path = record_chart(tmp_path / "phone.mov", PATCHES, Chart(HLG), rotation=90)
    index = read_index(path)
    assert (index.rotation, index.height) == (90, 32 * len(PATCHES))
    picture = np.rot90(decode_chunks(path, index, 10)[0], 1)
    for shown, patch in zip(patches(picture, len(PATCHES)), PATCHES, strict=True):
        assert shown == pytest.approx(worth(as_stored(patch, Chart(HLG)), Chart(HLG)), abs=0.005)


@pytest.mark.parametrize(
    ("metadata", "peak"),
    [
        ({}, 1000),
        ({"max-cll": "600,200"}, 600),
        (
            {
                "master-display": "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)"
                "L(40000000,50)"
            },
            4000,
        ),
        (
            {
                "master-display": "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)"
                "L(40000000,50)",
                "max-cll": "2000,400",
            },
            2000,
        ),
        ({"max-cll": "80,20"}, 80),
    ],
)
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_pq_is_compressed_from_the_peak_that_the_file_states(
    tmp_path: Path, suffix: str, metadata: dict[str, str], peak: float
) -> None:
    greys = [3 * (light_to_pq(light),) for light in (1, 10, 50, 100, 203, 400, 600, 1000, 3000)]
    path = record_chart(tmp_path / f"pq.{suffix}", greys, Chart(PQ), **metadata)
    index = read_index(path)
    assert index.form.colour == Colour(transfer="pq", primaries="bt2020", peak=peak)
    picture = decode_chunks(path, index, 10)[0]
    for shown, grey in zip(patches(picture, len(greys)), greys, strict=True):
        assert shown == pytest.approx(worth(as_stored(grey, Chart(PQ)), Chart(PQ), peak), abs=0.005)


def test_bt709_pictures_are_not_touched(tmp_path: Path) -> None:
    chart = Chart(1, BT709, MATRIX_709)
    path = record_chart(tmp_path / "sdr.mp4", PATCHES, chart)
    assert read_index(path).form.colour.is_sdr
    picture = decode_chunks(path, read_index(path), 10)[0]
    for shown, patch in zip(patches(picture, len(PATCHES)), PATCHES, strict=True):
        assert shown == pytest.approx(patch, abs=0.012)


@pytest.mark.parametrize(
    "colour",
    [
        Colour(transfer="hlg", primaries="bt2020"),
        Colour(transfer="pq", primaries="bt2020", peak=4000),
        Colour(primaries="display-p3"),
    ],
)
def test_tables_are_within_a_step_of_the_formula(colour: Colour) -> None:
    rgb = np.random.default_rng(7).integers(0, 65_536, (300, 300, 3), dtype=np.uint16)
    expected = 255 * sdr_signal(rgb / 65_535, colour)[..., ::-1]
    shown = _SdrTables.of(colour).bgr(rgb)
    assert np.abs(shown - expected).max() < 1


def test_a_recording_that_changes_to_hdr_on_the_way_is_refused(tmp_path: Path) -> None:
    first = record_chart(tmp_path / "sdr.ts", PATCHES, Chart(1, BT709, MATRIX_709), 20)
    second = record_chart(tmp_path / "hdr.ts", PATCHES, Chart(HLG), 20)
    path = tmp_path / "both.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(VideoError, match="changes between HDR and SDR"):
        decode_chunks(path, read_index(path), 1000)


@pytest.mark.parametrize(
    ("transfer", "kind"), [(8, "linear light"), (9, "logarithms"), (10, "logarithms"), (17, "428")]
)
def test_transfers_that_are_not_for_viewing_are_refused(
    tmp_path: Path, transfer: int, kind: str
) -> None:
    path = record(tmp_path / "log.mkv", Recipe(frames=3, transfer=transfer))
    with pytest.raises(VideoError, match=rf"^log\.mkv: its colours are stored as .*{kind}"):
        read_index(path)


@pytest.mark.parametrize("matrix", ["YCgCo", "bt2020c", "chroma-derived-c", "ICtCp"])
def test_matrices_that_ffmpeg_would_take_for_others_are_refused(
    tmp_path: Path, matrix: str
) -> None:
    options = (("x264-params", f"colormatrix={matrix}"),)
    path = record(tmp_path / "odd.mkv", Recipe(frames=3, options=options))
    with pytest.raises(VideoError, match=r"^odd\.mkv: .*colour matrix \(number \d+ of ITU-T H.273"):
        read_index(path)


def test_dolby_vision_without_a_base_is_refused_and_with_one_is_hlg(tmp_path: Path) -> None:
    for name, chart in (("base.mp4", Chart(HLG)), ("none.mp4", Chart(UNSAID, UNSAID, UNSAID))):
        path = record_chart(tmp_path / name, GREYS, chart)
        path.write_bytes(path.read_bytes().replace(b"hev1", b"dvhe"))
    base = read_index(tmp_path / "base.mp4")
    assert base.form.colour == Colour(transfer="hlg", primaries="bt2020")
    with pytest.raises(VideoError, match=r"^none\.mp4: is Dolby Vision without a base"):
        read_index(tmp_path / "none.mp4")
