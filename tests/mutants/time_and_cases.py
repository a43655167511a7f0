"""Breakages of deadlines, of cases, and of the messages about them."""

from __future__ import annotations

from tests.mutants.delivery import simulated
from tests.mutants.mutant import Edit, Killer, Mutant

_KIT, _VISITS = "tests/integration/kit/test_timers.py", "tests/integration/visits"
_TIMERS, _RUNNER, _SETTLE = "shared/timers.py", "shared/timer_runner.py", "services/visits/use_cases/settle_case.py"
_ACTS, _CLIMB = "services/visits/domain/case_acts.py", "services/visits/domain/escalation.py"

TIMERS = (
    Mutant(
        "fired_outside_its_transaction",
        "a process that dies between the deadline's end and its effect has lost the effect",
        (Edit(
            _RUNNER,
            "            if kind.fire_together is not None and dues:\n",
            "            pass\n        async with transaction(self._pool) as conn:\n            if kind.fire_together is not None and dues:\n",
        ),),
        (
            Killer(f"{_KIT}::test_a_failing_deadline_backs_off_in_machine_time_and_stays_due"),
            simulated("cases", "quiet:"),
        ),
    ),
    Mutant(
        "timer_before_aggregate",
        "an acknowledgement and its deadline lock in opposite orders and kill each other",
        (Edit(
            _RUNNER,
            "            aggregates = sorted({due.aggregate for due in batch})\n            locked",
            '            aggregates = sorted({due.aggregate for due in batch})\n            await conn.fetch("select from timers where kind = $1 and aggregate = any($2::uuid[]) for update", kind.name, aggregates)\n            locked',
        ),
        Edit(_TIMERS, 'f"order by {self.key} for update skip locked"', 'f"order by {self.key} for update"')),
        (Killer(f"{_KIT}::test_acknowledgement_against_deadline_has_one_winner_and_no_deadlock[acknowledgement]"),),
    ),
    Mutant(
        "generation_not_compared",
        "a runner that read a deadline fires its successor, which was armed meanwhile for later",
        (Edit(_TIMERS, " and generation = any($3::bigint[]) and due_at <= $4\n", " and $3::bigint[] is not null and $4::timestamptz is not null\n"),),
        (Killer(f"{_KIT}::test_one_that_was_armed_again_meanwhile_is_not_fired_early[False]"),),
    ),
    Mutant(
        "fired_early_by_a_clock_set_back",
        "a deadline that was read as due fires though the clock was put right meanwhile",
        (Edit(_TIMERS, "and generation = any($3::bigint[]) and due_at <= $4\n", "and generation = any($3::bigint[]) and $4::timestamptz is not null\n"),),
        (Killer(f"{_KIT}::test_a_clock_set_back_after_a_deadline_was_read_does_not_fire_it_early"),),
    ),
    Mutant(
        "generation_used_again",
        "after a disarm the next deadline has the number of the last one, and fires for it",
        (Edit(_TIMERS, "    values ($1, $2, nextval('timer_generation'), $3, $4)\n", "    values ($1, $2, 1, $3, $4)\n"),),
        (Killer(f"{_KIT}::test_one_that_was_armed_again_meanwhile_is_not_fired_early[True]"),),
    ),
    Mutant(
        "one_bad_deadline_stops_all",
        "a deadline whose effect raises keeps back all that are due with it",
        (Edit(_RUNNER, "            if len(batch) == 1:\n                return await self._set_back(kind, batch[0], sys.exc_info()[1])\n", "            if len(batch) >= 1:\n                return await self._set_back(kind, batch[0], sys.exc_info()[1])\n"),),
        (Killer(f"{_KIT}::test_the_bad_one_of_a_batch_stands_alone_and_the_others_fire"),),
    ),
    Mutant(
        "failure_disarms",
        "a deadline whose effect raised is gone",
        (Edit(_TIMERS, "    update timers set failures = failures + 1,\n           retry_at = clock_timestamp() + make_interval(secs => least($4, power(2, least(failures, 10))))\n    where", "    delete from timers where $4 > 0 and"),),
        (Killer(f"{_KIT}::test_a_failing_deadline_backs_off_in_machine_time_and_stays_due"),),
    ),
    Mutant(
        "fires_while_on_hold",
        "after a restore everything that fell due meanwhile happens before anybody has looked",
        (
            Edit(_TIMERS, "         limit $3)\n    ) as due\n    where not (select on_hold()) order", "         limit $3)\n    ) as due\n    order"),
            Edit(_TIMERS, " and not (select on_hold())\n    returning kind", "\n    returning kind"),
        ),
        (Killer("tests/integration/kit/test_lives.py::test_nothing_fires_on_hold_and_what_is_due_is_listed_then_fires_once"),),
    ),
)  # fmt: skip

