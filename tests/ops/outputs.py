"""Reading what a run has written."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np


class Outputs:
    """The folder of one recording."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name

    @property
    def run(self) -> dict:
        return json.loads((self.folder / "run.json").read_text())

    def table_bytes(self) -> dict[str, bytes]:
        """All tables, to be compared byte by byte."""
        return {p.name: p.read_bytes() for p in sorted(self.folder.iterdir()) if ".csv" in p.name}

    def rows(self, side: str) -> list[dict[str, str]]:
        with (self.folder / f"{self.name}_{side}_mirrored.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def aus(self, side: str) -> np.ndarray:
        """(frames, 18) strengths, NaN where empty."""
        columns = [c for c in self.rows(side)[0] if c.endswith("_r")]
        return np.array([[float(r[c] or "nan") for c in columns] for r in self.rows(side)])

    def landmarks(self) -> np.ndarray:
        """(frames, P, 2) px, NaN where empty."""
        numbers = self._landmark_columns(lambda name: name[:2] in ("x_", "y_"))
        return numbers.reshape(len(numbers), -1, 2)

    def poses(self) -> np.ndarray:
        """(frames, 3) yaw, pitch and roll, NaN where empty."""
        return self._landmark_columns(lambda name: name in ("yaw", "pitch", "roll"))

    def _landmark_columns(self, wanted: Callable[[str], bool]) -> np.ndarray:
        text = gzip.decompress((self.folder / f"{self.name}_landmarks.csv.gz").read_bytes())
        header, *lines = csv.reader(io.StringIO(text.decode()))
        places = [place for place, name in enumerate(header) if wanted(name)]
        return np.array([[float(line[place] or "nan") for place in places] for line in lines])

    def video(self, kind: str) -> tuple[list[float], list[np.ndarray]]:
        """Times in seconds and BGR pictures."""
        with av.open(str(self.folder / f"{self.name}_{kind}.mp4")) as file:
            frames = [(f.time, f.to_ndarray(format="bgr24")) for f in file.decode(video=0)]
        return [time for time, _ in frames], [picture for _, picture in frames]
