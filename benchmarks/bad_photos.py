"""Photo files as they should not be: damaged, hostile, or merely unusual. Made by code from the bundled portrait.

`write(folder)` makes the same files every time; a kind's readable files show the portrait.
"""

import io
import os
import socket
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

PORTRAIT = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
SIDE = 320  # pixels: small, so that all of them are captured in minutes

ENCODERS = {
    "jpg": {"format": "JPEG", "quality": 90},
    "progressive.jpg": {"format": "JPEG", "quality": 90, "progressive": True},
    "png": {"format": "PNG"},
    "webp": {"format": "WEBP", "quality": 80},
    "lossless.webp": {"format": "WEBP", "lossless": True},
    "tif": {"format": "TIFF"},
    "lzw.tif": {"format": "TIFF", "compression": "tiff_lzw"},
    "bmp": {"format": "BMP"},
    "gif": {"format": "GIF"},
}
CUTS = (1, 3, 12, 40, 200, 0.1, 0.3, 0.6, 0.9, 0.999)  # bytes, or a share of the file
MUTANTS = 10  # of each format


def write(folder: Path) -> dict[str, list[Path]]:
    """Makes all files; their paths by kind. Some of the paths lead to no file, on purpose."""
    corpus = {}
    for kind, make in KINDS.items():
        own = folder / kind.replace(" ", "_")
        own.mkdir(parents=True)
        corpus[kind] = make(own)
    return corpus


def portrait() -> Image.Image:
    with Image.open(PORTRAIT) as image:
        return image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def encoded(image: Image.Image, **how) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **how)
    return buffer.getvalue()


def rich_exif() -> Image.Exif:
    """What a camera writes, and orientation 1."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 1
    exif[ExifTags.Base.Make] = "A camera"
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.FocalLength: IFDRational(50, 1),
            ExifTags.Base.FocalLengthIn35mmFilm: 50,
            ExifTags.Base.FocalPlaneXResolution: IFDRational(3000, 1),
            ExifTags.Base.FocalPlaneResolutionUnit: 2,
            ExifTags.Base.MakerNote: bytes(range(256)),
        }
    )
    return exif


def _put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _all_formats() -> dict[str, bytes]:
    return {suffix: encoded(portrait(), **how) for suffix, how in ENCODERS.items()}


# --- Damage ---------------------------------------------------------------------------------------------------------


def truncated(folder: Path) -> list[Path]:
    paths = []
    for suffix, content in _all_formats().items():
        for number, cut in enumerate(CUTS):
            size = cut if isinstance(cut, int) else int(cut * len(content))
            paths.append(_put(folder / f"cut_{number}_{suffix}", content[:size]))
    return paths


def mutated(folder: Path) -> list[Path]:
    random = np.random.default_rng(4)
    return [
        _put(folder / f"mutant_{number}_{suffix}", _mutated(content, number, random))
        for suffix, content in _all_formats().items()
        for number in range(MUTANTS)
    ]


def _mutated(content: bytes, number: int, random: np.random.Generator) -> bytes:
    """Bytes changed near the start, anywhere, or a stretch left out, doubled or zeroed, in turn."""
    data = np.frombuffer(content, np.uint8).copy()
    start, end = np.sort(random.integers(8, len(data), 2))
    if number % 5 == 0:
        places = random.integers(2, min(len(data), 400), random.integers(1, 8))
        data[places] = random.integers(0, 256, len(places))
    elif number % 5 == 1:
        places = random.integers(0, len(data), random.integers(1, 40))
        data[places] = random.integers(0, 256, len(places))
    elif number % 5 == 2:
        data = np.delete(data, slice(start, end))
    elif number % 5 == 3:
        data = np.concatenate([data[:end], data[start:]])
    else:
        data[start:end] = 0
    return data.tobytes()


def mutated_exif(folder: Path) -> list[Path]:
    random = np.random.default_rng(5)
    content = encoded(portrait(), format="JPEG", exif=rich_exif())
    start = content.index(b"Exif")
    size = struct.unpack(">H", content[start - 2 : start])[0]
    paths = []
    for number in range(16):
        data = np.frombuffer(content, np.uint8).copy()
        places = start + 6 + random.integers(0, size - 8, random.integers(1, 12))
        data[places] = random.choice([0, 1, 127, 128, 255], len(places)) if number % 2 else random.integers(0, 256)
        paths.append(_put(folder / f"exif_{number}.jpg", data.tobytes()))
    return paths


# --- Not what the name says -----------------------------------------------------------------------------------------


def wrong_extension(folder: Path) -> list[Path]:
    formats = _all_formats()
    archive, tape = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("photo.jpg", formats["jpg"])
    with tarfile.open(fileobj=tape, mode="w") as packed:
        packed.add(PORTRAIT, "photo.jpg")
    contents = {
        "png_named.jpg": formats["png"],
        "jpg_named.png": formats["jpg"],
        "webp_named.tif": formats["webp"],
        "tif_named.bmp": formats["tif"],
        "gif_named.jpg": formats["gif"],
        "jpg_without_suffix": formats["jpg"],
        "text.jpg": b"A photo of me. " * 100,
        "page.jpg": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "drawing.png": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        "script.bmp": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
        "document.tif": b"%PDF-1.7\n1 0 obj << >> endobj\n",
        "archive.jpg": archive.getvalue(),
        "tape.png": tape.getvalue(),
        "phone.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500),
        "film.webp": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(500),
        "program.png": b"\x7fELF\x02\x01\x01" + bytes(500),
        "noise.jpg": np.random.default_rng(6).bytes(5000),
        "zeros.jpg": bytes(5000),
    }
    return [_put(folder / name, content) for name, content in contents.items()]


# --- Huge -----------------------------------------------------------------------------------------------------------


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, bits: int = 8, colour: int = 2) -> bytes:
    """A PNG file of these dimensions with these chunks between header and end."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + b"".join(chunks) + png_chunk(b"IEND", b"")


