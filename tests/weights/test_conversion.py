"""Checkpoints become ONNX models, or are refused. What models answer: tests/goldens."""

import shutil
from dataclasses import replace
from pathlib import Path

import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="needs torch: make test EXTRAS=dev,convert")
onnx = pytest.importorskip("onnx", reason="needs torch: make test EXTRAS=dev,convert")
pytest.importorskip("onnxscript", reason="needs torch: make test EXTRAS=dev,convert")

from onnxruntime.tools.mobile_helpers import usability_checker  # noqa: E402

from tests.stand_ins.checkpoints import write_checkpoint  # noqa: E402
from tests.stand_ins.landmark_models import write_checkpoints  # noqa: E402
from tests.stand_ins.openface2 import write_openface2  # noqa: E402
from tests.stand_ins.pfld import write_pfld  # noqa: E402
from weights import conversion  # noqa: E402
from weights.clnf.files import VALIDATOR  # noqa: E402
from weights.clnf.packing import packed  # noqa: E402
from weights.conversion import convert, refuse_disagreement  # noqa: E402
from weights.export import differences  # noqa: E402
from weights.manifest import (  # noqa: E402
    CHECKPOINTS,
    MODELS,
    ModelVariant,
    WeightsError,
    read_record,
    sha256_of,
    verify_model,
    write_record,
)
from weights.openface2 import SHAPE_MODEL  # noqa: E402
from weights.recipes import RECIPES  # noqa: E402

CONTRACT = {
    "retinaface_frame": (
        {"image": [1, 3, 640, 640]},
        {"offsets": [1, 16800, 4], "scores": [1, 16800]},
    ),
    "retinaface_face": (
        {"image": [1, 3, 192, 192]},
        {"offsets": [1, 1512, 4], "scores": [1, 1512]},
    ),
    "star98": ({"image": [1, 3, 256, 256]}, {"points": [1, 98, 2], "confidence": [1]}),
    "mtl_aus": ({"faces": [2, 3, 224, 224]}, {"aus": [2, 8]}),
    "mtl_emotion_gaze": ({"faces": [2, 3, 224, 224]}, {"emotions": [2, 8], "gaze": [2, 2]}),
}
RETINAFACE = CHECKPOINTS["retinaface"].file
HALF = ModelVariant("fp16", "half.onnx", "0" * 64, 1, 0.1, "px", "tests")


def session(folder: Path, name: str) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(
        folder / MODELS[name].file, providers=["CPUExecutionProvider"]
    )


@pytest.fixture
def retinaface_only(tmp_path):
    """A folder with a stand-in for RetinaFace's checkpoint, and one for the models."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    write_checkpoint("retinaface", folder)
    return folder, tmp_path / "weights"


@pytest.fixture
def without_kinds(monkeypatch):
    """Only the float32 models are made: the others take seconds each."""
    monkeypatch.setattr(conversion, "make_kinds", lambda *_: ())


@pytest.mark.parametrize("name", CONTRACT)
def test_models_have_the_promised_inputs_and_outputs(weights_folder, name):
    model = session(weights_folder, name)
    inputs, outputs = CONTRACT[name]
    assert {item.name: item.shape for item in model.get_inputs()} == inputs
    assert {item.name: item.shape for item in model.get_outputs()} == outputs
    assert {item.type for item in [*model.get_inputs(), *model.get_outputs()]} == {"tensor(float)"}


@pytest.mark.parametrize("name", CONTRACT)
def test_core_ml_takes_each_model_in_one_piece(weights_folder, name):
    listing = Path(usability_checker.__file__).with_name("coreml_supported_mlprogram_ops.md")
    model = onnx.shape_inference.infer_shapes(onnx.load(weights_folder / MODELS[name].file))
    pieces = usability_checker.check_partitioning(
        model.graph, usability_checker._SupportedOpsChecker(listing), True, max_rank=5
    )
    assert pieces.num_partitions == 1
    assert pieces.num_supported_nodes == pieces.num_nodes == len(model.graph.node)


@pytest.mark.parametrize("name", CONTRACT)
def test_core_ml_rules_that_the_checker_does_not_know_are_kept(weights_folder, name):
    """From the provider's sources: no input longer than 16384 or empty, constant weights."""
    model = onnx.shape_inference.infer_shapes(onnx.load(weights_folder / MODELS[name].file))
    constants = {item.name: list(item.dims) for item in model.graph.initializer}
    shapes = constants | {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in [*model.graph.value_info, *model.graph.input]
    }
    for node in model.graph.node:
        for item in node.input:
            assert all(0 < length <= 16384 for length in shapes[item]), node
        if node.op_type in ("Gemm", "MatMul", "Conv"):
            assert all(item in constants for item in node.input[1:]), node


