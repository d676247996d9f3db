"""Photo files of every kind, made here, against pixels computed here."""

import hashlib
import io
import os
import struct
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.photo import read as photo_module
from prn_blender.capture.photo.read import load_draft, load_photo
from prn_blender.capture.photo.sensors import sensor_of
from prn_blender.capture.types import PackedPhoto

LOSSLESS = {"png": {}, "tiff": {}, "bmp": {}, "webp": {"lossless": True, "exact": True}}


@pytest.fixture
def colours():
    """(40, 60, 3) a smooth picture without any symmetry."""
    y, x = np.mgrid[:40, :60] / (39, 59)[0]
    return np.stack([60 + 120 * y, 200 - 90 * x, 40 + 50 * x + 70 * y], axis=-1).clip(0, 255).round().astype(np.uint8)


def srgb_to_linear(values):
    values = np.asarray(values, float) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(values):
    values = np.clip(values, 0, 1)
    return 255 * np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)


def save(path, image, **options):
    image.save(path, **options)
    return path


# ICC profiles -----------------------------------------------------------------------------------------------------

# Primaries adapted to D50 (ICC v2 profiles hold these): IEC 61966-2-1 and Adobe RGB (1998).
SRGB_D50 = np.array([[0.4360, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
ADOBE_D50 = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
ADOBE_GAMMA = 563 / 256
D50 = np.array([0.9642, 1.0, 0.8249])


def s15(values):
    return b"".join(struct.pack(">i", round(float(v) * 65536)) for v in np.ravel(values))


def icc_profile(kind, device_class, space, tags):
    """The bytes of an ICC v2 profile (ICC.1:2001-04)."""
    description = kind.encode() + b"\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(description)) + description + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + s15(D50),
        **tags,
    }
    table, body, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    header = struct.pack(">I4sI4s4s4s", 0, b"lcms", 0x02100000, device_class, space[0], space[1])
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + s15(D50)
    header = header.ljust(128, b"\0")
    profile = header + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", len(profile)) + profile[4:]


def gamma_curve(gamma):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def rgb_profile(matrix, gamma):
    tags = {}
    for i, name in enumerate(b"rgb"):
        tags[bytes([name]) + b"XYZ"] = b"XYZ " + bytes(4) + s15(matrix[:, i])
        tags[bytes([name]) + b"TRC"] = gamma_curve(gamma)
    return icc_profile("test RGB", b"mntr", (b"RGB ", b"XYZ "), tags)


def grey_profile(gamma):
    return icc_profile("test grey", b"mntr", (b"GRAY", b"XYZ "), {b"kTRC": gamma_curve(gamma)})


def cmyk_profile(lab_of_corner):
    """A printer whose 16 combinations of full and no ink have the given CIE Lab colours (2, 2, 2, 2, 3)."""
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + s15(np.eye(3))
    lut += bytes(range(256)) * 4  # input curves
    lut += (lab_of_corner * (255 / 100, 1, 1) + (0, 128, 128)).round().astype(np.uint8).tobytes()
    lut += bytes(range(256)) * 3  # output curves
    return icc_profile("test CMYK", b"prtr", (b"CMYK", b"Lab "), {b"A2B0": lut, b"A2B1": lut})


def test_adobe_rgb_profile_becomes_srgb(tmp_path, colours):
    path = save(tmp_path / "a.png", Image.fromarray(colours), icc_profile=rgb_profile(ADOBE_D50, ADOBE_GAMMA))
    linear = (colours / 255) ** ADOBE_GAMMA
    truth = linear_to_srgb(linear @ (np.linalg.inv(SRGB_D50) @ ADOBE_D50).T)
    photo = load_photo(path)
    assert np.abs(photo.pixels - truth).max() <= 2
    assert np.abs(photo.pixels - colours.astype(float)).max() > 10  # the profile does matter here
    assert not photo.as_stored


def test_profile_works_under_transparency(tmp_path, colours):
    alpha = np.full((*colours.shape[:2], 1), 128, np.uint8)
    image = Image.fromarray(np.concatenate([colours, alpha], axis=-1))
    path = save(tmp_path / "a.png", image, icc_profile=rgb_profile(ADOBE_D50, ADOBE_GAMMA))
    linear = (colours / 255) ** ADOBE_GAMMA
    truth = linear_to_srgb(linear @ (np.linalg.inv(SRGB_D50) @ ADOBE_D50).T)
    assert np.abs(load_photo(path).pixels - (truth + 128) / 2).max() <= 2


def test_srgb_profile_changes_nothing(tmp_path, colours):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = load_photo(save(tmp_path / "a.png", Image.fromarray(colours), icc_profile=profile))
    assert np.array_equal(photo.pixels, colours)
    assert photo.as_stored


def test_grey_profile_becomes_srgb(tmp_path):
    values = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    photo = load_photo(save(tmp_path / "a.png", Image.fromarray(values), icc_profile=grey_profile(1.0)))
    truth = linear_to_srgb(values / 255.0)
    assert np.abs(photo.pixels - truth[..., None]).max() <= 2
    assert not photo.as_stored


def test_grey_picture_with_colour_profile(tmp_path):
    values = np.tile(np.arange(0, 256, 5, dtype=np.uint8), (4, 1))
    photo = load_photo(save(tmp_path / "a.png", Image.fromarray(values), icc_profile=rgb_profile(SRGB_D50, 1.8)))
    truth = linear_to_srgb((values / 255) ** 1.8)
    assert np.abs(photo.pixels - truth[..., None])[truth > 20].max() <= 2


def test_cmyk_profile(tmp_path):
    ink = np.indices((2, 2, 2, 2)).reshape(4, -1).T  # 16 corners, c m y k
    black = ink[:, 3:] | ink[:, :3].all(1, keepdims=True)
    lab = np.where(
        black, 0, np.array([100, 0, 0]) + ink[:, :3] @ np.array([[-40, -20, -20], [-45, 30, 0], [-8, -5, 40]])
    )
    path = tmp_path / "a.tif"
    save(path, Image.fromarray((ink[None] * 255).astype(np.uint8), "CMYK"), icc_profile=cmyk_profile(lab))
    # CIE Lab to XYZ (D50) to linear sRGB
    fy = (lab[:, 0] + 16) / 116
    f = np.stack([fy + lab[:, 1] / 500, fy, fy - lab[:, 2] / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, (f - 4 / 29) * 3 * (6 / 29) ** 2) * D50
    linear = xyz @ np.linalg.inv(SRGB_D50).T
    inside = ((linear > 0) & (linear < 1.001)).all(1) | black[:, 0].astype(bool)
    assert inside.sum() >= 12
    photo = load_photo(path)
    error = np.abs(photo.pixels[0] - linear_to_srgb(linear))[inside]
    assert error.max() <= 3
    assert not photo.as_stored


@pytest.mark.parametrize("profile", [b"no profile at all", grey_profile(1.0), rgb_profile(ADOBE_D50, 2.2)[:200]])
def test_broken_or_foreign_profile_is_ignored(tmp_path, colours, profile):
    photo = load_photo(save(tmp_path / "a.png", Image.fromarray(colours), icc_profile=profile))
    assert np.array_equal(photo.pixels, colours)


# Formats and modes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_lossless_formats(tmp_path, colours, suffix):
    path = save(tmp_path / f"a.{suffix}", Image.fromarray(colours), **LOSSLESS[suffix])
    photo = load_photo(path)
    assert photo.pixels.dtype == np.uint8 and photo.pixels.flags.c_contiguous
    assert np.array_equal(photo.pixels, colours)
    assert (photo.width, photo.height) == (60, 40)
    assert photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert photo.focal_px is None and photo.as_stored and photo.path == path


def test_compressed_tiff(tmp_path, colours):
    photo = load_photo(save(tmp_path / "a.tif", Image.fromarray(colours), compression="tiff_lzw"))
    assert np.array_equal(photo.pixels, colours)


@pytest.mark.parametrize("options", [{"quality": 95, "subsampling": 0}, {"quality": 95, "progressive": True}])
def test_jpeg(tmp_path, colours, options):
    photo = load_photo(save(tmp_path / "a.jpg", Image.fromarray(colours), **options))
    assert np.abs(photo.pixels - colours.astype(float)).mean() < 3
    assert photo.as_stored


def test_first_of_several_pictures_in_one_jpeg(tmp_path, colours):
    images = [Image.fromarray(colours), Image.new("RGB", (60, 40))]
    photo = load_photo(save(tmp_path / "a.jpg", images[0], format="MPO", save_all=True, append_images=images[1:]))
    assert np.abs(photo.pixels - colours.astype(float)).mean() < 5
    assert photo.as_stored


def test_content_counts_not_the_name_and_any_script_is_a_name(tmp_path, colours):
    folder = tmp_path / "Фото 写真"
    folder.mkdir()
    photo = load_photo(save(folder / "žena 顔.jpg", Image.fromarray(colours), format="PNG"))
    assert np.array_equal(photo.pixels, colours)


def test_more_than_one_strip(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (700, 900, 3), np.uint8)
    assert np.array_equal(load_photo(save(tmp_path / "a.png", Image.fromarray(pixels))).pixels, pixels)
    wide = pixels.reshape(3, -1, 3)[:, :150_000]
    assert np.array_equal(load_photo(save(tmp_path / "b.png", Image.fromarray(wide))).pixels, wide)


def test_grey_and_bilevel(tmp_path, colours):
    grey = colours[..., 0]
    photo = load_photo(save(tmp_path / "a.png", Image.fromarray(grey)))
    assert np.array_equal(photo.pixels, np.repeat(grey[..., None], 3, -1)) and photo.as_stored
    bilevel = load_photo(save(tmp_path / "b.png", Image.fromarray(grey > 120)))
    assert np.array_equal(bilevel.pixels[..., 1], np.where(grey > 120, 255, 0))


def test_palette(tmp_path, colours):
    image = Image.fromarray(colours).quantize(32)
    photo = load_photo(save(tmp_path / "a.png", image))
    assert np.array_equal(photo.pixels, np.asarray(image.convert("RGB"))) and photo.as_stored
    index = np.asarray(image)[0, 0]
    holed = load_photo(save(tmp_path / "b.png", image, transparency=int(index)))
    hole = np.asarray(image) == index
    assert (holed.pixels[hole] == 128).all() and not holed.as_stored
    assert np.array_equal(holed.pixels[~hole], photo.pixels[~hole])


def test_cmyk_without_profile(tmp_path):
    cmyk = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 255, 0], [0, 0, 0, 255], [51, 0, 0, 102]]])
    truth = [[255, 255, 255], [0, 255, 255], [255, 0, 255], [255, 255, 0], [0, 0, 0], [122, 153, 153]]
    tiff = load_photo(save(tmp_path / "a.tif", Image.fromarray(cmyk.astype(np.uint8), "CMYK")))
    assert np.abs(tiff.pixels[0].astype(int) - truth).max() <= 1 and not tiff.as_stored
    blocks = np.repeat(np.repeat(cmyk, 16, 1), 16, 0).astype(np.uint8)
    jpeg = load_photo(save(tmp_path / "a.jpg", Image.fromarray(blocks, "CMYK"), quality=100, subsampling=0))
    assert np.abs(jpeg.pixels[8, 8::16].astype(int) - truth).max() <= 4 and not jpeg.as_stored


