"""Functions as a SAM or CloudFormation template has them: their code, handler, layers and environment."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from durable_debug.engine.layers import import_path, layers_here
from durable_debug.engine.placeholder import UNKNOWN
from durable_debug.errors import HandlerError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["function_of"]

_FUNCTIONS = {"AWS::Serverless::Function", "AWS::Lambda::Function"}
_MOST_BYTES = 10 << 20
_IN_A_TEXT = re.compile(r"\$\{([^}]+)\}")


class _Reference:
    """What only CloudFormation works out, when it deploys."""

    def __init__(self, tag: str, value: Any) -> None:
        self.tag, self.value = tag, value


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms, ``!Ref`` and the like, without making anything of them."""


def _reference(loader: _Loader, suffix: str, node: yaml.Node) -> _Reference:
    if isinstance(node, yaml.ScalarNode):
        return _Reference(suffix, loader.construct_scalar(node))
    if isinstance(node, yaml.SequenceNode):
        return _Reference(suffix, loader.construct_sequence(node, deep=True))
    assert isinstance(node, yaml.MappingNode)
    return _Reference(suffix, loader.construct_mapping(node, deep=True))


_Loader.add_multi_constructor("!", _reference)


def function_of(template: Path, logical_id: str | None) -> tuple[Path, str, dict[str, str]]:
    """Give a function's folder, its handler string, and its variables.

    What a template's variable is set to may be known only to CloudFormation: then it reads as what nobody knows. Layers that
    the template has the content of are folders in ``PYTHONPATH``.

    Raises
    ------
    HandlerError
        There is no such template or function, or its code is not here.
    """
    document = _document(template)
    resources = _mapping(document.get("Resources"))
    functions = {
        name: resource.get("Properties") or {}
        for name, resource in resources.items()
        if isinstance(resource, Mapping) and resource.get("Type") in _FUNCTIONS
    }
    name = _chosen(template, functions, logical_id)
    common = _mapping(_mapping(document.get("Globals")).get("Function"))
    own = functions[name]
    runtime = str(own.get("Runtime") or common.get("Runtime") or "python")
    if own.get("PackageType") == "Image" or not runtime.startswith("python"):
        what = "a container image" if own.get("PackageType") == "Image" else runtime
        raise HandlerError(
            f"{name} in {template} is of {what}.",
            cure="Name the file of a Python handler: 'path/to/app.py:handler'.",
        )
    handler = own.get("Handler") or common.get("Handler")
    if not isinstance(handler, str):
        raise HandlerError(
            f"{name} in {template} has no Handler that can be read here.",
            cure="Name the file: 'path/to/app.py:handler'.",
        )
    folder = _folder(template, name, own, common)
    variables = _variables(document, own, common)
    layers = layers_here(template, resources, _layers(own, common))
    path = import_path(folder, layers, variables.pop("PYTHONPATH", None))
    return folder, handler, variables | ({"PYTHONPATH": path} if path else {})


def _layers(own: Mapping[str, Any], common: Mapping[str, Any]) -> list[str]:
    """Logical ids of the layers that are named by them, those of all functions first."""
    lists = [holder.get("Layers") for holder in (common, own)]
    named = [layer for one in lists if isinstance(one, list) for layer in one]
    return [str(of) for layer in named for of in [_referred(layer)] if of is not None]


def _referred(value: Any) -> object:
    """What a ``Ref`` refers to; None of anything else."""
    return value.value if isinstance(value, _Reference) and value.tag == "Ref" else _mapping(value).get("Ref")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _document(template: Path) -> Mapping[str, Any]:
    try:
        if template.stat().st_size > _MOST_BYTES:
            raise HandlerError(f"{template} is too large for a template.", cure="Name a template.")
        document = yaml.load(template.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise HandlerError(f"{template} can't be read: {error.strerror}.", cure="Check the path.") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise HandlerError(
            f"{template} is no YAML: {first}.", cure="Name a SAM or CloudFormation template."
        ) from None
    if not isinstance(document, Mapping) or not isinstance(document.get("Resources"), Mapping):
        raise HandlerError(
            f"{template} is no template: it has no Resources.", cure="Name a SAM or CloudFormation template."
        )
    return document


def _chosen(template: Path, functions: Mapping[str, Any], logical_id: str | None) -> str:
    if logical_id in functions:
        return str(logical_id)
    durable = [name for name, own in functions.items() if "DurableConfig" in own] or list(functions)
    if not logical_id and len(durable) == 1:
        return durable[0]
    if not functions:
        raise HandlerError(f"{template} has no function.", cure="Name a template with one.")
    if not logical_id:
        raise HandlerError(
            f"{template} has {len(durable)} functions: {', '.join(map(str, durable))}.",
            cure=f"Name one: '{template}#{durable[0]}'.",
        )
    near = difflib.get_close_matches(logical_id, functions, n=1)
    raise HandlerError(
        f"{template} has no function {logical_id!r:.200}.",
        cure=f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(map(str, functions))}.",
    )


def _folder(template: Path, name: str, own: Mapping[str, Any], common: Mapping[str, Any]) -> Path:
    code = own.get("CodeUri") or common.get("CodeUri") or own.get("Code") or "."
    if not isinstance(code, str) or "://" in code:
        raise HandlerError(
            f"The code of {name} in {template} lies elsewhere, not in this folder.",
            cure="Name the file: 'path/to/app.py:handler'.",
        )
    folder = template.parent / code
    if folder.suffix == ".zip" and folder.is_file():
        from durable_debug.engine.unpacked import of_archive

        return of_archive(folder)
    if not folder.is_dir():
        raise HandlerError(
            f"There is no folder {folder}, where {template} has the code of {name}.",
            cure="Check its CodeUri.",
        )
    return folder


def _variables(
    document: Mapping[str, Any], own: Mapping[str, Any], common: Mapping[str, Any]
) -> dict[str, str]:
    """Give the variables as far as the template has their values; others as what nobody knows."""
    found: dict[str, str] = {}
    for holder in (common, own):
        for name, value in _mapping(_mapping(holder.get("Environment")).get("Variables")).items():
            text = _text(value, _mapping(document.get("Parameters")))
            found[str(name)] = UNKNOWN if text is None else text
    return found


def _text(value: Any, parameters: Mapping[str, Any]) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    written = (
        value.value
        if isinstance(value, _Reference) and value.tag == "Sub"
        else _mapping(value).get("Fn::Sub")
    )
    if isinstance(written, str):
        parts = {name: _default(name, parameters) for name in _IN_A_TEXT.findall(written)}
        if any(part is None for part in parts.values()):
            return None
        return _IN_A_TEXT.sub(lambda match: parts[match[1]] or "", written)
    of = _referred(value)
    return _default(str(of), parameters) if of is not None else None


def _default(name: str, parameters: Mapping[str, Any]) -> str | None:
    default = _mapping(parameters.get(name)).get("Default")
    return None if default is None or isinstance(default, Mapping | list) else str(default)
