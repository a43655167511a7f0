"""What happens between our commit and the provider's: nothing is lost, and next to nothing is said twice."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from services.notifications import senders
from services.notifications.channels import email
from services.notifications.channels.email import SmtpProvider
from services.notifications.channels.outbound import Channels, Failover
from services.notifications.channels.sms import SmsProvider
from services.notifications.domain.retry import MAX_REFUSALS
from services.notifications.senders import Sender
from services.notifications.storage.messages import claim_due, count_due
from services.notifications.use_cases import send_message
from services.notifications.use_cases.send_message import send_next
from shared.contracts.message import MessageFailed, MessageSent
from shared.contracts.values import Channel
from shared.db import transaction
from shared.ids import new_id
from shared.wakeups import Wakeup
from tests.integration.notifications.post_office import open_post_office
from tests.integration.notifications.world import World, case_opened, offered, scheduled

RINA = "rina@example.org"


async def one_offer(world: World, *channels: Channel) -> None:
    trainer = await world.knows("rina", channels=channels or (Channel.EMAIL,))
    offer = offered(trainer, await world.knows_enterprise("rahman"))
    await world.hears(scheduled(offer), offer)


async def waiting(world: World) -> int:
    async with transaction(world.pool) as conn:
        return sum((await count_due(conn, world.clock.now())).values())


@pytest.mark.parametrize("reply", ["451 try later", "452 full"])
async def test_a_later_is_tried_again_with_back_off(world: World, reply: str) -> None:
    await one_offer(world)
    world.post.on_rcpt[RINA] = [reply]
    await world.send()
    assert await world.states() == ["queued"]
    assert await waiting(world) == 1
    pause = await world.pool.fetchval("select retry_at - clock_timestamp() from messages")
    assert 0 < pause.total_seconds() <= 1
    await world.send()
    assert world.post.mails == [], "its time has not come"
    await world.back_off_is_over()
    await world.send()
    assert len(world.post.to(RINA)) == 1
    assert await waiting(world) == 0


async def test_patience_with_a_later_has_an_end(world: World) -> None:
    await one_offer(world)
    world.post.on_rcpt[RINA] = ["451 later"] * 3
    await world.pool.execute("update messages set attempts = $1", MAX_REFUSALS - 2)
    for _ in range(2):
        await world.back_off_is_over()
        await world.send()
    assert [fact.code for fact in await world.said(MessageFailed)] == ["bounced"]


@pytest.mark.parametrize(("stage", "code"), [("rcpt", "bounced"), ("data", "rejected")])
async def test_a_no_has_failed_at_once(world: World, stage: str, code: str) -> None:
    await one_offer(world)
    if stage == "rcpt":
        world.post.on_rcpt[RINA] = ["550 no such user"]
    else:
        world.post.on_data = ["554 spam"]
    await world.send()
    (failed,) = await world.said(MessageFailed)
    assert (failed.code, failed.channel, failed.step) == (code, Channel.EMAIL, 1)
    assert await world.states() == ["failed"]


async def test_a_bounced_alert_fails_at_once_and_its_sms_goes_anyway(world: World) -> None:
    officer = await world.knows("officer", channels=(Channel.EMAIL, Channel.SMS))
    world.post.on_rcpt["officer@example.org"] = ["550 no such user"]
    await world.hears(case_opened(officer))
    await world.send()
    assert [(fact.code, fact.channel) for fact in await world.said(MessageFailed)] == [("bounced", Channel.EMAIL)]
    assert [fact.channel for fact in await world.said(MessageSent)] == [Channel.SMS]
    lanes = await world.pool.fetch("select distinct lane from outbox where topic = 'gemba.message'")
    assert [row["lane"] for row in lanes] == ["zero_tolerance"]


async def test_a_bounced_ordinary_message_goes_on_by_the_next_channel(world: World) -> None:
    await one_offer(world, Channel.EMAIL, Channel.SMS)
    world.post.on_rcpt[RINA] = ["550 no such user"]
    await world.send()
    assert await world.states() == ["failed", "sent"]
    (text,) = world.sms.texts
    assert "Rahman Textiles" in text["text"]
    assert text["to"].startswith("+8801")


@pytest.mark.parametrize("reply", ["421 closing", None])
async def test_a_provider_that_hangs_up_is_the_providers_trouble(world: World, reply: str | None) -> None:
    await one_offer(world)
    world.post.on_rcpt[RINA] = [reply]
    await world.send()
    assert await world.states() == ["queued"]
    assert await world.pool.fetchval("select attempts from messages") == 0, "not held against the recipient"
    await world.back_off_is_over()
    await world.send()
    assert len(world.post.to(RINA)) == 1


async def test_cut_off_after_the_final_dot_the_repeat_is_the_same_mail(world: World) -> None:
    await one_offer(world)
    world.post.on_data = [None]
    await world.send()
    assert await world.states() == ["queued"], "nobody saw a 250"
    await world.back_off_is_over()
    await world.send()
    first, second = world.post.to(RINA)
    assert first["Message-ID"] == second["Message-ID"]
    assert first.as_bytes() == second.as_bytes()
    assert len(await world.said(MessageSent)) == 1


async def test_whoever_dies_with_a_message_in_hand_leaves_it_to_the_next(world: World) -> None:
    await one_offer(world)
    async with transaction(world.pool) as conn:
        assert len(await claim_due(conn, "general", new_id(), now=world.clock.now())) == 1
    await world.send()
    assert world.post.mails == [], "it is still claimed"
    await world.pool.execute("update messages set claimed_until = clock_timestamp()")
    await world.send()
    assert len(world.post.to(RINA)) == 1


@pytest.mark.parametrize("lane", ["general", "zero_tolerance"])
async def test_a_clock_set_back_makes_nothing_wait_that_may_go(world: World, lane: str) -> None:
    """It was in hand when its sender died; whoever takes it over has a clock that was put right meanwhile."""
    if lane == "general":
        await one_offer(world)
    else:
        await world.hears(case_opened(await world.knows("officer")))
    queued_at = world.clock.now()
    async with transaction(world.pool) as conn:
        assert len(await claim_due(conn, lane, new_id(), now=queued_at)) == 1
    await world.pool.execute("update messages set claimed_until = clock_timestamp()")
    world.clock.advance(-timedelta(hours=1))
    assert await waiting(world) == 1
    await world.send()
    (mail,) = world.post.to(RINA if lane == "general" else "officer@example.org")
    assert parsedate_to_datetime(mail["Date"]) == queued_at.replace(microsecond=0)


async def test_two_senders_race_and_each_message_leaves_once(world: World) -> None:
    trainer, mill = await world.knows("rina"), await world.knows_enterprise("rahman")
    for _ in range(20):
        offer = offered(trainer, mill)
        await world.hears(scheduled(offer), offer)

    async def sender() -> None:
        while await send_next("general", deps=world.deps, pool=world.pool):
            pass

    await asyncio.gather(*(sender() for _ in range(4)))
    assert len(world.post.mails) == len(set(world.post.message_ids)) == 20
    assert world.post.connections <= 4, "connections are used again"


async def until(condition: Callable[[], object]) -> None:
    """For a condition that comes while a hanging recipient still hangs: well before an attempt's limit."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < 15
        await asyncio.sleep(0.01)


