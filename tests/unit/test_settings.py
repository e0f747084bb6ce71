"""What may be set, and how a mistake is told before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from control_plane.errors import StartupRefused
from control_plane.settings import Settings, check_serving, load_settings


def test_nothing_set_is_the_defaults() -> None:
    assert load_settings({}) == Settings()


def test_names_are_section_and_key() -> None:
    settings = load_settings({"FARWATCH_SERVER__PORT": "9000", "FARWATCH_LOG__LEVEL": "debug", "PATH": "/bin"})
    assert (settings.server.port, settings.log.level) == (9000, "debug")


def test_the_profile_of_ports_is_one_of_two_words() -> None:
    assert load_settings({"FARWATCH_SECURITY__TCP_PORTS": "strict"}).security.tcp_ports == "strict"
    with pytest.raises(StartupRefused, match="TCP_PORTS"):
        load_settings({"FARWATCH_SECURITY__TCP_PORTS": "some"})


def test_lists_are_separated_by_commas() -> None:
    settings = load_settings({"FARWATCH_SERVER__TRUSTED_PROXIES": "10.0.0.0/8, ::1/128,"})
    assert settings.server.trusted_proxies == ("10.0.0.0/8", "::1/128")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "farwatch.toml"
    file.write_text('[server]\nport = 9000\nhost = "::1"\n[delivery]\nallow_cidrs = ["10.0.0.0/8"]\n')
    settings = load_settings({"FARWATCH_CONFIG": str(file), "FARWATCH_SERVER__PORT": "9001"})
    assert (settings.server.port, settings.server.host) == (9001, "::1")
    assert settings.delivery.allow_cidrs == ("10.0.0.0/8",)


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "pepper"
    file.write_text("a pepper from a file\n")
    assert load_settings({"FARWATCH_SECURITY__PEPPER_FILE": str(file)}).security.pepper == "a pepper from a file"


def test_the_agents_settings_on_the_same_machine_are_passed_over() -> None:
    assert load_settings({"FARWATCH_AGENT__KEY": "x"}) == Settings()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"FARWATCH_SERVER__PRT": "1"}, "FARWATCH_SERVER__PRT is not a setting. Section server has: "),
        ({"FARWATCH_SEVER__PORT": "1"}, "Sections are: "),
        ({"FARWATCH_PORT": "1"}, "FARWATCH_PORT is not a setting"),
        ({"FARWATCH_SERVER__PORT": "http"}, "FARWATCH_SERVER__PORT: Expected `int`"),
        ({"FARWATCH_SERVER__PORT": "65536"}, "<= 65535"),
        ({"FARWATCH_SERVER__PORT": ""}, "FARWATCH_SERVER__PORT"),
        ({"FARWATCH_SERVER__HOST_FILE": "/etc/hostname"}, "FARWATCH_SERVER__HOST_FILE is not a setting"),
        ({"FARWATCH_LOG__LEVEL": "loud"}, "FARWATCH_LOG__LEVEL"),
        ({"FARWATCH_SERVER__TRUSTED_PROXIES": "10.0.0.1/8"}, "server.trusted_proxies: '10.0.0.1/8'"),
        ({"FARWATCH_DELIVERY__ALLOW_CIDRS": "all"}, "delivery.allow_cidrs: 'all'"),
        ({"FARWATCH_OPERATOR__SECRET": "short"}, "operator.secret is shorter than 16 characters"),
        ({"FARWATCH_SECURITY__PEPPER": "short"}, "security.pepper is shorter than 16 characters"),
        ({"FARWATCH_SERVER__PUBLIC_URL": "example.com"}, "server.public_url must start with"),
        ({"FARWATCH_SECURITY__PEPPER_FILE": "/no/such"}, "/no/such cannot be read: No such file or directory"),
        ({"FARWATCH_CONFIG": "/no/such"}, "FARWATCH_CONFIG: /no/such cannot be read"),
    ],
)
def test_a_mistake_refuses_to_start_and_names_the_setting(environment: dict[str, str], said: str) -> None:
    with pytest.raises(StartupRefused) as refusal:
        load_settings(environment)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("server = 1", "must be a section"),
        ("[server]\nprt = 1", "[server] prt in the configuration file is not a setting"),
        ("[server\n", "is not TOML"),
        ("[server]\nport = true", "[server] port in the configuration file"),
    ],
)
def test_a_mistake_in_the_file_names_its_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "farwatch.toml"
    file.write_text(text)
    with pytest.raises(StartupRefused) as refusal:
        load_settings({"FARWATCH_CONFIG": str(file)})
    assert said in str(refusal.value)


def test_serving_needs_a_database_and_a_pepper() -> None:
    with pytest.raises(StartupRefused, match="FARWATCH_DATABASE__DSN"):
        check_serving(Settings())
    with pytest.raises(StartupRefused, match=r"security\.pepper is not set"):
        check_serving(load_settings({"FARWATCH_DATABASE__DSN": "postgresql://x"}))
