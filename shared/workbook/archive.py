"""Looks at an uploaded file before anything parses it.

An XLSX is a zip of XML: both can be made to swell to gigabytes. So the zip's directory is
checked for size, ratio and number of entries, and every XML part for a document type
declaration (which entity expansion needs and no spreadsheet program writes). Python's zip
reader never delivers more than the directory declared, so a lying directory cannot swell.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import Final, NoReturn

from shared.errors import Rejected

MAX_FILE_BYTES: Final = 10 * 1024 * 1024
MAX_UNPACKED_BYTES: Final = 64 * 1024 * 1024
MAX_RATIO: Final = 200
_RATIO_MATTERS_ABOVE: Final = 1024 * 1024
_MAX_ENTRIES: Final = 1000
_CHUNK_BYTES: Final = 1024 * 1024
_OVERLAP: Final = 256
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM: Final = "EncryptedPackage".encode("utf-16-le")
_DECLARATION: Final = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_MERGED: Final = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=[\"']([A-Z]+)(\d+):([A-Z]+)(\d+)[\"']")
_NOT_UTF8_STARTS: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00", b"<\x00")
_MOST_MERGED: Final = 200


def check_size(data: bytes) -> None:
    """Refuse an empty file and one that is larger than any sheet of people and sites."""
    if not data:
        raise Rejected("empty_file", 422, "The file is empty. Upload an .xlsx workbook or a .csv file.")
    if len(data) > MAX_FILE_BYTES:
        size, limit = len(data) / 1048576, MAX_FILE_BYTES // 1048576
        raise Rejected(
            "file_too_large",
            413,
            f"The file has {size:.0f} MB; at most {limit} MB are taken. Split it by country or sheet.",
        )


def open_xlsx(data: bytes) -> zipfile.ZipFile:
    """Return the zip of an XLSX that is safe to parse, or raise `Rejected`."""
    if data.startswith(_OLE):
        _refuse_old_or_encrypted(data)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as broken:
        raise not_a_workbook() from broken
    names = {entry.filename for entry in entries}
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise _encrypted()
    if "[Content_Types].xml" not in names or not any(n.startswith("xl/workbook") for n in names):
        raise not_a_workbook()
    unpacked = sum(entry.file_size for entry in entries)
    ratio = unpacked / max(1, len(data))
    swollen = ratio > MAX_RATIO and unpacked > _RATIO_MATTERS_ABOVE
    if len(entries) > _MAX_ENTRIES or unpacked > MAX_UNPACKED_BYTES or swollen:
        raise Rejected(
            "zip_bomb",
            422,
            f"The workbook would unpack to {unpacked / 1048576:.0f} MB in {len(entries)} parts"
            f" ({ratio:.0f} times its size) and was not opened. Save only the needed cells in a new"
            " workbook.",
        )
    return archive


def scan_parts(archive: zipfile.ZipFile) -> dict[str, list[tuple[str, int]]]:
    """Refuse XML that declares entities; return each part's merged ranges as (range, first row)."""
    merged: dict[str, list[tuple[str, int]]] = {}
    try:
        for name in archive.namelist():
            if name.lower().endswith((".xml", ".rels", ".vml")):
                merged[name] = _scan(archive, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError) as broken:
        raise not_a_workbook() from broken
    return merged


def _scan(archive: zipfile.ZipFile, name: str) -> list[tuple[str, int]]:
    merged: dict[str, int] = {}
    with archive.open(name) as part:
        kept = b""
        while chunk := part.read(_CHUNK_BYTES):
            if not kept and chunk.startswith(_NOT_UTF8_STARTS):
                raise _unsafe(name)
            window = kept + chunk
            if _DECLARATION.search(window):
                raise _unsafe(name)
            for left, top, right, bottom in _MERGED.findall(window):
                if len(merged) < _MOST_MERGED:
                    merged[f"{left.decode()}{int(top)}:{right.decode()}{int(bottom)}"] = int(top)
            kept = window[-_OVERLAP:]
    return list(merged.items())


def not_a_workbook() -> Rejected:
    """Say that the file is nothing that can be read here."""
    return Rejected(
        "not_a_workbook",
        422,
        "The file is not a workbook, or it is damaged. Upload an .xlsx workbook or a .csv file.",
    )


def _unsafe(name: str) -> Rejected:
    return Rejected(
        "unsafe_workbook",
        422,
        f"The workbook's part {name[:60]} is written in a way that no spreadsheet program writes"
        " (entity declarations or another encoding than UTF-8). Save it again as .xlsx.",
    )


def _encrypted() -> Rejected:
    return Rejected(
        "encrypted_workbook",
        422,
        "The workbook is protected by a password. Save it without one and upload it again.",
    )


def _refuse_old_or_encrypted(data: bytes) -> NoReturn:
    if _ENCRYPTED_STREAM in data:
        raise _encrypted()
    raise Rejected(
        "old_workbook",
        422,
        "This is a workbook of the old format (.xls). Save it as .xlsx and upload it again.",
    )
