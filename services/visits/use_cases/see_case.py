"""Who may see a case, and the page of one. To anybody else, the excluded first of all, it does not exist."""

from dataclasses import dataclass
from uuid import UUID

from services.visits.deps import Deps
from services.visits.domain.pack import ROLES
from services.visits.storage import case_records
from services.visits.storage.cases import CaseFile, get_case, may_see_case
from services.visits.use_cases.see_visit import Asker
from shared.crypto import SealedText
from shared.db import Connection, Record, transaction
from shared.errors import not_found


@dataclass(frozen=True, slots=True)
class OpenedText:
    """A text of a case, unsealed for one reader."""

    kind: str
    author_id: UUID
    written_at: object
    text: SealedText


@dataclass(frozen=True, slots=True)
class CaseView:
    """Everything about one case, for one reader whose reading is on record."""

    file: CaseFile
    texts: list[OpenedText]
    audit: list[Record]
    alerts: list[Record]
    named: list[UUID]
    excluded: dict[UUID, str]


def safeguards(asker: Asker) -> bool:
    """Whether somebody has a role that cases of a country go to."""
    return not asker.roles.isdisjoint(ROLES)


async def check_sees_case(conn: Connection, case_id: UUID, asker: Asker) -> None:
    """Raise the answer of a case that is not there. Every read and every act asks this."""
    visible = await may_see_case(
        conn, asker.person_id, case_id, safeguarding=safeguards(asker), countries=sorted(asker.countries)
    )
    if not visible:
        raise not_found("case")


async def see_case(case_id: UUID, asker: Asker, *, deps: Deps) -> CaseView:
    """Open a case. That it was read, by whom and when, is written before anything is shown."""
    async with transaction(deps.pool) as conn:
        await check_sees_case(conn, case_id, asker)
        file = await get_case(conn, case_id)
        if file is None:
            raise not_found("case")
        sealed = await case_records.list_texts(conn, case_id)
        now = deps.clock.now()
        detail = {"texts": len(sealed)}
        await case_records.insert_audit(conn, case_id, "read", actor=asker.person_id, at=now, detail=detail)
        texts = [
            OpenedText(
                row["kind"],
                row["author_id"],
                row["written_at"],
                deps.sealer.open(
                    file.wrapped_key, row["sealed"], row_id=str(row["text_id"]), column="case_texts.sealed"
                ),
            )
            for row in sealed
        ]
        return CaseView(
            file,
            texts,
            await case_records.list_audit(conn, case_id),
            await case_records.list_alerts(conn, case_id),
            await case_records.list_named(conn, case_id),
            await case_records.list_excluded(conn, case_id),
        )
