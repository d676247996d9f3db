"""What can go wrong in a capture, in words for the artist."""


class CaptureError(Exception):
    """One line: what is wrong and what to do. Shown to the artist as it is."""


class NoFaceError(CaptureError):
    """The photo shows no face that the detector finds."""


class NoHeadError(CaptureError):
    """The network finds nothing like a head where one should be."""


class Cancelled(Exception):
    """The artist stopped the job. Raised by a `progress` callback."""
