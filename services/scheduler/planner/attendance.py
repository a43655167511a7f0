"""A classroom whose quorum is smaller than its group: held without the enterprises that stand in its way, if that helps."""

from collections.abc import Iterator
from datetime import timedelta

from services.scheduler.planner.checker import check
from services.scheduler.planner.instance import Job
from services.scheduler.planner.ledger import Ledger
from services.scheduler.planner.obstacles import WIDEST
from services.scheduler.planner.part import AROUND, part
from services.scheduler.planner.plan import Placement, Relaxation, Step
from services.scheduler.planner.relaxed import relaxed
from services.scheduler.planner.solve import solve

_PROOF_WORK = 0.1
_TEXT = "the classroom held without this enterprise, which leaves its quorum"


def held_without(book: Ledger, job: Job, seed: int) -> Iterator[Relaxation]:
    """Relaxations by leaving enterprises out, each proven by planning again with every other visit where it is.

    Who waits for an earlier visit without a place is left out together; otherwise each is tried by itself. Nothing where
    no quorum was stated (1), or where it would be broken.
    """
    if not 1 < job.quorum < len(job.enterprise_ids):
        return
    waiting = {e for i in book.waits(job.id) for e in book.jobs[i].enterprise_ids}
    missing = tuple(e for e in job.enterprise_ids if e in waiting)
    for group in [missing] if missing else [(e,) for e in job.enterprise_ids]:
        if len(job.enterprise_ids) - len(group) < job.quorum:
            continue
        steps = tuple(Step("held_without", 1, _TEXT, enterprise_id=e) for e in group)
        placement = _placed(book, job, steps, seed)
        if placement is not None:
            code = "+".join(s.code for s in steps)
            yield Relaxation(
                code, f"It would have a place with {_TEXT}.", placement, True, 1 if len(steps) == 1 else None, steps
            )


def _placed(book: Ledger, job: Job, steps: tuple[Step, ...], seed: int) -> Placement | None:
    easier = relaxed(book.instance, job.id, steps)
    smaller = next(j for j in easier.jobs if j.id == job.id)
    question = part(easier, book.placements.values(), [smaller], around=AROUND + timedelta(days=WIDEST))
    answer = solve(question, seed=seed, max_work=_PROOF_WORK)
    return answer.placements[0] if answer.placements and not check(question, answer) else None
