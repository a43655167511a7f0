"""Breakages on the way of a fact: outbox, relay, log, inbox, parking, state topics."""

from __future__ import annotations

from tests.mutants.mutant import Edit, Killer, Mutant

_KIT = "tests/integration/kit"


def simulated(scene: str, because: str) -> Killer:
    """Six seeds of a scene."""
    return Killer(f"tests/simulation/test_scenes.py::test_every_promise_holds[{scene}]", because)


_ASSIGNMENT = "shared/kafka/assignment.py"
_RELAY, _BROKER, _GUARD = "shared/kafka/relay.py", "shared/kafka/broker.py", "shared/kafka/guard.py"
_LOG_STATE, _EFFECT, _FATE = "shared/kafka/log_state.py", "shared/kafka/effect.py", "shared/kafka/fate.py"

OUTBOX = (
    Mutant(
        "seq_after_the_last",
        "a fact whose transaction commits late, with a lower seq than one already published, is never published",
        (Edit(
            _RELAY,
            """        select o.* from outbox_pending p join outbox o using (seq)
        where p.lane = $1 order by p.seq limit $2
""",
            """        select o.* from outbox o
        where o.lane = $1 and o.seq > coalesce((select max(done.seq) from outbox done where done.lane = $1
              and not exists (select from outbox_pending p where p.seq = done.seq)), 0)
        order by o.seq limit $2
""",
        ),),
        (Killer(f"{_KIT}/test_outbox.py::test_what_is_visible_and_pending_in_the_order_of_seq_is_neither_lost_nor_inverted[late_commit_loses_nothing]"),),
    ),
    Mutant(
        "xid_cursor",
        "two facts of one aggregate leave in the order of their transactions' numbers: the second before the first",
        (Edit(
            _RELAY,
            "        where p.lane = $1 order by p.seq limit $2\n    ) pending on true order by pending.seq\n",
            """        where p.lane = $1 and o.xmin::text::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        order by o.xmin::text::bigint, p.seq limit $2
    ) pending on true
""",
        ),),
        (Killer(f"{_KIT}/test_outbox.py::test_what_is_visible_and_pending_in_the_order_of_seq_is_neither_lost_nor_inverted[lock_order_is_publishing_order]"),),
    ),
    Mutant(
        "outbox_before_the_lock",
        "two acts on one case decide on the same state: one of them overwrites the other, or fails on its version",
        (Edit(
            "services/visits/use_cases/settle_case.py",
            "    file = await get_case(conn, case_id, lock=True)\n    if file is None:\n        raise not_found",
            "    file = await get_case(conn, case_id)\n    if file is None:\n        raise not_found",
        ),),
        (
            Killer("tests/integration/visits/test_case_races.py::test_of_two_officers_who_press_at_once_one_has_it_and_the_other_is_told"),
        ),
    ),
    Mutant(
        "unkeyed_publish",
        "facts of one aggregate lie in any partition, and no reader can tell their order",
        (Edit(_RELAY, '        return Outgoing(row["topic"], str(row["aggregate"]).encode(), body', '        return Outgoing(row["topic"], None, body'),),
        (
            Killer(f"{_KIT}/test_delivery.py::test_committed_facts_reach_their_handler_once_and_in_order", "did not become true"),
            simulated("killed", "lost:"),
        ),
    ),
    Mutant(
        "marked_before_acknowledged",
        "what the broker never got is struck off the list: lost",
        (Edit(
            "shared/kafka/publishing.py",
            "        await (await producer.send_batch(batch, topic, partition=partition))\n",
            "        await producer.send_batch(batch, topic, partition=partition)\n",
        ),),
        (simulated("log_away", "lost:"),),
    ),
    Mutant(
        "producer_kept_after_an_error",
        "after a batch that ran out of time the next one of its partition is sent: version 2 before version 1",
        (Edit(
            _RELAY,
            """                if await _to_its_end(self.publish_batch(producer)) < self._most:
                    await self._wakeup.wait(_POLL_SECONDS)  # what came since that read has announced itself
""",
            """                try:
                    if await _to_its_end(self.publish_batch(producer)) == self._most:
                        continue
                except (Transient, KafkaError) as fault:
                    self._complain(fault)
                await self._wakeup.wait(_POLL_SECONDS)
""",
        ),),
        (Killer(f"{_KIT}/test_relay.py::test_a_send_error_discards_the_producer"),),
        quick=False,
    ),
    Mutant(
        "discarded_producer_flushes",
        "a producer that was given up sends what it still holds, behind what its successor sent",
        (Edit(
            _RELAY,
            "    producer._closed = True  # noqa: SLF001 (there is no public way to stop without a flush)\n",
            "    await producer.stop()\n    return\n",
        ),),
        (Killer(f"{_KIT}/test_relay.py::test_a_discarded_producer_does_not_send_what_it_still_holds"),),
        quick=False,
    ),
    Mutant(
        "struck_off_after_a_lost_lease",
        "a relay that lost its lease in the middle strikes off what was never acknowledged, trusting its successor",
        (Edit(
            _RELAY,
            """        else:
            await self._send_facts(producer, rows)
        return await self._forget(rows, under)
""",
            """        else:
            try:
                await self._send_facts(producer, rows)
            except (Transient, KafkaError):
                self._renew_at = 0.0
                if await self._holds_lease():
                    raise
        return await self._forget(rows, under)
""",
        ),),
        (Killer(f"{_KIT}/test_relay.py::test_a_relay_that_lost_its_lease_strikes_off_nothing_that_was_not_acknowledged"),),
    ),
    Mutant(
        "no_lease",
        "every replica publishes everything",
        (Edit(
            _RELAY,
            "            held = await take_lease(conn, self.lease, self._holder, LEASE_SECONDS)\n",
            "            held = True\n",
        ),),
        (Killer(f"{_KIT}/test_relay.py::test_the_lease_lapses_in_database_time_and_goes_to_one"),),
        quick=False,
    ),
    Mutant(
        "pending_struck_off_under_an_old_cluster",
        "an acknowledgement of the lost log eats what the new one has not got",
        (Edit(
            _RELAY,
            "            if not await conn.fetchval(DELETE_PENDING, seqs, under.cluster, under.epoch):\n",
            """            now = await conn.fetchrow("select cluster, epoch from log_state")
            if not await conn.fetchval(DELETE_PENDING, seqs, now["cluster"], now["epoch"]):
""",
        ),),
        (Killer(f"{_KIT}/test_relay.py::test_an_acknowledgement_of_an_old_epoch_deletes_nothing"),),
    ),
    Mutant(
        "struck_off_whatever_the_log",
        "striking off does not look under which log it happens",
        (Edit(_RELAY, "        select 1 from log_state where cluster = $2 and epoch = $3 for share\n", "        select $2::text, $3::bigint from log_state for share\n"),),
        (Killer(f"{_KIT}/test_relay.py::test_an_acknowledgement_of_an_old_epoch_deletes_nothing"),),
    ),
    Mutant(
        "cluster_not_compared",
        "a replica that still reaches the old log publishes the replay there",
        (Edit(_RELAY, "        if under.cluster != met:\n", "        if not met:\n"),),
        (
            Killer(f"{_KIT}/test_relay.py::test_a_replica_on_an_unknown_cluster_refuses_to_publish", "DID NOT RAISE"),
            simulated("log_lost", "lost:"),
        ),
    ),
    Mutant(
        "replay_in_two_transactions",
        "a replay that dies half-way has changed the cluster and refilled nothing",
        (Edit(
            _LOG_STATE,
            """    async with transaction(pool) as conn:
        return await start_replay(conn, cluster)
""",
            """    async with transaction(pool) as conn:
        await conn.execute(START_EPOCH, cluster)
    async with transaction(pool) as conn:
        return await start_replay(conn, cluster)
""",
        ),),
        (Killer(f"{_KIT}/test_relay.py::test_a_replay_is_one_transaction_and_keeps_event_ids"),),
    ),
    Mutant(
        "size_not_checked",
        "a fact that is too large to travel is committed, and stands before all others for ever",
        (Edit("shared/kafka/outbox.py", "    if len(body) > MAX_BODY_BYTES:\n", "    if not body:\n"),),
        (Killer(f"{_KIT}/test_outbox.py::test_a_fact_that_is_too_large_to_travel_is_refused_before_anything_is_committed", "DID NOT RAISE"),),
    ),
)  # fmt: skip

