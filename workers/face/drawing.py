"""Pictures for people: what was found in a frame."""

import cv2
import numpy as np

from workers.arrays import Floats, Image
from workers.face.midline import Midline

GREEN, YELLOW, RED = (0, 255, 0), (0, 255, 255), (0, 0, 255)
TURNED = 0.25


def draw_debug(frame: Image, points: Floats, line: Midline) -> Image:
    """A copy of the frame with landmarks (P, 2), midline, and a banner when the head is turned."""
    picture = frame.copy()
    thickness = max(1, frame.shape[0] // 480)
    reach = float(sum(frame.shape[:2])) * line.direction
    start, stop = (np.rint(line.point + way * reach).astype(int) for way in (-1, 1))
    cv2.line(picture, start.tolist(), stop.tolist(), YELLOW, thickness, cv2.LINE_AA)
    for point in np.rint(points).astype(int):
        cv2.circle(picture, point.tolist(), thickness, GREEN, -1, cv2.LINE_AA)
    turn = head_turn(points, line)
    if abs(turn) > TURNED:
        side = "right" if turn > 0 else "left"
        text = f"head turned to the patient's {side}: the sides cannot be compared"
        scale = frame.shape[1] / 1000
        place = (round(10 * scale), round(40 * scale))
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, RED, 2 * thickness)
    return picture


def head_turn(points: Floats, line: Midline) -> float:
    """How much wider the patient's left half is than the right one, from −1 to 1; 0 is frontal.

    A head turned to the patient's right shows more of the left half.
    """
    distance = line.distance(points)
    left, right = max(float(distance.max()), 0.0), max(float(-distance.min()), 0.0)
    return (left - right) / max(left + right, 1e-6)
