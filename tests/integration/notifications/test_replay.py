"""What comes again out of another log, or comes too late to a message that is somebody else's by now, sends nothing."""

from dataclasses import replace

from services.notifications.channels.outbound import Channels, Outbound
from services.notifications.domain.retry import CLAIM
from services.notifications.use_cases.send_message import claim_next, send_claimed
from shared.contracts.message import MessageSent
from shared.contracts.values import Channel, Role
from tests.integration.notifications.test_sending import RINA, one_offer
from tests.integration.notifications.world import World, case_opened


async def test_a_replay_into_another_log_sends_nothing_again(world: World) -> None:
    officer = await world.knows("officer", Role.OFFICER, channels=(Channel.EMAIL, Channel.SMS))
    await world.hears(case_opened(officer))
    await one_offer(world)
    await world.send()
    mails, texts = len(world.post.mails), len(world.sms.texts)
    assert (mails, texts) == (2, 1)
    await world.hears_all_again()
    await world.send()
    assert (len(world.post.mails), len(world.sms.texts)) == (mails, texts)


async def test_who_lost_the_claim_settles_nothing(world: World) -> None:
    """A sender that was stopped for longer than its claim comes back to a message that another one has sent."""
    await one_offer(world)
    late = await claim_next("general", deps=world.deps, pool=world.pool)
    assert late is not None
    await world.pool.execute("update messages set claimed_until = clock_timestamp()")
    await world.send()
    stopped = replace(late, since=late.since - CLAIM.total_seconds())
    await send_claimed(stopped, deps=world.deps, pool=world.pool)
    assert len(world.post.to(RINA)) == 1
    assert len(await world.said(MessageSent)) == 1


async def test_who_loses_the_claim_while_it_sends_settles_nothing(world: World) -> None:
    """The mail went twice, as it may when a sender hangs for longer than its claim; it is settled and said once."""
    await one_offer(world)
    late = await claim_next("general", deps=world.deps, pool=world.pool)
    assert late is not None
    real = world.deps.channels

    class Slow(Channels):
        async def send(self, channel: str, item: Outbound) -> str:
            provider = await real.send(channel, item)
            await world.pool.execute("update messages set claimed_until = clock_timestamp()")
            await world.send()
            return provider

    await send_claimed(late, deps=world.with_channels(Slow({})), pool=world.pool)
    assert len({mail["Message-ID"] for mail in world.post.to(RINA)}) == 1
    assert len(await world.said(MessageSent)) == 1
