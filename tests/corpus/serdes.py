"""Values of rich types, and serdes of one's own."""

from __future__ import annotations

import base64
import json
import uuid
import zlib
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from aws_durable_execution_sdk_python import SerDesError, StepError, durable_execution
from aws_durable_execution_sdk_python.config import (
    CallbackConfig,
    ChildConfig,
    InvokeConfig,
    MapConfig,
    ParallelConfig,
    StepConfig,
)
from aws_durable_execution_sdk_python.serdes import JsonSerDes, PassThroughSerDes, SerDes

from corpus.case import ONCE, Answer, Boom, case, ran


def give(value):
    return lambda _: ran("give") and value


class Packed(SerDes):
    """Compressed JSON."""

    def serialize(self, value, serdes_context):
        return base64.b85encode(zlib.compress(json.dumps(value).encode())).decode()

    def deserialize(self, data, serdes_context):
        return json.loads(zlib.decompress(base64.b85decode(data)))


class Sealed(SerDes):
    """Says whose it is, and opens for nobody else: it depends on the operation and on the execution."""

    def serialize(self, value, serdes_context):
        return json.dumps(
            {"of": [serdes_context.operation_id, serdes_context.durable_execution_arn], "value": value}
        )

    def deserialize(self, data, serdes_context):
        sealed = json.loads(data)
        assert sealed["of"] == [serdes_context.operation_id, serdes_context.durable_execution_arn]
        return sealed["value"]


@dataclass
class Point:
    x: int
    y: int


class PointSerDes(SerDes):
    def serialize(self, value, serdes_context):
        return json.dumps(asdict(value))

    def deserialize(self, data, serdes_context):
        return Point(**json.loads(data))


class OneWay(SerDes):
    def serialize(self, value, serdes_context):
        return str(value)

    def deserialize(self, data, serdes_context):
        raise Boom("cannot read this")


@case()
@durable_execution
def serdes_of_every_rich_type(event, context):
    values = [
        Decimal("12.3400"),
        datetime(2026, 11, 21, 20, 8, 52, 154000, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        datetime(2026, 7, 1),
        date(2026, 2, 28),
        uuid.UUID("12345678-1234-5678-1234-567812345678"),
        b"\x00\xff bytes",
        (1, ("nested", b"tuple"), None),
        {"decimal": Decimal("1"), "list": [date(2026, 1, 1)], "t": "a key of the envelope's", "v": 1},
        [Decimal("0"), "", None, {}],
        float("1e300"),
        10**30,
    ]
    got = [context.step(give(value), name=f"{type(value).__name__}-{n}") for n, value in enumerate(values)]
    assert got == values
    assert [type(value) for value in got] == [type(value) for value in values]
    return [repr(value) for value in got]


@case()
@durable_execution
def serdes_of_what_changes_on_the_way(event, context):
    """A bytearray comes back as bytes, on the first run as on every replay."""
    return repr(context.step(give(bytearray(b"abc")), name="bytearray"))


@case(status="FAILED")
@durable_execution
def serdes_of_a_set(event, context):
    return context.step(give({1, 2}), name="set", config=ONCE)


@case()
@durable_execution
def serdes_of_an_object_caught(event, context):
    try:
        return context.step(give(object()), name="object", config=ONCE)
    except (StepError, SerDesError) as error:
        return type(error).__name__


@case()
@durable_execution
def serdes_packed(event, context):
    return context.step(give({"a": list(range(50))}), name="packed", config=StepConfig(serdes=Packed()))


@case()
@durable_execution
def serdes_that_know_their_place(event, context):
    config = StepConfig(serdes=Sealed())
    return [context.step(give(n), name="sealed", config=config) for n in range(3)]


@case()
@durable_execution
def serdes_of_a_class(event, context):
    point = context.step(give(Point(3, 4)), name="point", config=StepConfig(serdes=PointSerDes()))
    assert isinstance(point, Point)
    return point.x + point.y


@case()
@durable_execution
def serdes_json_makes_lists_of_tuples(event, context):
    return context.step(give((1, 2)), name="json", config=StepConfig(serdes=JsonSerDes()))


@case()
@durable_execution
def serdes_pass_through(event, context):
    return context.step(give("as it is"), name="text", config=StepConfig(serdes=PassThroughSerDes()))


@case()
@durable_execution
def serdes_that_cannot_read(event, context):
    try:
        return context.step(
            give(1), name="one-way", config=StepConfig(serdes=OneWay(), retry_strategy=ONCE.retry_strategy)
        )
    except Exception as error:
        return [type(error).__name__, context.step(give(2), name="after")]


@case()
@durable_execution
def serdes_of_children(event, context):
    sealed = context.run_in_child_context(
        lambda child: child.step(give(5), name="in"), name="sealed", config=ChildConfig(serdes=Sealed())
    )
    point = context.run_in_child_context(
        lambda child: Point(1, child.step(give(2), name="y")),
        name="point",
        config=ChildConfig(serdes=PointSerDes()),
    )
    return [sealed, point.y]


@case()
@durable_execution
def serdes_of_map_items(event, context):
    def item(child, x, index, items):
        return Point(x, child.step(give(index), name="y"))

    result = context.map([7, 8], item, "points", MapConfig(item_serdes=PointSerDes(), serdes=BatchOfPoints()))
    plain = context.map([1, 2], lambda child, x, index, items: [x], "packed", MapConfig(item_serdes=Packed()))
    return [[[point.x, point.y] for point in result.get_results()], plain.get_results()]


class BatchOfPoints(SerDes):
    def serialize(self, value, serdes_context):
        document = value.to_dict()
        for item in document["all"]:
            item["result"] = asdict(item["result"])
        return json.dumps(document)

    def deserialize(self, data, serdes_context):
        from aws_durable_execution_sdk_python import BatchResult

        document = json.loads(data)
        for item in document["all"]:
            item["result"] = Point(**item["result"])
        return BatchResult.from_dict(document)


@case()
@durable_execution
def serdes_of_parallel_branches(event, context):
    config = ParallelConfig(item_serdes=Sealed(), max_concurrency=1)
    branches = [lambda child: child.step(give("a"), name="a"), lambda child: child.step(give("b"), name="b")]
    return context.parallel(branches, "sealed", config).get_results()


@case()
@durable_execution
def serdes_of_batches_kept_as_values(event, context):
    """The result of a map is itself the result of a child context."""

    def inner(child):
        return child.map([1, 2], lambda c, x, i, xs: Decimal(x), name="decimals")

    batch = context.run_in_child_context(inner, name="batch")
    return [str(value) for value in batch.get_results()]


@case(answers={"packed": [Answer(9, result=Packed().serialize({"deep": [1]}, None))]})
@durable_execution
def serdes_of_a_callback(event, context):
    return context.create_callback("packed", CallbackConfig(serdes=Packed())).result()


def mirror(event, context):
    ran("mirror")
    return event


@case(plain={"mirror": mirror})
@durable_execution
def serdes_of_an_invoke(event, context):
    config = InvokeConfig(serdes_payload=JsonSerDes(), serdes_result=JsonSerDes())
    return context.invoke("mirror", {"a": [1]}, name="mirror", config=config)