@pytest.mark.parametrize("suffix", ["png", "webp", "tiff"])
def test_transparent_parts_are_middle_grey(tmp_path, colours, suffix):
    alpha = np.zeros(colours.shape[:2], np.uint8)
    alpha[:, 20:40], alpha[:, 40:] = 64, 255
    image = Image.fromarray(np.dstack([colours, alpha]))
    photo = load_photo(save(tmp_path / f"a.{suffix}", image, **LOSSLESS[suffix]))
    share = alpha[..., None] / 255
    assert np.abs(photo.pixels - (colours * share + 128 * (1 - share))).max() <= 1
    assert not photo.as_stored


def test_opaque_alpha_counts_as_none(tmp_path, colours):
    photo = load_photo(save(tmp_path / "a.png", Image.fromarray(colours).convert("RGBA")))
    assert np.array_equal(photo.pixels, colours) and photo.as_stored
    grey = load_photo(save(tmp_path / "b.png", Image.fromarray(colours[..., 0]).convert("LA")))
    assert np.array_equal(grey.pixels[..., 2], colours[..., 0])


@pytest.mark.parametrize(
    "values",
    [
        np.linspace(0, 65535, 256).astype(np.uint16),
        np.linspace(0, 65535, 256).astype(np.int32),
        np.linspace(0, 2**32 - 1, 256).astype(np.uint32).view(np.int32),
        np.linspace(0, 1, 256).astype(np.float32),
        np.linspace(0, 255, 256).astype(np.float32),
        np.linspace(0, 12.5, 256).astype(np.float32) * 10000,
    ],
    ids=["16 bit", "16 bits in 32", "32 bit", "float to 1", "float to 255", "float to anything"],
)
def test_deep_grey(tmp_path, values):
    ramp = np.tile(values, (4, 1))
    image = Image.fromarray(ramp)
    photo = load_photo(save(tmp_path / "a.tif", image))
    assert np.abs(photo.pixels - np.arange(256)[None, :, None]).max() <= 1
    assert not photo.as_stored


