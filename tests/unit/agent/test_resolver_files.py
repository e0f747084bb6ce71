"""What the agent takes from the system's own files: resolv.conf(5) and hosts(5)."""

from __future__ import annotations

from pathlib import Path

from agent.dns.resolver import local_hosts, system_servers


def hosts_of(directory: Path, name: str, text: str) -> list[str]:
    path = directory / "hosts"
    path.write_text(text)
    return [str(address) for address in local_hosts(name, path)]


def test_a_name_of_the_hosts_file_has_the_addresses_of_all_its_lines(tmp_path: Path) -> None:
    text = "10.0.0.9  NAS nas.lan # 10.0.0.8 nas\nfd00::9 nas\n10.0.0.9 nas\n"
    assert hosts_of(tmp_path, "nas", text) == ["10.0.0.9", "fd00::9"]
    assert hosts_of(tmp_path, "other", text) == []


def test_a_line_of_the_hosts_file_that_names_no_address_is_passed_over(tmp_path: Path) -> None:
    text = "nowhere nas\n0x7f.1 nas\nfe80::1%lo nas\n\nnas\n10.0.0.7 nas\n"
    assert hosts_of(tmp_path, "nas", text) == ["10.0.0.7"]


def test_localhost_is_this_machine_whatever_the_hosts_file_says(tmp_path: Path) -> None:
    assert "127.0.0.1" in hosts_of(tmp_path, "a.localhost", "10.0.0.7 a.localhost\n")


def test_without_a_hosts_file_no_name_is_local(tmp_path: Path) -> None:
    assert local_hosts("nas", tmp_path / "absent") == ()


def test_of_the_nameservers_in_resolv_conf_the_first_three_are_asked(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("search lan\n" + "".join(f"nameserver 192.0.2.{n}\n" for n in range(1, 6)) + "nameserver\n")
    assert system_servers(path) == [("192.0.2.1", 53), ("192.0.2.2", 53), ("192.0.2.3", 53)]
    assert system_servers(tmp_path / "absent") == [("127.0.0.1", 53)]
