"""Scripts, styles and pictures, served by each service from memory under `/<service>/static/`.

A link carries the content's hash, so what was fetched once is kept for a year and a new
version is a new address. Only files found at start are served: there is no path to escape.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from shared.errors import not_found

KIT_STATIC: Final = Path(__file__).parent / "static"
_SERVED: Final = frozenset({".css", ".js", ".svg", ".png", ".ico", ".webmanifest", ".woff2"})
_FOR_A_YEAR: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_HASH_LENGTH: Final = 12


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    compressed: bytes
    media_type: str
    version: str


class Assets:
    """The kit's assets and the service's own (`http/static`), by name."""

    def __init__(self, service: str, own_folder: Path | None = None) -> None:
        self._prefix = f"/{service}/static"
        self._assets: dict[str, _Asset] = {}
        for folder in (KIT_STATIC, own_folder):
            if folder is not None and folder.is_dir():
                self._assets.update(_load(folder))

    def url(self, name: str) -> str:
        """Return the address of an asset with its version; an unknown name is a bug in a template."""
        return f"{self._prefix}/{name}?v={self._assets[name].version}"

    async def serve(self, request: Request) -> Response:
        """Answer `GET /<service>/static/{name}`."""
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            raise not_found("file")
        fresh = request.query_params.get("v") == asset.version
        headers = {
            "Cache-Control": _FOR_A_YEAR if fresh else "no-cache",
            "ETag": f'"{asset.version}"',
            "Vary": "Accept-Encoding",
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(asset.compressed, headers=headers, media_type=asset.media_type)
        return Response(asset.content, headers=headers, media_type=asset.media_type)


def _load(folder: Path) -> Iterator[tuple[str, _Asset]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in _SERVED and path.is_file():
            content = path.read_bytes()
            guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            yield (
                path.relative_to(folder).as_posix(),
                _Asset(
                    content=content,
                    compressed=gzip.compress(content, 9, mtime=0),
                    media_type=_TYPES.get(path.suffix, guessed),
                    version=hashlib.sha256(content).hexdigest()[:_HASH_LENGTH],
                ),
            )
