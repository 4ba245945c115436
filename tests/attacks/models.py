"""Models that were made to harm: each edits a valid file of ours with the tools of onnx.

An attack is a function from a valid file's bytes to bytes. Those that edit the model save it again
as our own writer would have, so that nothing but the attack is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper

from imcodec.pyramid import wire
from pictures import made_file
from pyramids import made_pyramid_file

Attack = Callable[[bytes], bytes]

#: a valid file of each model, by the second word of its header
VALID = {"mlp": made_file(), "pyr": made_pyramid_file()}

CHANGED = "was modified since it was encoded"
LEFT_OVER = "missing or left over"
NO_MODEL = "it is not a model"
TOO_MUCH = "no file of ours has so many nodes"
FOREIGN = "not an imcodec file, or its first bytes are damaged"


@dataclass(frozen=True)
class Case:
    """One attack, and why it is refused."""

    name: str
    make: Attack
    reason: str
    models: tuple[str, ...] = ("mlp", "pyr")


def saved(model: ModelProto, like: bytes) -> bytes:
    """The bytes of a model, in the form that the writer of this file uses."""
    if b"pyr" in like[-120:]:
        return b"".join(wire.serialised(model))
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def edited(change: Callable[[ModelProto], object]) -> Attack:
    """The file with its model changed, and saved again."""

    def make(data: bytes) -> bytes:
        model = onnx.load_from_string(data)
        change(model)
        return saved(model, data)

    return make


def appended(*parts: bytes) -> Attack:
    """The file with bytes behind it."""
    return lambda data: data + b"".join(parts)


# Files and memory of the reader


def external(location: str, *, keeps: bool = False, **entries: str) -> Attack:
    """The first initializer's numbers lie in a file; `keeps`: in the model, too."""

    def change(model: ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, **entries}.items():
            tensor.external_data.add(key=key, value=value)
        if not keeps:
            tensor.ClearField("raw_data")

    return edited(change)


def constant_outside(model: ModelProto) -> None:
    tensor = TensorProto(name="t", data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="*/_ORT_MEM_ADDR_/*")
    tensor.external_data.add(key="offset", value="4096")
    model.graph.node.append(helper.make_node("Constant", [], ["zz"], value=tensor))


def sparse_outside(model: ModelProto) -> None:
    sparse = model.graph.sparse_initializer.add()
    sparse.values.data_location = TensorProto.EXTERNAL
    sparse.values.external_data.add(key="location", value="/etc/passwd")


# Time


def endless_loop(model: ModelProto) -> None:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"])],
        "b",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("go_on", TensorProto.BOOL, [])],
    )
    model.graph.node.append(helper.make_node("Loop", ["", ""], [], body=body))


def subgraph(node: NodeProto) -> GraphProto:
    """The body of a node."""
    return next(a.g for a in node.attribute if a.type == AttributeProto.GRAPH or a.HasField("g"))


def more_levels(model: ModelProto) -> None:
    """The pyramid's own Loop, for ever."""
    loop = next(node for node in model.graph.node if node.op_type == "Loop")
    tensor = next(t for t in model.graph.initializer if t.name == loop.input[0])
    tensor.ClearField("raw_data")
    tensor.ClearField("int64_data")
    tensor.int64_data.append(2**62)


def loop_condition(model: ModelProto) -> None:
    body = subgraph(next(node for node in model.graph.node if node.op_type == "Loop"))
    body.node.append(helper.make_node("Identity", [body.input[1].name], ["zz"]))
    body.output[0].name = "zz"


def nested_ifs(depth: int) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        inner = helper.make_graph([], "g", [], [])
        for _ in range(depth):
            node = helper.make_node("If", ["c"], ["o"], then_branch=inner, else_branch=GraphProto())
            inner = helper.make_graph([node], "g", [], [])
        model.graph.node.extend(inner.node)

    return change


def nested_graphs(depth: int) -> bytes:
    """A graph in an attribute of a node of a graph in an attribute ..., as bytes of a model."""
    body = b""
    for _ in range(depth):
        body = framed(1, framed(5, framed(6, body)))
    return framed(7, body)


def framed(number: int, body: bytes) -> bytes:
    """A field of this number: its tag, length and content."""
    return wire._framed(number, body)


