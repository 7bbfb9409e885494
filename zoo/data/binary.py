"""Whether an alpha is a plain mask, subject or not, without the part in between that matting is about."""

from __future__ import annotations

import numpy as np

MIDDLE = (0.25, 0.75)
"""What counts as in between. A hard edge rings in a JPEG file, but hardly this far: at quality 50 one pixel for every
30 of the contour gets here, at 20 one for every 3."""

SHARE = 0.1
"""Pixels in between for each pixel of contour up to which a mask is binary. Thirteen mattes of portraits have 0.60 to
1.96 at 768 pixels and still 0.38 shrunk to 256; the same as masks in JPEG files of quality 50 have up to 0.03.
Measured against the contour and not the area, so that neither the size of picture nor that of the subject counts."""


def is_binary(alpha: np.ndarray) -> bool:
    """Whether almost no pixel lies between subject and background.

    A mask whose edge was smoothed by shrinking (0.43 and up) is not told from a matte without hair and counts as one.

    Args:
        alpha: (H, W), unsigned integers or float in [0, 1].
    """
    top = np.iinfo(alpha.dtype).max if np.issubdtype(alpha.dtype, np.integer) else 1
    # In the matte's own type: compared with a Python float, every pixel would become one first.
    low, half, high = (alpha.dtype.type(share * top) for share in (MIDDLE[0], 0.5, MIDDLE[1]))
    between = np.count_nonzero((alpha > low) & (alpha <= high))
    subject = alpha > half
    contour = np.count_nonzero(subject[1:] != subject[:-1]) + np.count_nonzero(subject[:, 1:] != subject[:, :-1])
    return bool(between <= SHARE * contour)
