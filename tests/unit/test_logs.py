from __future__ import annotations

from shared.logs import redact


def test_secrets_are_masked_by_name_at_any_depth() -> None:
    event = {
        "event": "x",
        "api_key": "fw_live_1",
        "request": {"Authorization": "Bearer 1", "path": "/a"},
        "channels": [{"secret": "s", "name": "n"}],
        "database_dsn": "postgresql://u:p@h/d",
    }
    assert redact(None, "info", event) == {
        "event": "x",
        "api_key": "***",
        "request": {"Authorization": "***", "path": "/a"},
        "channels": [{"secret": "***", "name": "n"}],
        "database_dsn": "***",
    }
