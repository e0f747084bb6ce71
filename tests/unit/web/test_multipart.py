"""Forms with files, as browsers send them and as nobody should."""

from __future__ import annotations

import pytest

from control_plane.errors import BadRequest
from control_plane.web.multipart import Parts, read_parts

TYPE = "multipart/form-data; boundary=----WebKitFormBoundaryq1"
MARK = b"------WebKitFormBoundaryq1"


def part(head: str, content: bytes) -> bytes:
    return MARK + b"\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n"


def field(name: str, content: bytes) -> bytes:
    return part(f'Content-Disposition: form-data; name="{name}"', content)


def file(name: str, content: bytes, filename: str = "logo.png") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: image/png'
    return part(head, content)


END = MARK + b"--\r\n"


def test_fields_are_text_and_files_are_bytes() -> None:
    picture = b"\x89PNG\r\n\x1a\n--\r\n\r\n\x00\xff"
    body = field("title", "Größe".encode()) + field("tags", b"a") + field("tags", b"b") + file("logo", picture) + END
    assert read_parts(body, TYPE) == Parts({"title": ["Größe"], "tags": ["a", "b"]}, {"logo": picture})


def test_a_file_that_was_not_chosen_is_none() -> None:
    assert read_parts(file("logo", b"", "") + END, TYPE) == Parts({}, {})


def test_lines_and_blanks_of_a_field_stay() -> None:
    assert read_parts(field("text", b"one\r\n\r\ntwo ") + END, TYPE).fields == {"text": ["one\r\n\r\ntwo "]}


def test_a_file_is_not_taken_for_a_field_by_its_name() -> None:
    """What is called filename= in the header is a file, even where it is called after a field."""
    head = 'Content-Disposition: form-data; filename="name=x"; name="form_token"'
    assert read_parts(part(head, b"x") + END, TYPE) == Parts({}, {"form_token": b"x"})


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", TYPE),
        (END, "multipart/form-data"),
        (END, 'multipart/form-data; boundary=""'),
        (field("a", b"1"), TYPE),
        (b"before" + field("a", b"1") + END, TYPE),
        (MARK + b'\r\nContent-Disposition: form-data; name="a"' + b"\r\n" + END, TYPE),
        (part("Content-Disposition: form-data", b"1") + END, TYPE),
        (field("a", b"\xff\xfe") + END, TYPE),
        (field("a", b"1") * 300 + END, TYPE),
        (field("a", b"1") + END, TYPE + "x"),
    ],
    ids=["empty", "no-boundary", "blank", "cut", "preamble", "no-body", "nameless", "no-utf8", "many", "other"],
)
def test_what_is_no_form_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_parts(body, kind)
    assert refused.value.code == "INVALID_FORM"


def test_an_empty_form_has_nothing() -> None:
    assert read_parts(END, TYPE) == Parts({}, {})
