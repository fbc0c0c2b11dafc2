"""Codecs and containers that cameras, phones and editing programs write."""

from pathlib import Path

from tests.cameras.case import BFRAMES, FRAMES, GROUPS, SHORT, X265, Case, Cases
from tests.lagarith import record_solid_colours
from tests.recordings import Recipe, record
from tests.windows_media_9 import record_greys


def codecs() -> list[Case]:
    made = Cases("Codecs and containers")
    made.encoded(
        "H.264",
        "libx264",
        *("mp4 yuv420p 8 bit", "mov yuv420p 8 bit", "ts yuv420p 8 bit", "flv yuv420p 8 bit"),
        *("mkv yuv422p10le 10 bit 4:2:2", "mp4 yuv444p 4:4:4", "mp4 yuvj420p full range"),
        options=BFRAMES,
    )
    made.encoded("H.264", "libx264rgb", "mkv bgr24 RGB", options=BFRAMES)
    made.encoded(
        "H.264 in an AVI, which keeps no times", "libx264", "avi yuv420p 8 bit", options=BFRAMES
    )
    made.encoded(
        "HEVC",
        "libx265",
        "mp4 yuv420p 8 bit",
        "mp4 yuv420p10le 10 bit",
        "ts yuv420p 8 bit",
        "mkv yuv444p12le 12 bit 4:4:4",
        "mkv gray12le grey 12 bit",
        "mp4 gbrp RGB",
        options=X265,
    )
    svt = (("g", "12"), ("preset", "8"))
    made.encoded("AV1", "libsvtav1", "mp4 yuv420p 8 bit", "mkv yuv420p10le 10 bit", options=svt)
    quick = (("g", "12"), ("cpu-used", "8"))
    made.encoded("VP8, VP9", "libvpx", "webm yuv420p VP8", options=quick)
    made.encoded("VP8, VP9", "libvpx-vp9", "webm yuv420p VP9", "mp4 yuv420p VP9", options=quick)
    made.encoded(
        "MPEG-2, MPEG-1",
        "mpeg2video",
        "mpg yuv420p MPEG-2",
        "ts yuv420p MPEG-2",
        "mxf yuv422p MPEG-2 4:2:2",
        options=GROUPS,
    )
    made.encoded("MPEG-2, MPEG-1", "mpeg1video", "mpg yuv420p MPEG-1", options=GROUPS)
    made.encoded("MPEG-4", "mpeg4", "avi yuv420p MPEG-4", "mp4 yuv420p MPEG-4", options=GROUPS)
    made.encoded("MPEG-4", "msmpeg4", "avi yuv420p DivX 3", options=SHORT)
    made.encoded(
        "H.263, whose pixels are 12:11",
        "h263",
        "3gp yuv420p H.263",
        options=SHORT,
        width=176,
        height=144,
    )
    made.encoded("Windows Media", "wmv1", "wmv yuv420p WMV1", options=SHORT)
    made.encoded("Windows Media", "wmv2", "wmv yuv420p WMV2", options=SHORT)
    made.add("Windows Media", "WMV WMV3 (plain pictures, by hand)", "wmv", record_greys)
    made.encoded("Motion JPEG", "mjpeg", "avi yuvj420p 4:2:0", "mov yuvj422p 4:2:2")
    made.encoded("Motion JPEG", "jpeg2000", "mov yuv420p10le JPEG 2000 10 bit")
    made.encoded(
        "ProRes", "prores_ks", "mov yuv422p10le 422 10 bit", "mov yuva444p10le 4444 12 bit, alpha"
    )
    hd = {"frames": 14, "width": 1280, "height": 720}
    made.encoded("DNxHD, DNxHR", "dnxhd", "mov yuv422p DNxHD", options=(("b", "110M"),), **hd)
    made.encoded(
        "DNxHD, DNxHR",
        "dnxhd",
        "mov yuv422p10le DNxHR HQX 10 bit",
        options=(("profile", "dnxhr_hqx"),),
        **hd,
    )
    made.encoded("CineForm", "cfhd", "mov yuv422p10le 4:2:2 10 bit")
    made.encoded(
        "Ut Video, MagicYUV", "utvideo", "avi yuv420p Ut Video 4:2:0", "avi gbrp Ut Video RGB"
    )
    made.encoded("Ut Video, MagicYUV", "magicyuv", "avi gbrp MagicYUV RGB")
    made.encoded("HuffYUV, FFV1", "huffyuv", "avi yuv422p HuffYUV", "avi rgb24 HuffYUV RGB")
    made.encoded(
        "HuffYUV, FFV1",
        "ffv1",
        "avi yuv420p FFV1",
        "mkv gray16le FFV1 grey 16 bit",
        "mkv yuv444p16le FFV1 16 bit 4:4:4",
        options=SHORT,
    )
    made.add("Lagarith", "AVI RGB (frames of one colour, by hand)", "avi", record_solid_colours)
    made.encoded(
        "Uncompressed AVI",
        "rawvideo",
        "avi bgr24 BGR24",
        "avi yuyv422 YUY2",
        "avi uyvy422 UYVY",
        "avi yuv420p I420",
        "avi gray grey",
        "avi rgb555le RGB555",
    )
    made.encoded("Uncompressed MOV", "rawvideo", "mov rgb24 RGB24", "mov uyvy422 2vuy")
    made.encoded("Uncompressed MOV", "v210", "mov yuv422p10le v210 10 bit")
    made.encoded("Uncompressed MOV", "r210", "mov gbrp10le r210 10 bit")
    made.encoded("Uncompressed, other", "rawvideo", "mkv nv12 NV12", "y4m yuv420p I420")
    made.encoded(
        "Animation, PNG",
        "qtrle",
        "mov rgb24 Animation RGB",
        "mov argb Animation ARGB",
        "mov gray Animation 256 colours",
        options=(("g", "10"),),
    )
    made.encoded("Animation, PNG", "png", "mov rgb24 PNG", "mov rgb48be PNG 16 bit")
    made.encoded("Screen codecs", "cinepak", "avi rgb24 Cinepak")
    made.encoded("Screen codecs", "msvideo1", "avi rgb555le MS Video 1")
    made.encoded("Screen codecs", "zmbv", "avi bgr0 ZMBV")
    made.add(
        "A codec that FFmpeg cannot decode",
        "AVI",
        "avi",
        _with_unknown_codec,
        refused="this FFmpeg knows no decoder for its video",
    )
    return made.cases


def _with_unknown_codec(path: Path) -> Path:
    record(path, Recipe(frames=FRAMES, codec="mpeg4"))
    path.write_bytes(path.read_bytes().replace(b"FMP4", b"XYZ1"))
    return path
