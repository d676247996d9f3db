"""MakeHuman's skins in ICT-FaceKit's UV."""

from dataclasses import dataclass

import cv2
import numpy as np

from .texels import Openings, TexelMap, Tile, smooth_step, spread

LID_RINGS, LIP_RINGS = 1.6, 6.6  # what lies nearer to the openings is inside, where MakeHuman has other surfaces
TEXTURE_JUMP = 4 / 2048  # of neighbouring texels' places in the texture: the map folds there
RIM_REACH = 0.55  # cm around the nostrils' rims in which folds are repaired
WET_LIP = np.array([0.25, 0.42, 0.40])  # darkening of red, green, blue towards the inside of the mouth
EDGE_BLUR = 3.0  # texels, of what lies outside of the polygons
NOSTRIL_COLOUR = np.array([0.34, 0.22, 0.19])  # times the skin around


@dataclass(frozen=True)
class SkinTransfer:
    """Paints skins into the face and head tiles."""

    face: Tile
    head: Tile
    face_map: TexelMap
    head_map: TexelMap
    openings: Openings

    def face_picture(self, texture: np.ndarray) -> np.ndarray:
        """(S, S, 3) uint8 face tile of a skin texture (H, W, 3)."""
        inside, holes = self.face.inside, self.openings
        colours = self.face_map.sample(texture)
        lids, lips = inside & (holes.eye < LID_RINGS), inside & (holes.mouth < LIP_RINGS)
        for hole, blur in ((lids, 2.0), (lips, 4.0), (holes.vault | self._folds(), 3.0)):
            colours = _repaint(colours, hole, inside, blur)
        wet = smooth_step(LIP_RINGS - holes.mouth, 0, 6) * lips
        colours = colours * (1 - wet[..., None] * WET_LIP)
        around = cv2.GaussianBlur(colours, (0, 0), 25)
        dark = (holes.nostril * 0.92)[..., None]
        colours = colours * (1 - dark) + around * NOSTRIL_COLOUR * dark
        return np.clip(spread(colours, inside, EDGE_BLUR), 0, 255).round().astype(np.uint8)

    def head_picture(self, texture: np.ndarray) -> np.ndarray:
        """(S, S, 3) uint8 head tile of a skin texture (H, W, 3)."""
        while texture.shape[0] > 1024:
            texture = cv2.resize(texture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        colours = spread(self.head_map.sample(texture), self.head.inside, EDGE_BLUR)
        return np.clip(colours, 0, 255).round().astype(np.uint8)

    def _folds(self) -> np.ndarray:
        """(S, S) bool: texels around the nostrils' rims where neighbours come from far apart in the texture."""
        uv = np.nan_to_num(self.face_map.uv)
        fold = np.zeros(uv.shape[:2], np.uint8)
        across = np.linalg.norm(np.diff(uv, axis=1), axis=-1) > TEXTURE_JUMP
        down = np.linalg.norm(np.diff(uv, axis=0), axis=-1) > TEXTURE_JUMP
        fold[:, 1:] |= across
        fold[:, :-1] |= across
        fold[1:] |= down
        fold[:-1] |= down
        fold = cv2.dilate(fold, np.ones((5, 5), np.uint8)) * (self.openings.rim_distance < RIM_REACH) * self.face.inside
        return cv2.morphologyEx(fold.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)) > 0


def _repaint(colours: np.ndarray, hole: np.ndarray, inside: np.ndarray, blur: float) -> np.ndarray:
    """Fills a hole from its border; the border itself is blended."""
    filled = spread(colours, inside & ~hole, blur)
    soft = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), 1.0)[..., None]
    return np.where(hole[..., None], filled, colours * (1 - soft) + filled * soft)
