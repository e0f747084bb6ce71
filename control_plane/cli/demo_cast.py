"""The demo's ferry line as a file that one would apply: channels, monitors, routes and planned work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from control_plane.cli.demo_sites import HOST, Ports
from control_plane.services.demo.write_history import Composite

TENANT = "Tern Ferries (demo)"
COMPOSITES: Mapping[str, Composite] = {
    "booking-path": Composite(("booking-api", "checkout", "search", "payments"), at_least=3),
    "boarding": Composite(("tickets", "gates", "app"), at_least=2),
}
_NOTE = "Part of the demo: everything before its first start is invented."


def configuration(ports: Ports, *, now: datetime | None = None) -> dict[str, Any]:
    """The file, for sites on these ports."""
    return {
        "version": 1,
        "channels": _channels(ports),
        "monitors": [*_web(ports), *_boarding(ports), *_data(ports), *_network(ports), *_jobs(), *_composites()],
        "routes": [
            {"key": "everybody", "name": "Everything to operations", "channels": ["Operations", "Alertmanager"]},
            {
                "key": "phone",
                "name": "Critical to the phone on call",
                "match": {"severities": ["critical"]},
                "channels": ["Phone on call"],
            },
        ],
        "maintenance": _planned(now or datetime.now(UTC)),
    }


def _channels(ports: Ports) -> list[dict[str, Any]]:
    inbox = f"http://{HOST}:{ports.web}"
    return [
        {"name": "Operations", "config": {"type": "webhook", "url": f"{inbox}/inbox/operations"}},
        {"name": "Phone on call", "config": {"type": "ntfy", "server_url": inbox, "topic": "tern-on-call"}},
        {"name": "Alertmanager", "config": {"type": "alertmanager", "url": f"{inbox}/alertmanager"}},
    ]


def _monitor(key: str, name: str, group: str, check: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"key": key, "name": name, "group": group, "check": dict(check), "notes": _NOTE, "interval": 30, **more}


def _http(ports: Ports, path: str, **more: Any) -> dict[str, Any]:
    return {"type": "http", "url": f"http://{HOST}:{ports.web}{path}", **more}


def _target(per_cent: float) -> dict[str, Any]:
    return {"target": per_cent, "period_days": 30}


def _web(ports: Ports) -> list[dict[str, Any]]:
    booking, upstream = "Booking", {"depends_on": ["booking-api"]}
    slow = {"degraded_above_ms": 800}
    return [
        _monitor("website", "Website", booking, _http(ports, "/website", **slow), tags=["web"], sla=_target(99.9)),
        _monitor(
            "booking-api",
            "Booking API",
            booking,
            _http(ports, "/booking-api"),
            interval=10,
            severity="critical",
            tags=["api", "core"],
            depends_on=["database"],
            sla=_target(99.95),
        ),
        _monitor(
            "checkout",
            "Checkout",
            booking,
            _http(ports, "/checkout"),
            tags=["core", "payment"],
            sla=_target(99.9),
            **upstream,
        ),
        _monitor(
            "search",
            "Timetable search",
            booking,
            _http(ports, "/search", **slow),
            interval=10,
            tags=["web"],
            sla=_target(99.5),
        ),
        _monitor("payments", "Payment provider", booking, _http(ports, "/payments"), tags=["payment", "third-party"]),
        _monitor(
            "partner",
            "Partner departures",
            booking,
            _http(ports, "/partner"),
            tags=["third-party"],
            sla=_target(99.9),
            severity="minor",
        ),
        _monitor("old-site", "Old booking site", booking, _http(ports, "/old-site"), tags=["web"], enabled=False),
    ]


def _boarding(ports: Ports) -> list[dict[str, Any]]:
    group, tags = "Boarding", ["boarding", "core"]
    return [
        _monitor(
            "tickets", "Ticket scanners", group, _http(ports, "/tickets"), interval=10, tags=tags, sla=_target(99.9)
        ),
        _monitor(
            "app", "Passenger app", group, _http(ports, "/app"), tags=tags, severity="critical", sla=_target(99.9)
        ),
        _monitor("gates", "Gates at the quay", group, _tcp(ports.gates), tags=tags, region_policy="majority"),
    ]


def _tcp(port: int, **more: Any) -> dict[str, Any]:
    return {"type": "tcp", "host": HOST, "port": port, **more}


def _data(ports: Ports) -> list[dict[str, Any]]:
    group, tags = "Data", ["data"]
    return [
        _monitor(
            "database",
            "Booking database",
            group,
            _tcp(ports.database, send="PING\n", expect="PONG"),
            tags=tags,
            severity="critical",
            sla=_target(99.95),
        ),
        _monitor("cache", "Session cache", group, _tcp(ports.cache), tags=tags),
        _monitor("queue", "Message queue", group, _tcp(ports.queue), tags=tags, severity="minor"),
    ]


def _network(ports: Ports) -> list[dict[str, Any]]:
    group, tags, day = "Network", ["network"], {"interval": 86_400}
    resolver = f"{HOST}:{ports.dns}"
    a = {"type": "dns", "name": "www.tern.example", "expected": ["192.0.2.10"], "resolver": resolver}
    mx = {"type": "dns", "name": "tern.example", "record_type": "MX", "resolver": resolver, "degraded_above_ms": 500}
    tls = {"type": "tls_cert", "host": HOST, "server_name": "www.tern.example"}
    return [
        _monitor("names", "Name of the website", group, a, tags=tags),
        _monitor("mail", "Way of our mail", group, mx, tags=tags),
        _monitor("edge", "Edge router", group, {"type": "ping", "host": HOST}, tags=tags),
        _monitor("certificate", "Certificate of the website", group, {**tls, "port": ports.tls}, tags=tags, **day),
        _monitor(
            "legacy-certificate",
            "Certificate of the old API",
            group,
            {**tls, "port": ports.old_tls},
            tags=tags,
            severity="minor",
            confirmations=1,
            **day,
        ),
        _monitor(
            "domain",
            "Domain tern.example",
            group,
            {"type": "domain_expiry", "domain": "tern.example"},
            tags=tags,
            **day,
        ),
    ]


def _jobs() -> list[dict[str, Any]]:
    group, tags = "Nightly and hourly", ["job"]
    three = {"type": "heartbeat", "cron": "0 3 * * *", "grace": 3600}
    hourly = {"type": "heartbeat", "period": 3600, "grace": 900}
    minutely = {"type": "heartbeat", "period": 60, "grace": 120}
    jobs = [
        _monitor("backup", "Nightly backup", group, three, tags=tags),
        _monitor("invoices", "Hourly invoices", group, hourly, tags=tags),
        _monitor("seats", "Free seats to partners", group, minutely, tags=tags, severity="minor"),
    ]
    return [{name: value for name, value in job.items() if name != "interval"} for job in jobs]


def _composites() -> list[dict[str, Any]]:
    names = {"booking-path": ("A passenger can book", "Booking"), "boarding": ("A passenger can board", "Boarding")}
    made = []
    for key, each in COMPOSITES.items():
        check = {"type": "composite", "at_least": each.at_least, "of": {"monitors": list(each.members)}}
        monitor = _monitor(key, *names[key], check, tags=["journey"], severity="critical", sla=_target(99.9))
        made.append({name: value for name, value in monitor.items() if name != "interval"})
    return made


def _planned(now: datetime) -> list[dict[str, Any]]:
    night = (now + timedelta(days=3)).replace(hour=22, minute=0, second=0, microsecond=0)
    return [
        {
            "key": "timetable",
            "title": "Weekly import of the timetable",
            "tags": ["web"],
            "cron": "0 3 * * SUN",
            "duration": 1800,
            "timezone": "Europe/Berlin",
        },
        {
            "key": "payments",
            "title": "Change of the payment provider",
            "description": "Paying in the shop takes longer, and may need a second try.",
            "public": True,
            "monitors": ["payments", "checkout"],
            "starts_at": night.isoformat(),
            "ends_at": (night + timedelta(hours=2)).isoformat(),
        },
    ]


PAGE: Mapping[str, Any] = {
    "slug": "tern",
    "title": "Tern Ferries",
    "description": "How our booking, boarding and partners' services are doing.",
    "state": "published",
    "header_text": "This is a demo. Tern Ferries does not exist, and its past is invented.",
    "footer_text": "Questions? Ask at any harbour desk, or write to help@tern.example.",
    "show_latency": True,
    "branding": {"accent": "#0b6e75", "accent_dark": "#63c7cc"},
}
COMPONENTS: tuple[tuple[str, str, str, str], ...] = (
    ("website", "Website", "Booking", "Timetable, prices and everything to read"),
    ("booking-api", "Booking", "Booking", "From the timetable to the ticket"),
    ("checkout", "Payment", "Booking", "Cards, transfers and vouchers"),
    ("search", "Timetable search", "Booking", ""),
    ("app", "Passenger app", "Boarding", "Tickets on your phone"),
    ("tickets", "Ticket scanners", "Boarding", ""),
    ("gates", "Gates at the quay", "Boarding", ""),
    ("partner", "Departures for partners", "For partners", "Prices and departures for travel agencies"),
    ("seats", "Free seats", "For partners", "Brought up to date every minute"),
)
"""(monitor's key, name, group, description)."""
