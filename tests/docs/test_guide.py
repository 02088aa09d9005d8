"""What the guide's applications need of each other: pages, holds, commands and settings that fit together."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
import yaml

from tests.docs.pages import ROOT, Page
from tests.servers.test_five_layouts import FILES, PAGE, block, guide

HOLD = Page(ROOT / "docs" / "hold.md")
PROBE = "/livemove-probe"


def section(name: str) -> str:
    found = re.search(rf"^#### {name}\n(.*?)(?=^##)", PAGE.text, re.M | re.S)
    assert found is not None, name
    return found[1]


@pytest.mark.parametrize("name", FILES)
def test_an_application_is_ended_when_the_data_centre_is_retired(name: str) -> None:
    commands = yaml.safe_load(guide(name, "commands"))["commands"]
    assert "disable --now" in commands.get("stop", "")


def test_the_probe_is_not_held_where_the_guide_holds_requests() -> None:
    """repoint probes before it releases: a probe that waits would end the move late, and red."""
    frontend = re.search(r"^frontend .*?(?=```)", HOLD.text, re.M | re.S)
    assert frontend is not None
    assert re.search(rf"lua\.hold unless \{{ path [^}}]*{PROBE}\b", frontend[0])
    # behind a proxy on the same server every user comes from 127.0.0.1
    assert f"deny if {{ path {PROBE} }} !{{ src 127.0.0.1 }}" in frontend[0]


def test_laravel_reads_nothing_else_than_the_keys_that_change() -> None:
    """DB_URL and DB_SOCKET win over DB_HOST, and RDS takes no clear text."""
    keys = block("Laravel")["settings_merge"]["keys"]
    assert (keys["DB_URL"], keys["DB_SOCKET"], keys["MYSQL_ATTR_SSL_CA"]) == ("", "", "{ca}")


def test_the_service_s_user_can_come_to_livemove_s_folder_on_a_fresh_ubuntu() -> None:
    """Homes are closed to others there, and a relative `directory` lies in the login's."""
    made = re.search(r"^sudo install -d -o deploy -g www-data -m 0750 (/\S+)$", section("Laravel"), re.M)
    assert made is not None
    assert f"`directory: {made[1]}`" in section("Laravel")


def test_laravel_s_pages_are_where_the_commands_ask_and_say_the_connection() -> None:
    php = re.search(r"```php\n(.*?)```", section("Laravel"), re.S)
    assert php is not None
    # routes/api.php puts /api in front of a path
    assert php[1].startswith("// routes/web.php")
    pages = re.findall(r"Route::get\('([^']*)'", php[1])
    assert pages == [PROBE, "/healthz"]
    assert "ATTR_CONNECTION_STATUS" in php[1]
    assert php[1].count("->withoutMiddleware('web')") == len(pages)


def test_laravel_s_counter_leaves_livemove_s_own_requests_out() -> None:
    ignore = yaml.safe_load(guide("Laravel", "drain"))["drain"]["ignore"]
    line = '10.0.0.9 - - [30/Nov/2026:03:00:00 +0900] "GET {} HTTP/1.1" 200 31'
    asked = "\n".join(line.format(p) for p in (PROBE, "/healthz", "/listings/7", "/healthz-of-others"))
    left = subprocess.run(
        ["sh", "-c", f"grep -v -- {shlex.quote(ignore)}"], input=asked, capture_output=True, text=True
    )
    assert [row.split()[6] for row in left.stdout.splitlines()] == ["/listings/7", "/healthz-of-others"]


def test_the_release_s_file_does_not_replace_livemove_s_link(tmp_path: object) -> None:
    install = re.search(r"```sh\n(# install\.sh.*?)```", section("Laravel"), re.S)
    assert install is not None
    assert '[ -L "$app/.env" ] ||' in install[1]