def test_float_with_holes(tmp_path):
    values = np.tile(np.linspace(0, 1, 50, dtype=np.float32), (4, 1))
    values[0, :3] = np.nan, np.inf, -np.inf
    photo = load_photo(save(tmp_path / "a.tif", Image.fromarray(values)))
    assert photo.pixels[0, :3, 0].tolist() == [0, 255, 0]
    assert photo.pixels[1, -1, 0] == 255


def test_sixteen_bit_png(tmp_path):
    import cv2

    ramp = np.linspace(0, 65535, 512).astype(np.uint16)
    grey, colour = np.tile(ramp, (4, 1)), np.dstack([np.tile(ramp, (4, 1))] * 3)
    colour[..., 0] = 65535 - colour[..., 0]
    for name, values in (("grey.png", grey), ("colour.png", colour[..., ::-1]), ("colour.tif", colour[..., ::-1])):
        (tmp_path / name).write_bytes(cv2.imencode(name[-4:], values)[1].tobytes())
    photo = load_photo(tmp_path / "grey.png")
    assert np.abs(photo.pixels[..., 0] - grey / 257).max() <= 1 and not photo.as_stored
    for name in ("colour.png", "colour.tif"):
        photo = load_photo(tmp_path / name)
        assert np.abs(photo.pixels - colour / 257).max() <= 1 and not photo.as_stored


