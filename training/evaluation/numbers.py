"""Numbers by subject and name, as a table for readers and as JSON for programs."""

import math

Numbers = dict[str, dict[str, float]]  # subject: name: value


def add(numbers: Numbers, subject: str, **values: float) -> None:
    """Puts values under a subject; underscores in names stand for spaces."""
    row = numbers.setdefault(subject, {})
    row |= {name.replace("_", " "): float(value) for name, value in values.items()}


def table(columns: dict[str, Numbers]) -> str:
    """A line for every number, a column for every pack; what a pack has not stays empty."""
    subjects = list(dict.fromkeys(subject for numbers in columns.values() for subject in numbers))
    width = max(len(subject) for subject in subjects) + 2
    lines = [" " * (width + 26) + "".join(f"{name:>22}" for name in columns)]
    for subject in subjects:
        names = dict.fromkeys(name for numbers in columns.values() for name in numbers.get(subject, {}))
        title = subject
        for name in names:
            cells = [_cell(numbers.get(subject, {}).get(name)) for numbers in columns.values()]
            if any(cell != "" for cell in cells):
                lines.append(f"{title:{width}}{name:26}" + "".join(f"{cell:>22}" for cell in cells).rstrip())
                title = ""
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    if value is None or math.isnan(value):
        return ""
    return f"{value:.0f}" if value == round(value) else f"{value:.2f}"