async def test_a_recipient_who_hangs_holds_up_nobody_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email, "_COMMAND_SECONDS", 60.0)
    mill = await world.knows_enterprise("rahman")
    world.post.hangs.add("slow@example.org")
    for key in ("slow", "t1", "t2", "t3", "t4"):
        offer = offered(await world.knows(key), mill)
        await world.hears(scheduled(offer), offer)
    running = asyncio.create_task(Sender("general", 2, world.deps, world.pool, Wakeup()).run())
    await until(lambda: len(world.post.mails) == 4)
    assert world.post.to("slow@example.org") == [], "it still hangs, and the others have theirs"
    world.post.released.set()
    await until(lambda: world.post.to("slow@example.org"))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_notices_that_travel_together_hold_up_nobody_behind_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senders, "_POLL_SECONDS", 60)
    mill = await world.knows_enterprise("rahman")
    for key in ("rina", "rina", "rina", "t1", "t2"):
        offer = offered(await world.knows(key), mill)
        await world.hears(scheduled(offer), offer)
    await world.pool.execute("update messages set bundle = 'notices'")
    running = asyncio.create_task(Sender("general", 2, world.deps, world.pool, Wakeup()).run())
    await until(lambda: len(world.post.mails) == 3)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await world.states() == ["sent"] * 5


async def test_a_sender_that_is_stopped_finishes_what_it_has_in_hand(world: World) -> None:
    await one_offer(world)
    world.post.hangs.add(RINA)
    running = asyncio.create_task(Sender("general", 2, world.deps, world.pool, Wakeup()).run())
    await until(lambda: world.post.waiting)
    running.cancel()
    world.post.released.set()
    await asyncio.gather(running, return_exceptions=True)
    assert await world.states() == ["sent"]
    assert len(world.post.to(RINA)) == 1


async def test_a_server_that_says_nothing_is_left_after_a_while(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email, "_COMMAND_SECONDS", 0.2)
    await one_offer(world)
    world.post.hangs.add(RINA)
    await world.send()
    assert await world.states() == ["queued"]
    assert await world.pool.fetchval("select retry_at is not null from messages")