# What phones and others write -------------------------------------------------------------------------------------

HEIC = Path(__file__).parent / "heic"  # the picture `colours` by pillow-heif with quality 98 and full chroma
# From linear Display P3 to linear sRGB.
P3_TO_SRGB = np.array([[1.22494, -0.22494, 0], [-0.04206, 1.04206, 0], [-0.01964, -0.07864, 1.09827]])


def as_p3(colours):
    """What a picture shows whose numbers are those of Display P3."""
    return linear_to_srgb(srgb_to_linear(colours) @ P3_TO_SRGB.T)


@pytest.mark.parametrize("name", ["upright", "turned"])
def test_heic(colours, name):
    photo = load_photo(HEIC / f"{name}.heic")
    assert photo.pixels.shape == colours.shape
    assert np.abs(photo.pixels - colours.astype(int)).max() <= 3
    assert photo.focal_px == pytest.approx(50 / np.hypot(36, 24) * np.hypot(60, 40), rel=1e-5)
    assert not photo.as_stored


def test_heic_in_display_p3(colours):
    photo = load_photo(HEIC / "display_p3.heic")
    assert np.abs(photo.pixels - as_p3(colours)).mean() < 2
    assert np.abs(as_p3(colours) - colours).mean() > 5


def test_heic_that_is_cut_or_has_no_library_is_refused(tmp_path, monkeypatch):
    content = (HEIC / "upright.heic").read_bytes()
    for share in (0.3, 0.9):
        (tmp_path / "cut.heic").write_bytes(content[: int(share * len(content))])
        refusal(tmp_path / "cut.heic")
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    (tmp_path / "named.jpg").write_bytes(content)
    assert "HEIC cannot be read here. Save the photo as JPEG" in refusal(tmp_path / "named.jpg")


@pytest.mark.parametrize(
    ("suffix", "options", "limit"),
    [
        ("avif", {"quality": 100, "subsampling": "4:4:4"}, 4),
        ("jp2", {}, 0),
        ("tga", {}, 0),
        ("tga", {"compression": "tga_rle"}, 0),
    ],
)
def test_formats_that_blender_shows_otherwise(tmp_path, colours, suffix, options, limit):
    photo = load_photo(save(tmp_path / f"a.{suffix}", Image.fromarray(colours), **options))
    assert np.abs(photo.pixels - colours.astype(int)).max() <= limit
    assert not photo.as_stored


def test_gif_shows_its_first_picture(tmp_path, colours):
    first = Image.fromarray(colours).quantize(200)
    path = save(tmp_path / "a.gif", first, save_all=True, append_images=[Image.new("P", first.size)])
    photo = load_photo(path)
    assert np.array_equal(photo.pixels, np.asarray(first.convert("RGB"))) and not photo.as_stored


