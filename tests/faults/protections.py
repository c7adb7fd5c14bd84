"""The protections that mutations.py takes out: a piece of source, what it becomes without its effect, and the test that must notice."""
from typing import NamedTuple


class Test(NamedTuple):
    """A test program of tests/, with the scenes or options that are enough; `unit`: it is one of meson's, of that name."""
    source: str
    more: tuple = ()
    unit: str = ""

    @property
    def program(self):
        return "tests/lib/unit_tests.py" if self.unit else self.source

    @property
    def targets(self):
        return ["tests/test_" + self.unit.replace("/", "_")] if self.source.endswith(".c") else ["bot/sangkien", "tests/zalo/zalo-standin"]

    @property
    def name(self):
        return self.unit or " ".join([self.source.split("/")[-1], *self.more])

    def arguments(self, build):
        return [build, self.unit] if self.unit else [build, *self.more]


class Protection(NamedTuple):
    name: str
    path: str
    changes: tuple  # of (old, new)
    test: Test


def unit(name):
    folder, _, file = name.rpartition("/")
    return Test(f"tests/{folder}/test_{file}.c", unit=name)


def faults(file, *arguments):
    return Test(f"tests/faults/{file}.py", arguments)


def processes(scene):
    return faults("test_processes", scene)


def workers(*scenes):
    return faults("test_workers", "--short", *scenes)


def spool(scene):
    return faults("test_spool", "--short", scene)


def programme(scene, *more):
    return faults("programme", *more, scene)


def one(name, path, old, new, test):
    return Protection(name, path, ((old, new),), test)


HTTP_PARSE, SIGNATURE, LEASES = unit("bot/http/http_parse"), unit("bot/zalo/signature"), unit("db/leases")