async def test_zero_tolerance_does_not_queue_behind_ordinary_mail(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(email, "_COMMAND_SECONDS", 60.0)
    trainer, mill = await world.knows("rina"), await world.knows_enterprise("rahman")
    world.post.hangs.add(RINA)
    for _ in range(4):
        offer = offered(trainer, mill)
        await world.hears(scheduled(offer), offer)
    general = asyncio.create_task(Sender("general", 2, world.deps, world.pool, Wakeup()).run())
    case = asyncio.create_task(Sender("zero_tolerance", 2, world.deps, world.pool, Wakeup()).run())
    await world.hears(case_opened(await world.knows("officer")))
    await until(lambda: world.post.to("officer@example.org"))
    assert world.post.to(RINA) == [], "all ordinary senders are still held up"
    world.post.released.set()
    for task in (general, case):
        task.cancel()
    await asyncio.gather(general, case, return_exceptions=True)


async def test_when_a_provider_is_down_the_next_one_takes_it(world: World) -> None:
    await one_offer(world)
    async with open_post_office() as second:
        providers = [SmtpProvider(f"smtp://127.0.0.1:{port}", "gemba@gemba.example") for port in (1, second.port)]
        way = Failover(providers)
        deps = world.with_channels(Channels({"email": way}))
        assert await send_next("general", deps=deps, pool=world.pool)
        assert len(second.mails) == 1
        (sent,) = await world.said(MessageSent)
        assert sent.provider == f"smtp:127.0.0.1:{second.port}"
        await way.close()


async def test_an_sms_gateway_that_fails_is_asked_again_and_one_that_refuses_is_not(world: World) -> None:
    await one_offer(world, Channel.SMS)
    world.sms.answers = [503]
    await world.send()
    assert await world.states() == ["queued"]
    await world.back_off_is_over()
    world.sms.answers = [422]
    await world.send()
    assert [fact.code for fact in await world.said(MessageFailed)] == ["rejected"]


async def test_a_channel_without_a_provider_is_no_channel(world: World) -> None:
    await one_offer(world, Channel.SMS)
    deps = world.with_channels(Channels({"sms": Failover([])}))
    await send_next("general", deps=deps, pool=world.pool)
    assert [fact.code for fact in await world.said(MessageFailed)] == ["no_channel"]


async def test_an_address_that_would_write_a_command_is_refused(world: World) -> None:
    await one_offer(world)
    await world.pool.execute(
        "update people set contact_points = $1",
        [{"channel": "email", "address": "a@b.org>\r\nRCPT TO:<c@d.org", "verified": True}],
    )
    await world.send()
    assert world.post.mails == []
    assert [fact.code for fact in await world.said(MessageFailed)] == ["rejected"]


def test_a_provider_that_is_none_is_said_at_the_start() -> None:
    with pytest.raises(ValueError, match="GEMBA_SMTP_URL"):
        SmtpProvider("mail.example.org:25", "gemba@gemba.example")
    with pytest.raises(ValueError, match="GEMBA_SMS_URL"):
        SmsProvider("sms.example.org")


async def test_credentials_never_show_in_a_providers_name() -> None:
    assert SmtpProvider("smtps://user:secret@mail.example.org", "g@x.org").name == "smtp:mail.example.org:465"
    gateway = SmsProvider("https://user:secret@sms.example.org/send")
    assert gateway.name == "sms:sms.example.org"
    await gateway.close()


async def test_a_message_that_cannot_be_prepared_holds_up_nobody_behind_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claim and last look are one commit: what the look undoes by raising must not undo the claim."""
    await one_offer(world)
    first = await world.pool.fetchval("select message_id from messages")
    other = await world.knows("ayesha")
    offer = offered(other, await world.knows_enterprise("padma"))
    await world.hears(scheduled(offer), offer)
    original = send_message._prepare

    async def prepare(claimed: Any, *arguments: Any, **options: Any) -> Any:
        ready = await original(claimed, *arguments, **options)
        if claimed[0].message_id == first:
            raise RuntimeError("bug")
        return ready

    monkeypatch.setattr(send_message, "_prepare", prepare)
    assert await send_next("general", deps=world.deps, pool=world.pool) == 1
    assert await send_next("general", deps=world.deps, pool=world.pool) == 1
    assert await send_next("general", deps=world.deps, pool=world.pool) == 0, "it is not looked at again at once"
    assert [len(world.post.to(name)) for name in (RINA, "ayesha@example.org")] == [0, 1]
    await world.pool.execute("update messages set claimed_until = clock_timestamp() where state = 'queued'")
    monkeypatch.undo()
    assert await send_next("general", deps=world.deps, pool=world.pool) == 1
    assert len(world.post.to(RINA)) == 1
