"""How head and camera can stand, in the words of the interface."""

from ...scene.edit.align import FRONTAL, PHOTOGRAPHED

ALIGNMENTS = (
    (FRONTAL, "Frontal", "The head faces the front view, without rotation; the camera stands where the photo asks"),
    (PHOTOGRAPHED, "As Photographed", "The camera is level and the head is turned as in the photo"),
)