def function_bomb(model: ModelProto) -> None:
    """Each function calls the one before twice: 2**22 nodes once they are put in."""
    opset = [helper.make_opsetid("", 16), helper.make_opsetid("f", 1)]
    one = helper.make_node("Identity", ["x"], ["y"])
    model.functions.append(helper.make_function("f", "f0", ["x"], ["y"], [one], opset))
    for i in range(1, 23):
        twice = [
            helper.make_node(f"f{i - 1}", ["x"], ["z"], domain="f"),
            helper.make_node(f"f{i - 1}", ["z"], ["y"], domain="f"),
        ]
        model.functions.append(helper.make_function("f", f"f{i}", ["x"], ["y"], twice, opset))
    model.graph.node.append(helper.make_node("f22", ["grid"], ["zz"], domain="f"))


def function_in_disguise(model: ModelProto) -> None:
    """A function of the name and domain of a standard operator."""
    kind = model.graph.node[0].op_type
    body = [helper.make_node("Identity", ["x"], ["y"])]
    opset = [helper.make_opsetid("", 16)]
    model.functions.append(helper.make_function("", kind, ["x"], ["y"], body, opset))


# Memory


def bomb(kind: str, *inputs: list[int], **attributes: object) -> Callable[[ModelProto], None]:
    """A node that makes a large tensor out of a few numbers, in front of the graph's output."""

    def change(model: ModelProto) -> None:
        names = []
        for index, values in enumerate(inputs):
            tensor = helper.make_tensor(f"zz{index}", TensorProto.INT64, [len(values)], values)
            model.graph.initializer.append(tensor)
            names.append(tensor.name)
        first = [] if kind in ("ConstantOfShape", "Range", "RandomNormal") else ["grid"]
        model.graph.node.append(helper.make_node(kind, [*first, *names], ["zz"], **attributes))

    return change


def tile_chain(model: ModelProto) -> None:
    for i in range(8):
        bomb("Tile", [1, 64, 64, 1])(model)
        model.graph.node[-1].input[0] = f"t{i - 1}" if i else "grid"
        model.graph.node[-1].output[0] = f"t{i}"


def dims(*sizes: int) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("dims")
        tensor.dims.extend(sizes)

    return change


def many(number: int, count: int, *, inside: tuple[int, ...] = ()) -> Attack:
    """Fields of two bytes, of which every one becomes an object in memory."""

    def make(data: bytes) -> bytes:
        body = framed(number, b"") * count
        for outer in reversed(inside):
            body = framed(outer, body)
        return data + body

    return make


# Other operators


def node(kind: str, domain: str = "", **attributes: object) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        added = helper.make_node(kind, ["grid"], ["zz"], domain=domain, **attributes)
        model.graph.node.append(added)
        if domain:
            model.opset_import.append(helper.make_opsetid(domain, 1))

    return change


def other_domain(model: ModelProto) -> None:
    model.graph.node[0].domain = "com.microsoft"


def other_operator(model: ModelProto) -> None:
    model.graph.node[-1].op_type = "DynamicQuantizeLinear"


def without_clip(model: ModelProto) -> None:
    """The pyramid's widths, no longer kept from 0: the entropy decoder would divide by it."""

    def search(graph: GraphProto) -> bool:
        for one in graph.node:
            if one.op_type == "Clip":
                one.op_type = "Identity"
                del one.input[1:]
                return True
            if any(search(a.g) for a in one.attribute if a.HasField("g")):
                return True
        return False

    assert search(model.graph)


# Protobuf's own tricks


def second_graph(data: bytes) -> bytes:
    """Protobuf merges a message that comes twice: nodes are added to those that are there."""
    more = ModelProto()
    more.graph.node.append(helper.make_node("Identity", ["grid"], ["zz"]))
    return data + more.SerializeToString()


def second_header(data: bytes) -> bytes:
    more = ModelProto()
    more.metadata_props.add(key="imcodec", value="1 mlp 1 1 1 8 r l 0 00000000")
    return data + more.SerializeToString()


def other_order(data: bytes) -> bytes:
    """The metadata before the graph: the same model to every parser."""
    model = onnx.load_from_string(data)
    entry = ModelProto(metadata_props=model.metadata_props).SerializeToString()
    model.ClearField("metadata_props")
    front = data[:11]
    rest = saved(model, data)
    assert rest.startswith(front)
    return front + entry + rest[len(front) :]


def long_varint(data: bytes) -> bytes:
    """The opset's version with a byte that adds nothing."""
    assert data.count(b"\x42\x02\x10\x10") == 1
    return data.replace(b"\x42\x02\x10\x10", b"\x42\x03\x10\x90\x00")


