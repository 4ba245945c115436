from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from imcodec import InvalidFileError, UsageError, info, verify
from imcodec.container import open_container
from imcodec.pyramid import graph
from imcodec.pyramid.decode import latents
from imcodec.pyramid.file import PyramidFile, Stored, build, picture_of
from imcodec.pyramid.header import PyramidHeader
from pictures import made_file
from pyramids import damaged_word, made_pyramid, made_pyramid_file

FILES = [
    made_pyramid_file(),
    made_pyramid_file(1, 1, 1, seed=1),
    made_pyramid_file(16, 20, 4, seed=2, pitch=2),
]


def test_a_good_file_is_accepted_and_described() -> None:
    found = verify(made_pyramid_file(768, 64, filters=8, units=16))
    assert (found.width, found.height, found.channels) == (768, 64, 3)
    assert (found.model, found.version, found.psnr, found.bits) == ("pyramid", 1, 30.12, 8)
    assert found.features == "latents at 6 levels, 1/1 to 1/32"
    shapes = [(layer.inputs, layer.outputs) for layer in found.layers]
    context = [(35, 8), (16, 16), (16, 2)]
    assert shapes == [*context, *context, (9, 6), (6, 16), (16, 3)]
    assert found.parameters == found.bytes.weights == 1542
    assert info(FILES[1]).features == "latents at 1 level, 1/1"
    assert info(FILES[2]).features.endswith("1/2 to 1/8")


@pytest.mark.parametrize("data", FILES)
def test_bytes_add_up_to_the_file(data: bytes) -> None:
    count = info(data).bytes
    assert count.total == len(data)
    assert count.graph + count.weights + count.payload + count.header == count.total
    assert min(count.weights, count.payload, count.header) > 0
    assert 2550 < count.graph < 2830


def test_layers_are_real_numbers() -> None:
    """The synthesis as info() tells it gives the colours of a latent at rest, and of one unit."""
    header, stored, _ = made_pyramid()
    layers = info(build(header, stored)).layers
    first, second = layers[-2:]
    assert second.weight.shape == (header.units, header.channels)
    for value in (0.0, 1.0):
        hidden = np.maximum(np.full(header.levels, value) @ first.weight, first.bias)
        colours = np.rint(255 * (hidden @ second.weight + second.bias))
        weights = stored.synthesis[:, :, 0, 0] / 64
        features = np.full(header.levels, value * 7 / 16) @ weights[: header.levels]
        exact = 64 * np.maximum(features, weights[header.levels]) @ weights[header.levels + 1 :].T
        assert np.abs(colours - exact).max() <= 0.51
    assert layers[0].weight.shape == (35, 3)
    assert layers[1].bias.tolist() == stored.context[2][-1, 0].tolist()


def test_contents_survive() -> None:
    header, stored, planes = made_pyramid(filters=5)
    contents = open_container(build(header, stored)).contents
    assert isinstance(contents, PyramidFile)
    assert contents.header == header
    assert contents.stored.parts == stored.parts
    assert all((a == b).all() for a, b in zip(latents(build(header, stored)), planes, strict=True))


def test_the_mlp_has_no_latents() -> None:
    with pytest.raises(UsageError, match="mlp"):
        latents(made_file())


def test_describing_needs_no_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime as ort

    monkeypatch.delattr(ort, "InferenceSession")
    assert verify(FILES[0]).model == "pyramid"


def changed(change) -> bytes:  # type: ignore[no-untyped-def]
    """A file whose model was edited and saved again, with a checksum that is right."""
    model = onnx.load_from_string(FILES[0])
    change(model)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def first(field: str, value: object):  # type: ignore[no-untyped-def]
    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        if isinstance(value, list):
            tensor.ClearField(field)
            getattr(tensor, field).extend(value)
        else:
            setattr(tensor, field, value)

    return change


def loop_body(change):  # type: ignore[no-untyped-def]
    def inner(model: onnx.ModelProto) -> None:
        (node,) = (node for node in model.graph.node if node.op_type == "Loop")
        change(node.attribute[0].g)

    return inner


def external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def states(model: onnx.ModelProto) -> TensorProto:
    return model.graph.initializer[3]


def words(model: onnx.ModelProto) -> TensorProto:
    return model.graph.initializer[4]