def black_png(width: int, height: int) -> bytes:
    """A complete PNG file with one bit a pixel: a thousandth of what it takes in memory."""
    packer, row = zlib.compressobj(9), bytes(1 + (width + 7) // 8)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png(width, height, png_chunk(b"IDAT", data), bits=1, colour=0)


def tiff(**tags: int | tuple[int, ...]) -> bytes:
    """A TIFF file with 64 x 64 grey pixels whose tags, by name, are then changed."""
    values = {
        "ImageWidth": 64,
        "ImageLength": 64,
        "BitsPerSample": 8,
        "Compression": 1,
        "PhotometricInterpretation": 1,
        "StripOffsets": 8,
        "SamplesPerPixel": 1,
        "RowsPerStrip": 64,
        "StripByteCounts": 4096,
        **tags,
    }
    directory = 8 + 4096
    after = directory + 2 + 12 * len(values) + 4
    entries, beyond = b"", b""
    for tag, value in sorted((ExifTags.Base[name].value, value) for name, value in values.items()):
        numbers = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"<{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            packed, beyond = struct.pack("<I", after + len(beyond)), beyond + packed
        entries += struct.pack("<HHI", tag, 4, len(numbers)) + packed
    head = b"II*\0" + struct.pack("<I", directory) + bytes(4096) + struct.pack("<H", len(values))
    return head + entries + bytes(4) + beyond


def huge(folder: Path) -> list[Path]:
    bitmap, picture = bytearray(encoded(portrait(), format="BMP")), bytearray(encoded(portrait(), format="JPEG"))
    bitmap[18:26] = struct.pack("<ii", 100_000, 100_000)
    frame = picture.index(b"\xff\xc0")
    picture[frame + 5 : frame + 9] = struct.pack(">HH", 65_500, 65_500)
    animation = bytearray(encoded(portrait(), format="GIF"))
    animation[6:10] = struct.pack("<HH", 65_535, 65_535)
    film = bytearray(encoded(portrait(), format="WEBP", save_all=True, append_images=[portrait()] * 2))
    film[24:30] = b"\xff\xff\xff\xff\x0f\x00"  # 2^24 x 2^12 pixels
    bomb = zlib.compress(bytes(200_000_000), 9)
    pixels = png_chunk(b"IDAT", zlib.compress(bytes(64 * (1 + 64 * 3))))
    contents = {
        "header.png": png(100_000, 100_000, png_chunk(b"IDAT", zlib.compress(b""))),
        "largest_header.png": png(2**31 - 1, 2**31 - 1, png_chunk(b"IDAT", zlib.compress(b""))),
        "wide_header.png": png(2**31 - 1, 1, png_chunk(b"IDAT", zlib.compress(b""))),
        "bomb.png": black_png(20_000, 20_000),
        "as_large_as_allowed.png": black_png(10_000, 10_000),
        "line_as_large_as_allowed.png": black_png(1_000_000, 100),
        "column_as_large_as_allowed.png": black_png(100, 1_000_000),
        "text_bomb.png": png(64, 64, png_chunk(b"zTXt", b"Comment\0\0" + bomb), pixels),
        "profile_bomb.png": png(64, 64, png_chunk(b"iCCP", b"sRGB\0\0" + bomb), pixels),
        "pixels_bomb.png": png(64, 64, png_chunk(b"IDAT", bomb)),
        "chunk.png": png(64, 64, struct.pack(">I", 2**31 - 1) + b"tEXt" + bytes(100)),
        "header.bmp": bytes(bitmap),
        "header.jpg": bytes(picture),
        "header.gif": bytes(animation),
        "header.webp": bytes(film),
        "header.tif": tiff(ImageWidth=100_000, ImageLength=100_000),
        "samples.tif": tiff(SamplesPerPixel=65_535, BitsPerSample=(8,) * 1000),
        "strip.tif": tiff(StripByteCounts=2**32 - 1),
        "strips.tif": tiff(RowsPerStrip=1, StripOffsets=(8,) * 60_000, StripByteCounts=(4096,) * 60_000),
        "offset.tif": tiff(StripOffsets=2**32 - 16),
        "tile.tif": tiff(TileWidth=2**31, TileLength=2**31, TileOffsets=8, TileByteCounts=4096),
        "no_width.tif": tiff(ImageWidth=0),
        "deep.tif": tiff(BitsPerSample=64),
        "compressed.tif": tiff(Compression=5),
        "unknown.tif": tiff(Compression=60_000),
    }
    return [_put(folder / name, content) for name, content in contents.items()]


# --- Nothing to read ------------------------------------------------------------------------------------------------


def not_a_file(folder: Path) -> list[Path]:
    _put(folder / "empty.jpg", b"")
    _put(folder / "forbidden.jpg", PORTRAIT.read_bytes()).chmod(0)
    (folder / "locked").mkdir()
    _put(folder / "locked" / "photo.jpg", PORTRAIT.read_bytes())
    (folder / "locked").chmod(0)
    links = {"dangling.jpg": "nowhere.jpg", "loop.jpg": "loop.jpg", "to_device.jpg": "/dev/zero"}
    for name, target in links.items():
        (folder / name).symlink_to(target)
    os.mkfifo(folder / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket.jpg"))
    names = ("empty.jpg", "forbidden.jpg", "locked/photo.jpg", "pipe.jpg", "socket.jpg", "missing.jpg", *links)
    return [
        *(folder / name for name in names),
        *map(Path, ("/dev/null", "/dev/zero", "/dev/full", "/dev/stdin", "/proc/self/mem", "/proc/self/environ")),
        folder / "empty.jpg" / "photo.jpg",
        folder / ("long" * 70 + ".jpg"),
        folder / ("deep/" * 900) / "photo.jpg",
    ]


# --- Unusual, but right ---------------------------------------------------------------------------------------------


def names(folder: Path) -> list[Path]:
    """Photos in order, under names that are not."""
    content = encoded(portrait(), format="JPEG")
    plain = [
        *("Jürgen.jpg", "фото.jpg", "写真.jpg", "صورة.jpg", "🙂👩‍🚀.jpg", "e\u0301.jpg", "\u202egpj.exe.jpg"),
        *("two words.jpg", " leading.jpg", "trailing .jpg", "dots...jpg", ".hidden.jpg", "UPPER.JPG", "no_suffix"),
        *(
            "quote'\".jpg",
            "new\nline.jpg",
            "tab\t.jpg",
            "bell\a.jpg",
            "back\\slash.jpg",
            "%s%n.jpg",
            "{0}.jpg",
            "$(id).jpg",
        ),
        *("a" * 251 + ".jpg", "ü" * 125 + ".jpg", "x.jpg", "#####.jpg", "-o.jpg", "--help.jpg"),
    ]
    paths = [_put(folder / name, content) for name in plain]
    paths.append(_put(folder / os.fsdecode(b"not_unicode_\xff\xfe.jpg"), content))
    deep = folder.joinpath(*["d" * 200] * 15)
    deep.mkdir(parents=True)
    return [*paths, _put(deep / "deep.jpg", content)]


def pictures(folder: Path) -> list[Path]:
    """Every kind of pixels."""
    face = portrait()
    grey = np.asarray(face.convert("L"))
    transparent = face.copy()
    transparent.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, SIDE).astype(np.uint8), (SIDE, 1))))
    frames = [face.rotate(angle) for angle in (10, 20)]
    holes = grey / np.float32(255)
    holes[::7] = np.nan
    holes[3::7] = np.inf
    made = {
        "cmyk.jpg": (face.convert("CMYK"), {}),
        "cmyk.tif": (face.convert("CMYK"), {}),
        "grey.jpg": (face.convert("L"), {}),
        "bilevel.png": (face.convert("1"), {}),
        "bilevel.tif": (face.convert("1"), {"compression": "group4"}),
        "palette.png": (face.quantize(64), {}),
        "palette_transparent.png": (face.quantize(64), {"transparency": 0}),
        "alpha.png": (transparent, {}),
        "alpha.webp": (transparent, {}),
        "alpha.tif": (transparent, {}),
        "invisible.png": (Image.new("RGBA", (SIDE, SIDE)), {}),
        "deep_grey.png": (Image.fromarray(grey.astype(np.uint16) * 257), {}),
        "deep_grey.tif": (Image.fromarray(grey.astype(np.uint16) * 16), {}),
        "integers.tif": (Image.fromarray(grey.astype(np.int32) * 65536), {}),
        "float.tif": (Image.fromarray(grey / np.float32(255)), {}),
        "float_with_holes.tif": (Image.fromarray(holes), {}),
        "lab.tif": (face.convert("LAB"), {}),
        "ycbcr.tif": (face.convert("YCbCr"), {}),
        "animated.webp": (face, {"save_all": True, "append_images": frames}),
        "animated.png": (face, {"save_all": True, "append_images": frames}),
        "animated.gif": (face, {"save_all": True, "append_images": frames}),
        "pages.tif": (face, {"save_all": True, "append_images": frames}),
        "stereo.jpg": (face, {"format": "MPO", "save_all": True, "append_images": frames}),
        "interlaced.png": (face, {"interlace": 1}),
        "broken_profile.jpg": (face, {"icc_profile": b"no profile" * 50}),
        "empty_profile.png": (face, {"icc_profile": bytes(128)}),
        "pixel.png": (face.resize((1, 1)), {}),
        "row.png": (face.resize((5000, 1)), {}),
        "column.jpg": (face.resize((1, 5000)), {}),
        "tiny.jpg": (face.resize((12, 12)), {}),
        "small.png": (face.resize((48, 48)), {}),
        "black.jpg": (Image.new("RGB", (SIDE, SIDE)), {}),
        "jpeg_in.tif": (face, {"compression": "jpeg"}),
        "large.tif": (face, {"big_tiff": True}),
    }
    return [_put(folder / name, encoded(image, **_format(name, how))) for name, (image, how) in made.items()]


