"""Pages are escaped, strict, in the reader's own time, light on the wire and the same everywhere."""

from __future__ import annotations

import gzip
import hashlib
import re
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from jinja2 import UndefinedError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from shared.auth import Identity
from shared.errors import Rejected
from shared.web.assets import KIT_STATIC, Assets
from shared.web.forms import Form
from shared.web.navigation import entries_for, home_of, local_path
from shared.web.pages import KIT_TEMPLATES, Pages, direction_of, render

INSTANT = datetime(2026, 3, 31, 18, 30, tzinfo=UTC)


def person(*roles: str, zone: str = "Asia/Dhaka", name: str = "Rina Das") -> Identity:
    return Identity("p1", name, frozenset(roles), frozenset({"BD"}), "s", "session", zone, "bn")


def page(
    folder: Path,
    body: str,
    *,
    identity: Identity | None = None,
    path: str = "/visits/",
    **context: Any,
) -> str:
    head = "{% import 'ui.html' as ui with context %}"
    (folder / "page.html").write_text(
        "{% extends 'layout.html' %}" + head + "{% block content %}" + body + "{% endblock %}"
    )
    pages = Pages("visits", Assets("visits"), [folder])
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [],
        "query_string": b"",
        "scheme": "http",
        "server": ("t", 80),
        "state": {"identity": identity},
        "app": SimpleNamespace(state=SimpleNamespace(pages=pages)),
    }
    return bytes(render(Request(scope), "page.html", **context).body).decode()


