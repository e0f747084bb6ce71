"""users, user_identities: people, whatever tenants they are members of, and who providers say they are."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection


class User(Struct, frozen=True):
    """A person. `email_proven`: a provider vouched for the address."""

    id: UUID
    email: str
    email_proven: bool
    name: str
    created_at: datetime
    last_sign_in_at: datetime | None


_COLUMNS = "id, email, email_proven, name, created_at, last_sign_in_at"

INSERT = f"INSERT INTO users (id, email, email_proven, name) VALUES ($1, $2, $3, $4) RETURNING {_COLUMNS}"


async def insert(conn: Connection, *, user_id: UUID, email: str, email_proven: bool, name: str) -> User:
    """A new person. A proven address belongs to one."""
    return User(**await conn.fetchrow(INSERT, user_id, email, email_proven, name))


# Taken before anything is looked for, so that two first sign-ins of one person make one.
HOLD_EMAIL = "SELECT pg_advisory_xact_lock(hashtextextended('farwatch person ' || $1, 0))"


async def hold_email(conn: Connection, *, email: str) -> None:
    """Take turns with others who sign in with this address, until the transaction ends."""
    await conn.execute(HOLD_EMAIL, email)


FIND_BY_IDENTITY = f"""
SELECT {", ".join(f"u.{column}" for column in _COLUMNS.split(", "))}
FROM user_identities AS i JOIN users AS u ON u.id = i.user_id WHERE i.issuer = $1 AND i.subject = $2
"""


async def find_by_identity(conn: Connection, *, issuer: str, subject: str) -> User | None:
    """Whom the provider's subject stands for."""
    row = await conn.fetchrow(FIND_BY_IDENTITY, issuer, subject)
    return row and User(**row)


FIND_BY_EMAIL = f"SELECT {_COLUMNS} FROM users WHERE email = $1 AND email_proven"


async def find_by_email(conn: Connection, *, email: str) -> User | None:
    """Who proved this address."""
    row = await conn.fetchrow(FIND_BY_EMAIL, email)
    return row and User(**row)


HAS_IDENTITY = "SELECT EXISTS (SELECT FROM user_identities WHERE user_id = $1 AND issuer = $2)"


async def has_identity(conn: Connection, *, user_id: UUID, issuer: str) -> bool:
    """Whether the person is known at this provider already."""
    known: bool = await conn.fetchval(HAS_IDENTITY, user_id, issuer)
    return known


ADD_IDENTITY = "INSERT INTO user_identities (issuer, subject, user_id) VALUES ($1, $2, $3)"


async def add_identity(conn: Connection, *, issuer: str, subject: str, user_id: UUID) -> None:
    """Know the provider's subject as this person from now on."""
    await conn.execute(ADD_IDENTITY, issuer, subject, user_id)


NOTE_SIGN_IN = "UPDATE users SET last_sign_in_at = now() WHERE id = $1"
NOTE_IDENTITY = "UPDATE user_identities SET last_used_at = now() WHERE issuer = $1 AND subject = $2"


async def note_sign_in(conn: Connection, *, user_id: UUID) -> None:
    """The person signed in just now."""
    await conn.execute(NOTE_SIGN_IN, user_id)


async def note_identity(conn: Connection, *, issuer: str, subject: str) -> None:
    """The identity was used just now."""
    await conn.execute(NOTE_IDENTITY, issuer, subject)
