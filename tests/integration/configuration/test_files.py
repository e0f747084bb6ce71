"""Configuration files: exported, planned, applied; whole, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.configuration import YAML, Keeper, actions, fields, told

WEBHOOK = {"type": "webhook", "url": "https://ops.example.com/in?token=s3cret", "headers": {"X-Token": "t0ken"}}
FILE: dict[str, Any] = {
    "version": 1,
    "channels": [
        {"name": "Hook", "config": {**WEBHOOK, "secret": "a plain secret of ours"}},
        {"name": "Phones", "config": {"type": "ntfy", "topic": "acme"}, "enabled": False},
    ],
    "monitors": [
        {
            "key": "api",
            "name": "API",
            "check": {"type": "http", "url": "https://api.example.com/health", "bearer_token": "b3arer"},
            "interval": 30,
            "depends_on": ["db"],
            "alerts": [{"channel": "Hook"}],
            "escalations": [
                {"after_s": 900, "channels": ["Phones"]},
                {"after_s": 1800, "channels": ["Hook", "Phones"]},
            ],
            "sla": {"target": 99.9},
        },
        {"key": "backup", "name": "Backup", "check": {"type": "heartbeat", "period": 3600}},
        {"key": "db", "name": "Database", "check": "tcp://db.example.com:5432", "tags": ["db"], "regions": ["eu"]},
        {
            "key": "site",
            "name": "Site",
            "check": {"type": "composite", "at_least": 1, "of": {"monitors": ["api", "db"]}},
        },
    ],
    "maintenance": [
        {"key": "upkeep", "title": "Upkeep", "cron": "0 2 * * SUN", "duration": 7200, "tags": ["db"]},
        {
            "key": "move",
            "title": "Move",
            "monitors": ["api"],
            "starts_at": "2100-05-12T22:00:00Z",
            "ends_at": "2100-05-13T00:00:00Z",
        },
    ],
}
SECRETS = ("s3cret", "t0ken", "a plain secret", "b3arer")


async def test_a_file_is_applied_as_a_whole_and_a_second_time_changes_nothing(keeper: Keeper) -> None:
    applied = await keeper.apply(FILE)
    assert applied["summary"] == {"create": 8, "update": 0, "delete": 0, "unchanged": 0, "unmanaged": 0}
    assert applied["drift"] is True
    before = await keeper.fingerprint()
    again = await keeper.apply(FILE, prune=True)
    assert (again["drift"], again["changes"], again["summary"]["unchanged"]) == (False, [], 8)
    assert await keeper.fingerprint() == before
    sources = await keeper.rows("SELECT DISTINCT write_source FROM monitors UNION SELECT write_source FROM channels")
    assert sources == [{"write_source": "file"}]
    audited = await keeper.rows("SELECT DISTINCT source, operation FROM audit")
    assert audited == [{"source": "file", "operation": "apply_configuration"}]


async def test_an_export_plans_as_no_change_and_tells_no_secret(keeper: Keeper) -> None:
    await keeper.apply(FILE)
    file = await keeper.export()
    assert [entry["key"] for entry in file["monitors"]] == ["api", "backup", "db", "site"]
    api = file["monitors"][0]
    assert api["secrets"] == ["/check/bearer_token"]
    assert set(api) == {"key", "name", "check", "interval", "depends_on", "alerts", "escalations", "sla", "secrets"}
    assert file["monitors"][3]["check"]["of"] == {"monitors": ["api", "db"]}
    assert file["channels"][1]["config"] == {"type": "ntfy", "topic": "acme"}, "the public server is what ntfy means"
    planned = await keeper.plan(file, prune=True)
    assert (planned["drift"], planned["changes"], planned["warnings"]) == (False, [], [])
    for form in ("yaml", "json", "csv"):
        text = (await keeper.http.get("/api/v1/export", params={"format": form})).text
        assert not [secret for secret in SECRETS if secret in text]


async def test_the_same_file_makes_another_tenant_the_same(keeper: Keeper) -> None:
    await keeper.apply(FILE)
    await told(keeper.empty, "apply", FILE)
    assert await keeper.export(keeper.empty) == await keeper.export()


async def test_a_new_object_without_its_secret_is_reported_and_not_created(keeper: Keeper) -> None:
    await keeper.apply(FILE)
    file = await keeper.export()
    planned = await told(keeper.empty, "plan", file)
    missing = {(one["key"], one["field"]) for one in planned["warnings"]}
    assert missing == {
        ("api", "/monitors/0/check/bearer_token"),
        ("Hook", "/channels/0/config/url"),
        ("Hook", "/channels/0/config/headers/X-Token"),
        ("Hook", "/channels/0/config/secret"),
    }
    reply = await keeper.empty.post("/api/v1/apply", json=file)
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "SECRET_MISSING")
    assert await keeper.rows("SELECT FROM monitors WHERE tenant_id = $1", keeper.empty_id) == []


async def test_a_plan_says_what_changes_field_by_field(keeper: Keeper) -> None:
    await keeper.apply(FILE)
    await keeper.monitor(name="By hand")
    changed = await keeper.export()
    api = next(one for one in changed["monitors"] if one["key"] == "api")
    api |= {"interval": 60, "tags": ["web"]}
    del api["sla"]
    api["check"] |= {"timeout": 5000, "bearer_token": "another"}
    changed["monitors"] = [one for one in changed["monitors"] if one["key"] not in ("by-hand", "backup")]
    changed["channels"][1]["config"]["topic"] = "acme-night"
    planned = await keeper.plan(changed)
    assert actions(planned) == {
        "api": "update",
        "Phones": "update",
        "by-hand": "unmanaged",
        "backup": "unmanaged",
    }
    assert fields(planned, "api") == {
        "/interval": (30, 60),
        "/tags": ([], ["web"]),
        "/sla": ({"target": 99.9, "period_days": 30}, None),
        "/check/timeout": (10000, 5000),
        "/check/bearer_token": ("***", "***"),
    }
    assert fields(planned, "Phones") == {"/config/topic": ("acme", "acme-night")}
    assert actions(await keeper.plan(changed, prune=True))["backup"] == "delete"


async def test_what_is_not_in_the_file_goes_only_when_asked(keeper: Keeper) -> None:
    await keeper.apply(FILE)
    await keeper.monitor(name="By hand", key="hand")
    less = {"version": 1, "monitors": [one for one in FILE["monitors"] if one["key"] == "db"]}
    await keeper.apply(less)
    assert len(await keeper.rows("SELECT FROM monitors")) == 5
    applied = await keeper.apply(less, prune=True)
    assert {key for key, action in actions(applied).items() if action == "delete"} == {"api", "backup", "site", "hand"}
    assert [row["key"] for row in await keeper.rows("SELECT key FROM monitors")] == ["db"]
    assert len(await keeper.rows("SELECT FROM channels")) == 2, "a section that the file does not have is left alone"
    await keeper.apply({"version": 1, "channels": [], "maintenance": None}, prune=True)
    assert await keeper.rows("SELECT FROM channels") == await keeper.rows("SELECT FROM maintenance_windows") == []


async def test_a_secret_that_is_left_out_stays_and_null_takes_it_away(keeper: Keeper) -> None:
    await keeper.apply(FILE)
    sealed = "SELECT sealed FROM monitors WHERE key = 'api'"
    before = await keeper.rows(sealed)
    file = await keeper.export()
    file["monitors"][0]["interval"] = 90
    await keeper.apply(file)
    assert await keeper.rows(sealed) == before
    file["monitors"][0]["check"]["bearer_token"] = None
    del file["monitors"][0]["secrets"]
    assert fields(await keeper.apply(file), "api") == {"/check/bearer_token": ("***", "***")}
    assert await keeper.rows(sealed) == [{"sealed": None}]


async def test_objects_without_a_key_are_exported_with_one_and_adopted(keeper: Keeper) -> None:
    made = await keeper.monitor(name="Größe & Co.")
    await keeper.monitor(name="große co")
    file = await keeper.export()
    assert [one["key"] for one in file["monitors"]] == ["groe-co", "groe-co-2"]
    first = next(one for one in file["monitors"] if one["adopt"] == made["id"])
    planned = await keeper.apply(file, prune=True)
    assert fields(planned, first["key"]) == {"/key": (None, first["key"])}
    assert planned["summary"]["update"] == 2
    assert (await keeper.plan(file, prune=True))["drift"] is False, "what is adopted stays adopted"
    assert "adopt" not in (await keeper.export())["monitors"][0]
    await told(keeper.empty, "apply", file)
    assert len(await keeper.rows("SELECT FROM monitors")) == 4, "ids of another tenant are nobody here"


async def test_a_plan_that_was_approved_is_what_is_applied(keeper: Keeper) -> None:
    await keeper.apply(FILE)
    file = await keeper.export()
    file["monitors"][0]["interval"] = 90
    digest = (await keeper.plan(file))["digest"]
    (api,) = [m for m in (await keeper.http.get("/api/v1/monitors")).json()["items"] if m["key"] == "api"]
    await keeper.http.patch(f"/api/v1/monitors/{api['id']}", json={"tags": ["moved"]})
    assert (await keeper.refused("apply", file, plan_digest=digest))[:2] == (409, "PLAN_STALE")
    digest = (await keeper.plan(file))["digest"]
    await keeper.monitor(name="Another")
    await told(keeper.http, "apply", file, plan_digest=digest)
    assert (await keeper.plan(file))["drift"] is False


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"version": 2}, 400, "INVALID_VERSION", "/version"),
        ({"pages": []}, 400, "UNKNOWN_FIELD", "/pages"),
        ({"monitors": [{"name": "x"}]}, 400, "MISSING_FIELD", "/monitors/0/key"),
        ({"monitors": [{"key": "a", "name": "x"}]}, 400, "MISSING_FIELD", "/monitors/0/check"),
        ({"monitors": [{"key": "a"}, {"key": "a"}]}, 400, "DUPLICATE_KEY", "/monitors/1/key"),
        (
            {"monitors": [{"key": "a", "name": "x", "check": {"type": "http", "url": "ftp://x"}}]},
            *(400, "INVALID_URL_SCHEME", "/monitors/0/check/url"),
        ),
        (
            {"monitors": [{"key": "a", "name": "x", "check": "https://a.example.com", "depends_on": ["b"]}]},
            *(400, "INVALID_DEPENDENCY", "/monitors/0/depends_on/0"),
        ),
        (
            {
                "monitors": [
                    {"key": "a", "name": "x", "check": "https://a.example.com", "alerts": [{"channel": "None"}]}
                ]
            },
            *(400, "INVALID_ALERT_CONFIG", "/monitors/0/alerts/0/channel"),
        ),
        (
            {
                "monitors": [
                    {"key": "a", "name": "x", "check": "https://a.example.com", "depends_on": ["b"]},
                    {"key": "b", "name": "y", "check": "https://b.example.com", "depends_on": ["a"]},
                ]
            },
            *(422, "DEPENDENCY_CYCLE", "/monitors/0/depends_on"),
        ),
        (
            {"monitors": [{"key": "a", "name": "x", "check": {"url": "https://a.example.com", "bearer_token": "***"}}]},
            *(400, "REDACTION_SENTINEL", "/monitors/0/check/bearer_token"),
        ),
        (
            {"channels": [{"name": "n", "config": {"type": "webhook", "url": {"env": "URL"}}}]},
            *(400, "UNEXPANDED_REFERENCE", "/channels/0/config/url"),
        ),
        (
            {"maintenance": [{"key": "w", "title": "W", "monitors": ["no"]}]},
            400,
            "INVALID_TARGETS",
            "/maintenance/0/monitors/0",
        ),
    ],
)
async def test_a_file_that_is_wrong_is_refused_at_its_place(
    keeper: Keeper, change: dict[str, Any], status: int, code: str, field: str
) -> None:
    file = {"version": 1, **change}
    assert await keeper.refused("plan", file) == (status, code, field)
    assert await keeper.refused("apply", file) == (status, code, field)


async def test_yaml_is_refused_with_its_line(keeper: Keeper) -> None:
    async def error(text: str) -> tuple[str, int]:
        reply = await keeper.http.post("/api/v1/plan", content=text.encode(), headers=YAML)
        return reply.json()["error"]["code"], reply.json()["error"]["details"]["line"]

    assert await error("version: 1\nmonitors:\n- key: a\n  key: b\n") == ("INVALID_YAML", 4)
    assert await error("version: 1\nmonitors:\n- key: a\n  name: A\n  check:\n    url: ftp://a\n") == (
        "INVALID_URL_SCHEME",
        6,
    )
    reply = await keeper.http.post("/api/v1/plan", content=b"version: 1", headers={"Content-Type": "text/plain"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_applying_needs_the_scope_of_what_changes(keeper: Keeper) -> None:
    key = await keeper.key("config:write", "monitors:write", number=7)
    async with keeper.door.client(key) as http:
        reply = await http.post("/api/v1/apply", json=FILE)
        assert (reply.status_code, reply.json()["error"]["details"]) == (403, {"scope": "channels:write"})
        monitor = {"version": 1, "monitors": [FILE["monitors"][2]]}
        assert (await http.post("/api/v1/apply", json=monitor)).status_code == 200
    assert (await keeper.reader.post("/api/v1/apply", json=monitor)).status_code == 403


async def test_a_reader_cannot_find_out_a_secret_by_guessing(keeper: Keeper) -> None:
    await keeper.apply(FILE)
    guess = await keeper.export()
    guess["monitors"][0]["check"]["bearer_token"] = "wrong"
    guess["channels"][0]["config"]["secret"] = "a wrong secret of ours"
    assert actions(await keeper.plan(guess)) == {"api": "update", "Hook": "update"}
    assert (await told(keeper.reader, "plan", guess))["changes"] == []


async def test_a_window_that_is_over_changes_nothing(keeper: Keeper) -> None:
    past = {
        "key": "old",
        "title": "Old",
        "all": True,
        "starts_at": "2020-01-01T00:00:00Z",
        "ends_at": "2020-01-01T01:00:00Z",
    }
    planned = await keeper.apply({"version": 1, "maintenance": [past]})
    assert (planned["drift"], planned["warnings"][0]["code"]) == (False, "WINDOW_OVER")


async def test_one_monitor_is_exported_alone(keeper: Keeper) -> None:
    await keeper.apply(FILE)
    made = (await keeper.http.get("/api/v1/monitors")).json()["items"][0]
    reply = await keeper.http.get(f"/api/v1/monitors/{made['id']}/export", params={"format": "json"})
    assert [one["key"] for one in reply.json()["monitors"]] == [made["key"]]
    assert (await keeper.empty.get(f"/api/v1/monitors/{made['id']}/export")).status_code == 404


async def test_a_spreadsheet_runs_nothing(keeper: Keeper) -> None:
    await keeper.monitor(name="=HYPERLINK(1)", group="@x", tags=["a", "b"])
    text = (await keeper.http.get("/api/v1/export", params={"format": "csv"})).text
    assert "'=HYPERLINK(1)" in text
    assert ",'@x," in text
    assert "a;b" in text
