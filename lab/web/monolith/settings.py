"""The settings file `app/shop.env`: lines of KEY=value, read again at every reload."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path


class SettingsError(ValueError):
    """The settings file is missing or says something that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """One reading of the settings file; its repr hides the password."""

    site: str
    host: str
    port: int
    user: str
    password: str
    database: str
    hold_limit: float = 20
    """Seconds that one request waits in a hold before it is refused."""
    pool: int = 8
    """Connections kept open; as many again are opened under load."""
    ca: str | None = None
    """CA file: the database is then spoken to over TLS, with its certificate checked."""
    epoch: int | None = None

    def __repr__(self) -> str:
        return f"Settings({self.site}: {self.user}@{self.host}:{self.port}/{self.database})"

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"


def read_settings(path: Path) -> Settings:
    """SettingsError names the file and the key."""
    values = read_env(path)
    try:
        return Settings(
            site=values.get("SITE", ""),
            host=values["DB_HOST"],
            port=int(values.get("DB_PORT", "3306")),
            user=values["DB_USER"],
            password=values["DB_PASSWORD"],
            database=values["DB_NAME"],
            hold_limit=float(values.get("HOLD_LIMIT", "20")),
            pool=int(values.get("DB_POOL", "8")),
            ca=values.get("DB_SSL_CA") or None,
            epoch=int(values["EPOCH"]) if values.get("EPOCH") else None,
        )
    except KeyError as e:
        raise SettingsError(f"{path}: {e.args[0]} is missing") from None
    except ValueError as e:
        raise SettingsError(f"{path}: {e}") from None


def read_env(path: Path) -> dict[str, str]:
    """KEY=value lines; the value may be quoted as for a shell, `#` begins a comment line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as e:
        raise SettingsError(f"{path}: {e.strerror}") from None
    values = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise SettingsError(f"{path}:{number}: wanted KEY=value")
        values[key.strip()] = _unquote(value.strip())
    return values


def _unquote(value: str) -> str:
    # only a value that is quoted as a whole: a password may hold a quote anywhere
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        parts = shlex.split(value)
        return parts[0] if len(parts) == 1 else value
    return value
