"""Notifications as a whole, without a broker: facts in, mail and SMS out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.notifications.channels.outbound import Channels
from services.notifications.consumers import CASE, GENERAL
from services.notifications.deps import Deps
from services.notifications.timers import TIMERS
from services.notifications.use_cases.reach_again import reach_again
from services.notifications.use_cases.send_message import send_next
from shared.clock import FrozenClock
from shared.contracts.booking import VisitScheduled
from shared.contracts.case import CaseOpened
from shared.contracts.enterprise import EnterpriseState
from shared.contracts.person import ContactPoint, PersonState
from shared.contracts.registry import Contract
from shared.contracts.values import Channel, Role, VisitKind
from shared.contracts.visit import VisitConfirmed, VisitOffered
from shared.db import Pool, transaction
from shared.ids import new_id
from shared.timer_runner import TimerRunner
from shared.wakeups import Wakeup
from tests.harness.facts import Feeder, emitted
from tests.integration.notifications.post_office import Gateway, PostOffice

START = datetime(2026, 3, 10, 6, 0, tzinfo=UTC)
"""Noon in Dhaka, one in the morning in Lima."""


@dataclass
class World:
    pool: Pool
    clock: FrozenClock
    deps: Deps
    post: PostOffice
    sms: Gateway
    people: dict[str, UUID] = field(default_factory=dict)
    enterprises: dict[str, UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._feeder = Feeder(self.pool, (GENERAL, CASE), self.clock, self.deps)
        self._timers = TimerRunner(TIMERS, self.pool, self.clock, self.deps, Wakeup())

    async def hears(self, *bodies: Contract, times: int = 1) -> None:
        """Facts and states arrive, in this order, each `times` over."""
        for body in bodies:
            await self._feeder.deliver(body, times=times)

    async def hears_together(self, *bodies: Contract) -> None:
        """Facts arrive in one poll."""
        await self._feeder.deliver_together(bodies)

    async def hears_all_again(self) -> None:
        """The log was lost, and everything is published to a new one."""
        await self._feeder.replay("the-next-one")

    async def knows(
        self,
        key: str,
        *roles: Role,
        name: str | None = None,
        country: str = "BD",
        zone: str = "Asia/Dhaka",
        language: str = "en",
        channels: tuple[Channel, ...] = (Channel.EMAIL,),
        person_id: UUID | None = None,
    ) -> UUID:
        """Somebody whom directory told us of. Their address is `<key>@example.org`."""
        number = f"+8801{len(self.people):08d}"
        addresses = {Channel.EMAIL: f"{key}@example.org", Channel.SMS: number}
        person_id = self.people.setdefault(key, person_id or new_id())
        state = PersonState(
            person_id=person_id,
            key_name=key,
            name=name or key.capitalize(),
            country=country,
            roles=roles or (Role.TRAINER,),
            countries=(country,),
            language=language,
            zone=zone,
            contact_points=tuple(ContactPoint(channel=one, address=addresses[one], verified=True) for one in channels),
        )
        await self.hears(state)
        return person_id

    async def knows_enterprise(self, key: str, *contacts: UUID, country: str = "BD", zone: str = "Asia/Dhaka") -> UUID:
        enterprise_id = self.enterprises.setdefault(key, new_id())
        await self.hears(
            EnterpriseState(
                enterprise_id=enterprise_id,
                key_name=key,
                name=f"{key.capitalize()} Textiles",
                country=country,
                region="Gazipur",
                zone=zone,
                latitude=0,
                longitude=0,
                working_weekdays=(1, 2, 3, 4, 5),
                manager_languages=("en",),
                worker_languages=("bn",),
                contact_ids=contacts,
            )
        )
        return enterprise_id

    async def erases(self, key: str) -> None:
        await self._feeder.erase(PersonState, self.people[key])

    async def advance(self, **by: float) -> None:
        """Business time goes on, and what falls due happens."""
        self.clock.advance(timedelta(**by))
        while await self._timers.fire_due():
            pass

    async def send(self, lane: str | None = None) -> None:
        """Send all that is due now."""
        async with transaction(self.pool) as conn:
            await reach_again(now=self.clock.now(), conn=conn)
        for one in (lane,) if lane else ("zero_tolerance", "general"):
            while await send_next(one, deps=self.deps, pool=self.pool):
                pass

    async def back_off_is_over(self) -> None:
        await self.pool.execute("update messages set retry_at = null, claimed_until = null")

    async def states(self, template: str | None = None) -> list[str]:
        rows = await self.pool.fetch(
            "select state from messages where $1::text is null or template = $1 order by message_id", template
        )
        return [row["state"] for row in rows]

    async def said(self, *kinds: type[Contract]) -> list[Any]:
        return await emitted(self.pool, *kinds)

    def with_channels(self, channels: Channels) -> Deps:
        return Deps(self.pool, self.pool, self.clock, self.deps.settings, self.deps.composer, channels)


def scheduled(offer: VisitOffered, kind: VisitKind | None = None, co_trainers: tuple[UUID, ...] = ()) -> VisitScheduled:
    return VisitScheduled(
        visit_id=offer.visit_id,
        cohort_id=None,
        country=offer.country,
        kind=kind or offer.kind,
        stage=offer.stage,
        module="WC",
        enterprise_ids=offer.enterprise_ids,
        trainer_id=offer.trainer_id,
        starts_at=offer.starts_at,
        ends_at=offer.ends_at,
        zone=offer.zone,
        co_trainer_ids=co_trainers,
    )


def offered(
    trainer: UUID, *enterprises: UUID, visit_id: UUID | None = None, offer: int = 1, **changes: Any
) -> VisitOffered:
    starts_at = changes.pop("starts_at", START + timedelta(days=21, hours=-3))
    values: dict[str, Any] = {
        "visit_id": visit_id or new_id(),
        "offer": offer,
        "country": "BD",
        "kind": VisitKind.CONSULTANCY,
        "stage": "visit-1",
        "enterprise_ids": enterprises,
        "trainer_id": trainer,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=3),
        "zone": "Asia/Dhaka",
        "respond_by": START + timedelta(days=2),
    }
    return VisitOffered(**values | changes)


def confirmed(offer: VisitOffered) -> VisitConfirmed:
    return VisitConfirmed(**offer.model_dump(include=set(VisitConfirmed.model_fields)))


def case_opened(*recipients: UUID, case_id: UUID | None = None, **changes: Any) -> CaseOpened:
    values: dict[str, Any] = {
        "case_id": case_id or new_id(),
        "country": "BD",
        "pack": "score-default",
        "pack_version": 1,
        "item": 4,
        "step": 1,
        "tier": 1,
        "recipient_ids": recipients,
        "respond_by": START + timedelta(hours=4),
        "opened_at": START,
    }
    return CaseOpened(**values | changes)
