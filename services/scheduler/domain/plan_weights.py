"""What a point is worth in a plan: the wishes that may be weighed, in a coordinator's words.

Rules are never weighed. A test holds the names and defaults against the planner's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import Rejected

HIGHEST = 1000.0
"""Points. Leaving a visit out counts 20,000, so no single wish can outweigh it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that may be weighed; `default` in points."""

    default: float
    meaning: str


WISHES: Mapping[str, Wish] = {
    "per_km": Wish(1.0, "each road kilometre that is driven in addition"),
    "per_day_off_target": Wish(4.0, "each day between a visit and the day that would be best for it"),
    "per_trainer_changed": Wish(60.0, "each further trainer in the consultancy visits of one enterprise"),
    "per_not_preferred": Wish(30.0, "each visit by somebody else than the trainer who is preferred"),
    "per_visit_over_share": Wish(15.0, "each visit of a trainer above an even share"),
    "per_night_away": Wish(50.0, "each night away from home"),
}


def check_weights(given: Mapping[str, float]) -> dict[str, float]:
    """The weights as they may be kept. Raises `Rejected` 422 that names every fault."""
    faults = []
    for name, value in given.items():
        if name not in WISHES:
            known = ", ".join(WISHES)
            faults.append(
                {"field": name, "code": "unknown_weight", "message": f"There is no weight {name}; right: {known}."}
            )
        elif not 0 <= value <= HIGHEST:
            message = f"{name} is {value:g}; right is a number of points from 0 to {HIGHEST:g}."
            faults.append({"field": name, "code": "weight_out_of_range", "message": message})
    if faults:
        raise Rejected(
            faults[0]["code"], 422, " ".join(one["message"] for one in faults), field="weights", details=faults
        )
    return dict(given)


def in_force(*layers: Mapping[str, float] | None) -> dict[str, float]:
    """Every weight with its value; a later layer (country, cohort, what-if) goes before an earlier one."""
    value = {name: wish.default for name, wish in WISHES.items()}
    for layer in layers:
        value |= {name: float(points) for name, points in (layer or {}).items() if name in WISHES}
    return value
