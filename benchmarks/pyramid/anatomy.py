"""Where the bytes of a file are, part by part, and where the milliseconds go."""

from __future__ import annotations

from collections import Counter

import onnx
from onnx import AttributeProto, GraphProto


def _framed(size: int) -> int:
    """Bytes of a length-delimited field with a one-byte tag."""
    length = 1 + (size > 127) + (size > 16383) + (size > 2097151)
    return 1 + length + size


def bytes_by_part(data: bytes) -> dict[str, dict[str, int]]:
    """scope -> part -> bytes, for a file.  A body's bytes are its own scope, not its node's."""
    model = onnx.load_from_string(data)
    parts: dict[str, dict[str, int]] = {}

    def visit(graph: GraphProto, scope: str) -> None:
        mine = Counter[str]()
        for node in graph.node:
            bodies = [a for a in node.attribute if a.type == AttributeProto.GRAPH]
            inner = sum(a.g.ByteSize() for a in bodies)
            mine[f"node {node.op_type}"] += _framed(node.ByteSize()) - inner
            for attribute in bodies:
                visit(attribute.g, f"{scope} > {node.op_type}")
        mine["inputs"] = sum(_framed(v.ByteSize()) for v in graph.input)
        mine["outputs"] = sum(_framed(v.ByteSize()) for v in graph.output)
        for tensor in graph.initializer:
            data_bytes = len(tensor.raw_data) if tensor.data_type in (3, 4) else 0
            if len(tensor.int64_data) > 8:
                data_bytes = sum(-(-int(v).bit_length() // 7) for v in tensor.int64_data)
            mine["constants"] += _framed(tensor.ByteSize()) - data_bytes
        mine["name"] = _framed(len(graph.name))
        parts[scope] = dict(mine)

    visit(model.graph, "main")
    parts["model"] = {"header": len(data) - model.graph.ByteSize()}
    return parts


def report(data: bytes) -> str:
    lines = []
    for scope, parts in bytes_by_part(data).items():
        lines.append(f"{scope}: {sum(parts.values())}")
        lines += [
            f"    {name:28s}{size:5d}" for name, size in sorted(parts.items(), key=lambda p: -p[1])
        ]
    return "\n".join(lines)


def constants(data: bytes) -> str:
    model = onnx.load_from_string(data)
    return "\n".join(
        f"{t.name!r:8} {onnx.TensorProto.DataType.Name(t.data_type):7} "
        f"{list(t.dims)} {_framed(t.ByteSize())}"
        for t in model.graph.initializer
    )