def test_targa_goes_by_its_name_because_it_has_no_mark(tmp_path, colours):
    content = io.BytesIO()
    Image.fromarray(colours).save(content, "TGA")
    (tmp_path / "a.jpg").write_bytes(content.getvalue())
    assert "not a JPEG" in refusal(tmp_path / "a.jpg")


def with_cicp(png: bytes, numbers: tuple[int, int]) -> bytes:
    data = b"cICP" + bytes([*numbers, 0, 1])
    return png[:33] + struct.pack(">I", 4) + data + struct.pack(">I", zlib.crc32(data)) + png[33:]


@pytest.mark.parametrize("profile", [None, "another"])
def test_display_p3_that_a_png_only_names(tmp_path, colours, profile):
    content = io.BytesIO()
    icc = {"icc_profile": rgb_profile(ADOBE_D50, ADOBE_GAMMA)} if profile else {}
    Image.fromarray(colours).save(content, "PNG", **icc)
    path = tmp_path / "a.png"
    path.write_bytes(with_cicp(content.getvalue(), (12, 13)))
    photo = load_photo(path)
    assert np.abs(photo.pixels - as_p3(colours)).max() <= 2 and not photo.as_stored
    path.write_bytes(with_cicp(content.getvalue(), (1, 13)))
    photo = load_photo(path)
    assert np.array_equal(photo.pixels, colours) == (profile is None)  # it names sRGB, so that the profile counts


def test_linear_colours_that_a_png_names(tmp_path, colours):
    content = io.BytesIO()
    Image.fromarray(colours).save(content, "PNG")
    (tmp_path / "a.png").write_bytes(with_cicp(content.getvalue(), (1, 8)))
    assert np.abs(load_photo(tmp_path / "a.png").pixels - linear_to_srgb(colours / 255)).max() <= 2


def test_display_p3_that_an_avif_only_names(tmp_path, colours):
    path = save(tmp_path / "a.avif", Image.fromarray(colours), quality=100, subsampling="4:4:4")
    content = path.read_bytes()
    place = content.index(b"colrnclx") + 8
    path.write_bytes(content[:place] + struct.pack(">HH", 12, 13) + content[place + 4 :])
    assert np.abs(load_photo(path).pixels - as_p3(colours)).mean() < 2


def sixteen_bit_tiff(pixels, order, planes):
    """A TIFF of (H, W, C) uint16, its channels side by side or one after the other."""
    height, width, channels = pixels.shape
    parts = [pixels[..., k] for k in range(channels)] if planes else [pixels]
    strips = [np.ascontiguousarray(part).astype(f"{order}u2").tobytes() for part in parts]
    places = np.cumsum([8, *map(len, strips)]).tolist()
    tags = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [16] * channels),
        259: ("H", [1]),
        262: ("H", [2]),
        273: ("I", places[:-1]),
        277: ("H", [channels]),
        278: ("I", [height]),
        279: ("I", [len(strip) for strip in strips]),
        284: ("H", [2 if planes else 1]),
        **({338: ("H", [2])} if channels == 4 else {}),
    }
    end = places[-1] + 2 + 12 * len(tags) + 4
    entries = beyond = b""
    for tag, (kind, values) in tags.items():
        data = struct.pack(order + kind * len(values), *values)
        place = data.ljust(4, b"\0")
        if len(data) > 4:
            place = struct.pack(f"{order}I", end + len(beyond))
            beyond += data
        entries += struct.pack(f"{order}HHI", tag, {"H": 3, "I": 4}[kind], len(values)) + place
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, places[-1])
    return head + b"".join(strips) + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + beyond


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_tiff(tmp_path, order, planes, channels):
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (4, 1))
    pixels = np.dstack([ramp, ramp[:, ::-1], ramp // 2, np.full_like(ramp, 65535)])[..., :channels]
    (tmp_path / "a.tif").write_bytes(sixteen_bit_tiff(pixels, order, planes))
    photo = load_photo(tmp_path / "a.tif")
    assert np.abs(photo.pixels - pixels[..., :3] / 257).max() <= 1 and not photo.as_stored


def test_what_a_blend_holds_is_read_where_the_file_is_gone(tmp_path, colours):
    path = save(tmp_path / "a.png", Image.fromarray(colours))
    packed = PackedPhoto(path.read_bytes(), "the checksum of the file", 700.0, "35 mm equivalent in the photo")
    assert load_photo(path, packed).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()  # the file goes first
    path.unlink()
    photo = load_photo(path, packed)
    assert np.array_equal(photo.pixels, colours) and photo.path == path
    assert (photo.sha256, photo.focal_px, photo.focal_told) == (packed.sha256, packed.focal_px, packed.focal_told)
    assert photo.content == packed.content
    with pytest.raises(CaptureError, match=r"a\.png is damaged"):
        load_photo(path, replace(packed, content=packed.content[:200]))


# EXIF -------------------------------------------------------------------------------------------------------------

# How a camera that is turned stores an upright picture (EXIF 2.3, tag 0x0112).
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("suffix", ["png", "webp", "tiff", "jpg"])
@pytest.mark.parametrize("orientation", STORED)
def test_orientation(tmp_path, colours, suffix, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = 50
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](colours)))
    options = LOSSLESS.get(suffix, {"quality": 97, "subsampling": 0})
    photo = load_photo(save(tmp_path / f"a.{suffix}", stored, exif=exif.tobytes(), **options))
    assert photo.pixels.shape == colours.shape
    assert np.abs(photo.pixels - colours.astype(int)).max() <= (6 if suffix == "jpg" else 0)
    assert photo.as_stored == (orientation == 1)
    assert photo.focal_px == pytest.approx(50 / np.hypot(36, 24) * np.hypot(60, 40), rel=1e-5)