def _format(name: str, how: dict) -> dict:
    formats = {"jpg": "JPEG", "tif": "TIFF"}
    suffix = name.rpartition(".")[2]
    return {"format": formats.get(suffix, suffix.upper()), **how}


def exif_values(folder: Path) -> list[Path]:
    """Orientations and focal lengths that no camera means."""
    tag, paths = ExifTags.Base, []
    values = [
        *({tag.Orientation: value} for value in (0, 9, 65_535, 8)),
        *({tag.FocalLengthIn35mmFilm: value} for value in (0, 1, 65_535)),
        *({tag.FocalLength: IFDRational(*value)} for value in ((0, 0), (0, 1), (1, 0), (2**32 - 1, 1), (1, 2**32 - 1))),
        {tag.FocalLength: IFDRational(50, 1), tag.FocalPlaneXResolution: IFDRational(0, 0)},
        {tag.FocalLength: IFDRational(50, 1), tag.FocalPlaneXResolution: IFDRational(2**32 - 1, 1)},
        {tag.FocalLength: IFDRational(50, 1), tag.FocalPlaneXResolution: 3000.0, tag.FocalPlaneResolutionUnit: 99},
    ]
    for number, exposure in enumerate(values):
        exif = Image.Exif()
        exif.update(exposure)
        exif.get_ifd(ExifTags.IFD.Exif).update(exposure)
        paths.append(_put(folder / f"values_{number}.jpg", encoded(portrait(), format="JPEG", exif=exif)))
    return paths


KINDS: dict[str, Callable[[Path], list[Path]]] = {
    "truncated": truncated,
    "mutated by a fuzzer": mutated,
    "mutated EXIF": mutated_exif,
    "wrong extension": wrong_extension,
    "huge": huge,
    "not a file": not_a_file,
    "unusual names": names,
    "unusual pixels": pictures,
    "EXIF nonsense": exif_values,
}
