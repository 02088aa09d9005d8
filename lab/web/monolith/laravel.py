"""Settings as an application of Laravel has them: `.env`, and the configuration that artisan makes of it.

`python -m monolith.laravel config:cache | config:clear | queue:restart`, in the application's folder. While
there is a cached configuration, nothing reads .env: a reload alone does not change the database.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

from .settings import Settings, SettingsError

ENV, CACHED = ".env", "bootstrap/cache/config.json"
_ASSIGNMENT = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?P<key>[A-Za-z_][\w.]*)[ \t]*=[ \t]*"
    r"(?:'(?P<literal>[^']*)'|\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<plain>[^\s#'\"][^\s#]*)?)"
    r"[ \t]*(?:#[^\n]*)?$",
    re.M | re.S,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def is_laravel(app: Path) -> bool:
    return (app / "artisan").exists()


def read_dotenv(path: Path) -> dict[str, str]:
    """The file as phpdotenv reads it: comments, single quotes as they stand, ${NAME} in double quotes."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as e:
        raise SettingsError(f"{path}: {e.strerror}") from None
    values: dict[str, str] = {}
    for found in _ASSIGNMENT.finditer(re.sub(r"^[ \t]*#.*$", "", text, flags=re.M)):
        value = found["literal"] if found["literal"] is not None else found["plain"] or ""
        if found["quoted"] is not None:
            value = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), found["quoted"], flags=re.S)
        if found["literal"] is None:
            value = re.sub(r"\$\{(\w+)\}", lambda m: values.get(m[1], m[0]), value)
        values[found["key"]] = value
    return values


def configuration(env: dict[str, str]) -> dict[str, Any]:
    """What the files of config/ make of the environment."""
    mysql = {
        "host": env.get("DB_HOST", "127.0.0.1"),
        "port": env.get("DB_PORT", "3306"),
        "database": env.get("DB_DATABASE", "laravel"),
        "username": env.get("DB_USERNAME", "root"),
        "password": env.get("DB_PASSWORD", ""),
        "ssl_ca": env.get("MYSQL_ATTR_SSL_CA", ""),
    }
    return {
        "app": {k: env.get(f"APP_{k.upper()}", "") for k in ("name", "env", "key", "url", "site")},
        "database": {"connections": {"mysql": mysql}},
        "cache": {"default": env.get("CACHE_STORE", "database")},
        "queue": {"default": env.get("QUEUE_CONNECTION", "database")},
        "mail": {"from": {"address": env.get("MAIL_FROM_ADDRESS"), "name": env.get("MAIL_FROM_NAME")}},
    }


def read_configuration(app: Path) -> dict[str, Any]:
    """The cached one where there is one, else what .env says now."""
    try:
        cached: dict[str, Any] = json.loads((app / CACHED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return configuration(read_dotenv(app / ENV))
    except (OSError, ValueError) as e:
        raise SettingsError(f"{app / CACHED}: {e}") from None
    return cached


def read_settings(app: Path) -> Settings:
    """SettingsError names the file that cannot be used."""
    made = read_configuration(app)
    mysql = made["database"]["connections"]["mysql"]
    try:
        port = int(mysql["port"])
    except ValueError as e:
        raise SettingsError(f"{app / ENV}: DB_PORT: {e}") from None
    return Settings(
        site=made["app"]["site"],
        host=mysql["host"],
        port=port,
        user=mysql["username"],
        password=mysql["password"],
        database=mysql["database"],
        ca=mysql["ssl_ca"] or None,
    )


def cache(app: Path) -> None:
    """Write the configuration anew from .env, for the service's group to read."""
    made = configuration(read_dotenv(app / ENV))
    fresh = app / f"{CACHED}.{os.getpid()}"
    fresh.touch(mode=0o640)
    fresh.chmod(0o640)
    fresh.write_text(json.dumps(made, ensure_ascii=False, indent=1), encoding="utf-8")
    os.replace(fresh, app / CACHED)


def restart_queue(app: Path) -> None:
    """Ask the queue's workers to end: a row of the cache, which Laravel 11 has in the database."""
    from .pool import Pool

    key, now = "laravel_cache_illuminate:queue:restart", int(time.time())
    with Pool(read_settings(app)).connection() as connection, connection.cursor() as cursor:
        cursor.execute(
            "REPLACE INTO cache (`key`, value, expiration) VALUES (%s, %s, %s)",
            (key, f"i:{now};", now + 10 * 365 * 86400),
        )


def main(app: Path, words: list[str]) -> int:
    match words:
        case ["config:cache"]:
            cache(app)
            print("INFO  Configuration cached successfully.")
        case ["config:clear"]:
            with contextlib.suppress(FileNotFoundError):
                (app / CACHED).unlink()
            print("INFO  Configuration cache cleared successfully.")
        case ["queue:restart"]:
            restart_queue(app)
            print("INFO  Broadcasting queue restart signal.")
        case _:
            print("usage: artisan config:cache | config:clear | queue:restart", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    from .pool import Unavailable

    try:
        sys.exit(main(Path.cwd(), sys.argv[1:]))
    except (SettingsError, OSError, Unavailable) as e:
        print(f"artisan: {e}", file=sys.stderr)
        sys.exit(1)
