"""How large the sensors of cameras are, by what cameras write into photos: families, not every model."""

import re

FULL_FRAME = (36.0, 24.0)  # mm
APS_C = (23.5, 15.6)
CANON_APS_C = (22.3, 14.9)
FOUR_THIRDS = (17.3, 13.0)
ONE_INCH = (13.2, 8.8)
MEDIUM = (43.8, 32.9)

# The first that matches "MAKE MODEL" counts, so what is special stands before its family. Phones are not here: they
# write the equivalent focal length themselves.
SENSORS = (
    (r"CANON.* EOS[- ]?(1DS|1D X|5D|5DS|6D|R1|R3|R5|R6|R8|RP)(M2| |$)", FULL_FRAME),
    (r"CANON.* EOS R$", FULL_FRAME),
    (r"CANON.* EOS[- ]?1D\b", (28.1, 18.7)),
    (r"CANON.* EOS\b", CANON_APS_C),
    (r"CANON.* POWERSHOT G[579] ?X\b", ONE_INCH),
    (r"NIKON.* (D3|D3S|D3X|D4|D4S|D5|D6|D600|D610|D700|D750|D780|D800|D800E|D810|D810A|D850|DF)$", FULL_FRAME),
    (r"NIKON.* Z ?(5|5_2|6|6_2|6_3|6III|7|7_2|8|9|F)$", FULL_FRAME),
    (r"NIKON.* (D\d+[A-Z]*|Z ?30|Z ?50|Z ?50_2|Z ?FC)$", APS_C),
    (r"SONY (ILCE-(1|7|9)|ILME-FX3|DSC-RX1(R|RM2)?$|SLT-A99|ILCA-99|DSLR-A(850|900))", FULL_FRAME),
    (r"SONY DSC-RX(10|100)", ONE_INCH),
    (r"SONY (ILCE-|NEX-|SLT-|DSLR-|ILCA-|ZV-E10)", APS_C),
    (r"FUJIFILM GFX", MEDIUM),
    (r"FUJIFILM X(-|100|70)", APS_C),
    (r"(OLYMPUS|OM DIGITAL).* (E-|OM-)", FOUR_THIRDS),
    (r"PANASONIC DC-S\d", FULL_FRAME),
    (r"PANASONIC (DMC|DC)-G", FOUR_THIRDS),
    (r"LEICA.* (M|Q|SL)", FULL_FRAME),
    (r"(PENTAX|RICOH).* K-1\b", FULL_FRAME),
    (r"(PENTAX|RICOH).* (K|GR)", APS_C),
    (r"SIGMA FP", FULL_FRAME),
    (r"HASSELBLAD.* X", MEDIUM),
)


def sensor_of(make: object, model: object) -> tuple[float, float] | None:
    """The longer and the shorter side of a camera's sensor in mm; None where it is not known."""
    if not isinstance(make, str) or not isinstance(model, str):
        return None
    name = " ".join(f"{make} {model}".replace("\0", "").upper().split())
    return next((size for pattern, size in SENSORS if re.search(pattern, name)), None)
