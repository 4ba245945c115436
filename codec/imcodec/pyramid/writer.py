"""Writes ONNX graphs in few bytes: shared constants, nested bodies, names of one letter.

Names are first long and unique ("v12"); `shorten` renames them at the end. Everything is
deterministic: the same calls give the same bytes.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto, helper

#: printable ASCII first; control characters are valid UTF-8 and every runtime tried accepts them
PRINTABLE = [chr(code) for code in range(33, 127)]
ALPHABET = PRINTABLE + [chr(code) for code in (*range(1, 32), 32, 127)]
NAMES = [*ALPHABET, *(a + b for a in PRINTABLE for b in PRINTABLE)]

ELEMENT = {
    "float32": TensorProto.FLOAT,
    "uint8": TensorProto.UINT8,
    "int8": TensorProto.INT8,
    "uint16": TensorProto.UINT16,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
}


class Graph:
    """A graph under construction, or the body of a Loop or Scan inside `parent`."""

    def __init__(self, parent: Graph | None = None) -> None:
        self.proto = GraphProto(name="g")  # runtimes refuse a graph without a name
        self._root = parent.root if parent else None
        self.count = 0
        self.constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        #: raw numbers that are not in their tensors, by the numbers of these initializers
        self.outside: dict[int, memoryview] = {}

    @property
    def root(self) -> Graph:
        """The outermost graph. No reference to itself: what it holds goes when it goes."""
        return self if self._root is None else self._root

    def name(self) -> str:
        """A new name."""
        self.root.count += 1
        return f"v{self.root.count}"

    def constant(self, value: ArrayLike, dtype: DTypeLike) -> str:
        """Name of a constant of the root graph; equal constants are one, short int64s varints."""
        array = np.asarray(value, dtype)
        constants = self.root.constants
        key = (str(array.dtype), array.shape, array.tobytes())
        if key not in constants:
            constants[key] = self.stored(array, array.dtype == np.int64 and array.size <= 8)
        return constants[key]

    def stored(self, array: NDArray[Any], varints: bool = False) -> str:
        """Name of a constant of the root graph that is shared with no other."""
        tensor = self.root.proto.initializer.add(
            name=self.name(), data_type=ELEMENT[str(array.dtype)]
        )
        tensor.dims.extend(array.shape)
        if varints:
            tensor.int64_data.extend(array.ravel().tolist())
        elif array.dtype == np.float32 and array.size == 1:
            tensor.float_data.append(float(array.ravel()[0]))
        else:
            tensor.raw_data = array.astype(array.dtype.newbyteorder("<")).tobytes()
        return tensor.name

    def stored_outside(self, vector: NDArray[Any]) -> str:
        """As stored(), of a vector that is not copied."""
        tensors = self.root.proto.initializer
        tensor = tensors.add(name=self.name(), data_type=ELEMENT[vector.dtype.name])
        tensor.dims.append(vector.size)
        tensor.raw_data = b"?"  # so that there is such a field
        little = np.ascontiguousarray(vector, vector.dtype.newbyteorder("<"))
        self.root.outside[len(tensors) - 1] = little.view(np.uint8).data
        return tensor.name

    def ints(self, *values: int) -> str:
        """Name of an int64 vector."""
        return self.constant(values, np.int64)

    def node(
        self, operator: str, *inputs: str, outputs: int | list[str] = 1, **attributes: Any
    ) -> list[str]:
        """Append a node; returns the names of its outputs."""
        names = outputs if isinstance(outputs, list) else [self.name() for _ in range(outputs)]
        node = self.proto.node.add(op_type=operator)
        node.input.extend(inputs)
        node.output.extend(names)
        node.attribute.extend(
            helper.make_attribute(key, value) for key, value in attributes.items()
        )
        return names

    def op(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Append a node with one output; returns its name."""
        return self.node(operator, *inputs, **attributes)[0]

    def input(
        self, dtype: DTypeLike | None = None, rank: int | None = None, name: str | None = None
    ) -> str:
        """Append an input, with a type if `dtype` is given; returns its name."""
        return self._value(self.proto.input.add(), name or self.name(), dtype, rank)

    def output(self, name: str, dtype: DTypeLike | None = None, rank: int | None = None) -> str:
        """Append `name` as an output, with a type if `dtype` is given; returns the name."""
        return self._value(self.proto.output.add(), name, dtype, rank)

    @staticmethod
    def _value(value: ValueInfoProto, name: str, dtype: DTypeLike | None, rank: int | None) -> str:
        value.name = name
        if dtype is not None:
            kind = value.type.tensor_type
            kind.elem_type = ELEMENT[np.dtype(dtype).name]
            if rank is not None:
                kind.shape.SetInParent()
                for _ in range(rank):
                    kind.shape.dim.add()
        return name


def shorten(graph: GraphProto, keep: frozenset[str], outer: dict[str, str] | None = None) -> None:
    """Rename all values of a graph and its bodies but `keep`, in place.

    `outer` are the names of the graphs around it, old and new: none of theirs is given again, but
    those of values that need the node around this graph. A body cannot see them.
    """
    names = dict(outer or {name: name for name in keep})
    used = set(names.values())
    supply = (name for name in NAMES if name not in used)
    bodies = [_bodies(node) for node in graph.node]
    behind = _needing(graph, max((i for i, found in enumerate(bodies) if found), default=-1))
    made = [value.name for value in graph.input] + [tensor.name for tensor in graph.initializer]
    made += [name for node in graph.node for name in node.output]
    for name in made:
        if name not in behind and name not in names:
            names[name] = next(supply)
    for body in chain(*bodies):
        shorten(body, keep, names)
    for name in made:
        if name not in names:
            names[name] = next(supply)
    for tensor in graph.initializer:
        tensor.name = names[tensor.name]
    for value in [*graph.input, *graph.output]:
        value.name = names[value.name]
    for node in graph.node:
        node.input[:] = [names[name] if name else "" for name in node.input]  # '' is left out
        node.output[:] = [names[name] for name in node.output]


def _bodies(node: NodeProto) -> list[GraphProto]:
    return [a.g for a in node.attribute if a.type == AttributeProto.GRAPH]


def _needing(graph: GraphProto, last: int) -> set[str]:
    """Values that need the node of this index, but outputs whose type is said.

    Those are known before all nodes to whoever derives types.
    """
    found: set[str] = set()
    for index, node in enumerate(graph.node):
        if index == last or not found.isdisjoint(node.input):
            found.update(node.output)
    return found - {value.name for value in graph.output if value.HasField("type")}


def nodes(graph: GraphProto) -> int:
    """Nodes of a graph, bodies included."""
    return len(graph.node) + sum(nodes(body) for node in graph.node for body in _bodies(node))
