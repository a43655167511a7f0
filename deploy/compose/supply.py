"""What the image is made of, and what is known against it: an SBOM of the lock, and an audit that cannot pass unchecked.

    python -m deploy.compose.supply sbom > sbom.json      # CycloneDX 1.6, of what goes into the image
    python -m deploy.compose.supply audit                 # exit code 0 only if every package was looked up and none is known bad

The tools (cyclonedx-bom, pip-audit) are locked by hash in ``requirements-audit.lock`` and live in an environment of
their own, so that neither the services nor the tests carry what only looks at them. The lock is made by

    uv pip compile FILE … -o requirements-audit.lock     # FILE names the two; options: deploy/local/setup.py
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.compose.image.lock import listed, without
from deploy.local.jars import cache_folder
from deploy.local.problem import Problem
from deploy.local.state import ROOT

_TOOLS_LOCK = ROOT / "requirements-audit.lock"
_SECONDS = 300


def image_lock() -> str:
    """The hash lock of what goes into the image."""
    left_out = listed((ROOT / "deploy/compose/image/left-out.txt").read_text(encoding="utf-8"))
    return without((ROOT / "requirements.lock").read_text(encoding="utf-8"), left_out)


def tools() -> Path:
    """The folder with the tools' programs, made at first use. Raises Problem."""
    digest = hashlib.sha256(_TOOLS_LOCK.read_bytes()).hexdigest()[:12]
    folder = cache_folder() / f"audit-{digest}"
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        _run([*pip, "--only-binary", ":all:", "-r", str(_TOOLS_LOCK)])
        (folder / "whole").touch()
    return folder / "bin"


def sbom() -> str:
    """CycloneDX, as JSON; reproducible: the same lock gives the same text. Raises Problem."""
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / "requirements.txt"
        lock.write_text(image_lock(), encoding="utf-8")
        command = [str(tools() / "cyclonedx-py"), "requirements", "--output-reproducible", "--of", "JSON", str(lock)]
        return _run(command)


def audit(environment: dict[str, str] | None = None) -> str:
    """What was found; raises Problem when something is known, and when anything could not be looked up."""
    with tempfile.TemporaryDirectory() as folder:
        lock, report = Path(folder) / "requirements.txt", Path(folder) / "report.json"
        lock.write_text(image_lock(), encoding="utf-8")
        done = subprocess.run(
            [
                *(str(tools() / "pip-audit"), "--strict", "--disable-pip", "--require-hashes", "--progress-spinner", "off"),
                *("--format", "json", "--output", str(report), "--requirement", str(lock)),
            ],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=False,
            env=environment or dict(os.environ),
        )  # fmt: skip
        told = report.read_text(encoding="utf-8") if report.exists() else ""
    return judge(told, wanted=image_lock().count("==") - image_lock().count(" =="), complaint=done.stderr)


def judge(report: str, *, wanted: int, complaint: str = "") -> str:
    """Of pip-audit's report: nothing known, and nothing left unchecked. ``wanted`` is how many the lock has.

    A lock for several Pythons names some packages twice, of which one is looked up here.
    """
    try:
        found = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (complaint.strip().splitlines() or ["pip-audit said nothing"])[-1]
        raise Problem(
            f"the packages could not be checked: {last}", remedy="the audit needs a package index with advisories"
        ) from None
    skipped = [f"{each['name']} ({each['skip_reason']})" for each in found if "skip_reason" in each]
    if skipped or not found:
        raise Problem(f"{len(skipped) or 'all'} of {wanted} packages could not be checked: {', '.join(skipped[:3])}")
    known = [
        f"{each['name']} {each['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for each in found
        for hole in each["vulns"]
    ]
    if known:
        raise Problem("known holes: " + "; ".join(known), remedy="take the mended versions into the lock")
    return f"{len(found)} packages were looked up, and nothing is known against any of them"


def _run(command: list[str]) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode != 0:
        raise Problem(f"`{' '.join(command[:4])}` failed: {done.stderr.strip()[-1500:]}")
    return done.stdout


def main(arguments: list[str]) -> int:
    """Exit code 2 for wrong usage."""
    acts = {"sbom": sbom, "audit": audit}
    if len(arguments) != 1 or arguments[0] not in acts:
        sys.stderr.write("usage: python -m deploy.compose.supply sbom|audit\n")
        return 2
    try:
        sys.stdout.write(acts[arguments[0]]().rstrip("\n") + "\n")
    except Problem as problem:
        sys.stderr.write(f"gemba: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