def test_a_draft_is_the_photo_reduced(tmp_path, colours):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    large = Image.fromarray(np.ascontiguousarray(STORED[6](colours))).resize((803, 1203), Image.Resampling.BICUBIC)
    options = {"exif": exif.tobytes(), "quality": 95, "icc_profile": rgb_profile(ADOBE_D50, ADOBE_GAMMA)}
    path = save(tmp_path / "a.jpg", large, **options)
    photo, draft = load_photo(path).pixels, load_draft(path, 300)
    assert draft.shape == (201, 301, 3)
    reduced = np.asarray(Image.fromarray(photo).resize((301, 201), Image.Resampling.BOX), int)
    assert np.abs(draft - reduced).mean() < 1
    assert load_draft(path, 602) is None  # it is not so large
    assert load_draft(save(tmp_path / "a.png", large), 300) is None  # it would be no quicker
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(path.read_bytes()[:3000])
    for damaged in (cut, tmp_path / "missing.jpg", tmp_path):
        assert load_draft(damaged, 300) is None
    assert np.array_equal(load_draft(str(path), 300), draft)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes among its files")
def test_nobody_waits_for_what_is_no_file(tmp_path):
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    assert load_draft(pipe, 300) is None
    assert "is not a file" in refusal(pipe)


def exif_jpeg(path, tags, size=(600, 400)):
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base[name]: value for name, value in tags.items()})
    Image.new("RGB", size).save(path, exif=exif)
    return path


# A 22.3 mm wide sensor, 4272 pixels across, 50 mm lens: 4272 * 50 / 22.3 pixels.
SENSOR = {
    "FocalLength": IFDRational(50, 1),
    "FocalPlaneXResolution": IFDRational(round(4272 / 22.3 * 25.4 * 1000), 1000),
    "FocalPlaneResolutionUnit": 2,
}
IN_CENTIMETRES = {"FocalPlaneXResolution": IFDRational(round(4272 / 2.23 * 1000), 1000), "FocalPlaneResolutionUnit": 3}
FULL_SIZE = {"ExifImageWidth": 4272, "ExifImageHeight": 2848}


@pytest.mark.parametrize(
    "tags, share_of_width",
    [
        ({"FocalLengthIn35mmFilm": 28}, 28 / np.hypot(36, 24) * np.hypot(600, 400) / 600),
        ({"FocalLengthIn35mmFilm": 28, **SENSOR, **FULL_SIZE}, 28 / np.hypot(36, 24) * np.hypot(600, 400) / 600),
        ({**SENSOR, **FULL_SIZE}, 50 / 22.3),
        ({**SENSOR, **IN_CENTIMETRES, **FULL_SIZE}, 50 / 22.3),
        ({"FocalLengthIn35mmFilm": 0, **SENSOR, **FULL_SIZE}, 50 / 22.3),
    ],
)
def test_focal_length(tmp_path, tags, share_of_width):
    photo = load_photo(exif_jpeg(tmp_path / "a.jpg", tags))
    assert photo.focal_px == pytest.approx(share_of_width * 600, rel=1e-4)


