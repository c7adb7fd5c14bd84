"""What has to be true when the month is over: everything adds up, whoever asks and wherever it is counted."""
import hashlib

COUNTS = "status IN ('submitted', 'returned', 'valid', 'recognised')"
UNASKED = """(SELECT user_id, at FROM delivery WHERE state IN ('sent', 'received', 'seen', 'unknown')
              UNION ALL SELECT user_id, at FROM nudge WHERE state = 'sent')"""


def wave_at_its_end(month, code):
    """When a wave is kept: what was kept is what the rows say, counted in another way.  @return what is wrong, "" for nothing."""
    month.world.bot.command("standing", "--wave", code, "--freeze")
    kept = month.sql(f"""SELECT r.sent, r.counted, r.valid, r.pending, r.duplicate, r.refused FROM snapshot_row r JOIN wave w ON w.id = r.wave_id
                         JOIN union_unit u ON u.id = r.unit_id WHERE w.code = '{code}' AND u.parent_id IS NULL ORDER BY r.sent DESC LIMIT 1""")
    counted = month.sql(f"""SELECT count(*) FILTER (WHERE status <> 'withdrawn'), count(*) FILTER (WHERE {COUNTS}),
                                   count(*) FILTER (WHERE status IN ('valid', 'recognised')), count(*) FILTER (WHERE status IN ('submitted', 'returned')),
                                   count(*) FILTER (WHERE status = 'duplicate'), count(*) FILTER (WHERE status = 'refused')
                            FROM initiative i JOIN wave w ON w.code = '{code}' AND i.submitted_at >= w.opens_at AND i.submitted_at < w.closes_at""")
    return "" if kept == counted else f"kept {kept}, counted {counted}"


def check_all(month, checks):
    sql, equal = month.sql, lambda name, a, b: checks.that(name, a == b, f"{a}, and {b}")
    people = month.people

    equal("every event that was taken stands in somebody's transcript, once",
          sql("SELECT count(*) FROM message WHERE origin = 'person'"), str(month.crowd.sent))
    equal("every initiative that was sent is there, once", sql("SELECT count(*), count(DISTINCT (user_id, title)) FROM initiative"),
          f"{people.filed}|{people.filed}")
    equal("everybody who sent one got the receipt", sql("""SELECT count(*) FROM initiative i WHERE NOT EXISTS (
          SELECT FROM message m WHERE m.user_id = i.user_id AND m.origin = 'bot' AND m.failure IS NULL AND m.text LIKE '%' || i.code || '%')"""), "0")
    equal("nobody is stuck: nothing waits, nothing is dead", sql("SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM job), (SELECT count(*) FROM dead_event)"), "0|0|0")

    for number in month.broadcasts:
        equal(f"broadcast {number}: everybody it was frozen for is in one of its sums", sql(f"""
              SELECT sum(n), count(*) FILTER (WHERE state = 'waiting' OR state = 'unknown') FROM
              (SELECT state, count(*) AS n FROM delivery WHERE broadcast_id = {number} GROUP BY 1) s"""),
              sql(f"SELECT count(*) FROM delivery WHERE broadcast_id = {number}") + "|0")
        equal(f"broadcast {number}: the report says the same as the rows", report(month, number),
              sql(f"SELECT count(*) FROM delivery WHERE broadcast_id = {number}"))
    stats = month.world.standin.call("GET", "/_admin/stats")
    ours = int(sql("""SELECT (SELECT count(*) FROM delivery WHERE state IN ('sent', 'received', 'seen'))
                           + (SELECT count(*) FROM message WHERE origin IN ('bot', 'staff') AND failure IS NULL)"""))
    checks.that(f"what the ledgers call sent is what Zalo took ({ours:,}; of replies {stats['sends'] - ours} came twice in {month.kills} crashes)",
                0 <= stats["sends"] - ours <= month.kills, (stats["sends"], ours))

    most = sql(f"""SELECT coalesce(max(n), 0) FROM (SELECT count(*) OVER (PARTITION BY user_id ORDER BY at
                   RANGE BETWEEN interval '7 days' PRECEDING AND CURRENT ROW) AS n FROM {UNASKED} t) w""")
    checks.that(f"nobody heard of us unasked more than twice within seven days (most: {most})", int(most) <= 2, most)
    equal("nobody was reminded after saying no", sql(f"SELECT count(*) FROM {UNASKED} t JOIN person p USING (user_id) WHERE t.at > p.opted_out_at"), "0")
    equal("nobody was reminded outside the hours", sql(f"""SELECT count(*) FROM {UNASKED} t
          WHERE (at AT TIME ZONE 'Asia/Ho_Chi_Minh')::time NOT BETWEEN '07:00' AND '20:30'"""), "0")
    reminded = int(sql("SELECT count(*) FROM nudge WHERE state = 'sent'"))
    checks.that(f"drafts left lying, verdicts and the last days were reminded of ({reminded:,} times)", reminded > 0)

    for code, wrong in month.kept.items():
        checks.that(f"wave {code}: what was kept at its end is what the rows said", not wrong, wrong)
    for code, _, _ in month.waves:
        shown = month.world.bot.command("standing", "--wave", code, "--verify")
        rows = month.world.bot.command("standing", "--wave", code, "--rows")
        checks.that(f"wave {code}: whoever computes the digest over its rows again gets the one shown",
                    hashlib.sha256(rows.encode()).hexdigest() in shown, shown)
    on_time = sum(1 for user, day in people.late_filers if sql(f"""SELECT 1 FROM initiative i JOIN wave w ON w.ends_on = '{month.first}'::date + {day}
                  WHERE i.user_id = '{user}' AND i.submitted_at < w.closes_at AND i.submitted_at >= w.opens_at"""))
    equal("who wrote before midnight was on time, though it arrived behind it", on_time, len(people.late_filers))
    sql("SELECT standing_fold(0)")
    equal("the standing counts what is there", sql("SELECT s.counted FROM standing s JOIN union_unit u ON u.id = s.unit_id "
          "WHERE s.wave_id = 0 AND u.parent_id IS NULL ORDER BY s.counted DESC LIMIT 1"),
          sql(f"SELECT count(*) FROM initiative WHERE {COUNTS}"))
    equal("each unit is the sum of its own and those below", sql("""SELECT count(*) FROM standing s JOIN union_unit u ON u.id = s.unit_id
          WHERE s.wave_id = 0 AND s.counted <> coalesce((SELECT o.counted FROM standing_own o WHERE o.unit_id = s.unit_id AND o.wave_id = s.wave_id), 0)
              + coalesce((SELECT sum(d.counted) FROM standing d JOIN union_unit b ON b.id = d.unit_id WHERE b.parent_id = s.unit_id AND d.wave_id = s.wave_id), 0)"""), "0")
    print(f"      {people.filed:,} initiatives, {month.review.given:,} verdicts, {sql('SELECT count(*) FROM delivery'):} messages of {len(month.broadcasts)} broadcasts")


def report(month, number):
    return str(month.world.bot.command("broadcast", "report", str(number)).count("\n") - 1)
