"""Webhooks of the stand-in: signatures, catalogue, order, redelivery, echoes and receipts."""
import hashlib
import socket
import threading
import urllib.parse

from harness import APP_ID, OA_ID, WAIT_S, Standin, buttons, check, query, same, signed_by


def test_signature_equals_the_check_vector(bot):
    z = Standin("--app-id", "431284912", "--oa-secret", "test-oa-secret", webhook=bot.url)
    body = '{"app_id":"431284912","event_name":"follow","timestamp":"1714476720000"}'
    same(z.admin("event", {"raw": body})["status"], 200)
    same(bot.seen[0]["body"].decode(), body, "bytes")
    same(bot.seen[0]["signature"], "mac=e9bd5dec71713fe915b822c7a593ba005f8ccb6032d2a33b93903b3e755c1788")
    return z


def test_every_kind_of_event_is_signed_and_has_string_ids(bot):
    z = Standin(webhook=bot.url)
    z.event()
    z.cs("chào")
    kinds = {"text": "user_send_text", "image": "user_send_image", "gif": "user_send_gif", "audio": "user_send_audio",
             "video": "user_send_video", "file": "user_send_file", "sticker": "user_send_sticker", "link": "user_send_link",
             "location": "user_send_location", "business_card": "user_send_business_card", "follow": "follow",
             "unfollow": "unfollow", "chatnow": "user_click_chatnow", "submit_info": "user_submit_info",
             "reaction": "user_reacted_message", "withdraw": "user_withdraw", "received": "user_received_message",
             "seen": "user_seen_message", "group_text": "user_send_group_text", "admin_text": "oa_send_text"}
    for kind, name in kinds.items():
        same(z.event(kind=kind, text="chữ")["status"], 200, kind)
        hook = bot.named(name)[-1]
        check(signed_by(hook), kind + " is signed")
        check(isinstance(hook["json"]["timestamp"], str), kind + " has a timestamp of digits")
        for party in ("sender", "recipient"):
            check(isinstance(hook["json"].get(party, {"id": ""})["id"], str), kind + " has string ids")
    same(z.event(user="v1", kind="anonymous_text")["status"], 200)
    check("conversation_id" in bot.named("anonymous_send_text")[0]["json"]["message"], "anonymous has conversation_id")
    same(z.admin("event", {"kind": "probe"})["status"], 200)
    probe = bot.wait(lambda h: h["json"]["message"].get("msg_id") == "This is message id" if "message" in h["json"] else False)[0]
    check(signed_by(probe) and probe["json"]["recipient"]["id"] != OA_ID, "the probe is signed and for another OA")
    return z


def test_event_members_follow_the_catalogue(bot):
    z = Standin(webhook=bot.url)
    z.event(text="Cái này nhé", quote_msg_id="48687128d04c9410cd5f", msg_id="m1", timestamp=1714476720555)
    event = bot.seen[0]["json"]
    same(event["message"], {"msg_id": "m1", "quote_msg_id": "48687128d04c9410cd5f", "text": "Cái này nhé"})
    same((event["app_id"], event["sender"]["id"], event["recipient"]["id"], event["timestamp"]), (APP_ID, "u1", OA_ID, "1714476720555"))
    z.event(kind="file")
    file = bot.named("user_send_file")[0]["json"]["message"]["attachments"][0]
    same(sorted(file["payload"]), ["checksum", "name", "size", "type", "url"])
    content = z.raw("GET", urllib.parse.urlparse(file["payload"]["url"]).path)[2]
    same((str(len(content)), hashlib.md5(content).hexdigest()), (file["payload"]["size"], file["payload"]["checksum"]))
    z.event(kind="location")
    at = bot.named("user_send_location")[0]["json"]["message"]["attachments"][0]["payload"]["coordinates"]
    check(isinstance(at["latitude"], str), "coordinates are strings")
    z.event(kind="seen")
    return z


def test_a_forged_event_does_not_verify(bot):
    z = Standin(webhook=bot.url)
    z.event(forge=True)
    z.event(signature=None)
    check(not signed_by(bot.seen[0]), "a forged signature is wrong")
    same(bot.seen[1]["signature"], None, "no signature header")
    return z


def test_a_failed_delivery_comes_again_with_the_same_bytes(bot):
    z = Standin(webhook=bot.url)
    z.admin("settings", {"ladder_factor": 0.001})
    bot.answer = lambda hook: 500 if len(bot.seen) < 3 else 200
    same(z.event()["status"], 500)
    hooks = bot.wait(lambda h: True, 3)
    same([h["num_retry"] for h in hooks], [None, "1", "2"])
    same(len({h["body"] for h in hooks}), 1, "bodies")
    same(len({h["signature"] for h in hooks}), 1, "signatures")
    return z


def test_the_ladder_has_five_steps_and_then_the_webhook_is_switched_off(bot):
    z = Standin(webhook=bot.url)
    z.admin("settings", {"ladder_factor": 0.00001, "switch_off": True})
    bot.answer = lambda hook: 503
    z.event()
    same([h["num_retry"] for h in bot.wait(lambda h: True, 6)], [None, "1", "2", "3", "4", "5"])
    stats = z.admin("stats")["webhook"]
    while not stats["off"]:
        stats = z.admin("stats")["webhook"]
    same(stats["abandoned"], 1)
    same(z.event()["status"], 0, "nothing is delivered any more")
    same(len(bot.seen), 6)
    z.admin("webhook", {"url": bot.url})
    bot.answer = lambda hook: 200
    same(z.event()["status"], 200, "a new address switches it on")
    return z


