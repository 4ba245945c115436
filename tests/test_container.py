from __future__ import annotations

import random

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from imcodec import InvalidFileError, LimitError, info, verify
from imcodec import container as container_module
from imcodec.container import MAX_BYTES, open_container
from imcodec.header import parse
from mutations import mutate
from pictures import made_file, made_header, made_weights

FILES = [
    made_file(),
    made_file(1, channels=1, widths=(5,), activations=("relu",), width=1, height=1),
    made_file(2, channels=4, digits=8, features="raw"),
    made_file(3, features="fourier", frequencies=4, digits=16),
]


def test_a_good_file_is_accepted_and_described() -> None:
    data = FILES[0]
    found = verify(data)
    assert (found.width, found.height, found.channels) == (37, 53, 3)
    assert found.psnr == 30.12
    assert found.bits == 6.4
    assert [(layer.inputs, layer.outputs) for layer in found.layers] == [(2, 12), (12, 12), (12, 3)]
    assert found.parameters == 36 + 156 + 39
    assert found.bpp == 8 * len(data) / (37 * 53)


@pytest.mark.parametrize("data", FILES)
def test_bytes_add_up_to_the_file(data: bytes) -> None:
    count = info(data).bytes
    assert count.total == len(data)
    assert count.graph + count.weights + count.payload + count.header == count.total
    assert min(count.graph, count.weights, count.header) > 0


def test_a_path_is_as_good_as_bytes(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.onnx"
    path.write_bytes(FILES[0])
    assert verify(path).bytes == verify(FILES[0]).bytes
    path.write_bytes(FILES[0][:-1])
    with pytest.raises(InvalidFileError, match=r"a\.onnx: "):
        verify(path)
    with pytest.raises(InvalidFileError):
        verify(tmp_path / "missing.onnx")


def test_damaged_copies_are_refused() -> None:
    """20,000 seeded mutations; a copy is accepted only when it is equal to the original."""
    rng = random.Random(1)
    for turn in range(20_000):
        original = FILES[turn % len(FILES)]
        damaged = mutate(original, rng)
        if damaged == original:
            continue
        with pytest.raises(InvalidFileError):
            open_container(damaged)


def test_every_prefix_is_refused() -> None:
    data = FILES[1]
    for length in range(len(data)):
        with pytest.raises(InvalidFileError):
            open_container(data[:length])


def _changed(change) -> bytes:  # type: ignore[no-untyped-def]
    """A file whose model was edited and saved again, with a checksum that is right."""
    model = onnx.load_from_string(FILES[0])
    change(model)
    return model.SerializeToString(deterministic=True)


def _add_node(kind: str, **attributes: object):  # type: ignore[no-untyped-def]
    def change(model) -> None:  # type: ignore[no-untyped-def]
        model.graph.node.append(helper.make_node(kind, ["grid"], ["zz"], **attributes))

    return change


def _external(location: str):  # type: ignore[no-untyped-def]
    def change(model) -> None:  # type: ignore[no-untyped-def]
        tensor = model.graph.initializer[0]
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)

    return change


def _loop(model) -> None:  # type: ignore[no-untyped-def]
    body = helper.make_graph([], "b", [], [])
    model.graph.node.append(helper.make_node("Loop", ["", ""], ["zz"], body=body))


def _function(model) -> None:  # type: ignore[no-untyped-def]
    model.functions.append(
        helper.make_function("d", "F", [], [], [], [helper.make_opsetid("", 16)])
    )


def _second_metadata(model) -> None:  # type: ignore[no-untyped-def]
    model.metadata_props.add(key="imcodec", value=model.metadata_props[0].value)


def _second_initializer(model) -> None:  # type: ignore[no-untyped-def]
    model.graph.initializer.append(model.graph.initializer[0])


def _opset(model) -> None:  # type: ignore[no-untyped-def]
    model.opset_import[0].version = 17


def _custom_domain(model) -> None:  # type: ignore[no-untyped-def]
    model.graph.node[0].domain = "com.microsoft"


def _bigger_shape(model) -> None:  # type: ignore[no-untyped-def]
    model.graph.initializer[0].dims[0] = 2**40


