"""Images as they are found."""

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from actors.sources import image as source
from actors.sources.card import draw_card
from actors.sources.image import StillImage, read_image
from actors.sources.source import SourceError
from relay import limits
from tests.cards import read_card


def write(path: Path, image: np.ndarray) -> str:
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
    return str(path)


def cause_of(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        read_image(str(path))
    return caught.value.cause


def png(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG of any size that it likes to claim, gray."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + name + data + struct.pack("!I", zlib.crc32(name + data))

    header = struct.pack("!IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def exif(orientation: int) -> bytes:
    """The APP1 segment of a photograph: TIFF with an orientation (CIPA DC-008, 4.6.4)."""
    tiff = b"MM\0*" + struct.pack("!IH", 8, 1) + struct.pack("!HHIHH", 0x0112, 3, 1, orientation, 0) + bytes(4)
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack("!H", len(body) + 2) + body


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.bmp", "a.webp", "사진 한 장.jpeg", " leading and ü.png"])
def test_each_kind_is_read_whatever_its_path_is_made_of(tmp_path: Path, name: str) -> None:
    still = StillImage(write(tmp_path / name, draw_card(321, 320, 180)))
    read = still.read()
    assert read is not None
    assert read_card(read.image)[0] == 321
    assert (still.width, still.height, still.rate) == (320, 180, 0)


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, lambda image: image),
        (3, lambda image: np.rot90(image, 2)),
        (6, np.rot90),
        (8, lambda image: np.rot90(image, 3)),
    ],
)
def test_a_photograph_is_upright(tmp_path: Path, orientation: int, stored: object) -> None:
    assert callable(stored)
    data = cv2.imencode(".jpg", np.ascontiguousarray(stored(draw_card(55, 320, 180))))[1].tobytes()
    path = tmp_path / "photo.jpg"
    path.write_bytes(data[:2] + exif(orientation) + data[2:])
    image = read_image(str(path))
    assert image.shape == (180, 320, 3)
    assert read_card(image)[0] == 55


@pytest.mark.parametrize("shape", [(10, 10), (10, 10, 4), (1, 1, 3), (1, 3000, 3), (3000, 1)])
def test_gray_see_through_and_odd_images_become_three_colours(tmp_path: Path, shape: tuple[int, ...]) -> None:
    image = read_image(write(tmp_path / "a.png", np.full(shape, 77, np.uint8)))
    assert image.shape == (*shape[:2], 3)


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    image = read_image(write(tmp_path / "deep.png", np.full((4, 4, 3), 0x8000, np.uint16)))
    assert image.dtype == np.uint8
    assert 126 <= image[0, 0, 0] <= 129


@pytest.mark.long
def test_8k_is_taken(tmp_path: Path) -> None:
    (tmp_path / "8k.png").write_bytes(png(7680, 4320, bytes(7681) * 4320))
    assert read_image(str(tmp_path / "8k.png")).shape == (4320, 7680, 3)


@pytest.mark.long
@pytest.mark.parametrize("size", [(30000, 30000), (2**31 - 1, 2**31 - 1), (8193, 2), (2, 8193), (6001, 6001)])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    """In a process that may have little memory: it would not live to say so otherwise."""
    path = tmp_path / "bomb.png"
    path.write_bytes(png(*size, bytes(1 << 16)))
    code = (
        "import resource, sys\n"
        "from actors.sources.image import read_image\n"
        "from actors.sources.source import SourceError\n"
        "import cv2; cv2.setNumThreads(1)\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (160 << 20),) * 2)\n"
        "try: read_image(sys.argv[1])\n"
        "except SourceError as error: print(error.cause)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True, check=True)
    assert ran.stdout.strip() in {"source-too-large", "source-broken"}


def test_what_is_no_image_is_a_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cv2.imencode(".png", draw_card(1, 320, 180))[1].tobytes()
    for name, data in (("empty.png", b""), ("text.png", b"hello\n" * 9), ("magic.png", b"\x89PNG\r\n\x1a\n")):
        (tmp_path / name).write_bytes(data)
        assert cause_of(tmp_path / name) == "source-broken"
    (tmp_path / "folder.png").mkdir()
    assert cause_of(tmp_path / "folder.png") == "source-unreadable"
    assert cause_of(tmp_path / "nowhere.png") == "source-missing"
    (tmp_path / "whole.png").write_bytes(whole)
    monkeypatch.setattr(source, "_FILE_BYTES", len(whole))
    read_image(str(tmp_path / "whole.png"))
    monkeypatch.setattr(source, "_FILE_BYTES", len(whole) - 1)
    assert cause_of(tmp_path / "whole.png") == "source-too-large"


def test_a_device_that_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_FILE_BYTES", 1 << 20)
    assert cause_of(Path("/dev/zero")) == "source-too-large"


def test_a_file_that_may_not_be_read_is_a_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(b"x")

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr("builtins.open", refuse)
    assert cause_of(path) == "source-unreadable"


def test_the_limits_of_an_image() -> None:
    assert 7680 * 4320 <= limits.VIDEO_PIXELS < 6001 * 6001
