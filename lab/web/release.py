"""The release archive of the monolith: what is deployed to the servers in the cloud.

The same sources give the same archive, byte for byte, and the same version.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).parent / "monolith"
LARAVEL = SOURCE.with_name("laravel")
NUMBER = "3.2.0"
NOWHERE = {
    "SITE": "target",
    "DB_HOST": "127.0.0.1",
    "DB_PORT": "3306",
    "DB_NAME": "laravel",
    "DB_USER": "root",
    "DB_PASSWORD": "",
}
"""What a release says before anybody knows where its database will be."""


def files(app: str = "") -> dict[str, Path]:
    """Every file of the application: its path below app/ and where it comes from."""
    found = {f"monolith/{p.name}": p for p in sorted(SOURCE.glob("*.py"))}
    found |= {f"bin/{p.name}": p for p in sorted((SOURCE / "bin").iterdir()) if p.is_file()}
    return found | ({"artisan": LARAVEL / "artisan"} if app == "laravel" else {})


def dotenv(settings: Mapping[str, str]) -> str:
    """The .env of a server with these settings."""
    text = (LARAVEL / "env").read_text(encoding="utf-8")
    for name, value in settings.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def version(app: str = "") -> str:
    """The release's number and the beginning of its content's digest."""
    digest = hashlib.sha256()
    for name, path in files(app).items():
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{NUMBER}+{digest.hexdigest()[:8]}"


def build(path: Path, *, faults: bool = False, app: str = "") -> Path:
    """Write the archive (a .tar.gz of app/ and install.sh). `faults`: one request in twenty fails."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, source in files(app).items():
            _add(archive, f"app/{name}", source.read_bytes(), executable=name in ("bin/shop", "artisan"))
        _add(archive, "app/VERSION", f"{version(app)}\n".encode())
        if app == "laravel":
            _add(archive, "app/.env", dotenv(NOWHERE).encode())
        if faults:
            # beside the code: install.sh takes no other folder
            _add(archive, "app/monolith/FAULTS", b"0.05\n")
        _add(archive, "install.sh", (SOURCE / "install.sh").read_bytes(), executable=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(raw.getvalue(), mtime=0))
    return path


def _add(archive: tarfile.TarFile, name: str, content: bytes, *, executable: bool = False) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o755 if executable else 0o644
    archive.addfile(member, io.BytesIO(content))


if __name__ == "__main__":
    print(build(Path(sys.argv[1] if len(sys.argv) > 1 else "releases/shop.tar.gz")))
