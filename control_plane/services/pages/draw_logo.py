"""Make a logo of a picture that somebody sent: its pixels and nothing else, drawn and encoded anew.

What is decoded is bounded before it is decoded: the size that the header states, one frame, one picture at a time.
Pillow is loaded when the first logo comes.
"""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

from control_plane.domain.field_rules import refuse

MEDIA_TYPE = "image/png"
MOST_BYTES = 2 * 1024 * 1024
SIDE = 512
"""Pixels that a side has at most, afterwards."""
MOST_SIDE, MOST_PIXELS = 8_192, 16_000_000
"""Of what is sent: 64 MB once decoded."""
_TOO_LARGE = f"the picture is too large: send one of at most {MOST_PIXELS:,} pixels, and {MOST_SIDE:,} a side"
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")

_one_at_a_time = ThreadPoolExecutor(1, thread_name_prefix="logo")


async def draw_logo(picture: bytes) -> bytes:
    """A PNG of at most SIDE × SIDE. Raises BadRequest INVALID_IMAGE."""
    if _is_svg(picture):
        _refuse("SVG is a document that may hold scripts and links to elsewhere: send a PNG, JPEG, WebP or GIF")
    return await asyncio.get_running_loop().run_in_executor(_one_at_a_time, _drawn, picture)


def _drawn(picture: bytes) -> bytes:
    from PIL import Image, ImageOps  # noqa: PLC0415  # only who makes a logo pays for it

    try:
        with Image.open(io.BytesIO(picture), formats=FORMATS) as opened:
            width, height = opened.size
            if max(width, height) > MOST_SIDE or width * height > MOST_PIXELS:
                _refuse(_TOO_LARGE)
            opened.draft("RGB", (SIDE, SIDE))
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
    except Image.DecompressionBombError:
        _refuse(_TOO_LARGE)
    except (OSError, SyntaxError, ValueError, MemoryError):
        _refuse("this is no PNG, JPEG, WebP or GIF that can be read")
    upright.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    # Into a new picture: what else came along (profiles, texts, places) stays behind.
    clean = Image.new("RGBA", upright.size)
    clean.paste(upright)
    encoded = io.BytesIO()
    clean.save(encoded, "PNG", optimize=True)
    return encoded.getvalue()


def _is_svg(picture: bytes) -> bool:
    head = picture[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<svg", b"<?xml", b"<!doctype svg"))


def _refuse(message: str) -> NoReturn:
    refuse("INVALID_IMAGE", message, "")