def test_models_carry_their_origin_and_a_cache_key_of_their_own(weights_folder, checkpoints):
    keys = set()
    for name in CONTRACT:
        checkpoint = CHECKPOINTS[MODELS[name].checkpoint]
        notes = session(weights_folder, name).get_modelmeta().custom_metadata_map
        assert notes["model"] == name
        assert notes["source_file"] == checkpoint.file
        assert notes["source_sha256"] == sha256_of(checkpoints / checkpoint.file)
        assert notes["official"] == "false"
        assert notes["converter"]
        key = notes["COREML_CACHE_KEY"]
        assert key.isalnum()
        assert len(key) <= 64
        keys.add(key)
    assert len(keys) == len(CONTRACT)


def test_every_converted_model_is_recorded_and_verified(weights_folder):
    assert set(read_record(weights_folder).models) == set(MODELS)
    for name in MODELS:
        model = verify_model(weights_folder, name)
        assert model.official == (name == "pfld68")  # no other one would have been taken
        assert not model.demo


def test_models_do_not_name_this_machine(weights_folder):
    for model in MODELS.values():
        content = (weights_folder / model.file).read_bytes()
        assert str(Path(__file__).resolve().parents[2]).encode() not in content
        assert b"site-packages" not in content


def test_converting_again_gives_the_same_bytes_and_names_what_is_missing(
    retinaface_only, weights_folder
):
    checkpoints, out = retinaface_only
    lines = []
    done = convert(checkpoints, out, say=lines.append)
    names = ("retinaface_frame", "retinaface_face")
    before = read_record(weights_folder).models
    assert read_record(out).models == {name: before[name] for name in names}
    assert [checkpoint.name for checkpoint in done.missing] == ["star98", "mtl", "pfld68"]
    assert len(done.unofficial) == 2
    files = [before[name].file for name in names]
    files += [one.file for name in names for one in before[name].variants]
    assert {line.split(": ")[0] for line in lines if ".onnx" in line} <= set(files)
    assert sorted(path.name for path in out.iterdir()) == sorted([*files, "weights.json"])


def test_without_coremltools_one_line_says_so(retinaface_only, monkeypatch):
    monkeypatch.setattr(conversion, "core_ml_can_be_made", lambda: False)
    monkeypatch.setattr(conversion, "make_kinds", lambda *_: ())
    lines = []
    convert(*retinaface_only, say=lines.append)
    assert len(lines) == 3
    assert "no .mlpackage is made: for Macs, type pip install 'facemirror[" in lines[0]


def test_an_int8_kind_stays_while_the_model_is_the_same(retinaface_only, monkeypatch):
    monkeypatch.setattr(conversion, "make_kinds", lambda *_: (HALF,))
    checkpoints, out = retinaface_only
    convert(checkpoints, out)
    record = read_record(out)
    quantized = replace(HALF, kind="int8", file="retinaface_face_int8.onnx")
    face = record.models["retinaface_face"]
    write_record(out, record.having(replace(face, variants=(HALF, quantized))))
    convert(checkpoints, out)
    assert read_record(out).models["retinaface_face"].variants == (HALF, quantized)
    state = torch.load(checkpoints / RETINAFACE, map_location="cpu")
    state["ClassHead.0.conv1x1.bias"] += 0.1
    torch.save(state, checkpoints / RETINAFACE)
    convert(checkpoints, out)
    assert read_record(out).models["retinaface_face"].variants == (HALF,)


@pytest.mark.usefixtures("without_kinds")
def test_another_checkpoint_is_converted_but_marked(retinaface_only, weights_folder):
    checkpoints, out = retinaface_only
    state = torch.load(checkpoints / RETINAFACE, map_location="cpu")
    state["ClassHead.0.conv1x1.bias"] += 0.1
    torch.save(state, checkpoints / RETINAFACE)
    done = convert(checkpoints, out, demo=True)
    assert [model.name for model in done.unofficial] == ["retinaface_frame", "retinaface_face"]
    assert all(model.demo for model in done.unofficial)
    keys = []
    for folder in (out, weights_folder):
        notes = session(folder, "retinaface_face").get_modelmeta().custom_metadata_map
        keys.append(notes["COREML_CACHE_KEY"])
    assert keys[0] != keys[1]
    assert verify_model(out, "retinaface_face").official is False


