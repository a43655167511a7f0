"""Every mutant, under its name."""

from __future__ import annotations

from tests.mutants.delivery import DELIVERY
from tests.mutants.mutant import Mutant
from tests.mutants.time_and_cases import TIME_AND_CASES

ALL: tuple[Mutant, ...] = (*DELIVERY, *TIME_AND_CASES)
BY_NAME = {mutant.name: mutant for mutant in ALL}
