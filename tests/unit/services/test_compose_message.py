"""What goes to a transport."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from control_plane.services.alerting.compose_message import NO_LINKS, Links, compose_message
from control_plane.store.outbox import Claimed
from tests.support.messages import INCIDENT, TENANT, a_body


def claimed(body: bytes, *, notice: str = "opened", incident_id: UUID | None = INCIDENT) -> Claimed:
    made = uuid4()
    return Claimed(
        tenant_id=TENANT,
        id=made,
        message_id=made,
        channel_id=uuid4(),
        event="incident.opened",
        notice=notice,
        body=body.decode(),
        attempt=1,
        failures=0,
        unknown=0,
        told=True,
        lease_token=uuid4(),
        now=datetime(2026, 3, 1, tzinfo=UTC),
        kind="ntfy",
        config={},
        sealed=None,
        enabled=True,
        host="ntfy.sh",
        incident_id=incident_id,
        receipt={"id": "first"},
    )


LINKS = Links(acknowledge=lambda tenant, incident, channel: f"https://farwatch.example/ack/{incident}")


def test_a_body_of_another_shape_still_goes() -> None:
    message = compose_message([claimed(b'{"event":"x"}')], links=NO_LINKS)
    assert message.body == b'{"event":"x"}'
    assert (message.words.title, message.words.tone) == ("Farwatch: incident.opened", "alarm")


def test_what_goes_singly_knows_its_incident_and_the_first_receipt() -> None:
    message = compose_message([claimed(a_body())], links=LINKS)
    assert (message.incident_id, message.receipt) == (INCIDENT, {"id": "first"})


def test_a_digest_belongs_to_no_incident() -> None:
    message = compose_message([claimed(a_body()), claimed(a_body())], links=LINKS)
    assert (message.incident_id, message.receipt, len(message.bodies)) == (None, None, 2)
    assert message.words.acknowledge_url is None
