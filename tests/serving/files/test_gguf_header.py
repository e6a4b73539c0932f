from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.tiny_models import corrupted, write_tiny_adapter, write_tiny_model
from sleepy_agent.errors import ModelError
from sleepy_agent.serving.files.gguf_header import GgufHeader, read_header, validate_adapter, validate_base


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "base.gguf")


def test_a_header_says_what_the_package_gguf_reads(base: Path) -> None:
    header = read_header(base)
    reader = gguf.GGUFReader(base)
    assert header.architecture == "qwen2"
    assert header.data_offset == reader.data_offset
    assert [(one.name, one.shape, one.type_number, header.data_offset + one.offset) for one in header.tensors] == [
        (one.name, tuple(one.shape.tolist()), int(one.tensor_type), one.data_offset) for one in reader.tensors
    ]
    assert [one.size_bytes for one in header.tensors] == [one.n_bytes for one in reader.tensors]
    fields = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    assert dict(header.values) == pytest.approx(
        {name: value for name, value in fields.items() if not isinstance(value, list)}
    )
    assert dict(header.array_lengths) == {name: len(value) for name, value in fields.items() if isinstance(value, list)}


def test_quantised_tensors_have_the_size_of_their_blocks(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "q.gguf", "qwen2")
    data = bytes(range(144)) * 4
    writer.add_tensor("one", np.frombuffer(data, np.uint8).reshape(2, 288), raw_dtype=gguf.GGMLQuantizationType.Q4_K)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    (tensor,) = read_header(tmp_path / "q.gguf").tensors
    assert (tensor.shape, tensor.size_bytes) == ((512, 2), 576)


def test_a_base_is_no_adapter_and_an_adapter_no_base(base: Path, tmp_path: Path) -> None:
    adapter = write_tiny_adapter(tmp_path / "adapter.gguf")
    assert isinstance(validate_base(base), GgufHeader)
    assert validate_adapter(adapter).is_adapter
    with pytest.raises(ModelError, match="it is no adapter"):
        validate_adapter(base)
    with pytest.raises(ModelError, match="it is an adapter"):
        validate_base(adapter)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "it is no GGUF file", id="empty"),
        pytest.param(b"GGUF", "cut short", id="nothing but the mark"),
        pytest.param(b"GGUF" + struct.pack(">IQQ", 3, 0, 0), r"version 50331648 is not known", id="big-endian"),
        pytest.param(
            b"GGUF" + struct.pack("<IQQ", 3, 1 << 40, 1), "claims to have 1099511627776 tensors", id="tensors"
        ),
        pytest.param(b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 62), "a text of 4611686018427387904 bytes", id="key"),
        pytest.param(b"GGUF" + struct.pack("<IQQ", 3, 0, 0), "does not say its architecture", id="no keys"),
        pytest.param(
            b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"k", 9, 4, 1 << 61), "cut short", id="an endless array"
        ),
        pytest.param(
            b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"k", 9, 8, 1 << 61), "a list of", id="endless texts"
        ),
        pytest.param(
            b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"k", 9, 9, 1), "type 9, which is", id="arrays in arrays"
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "bad.gguf").write_bytes(content)
    with pytest.raises(ModelError, match=message) as caught:
        read_header(tmp_path / "bad.gguf")
    assert caught.value.message.startswith("bad.gguf cannot be used: ")


def test_a_file_that_is_not_there_or_is_a_folder_is_told(tmp_path: Path) -> None:
    for place in (tmp_path / "none.gguf", tmp_path):
        with pytest.raises(ModelError, match="cannot be read"):
            read_header(place)


@given(
    changes=st.lists(
        st.tuples(
            st.integers(0, 5500), st.sampled_from([b"\0", b"\1", b"\xff", b"\xff" * 8, b"\0" * 8, b"\x09", b"A"])
        ),
        min_size=1,
        max_size=4,
    ),
    length=st.none() | st.integers(0, 400_000),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_bytes_are_there_is_a_header_or_one_sentence(
    base: Path, tmp_path: Path, changes: list[tuple[int, bytes]], length: int | None
) -> None:
    broken = corrupted(base, tmp_path / "broken.gguf", changes, length)
    size = broken.stat().st_size
    try:
        header = validate_base(broken)
    except ModelError as error:
        assert "broken.gguf" in error.message
    else:
        assert all(header.data_offset + one.offset + one.size_bytes <= size for one in header.tensors)
