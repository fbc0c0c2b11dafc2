"""Pictures for people: what was found in a frame."""

import cv2
import numpy as np

from workers.arrays import Floats, Image
from workers.face.head_pose import HeadPose
from workers.face.midline import Midline

GREEN, YELLOW, RED = (0, 255, 0), (0, 255, 255), (0, 0, 255)

WIDTH_AT_FULL_SIZE = 1100
"""Px across a frame in which the banner's letters have their full size, and the banner fits."""


def draw_debug(frame: Image, points: Floats, line: Midline, pose: HeadPose) -> Image:
    """A copy of the frame with landmarks (P, 2), midline, and a banner when the head is turned."""
    picture = frame.copy()
    thickness = max(1, frame.shape[0] // 480)
    reach = float(sum(frame.shape[:2])) * line.direction
    start, stop = (np.rint(line.point + way * reach).astype(int) for way in (-1, 1))
    cv2.line(picture, start.tolist(), stop.tolist(), YELLOW, thickness, cv2.LINE_AA)
    for point in np.rint(points).astype(int):
        cv2.circle(picture, point.tolist(), thickness, GREEN, -1, cv2.LINE_AA)
    if pose.turned:
        side = "left" if pose.yaw > 0 else "right"
        text = f"head turned to the patient's {side}: the sides cannot be compared"
        scale = frame.shape[1] / WIDTH_AT_FULL_SIZE
        place = (round(10 * scale), round(40 * scale))
        stroke = max(1, round(2 * scale))
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, RED, stroke)
    return picture
