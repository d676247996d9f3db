"""Writes the model card of a pack, with the numbers that `training.evaluate` printed.

python -m training.evaluate PACK ... > numbers.txt; python -m training.card PACK numbers.txt --pictures 15000 --training "..."

Second pass, head model and parts are described where the pack has them.
"""

import argparse
import re
import textwrap
from pathlib import Path

import numpy as np

from prn_blender.capture.geometry.unwrap import PIXELS_PER_MM
from prn_blender.capture.packs.pack import load_pack

CARD = """# {title}, {version}

A position-map network for the whole head. It was trained on {pictures:,} synthetic pictures of heads that were rendered
from ICT-FaceKit (MIT) and MakeHuman's skins, brows, eyes and hair (CC0) before CC0 surroundings; {training}.
No real photo was used for training. 136 numbers, the UV positions of the 68 landmarks, were fitted to one half of the
annotated photos so that they mean what annotators mean. Free for any use.

## Network

`network.onnx`: weights stored as fp16 where they are large, computed in fp32, {megabytes:.1f} MB. It looks at the crop,
at its middle from closer by, and at the mirror images of both, and returns the mean.

- `image` (N, 3, {size}, {size}) float32 RGB 0..1. `position_map` (N, {resolution}, {resolution}, 3) float32, texel (i, j)
  at u = (j + .5)/{resolution}, v = (i + .5)/{resolution}, v downwards.
- x, y are where the surface point appears in the crop (perspective-exact: the training cameras were perspective, 32 to
  400 cm away). z = n x f / D, in crop units, with n how far the point lies before the head's origin along the line of
  sight to it, and D the origin's depth; larger is nearer.
- `visibility` (N, V, V) float32 0..1: how likely each texel's surface is seen, hidden neither by the head itself nor by
  hair, glasses, hands or anything else. `expected_error` (N, V, V) float32: the expected distance of the position from
  the true one, in crop units. V is {seen}.
- `distance` (N,) float32: metres from the camera to the head's origin, for a head as large as the canonical one. With
  pixels per metre at the origin it gives the focal length in pixels, as far as the origin lies in the photo's middle.

{second_pass}## Topology

`topology.npz`: {vertices:,} vertices, {quads:,} quads, closed except the neck. UV on a rounded square (superellipse of
order 6), seam down the back.

| array | shape | meaning |
|---|---|---|
| sample_uv | (V, 2, 2) | a vertex is the mean of the position map at its two UV samples (equal except on the seam); bicubic, border replicated |
| faces | (F, 4) | quads, counter-clockwise from outside in right-handed space |
| loop_uv | (F, 4, 2) | UV of each corner, v downwards (flip for Blender) |
| landmark_uv | (68, 2) | the landmarks' UV, fitted; `landmark_uv_ict` are ICT-FaceKit's own vertices |
| canonical | (V, 3) | mean head, metres, Blender axes (Z up, face -Y), origin midway between the eyes |
| landmark_canonical | (68, 3) | the same for ICT-FaceKit's landmark vertices |
| origin_canonical | (3,) | the point where z = 0 |
| region, region_names | (V,), (5,) | skin, eye_left, eye_right (the subject's), mouth_inner, scalp_and_neck |
| mirror | (V,) | index of the mirrored vertex |
| detail | (512, 512, 3) | what the mean head has beyond its position map of the network's resolution, bicubically enlarged: 10 micrometres, axes of `canonical`. Turned and scaled like a head, it is added to that head's map |

{head_model}`loops.npz`: {loops}, with edge loops around eyes, mouth, nostrils and ears, closed except the neck. One mesh at
several levels of subdivision in UV; every four quads are one of the level before, whose vertices come first. Stored is
level 0; `sample_uv` of any level follows from `loop_uv`, moved by half a texel at the border, `canonical` from
`canonical_map`, a position map of the mean head in the frame of `canonical`, with `detail`.

{parts}## Measured

Numbers of `network.onnx` alone, in the pack whose version stands over the column, with that version's vertices.
Landmarks: 68 points, error in % of the annotated box (square root of its area) by yaw in degrees; the half of the photos
that the landmarks were fitted to and the other one apart. Rendered heads: distance of surface points after the best
similarity, camera known. Scan: a textured head of which photos were rendered, after the best similarity of the landmarks.
The canonical head is the control without a photo: the mean head in the best place and turn.

```
{numbers}
```

{captured}## Limits

Shapes and expressions are those that ICT-FaceKit's linear model and smooth deformations of it can make; small children,
heavy beards and hair that hides most of the face are guessed. Turned heads (beyond 60 degrees of yaw) and dark, hard
light have the largest errors. The nape and the back of the skull are never seen together with the face: they follow the
statistics of the model.
"""
SECOND_PASS = """## Second pass

`refine.onnx`, {megabytes:.1f} MB: sees the photo unwrapped over UV by the position map, and tells how far off that is,
and whose head it is. It was trained on {training}; no real photo.

- `seen` (1, 56, 64, 64) float32 by UV: the photo's colours at 4 x 4 finer texels, -1 to 1 (red, green, blue, each row by
  row); normals (right, up, forwards of the upright head); in the head's own axes, centimetres, how far the surface lies from
  the head model's mean; the share inside of the photo; one less than pixels per millimetre. Photos of more than {finest}
  pixels per millimetre are reduced to that.
- `offset` (1, 3, 32, 32) float32: millimetres to the right, up and forwards in the frame of the upright head, from where
  the position map has a texel to where it is. `deviation` (1, 32, 32) float32: millimetres, of the offsets to the right
  and up.
- `coefficients` (1, 140) float32: those of the head model, identity before expression, as far as the photo tells them.
  `coefficient_deviations` (1, 140) float32: theirs; about 1 where it tells nothing.

"""
HEAD_MODEL = """`head_model.npz`: what heads are like, for the fit: mean, {identities} components of identity and {expressions} of expression
over UV on 64 x 64 texels, in metres (components in millimetres), each of variance 1; the neck's joint; which texels are rigid.
Half of the identities it was made from are ICT-FaceKit's as rendered for training, half vary as 2,138 scanned persons do
(MHR). Size and pose are no part of identity. How it was made, and the two populations beside each other:
`training/README.md`.

"""
COMMON_ERRORS = """`common_errors.npz`: what the errors of both passes have in common, for the fit: principal components
(C, 32, 32, 2) over UV, each of variance 1, in deviations of the joined evidence, to the right and up of the upright head.
Learnt from rendered heads with skins and hair that the networks were not shown.

"""
PARTS = """`parts.npz`: eyeballs, lashes, teeth, gums with tongue, the mouth's inside and the eyes' sockets of the mean head, and how
they follow the surface: `response` (32, K, 3) times the displacements of the points at `anchor_uv` (K, 2) from `anchors`
gives 32 weights of `*_changes`. `eye_spheres`: centre and radius, the subject's left eye first. Metres.

"""
EXPRESSIONS = """`expressions.npz`: ARKit's 52 expressions of the mean head `mean`, in the order of the capture's `NAMES`:
`surface` (52, R, R, 3) over UV and those of the parts by their names, in steps of 0.02 mm; `gaze` (52, 2, 2), degrees to
the subject's left and up by which the left and the right eye turn; `lips` (P, 2, 2), UV of points of both lips that
touch.

"""
WIDTH = 120