# As programs write them that crop and scale: the EXIF size is the new one, all else is the camera's.
FULL_FRAME = {"Make": "Canon", "Model": "Canon EOS 5D Mark IV", "FocalLength": IFDRational(70, 1)}
RESOLUTION = {"FocalPlaneXResolution": IFDRational(6720 * 1000, 3600), "FocalPlaneResolutionUnit": 3}  # 6720 on 36 mm
REWRITTEN = {"ExifImageWidth": 600, "ExifImageHeight": 400}


@pytest.mark.parametrize(
    ("tags", "share_of_width", "told"),
    [
        # all of the frame, whatever the resolution says of a photo that was scaled
        ({**FULL_FRAME, **RESOLUTION, **REWRITTEN}, 70 / 36, "70 mm lens and sensor of the Canon EOS 5D Mark IV"),
        ({**FULL_FRAME, **REWRITTEN}, 70 / 36, "70 mm lens and sensor of the Canon EOS 5D Mark IV"),
        # a third of the frame, scaled afterwards
        (
            {**FULL_FRAME, **RESOLUTION, **REWRITTEN, "ImageWidth": 2240, "ImageLength": 1493},
            3 * 70 / 36,
            "70 mm lens and part of the sensor",
        ),
        # nobody tells the size of the part: at least what has the photo's shape
        ({**FULL_FRAME, "FocalLengthIn35mmFilm": 70, **RESOLUTION, **REWRITTEN}, 70 / 36, "35 mm equivalent"),
        # a smaller sensor's equivalent goes before the table
        ({**FULL_FRAME, "FocalLengthIn35mmFilm": 112}, 112 / 36, "35 mm equivalent"),
        # lens, equivalent and resolution agree
        (
            {**FULL_FRAME, "FocalLengthIn35mmFilm": 70, **RESOLUTION, "ExifImageWidth": 6720, "ExifImageHeight": 4480},
            70 / 36,
            "70 mm lens and part of the sensor",
        ),
    ],
)
def test_focal_length_of_a_scaled_photo_is_the_cameras(tmp_path, tags, share_of_width, told):
    photo = load_photo(exif_jpeg(tmp_path / "a.jpg", tags))
    assert photo.focal_px == pytest.approx(share_of_width * 600, rel=1e-3)
    assert photo.focal_told.startswith(told)


def test_focal_length_of_a_photo_of_another_shape_than_the_frame(tmp_path):
    """A square has the frame's height, so its angle is that of the shorter side."""
    photo = load_photo(exif_jpeg(tmp_path / "a.jpg", {**FULL_FRAME, "FocalLengthIn35mmFilm": 70}, (500, 500)))
    assert photo.focal_px == pytest.approx(500 * 70 / 24, rel=1e-3)
    upright = load_photo(exif_jpeg(tmp_path / "b.jpg", FULL_FRAME, (400, 600)))
    assert upright.focal_px == pytest.approx(400 * 70 / 24, rel=1e-3)


@pytest.mark.parametrize("millimetres", [4, 1442])
def test_what_no_portrait_lens_is_is_refused_in_words(tmp_path, millimetres):
    photo = load_photo(exif_jpeg(tmp_path / "a.jpg", {"FocalLengthIn35mmFilm": millimetres}))
    assert photo.focal_px is None
    assert photo.focal_told == f"the photo says {millimetres} mm, which is no lens for portraits"


@pytest.mark.parametrize(
    ("camera", "sensor"),
    [
        (("Canon", "Canon EOS 5D Mark IV"), (36.0, 24.0)),
        (("Canon", "Canon EOS R6m2"), (36.0, 24.0)),
        (("Canon", "Canon EOS R7"), (22.3, 14.9)),
        (("Canon", "Canon EOS R6"), (36.0, 24.0)),
        (("Canon", "Canon EOS REBEL T3i"), (22.3, 14.9)),
        (("Canon", "Canon EOS 6D Mark II"), (36.0, 24.0)),
        (("Canon", "Canon EOS 60D"), (22.3, 14.9)),
        (("NIKON CORPORATION", "NIKON D850"), (36.0, 24.0)),
        (("NIKON CORPORATION", "NIKON D3500"), (23.5, 15.6)),
        (("NIKON CORPORATION", "NIKON Z 6_2"), (36.0, 24.0)),
        (("NIKON CORPORATION", "NIKON Z 50"), (23.5, 15.6)),
        (("SONY", "ILCE-7RM4"), (36.0, 24.0)),
        (("SONY", "ILCE-6400"), (23.5, 15.6)),
        (("FUJIFILM", "X-T4"), (23.5, 15.6)),
        (("FUJIFILM", "GFX 100S"), (43.8, 32.9)),
        (("OLYMPUS CORPORATION", "E-M1MarkII"), (17.3, 13.0)),
        (("Panasonic", "DC-S5"), (36.0, 24.0)),
        (("Panasonic", "DC-G9"), (17.3, 13.0)),
        (("Apple", "iPhone 15 Pro"), None),
        ((None, "EOS"), None),
        ((b"Canon", 7), None),
    ],
)
def test_sensors_of_cameras(camera, sensor):
    assert sensor_of(*camera) == sensor