def test_nothing_to_convert_is_an_error(tmp_path):
    with pytest.raises(WeightsError, match=r"holds none of Alignment_RetinaFace\.pth"):
        convert(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_with_other_tensors_is_refused(retinaface_only):
    checkpoints, out = retinaface_only
    state = torch.load(checkpoints / RETINAFACE, map_location="cpu")
    state["extra.weight"] = state.pop("fpn.merge1.0.weight")
    state["ssh1.conv3X3.0.weight"] = torch.zeros(1)
    torch.save(state, checkpoints / RETINAFACE)
    message = (
        r"1 missing \(first: fpn\.merge1\.0\.weight\), 1 unknown \(first: extra\.weight\), "
        r"1 of other shape \(first: ssh1\.conv3X3\.0\.weight\)"
    )
    with pytest.raises(WeightsError, match=message):
        convert(checkpoints, out)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("file", ["Alignment_RetinaFace.pth", "Landmark_98.pkl"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, file):
    (tmp_path / file).write_bytes(b"<html>not found</html>")
    with pytest.raises(WeightsError, match="is not a torch checkpoint that can be loaded safely"):
        convert(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("content", [{"model": {}}, [1, 2]])
def test_a_landmark_checkpoint_without_its_network_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "Landmark_98.pkl")
    with pytest.raises(WeightsError, match=r"Landmark_98\.pkl holds no network's state"):
        convert(tmp_path, tmp_path / "out")


def test_code_inside_a_checkpoint_is_not_run(tmp_path):
    torch.save({"net": Path("/")}, tmp_path / "Landmark_98.pkl")
    with pytest.raises(WeightsError, match="loaded safely"):
        convert(tmp_path, tmp_path / "out")


@pytest.mark.usefixtures("without_kinds")
@pytest.mark.parametrize("file", CHECKPOINTS["pfld68"].files)
def test_pfld_is_taken_under_both_names(published_pfld, checkpoints, tmp_path, file):
    shutil.copyfile(checkpoints / "pfld_68.onnx", tmp_path / file)
    convert(tmp_path, tmp_path / "out")
    assert verify_model(tmp_path / "out", "pfld68").source_file == file


def test_a_pfld_with_another_checksum_is_refused(tmp_path):
    write_pfld(tmp_path)
    with pytest.raises(WeightsError, match=r"pfld_68\.onnx is not the published file"):
        convert(tmp_path, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_openface2s_landmark_models_are_packed_from_what_is_there(tmp_path):
    checkpoints, out, lines = write_checkpoints(tmp_path / "checkpoints"), tmp_path / "out", []
    write_openface2(checkpoints)
    done = convert(checkpoints, out, say=lines.append)
    assert done.landmark_files_missing == ()
    model = verify_model(out, "clnf68")
    assert model in done.unofficial
    assert model.source_file == "OpenFace_2.2.0"
    assert model.source_sha256 == packed(checkpoints).sources
    assert lines[-1] == "clnf68.npz: OpenFace 2's landmark models"
    (checkpoints / "openface2" / VALIDATOR).unlink()
    convert(checkpoints, out, say=lines.append)
    assert lines[-1].endswith("without the validator: nothing says how sure they are")
    assert verify_model(out, "clnf68").sha256 != model.sha256


def test_without_its_landmark_models_openface2_is_converted_all_the_same(tmp_path):
    write_openface2(tmp_path)
    done = convert(tmp_path, tmp_path / "out")
    assert verify_model(tmp_path / "out", "openface2_aus") in done.unofficial
    assert not (tmp_path / "out" / "clnf68.npz").exists()
    assert len(done.landmark_files_missing) == 11
    assert SHAPE_MODEL not in done.landmark_files_missing


def test_an_export_that_answers_otherwise_is_refused(weights_folder):
    recipe = RECIPES["retinaface_face"]
    torch.manual_seed(0)
    stranger = recipe.network().eval()
    model = onnx.load(weights_folder / MODELS["retinaface_face"].file)
    found = differences(stranger, model, recipe.examples())
    with pytest.raises(WeightsError, match=r"retinaface_face\.onnx was not written"):
        refuse_disagreement("retinaface_face", found)


def test_one_tipped_threshold_is_forgiven_but_no_missing_number():
    assert refuse_disagreement("star98", [1e-6, 2e-6, 5e-3]) == 2e-6
    for found in ([1e-6, 2e-3, 5e-3], [1e-6, 1e-6, float("inf")]):
        with pytest.raises(WeightsError, match="was not written"):
            refuse_disagreement("star98", found)
