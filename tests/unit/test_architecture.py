"""The rooms of the house: arrows point one way, and nothing is imported in a circle."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PACKAGE = CHECKOUT / "prn_blender"

# What a room may import besides itself.
MAY_IMPORT = {
    "capture": set(),
    "scene": {"capture"},
    "cli": {"scene", "capture"},
    "ui": {"scene", "capture", "cli"},
}
# The subjects of the interface, those at the bottom first.
SUBJECTS = (
    *("shell", "head", "photos", "capture", "expressions", "views", "landmarks"),
    *("pins", "pictures", "textures", "export"),
)


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(file): file for file in PACKAGE.rglob("*.py")}


def imports_of(name: str, at_load: bool) -> set[str]:
    """The package's modules that one imports: those at its top only, or all of them."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    inside = {child for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for child in ast.walk(node)}
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.level or (at_load and node in inside):
            continue
        base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1])
        target = f"{base}.{node.module}" if node.module else base
        for alias in node.names:
            found.add(f"{target}.{alias.name}" if f"{target}.{alias.name}" in MODULES else target)
    return found & set(MODULES)


def test_nothing_is_imported_in_a_circle():
    graph = {name: imports_of(name, at_load=True) - {name} for name in MODULES}
    for name, wanted in graph.items():  # a module's packages are loaded before it
        for other in set(wanted):
            parents = {other.rsplit(".", depth)[0] for depth in range(1, other.count("."))}
            graph[name] = graph[name] | {parent for parent in parents if not name.startswith(parent)}
    list(TopologicalSorter(graph).static_order())  # raises CycleError


def test_arrows_between_the_rooms_point_one_way():
    for name in MODULES:
        room = name.split(".")[1] if "." in name else ""
        others = {wanted.split(".")[1] for wanted in imports_of(name, at_load=False) if "." in wanted} - {room}
        assert others <= MAY_IMPORT.get(room, set(MAY_IMPORT)), name


def test_arrows_between_the_subjects_of_the_interface_point_one_way():
    for name in MODULES:
        parts = name.split(".")
        if parts[1:2] != ["ui"] or len(parts) < 4:
            continue
        below = set(SUBJECTS[: SUBJECTS.index(parts[2]) + 1])
        beside = {
            other.split(".")[2] for other in imports_of(name, at_load=True) if other.startswith("prn_blender.ui.")
        }
        assert beside <= below, name


def test_networks_are_opened_in_one_place():
    opening = [name for name, file in MODULES.items() if "InferenceSession(" in file.read_text(encoding="utf-8")]
    assert opening == ["prn_blender.capture.networks.session"]


@pytest.mark.parametrize("module", ["types", "shape.mesh", "shape.deformation", "landmarks", "packs.pack"])
def test_what_works_on_heads_that_exist_needs_numpy_alone(module):
    code = (
        "import sys\n"
        "for name in ('bpy', 'cv2', 'PIL', 'onnxruntime'): sys.modules[name] = None\n"
        f"import prn_blender.capture.{module}"
    )
    subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=True)