def wrapped(text: str) -> str:
    """Paragraphs and bullets of Markdown in lines of WIDTH; headings, tables and blocks of code as they are."""
    blocks = re.split(r"(```.*?```|\n\n)", text, flags=re.DOTALL)
    return "".join(block if block.startswith(("\n", "#", "|", "```")) else _filled(block) for block in blocks)


def _filled(block: str) -> str:
    rows = re.split(r"\n(?=- )", block)
    return "\n".join(_fill(row, "  " if row.startswith("- ") else "") for row in rows)


def _fill(row: str, indent: str) -> str:
    return textwrap.fill(
        " ".join(row.split()), WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("numbers", type=Path, help="what training.evaluate printed")
    parser.add_argument("--pictures", type=int, required=True, help="in the training set")
    parser.add_argument("--training", required=True, help="how it was trained, in words")
    parser.add_argument("--second-pass-training", help="pictures and samples of the second pass, in words")
    parser.add_argument("--captured", type=Path, help="Markdown: what was measured of the captured head")
    options = parser.parse_args()
    import onnxruntime

    pack = load_pack(options.pack)
    session = onnxruntime.InferenceSession(str(pack.network_file), providers=["CPUExecutionProvider"])
    size = session.get_inputs()[0].shape[2]
    image = {pack.input_name: np.zeros((1, 3, size, size), np.float32)}
    second_pass = head_model = parts = captured = ""
    if pack.second_pass is not None:
        if options.second_pass_training is None:
            parser.error(f"{options.pack} has a second pass: say with --second-pass-training how it was trained")
        second_pass = SECOND_PASS.format(
            megabytes=pack.second_pass.network_file.stat().st_size / 1e6,
            training=options.second_pass_training,
            finest=PIXELS_PER_MM,
        )
    if pack.head_model is not None:
        identities, expressions = pack.head_model.identities, pack.head_model.expressions
        head_model = HEAD_MODEL.format(identities=identities, expressions=expressions)
    if pack.common_errors_file is not None:
        head_model += COMMON_ERRORS
    if pack.parts is not None:
        parts = PARTS
    if pack.expressions is not None:
        parts += EXPRESSIONS
    if options.captured is not None:
        captured = f"## Measured: the captured head\n\n{options.captured.read_text().strip()}\n\n"
    card = CARD.format(
        title=pack.description.title,
        version=pack.version,
        pictures=options.pictures,
        training=options.training,
        megabytes=pack.network_file.stat().st_size / 1e6,
        size=size,
        resolution=session.run([pack.output_name], image)[0].shape[1],
        seen=session.run([pack.visibility_name], image)[0].shape[1],
        vertices=len(pack.topology.sample_uv),
        quads=len(pack.topology.faces),
        loops=", ".join(f"{choice.quads:,} quads ({choice.name})" for choice in pack.topologies[1:]),
        numbers=options.numbers.read_text().strip("\n"),
        second_pass=second_pass,
        head_model=head_model,
        parts=parts,
        captured=captured,
    )
    (options.pack / "README.md").write_text(wrapped(card) + "\n")


if __name__ == "__main__":
    main()
