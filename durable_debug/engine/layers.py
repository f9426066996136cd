"""Layers of a template's function, as far as they lie in the project: folders that Lambda has on its import path."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from durable_debug.engine.unpacked import of_archive

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["folders_of_layer", "import_path", "layers_here"]

_LAYERS = {"AWS::Serverless::LayerVersion": "ContentUri", "AWS::Lambda::LayerVersion": "Content"}


def layers_here(template: Path, resources: Mapping[str, Any], named: list[str]) -> list[Path]:
    """Give the folders of those layers that the template has the content of, in the order given; others are passed over.

    Parameters
    ----------
    named
        Logical ids of layers.
    """
    found = []
    for name in named:
        layer = resources.get(name)
        if not isinstance(layer, Mapping) or layer.get("Type") not in _LAYERS:
            continue
        properties = layer.get("Properties")
        content = properties.get(_LAYERS[layer["Type"]], ".") if isinstance(properties, Mapping) else None
        if not isinstance(content, str) or "://" in content:
            continue
        folder = template.parent / content
        if folder.suffix == ".zip" and folder.is_file():
            folder = of_archive(folder)
        if folder.is_dir():
            found.append(folder)
    return found


def folders_of_layer(layer: Path) -> list[Path]:
    """Give the folders of one layer that Lambda imports from.

    Of a layer that is yet to be built it is the folder itself: ``sam build`` puts that into ``python/``.
    """
    python = layer / "python"
    if not python.is_dir():
        return [layer]
    return [*sorted(python.glob("lib/python3.*/site-packages"), reverse=True), python]


def import_path(code: Path, layers: list[Path], given: str | None) -> str:
    """Give what a function's ``PYTHONPATH`` is here: the layers' folders, the last layer's first, and what it is set to.

    Parameters
    ----------
    code
        The function's folder, which is ``/var/task`` there; the layers' are ``/opt``.
    given
        ``PYTHONPATH`` as the function is configured.
    """
    found = [folder for layer in reversed(layers) for folder in folders_of_layer(layer)]
    for part in (given or "").split(":"):
        if part.startswith("/var/task"):
            found.append(code / part.removeprefix("/var/task").lstrip("/"))
        elif part.startswith("/opt"):
            found += [layer / part.removeprefix("/opt").lstrip("/") for layer in reversed(layers)]
    return os.pathsep.join(dict.fromkeys(str(folder.resolve()) for folder in found if folder.is_dir()))