def _swap_nodes(model) -> None:  # type: ignore[no-untyped-def]
    model.graph.node[0].op_type = "Add"


@pytest.mark.parametrize(
    "change",
    [
        _external("/etc/passwd"),
        _external("../secret.bin"),
        _external("local.bin"),
        _external("*/_ORT_MEM_ADDR_/*"),
        _add_node("ConstantOfShape"),
        _add_node("Expand"),
        _add_node("Tile"),
        _add_node("EPContext", domain="com.microsoft"),
        _loop,
        _function,
        _second_metadata,
        _second_initializer,
        _opset,
        _custom_domain,
        _bigger_shape,
        _swap_nodes,
        lambda model: setattr(model, "doc_string", "hello"),
        lambda model: setattr(model, "producer_version", "2"),
        lambda model: setattr(model.graph, "name", "x"),
        lambda model: model.graph.ClearField("initializer"),
        lambda model: model.ClearField("metadata_props"),
        lambda model: model.ClearField("graph"),
        lambda model: model.graph.initializer[-1].ClearField("raw_data"),
    ],
)
def test_crafted_models_never_reach_the_runtime(change, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import onnxruntime as ort

    from imcodec import decode

    def forbidden(*_: object, **__: object) -> None:
        pytest.fail("a session was made for a file that is not ours")

    monkeypatch.setattr(ort, "InferenceSession", forbidden)
    with pytest.raises(InvalidFileError):
        decode(_changed(change))


def test_protobuf_merging_is_refused() -> None:
    data = FILES[0]
    second = onnx.ModelProto()
    second.graph.doc_string = "merged"
    with pytest.raises(InvalidFileError):
        open_container(data + second.SerializeToString())
    with pytest.raises(InvalidFileError):
        open_container(data + bytes([0xFA, 0x3F, 0x01, 0x41]))  # unknown field 127


@pytest.mark.parametrize("step", [0.0, -1.0, np.nan, np.inf])
def test_steps_must_be_positive_numbers(step: float) -> None:
    from imcodec.graph import StoredWeights, build

    header = made_header()
    stored = made_weights(header)
    steps = np.frombuffer(stored.steps, "<f4").copy()
    steps[2] = step
    with pytest.raises(InvalidFileError, match="step"):
        open_container(build(header, StoredWeights(steps.tobytes(), stored.weights)))


def test_header_and_weights_must_agree() -> None:
    from imcodec.graph import StoredWeights, build

    header = made_header()
    stored = made_weights(header)
    for other in (
        StoredWeights(stored.steps + b"\0\0\0\0", stored.weights),
        StoredWeights(stored.steps, stored.weights[:-8]),
        StoredWeights(stored.steps, stored.weights + bytes(8)),
    ):
        with pytest.raises(InvalidFileError, match="missing or left over"):
            open_container(build(header, other))


def test_weights_must_be_in_packed_form() -> None:
    from imcodec.graph import StoredWeights, build

    for digits, word in ((10, b"\xff" * 8), (8, b"\x80")):
        header = made_header(digits=digits)
        stored = made_weights(header)
        bad = StoredWeights(stored.steps, word + stored.weights[len(word) :])
        with pytest.raises(InvalidFileError, match="packed form"):
            open_container(build(header, bad))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "not an imcodec file"),
        (b"hello", "not an imcodec file"),
        (FILES[0][:11], "damaged"),
        (container_module.PREFIX + b"\xff" * 30, "damaged"),
    ],
)
def test_foreign_bytes(data: bytes, message: str) -> None:
    with pytest.raises(InvalidFileError, match=message):
        open_container(data)


def test_another_exporters_model_is_refused() -> None:
    graph = helper.make_graph([], "g", [], [])
    model = helper.make_model(graph, producer_name="pytorch")
    with pytest.raises(InvalidFileError):
        open_container(model.SerializeToString())


def test_size_limit() -> None:
    with pytest.raises(LimitError):
        open_container(bytes(MAX_BYTES + 1))


def test_the_checksum_covers_the_header() -> None:
    text = onnx.load_from_string(FILES[0]).metadata_props[0].value
    header = parse(text)
    assert header.text(made_weights(header).joined) == text
    assert text != made_header(psnr=3013).text(made_weights(header).joined)