@pytest.mark.parametrize(
    "change",
    [
        external,
        first("dims", [2, 6, 4, 5, 1]),
        first("dims", [2**40]),
        first("data_type", TensorProto.UINT8),
        first("raw_data", b""),
        first("raw_data", bytes(1000)),
        first("int32_data", [1, 2]),
        first("name", "zzz"),
        lambda model: model.graph.ClearField("initializer"),
        lambda model: model.graph.initializer.pop(0),
        lambda model: model.graph.initializer.append(model.graph.initializer[0]),
        lambda model: states(model).int64_data.append(2**16),
        lambda model: states(model).ClearField("int64_data"),
        lambda model: setattr(states(model), "raw_data", bytes(8)),
        lambda model: setattr(words(model), "raw_data", words(model).raw_data + b"a"),
        lambda model: setattr(words(model), "raw_data", b""),
        lambda model: setattr(words(model), "raw_data", b"\1" + words(model).raw_data[1:]),
        lambda model: model.graph.node.append(helper.make_node("Relu", ["grid"], ["zz"])),
        loop_body(lambda body: body.node.pop()),
        loop_body(lambda body: setattr(body, "doc_string", "x")),
        loop_body(lambda body: setattr(body.node[0], "domain", "com.microsoft")),
        lambda model: setattr(model, "doc_string", "hello"),
        lambda model: model.metadata_props.add(key="imcodec", value="1 pyr"),
        lambda model: setattr(model.metadata_props[0], "value", "1 pyx 1 1"),
        lambda model: setattr(model.metadata_props[0], "value", "1"),
    ],
)
def test_crafted_models_never_reach_the_runtime(change, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import onnxruntime as ort

    from imcodec import decode

    def forbidden(*_: object, **__: object) -> None:
        pytest.fail("a session was made for a file that is not ours")

    monkeypatch.setattr(ort, "InferenceSession", forbidden)
    with pytest.raises(InvalidFileError):
        decode(changed(change))


def test_a_model_of_the_future_says_so() -> None:
    def change(model: onnx.ModelProto) -> None:
        model.metadata_props[0].value = "1 wavelet 3"

    with pytest.raises(InvalidFileError, match="wavelet is not known"):
        open_container(changed(change))


def forged(header: PyramidHeader, stored: Stored) -> bytes:
    """A file with a checksum that is right; build() would refuse some of these numbers."""
    picture = picture_of(header, stored, header.text(*stored.parts))
    return graph.build(picture, stored.payload)


def test_numbers_out_of_range_are_refused() -> None:
    header, stored, _ = made_pyramid()
    lanes = len(stored.states)
    low, high = (np.full(lanes, value) for value in (0, 2**16))
    negative = stored.synthesis.copy()
    negative[-1, 0] = -128
    filters = stored.filters.copy()
    filters[0, 1, 2] = -128
    for bad, message in (
        (replace(stored, states=low), "state"),
        (replace(stored, states=high), "state"),
        (replace(stored, synthesis=negative), "synthesis"),
        (replace(stored, filters=filters), "filters"),
    ):
        with pytest.raises(InvalidFileError, match=message):
            open_container(forged(header, bad))
        with pytest.raises(ValueError, match=message):
            build(header, bad)


def test_header_and_networks_must_agree() -> None:
    header, stored, _ = made_pyramid()
    for change in (
        {"filters": 4},
        {"units": 6},
        {"channels": 2},
        {"levels": header.levels - 1},
        {"strips": header.strips + 1},
        {"width": 1000},
    ):
        other = replace(header, **change)  # type: ignore[arg-type]
        with pytest.raises((InvalidFileError, ValueError), match=r"missing|strips|finest|fit"):
            open_container(forged(other, stored))
        with pytest.raises(ValueError, match="fit"):
            build(other, stored)
    first, *rest = stored.context
    first = np.full_like(first, -128)
    with pytest.raises(ValueError, match="127"):
        build(header, replace(stored, context=(first, *rest)))


def test_weights_of_minus_128_are_refused() -> None:
    """No fit makes one, so each file has one spelling less."""

    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.raw_data = b"\x80" + tensor.raw_data[1:]
        header, stored, _ = made_pyramid()
        first = stored.context[0].copy()
        first.flat[0] = -128
        worse = replace(stored, context=(first, *stored.context[1:]))
        model.metadata_props[0].value = header.text(*worse.parts)

    with pytest.raises(InvalidFileError, match="below -127"):
        open_container(changed(change))


@pytest.mark.parametrize("seed", range(8))
def test_a_code_that_does_not_end_is_noticed(seed: int, capfd: pytest.CaptureFixture[str]) -> None:
    """Such a file is whole, and its checksum is right: only decoding can tell."""
    header, stored, _ = made_pyramid(seed=seed)
    worse = {
        0: damaged_word(stored),
        1: replace(stored, states=stored.states % (2**16 - 1) + 1),
        2: replace(stored, words=stored.words[:-1]),
        3: replace(stored, words=np.append(stored.words, np.uint16(7))),
        4: replace(stored, words=stored.words[:0]),
        5: replace(stored, words=stored.words[::-1].copy()),
        6: replace(stored, states=np.full_like(stored.states, 2**16 - 1)),
        7: replace(stored, states=np.full_like(stored.states, 1)),
    }[seed]
    data = build(header, worse)
    assert verify(data).bytes.total == len(data)
    with pytest.raises(InvalidFileError, match="does not end where it should"):
        latents(data)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("seed", range(40))
def test_forged_networks_never_crash(seed: int) -> None:
    """Widths of 0 or less, and beyond the table: an error, or another picture."""
    header, stored, _ = made_pyramid(16, 16)
    random = np.random.default_rng(seed)
    context = tuple(
        random.integers(-63, 64, shape).astype(np.int8) for shape in header.context_shapes
    )
    if seed % 4 == 0:
        context = (context[0], np.zeros_like(context[1]), context[2])  # every width is 0
    data = build(header, replace(stored, context=context))
    with pytest.raises(InvalidFileError, match="does not end where it should"):
        latents(data)
