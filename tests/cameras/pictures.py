"""Pictures that need more than decoding: oblong pixels, HDR, fields."""

from fractions import Fraction
from functools import partial
from pathlib import Path

from av.codec.context import Flags

from tests.cameras.case import BFRAMES, FRAMES, GROUPS, Case, Cases
from tests.colour_charts import DISPLAY_P3, HLG, MATRIX_709, PQ, UNSAID, Chart, record_chart
from tests.field_pairs import record_field_pairs
from tests.recordings import Recipe, record

CHART = [(v, v, v) for v in (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0)] + [
    (0.62, 0.53, 0.48),
    (0.42, 0.33, 0.28),
    (0.6, 0.3, 0.3),
    (0.3, 0.6, 0.3),
    (0.3, 0.3, 0.6),
]


def pixels() -> list[Case]:
    made = Cases("Pixels that are not square")
    hdv = {"width": 144, "height": 108, "pixel_aspect": Fraction(4, 3)}
    pal = {"width": 144, "height": 115, "pixel_aspect": Fraction(64, 45)}
    made.encoded("HDV, 1440 x 1080 with 4:3 pixels", "libx264", "mp4 yuv420p H.264", **hdv)
    made.encoded("HDV, 1440 x 1080 with 4:3 pixels", "mpeg2video", "ts yuv420p MPEG-2", **hdv)
    made.encoded("PAL 16:9 (64:45)", "mpeg4", "avi yuv420p MPEG-4", **pal)
    made.encoded(
        "NTSC 4:3 (8:9)",
        "libx264",
        "mov yuv420p H.264",
        width=144,
        height=96,
        pixel_aspect=Fraction(8, 9),
    )
    turned = {**hdv, "width": 108, "height": 144, "rotation": 90}
    made.encoded("4:3 pixels in a turned recording", "libx264", "mp4 yuv420p H.264", **turned)
    absurd = Recipe(frames=FRAMES, pixel_aspect=Fraction(9))
    made.add(
        "Absurd (9:1)",
        "MP4 H.264",
        "mp4",
        partial(record, recipe=absurd),
        refused="says that its pixels are 9 times as wide as high",
    )
    return made.cases


def colours() -> list[Case]:
    made = Cases("Colours")
    charts = {
        "HLG, BT.2020 (phones)": ("mov", Chart(HLG)),
        "PQ, BT.2020 (HDR10)": ("mp4", Chart(PQ)),
        "SDR, BT.2020": ("mp4", Chart(1)),
        "SDR, Display P3": ("mov", Chart(1, DISPLAY_P3, MATRIX_709)),
    }
    for row, (suffix, chart) in charts.items():
        make = partial(record_chart, colours=CHART, chart=chart, frames=FRAMES, keyint=12)
        made.add(row, f"{suffix.upper()} HEVC 10 bit", suffix, make, chart=chart)
    turned = partial(
        record_chart, colours=CHART, chart=Chart(HLG), frames=FRAMES, keyint=12, rotation=90
    )
    made.add("HLG in a turned recording", "MOV HEVC 10 bit", "mov", turned)
    made.encoded(
        "BT.709 and BT.601, limited and full range",
        "libx264",
        "mp4 yuv420p BT.709",
        colorspace=1,
        color_range=1,
    )
    made.encoded(
        "BT.709 and BT.601, limited and full range",
        "libx264",
        "mp4 yuv420p BT.601 full",
        colorspace=5,
        color_range=2,
    )
    linear = Recipe(frames=FRAMES, transfer=8)
    made.add(
        "Linear light, logarithms",
        "MKV H.264",
        "mkv",
        partial(record, recipe=linear),
        refused="its colours are stored as linear light, which no camera records for viewing",
    )
    ycgco = Recipe(frames=FRAMES, options=(("x264-params", "colormatrix=YCgCo"),))
    made.add(
        "YCgCo, ICtCp, constant luminance",
        "MKV H.264",
        "mkv",
        partial(record, recipe=ycgco),
        refused="the recording's colour matrix (number 8 of ITU-T H.273) is not supported",
    )
    made.add(
        "Dolby Vision 5",
        "MP4 HEVC",
        "mp4",
        _dolby_vision,
        refused="is Dolby Vision without a base that others can show (profile 5)",
    )
    return made.cases


def _dolby_vision(path: Path) -> Path:
    record_chart(path, CHART, Chart(UNSAID, UNSAID, UNSAID), FRAMES)
    path.write_bytes(path.read_bytes().replace(b"hev1", b"dvhe"))
    return path


def scans() -> list[Case]:
    made = Cases("Interlaced")
    flags = int(Flags.interlaced_dct) | int(Flags.interlaced_me)
    fields = {"encoder_flags": flags, "field_mode": "tff"}
    row = "Both fields in one frame"
    made.encoded(row, "libx264", "mts yuv420p H.264", options=BFRAMES, **fields)
    made.encoded(row, "mpeg2video", "mpg yuv420p MPEG-2", options=GROUPS, **fields)
    made.encoded(row, "prores_ks", "mov yuv422p10le ProRes", **fields)
    made.encoded(
        row,
        "dvvideo",
        "avi yuv420p DV",
        width=720,
        height=576,
        frames=14,
        time_base=Fraction(1, 25),
    )
    made.encoded(row, "ffv1", "mkv yuv420p FFV1, declared by the container", field_order=2)
    made.add("Each field coded apart (AVCHD)", "MTS H.264", "mts", record_field_pairs)
    together = partial(record_field_pairs, apart=False)
    made.add("Each field coded apart (AVCHD)", "MP4 H.264", "mp4", together)
    lone = Recipe(
        frames=4,
        codec="libx265",
        width=256,
        options=(("x265-params", "log-level=0:interlace=tff"),),
    )
    made.add(
        "HEVC with a field a picture",
        "MP4",
        "mp4",
        partial(record, recipe=lone),
        refused="an interlaced HEVC recording keeps each field as a picture of half the height",
    )
    return made.cases
