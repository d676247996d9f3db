"""The square around a face that the network sees, and its similarity transform to photo space."""

from dataclasses import dataclass

import numpy as np

from ..photo.part import reduce, resample


@dataclass(frozen=True)
class CropRule:
    """How a pack wants the crop placed around the box of the 68 landmarks."""

    scale: float  # crop side over the mean of the box's sides
    shift_y: float  # crop centre minus box centre, in crop sides; negative is up


@dataclass(frozen=True)
class Crop:
    """A square of the photo. Crop units: (0, 0) its top-left corner, (1, 1) its bottom-right corner."""

    centre_x: float  # photo space
    centre_y: float
    side: float  # photo pixels
    roll: float = 0.0  # radians from the photo's x axis to the crop's x axis, towards the photo's y axis (down)

    @property
    def axes(self) -> np.ndarray:
        """(2, 2) columns: the crop's x and y axes in photo space, one crop side long."""
        c, s = np.cos(self.roll), np.sin(self.roll)
        return self.side * np.array([[c, -s], [s, c]])

    def to_photo(self, points: np.ndarray) -> np.ndarray:
        """(…, 2) crop units to (…, 2) photo space."""
        return (np.asarray(points) - 0.5) @ self.axes.T + (self.centre_x, self.centre_y)

    def from_photo(self, points: np.ndarray) -> np.ndarray:
        """(…, 2) photo space to (…, 2) crop units."""
        return (np.asarray(points) - (self.centre_x, self.centre_y)) @ np.linalg.inv(self.axes).T + 0.5

    def resample(self, pixels: np.ndarray, size: int) -> np.ndarray:
        """The crop of `pixels` (H, W, 3) uint8 as (size, size, 3) uint8; beyond the photo its edge repeats.

        Where the photo is finer than the crop it is first reduced by area averaging, so that nothing aliases.
        """
        oversampling = min(4, max(1, int(np.ceil(self.side / size))))
        n = size * oversampling
        fine = resample(
            pixels,
            self.to_photo(np.zeros(2)),
            self.axes / n,
            (n, n),
            reduction=4 * size / self.side,  # a large face is reduced before the warp
        )
        return reduce(fine, 1 / oversampling)


def crop_around(points: np.ndarray, rule: CropRule, roll: float = 0.0) -> Crop:
    """The crop around points (N, 2) in photo space: the 68 landmarks, or the corners of their box.

    With `roll` the box is taken along the crop's own turned axes.
    """
    turn = Crop(0.0, 0.0, 1.0, roll)
    turned = turn.from_photo(points)
    low, high = turned.min(0), turned.max(0)
    side = float((high - low).mean()) * rule.scale
    centre = (low + high) / 2 + (0.0, rule.shift_y * side)
    x, y = turn.to_photo(centre)
    return Crop(float(x), float(y), side, roll)


def crop_in_box(corners: np.ndarray, rule: CropRule, roll: float = 0.0) -> Crop:
    """The crop for a face box with corners (2, 2) that is turned by `roll` about its centre."""
    upright = crop_around(corners, rule)
    centre_x, centre_y = np.mean(corners, axis=0)
    turn = Crop(centre_x, centre_y, 1.0, roll)
    x, y = turn.to_photo(np.array([upright.centre_x - centre_x, upright.centre_y - centre_y]) + 0.5)
    return Crop(float(x), float(y), upright.side, roll)
