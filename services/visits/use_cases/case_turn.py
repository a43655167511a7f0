"""One person's turn at one case: seen, allowed, locked. What commits first decides; the audit says who asked when.

`received_at` is when the request came, `now` when its turn came: an acknowledgement that waited for a deadline that
was just firing is judged by what that deadline left behind, and both instants are on record.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.case import Case, Decision, Terms
from services.visits.storage import case_records
from services.visits.storage.cases import CaseFile
from services.visits.use_cases.see_case import check_sees_case, safeguards
from services.visits.use_cases.see_visit import Asker
from services.visits.use_cases.settle_case import insert_sealed, lock_case, refresh_terms, settle
from shared.commands import Idempotency, command
from shared.crypto import SealedText
from shared.db import Connection
from shared.errors import Rejected


@dataclass(slots=True)
class Turn:
    """A locked case in somebody's hands."""

    file: CaseFile
    terms: Terms
    asker: Asker
    now: datetime
    received_at: datetime
    conn: Connection
    deps: Deps

    @property
    def case(self) -> Case:
        """The case as it is now."""
        return self.file.case

    async def settle(self, decision: Decision) -> None:
        """Store what was decided."""
        await settle(
            self.conn,
            self.file,
            decision,
            self.terms,
            now=self.now,
            actor=self.asker.person_id,
            received_at=self.received_at,
        )

    async def write(self, kind: str, text: SealedText | None) -> None:
        """Keep what was written, sealed."""
        if text is not None and text.reveal().strip():
            await insert_sealed(
                self.conn, self.file, kind, text, author=self.asker.person_id, now=self.now, deps=self.deps
            )

    async def note(self, act: str, **detail: object) -> None:
        """One audit line that no event of the case stands for."""
        await case_records.insert_audit(
            self.conn,
            self.case.case_id,
            act,
            actor=self.asker.person_id,
            at=self.now,
            received_at=self.received_at,
            detail=detail,
        )


@asynccontextmanager
async def case_turn(
    case_id: UUID, asker: Asker, act: str, *, idempotency: Idempotency, deps: Deps
) -> AsyncIterator[Turn | None]:
    """The transaction of one act; None when the same request was granted before."""
    received_at = deps.clock.now()
    async with command(deps.pool, idempotency) as open_command:
        if open_command.repeated:
            yield None
            return
        yield await take_turn(case_id, asker, act, conn=open_command.conn, received_at=received_at, deps=deps)
        await open_command.done(case_id)


async def take_turn(
    case_id: UUID, asker: Asker, act: str, *, conn: Connection, received_at: datetime, deps: Deps
) -> Turn:
    """Lock the case for somebody who may do `act` to it, in the transaction of whoever brought the wish."""
    await check_sees_case(conn, case_id, asker)
    file = await lock_case(conn, case_id)
    now = deps.clock.now()
    terms = await refresh_terms(conn, file, now=now, deps=deps)
    await check_sees_case(conn, case_id, asker)  # again: an exclusion may have committed while we waited
    if safeguards(asker) and asker.roles.isdisjoint(terms.pack.may[act]):
        allowed = " or ".join(sorted(terms.pack.may[act]))
        raise Rejected("wrong_role", 403, f"The protocol leaves this to {allowed}.")
    return Turn(file, terms, asker, now, received_at, conn, deps)