READING = (
    Mutant(
        "acknowledged_before_commit",
        "a reader that dies after the offset and before its effect has lost the fact",
        (Edit(
            _BROKER,
            """        await self.guard.process(raws)
        ends = {TopicPartition(raw.topic, raw.partition): raw.offset + 1 for raw in raws}
""",
            """        ends = {TopicPartition(raw.topic, raw.partition): raw.offset + 1 for raw in raws}
        await self._commit(consumer, ends, generation)
        await self.guard.process(raws)
""",
        ),),
        (Killer(f"{_KIT}/test_log.py::test_a_stop_during_a_poll_leaves_no_acknowledged_record_unhandled", "did not become true"),),
        quick=False,
    ),
    Mutant(
        "committed_for_another_assignment",
        "offsets of a poll are committed under the next assignment, or in the next log: what lies before is skipped",
        (
            Edit(_BROKER, "            if not committing.done():\n                return False\n            committing.result()\n", "            await committing\n"),
            Edit(_ASSIGNMENT, "        self.generation += 1\n        self.held = held\n", "        self.held = held\n"),
        ),
        (Killer(f"{_KIT}/test_log.py::test_a_poll_is_committed_only_under_the_assignment_in_which_it_was_read"),),
        quick=False,
    ),
    Mutant(
        "given_back_in_hand",
        "every replica that comes or goes has the polls of the others delivered a second time",
        (Edit(
            _ASSIGNMENT,
            "            await asyncio.wait_for(self._settled.wait(), LAST_POLL_SECONDS)\n",
            "            await asyncio.sleep(0)\n",
        ),),
        (Killer(
            f"{_KIT}/test_rebalance.py::test_what_is_in_hand_when_a_replica_joins_is_finished_first_and_comes_to_nobody_again",
        ),),
        quick=False,
    ),
    Mutant(
        "no_inbox",
        "a fact that comes again has its effect again",
        (Edit(
            _EFFECT,
            "    verdict = await advance(conn, consumer.group, raw.topic, envelope.subject, envelope.version, envelope.event_id)\n    if verdict",
            "    await advance(conn, consumer.group, raw.topic, envelope.subject, envelope.version, envelope.event_id)\n    verdict = Verdict.HANDLE\n    if verdict",
        ),),
        (Killer(f"{_KIT}/test_inbox.py::test_a_repeated_fact_has_no_second_effect"), simulated("log_lost", "doubled")),
    ),
    Mutant(
        "transactions_in_a_row_are_one",
        "facts that are handled one after the other on a connection are committed together, or lost together",
        (Edit("shared/db.py", 'COMMIT_AND_GO_ON = "commit and chain"\n', 'COMMIT_AND_GO_ON = "do $$ begin end $$"\n'), Edit("shared/db.py", '            if await connection.execute(COMMIT_AND_GO_ON) != "COMMIT":\n', "            if not await connection.execute(COMMIT_AND_GO_ON):\n")),
        (Killer(f"{_KIT}/test_database.py::test_transactions_that_follow_at_once_are_committed_each_by_itself"),),
    ),
    Mutant(
        "watermark_skips_a_gap",
        "a fact that overtook another one is handled, and the other one is a repeat when it comes",
        (Edit("shared/kafka/inbox.py", "consumer = $1 and topic = $2 and aggregate = $3 and version = $4 - 1 returning 1", "consumer = $1 and topic = $2 and aggregate = $3 and version < $4 returning 1"),),
        (Killer(f"{_KIT}/test_inbox.py::test_a_gap_behind_a_handled_fact_waits_too"),),
    ),
    Mutant(
        "first_fact_with_any_version",
        "an aggregate that is heard of with its second fact has lost the first one",
        (Edit("shared/kafka/inbox.py", "    statement = INSERT_FIRST if version == 1 else MOVE_ON\n", "    known = await conn.fetchrow(GET_WATERMARK, consumer, topic, aggregate)\n    statement = MOVE_ON if known else INSERT_FIRST\n"),),
        (Killer(f"{_KIT}/test_inbox.py::test_a_first_fact_with_version_two_is_a_gap"), simulated("unknown_people", "order:")),
    ),
    Mutant(
        "effect_outside_the_watermarks_transaction",
        "a handler that fails after the watermark moved is never tried again",
        (Edit(
            _GUARD,
            "                async with session.transaction() as conn:\n                    return await apply(record, self.consumer, conn, self._deps)\n",
            "                async with session.transaction() as conn:\n                    verdict = await pass_over(conn, self.consumer, record.raw.topic, record.envelope)\n                if verdict is Verdict.HANDLE and (handler := self.consumer.facts.get(type(record.body))):\n                    async with session.transaction() as conn:\n                        await handler(record.body, conn=conn, deps=self._deps)\n                return verdict\n",
        ),),
        (Killer(f"{_KIT}/test_inbox.py::test_effect_and_watermark_are_one_commit"),),
    ),
    Mutant(
        "nobody_wakes_who_waits",
        "a parked fact is not freed by its predecessor and waits for its own next time, up to a minute",
        (Edit("shared/kafka/inbox.py", "returning pg_notify('parked', '')\n    )\n    select exists (select from moved), (select count(*) from freed)\n\"\"\"\nMOVE_ON", "and false returning pg_notify('parked', '')\n    )\n    select exists (select from moved), (select count(*) from freed)\n\"\"\"\nMOVE_ON"),),
        (Killer(f"{_KIT}/test_inbox.py::test_a_gap_waits_and_is_released_by_its_predecessor"),),
    ),
    Mutant(
        "no_next_time",
        "a gap that was judged just before its predecessor committed waits for ever",
        (Edit(_FATE, '    return Fate("waiting", reason, failures, _WAITING_RETRY if tries is None else _pause(tries))\n', '    return Fate("waiting", reason, failures, None)\n'),),
        (
            Killer(f"{_KIT}/test_inbox.py::test_a_gap_judged_just_before_its_predecessor_commits_heals_by_its_own_next_time", "it waits, and will be looked at again"),
            Killer("tests/unit/shared/test_fate.py::test_exactly_what_waits_or_fails_has_a_next_time[None-Verdict.GAP]"),
            simulated("unknown_people", "stuck:"),
        ),
    ),
    Mutant(
        "waiting_counts_as_failing",
        "a fact that waits long enough for its predecessor is quarantined, and healing does not release it",
        (Edit(_FATE, '        case Verdict.GAP:\n            return _waiting("an earlier fact of its aggregate is missing", failures, tries)\n', '        case Verdict.GAP:\n            return _failed("Gap", failures + 1, tries)\n'),),
        (
            Killer(f"{_KIT}/test_guard.py::test_waiting_is_never_counted_as_failing"),
            Killer("tests/unit/shared/test_fate.py::test_waiting_and_a_passing_fault_are_never_counted[Verdict.GAP]"),
        ),
    ),
    Mutant(
        "quarantine_lets_later_facts_pass",
        "facts behind a quarantined one are handled without it; when it is let go it is a repeat",
        (Edit(
            _GUARD,
            "                await announce(conn, self.consumer, raw, aggregate, version, fate.reason, self._clock)\n",
            "                await announce(conn, self.consumer, raw, aggregate, version, fate.reason, self._clock)\n                if envelope is not None:\n                    await pass_over(conn, self.consumer, raw.topic, envelope)\n",
        ), Edit(
            "shared/kafka/parking.py",
            '        if fate.state == "refused":\n            await pass_over',
            '        if fate.state in {"refused", "quarantined"}:\n            await pass_over',
        )),
        (Killer(f"{_KIT}/test_guard.py::test_a_replayed_fact_and_those_behind_it_are_handled_in_order"), simulated("poisoned", "lost:")),
    ),
    Mutant(
        "skip_moves_the_watermark",
        "skipping version 2 passes version 1 too: lost",
        (Edit(
            "shared/kafka/parking.py",
            '        verdict = await pass_over(conn, self._consumer, row["topic"], head)\n',
            '        verdict = await pass_over(conn, self._consumer, row["topic"], head)\n        await conn.execute(\n            "insert into watermarks (consumer, topic, aggregate, version, event_id) values ($1, $2, $3, $4, $5) "\n            "on conflict (consumer, topic, aggregate) do update set version = excluded.version",\n            self._consumer.group, head.subject and row["topic"], head.subject, head.version, head.event_id,\n        )\n        verdict = type(verdict).HANDLE\n',
        ),),
        (Killer(f"{_KIT}/test_guard.py::test_a_skip_waits_its_turn"),),
    ),
    Mutant(
        "quarantine_without_the_cluster",
        "after a wipe another record has the same topic, partition and offset: it is discarded as already set aside",
        (Edit("shared/kafka/parked.py", "    on conflict (consumer, cluster, topic, partition, position) do nothing\n", "    on conflict do nothing\n"),
         Edit("shared/kafka/parked.py", "        raw.cluster,\n", '        "",\n')),
        (Killer(f"{_KIT}/test_guard.py::test_a_record_quarantined_in_a_lost_cluster_does_not_hide_one_at_the_same_place"),),
    ),
    Mutant(
        "failed_record_is_passed",
        "a record whose handler raised is neither handled nor set aside, and its offset is committed",
        (Edit(_GUARD, "        elif fate is not DONE:\n", '        elif fate.state == "waiting":\n'),),
        (Killer(f"{_KIT}/test_guard.py::test_a_replayed_fact_and_those_behind_it_are_handled_in_order"), simulated("poisoned", "stuck:")),
    ),
    Mutant(
        "database_away_passes_the_record",
        "while the database is away records are passed by, and the next commit goes beyond them",
        (Edit(_GUARD, '            except Transient as fault:\n                _log.warning("guard.waits", consumer=self.consumer.group, topic=raw.topic, reason=str(fault))\n', '            except Transient as fault:\n                _log.warning("guard.waits", consumer=self.consumer.group, topic=raw.topic, reason=str(fault))\n                return\n'),),
        (Killer(f"{_KIT}/test_guard.py::test_while_the_database_is_away_the_record_stays_in_hand"),),
    ),
    Mutant(
        "restored_onto_a_surviving_log",
        "facts from after the restored instant are taken for news, and our own new facts for repeats",
        (Edit(_LOG_STATE, "    if await conn.fetchval(IS_LEFT, cluster):\n        raise SurvivingLog(cluster)\n    await", "    await"),),
        (Killer(f"{_KIT}/test_lives.py::test_a_life_does_not_begin_on_the_log_that_it_leaves", "DID NOT RAISE"),),
    ),
    Mutant(
        "any_log_is_the_restored_ones",
        "after a restore services take whichever log they meet first, one from between the backup and the restore as well",
        (Edit(_LOG_STATE, 'START_EPOCH = "update log_state set cluster = $1, epoch', 'START_EPOCH = "update log_state set cluster = nullif($1, $1), epoch'),),
        (Killer(f"{_KIT}/test_lives.py::test_no_other_log_is_taken_for_the_one_that_was_formatted", "DID NOT RAISE"),),
    ),
    Mutant(
        "forgotten_process_goes_on",
        "a process that nobody stopped before a restore takes the former log's records into the restored database",
        (Edit("shared/lives.py", "        if number != self.number:\n", "        if number is None:\n"),),
        (Killer(f"{_KIT}/test_lives.py::test_a_process_that_nobody_stopped_is_told_by_its_next_connection_that_its_life_is_over", "DID NOT RAISE"),),
    ),
    Mutant(
        "lost_cancellation_is_waited_for",
        "a client of the log that lost the cancellation of one of its own tasks is never done with",
        (Edit("shared/kafka/access.py", "    task.cancel()\n    await asyncio.wait({task}, timeout=CANCEL_SECONDS)\n", ""),),
        (Killer(f"{_KIT}/test_log.py::test_a_consumer_whose_client_lost_a_cancellation_is_let_go_and_said[1]", "assert False"),),
        quick=False,
    ),
    Mutant(
        "log_ahead_is_taken",
        "a database older than its log starts all the same",
        (Edit("shared/kafka/log_reader.py", "    if not known:\n        raise LogAhead(", "    if known is NotImplemented:\n        raise LogAhead("),),
        (Killer(f"{_KIT}/test_log.py::test_a_database_older_than_the_log_refuses_to_start", "DID NOT RAISE"),),
        quick=False,
    ),
)  # fmt: skip

