"""Writes ONNX graphs in few bytes: shared constants, nested bodies, one-letter names given by use.

Names are first long and unique ("v12"); `shorten` renames them at the end, the most used first, to
the letters of `ALPHABET`. Everything is deterministic: the same calls give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, ValueInfoProto, helper

from imcodec.pyramid import wire

#: printable ASCII first; control characters are valid UTF-8 and every runtime tried accepts them
PRINTABLE = [chr(code) for code in range(33, 127)]
ALPHABET = PRINTABLE + [chr(code) for code in (*range(1, 32), 32, 127)]

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
        self.outside: dict[int, list[wire.Part]] = {}

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

    def stored_outside(self, *arrays: NDArray[Any]) -> str:
        """As stored(), of vectors one after another, which are not copied."""
        kind = arrays[0].dtype
        tensors = self.root.proto.initializer
        tensor = tensors.add(name=self.name(), data_type=ELEMENT[kind.name])
        tensor.dims.append(sum(array.size for array in arrays))
        tensor.raw_data = b"?"  # so that there is such a field
        little = kind.newbyteorder("<")
        parts = [np.ascontiguousarray(array, little) for array in arrays if array.size]
        self.root.outside[len(tensors) - 1] = [part.view(np.uint8).data for part in parts]
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


def walk_names(graph: GraphProto, rename: Callable[[str], str]) -> None:
    """Pass every name in a graph and its bodies through `rename`, in place; '' (omitted) stays."""
    for value in [*graph.input, *graph.output]:
        value.name = rename(value.name)
    for tensor in graph.initializer:
        tensor.name = rename(tensor.name)
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [rename(name) if name else "" for name in names]
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                walk_names(attribute.g, rename)


def shorten(model: ModelProto, keep: frozenset[str]) -> dict[str, str]:
    """Rename all values but `keep`, the most used to the shortest names; returns old -> new."""
    counter: Counter[str] = Counter()

    def count(name: str) -> str:
        counter[name] += 1
        return name

    walk_names(model.graph, count)
    supply = iter([*ALPHABET, *(a + b for a in PRINTABLE for b in PRINTABLE)])
    names = {old: old if old in keep else next(supply) for old, _ in counter.most_common()}
    walk_names(model.graph, names.__getitem__)
    return names


def nodes(graph: GraphProto) -> int:
    """Nodes of a graph, bodies included."""
    inner = (a.g for node in graph.node for a in node.attribute if a.type == AttributeProto.GRAPH)
    return len(graph.node) + sum(nodes(body) for body in inner)
