"""A logo is the pixels of what was sent, and nothing else of it."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest

from control_plane.domain.pages.public_page import PublicPage
from control_plane.services.pages.draw_logo import SIDE, draw_logo
from control_plane.services.pages.read_public_page import preview_page
from control_plane.services.uptime.read_availability import Horizon
from control_plane.store.page_reads import logo_of_face
from shared.ids import TenantId
from tests.support.tenant_world import World

Image = pytest.importorskip("PIL.Image")
PAGES = "/api/v1/status-pages"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20), **save: Any) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(made, kind, **save)
    return made.getvalue()


def claiming(width: int, height: int) -> bytes:
    """A PNG whose header promises many pixels, in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.fixture
async def page(world: World) -> dict[str, Any]:
    made = (await world.http.post(PAGES, json={"slug": "acme", "title": "Acme"})).json()
    assert made["logo_url"] is None
    return dict(made)


async def put(world: World, page: dict[str, Any], body: bytes, kind: str = "image/png", **headers: str) -> Any:
    path = f"{PAGES}/{page['id']}/logo"
    return await world.http.put(path, content=body, headers={"Content-Type": kind, **headers})


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_pictures_of_each_format_become_png(world: World, page: dict[str, Any], kind: str) -> None:
    reply = await put(world, page, picture(kind), f"image/{kind.lower()}")
    assert reply.status_code == 200, reply.text
    digest = reply.json()["logo_url"].rpartition("/")[2]
    assert reply.json()["logo_url"].endswith(f"/status/acme/logo/{digest}")
    async with world.database.app() as conn:
        (row,) = await world.rows("SELECT tenant_id, page_id FROM page_logos")
        logo = await logo_of_face(conn, tenant_id=row["tenant_id"], page_id=row["page_id"], digest=digest)
        other = await logo_of_face(conn, tenant_id=row["tenant_id"], page_id=row["page_id"], digest="other")
    assert logo is not None
    assert other is None
    assert (logo.media_type, Image.open(io.BytesIO(logo.image)).size) == ("image/png", (40, 20))


async def test_what_came_with_the_pixels_stays_behind() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home, 51.5N 0.1W"
    sent = picture("JPEG", exif=exif, icc_profile=b"secret profile" * 20, comment=b"secret comment")
    assert b"secret" in sent
    drawn = await draw_logo(sent + b"<script>alert(1)</script>")
    for word in (b"secret", b"home", b"script"):
        assert word not in drawn
    assert {drawn[at : at + 4] for at in _chunks(drawn)} <= {b"IHDR", b"IDAT", b"IEND", b"PLTE", b"tRNS"}


def _chunks(png: bytes) -> list[int]:
    found, at = [], 8
    while at < len(png):
        found.append(at + 4)
        at += 12 + int(struct.unpack(">I", png[at : at + 4])[0])
    return found


async def test_large_pictures_are_made_small_in_their_proportions() -> None:
    drawn = Image.open(io.BytesIO(await draw_logo(picture("JPEG", (4000, 1000)))))
    assert drawn.size == (SIDE, 128)
    small = Image.open(io.BytesIO(await draw_logo(picture(size=(3, 2)))))
    assert small.size == (3, 2)


async def test_a_picture_is_turned_as_its_camera_said() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    drawn = Image.open(io.BytesIO(await draw_logo(picture("JPEG", (40, 20), exif=exif))))
    assert drawn.size == (20, 40)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (SVG, "SVG"),
        (b"  \n<svg onload=alert(1)>", "SVG"),
        (b"", "no PNG"),
        (b"GIF89a", "no PNG"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "no PNG"),
        (b"%PDF-1.7", "no PNG"),
        (b"BM" + b"\0" * 200, "no PNG"),
        (claiming(50_000, 50_000), "too large"),
        (claiming(8_000, 8_000), "too large"),
        (claiming(3_000, 3_000), "no PNG"),
    ],
    ids=["svg", "bare svg", "nothing", "gif head", "png head", "pdf", "bmp", "bomb", "large", "cut off"],
)
async def test_what_is_no_picture_or_too_much_of_one_is_refused(
    world: World, page: dict[str, Any], body: bytes, why: str
) -> None:
    reply = await put(world, page, body, "image/svg+xml" if b"<svg" in body else "image/png")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "INVALID_IMAGE")
    assert why in reply.json()["error"]["message"]
    assert await world.rows("SELECT 1 FROM page_logos") == []


async def test_more_bytes_than_a_logo_has_are_not_read(world: World, page: dict[str, Any]) -> None:
    reply = await put(world, page, b"\0" * (2 * 1024 * 1024 + 1))
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "BODY_TOO_LARGE")


async def test_a_logo_is_replaced_kept_and_removed(world: World, page: dict[str, Any]) -> None:
    first = await put(world, page, picture())
    again = await put(world, page, picture())
    assert again.headers["ETag"] == first.headers["ETag"], "the same picture changes nothing"
    stale = {"If-Match": first.headers["ETag"]}
    second = await put(world, page, picture(size=(10, 10)), **stale)
    assert second.json()["logo_url"] != first.json()["logo_url"]
    assert (await put(world, page, picture(), **stale)).status_code == 412
    path = f"{PAGES}/{page['id']}/logo"
    assert (await world.http.delete(path)).status_code == 204
    assert (await world.http.delete(path)).status_code == 204
    assert (await world.get(f"/status-pages/{page['id']}"))["logo_url"] is None
    assert await world.rows("SELECT 1 FROM page_logos") == []
    missing = await world.http.put(
        f"{PAGES}/0197a2f0-0000-7000-8000-000000000000/logo", content=SVG, headers={"Content-Type": "image/svg+xml"}
    )
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "STATUS_PAGE_NOT_FOUND")


async def test_the_audit_log_tells_of_a_logo_without_the_picture(world: World, page: dict[str, Any]) -> None:
    await put(world, page, picture())
    (row,) = await world.rows("SELECT changes FROM audit WHERE object_kind = 'status_page' AND action = 'updated'")
    assert row["changes"] == {"logo_digest": "***"}


async def test_its_own_people_see_a_draft_as_it_will_be(world: World, page: dict[str, Any]) -> None:
    await put(world, page, picture())
    horizon = Horizon(world.door.deps.now(), world.door.deps.now() - world.door.deps.now())
    found = await preview(world, world.tenant_id, page, horizon)
    assert found is not None
    assert (found.slug, found.state) == ("acme", "no_data")
    assert found.logo is not None
    assert await preview(world, world.stranger_id, page, horizon) is None


async def preview(world: World, tenant_id: TenantId, page: dict[str, Any], horizon: Horizon) -> PublicPage | None:
    (row,) = await world.rows("SELECT id FROM status_pages")
    return await preview_page(world.database, tenant_id=tenant_id, page_id=row["id"], horizon=horizon)


async def test_a_draft_logo_is_read_by_its_tenant_alone(world: World, page: dict[str, Any]) -> None:
    path = f"{PAGES}/{page['id']}/logo"
    none = await world.http.get(path)
    assert (none.status_code, none.json()["error"]["code"]) == (404, "LOGO_NOT_FOUND")
    await put(world, page, picture())
    read = await world.http.get(path)
    assert (read.status_code, read.headers["Content-Type"]) == (200, "image/png")
    assert Image.open(io.BytesIO(read.content)).size == (40, 20)
    assert (await world.http.get(path, headers={"If-None-Match": read.headers["ETag"]})).status_code == 304
    stranger = await world.stranger.get(path)
    assert (stranger.status_code, stranger.json()["error"]["code"]) == (404, "STATUS_PAGE_NOT_FOUND")