def metadata(value: str | bytes | None) -> Attack:
    """The file with another header, or none."""

    def change(model: ModelProto) -> None:
        if value is None:
            model.ClearField("metadata_props")
        elif isinstance(value, str):
            model.metadata_props[0].value = value

    def make(data: bytes) -> bytes:
        if not isinstance(value, bytes):
            return edited(change)(data)
        bare = edited(lambda model: model.ClearField("metadata_props"))(data)
        return bare + framed(14, framed(1, b"imcodec") + framed(2, value))

    return make


def header_of(other: str) -> Attack:
    """The header of a valid file of the other model."""
    return metadata(onnx.load_from_string(VALID[other]).metadata_props[0].value)


def field(path: str, value: object) -> Attack:
    """One field of the model set."""

    def change(model: ModelProto) -> None:
        *parts, last = path.split(".")
        at = model
        for part in parts:
            at = at[int(part)] if part.isdecimal() else getattr(at, part)  # type: ignore[index]
        setattr(at, last, value)

    return edited(change)


def more_outputs(model: ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("zz", TensorProto.FLOAT, [1]))


def more_inputs(model: ModelProto) -> None:
    """An initializer that is an input, too, can be given from outside."""
    first = model.graph.initializer[0]
    model.graph.input.append(helper.make_tensor_value_info(first.name, first.data_type, first.dims))


def shadow(model: ModelProto) -> None:
    model.graph.initializer.append(model.graph.initializer[0])


def floats_in_disguise(model: ModelProto) -> None:
    model.graph.initializer[0].float_data.extend([1.0, 2.0])