CASES = (
    Mutant(
        "acknowledgement_disarms",
        "who acknowledged a case and forgot it is never asked again: the case is quiet",
        (Edit(_SETTLE, "    await arm_all(conn, case.case_id, deadlines, now=now)\n", "    await arm_all(conn, case.case_id, deadlines, now=now)\n    if case.standing is Standing.OWNED:\n        await disarm(conn, STEP, case.case_id)\n"),),
        (
            Killer(f"{_VISITS}/test_case_flow.py::test_an_acknowledgement_rearms_lapses_asks_once_more_and_goes_to_the_next_tier"),
            simulated("cases", "quiet:"),
        ),
    ),
    Mutant(
        "unowned_without_a_timer",
        "a case that nobody took, tier after tier, is told once more and then never again",
        (Edit(_SETTLE, "    deadlines = [(STEP, case.due_at)]\n", "    deadlines = [] if case.standing is Standing.UNOWNED else [(STEP, case.due_at)]\n"),),
        (
            Killer(f"{_VISITS}/test_case_flow.py::test_silence_climbs_every_tier_and_then_pages_daily_for_ever"),
        ),
    ),
    Mutant(
        "raiser_may_resolve",
        "whoever raised a case closes it",
        (Edit(_ACTS, '    if by == case.raised_by:\n        raise Rejected("raiser_cannot_close", 409, "Whoever raised a case does not close it; somebody else must.")\n', ""),),
        (Killer("tests/unit/visits/test_case.py::test_neither_proposer_nor_raiser_approves[by1-raiser_cannot_close]", "DID NOT RAISE"),),
    ),
    Mutant(
        "proposer_may_approve",
        "one person closes a case alone",
        (Edit(_ACTS, '    if by == case.proposed_by:\n        raise Rejected("second_person_needed", 409, "You proposed this; somebody else must decide on it.")\n', ""),),
        (Killer("tests/unit/visits/test_case.py::test_neither_proposer_nor_raiser_approves[by0-second_person_needed]", "DID NOT RAISE"),),
    ),
    Mutant(
        "cancelled_is_resolved",
        "a confirmed case is closed as if it had never been",
        (Edit(_ACTS, "    if outcome is Outcome.CANCELLED and case.stage is Stage.CONFIRMED:\n", "    if outcome is None:\n"),),
        (Killer(f"{_VISITS}/test_case_flow.py::test_cancelled_is_not_resolved"),),
    ),
    Mutant(
        "lost_alert_is_waited_for",
        "an alert that bounced is waited for as if it had arrived",
        (Edit(_CLIMB, '    if case.standing is Standing.ALERTING:\n        return _climb(decision, terms, now, AlertKind.ESCALATED, "alert_lost")\n', ""),),
        (Killer(f"{_VISITS}/test_case_alerts.py::test_when_every_alert_of_a_step_bounced_the_next_tier_is_told_at_once"),),
    ),
    Mutant(
        "excluded_see_the_list",
        "a person whom a case names finds it in their list",
        (Edit(
            "services/visits/storage/cases.py",
            "    and not exists (select from case_exclusions e where e.case_id = cases.case_id and e.person_id = $1)\n",
            "",
        ),),
        (Killer(f"{_VISITS}/test_case_exclusions.py::test_a_named_officer_is_not_alerted_and_meets_the_case_nowhere"),),
    ),
    Mutant(
        "tap_acts_on_get",
        "a mail program that looks at a link answers it",
        (Edit(
            "services/visits/http/pages_tap.py",
            '    @routes.get("/tap")\n',
            '    @routes.get("/tap/shown")\n',
        ),
        Edit(
            "services/visits/http/pages_tap.py",
            '    @routes.post("/tap")\n',
            '    @routes.api_route("/tap", methods=["GET", "POST"])\n',
        )),
        (Killer(f"{_VISITS}/test_taps.py::test_looking_changes_nothing_and_pressing_twice_answers_once"),),
    ),
)  # fmt: skip

