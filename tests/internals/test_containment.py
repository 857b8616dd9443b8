"""What libraries call private or experimental is read in `_internals` alone."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INTERNALS = ROOT / "keras_selfmodel" / "_internals"
INSIDES = {"src", "experimental", "engine"}
# Documented by Python, in spite of their names.
DOCUMENTED = {"_asdict", "_exit", "_fields", "_replace"}


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in DOCUMENTED | {"_"}


def _defined(tree: ast.Module) -> set[str]:
    """The private names that a file gives to things of its own."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.id if isinstance(node, ast.Name) else node.attr)
    return names


def _foreign(tree: ast.Module, ours: set[str]) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (
            (_is_private(node.attr) and node.attr not in ours) or node.attr in INSIDES
        ):
            found.append(ast.unparse(node))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            # Of getattr, hasattr and patch.object; names of our own and ends of names are no attribute of a library.
            found += [node.value] if _is_private(node.value) and node.value in KNOWN else []
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            parts = {part for module in modules if not module.startswith(OURS) for part in module.split(".")}
            if parts & INSIDES or any(_is_private(part) for part in parts):
                found.append(ast.unparse(node))
    return found


OURS = ("keras_selfmodel", "ksm_cli")
TREES = {
    file: ast.parse(file.read_text(encoding="utf-8"))
    for folder in ("keras_selfmodel", "cli")
    for file in (ROOT / folder).rglob("*.py")
}
# What `_internals` itself reads by name.
KNOWN = {
    node.value if isinstance(node, ast.Constant) else node.attr
    for file, tree in TREES.items()
    if INTERNALS in file.parents
    for node in ast.walk(tree)
    if (isinstance(node, ast.Attribute) and _is_private(node.attr))
    or (isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_private(node.value))
}


def test_private_parts_of_libraries_are_read_in_one_place():
    outside = {file: tree for file, tree in TREES.items() if INTERNALS not in file.parents}
    ours = set().union(*(_defined(tree) for tree in outside.values()))
    found = {str(file.relative_to(ROOT)): _foreign(tree, ours) for file, tree in outside.items()}
    assert {file: names for file, names in found.items() if names} == {}


def test_what_is_private_is_seen():
    tree = ast.parse("from keras.src import backend\nmodel._flatten_layers()\nhasattr(model, '_nodes_by_depth')")
    assert len(_foreign(tree, set())) == 3
