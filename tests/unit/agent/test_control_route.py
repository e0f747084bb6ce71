"""Which proxy stands between the agent and the control plane."""

from __future__ import annotations

import pytest

from agent.link.route import proxy_for
from shared.settings import SettingsError

PROXY = "http://proxy.example:3128"
URL = "https://farwatch.example"


@pytest.mark.parametrize(
    ("url", "setting", "environment", "proxy"),
    [
        (URL, "", {}, None),
        (URL, PROXY, {}, PROXY),
        (URL, PROXY, {"HTTPS_PROXY": "http://other.example:1", "NO_PROXY": "*"}, PROXY),
        (URL, "none", {"HTTPS_PROXY": PROXY}, None),
        (URL, "", {"HTTPS_PROXY": PROXY}, PROXY),
        (URL, "", {"https_proxy": PROXY, "HTTPS_PROXY": "http://other.example:1"}, PROXY),
        (URL, "", {"HTTP_PROXY": PROXY}, None),
        ("http://farwatch.example", "", {"HTTP_PROXY": PROXY}, PROXY),
        (URL, "", {"HTTPS_PROXY": "proxy.example:3128"}, PROXY),
        (URL, "", {"HTTPS_PROXY": PROXY, "NO_PROXY": "example"}, None),
        (URL, "", {"HTTPS_PROXY": PROXY, "NO_PROXY": "a.test, .farwatch.example"}, None),
        (URL, "", {"HTTPS_PROXY": PROXY, "NO_PROXY": "watch.example"}, PROXY),
        ("https://127.0.0.1:8100", "", {"HTTPS_PROXY": PROXY}, None),
        ("https://localhost:8100", "", {"HTTPS_PROXY": PROXY}, None),
        ("https://[::1]:8100", "", {"HTTPS_PROXY": PROXY}, None),
        ("https://127.0.0.1:8100", PROXY, {}, PROXY),
    ],
)
def test_the_setting_comes_before_the_environment(
    url: str, setting: str, environment: dict[str, str], proxy: str | None
) -> None:
    assert proxy_for(url, setting, environment) == proxy


@pytest.mark.parametrize("nonsense", ["proxy.example:3128", "socks5://proxy.example:1", "http://"])
def test_what_is_no_proxy_is_refused_without_showing_it(nonsense: str) -> None:
    with pytest.raises(SettingsError, match="FARWATCH_AGENT__PROXY"):
        proxy_for(URL, nonsense, {})
