"""A released pack never changes, and a pack that is not whole is never taken."""

import copy
import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.visits.domain.pack import parse_pack
from services.visits.packs import FOLDER, load_packs

RELEASED = {
    "score-default.v1.json": "caa31c645f0ccb68fd3a639cfb3c9fcfb2c284b2e5378a885df304ed2dc67bde",
    "corrective-default.v1.json": "fc442f0542bb1323e3c5115ea98b4c83f1a402a91b49b786a21a9e486be822b1",
}


@pytest.mark.parametrize(("name", "checksum"), RELEASED.items())
def test_a_released_pack_is_byte_for_byte_what_it_was(name: str, checksum: str) -> None:
    """Cases are pinned to it: correct it by releasing the next version, not by editing this file."""
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == checksum


def test_every_pack_is_under_this_promise() -> None:
    assert {path.name for path in FOLDER.glob("*.json")} == set(RELEASED)


def test_the_default_pack_says_what_the_sources_say() -> None:
    pack = load_packs().current
    assert pack.triggers == {1, 4, 7, 9}, "imminent danger (3) is optional and off"
    assert [tier.role for tier in pack.tiers] == ["officer", "deputy", "head"]
    within = sum((tier.respond.length for tier in pack.tiers), timedelta(0))
    assert within <= timedelta(hours=24), "all tiers are told within the day that the protocols give"


def no_tiers(pack: dict[str, Any]) -> None:
    pack["tiers"] = []


def unknown_role(pack: dict[str, Any]) -> None:
    pack["tiers"][0]["role"] = "minister"


def unknown_item(pack: dict[str, Any]) -> None:
    pack["triggers"] = [{"item": 10, "on": True}]


def all_off(pack: dict[str, Any]) -> None:
    for trigger in pack["triggers"]:
        trigger["on"] = False


def step_too_long(pack: dict[str, Any]) -> None:
    pack["unowned"]["page_every"]["hours"] = 24 * 30


def no_length(pack: dict[str, Any]) -> None:
    pack["tiers"][1]["respond"] = {"clock": "wall"}


def nobody_approves(pack: dict[str, Any]) -> None:
    pack["may"]["approve"] = []


def no_default_week(pack: dict[str, Any]) -> None:
    del pack["working_weeks"]["default"]


def week_without_time(pack: dict[str, Any]) -> None:
    pack["working_weeks"]["PE"]["closes"] = "09:00"


def unknown_channel(pack: dict[str, Any]) -> None:
    pack["channels"] = ["pigeon"]


@pytest.mark.parametrize(
    "broken",
    [
        no_tiers,
        unknown_role,
        unknown_item,
        all_off,
        step_too_long,
        no_length,
        nobody_approves,
        no_default_week,
        week_without_time,
        unknown_channel,
    ],
)
def test_half_a_protocol_is_refused_with_what_is_wrong(broken: Callable[[dict[str, Any]], None]) -> None:
    data = copy.deepcopy(json.loads((FOLDER / "score-default.v1.json").read_text()))
    broken(data)
    with pytest.raises(ValueError, match="score-default version 1"):
        parse_pack(data)
