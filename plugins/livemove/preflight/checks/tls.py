"""Connections to both databases are encrypted and their certificates verified, unless the spec says none."""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec, Tls
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, warning

CHECK = "TLS"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = [_source(db, spec), *_target(spec)]
    if spec.target.require_tls and "{ca}" not in spec.application.templates:
        found.append(
            warning(
                CHECK,
                "the application's settings do not use {ca}, and RDS will refuse it in clear text",
                "an application that speaks TLS to its database",
                "write {ca} where its settings name the database's CA file; where it speaks TLS without one,"
                " accept this; where it cannot, say target.require_tls: false",
                subject="application",
            )
        )
    return found


def _source(db: DatabaseFacts, spec: MigrationSpec) -> Finding:
    if spec.source.tls is not Tls.NONE:
        # these facts were read over such a connection
        return ok(CHECK, f"the source is spoken to over TLS ({spec.source.tls})", subject="source")
    if db.variable("require_secure_transport").upper() in ("ON", "1"):
        return error(
            CHECK,
            "require_secure_transport is ON, and source.tls of the spec is none",
            "source.tls: verify_ca or verify_identity",
            "name the CA of the server's certificate in the connection's extra, and take source.tls: none"
            " out of the spec",
            subject="source",
        )
    able = db.variable("have_ssl").upper() == "YES" or bool(db.variable("ssl_cert"))
    public = spec.infra.connectivity == "public_allow_list"
    return warning(
        CHECK,
        f"source.tls is none: rows and logins cross {'the internet' if public else 'the VPN'} in clear text"
        f" (the source {'offers TLS' if able else 'offers no TLS'})",
        "verify_ca or verify_identity",
        "give the server a certificate (ssl_cert, ssl_key), and the connection's extra its CA",
        subject="source",
    )


def _target(spec: MigrationSpec) -> list[Finding]:
    if spec.target.tls is Tls.NONE:
        return [
            warning(
                CHECK,
                "target.tls is none: rows and logins travel to RDS in clear text",
                "verify_identity",
                "put AWS's CA bundle of the region on every worker and its path into the extra of the"
                " target's connection",
                subject="target",
            )
        ]
    if not spec.target.require_tls:
        return [
            warning(
                CHECK,
                "RDS will take connections in clear text (target.require_tls: false)",
                "true",
                "leave it out of the spec once the application speaks TLS",
                subject="target",
            )
        ]
    return [ok(CHECK, f"RDS is spoken to over TLS only ({spec.target.tls})", subject="target")]
