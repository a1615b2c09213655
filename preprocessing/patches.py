"""Patches of a form's print, looked for on a page: where each fits best, and how well.

The insides of fields are masked out of a patch: there a filled page holds ink that the blank does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft

UNMOVED = np.eye(3)
QUIET_LEVELS = 1.0  # grey levels: paper that varies by less is taken to vary by this, or its grain would count as print


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """N square patches of S by S pixels.

    ``templates`` (N, S, S) float32: the print, of mean 0 and norm 1 within its mask and 0 outside of it. ``masks``
    (N, S, S) float32: 1 where the print counts, 0 where it does not. ``corners`` (N, 2) int: x and y of each one's top
    left pixel in the blank.
    """

    templates: np.ndarray
    masks: np.ndarray
    corners: np.ndarray
    _spectra: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    @classmethod
    def cut(cls, grey: np.ndarray, counts: np.ndarray, centres: np.ndarray, half: int) -> Patches:
        """Cut patches out of the blank.

        Args:
            grey: the blank, (H, W) uint8.
            counts: (H, W), 1 where the print counts and 0 where it does not.
            centres: (N, 2) int, x and y of each patch's middle; the patch lies within the blank, and some of it counts.
            half: pixels from a patch's middle to its edge, so that its side is 2 half + 1.
        """
        side, corners = 2 * half + 1, centres - half
        x, y = corners.T
        masks = sliding_window_view(counts.astype(np.float32), (side, side))[y, x]
        templates = sliding_window_view(grey.astype(np.float32), (side, side))[y, x]
        means = (templates * masks).sum((1, 2)) / masks.sum((1, 2))
        templates = (templates - means[:, None, None]) * masks
        templates /= np.linalg.norm(templates, axis=(1, 2), keepdims=True)
        return cls(templates, masks, corners)

    def scores(self, grey: np.ndarray, reach: int, grey_from_blank: np.ndarray = UNMOVED) -> np.ndarray:
        """Masked normalized cross-correlation (Padfield 2012) with a page, straightened around each patch alone.

        All patches at once by Fourier transform; what the templates and masks become is kept.

        Args:
            grey: the page, (H, W) uint8.
            reach: how far to look in each direction, in pixels of the blank.
            grey_from_blank: (3, 3), where the blank's pixels seem to lie on the page.

        Returns:
            (N, 2 reach + 1, 2 reach + 1) float32: the correlation at each shift, [reach, reach] being none.
        """
        if not len(self.corners):
            return np.zeros((0, 2 * reach + 1, 2 * reach + 1), np.float32)
        windows = self._windows(grey, reach, grey_from_blank)
        windows -= windows.mean((1, 2), keepdims=True)  # or the squares' rounding would drown the variance
        size = fft.next_fast_len(windows.shape[1], real=True)
        templates, masks = self._conjugate_spectra(size)
        spectra, squares = fft.rfft2(windows, (size, size)), windows**2
        covariance = _correlated(spectra * templates, reach)
        total, energy = self._sums(windows, reach), self._sums(squares, reach)
        masked = self.is_masked
        total[masked] = _correlated(spectra[masked] * masks, reach)
        energy[masked] = _correlated(fft.rfft2(squares[masked], (size, size)) * masks, reach)
        counted = self.masks.sum((1, 2))[:, None, None]
        energy = np.maximum(energy - total**2 / counted, QUIET_LEVELS**2 * counted)
        return covariance / np.sqrt(energy)

    @property
    def is_masked(self) -> np.ndarray:
        """(N,) bool: the patches of which some does not count; of the others the sums take far less time."""
        return self.masks.min((1, 2)) < 1

    def _sums(self, windows: np.ndarray, reach: int) -> np.ndarray:
        """(N, 2 reach + 1, 2 reach + 1) float32: over a whole patch at each shift, masked or not."""
        count, side, _ = windows.shape
        patch = self.masks.shape[1]
        # One above the other they are one image, whose rows that mix two windows are not among those taken.
        sums = cv2.boxFilter(windows.reshape(-1, side), -1, (patch, patch), normalize=False)
        first = patch // 2
        last = first + 2 * reach + 1
        return sums.reshape(count, side, side)[:, first:last, first:last].copy()

    def _windows(self, grey: np.ndarray, reach: int, grey_from_blank: np.ndarray) -> np.ndarray:
        """(N, S + 2 reach, S + 2 reach) float32: what of the page lies where each patch should, and around it."""
        side = self.masks.shape[1] + 2 * reach
        windows = np.empty((len(self.corners), side, side), np.float32)
        blank_from_window = np.tile(np.eye(3), (len(self.corners), 1, 1))
        blank_from_window[:, :2, 2] = self.corners - reach
        for window, grey_from_window in zip(windows, grey_from_blank @ blank_from_window, strict=True):
            window[:] = cv2.warpPerspective(
                grey,
                grey_from_window,
                (side, side),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
        return windows

    def _conjugate_spectra(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        if size not in self._spectra:
            shape = (size, size)
            self._spectra[size] = (
                fft.rfft2(self.templates, s=shape).conj(),
                fft.rfft2(self.masks[self.is_masked], s=shape).conj(),
            )
        return self._spectra[size]


def _correlated(products: np.ndarray, reach: int) -> np.ndarray:
    """(N, S, S // 2 + 1) products of spectra -> (N, 2 reach + 1, 2 reach + 1): what the transform wraps lies beyond."""
    size, kept = products.shape[1], 2 * reach + 1
    columns = fft.ifft(products, axis=1, overwrite_x=True)[:, :kept]
    return fft.irfft(columns, size, axis=2)[:, :, :kept]
