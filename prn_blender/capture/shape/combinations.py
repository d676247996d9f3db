"""Faces that are made of several of ARKit's expressions: Oculus' visemes and VRM's presets.

The names are Meta's (Oculus Lipsync, viseme reference) and the VRM Consortium's (VRMC_vrm 1.0, expressions); what they
are made of was chosen here by eye.
"""


def _both(name: str, value: float) -> dict[str, float]:
    return {f"{name}Left": value, f"{name}Right": value}


VISEMES: dict[str, dict[str, float]] = {
    "viseme_sil": {},
    "viseme_PP": {**_both("mouthPress", 0.5), "mouthRollLower": 0.3, "mouthRollUpper": 0.3},
    "viseme_FF": {"jawOpen": 0.06, "mouthRollLower": 0.6, **_both("mouthUpperUp", 0.3)},
    "viseme_TH": {"jawOpen": 0.12, **_both("mouthLowerDown", 0.3), **_both("mouthUpperUp", 0.2)},
    "viseme_DD": {"jawOpen": 0.12, **_both("mouthLowerDown", 0.4), **_both("mouthUpperUp", 0.2)},
    "viseme_kk": {"jawOpen": 0.18, **_both("mouthLowerDown", 0.3), **_both("mouthStretch", 0.15)},
    "viseme_CH": {"jawOpen": 0.08, "mouthFunnel": 0.6, "mouthPucker": 0.15},
    "viseme_SS": {"jawOpen": 0.04, **_both("mouthStretch", 0.3), **_both("mouthLowerDown", 0.4)},
    "viseme_nn": {"jawOpen": 0.1, **_both("mouthLowerDown", 0.3), **_both("mouthSmile", 0.1)},
    "viseme_RR": {"jawOpen": 0.1, "mouthFunnel": 0.35, "mouthPucker": 0.2},
    "viseme_aa": {"jawOpen": 0.5, **_both("mouthLowerDown", 0.2), **_both("mouthUpperUp", 0.1)},
    "viseme_E": {"jawOpen": 0.25, **_both("mouthSmile", 0.3), **_both("mouthLowerDown", 0.3)},
    "viseme_ih": {"jawOpen": 0.15, **_both("mouthSmile", 0.4), **_both("mouthLowerDown", 0.2)},
    "viseme_oh": {"jawOpen": 0.3, "mouthFunnel": 0.6},
    "viseme_ou": {"jawOpen": 0.12, "mouthPucker": 0.7, "mouthFunnel": 0.3},
}
PRESETS: dict[str, dict[str, float]] = {
    "happy": {**_both("mouthSmile", 0.8), **_both("cheekSquint", 0.5), **_both("eyeSquint", 0.3)},
    "angry": {**_both("browDown", 1.0), **_both("noseSneer", 0.4), **_both("mouthFrown", 0.4), "jawForward": 0.15},
    "sad": {"browInnerUp": 0.8, **_both("mouthFrown", 0.7), "mouthShrugLower": 0.3, **_both("eyeLookDown", 0.3)},
    "relaxed": {**_both("mouthSmile", 0.3), **_both("eyeBlink", 0.25)},
    "surprised": {"browInnerUp": 0.8, **_both("browOuterUp", 0.8), **_both("eyeWide", 0.8), "jawOpen": 0.35},
    "aa": VISEMES["viseme_aa"],
    "ih": VISEMES["viseme_ih"],
    "ou": VISEMES["viseme_ou"],
    "ee": VISEMES["viseme_E"],
    "oh": VISEMES["viseme_oh"],
    "blink": _both("eyeBlink", 1.0),
    "blinkLeft": {"eyeBlinkLeft": 1.0},
    "blinkRight": {"eyeBlinkRight": 1.0},
    "lookUp": _both("eyeLookUp", 1.0),
    "lookDown": _both("eyeLookDown", 1.0),
    "lookLeft": {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0},
    "lookRight": {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0},
}
COMBINATIONS = VISEMES | PRESETS
