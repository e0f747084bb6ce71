"""How addresses are written, and who may give or take which role."""

from __future__ import annotations

import pytest

from control_plane.domain.tenants.credentials import ROLES, Role
from control_plane.domain.tenants.people import (
    Authority,
    is_of,
    link_digest,
    read_email,
    require_an_owner_left,
    require_authority,
    shown_name,
)
from control_plane.errors import BadRequest, Conflict, Forbidden

MEMBERS = {role: Authority(ROLES[role], role) for role in Role}
KEY = Authority(ROLES[Role.ADMIN])


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("ana@example.com", "ana@example.com"),
        ("  Ana.B+tag@EXAMPLE.Com ", "ana.b+tag@example.com"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("o'neil@example.co.uk", "o'neil@example.co.uk"),
    ],
)
def test_an_address_has_one_normal_form(given: str, normal: str) -> None:
    assert read_email(given) == normal
    assert read_email(normal) == normal


@pytest.mark.parametrize(
    "text",
    ["", "@", "a", "a@", "@b.c", "a@b", "a b@c.example", "a@b c.example", "a..b@c.example", "<a@c.example>", "a@[::1]"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_email(text)
    assert (refused.value.code, refused.value.field) == ("INVALID_EMAIL", "/email")


@pytest.mark.parametrize(
    ("by", "role", "code"),
    [
        ("owner", "owner", None),
        ("admin", "owner", "OWNERS_ONLY"),
        ("admin", "admin", None),
        ("admin", "viewer", None),
        ("member", "viewer", None),
        ("member", "admin", "MISSING_SCOPE"),
        ("viewer", "member", "MISSING_SCOPE"),
        ("viewer", "owner", "OWNERS_ONLY"),
    ],
)
def test_nobody_hands_on_more_than_they_have(by: str, role: str, code: str | None) -> None:
    if code is None:
        require_authority(MEMBERS[Role(by)], Role(role), owners=1)
        return
    with pytest.raises(Forbidden) as refused:
        require_authority(MEMBERS[Role(by)], Role(role), owners=1)
    assert refused.value.code == code


def test_a_key_makes_an_owner_only_while_there_is_none() -> None:
    require_authority(KEY, Role.OWNER, owners=0)
    with pytest.raises(Forbidden):
        require_authority(KEY, Role.OWNER, owners=1)
    with pytest.raises(Forbidden):
        require_authority(MEMBERS[Role.ADMIN], Role.OWNER, owners=0)


def test_one_owner_stays() -> None:
    require_an_owner_left(Role.OWNER, becomes=Role.OWNER, owners=1)
    require_an_owner_left(Role.OWNER, becomes=None, owners=2)
    require_an_owner_left(Role.ADMIN, becomes=None, owners=1)
    for becomes in (None, Role.ADMIN):
        with pytest.raises(Conflict):
            require_an_owner_left(Role.OWNER, becomes=becomes, owners=1)


def test_a_name_is_shown_in_one_line_or_taken_from_the_address() -> None:
    assert shown_name("  Ana\n\u202eB  ", "ana@example.com") == "Ana B"
    assert shown_name(None, "ana@example.com") == shown_name(" \x00 ", "ana@example.com") == "ana"
    assert len(shown_name("x" * 500, "ana@example.com")) == 100


def test_a_subdomain_is_another_domain() -> None:
    assert is_of("a@example.com", ["Example.com"])
    assert not is_of("a@sub.example.com", ["example.com"])
    assert not is_of("a@notexample.com", ["example.com"])


def test_a_links_digest_depends_on_token_and_pepper() -> None:
    assert link_digest("t", b"p") == link_digest("t", b"p")
    assert len({link_digest("t", b"p"), link_digest("u", b"p"), link_digest("t", b"q")}) == 3
