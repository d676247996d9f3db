"""What a check of a head finds, in words for the artist."""

from dataclasses import dataclass

ERROR, WARNING, INFO = "ERROR", "WARNING", "INFO"  # Blender's words for reports


@dataclass(frozen=True)
class Finding:
    """One line. With an error nothing is written; a warning tells what the file lacks or is likely not meant."""

    level: str
    text: str


def error(text: str) -> Finding:
    return Finding(ERROR, text)


def warning(text: str) -> Finding:
    return Finding(WARNING, text)


def information(text: str) -> Finding:
    return Finding(INFO, text)