STATES = (
    Mutant(
        "tombstone_row_dropped",
        "a late older copy brings somebody back who was erased, or a fact that names them waits for ever",
        (Edit(
            "shared/kafka/inbox.py",
            "    return bool(await conn.fetchval(NEWER_STATE, topic, aggregate, version, erased))\n",
            '    newer = bool(await conn.fetchval(NEWER_STATE, topic, aggregate, version, erased))\n    if erased:\n        await conn.execute("delete from state_copies where topic = $1 and aggregate = $2", topic, aggregate)\n    return newer\n',
        ),),
        (
            Killer(f"{_KIT}/test_states.py::test_a_tombstone_is_known_and_beats_a_late_older_copy"),
            Killer(f"{_KIT}/test_states.py::test_a_consumer_that_saw_only_the_tombstone_knows_the_key"),
        ),
        quick=False,
    ),
    Mutant(
        "snapshot_without_tombstones",
        "a reader that missed the tombstone keeps its copy of somebody erased for ever",
        (Edit(
            _LOG_STATE,
            "    select max(seq), lane from outbox where lane = 'state' group by topic, aggregate, lane\n    on conflict (seq) do nothing\n\"\"\"\n\n\nasync def",
            "    select max(seq), lane from outbox join state_copies using (topic, aggregate) where lane = 'state' and not erased\n    group by topic, aggregate, lane\n    on conflict (seq) do nothing\n\"\"\"\n\n\nasync def",
        ),),
        (Killer(f"{_KIT}/test_states.py::test_a_snapshot_has_every_key_with_its_tombstones"),),
        quick=False,
    ),
    Mutant(
        "state_topic_without_a_fenced_producer",
        "a relay that paused writes an older state behind the newer one, and compaction keeps the older",
        (Edit(_RELAY, '            transactional_id=f"{self._service}.{self._lane}" if self._lane == STATE else None\n', '            transactional_id=f"{self._service}.{self._holder}" if self._lane == STATE else None\n'),),
        (Killer(f"{_KIT}/test_states.py::test_relays_of_one_state_lane_fence_each_other"),),
        quick=False,
    ),
    Mutant(
        "older_state_wins",
        "a late older copy replaces the newer one",
        (Edit("shared/kafka/inbox.py", "    where state_copies.version < excluded.version\n", "    where true\n"),),
        (Killer(f"{_KIT}/test_states.py::test_a_tombstone_is_known_and_beats_a_late_older_copy"),),
        quick=False,
    ),
    Mutant(
        "state_parked_with_its_body",
        "personal data of a record that could not be read stays in a table that nobody erases",
        (Edit("shared/kafka/parked.py", "    body = None if BY_NAME[raw.topic].is_state else raw.value\n", "    body = raw.value\n"),),
        (Killer(f"{_KIT}/test_poison.py::test_a_state_record_is_set_aside_without_its_body"),),
    ),
    Mutant(
        "request_forgets_its_key",
        "a client that did not see our answer asks again, and everything happens twice",
        (Edit("shared/commands.py", "        if await conn.fetchval(INSERT_COMMAND, *known, idempotency.request_hash, result_id):\n", "        if await conn.fetchval(INSERT_COMMAND, *known, idempotency.request_hash, result_id) or True:\n"),),
        (Killer(f"{_KIT}/test_commands.py::test_after_a_lost_reply_the_same_key_gets_the_same_result"),),
    ),
)  # fmt: skip

DELIVERY = (*OUTBOX, *READING, *STATES)