def test_an_answer_after_the_deadline_counts_as_none(bot):
    z = Standin(webhook=bot.url)
    late = threading.Event()
    z.admin("settings", {"deadline_ms": 100, "retry": False})
    bot.answer = lambda hook: late.wait(WAIT_S) and 200
    same(z.event()["status"], 0)
    late.set()
    same(z.admin("stats")["webhook"]["timeouts"], 1)
    return z


def test_a_closed_port_is_refused_and_redelivered(bot):
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    z = Standin(webhook="http://127.0.0.1:%d/webhook" % free.getsockname()[1])
    z.admin("settings", {"retry_on": "refused"})
    same(z.event()["status"], 0)
    same((z.admin("stats")["webhook"]["refused"], z.admin("stats")["webhook"]["waiting"]), (1, 1))
    free.close()
    z.admin("webhook", {"url": bot.url})
    z.admin("release", {"redeliver": True})
    same(bot.wait(lambda h: True)[0]["num_retry"], "1")
    return z


def test_retry_on_refused_does_not_repeat_an_answer(bot):
    z = Standin(webhook=bot.url)
    z.admin("settings", {"retry_on": "refused"})
    bot.answer = lambda hook: 500
    z.event()
    same(z.admin("stats")["webhook"]["waiting"], 0)
    return z


def test_events_of_one_person_arrive_one_at_a_time(bot):
    z = Standin(webhook=bot.url)
    inside, most, gate = [], [], threading.Lock()

    def answer(hook):
        user = hook["json"]["sender"]["id"]
        with gate:
            inside.append(user)
            most.append(inside.count(user))
        with bot.changed:  # keep the first waiting until another person's event is here as well
            bot.changed.wait_for(lambda: {h["json"]["sender"]["id"] for h in bot.seen} == {"u1", "u2"}, WAIT_S)
        with gate:
            inside.remove(user)
        return 200
    bot.answer = answer
    for i in range(8):
        z.event(text=str(i), wait=False)
    z.event(user="u2")
    texts = [h["json"]["message"]["text"] for h in bot.wait(lambda h: h["json"]["sender"]["id"] == "u1", 8)]
    same(texts, [str(i) for i in range(8)])
    same(max(most), 1, "events of one person at the same time")
    return z


def test_copies_are_identical_and_held_events_can_be_released_backwards(bot):
    z = Standin(webhook=bot.url)
    same([r["status"] for r in z.event(copies=20)["results"]], [200] * 20)
    same(len({h["body"] for h in bot.seen}), 1)
    for i in range(3):
        check(z.event(text="h%d" % i, hold=True, ordered=False)["held"], "held")
    z.admin("settings", {"webhook_connections": 1})
    same(z.admin("release", {"reverse": True})["released"], 3)
    same([h["json"]["message"]["text"] for h in bot.wait(lambda h: h["json"]["message"]["text"].startswith("h"), 3)], ["h2", "h1", "h0"])
    return z


def test_a_bot_that_hangs_up_after_each_answer_misses_nothing(bot):
    z = Standin(webhook=bot.url)
    bot.hang_up = True
    same([z.event(text=str(i))["status"] for i in range(30)], [200] * 30)
    same(z.admin("stats")["webhook"]["failed"], 0)
    same(sorted({h["json"]["message"]["text"] for h in bot.seen}, key=int), [str(i) for i in range(30)])
    return z


def test_the_syntax_filter_lets_only_commands_through(bot):
    z = Standin(webhook=bot.url)
    z.admin("settings", {"syntax_filter": True})
    same((z.event(text="xin chào")["status"], z.event(text="#menu")["status"]), (0, 200))
    return z


def test_a_send_is_echoed_without_admin_id_and_a_human_with_one(bot):
    z = Standin(webhook=bot.url)
    z.event()
    sent = z.cs(buttons(query()))["data"]["message_id"]
    echo = bot.named("oa_send_text")[0]["json"]
    same((echo["message"]["msg_id"], echo["message"]["text"], echo["sender"], echo["recipient"]["id"]), (sent, "Chọn", {"id": OA_ID}, "u1"))
    z.event(kind="admin_text", text="Để tôi xem", admin_id="1857")
    same(bot.named("oa_send_text", 2)[1]["json"]["sender"], {"id": OA_ID, "admin_id": "1857"})
    same(len(z.admin("sent?user=u1")["messages"]), 1, "what a human typed was not sent by the OA's API")
    return z


def test_an_echo_can_overtake_the_answer(bot):
    z = Standin(webhook=bot.url)
    z.event()
    answered, overtook = [], []
    bot.answer = lambda hook: overtook.append(not answered) or 200
    z.admin("settings", {"echo": "before"})
    answered.append(z.cs("a"))
    same(overtook, [True], "the echo was taken before the answer")
    z.admin("settings", {"echo": "off"})
    z.cs("b")
    z.admin("fault", {"path": "/v3.0/oa/message/cs", "do": "pass", "echo_first": True})
    answered.clear()
    answered.append(z.cs("c"))
    same(overtook, [True, True], "echo off for b, first for c")
    return z


def test_receipts_follow_a_send_when_wanted(bot):
    z = Standin(webhook=bot.url)
    z.event()
    z.admin("settings", {"receipts": "seen"})
    sent = z.cs("a")["data"]["message_id"]
    same(bot.named("user_received_message")[0]["json"]["message"]["msg_id"], sent)
    seen = bot.named("user_seen_message")[0]["json"]
    same((seen["message"]["msg_ids"], seen["sender"]["id"]), ([sent], OA_ID))
    return z
