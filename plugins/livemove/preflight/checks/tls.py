"""Connections to the source are encrypted where they leave the company's own network.

livemove's DMS endpoints ask for no TLS (SslMode none), because RDS and the IDC are joined by a VPN; with the
public allow list (infra.connectivity) rows would cross the internet in clear.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, warning

CHECK = "TLS"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    able = db.variable("have_ssl").upper() == "YES" or bool(db.variable("ssl_cert"))
    if db.variable("require_secure_transport").upper() in ("ON", "1"):
        return [
            error(
                CHECK,
                "require_secure_transport is ON, and livemove's DMS endpoints ask for no TLS",
                "OFF during the move",
                "SET GLOBAL require_secure_transport = OFF, and let the accounts that must use TLS say so"
                " themselves (ALTER USER ... REQUIRE SSL)",
            )
        ]
    if spec.infra.connectivity == "public_allow_list":
        return [
            warning(
                CHECK,
                "rows cross the internet unencrypted between DMS and the source"
                f" ({'which offers TLS' if able else 'which offers none'})",
                "a VPN, or TLS",
                "use infra.connectivity: vpn; TLS of DMS towards the source is not built yet",
            )
        ]
    return [
        ok(CHECK, f"the source {'offers TLS' if able else 'offers no TLS'}; DMS reaches it through the VPN")
    ]