CASES = [
    Case("external data: absolute path", external("/etc/passwd"), LEFT_OVER),
    Case("external data: parent folder", external("../secret.bin"), LEFT_OVER),
    Case("external data: same folder", external("local.bin"), LEFT_OVER),
    Case("external data: memory address", external("*/_ORT_MEM_ADDR_/*", offset="0"), LEFT_OVER),
    Case("external data: beside the numbers", external("/etc/passwd", keeps=True), CHANGED),
    Case("external data: attributes", external("x", keeps=True, __class__="int"), CHANGED),
    Case("external data: huge length", external("x", keeps=True, length="9" * 30), CHANGED),
    Case("external data: in a Constant", edited(constant_outside), CHANGED),
    Case("external data: sparse", edited(sparse_outside), CHANGED),
    Case("endless Loop", edited(endless_loop), CHANGED),
    Case("endless Loop: the file's own", edited(more_levels), CHANGED, ("pyr",)),
    Case("Loop with another condition", edited(loop_condition), CHANGED, ("pyr",)),
    Case("nested If", edited(nested_ifs(20)), CHANGED),
    Case("nested deeper than a parser goes", appended(nested_graphs(1000)), CHANGED),
    Case("functions: 2**22 nodes", edited(function_bomb), CHANGED),
    Case("functions: a standard operator", edited(function_in_disguise), CHANGED),
    Case("bomb: ConstantOfShape", edited(bomb("ConstantOfShape", [500_000_000])), CHANGED),
    Case("bomb: Expand", edited(bomb("Expand", [2**20, 2**20])), CHANGED),
    Case("bomb: Tile", edited(bomb("Tile", [1, 2**20, 2**20, 1])), CHANGED),
    Case("bomb: chain of Tile", edited(tile_chain), CHANGED),
    Case("bomb: Resize", edited(bomb("Resize", [], [], [1, 2**16, 2**16, 2])), CHANGED),
    Case("bomb: Range", edited(bomb("Range", [0], [2**40], [1])), CHANGED),
    Case("bomb: Pad", edited(bomb("Pad", [0, 2**30, 0, 0, 0, 2**30, 0, 0])), CHANGED),
    Case("bomb: random numbers", edited(bomb("RandomNormal", shape=[2**30])), CHANGED),
    Case("dims: huge", edited(dims(2**40)), f"{LEFT_OVER}|{CHANGED}"),
    Case("dims: negative", edited(dims(-1)), f"{LEFT_OVER}|{CHANGED}"),
    Case("dims: overflowing", edited(dims(2**32, 2**32)), f"{LEFT_OVER}|{CHANGED}"),
    Case("objects: metadata", many(14, 2**20), TOO_MUCH),
    Case("objects: nodes", many(1, 2**20, inside=(7,)), TOO_MUCH),
    Case("objects: initializers", many(5, 2**20, inside=(7,)), TOO_MUCH),
    Case("objects: external data", many(13, 2**20, inside=(7, 5)), TOO_MUCH),
    Case("objects: numbers", appended(framed(7, framed(5, framed(7, bytes(2**20))))), TOO_MUCH),
    Case("objects: functions", many(25, 2**20), TOO_MUCH),
    Case("foreign domain", edited(node("Evil", "evil.example")), CHANGED),
    Case("contrib operator", edited(node("FusedMatMul", "com.microsoft")), CHANGED),
    Case("contrib domain on a node of ours", edited(other_domain), CHANGED),
    Case(
        "EPContext with a path",
        edited(node("EPContext", "com.microsoft", ep_cache_context="/tmp/x.so", embed_mode=0)),
        CHANGED,
    ),
    Case("machine learning domain", edited(node("Scaler", "ai.onnx.ml")), CHANGED),
    Case("training domain", edited(node("Adam", "ai.onnx.preview.training")), CHANGED),
    Case("another operator", edited(other_operator), CHANGED),
    Case("widths no longer clipped", edited(without_clip), CHANGED, ("pyr",)),
    Case("a node less", edited(lambda model: model.graph.node.pop()), CHANGED),
    Case("no graph", edited(lambda model: model.ClearField("graph")), "missing"),
    Case("no weights", edited(lambda model: model.graph.ClearField("initializer")), "missing"),
    Case("another opset", field("opset_import.0.version", 17), CHANGED),
    Case("opset of the future", field("opset_import.0.version", 999), CHANGED),
    Case("no opset", edited(lambda model: model.ClearField("opset_import")), CHANGED),
    Case("another IR version", field("ir_version", 11), FOREIGN),
    Case("another producer", field("producer_name", "pytorch"), FOREIGN),
    Case("second graph appended", second_graph, CHANGED),
    Case("second header appended", second_header, f"damaged: weights|the checksum|{LEFT_OVER}"),
    Case("unknown field", appended(b"\xfa\x3f\x01\x41"), CHANGED),
    Case("unknown field in the graph", appended(framed(7, b"\xfa\x3f\x01\x41")), CHANGED),
    Case("group", appended(b"\xfb\x3f\xfc\x3f"), NO_MODEL),
    Case("field of number 0", appended(b"\x02\x00"), CHANGED),
    Case("producer said twice", appended(framed(2, b"imcodec")), CHANGED),
    Case("other order of fields", other_order, CHANGED),
    Case("longer varint", long_varint, CHANGED),
    Case("endless varint", appended(b"\x80" * 30), NO_MODEL),
    Case("length beyond the end", appended(b"\x72\xff\xff\xff\xff\x0f"), NO_MODEL),
    Case("length of 2**63", appended(b"\x72" + b"\xff" * 9 + b"\x01"), NO_MODEL),
    Case("trailing zeros", appended(bytes(64)), CHANGED),
    Case("trailing zip", appended(b"PK\x03\x04" + bytes(60)), NO_MODEL),
    Case("a name that is no text", appended(framed(7, framed(2, b"\xff\xfe"))), CHANGED),
    Case("an initializer twice", edited(shadow), CHANGED),
    Case("numbers in another field, too", edited(floats_in_disguise), CHANGED),
    Case("one more output", edited(more_outputs), CHANGED),
    Case("weights as an input", edited(more_inputs), CHANGED),
    Case("training information", edited(lambda model: model.training_info.add()), CHANGED),
    Case("text added", field("doc_string", "x"), CHANGED),
    Case("text in a node", field("graph.node.0.doc_string", "x"), CHANGED),
    Case("text in a tensor", field("graph.initializer.0.doc_string", "x"), CHANGED),
    Case("no header", metadata(None), "the header is missing"),
    Case("header of no text", metadata(b"1 mlp \xff\xfe"), "header is missing or is no text|model"),
    Case("empty header", metadata(""), "the header is damaged"),
    Case("header of a megabyte", metadata("1 mlp " + "9" * 2**18), "the header is damaged"),
    Case("format 2", metadata("2 mlp 1 1"), "format version 2 is not known"),
    Case("format 999", metadata("999 pyr 1 1"), "format version 999 is not known"),
    Case("format 0", metadata("0 mlp 1 1"), "format version 0 is not known"),
    Case("a model of the future", metadata("1 wavelet 3"), "the model wavelet is not known"),
    Case("header of a pyramid", header_of("pyr"), LEFT_OVER, ("mlp",)),
    Case("header of an mlp", header_of("mlp"), "weights are missing|left over", ("pyr",)),
]
