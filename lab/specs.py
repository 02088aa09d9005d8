"""The specs of this lab: those of include/migrations with the lab's addresses, ports, folders and users.

Only text is replaced, so that comments stay.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from lab.addresses import Addresses, here, root, state_dir
from lab.processes import LabError
from lab.web.users import users
from livemove.model.errors import SpecError
from livemove.model.spec import load_spec

SHOP = root() / "include" / "migrations" / "shop.yaml"

Edit = tuple[str, str]
"""(pattern that must match, replacement)"""


def folder() -> Path:
    return state_dir() / "migrations"


STEPS: list[Edit] = [
    (r"^(  ttl:) 5 ", r"\1 2\n  steps: [5, 25, 100] "),
    (r"^(  hold:) 5 ", r"\1 30 "),
]
VARIANTS: dict[str, list[Edit]] = {
    "": [],
    "weights": STEPS,
    "weights-breach": [*STEPS, (r"^(  errors: 0.02) ", r"\1\n  on_breach: rollback ")],
    "rfc2136": [
        (r"^(  zone: shop.test)$", r"\1\n  provider: rfc2136\n  primary: 127.1.5.1\n  connection: shop_tsig")
    ],
    "manual": [(r"^(  zone: shop.test)$", r"\1\n  provider: manual")],
}
"""How the lab's spec may differ: the name moves by weights; it does so with errors planted in the cloud's
release; the zone takes dynamic updates; a person changes it."""

APPS: dict[str, list[Edit]] = {
    "": [],
    "laravel": [
        (
            r"^  settings: \|\n(    .*\n)+",
            "  settings_merge:\n    format: env\n    keys:\n"
            '      DB_HOST: "{host}"\n      DB_PORT: "{port}"\n      DB_DATABASE: "{database}"\n'
            '      DB_USERNAME: "{user}"\n      DB_PASSWORD: "{password}"\n      MYSQL_ATTR_SSL_CA: "{ca}"\n'
            '      DB_SOCKET: ""\n      DB_URL: ""\n',
        ),
        (r"\bapp/shop\.env$", "app/.env"),
        (
            r"^(      reload:) .*$",
            r"\1 cd app && ./artisan config:cache && bin/shop reload && ./artisan queue:restart",
        ),
        (
            r"^(      probe:) .*$",
            r'\1 . ./host.env && curl -fsS --max-time 10 --noproxy "*" --cacert "$CA" --interface "$ADDRESS"'
            r' --resolve "www.shop.test:$PORT:$ADDRESS" "https://www.shop.test:$PORT/livemove-probe"',
        ),
    ],
}
"""The application: the lab's own, with a settings file for its database alone, or one like Laravel's, moved
as docs/move-your-own-service.md says. A host's own address is here what 127.0.0.1 is on a server."""


def write(*, dump_schemas: Sequence[str] | None = None, variant: str = "", app: str = "") -> Path:
    """Write the effective specs; the folder for LIVEMOVE_MIGRATIONS.

    LabError with file, line and nearest valid word when the project's spec is wrong.
    """
    a = here()
    shutil.rmtree(folder(), ignore_errors=True)
    check(SHOP)
    folder().mkdir(parents=True)
    edits = [
        *APPS[app],
        *VARIANTS[variant],
        *_addresses(a),
        *_hosts("dump" if dump_schemas is not None else "shop"),
    ]
    if variant == "rfc2136" and not a.low_ports:
        edits.append((r"^(  primary: \S+)$", rf"\1@{a.dns}"))
    target = folder() / "shop.yaml"
    if dump_schemas is not None:
        edits += _dump(dump_schemas)
        target = folder() / "dump.yaml"
    else:
        for other in SHOP.parent.glob("*.yaml"):
            shutil.copy(other, folder())
    target.write_text(edited(SHOP.read_text(encoding="utf-8"), edits), encoding="utf-8")
    check(target)
    return folder()


def check(path: Path) -> None:
    try:
        load_spec(path)
    except SpecError as e:
        raise LabError(str(e)) from e


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text with every pattern replaced everywhere; LabError names a pattern that is not there."""
    for pattern, replacement in edits:
        text, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
        if not count:
            raise LabError(
                f"{SHOP} has no text like {pattern!r}, which the lab must replace. Next: adapt lab/specs.py"
            )
    return text


def _addresses(a: Addresses) -> list[Edit]:
    edits: list[Edit] = [(r"\b127\.1\.(?=\d)", f"127.{a.octet}.")]
    if not a.low_ports:
        resolvers = ", ".join(f'"{ip}@{a.dns}"' for ip in a.resolvers)
        edits += [
            (r"^(  resolvers:) \[[^\]]*\]", rf"\1 [{resolvers}]\n  authority_port: {a.dns}"),
            (r"^(  url: https://[^/:\s]+)", rf"\1:{a.https}"),
        ]
    return edits


def _hosts(service: str) -> list[Edit]:
    """Where a host of the cloud is a folder here (lab.cloud.ec2), and whom its service runs as."""
    folder = str(state_dir() / "hosts" / f"{service}-web-1").replace("\\", "\\\\")
    return [
        (r"/srv/shop\b", folder),
        (r"^(    runs_as:) \S+$", rf"\1 {users().service}"),
    ]


def _dump(schemas: Sequence[str]) -> list[Edit]:
    listed = ", ".join('"' + s.replace("\\", "\\\\").replace('"', '\\"') + '"' for s in schemas)
    return [
        (r"\A(#.*\n)*", "# Made by the lab from a dump: the lab's own spec with the dump's schemas.\n"),
        (r"^service: shop$", "service: dump"),
        (r"^title: .*$", "title: A dump, rehearsed"),
        (r"\bshop_(aws|source|target|app|idc_ssh)\b", r"dump_\1"),
        (r"\bshop-(livemove|boundary)\b", r"dump-\1"),
        (r"\bshop\.test\b", "dump.test"),
        (r"^(  schemas:) \[[^\]]*\]", r"\1 [" + listed.replace("\\", "\\\\") + "]"),
        (r"^(  database:) shop$", r"\1 livemove_traffic"),
    ]
