"""Where the bytes of a pyramid file's graph are.

    python benchmarks/anatomy.py FILE.onnx [--each]

Printed for the main graph and for each body: bytes of its nodes (operator, names of inputs and
outputs, attributes; a body counts as a part of its own), of its constants and of the headers of
what is stored, of its inputs and outputs, and of its name. `--each` prints every node and constant.
What a file stores, numbers and header string, does not count: the sum is the `graph` of
`imcodec info --json`; exits with 1 if it is not.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import Message
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto

from imcodec import info
from imcodec.container import open_container
from imcodec.pyramid import wire
from imcodec.pyramid.file import TENSORS, PyramidFile


@dataclass(frozen=True)
class Item:
    """A part of the graph: where it is, what kind of thing, which, and its bytes."""

    scope: str
    kind: str
    what: str
    size: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--each", action="store_true", help="every node and constant")
    arguments = parser.parse_args()
    items = anatomy(arguments.file)
    parts = Counter[tuple[str, str]]()
    for item in items:
        parts[item.scope, item.kind] += item.size
        if arguments.each:
            print(f"{item.size:5} {item.scope} {item.kind}: {item.what}")
    print("| part | nodes | constants | stored | inputs | outputs | rest | bytes |")
    print("| --- |" + " ---: |" * 7)
    kinds = ("node", "constant", "stored", "input", "output", "rest")
    for scope in dict.fromkeys(item.scope for item in items):
        sizes = [parts[scope, kind] for kind in kinds]
        print("|", " | ".join(map(str, [scope, *sizes, sum(sizes)])), "|")
    total, expected = sum(parts.values()), info(arguments.file).bytes.graph
    print(f"\n{total} bytes")
    sys.exit(f"imcodec info says {expected}" if total != expected else 0)


def anatomy(path: Path) -> list[Item]:
    """All items of a file. Raises ValueError for another model's file."""
    container = open_container(path)
    contents = container.contents
    if not isinstance(contents, PyramidFile):
        raise ValueError(f"{path} is no pyramid file")
    model = ModelProto.FromString(container.data)
    items = list(_graph(model.graph, "main", TENSORS))
    frame = _framed(model.graph) - _size(model.graph)
    items.append(Item("model", "rest", "frame of the graph", frame))
    model.ClearField("graph")
    model.ClearField("metadata_props")
    items.append(Item("model", "rest", "versions, producer", _size(model)))
    return items


def _graph(graph: GraphProto, scope: str, stored: int) -> Iterator[Item]:
    """Items of a graph and its bodies; its first `stored` initializers are numbers of a picture."""
    for index, tensor in enumerate(graph.initializer):
        numbers = _numbers(tensor) if index < stored else 0
        kind = "stored" if index < stored else "constant"
        values = "" if index < stored else [*tensor.int64_data, *tensor.float_data]
        kind_of_number = TensorProto.DataType.Name(tensor.data_type)
        what = f"{tensor.name!r} {kind_of_number} {list(tensor.dims)} {values}"
        yield Item(scope, kind, what, _framed(tensor) - numbers)
    for kind, ends in (("input", graph.input), ("output", graph.output)):
        for value in ends:
            yield Item(scope, kind, repr(value.name), _framed(value))
    for node in graph.node:
        bodies = [a.g for a in node.attribute if a.type == AttributeProto.GRAPH]
        inner = sum(_size(body) for body in bodies)
        attributes = [attribute.name for attribute in node.attribute]
        what = f"{node.op_type} {list(node.input)} {list(node.output)} {attributes}"
        yield Item(scope, "node", what, _framed(node) - inner)
        for body in bodies:
            yield from _graph(body, f"{scope} > {node.op_type}", 0)
    yield Item(scope, "rest", "name", 2 + len(graph.name))


def _numbers(tensor: TensorProto) -> int:
    """Bytes of a picture's own numbers, raw or as varints."""
    return len(tensor.raw_data) + sum(-(-max(1, v.bit_length()) // 7) for v in tensor.int64_data)


def _size(message: Message) -> int:
    return sum(memoryview(part).nbytes for part in wire.serialised(message))


def _framed(message: Message) -> int:
    """Bytes of a message as a field, with a tag of one byte."""
    size = _size(message)
    return 1 + -(-size.bit_length() // 7) + size


if __name__ == "__main__":
    main()