PROTECTIONS = [
    # ---- what comes in ----
    one("a signed time ahead of ours is not believed", "bot/turn_batch.c", "return in->sent_at_ms < b->now_ms ?", "return in->sent_at_ms < b->now_ms + INT64_MAX / 2 ?", processes("a_clock_that_is_ahead")),
    one("an event that was seen before has no effect", "db/sql/conversation.sql",
        "NULL, NULL, NULL, NULL, NULL, NULL FROM fresh;", "NULL, NULL, NULL, NULL, NULL, NULL FROM mine;", processes("fifty_copies_on_two_processes")),
    one("the signature is compared", "bot/zalo/signature.c", "CRYPTO_memcmp(digest, mac, SHA256_BYTES) == 0", "CRYPTO_memcmp(digest, mac, SHA256_BYTES) <= 255", SIGNATURE),
    one("what is not signed is refused", "bot/webhook.c", "if (verdict != ZALO_SIGNED) {", "if (verdict != ZALO_SIGNED && verdict != ZALO_FORGED) {",
        programme("terminated", "--scale", "0.01")),
    one("a header twice is no signature", "bot/zalo/signature.c", "if (header_count > 1 || ", "if (header_count > 1000 || ", SIGNATURE),
    one("a key with escapes is no second app_id", "bot/zalo/signature.c", "if (escaped && escaped_key_spells(", "if (escaped && w > 1000 && escaped_key_spells(", SIGNATURE),
    one("one person's turns come one after the other", "db/sql/conversation.sql", "ORDER BY user_id FOR NO KEY UPDATE SKIP LOCKED\n), fresh AS", "ORDER BY user_id\n), fresh AS",
        processes("nothing_of_one_person_is_overwritten")),
    one("200 only when it is on disk", "bot/spool/intake.c", "    wait_begin(s);\n    turns_take(", "    wait_begin(s);\n    answer(k, event->request, true);\n    event->request.generation = 0;\n    turns_take(",
        processes("a_killed_process_loses_nothing")),
    one("only COMMIT is a commit", "db/pg.c", "strcmp(PQcmdStatus(", "0 * strcmp(PQcmdStatus(", unit("db/pg")),
    one("a poison event is told from its batch", "bot/turns.c", "if (a->count > 1) { /* also", "if (a->count > 100000) { /* also", processes("a_poison_event_ends_alone")),
    one("an event in hand at two crashes is dead", "bot/turns.c", "if (suspicion == SUSPICION_PROVEN)", "if (suspicion == SUSPICION_PROVEN && !event->suspect)",
        faults("test_spool", "in_hand_at_two_crashes")),
    # ---- the spool ----
    one("the spool is synced before it answers", "bot/spool/spool_file.c", "durable ? \"PRAGMA synchronous=FULL; BEGIN", "durable ? \"PRAGMA synchronous=OFF; BEGIN", unit("bot/spool/spool")),
    one("a write that fails is no acknowledgement", "bot/spool/intake.c", "    } else if (id) {\n        s->spool_id = id;", "    } else if (id || !s->writing) {\n        s->spool_id = id;", faults("test_spool", "the_disk_of_the_spool_is_full")),
    one("newer events queue behind spooled ones", "bot/spool/intake.c", "if (k->behind[cell] || turns_full(", "if (turns_full(", spool("stopped_and_killed")),
    one("of two workers the older event goes first", "bot/spool/intake.c", "if (!order_may_go(k->order, cell, mark)) {", "if (!order_may_go(k->order, cell, mark) && !mark) {", spool("workers_keep_the_order")),
    one("an event counts from its arrival", "bot/spool/intake.c", "(k->spool && !order_may_go(k->order, cell, NULL))", "(k->spool && order_may_go(k->order, cell, NULL) && !k->turns)",
        workers("nothing_overtakes_on_another_worker")),
    one("what PostgreSQL does not take in time is spooled", "bot/spool/intake.c", "    spool_waiting(k, clock_monotonic_ms() - k->options.settings->spool.after_ms);",
        "    spool_waiting(k, clock_monotonic_ms() - 100 * k->options.settings->spool.after_ms);", spool("postgresql_is_frozen")),
    one("spool.max_mb bounds it", "bot/spool/spool.c", "settings->spool.max_mb << 20;", "settings->spool.max_mb << 30;", spool("the_spool_is_full")),
    one("a torn spool is mended", "bot/spool/spool_file.c", "!read_all(f->db, ignore_row, NULL) ?", "!read_all(f->db, ignore_row, NULL) && noted < 0 ?", spool("the_spool_is_torn")),
    one("a log cut short is noticed", "bot/spool/spool_file.c", "if (!wrong && noted > f->last_id)", "if (!wrong && noted > f->last_id + 1000000)", faults("test_spool", "the_newest_rows_are_missing")),
    one("a changed row is noticed", "bot/spool/spool_file.c", "memcmp(sum, row->sum, sizeof(sum)) == 0", "memcmp(sum, row->sum, sizeof(sum)) != 1000", unit("bot/spool/spool")),
    # ---- sending ----
    one("who lost the lease settles nothing", "db/sql/outbox.sql", "AND o.id = v.id AND o.fence = v.fence\n    RETURNING", "AND o.id = v.id\n    RETURNING", LEASES),
    one("who lost the lease gives nothing back", "db/sql/outbox.sql", "AND o.id = v.id AND o.fence = v.fence;", "AND o.id = v.id;", LEASES),
    Protection("a lease is another's until it ends", "db/sql/outbox.sql", (("    WHERE d.due_at <= now()\n", "    WHERE d.due_at <= now() + interval '1 day'\n"),
               ("AND f.id >= h.id AND f.due_at <= now()\n", "AND f.id >= h.id\n")), LEASES),
    one("leases of a dead process are given back", "bot/app.c", "    if (*suspects_predecessor(s))\n", "    if (*suspects_predecessor(s) && app->stopping)\n", workers("a_killed_worker_loses_nothing")),
    one("what the dead commit after their death is given back too", "bot/predecessor.c", "LOOKS = 6", "LOOKS = 1", processes("what_a_dead_process_commits_is_taken_over")),
    one("a dead worker's numbers still count", "bot/supervisor.c", "    metrics_retire(&s->force->metrics[number], &s->force->metrics[s->workers]);\n", "",
        workers("one_socket_for_all")),
    one("replies of a commit that was not heard are freed", "bot/turns.c", "        if (!pg_idle(r->pg))\n            turn_batch_orphans(b);", "        if (!pg_idle(r->pg) && b->committed)\n            turn_batch_orphans(b);", programme("unheard", "--scale", "0.2")),
    one("so are those of a claim that was not heard", "bot/send/outbox.c", "    if (clock_monotonic_ms() < o->lost_until_ms)", "    if (clock_monotonic_ms() < o->lost_until_ms - INT64_MAX / 2)", programme("unheard", "--scale", "0.2")),
    one("takeover asks the echoes", "db/sql/outbox.sql", "ORDER BY e.at LIMIT 1) END,", "ORDER BY e.at LIMIT 0) END,", LEASES),
    one("takeover asks the conversation", "bot/send/outbox.c", "(l->first->unsure ? look_for_head", "(l->first->unsure && l->first->part_count > 1000 ? look_for_head", faults("test_relay", "--short")),
    one("a person who has the conversation is not talked over", "db/sql/outbox.sql", "c.owner_until > now())\n               ELSE", "c.owner_until > now() + interval '9 years')\n               ELSE", LEASES),
    one("nor by what waits in a process's hand", "bot/send/outbox.c", "    ask_about_waiting(o);\n", "    (void)ask_about_waiting;\n", faults("test_support", "what_waits_in_hand_is_asked_about_too")),
    one("a contact's words are his only while it is his", "db/sql/outbox.sql", "                     AND (r.contact IS NULL OR n.text = 'left'", "                     AND (r.contact IS NULL OR n.text = 'never'", faults("test_support", "what_is_held_is_asked_about_again")),
    one("no POST goes twice over a reused connection", "bot/zalo/fetch.c", "    (void)arg, (void)offset, (void)origin;\n    return CURL_SEEKFUNC_FAIL;",
        "    (void)offset, (void)origin;\n    ((struct fetch *)arg)->body_at = 0;\n    return CURL_SEEKFUNC_OK;", unit("bot/zalo/client")),
    one("the pace leaves room for a clock that is off", "bot/send/limiter.c", "(60000 + SLACK_MS) * NS_PER_MS /", "60000 * NS_PER_MS /", unit("bot/send/limiter")),
    one("all nodes share one pace", "db/sql/pace.sql", "+ make_interval(secs => $3::bigint / 1000000000.0 * least(", "+ make_interval(secs => $3::bigint / 4000000000.0 * least(", faults("test_pace", "--short")),
    one("after Zalo's refusal no process sends", "db/sql/pace.sql", "next_at = greatest(next_at, now() + make_interval(secs => $2::bigint / 1000.0)) WHERE", "next_at = greatest(next_at, now() + 0 * make_interval(secs => $2::bigint / 1000.0)) WHERE", unit("bot/send/limiter")),
    one("an outage of Zalo uses up no tries", "bot/send/limiter.c", "    int64_t now_ms = clock_monotonic_ms(), held = l->hold_until_ms - now_ms, broken = breaker_wait_ms(&l->breaker, now_ms);", "    int64_t now_ms = clock_monotonic_ms(), held = l->hold_until_ms - now_ms, broken = 0;", unit("bot/send/limiter")),
    one("nor does one that cannot tell the others", "bot/send/limiter.c", "l->hold_until_ms = now_ms + wait_ms;", "l->hold_until_ms = now_ms;", unit("bot/send/limiter")),
    one("--hold sends nothing", "bot/send/outbox.c", "return o->hold || o->stopping ||", "return o->stopping ||", processes("a_held_process_sends_nothing")),
    # ---- tokens ----
    one("one process refreshes", "db/sql/token.sql", "AND (lease_until IS NULL OR lease_until < now() OR lease_owner = $3)\n", "\n", unit("bot/token/token")),
    one("nobody refreshes a generation that is over", "db/sql/token.sql", "WHERE oa_id = $1 AND generation = $2 AND (lease_until", "WHERE oa_id = $1 AND generation >= $2 AND (lease_until", LEASES),
    one("a new pair is on disk before it is used", "bot/token/token_refresh.c", "    tokens_keep(t, memory, &pair);\n    tokens_write_file(t);\n", "    tokens_keep(t, memory, &pair);\n", programme("fault_points", "--points", "token_after_file")),
    one("the pair's file is synced", "bot/durable.c", "!fails(\"file_before_sync\") && fsync(fd) == 0;", "!fails(\"file_before_sync\");", unit("bot/token/token_file")),
    one("and its folder", "bot/durable.c", "if (ok && (fails(\"file_after_rename\") || fsync(dir) != 0)) {", "if (ok && fails(\"file_after_rename\")) {", unit("bot/token/token_file")),
    one("an older pair never replaces a newer one", "db/sql/token.sql", "WHERE oa_id = $1 AND generation = $2\nRETURNING generation;", "WHERE oa_id = $1 AND generation <> $2 + 1000\nRETURNING generation;", LEASES),
    one("a restored database is held", "bot/token/token_store.c", "bool restored = t->kept.base_generation != base;", "bool restored = t->kept.base_generation != base && !row;", programme("restored", "--scale", "0.05")),
    # ---- broadcasts ----
    one("who opted out meanwhile gets no broadcast", "bot/broadcast/broadcast_send.c", "    if (pg_bool(res, row, 2))\n", "    if (pg_bool(res, row, 2) && row < 0)\n", faults("test_broadcast", "--short")),
    one("a broadcast's message is marked before it is sent", "db/sql/broadcast.sql", "SET marked_id = coalesce((SELECT max(n.user_id) FROM next n), k.marked_id), due_at", "SET marked_id = k.marked_id, due_at", faults("test_broadcast", "--short")),
    one("what was on the wire is noted before the call", "bot/broadcast/broadcast_send.c", "broadcast_wire_reach(r->s->options.wire, item->user_id);", "(void)broadcast_wire_reach;", faults("test_broadcast", "--short")),
    one("who lost a chunk marks nobody", "db/sql/broadcast.sql", "AND k.fence = $3::bigint AND k.state = 'ready'\n", "AND k.fence >= $3::bigint AND k.state = 'ready'\n", LEASES),
    # ---- automatic reminders ----
    one("one thing is reminded of once, whoever looks", "db/migrations/0020_nudge_outcome.sql", "CREATE UNIQUE INDEX nudge_once", "CREATE INDEX nudge_once", faults("test_nudge", "--short")),
    # ---- stopping and starting ----
    one("a stop finishes what is in hand", "bot/app.c", "    webhook_drain(app->webhook, on_drained, app);\n", "    webhook_drain(app->webhook, on_drained, app);\n    event_base_loopbreak(app->base);\n",
        processes("a_graceful_stop_refuses_nothing_it_has_taken")),
    one("the socket outlives a restart", "bot/app.c", "start->webhook_fd = service_socket(\"webhook\");", "start->webhook_fd = -1;", workers("a_restart_refuses_nobody")),
    one("a drain reads what has come", "bot/http/http_conn.c", "    if (c->served)\n        conn_free(c);", "    if (c->served || c->server->draining)\n        conn_free(c);", unit("bot/http/http_limits")),
    one("a worker that hangs is replaced", "bot/supervisor.c", "now_ms - alive_ms > HUNG_MS :", "now_ms - alive_ms > 100 * HUNG_MS :", faults("test_workers", "a_hung_worker_is_killed")),
    one("workers end with their supervisor", "bot/supervisor.c", "    prctl(PR_SET_PDEATHSIG, SIGTERM);\n", "", workers("workers_do_not_outlive_their_supervisor")),
    # ---- hostile input ----
    one("header lines are bounded", "bot/http/http_parse.c", "if (++p->lines > limits->lines_max)", "if (++p->lines > limits->lines_max + 10000)", HTTP_PARSE),
    one("chunk lines are bounded", "bot/http/http_parse.c", "(trailers ? TRAILERS_MAX : CHUNK_LINE_MAX)", "20 * (trailers ? TRAILERS_MAX : CHUNK_LINE_MAX)", HTTP_PARSE),
    one("a body's announced length is bounded", "bot/http/http_parse.c", "if (p->content_length > limits->body_max)", "if (p->content_length / 100 > limits->body_max)", HTTP_PARSE),
    one("a body in chunks is bounded", "bot/http/http_parse.c", "p->chunk_left > limits->body_max - p->body_len", "p->chunk_left / 100 > limits->body_max - p->body_len", HTTP_PARSE),
    one("two lengths are refused", "bot/http/http_parse.c", "if (p->chunked && (p->has_length || p->http10))", "if (p->chunked && p->http10)", HTTP_PARSE),
    one("a request that drips in has a total deadline", "bot/http/http_conn.c", "server_conn_deadline(c, c->in->since_ms + (", "server_conn_deadline(c, http_now_ms() + (", unit("bot/http/http_limits")),
    one("buffers of all connections are bounded", "bot/http/http_conn.c", "s->stats.buffered_bytes + most > s->limits.buffered_bytes", "s->stats.buffered_bytes / 100 + most > s->limits.buffered_bytes", unit("bot/http/http_limits")),
    one("who announces much and sends little takes little", "bot/http/http_conn.c", "    else if (need <= n || need > 2 * n) ", "    else if (need <= n) ", unit("bot/http/http_limits")),
    one("slow requests do not crowd out quick ones", "bot/http/http_slow.c", "AT_ONCE = 16", "AT_ONCE = 1000", unit("bot/http/http_limits")),
    one("JSON is only so deep", "bot/zalo/json.c", "if (depth >= JSON_DEPTH_MAX)", "if (depth >= 100 * JSON_DEPTH_MAX)", unit("bot/zalo/json")),
    # ---- secrets, tables, surroundings ----
    one("signatures are compared in constant time", "bot/zalo/signature.c", "CRYPTO_memcmp(digest, mac", "memcmp(digest, mac", Test("tests/lib/lint.py")),
    one("secrets do not reach the log", "config/log.c", "    hide_secrets(msg);\n", "    hide_secrets(msg + strlen(msg));\n", unit("config/log")),
    one("a crash leaves no core", "bot/app.c", "setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) != 0", "getrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) != 0", faults("test_secrets", "--short")),
    one("an export holds no formula", "bot/table/csv.c", "if (first || is_formula(text, false))", "if (first)", unit("bot/table/csv")),
    one("a kept standing is proved by its hash", "db/sql/standing.sql", "encode(coalesce(snapshot_hash(s.wave_id), sha256('')), 'hex')", "encode(s.sha256, 'hex')",
        Test("tests/bot/standing/test_standing.py", unit="standing")),
    one("the unit keeps to the system calls of services", "config/sangkien.service", "SystemCallFilter=@system-service\n", "", faults("test_sandbox")),
    one("and to those without privilege", "config/sangkien.service", "SystemCallFilter=~@privileged @resources\n", "", faults("test_sandbox")),
    Protection("pgbouncer gets no named statements", "db/pg.c", (("if (pg->options.named_statements && !pg->prepared[s->id]) {", "if (!pg->prepared[s->id]) {"),
               ("    if (pg->options.named_statements)\n        return PQsendQueryPrepared", "    if (s->id < SQL_COUNT)\n        return PQsendQueryPrepared")), faults("test_pgbouncer")),
    one("of several hosts the one that takes writes", "db/pg.c", "\"3\", \"5000\", \"10\", \"3\", \"3\", \"read-write\"", "\"3\", \"5000\", \"10\", \"3\", \"3\", \"any\"", unit("db/pg")),
]