@pytest.mark.parametrize(
    "tags",
    [
        {"FocalLengthIn35mmFilm": 0},
        {"FocalLengthIn35mmFilm": 65535},
        {"FocalLength": IFDRational(50, 1)},
        {**SENSOR, "FocalLength": IFDRational(1, 0)},
        {**SENSOR, "FocalPlaneXResolution": IFDRational(1, 1)},
        {**SENSOR, "FocalPlaneResolutionUnit": 99},
    ],
)
def test_focal_nonsense_is_ignored(tmp_path, tags):
    assert load_photo(exif_jpeg(tmp_path / "a.jpg", tags)).focal_px is None


def test_damaged_exif_is_ignored(tmp_path, colours):
    path = tmp_path / "a.jpg"
    Image.fromarray(colours).save(path, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xfe" * 60)
    photo = load_photo(path)
    assert photo.focal_px is None and photo.width == 60


# What is refused --------------------------------------------------------------------------------------------------


def refusal(path):
    with pytest.raises(CaptureError) as caught:
        load_photo(path)
    message = str(caught.value)
    assert path.name in message and "\n" not in message and message.endswith(".")
    return message


def test_missing_empty_folder_and_no_image(tmp_path):
    assert "no file" in refusal(tmp_path / "missing.jpg")
    assert "no file" in refusal(tmp_path / "missing" / "missing.jpg")
    assert "folder" in refusal(tmp_path)
    (tmp_path / "empty.jpg").touch()
    assert "empty" in refusal(tmp_path / "empty.jpg")
    (tmp_path / "text.jpg").write_text("A photo of me. " * 1000)
    assert "not a JPEG" in refusal(tmp_path / "text.jpg")
    assert "cannot be opened" in refusal(tmp_path / ("long" * 100 + ".jpg"))
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.pcx")  # a format that is not taken
    assert "not a JPEG" in refusal(tmp_path / "picture.pcx")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "bmp"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated(tmp_path, suffix, share):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8))
    content = io.BytesIO()
    noise.save(content, {"jpg": "JPEG"}.get(suffix, suffix.upper()), **LOSSLESS.get(suffix, {}))
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(content.getvalue()[: int(share * len(content.getvalue()))])
    refusal(path)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow says what it skips
def test_any_damage_is_one_clear_error_or_a_photo(tmp_path, colours):
    random = np.random.default_rng(1)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    path = tmp_path / "damaged"
    refused = 0
    for suffix in ("JPEG", "PNG", "WEBP", "TIFF", "BMP"):
        content = io.BytesIO()
        Image.fromarray(colours).save(content, suffix, exif=exif, icc_profile=rgb_profile(ADOBE_D50, 2.2))
        for _ in range(60):
            data = np.frombuffer(content.getvalue(), np.uint8).copy()
            places = random.integers(0, min(len(data), 600), random.integers(1, 8))
            data[places] = random.integers(0, 256, len(places))
            path.write_bytes(data.tobytes())
            try:
                assert load_photo(path).pixels.ndim == 3
            except CaptureError:
                refused += 1
    assert refused > 20


def png_header(width, height):
    """A PNG file that claims a size and holds no pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(10_001, 10_000), (14_000, 13_000), (2_000_000, 2_000_000)])
def test_too_many_pixels_are_refused_by_the_header(tmp_path, size):
    (tmp_path / "huge.png").write_bytes(png_header(*size))
    assert "100 megapixels" in refusal(tmp_path / "huge.png")


def test_limit_itself_is_taken(tmp_path, monkeypatch, colours):
    path = save(tmp_path / "a.png", Image.fromarray(colours))
    monkeypatch.setattr(photo_module, "MAX_PIXELS", 60 * 40)
    assert load_photo(path).width == 60
    monkeypatch.setattr(photo_module, "MAX_PIXELS", 60 * 40 - 1)
    refusal(path)