MESSAGES = (
    Mutant(
        "replay_sends_mail",
        "after a lost broker everybody gets all their mail once more",
        (
            Edit("shared/kafka/effect.py", "    verdict = await advance(conn, consumer.group, raw.topic,", '    verdict = await advance(conn, f"{consumer.group}@{raw.cluster}", raw.topic,'),
            Edit("services/notifications/storage/messages.py", "    on conflict on constraint messages_once do nothing\n", "    on conflict on constraint messages_once do update set state = 'queued', settled_at = null, claimed_until = null\n"),
        ),
        (Killer("tests/integration/notifications/test_replay.py::test_a_replay_into_another_log_sends_nothing_again"),),
    ),
    Mutant(
        "quiet_hours_drop",
        "what is to be said at night is never said",
        (Edit("services/notifications/domain/routing.py", "    return tuple(Route(channel, outside_quiet_hours(recipient, wanted)) for channel in reachable[:1])\n", "    return tuple(Route(channel, wanted) for channel in reachable[:1] if outside_quiet_hours(recipient, wanted) == wanted)\n"),),
        (Killer("tests/unit/notifications/test_routing.py::test_quiet_hours_hold_and_do_not_drop"),),
    ),
    Mutant(
        "settled_without_the_claim",
        "a sender whose claim ran out settles what another one is sending",
        (Edit("services/notifications/storage/messages.py", "    where message_id = any($1::uuid[]) and claimed_by = $3 and state = 'queued'\n", "    where message_id = any($1::uuid[]) and $3::uuid is not null\n"),),
        (Killer("tests/integration/notifications/test_replay.py::test_who_loses_the_claim_while_it_sends_settles_nothing"),),
    ),
    Mutant(
        "sent_after_the_claim",
        "a sender that was stopped for longer than its claim sends what another one has sent",
        (Edit("services/notifications/storage/messages.py", "                   where message_id = $1 and claimed_by = $2 and state = 'queued' and claimed_until > clock_timestamp())\n", "                   where message_id = $1 and $2::uuid is not null)\n"),),
        (Killer("tests/integration/notifications/test_replay.py::test_who_lost_the_claim_settles_nothing"),),
    ),
    Mutant(
        "not_looked_at_again",
        "an alert leaves though its case was taken while it waited",
        (Edit("services/notifications/use_cases/send_message.py", "    reasons = await _reasons_against(ours, deps=deps, conn=conn)\n", "    reasons: dict[UUID, str] = {}\n"),),
        (Killer("tests/integration/notifications/test_cases.py::test_an_alert_that_waits_is_not_sent_once_its_case_is_taken"),),
    ),
    Mutant(
        "sent_while_on_hold",
        "after a restore everybody gets what they were told in the former life",
        (Edit("services/notifications/storage/messages.py", "          and not on_hold()\n", ""),),
        (Killer("tests/integration/notifications/test_hold.py::test_a_restored_message_waits_for_an_operator_and_then_leaves_once"),),
    ),
    Mutant(
        "sent_though_rolled_back",
        "an alert leaves whose message was never committed, and leaves again when its fact is tried once more",
        (Edit("services/notifications/senders.py", "            if committed and reserved.ready is not None:\n", "            if reserved.ready is not None:\n"),),
        (Killer("tests/integration/notifications/test_straight.py::test_what_is_rolled_back_is_not_sent_and_its_sender_is_free_again"),),
    ),
    Mutant(
        "sent_though_its_part_failed",
        "an alert leaves whose fact failed out of parking, because the transaction around it was committed",
        (Edit("shared/endings.py", "        for act in endings:\n            act(False)\n        raise\n    else:\n", "        before.extend(endings)\n        raise\n    else:\n"),),
        (Killer("tests/integration/notifications/test_straight.py::test_a_part_that_failed_is_not_sent_though_the_transaction_around_it_is_committed"),),
    ),
    Mutant(
        "claimed_on_hold",
        "after a restore an alert leaves with the commit that queues it again",
        (Edit("services/notifications/storage/messages.py", "           case when not on_hold() then claim end,\n           case when claim is not null and not on_hold() then clock_timestamp() + $16::interval end\n", "           claim,\n           case when claim is not null then clock_timestamp() + $16::interval end\n"),),
        (Killer("tests/integration/notifications/test_straight.py::test_on_hold_nobody_gets_it"),),
    ),
    Mutant(
        "straight_whatever_the_case",
        "an alert that was answered before its fact came leaves all the same",
        (Edit("services/notifications/use_cases/tell_case.py", "free if stands is not None and reason_against(template, step, stands) is None else None", "free if stands is not None and reason_against is not None else None"),),
        (Killer("tests/integration/notifications/test_straight.py::test_one_whose_case_was_taken_meanwhile_is_looked_at_in_its_turn"),),
    ),
    Mutant(
        "unknown_recipient_parks_the_case",
        "an alert to somebody unknown stands still, and so does every later alert of its case",
        (Edit("services/notifications/use_cases/queue_messages.py", "    ordinary = [each for each in wanted if TEMPLATES[each.template].lane != ZERO_TOLERANCE]\n", "    ordinary = wanted\n"),),
        (Killer("tests/integration/notifications/test_cases.py::test_an_unknown_recipient_is_a_failed_message_at_once_and_not_a_parked_fact"),),
    ),
)  # fmt: skip

TIME_AND_CASES = (*TIMERS, *CASES, *MESSAGES)
