"""Image features for a first guess at where a form lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

Detector = Literal["orb", "sift"]
FEATURE_COUNT = 1500


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """``points`` (N, 2) float32 in pixels and their ``descriptors`` (N, D)."""

    points: np.ndarray
    descriptors: np.ndarray


def detect_features(grey: np.ndarray, detector: Detector) -> Features:
    """Key points of a (H, W) uint8 image with ORB (Rublee et al. 2011) or SIFT (Lowe 2004)."""
    engine: cv2.Feature2D = cv2.SIFT.create(nfeatures=FEATURE_COUNT)
    if detector == "orb":
        engine = cv2.ORB.create(nfeatures=FEATURE_COUNT, fastThreshold=10, scaleFactor=1.25, nlevels=6)
    points, descriptors = engine.detectAndCompute(grey, None)
    if descriptors is None:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 1), np.uint8))
    return Features(np.array([point.pt for point in points], np.float32), descriptors)