def test_what_people_typed_is_escaped(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    html = page(
        tmp_path,
        "{{ evil }}{{ ui.badge(evil) }}{{ ui.alert(evil) }}{{ ui.field(form, 'note', evil, hint=evil) }}"
        "{{ ui.facts([(evil, evil)]) }}{{ ui.fragment('/x', evil) }}{{ ui.form_errors(form) }}",
        identity=person("trainer", name=evil),
        evil=evil,
        form=Form({"note": '"><script>'}, {"note": evil}),
    )
    assert "<script>alert" not in html
    assert '"><script>' not in html
    assert html.count("&lt;script&gt;alert") >= 8


def test_a_name_that_does_not_exist_is_an_error_not_an_empty_place(tmp_path: Path) -> None:
    with pytest.raises(UndefinedError):
        page(tmp_path, "{{ vist }}")


def test_instants_are_shown_in_the_readers_zone_with_the_exact_one_beside(tmp_path: Path) -> None:
    body = "{{ at|when }} {{ at|when('short') }} {{ at|clock_time }} {{ none|when }}"
    dhaka = page(tmp_path, body, identity=person("trainer"), at=INSTANT)
    assert '<time datetime="2026-03-31T18:30:00Z">Wed 1 Apr 2026, 00:30</time>' in dhaka
    assert ">1 Apr, 00:30</time>" in dhaka
    assert "Times are shown for Asia/Dhaka." in dhaka
    bogota = page(tmp_path, body, identity=person("trainer", zone="America/Bogota"), at=INSTANT)
    assert ">Tue 31 Mar 2026, 13:30</time>" in bogota


def test_a_zone_that_is_not_known_falls_back_instead_of_breaking_the_page(tmp_path: Path) -> None:
    html = page(tmp_path, "{{ at|when }}", identity=person("trainer", zone="../etc"), at=INSTANT)
    assert ">Tue 31 Mar 2026, 18:30</time>" in html


def test_an_instant_without_a_zone_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        page(tmp_path, "{{ at|when }}", at=INSTANT.replace(tzinfo=None))


def test_a_day_has_no_zone(tmp_path: Path) -> None:
    html = page(tmp_path, "{{ d|day }}", identity=person("trainer"), d=date(2026, 3, 1))
    assert '<time datetime="2026-03-01">Sun 1 Mar 2026</time>' in html


def test_the_page_says_its_language_and_direction(tmp_path: Path) -> None:
    assert '<html lang="en" dir="ltr">' in page(tmp_path, "", identity=person("trainer"))
    assert '<html lang="ar-JO" dir="rtl">' in page(tmp_path, "", language="ar-JO")
    assert [direction_of(tag) for tag in ("ur", "fa-AF", "bn", "es")] == [
        "rtl",
        "rtl",
        "ltr",
        "ltr",
    ]


def test_everybody_sees_their_own_entries_and_where_they_are(tmp_path: Path) -> None:
    html = page(tmp_path, "", identity=person("coordinator"), path="/scheduler/cohorts/42")
    assert '<a href="/scheduler/cohorts" aria-current="page">Cohorts</a>' in html
    assert html.count("aria-current") == 1
    assert "/visits/cases" not in html
    assert 'action="/directory/sign-out"' in html
    signed_out = page(tmp_path, "")
    assert "sign-out" not in signed_out
    assert "<nav" not in signed_out


@pytest.mark.parametrize(
    ("role", "labels"),
    [
        ("coordinator", ["Today", "Cohorts", "Import", "Actions", "Messages"]),
        ("trainer", ["My visits", "Messages"]),
        ("officer", ["Cases", "Messages"]),
        ("deputy", ["Cases", "Messages"]),
        ("head", ["Cases", "Messages"]),
        ("enterprise", ["Actions", "Messages"]),
        ("auditor", ["Messages"]),
    ],
)
def test_the_navigation_of_each_role(role: str, labels: list[str]) -> None:
    assert [entry.label for entry in entries_for(person(role), "/")] == labels
    assert home_of(person(role)) == entries_for(person(role), "/")[0].href


def test_a_case_page_is_not_marked_as_my_visits() -> None:
    entries = entries_for(person("trainer", "officer"), "/visits/cases/7")
    assert [entry.label for entry in entries if entry.current] == ["Cases"]


@pytest.mark.parametrize(
    "elsewhere",
    [
        None,
        "",
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/a\\b",
        "/\t/evil",
        "visits",
        "javascript:x",
    ],
)
def test_a_sign_in_never_leads_to_another_site(elsewhere: str | None) -> None:
    assert local_path(elsewhere, "/home") == "/home"
    assert local_path("/visits/1?a=b#c", "/home") == "/visits/1?a=b#c"


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    for template in KIT_TEMPLATES.glob("*.html"):
        source = template.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|hx-vals", source), template
        assert not re.search(r"<script(?![^>]*\ssrc=)", source), template
        assert not re.search(r"https?://", source), template
    assert "http" not in (KIT_STATIC / "gemba.css").read_text()


def test_vendored_files_are_what_was_published() -> None:
    vendor = KIT_STATIC / "vendor"
    lines = (vendor / "SHA256SUMS").read_text().splitlines()
    sums = {line.split()[1]: line.split()[0] for line in lines}
    files = {path.name for path in vendor.iterdir()} - {"SHA256SUMS", "README.md"}
    assert set(sums) == files
    for name, expected in sums.items():
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == expected, name


def test_the_first_page_is_light(tmp_path: Path) -> None:
    html = page(tmp_path, "", identity=person("coordinator"))
    linked = re.findall(r'(?:src|href)="/visits/static/([^"?]+\.(?:js|css))\?', html)
    assert len(linked) == 4
    size = sum(len(gzip.compress((KIT_STATIC / name).read_bytes(), 9)) for name in linked)
    assert size <= 60 * 1024


def test_a_field_tells_assistive_technology_what_is_wrong(tmp_path: Path) -> None:
    form = Form({"due": "soon"}, {"due": "A date, please."})
    html = page(tmp_path, "{{ ui.field(form, 'due', 'Due', hint='The last day.') }}", form=form)
    assert '<label for="field-due">' in html
    field = re.search(r"<input [^>]*>", html)
    assert field is not None
    assert 'aria-invalid="true"' in field[0]
    assert 'aria-describedby="field-due-hint field-due-error"' in field[0]
    assert 'value="soon"' in field[0]
    assert 'id="field-due-error">A date, please.' in html


@pytest.mark.parametrize("kind", ["text", "textarea", "select", "radio", "checks", "checkbox", "file"])
def test_every_kind_of_field_keeps_what_was_chosen(tmp_path: Path, kind: str) -> None:
    form = Form({"f": "true"})
    body = "{{ ui.field(form, 'f', 'Label', type=kind, options=[('true', 'Yes'), ('b', 'No')]) }}"
    html = page(tmp_path, body, form=form, kind=kind)
    assert "Label" in html
    if kind != "file":
        assert re.search(r'value="true"[^>]*(checked|selected)|value="true"|>true<', html)


def test_a_refusal_is_put_beside_its_fields() -> None:
    one = Form().refuse(Rejected("late", 422, "Too late.", field="due"))
    assert one.errors == {"due": "Too late."}
    details = [{"field": "a", "message": "A."}, {"field": "b", "message": "B."}]
    assert Form().refuse(Rejected("x", 422, "No.", details=details)).errors == {
        "a": "A.",
        "b": "B.",
    }
    assert Form().refuse(Rejected("x", 409, "Gone.")).errors == {"": "Gone."}


def test_text_is_readable_in_both_schemes() -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text; 1.4.11: 3 to 1 for the border of a field."""
    light, dark = _palettes()
    for palette in (light, dark):
        ground = palette["--pico-background-color"]
        card = palette["--pico-card-background-color"]
        for name in ("color", "muted-color", "primary", "h1-color", "h2-color", "h3-color"):
            assert _contrast(palette[f"--pico-{name}"], ground) >= 4.5, name
            assert _contrast(palette[f"--pico-{name}"], card) >= 4.5, name
        assert _contrast(palette["--gemba-accent"], ground) >= 4.5
        assert _contrast(palette["--gemba-on-band"], palette["--gemba-band"]) >= 4.5
        assert _contrast(palette["--pico-primary-inverse"], palette["--pico-primary-background"]) >= 4.5
        assert _contrast(palette["--pico-form-element-border-color"], ground) >= 3
        for tone in ("info", "good", "warn", "bad", "neutral"):
            assert _contrast(palette[f"--gemba-{tone}"], palette[f"--gemba-{tone}-ground"]) >= 4.5, tone


@pytest.mark.asyncio
async def test_assets_are_kept_for_a_year_under_the_address_of_their_content(
    tmp_path: Path,
) -> None:
    (tmp_path / "own.js").write_text("1")
    (tmp_path / "notes.txt").write_text("not served")
    assets = Assets("visits", tmp_path)
    app = Starlette(routes=[Route("/visits/static/{name:path}", assets.serve)])
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        response = await client.get(assets.url("gemba.css"))
        assert response.text == (KIT_STATIC / "gemba.css").read_text()
        assert response.headers["content-encoding"] == "gzip"
        assert "immutable" in response.headers["cache-control"]
        stale = await client.get("/visits/static/gemba.css?v=old")
        assert stale.headers["cache-control"] == "no-cache"
        same = await client.get("/visits/static/gemba.css", headers={"If-None-Match": response.headers["etag"]})
        assert same.status_code == 304
        plain = await client.get(assets.url("own.js"), headers={"Accept-Encoding": "identity"})
        assert plain.text == "1"
        for name in ("notes.txt", "..%2fapp.py", "vendor/SHA256SUMS", "nothing.css"):
            with pytest.raises(Rejected, match="no such file"):
                await client.get(f"/visits/static/{name}")


def test_an_asset_that_does_not_exist_breaks_the_page_at_once() -> None:
    with pytest.raises(KeyError):
        Assets("visits").url("nothing.css")


def _palettes() -> tuple[dict[str, str], dict[str, str]]:
    css = (KIT_STATIC / "gemba.css").read_text()
    light, dark = css.split("@media only screen and (prefers-color-scheme: dark)", 1)
    found = [dict(re.findall(r"(--[\w-]+):\s*(#[0-9a-f]{3,6});", part)) for part in (light, dark)]
    return found[0], found[1]


def _contrast(one: str, other: str) -> float:
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
