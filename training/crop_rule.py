"""How the crops of the packs made here lie around the landmarks: the network learns it, and the pack tells it."""

from prn_blender.capture.geometry.crop import CropRule

CROP_RULE = CropRule(scale=1.6, shift_y=-0.03)
