"""Whether a document has the shape that botocore's model of Lambda gives to a history."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

import botocore.session


@cache
def _model() -> Any:
    return botocore.session.get_session().get_service_model("lambda")


def faults_of_events(events: list[dict[str, Any]]) -> list[str]:
    """What does not fit: unknown members, wrong types, missing required ones, details of another event type."""
    shape, faults = _model().shape_for("Event"), []
    for event in events:
        where = f"event {event.get('EventId')}"
        _compare(event, shape, where, faults)
        details = {key for key in event if key.endswith("Details")}
        if details != {f"{event['EventType']}Details"}:
            faults.append(f"{where}: {event['EventType']} has {details or 'no details'}")
    return faults


def _compare(value: Any, shape: Any, where: str, faults: list[str]) -> None:
    if shape.type_name == "structure":
        faults += [f"{where}: unknown {key}" for key in value if key not in shape.members]
        faults += [f"{where}: no {key}" for key in shape.required_members if key not in value]
        for key, member in shape.members.items():
            if key in value:
                _compare(value[key], member, f"{where}.{key}", faults)
    elif shape.type_name == "list":
        for number, item in enumerate(value):
            _compare(item, shape.member, f"{where}[{number}]", faults)
    elif shape.type_name == "timestamp":
        if not isinstance(value, datetime) or value.tzinfo is None:
            faults.append(f"{where}: {value!r} is no aware datetime")
    elif not isinstance(value, {"string": str, "integer": int, "boolean": bool}[shape.type_name]):
        faults.append(f"{where}: {value!r} is no {shape.type_name}")
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        faults.append(f"{where}: {value!r} is none of {shape.enum}")
