"""From HDR or wide-gamut signals to SDR BT.709: the standards' formulas, on numbers.

All functions take and return float64 arrays (..., 3) of red, green and blue, or single values.
Signals are non-linear, 0 to 1; light is in cd/m² of a display.
"""

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats
from workers.video.pictures.colour import HLG_PEAK, Colour, Primaries

HDR_WHITE, SDR_WHITE = 203.0, 100.0
"""cd/m² of a white sheet: ITU-R BT.2408, table 1; BT.2035."""

SDR_GAMMA = 2.4
"""ITU-R BT.1886, for a black of 0 cd/m²."""

HLG_GAMMA = 1.2

BT2020_LUMA: Floats = np.array([0.2627, 0.6780, 0.0593])

_WHITE_D65 = (0.3127, 0.3290)
_CHROMATICITIES: dict[Primaries, tuple[tuple[float, float], ...]] = {
    "bt709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    "display-p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # SMPTE EG 432-1
}

# ITU-R BT.2100, table 4
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_PQ_PEAK = 10_000.0

# ITU-R BT.2100, table 5
_A = 0.17883277
_B = 1 - 4 * _A
_C = 0.5 - _A * np.log(4 * _A)


def pq_light(signal: Floats) -> Floats:
    """The EOTF of perceptual quantisation (BT.2100, table 4)."""
    root = np.power(np.clip(signal, 0.0, 1.0), 1 / _M2)
    light: Floats = _PQ_PEAK * np.power(np.maximum(root - _C1, 0) / (_C2 - _C3 * root), 1 / _M1)
    return light


def pq_signal(light: Floats) -> Floats:
    """The inverse of `pq_light`."""
    root = np.power(np.clip(light, 0.0, _PQ_PEAK) / _PQ_PEAK, _M1)
    signal: Floats = np.power((_C1 + _C2 * root) / (1 + _C3 * root), _M2)
    return signal


def hlg_scene_light(signal: Floats) -> Floats:
    """The inverse OETF of hybrid log-gamma (BT.2100, table 5): light before the camera, 0 to 1."""
    high = (np.exp((np.maximum(signal, 0.5) - _C) / _A) + _B) / 12
    return np.where(signal <= 0.5, np.square(np.maximum(signal, 0.0)) / 3, high)


def hlg_display_light(scene: Floats) -> Floats:
    """The OOTF (BT.2100, table 5) for a display of 1000 cd/m² and a black of 0."""
    luminance = scene @ BT2020_LUMA
    light: Floats = HLG_PEAK * np.power(luminance, HLG_GAMMA - 1)[..., None] * scene
    return light


def tone_mapped(light: Floats, source_peak: float, peak: float) -> Floats:
    """The EETF of ITU-R BT.2390, 5.4.1, on each of red, green and blue, for a black of 0.

    What is brighter than its knee is compressed so that source_peak, cd/m², becomes peak.
    """
    top = pq_signal(np.asarray(source_peak))
    maximum = pq_signal(np.asarray(peak)) / top
    if maximum >= 1:
        return light
    knee = 1.5 * maximum - 0.5
    signal = np.minimum(pq_signal(light) / top, 1.0)
    t = np.maximum(signal - knee, 0.0) / (1 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * maximum
    )
    return np.where(signal < knee, light, pq_light(spline * top))


def to_bt709(primaries: Primaries) -> Floats:
    """(3, 3): from linear light in some primaries to BT.709's, both with D65 for white.

    The derivation is that of SMPTE RP 177; for BT.2020 it gives ITU-R BT.2087's matrix.
    """
    return np.linalg.inv(_to_xyz("bt709")) @ _to_xyz(primaries)


def sdr_signal(signal: Floats, colour: Colour) -> Floats:
    """The BT.709 R'G'B' that shows on an SDR display what `signal` shows on its own.

    HDR's reference white becomes SDR's; what is brighter is compressed; colours that BT.709 lacks
    are clipped in linear light.
    """
    if colour.transfer == "sdr":
        light = SDR_WHITE * np.power(np.clip(signal, 0.0, 1.0), SDR_GAMMA)
    else:
        hdr = (
            pq_light(signal)
            if colour.transfer == "pq"
            else hlg_display_light(hlg_scene_light(signal))
        )
        white = SDR_WHITE / HDR_WHITE
        light = tone_mapped(hdr * white, colour.peak * white, SDR_WHITE)
    return sdr_signal_of_light(light @ to_bt709(colour.primaries).T / SDR_WHITE)


def sdr_signal_of_light(light: NDArray[np.float64]) -> Floats:
    """The inverse EOTF of BT.1886. light: 1 is SDR's white; it is clipped to 0 and 1."""
    signal: Floats = np.power(np.clip(light, 0.0, 1.0), 1 / SDR_GAMMA)
    return signal


def _to_xyz(primaries: Primaries) -> Floats:
    columns = np.array([_xyz(*xy) for xy in _CHROMATICITIES[primaries]]).T
    scaled: Floats = columns * np.linalg.solve(columns, _xyz(*_WHITE_D65))
    return scaled


def _xyz(x: float, y: float) -> Floats:
    return np.array([x / y, 1.0, (1 - x - y) / y])
