"""The table of transports."""

from __future__ import annotations

from control_plane.domain.alerting.digest import NEVER_DIGESTED
from control_plane.notify import TRANSPORTS, every_transport, transports
from control_plane.notify.transport import Configuration
from control_plane.settings import Settings


def test_every_kind_reads_configurations_tagged_with_its_name() -> None:
    for kind, transport in TRANSPORTS.items():
        configuration = transport.configuration
        assert issubclass(configuration, Configuration)
        assert configuration.__struct_config__.tag == kind
        assert configuration.__struct_config__.tag_field == "type"


def test_transports_are_made_once_per_settings() -> None:
    assert transports(Settings()) is transports(Settings())
    assert set(transports(Settings())) <= set(TRANSPORTS) == set(every_transport())


def test_a_kind_digests_unless_programs_read_it() -> None:
    for kind, transport in TRANSPORTS.items():
        assert transport.digests == (kind not in NEVER_DIGESTED)
