"""The OA API and OAuth of the stand-in: tokens, limits, refusals, uploads, what the calls tell."""
import base64
import hashlib
import hmac
import json
import urllib.parse

from harness import APP_ID, APP_SECRET, OA_ID, Standin, buttons, check, query, same


def test_a_call_needs_the_current_access_token(bot):
    z = Standin()
    same(z.get("/v2.0/oa/getoa")["error"], 0)
    same(z.get("/v2.0/oa/getoa", token="")["error"], -216)
    same(z.get("/v2.0/oa/getoa", token="never-issued")["error"], -216)
    same(json.loads(z.raw("GET", "/v2.0/oa/getoa", headers={"Authorization": "Bearer first-access"})[2])["error"], -216)
    return z


def test_a_refresh_kills_the_old_access_token_at_once(bot):
    z = Standin()
    new = z.refresh("first-refresh")
    same(new["expires_in"], "90000")
    same(z.get("/v2.0/oa/getoa")["error"], -220)
    same(z.get("/v2.0/oa/getoa", token=new["access_token"])["error"], 0)
    return z


def test_a_refresh_token_works_once(bot):
    z = Standin()
    new = z.refresh("first-refresh")
    again = z.refresh("first-refresh")
    same((again["error"], "error_name" in again, "message" in again), (-14014, True, False))
    same(z.get("/v2.0/oa/getoa", token=new["access_token"])["error"], 0, "a refused refresh changes nothing")
    check("access_token" in z.refresh(new["refresh_token"]), "the new one works")
    same(z.admin("stats")["refreshes"], 2)
    return z


def test_oauth_refuses_with_its_own_codes(bot):
    z = Standin()
    same(z.refresh("first-refresh", secret="wrong")["error"], -14004)
    same(z.refresh("first-refresh", app="1")["error"], -14002)
    same(z.oauth(grant_type="password")["error"], -14018)
    check("access_token" in z.refresh("first-refresh"), "none of these spent the token")
    return z


def test_a_code_works_once_within_ten_minutes_and_with_its_verifier(bot):
    z = Standin()
    verifier = "a" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    ask = urllib.parse.urlencode({"app_id": APP_ID, "redirect_uri": "https://bot.example/cb", "code_challenge": challenge, "state": "s 1"})
    same(z.raw("GET", "/v4/oa/permission?" + ask)[0], 200)

    def code():
        status, head, _ = z.raw("GET", "/v4/oa/permission/grant?" + ask)
        same(status, 302)
        to = urllib.parse.urlparse(head["Location"])
        got = dict(urllib.parse.parse_qsl(to.query))
        same((to.netloc, got["oa_id"], got["state"]), ("bot.example", OA_ID, "s 1"))
        return got["code"]
    first = code()
    same(z.oauth(grant_type="authorization_code", code=first, code_verifier="b" * 43)["error"], -14005)
    same(z.oauth(grant_type="authorization_code", code=first, code_verifier=verifier)["error"], -14005, "spent by the failed try")
    check("refresh_token" in z.oauth(grant_type="authorization_code", code=code(), code_verifier=verifier), "a good one")
    same(z.get("/v2.0/oa/getoa")["error"], -220, "the old grant is dead")
    old = code()
    z.admin("settings", {"clock_offset_ms": 601000})
    same(z.oauth(grant_type="authorization_code", code=old, code_verifier=verifier)["error"], -14005)
    z.admin("settings", {"redirect_uri": "https://other.example/cb"})
    same(json.loads(z.raw("GET", "/v4/oa/permission?" + ask)[2])["error"], -14003)
    return z


def test_tokens_expire_and_can_be_revoked(bot):
    z = Standin()
    z.admin("token", {"expire_access": True})
    same(z.get("/v2.0/oa/getoa")["error"], -220)
    z.admin("token", {"access_token": "second", "refresh_token": "r2"})
    same(z.get("/v2.0/oa/getoa", token="second")["error"], 0)
    z.admin("settings", {"clock_offset_ms": 90001 * 1000})
    same(z.get("/v2.0/oa/getoa", token="second")["error"], -220, "after 25 hours")
    z.admin("token", {"revoke_refresh": True})
    same(z.refresh("r2")["error"], -14014)
    return z


def test_appsecret_proof_is_wanted_when_switched_on(bot):
    z = Standin()
    z.admin("settings", {"require_proof": True})
    same(z.get("/v2.0/oa/getoa")["error"], -242)
    proof = hmac.new(APP_SECRET.encode(), b"first-access", hashlib.sha256).hexdigest()
    same(z.get("/v2.0/oa/getoa", appsecret_proof=proof)["error"], 0)
    return z


def test_the_answer_of_a_send_has_string_numbers(bot):
    z = Standin(webhook=bot.url)
    z.event()
    answer = z.cs("Xin chào")
    same((answer["error"], answer["message"], answer["data"]["user_id"]), (0, "Success", "u1"))
    same((answer["data"]["sent_time"].isdigit(), len(answer["data"]["message_id"])), (True, 20))
    same(answer["data"]["quota"], {"quota_type": "reply"}, "no remain and total since March 2026")
    same(z.head["X-RateLimit-Limit"], "4000")
    z.admin("settings", {"quota_members": "none"})
    check("quota" not in z.cs("nữa")["data"], "quota can be missing")
    return z


def test_text_over_2000_utf16_units_is_refused(bot):
    z = Standin()
    z.event()
    same(z.cs("ạ" * 2000)["error"], 0)
    same(z.cs("ạ" * 2001)["error"], -210)
    same(z.cs("🌱" * 1000)["error"], 0)
    same(z.cs("🌱" * 1000 + "a")["error"], -210, "an emoji is two units")
    same(z.cs("")["error"], -201)
    return z


def test_buttons_have_limits(bot):
    z = Standin()
    z.event()
    five = [query("Hiện", kind="oa.query.show"), query(), {"title": "Web", "type": "oa.open.url", "payload": {"url": "https://a.example/"}},
            {"title": "Gọi", "type": "oa.open.phone", "payload": {"phone_code": "84900000000"}},
            {"title": "SMS", "type": "oa.open.sms", "payload": {"content": "Hi", "phone_code": "84900000000"}}]
    same(z.cs(buttons(*five))["error"], 0)
    same(z.cs(buttons(*five, query()))["error"], -201, "six")
    same(z.cs(buttons(query("ạ" * 100)))["error"], 0)
    same(z.cs(buttons(query("ạ" * 101)))["error"], -201, "title")
    same(z.cs(buttons(query(payload="x" * 1000)))["error"], 0)
    same(z.cs(buttons(query(payload="x" * 1001)))["error"], -201, "payload")
    same(z.cs(buttons(query(kind="oa.query.other")))["error"], -201, "type")
    same(z.cs(buttons({"title": "Web", "type": "oa.open.url", "payload": "https://a.example/"}))["error"], -201, "url not nested")
    same(z.cs(buttons({"title": "S", "type": "oa.open.sms", "payload": {"content": "x" * 161, "phone_code": "8490"}}))["error"], -201)
    same(z.cs({"attachment": buttons(query())["attachment"]})["error"], -201, "buttons need a text")
    same(z.cs({"text": "x", "attachment": {"type": "image", "payload": {"attachment_id": "1"}}})["error"], -201, "plain image shape")
    return z


def test_lists_and_info_requests_have_their_shape(bot):
    z = Standin(webhook=bot.url)
    z.event()

    def template(kind, *elements, **more):
        return {"attachment": {"type": "template", "payload": dict(more, template_type=kind, elements=list(elements))}}
    first = {"title": "Mục", "subtitle": "Chọn", "image_url": "https://a.example/0.jpg"}
    row = {"title": "Bánh", "subtitle": "", "default_action": {"type": "oa.query.show", "payload": "#b1:1"}}
    same(z.cs(template("list", first, row))["error"], 0)
    same(bot.named("oa_send_list")[0]["json"]["message"]["attachments"][1]["payload"]["title"], "Bánh")
    same(z.event(kind="tap", label="Bánh")["status"], 200)
    same(z.cs(template("list", *([first] + [row] * 5)))["error"], -201, "six elements")
    same(z.cs(template("list", {"title": "Mục"}, row))["error"], -201, "the first needs a subtitle")
    same(z.cs(template("request_user_info", first))["error"], 0)
    same(z.cs(template("request_user_info", first, first))["error"], -201)
    same(z.cs(template("request_user_info", first, buttons=[query()]))["error"], -201, "buttons exclude it")
    z.admin("settings", {"list_messages": False})
    same(z.cs(template("list", first, row))["error"], -233)
    return z


def test_who_may_be_written_to(bot):
    z = Standin()
    same(z.cs("a", user="nobody")["error"], -201)
    z.admin("person", {"user": "u1"})
    same(z.cs("a")["error"], -232, "never interacted")
    z.admin("person", {"user": "u1", "follows": True})
    same([z.cs(str(i)).get("data", {}).get("quota", {}).get("quota_type") for i in range(4)], ["welcome_msg"] * 3 + [None])
    day = 24 * 3600 * 1000
    z.admin("window", {"user": "u1", "age_ms": 2 * day - 60000})
    same(z.cs("b")["data"]["quota"]["quota_type"], "reply")
    z.admin("window", {"user": "u1", "age_ms": 2 * day + 60000})
    check("quota" not in z.cs("c")["data"], "charged between 48 hours and 7 days")
    z.admin("settings", {"sub_quota": 2})
    same(z.cs("d")["data"]["quota"]["remain"], "1")
    z.admin("window", {"user": "u1", "age_ms": 7 * day + 60000})
    same(z.cs("e")["error"], -230)
    z.event()
    same(z.cs("f")["data"]["quota"]["quota_type"], "reply", "a new message opens the window")
    z.admin("person", {"user": "u1", "send_error": -217})
    same(z.cs("g")["error"], -217)
    z.admin("settings", {"unknown_users": "accept"})
    same(z.cs("h", user="stranger")["error"], 0)
    same(z.admin("stats")["charged"], 2)
    return z


def test_bodies_that_are_no_requests_are_refused(bot):
    z = Standin()
    z.event()
    path, headers = "/v3.0/oa/message/cs", {"Content_Type": "application/json"}
    same(z.api("POST", path, b"{not json", **headers)["error"], -201)
    same(z.api("POST", path, b'{"recipient":{"user_id":"u1"},"message":{"text":"\xff"}}', **headers)["error"], -201)
    same(z.api("POST", path, json.dumps({"recipient": {"user_id": "u1"}, "message": {"text": "a"}}), **{"Content_Type": "text/plain"})["error"], -201)
    same(z.api("POST", path, {"recipient": {"user_id": 5}, "message": {"text": "a"}})["error"], -201)
    same(z.api("POST", "/v2.0/oa/message", {"recipient": {"user_id": "u1"}, "message": {"text": "a"}})["error"], -240)
    same(z.api("POST", "/v3.0/oa/message/transaction", {})["error"], 404)
    return z


def test_a_quote_must_be_of_that_conversation(bot):
    z = Standin()
    mine, other = z.event()["msg_id"], z.event(user="u2")["msg_id"]
    same(z.cs({"text": "a", "quote_message_id": mine})["error"], 0)
    same(z.cs({"text": "a", "quote_message_id": other})["error"], -201)
    same(z.cs({"text": "a", "quote_message_id": ""})["error"], 0, "an empty one counts as none")
    answer = z.api("POST", "/v3.0/oa/message/cs", {"recipient": {"message_id": mine}, "message": {"text": "a"}})
    same(answer["data"]["user_id"], "u1")
    return z


def test_the_rate_limit_counts_clock_minutes(bot):
    z = Standin()
    z.event()
    now = z.admin("info")["now"]
    z.admin("settings", {"rate_limit_per_minute": 10, "clock_offset_ms": 120000 - now % 60000})
    same([z.cs(str(i))["error"] for i in range(12)], [0] * 10 + [-32] * 2)
    same(z.head["X-RateLimit-Remain"], "0")
    z.admin("settings", {"clock_offset_ms": 180000 - now % 60000})
    same(z.cs("next minute")["error"], 0)
    same((z.head["X-RateLimit-Limit"], z.head["X-RateLimit-Remain"]), ("10", "9"))
    return z


def test_uploads_are_checked_kept_and_expire(bot):
    z = Standin(webhook=bot.url)
    z.event()
    png = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) + b"\r\n--xy"
    image = z.upload("image", "a.png", png)["data"]["attachment_id"]

    def media(kind, **element):
        return {"attachment": {"type": "template", "payload": {"template_type": "media", "elements": [dict(element, media_type=kind)]}}}
    same(z.cs(media("image", attachment_id=image))["error"], 0)
    url = bot.named("oa_send_image")[0]["json"]["message"]["attachments"][0]["payload"]["url"]
    same(z.raw("GET", urllib.parse.urlparse(url).path)[2], png, "what was uploaded is served")
    same(z.cs(media("image", attachment_id=image, url="https://a.example/"))["error"], -201, "both")
    same(z.cs(media("gif", attachment_id=image, width=1, height=1))["error"], -201, "another kind of upload")
    same(z.cs(media("gif", url="https://a.example/a.gif"))["error"], -201, "a gif needs its size")
    same(z.cs(media("sticker", attachment_id="bfe458bf64fa8da4d4eb"))["error"], 0)
    same(z.upload("image", "a.gif", b"x")["error"], -201)
    same(z.upload("image", "a.jpg", b"x" * (1 << 20))["data"]["attachment_id"].isalnum(), True)
    same(z.upload("image", "a.jpg", b"x" * ((1 << 20) + 1))["error"], -210)
    token = z.upload("file", "bao-cao.pdf", b"%PDF")["data"]["token"]
    same(z.cs({"attachment": {"type": "file", "payload": {"token": token}}})["error"], 0)
    same(bot.named("oa_send_file")[0]["json"]["message"]["attachments"][0]["payload"]["name"], "bao-cao.pdf")
    same(z.cs({"attachment": {"type": "file", "payload": {"attachment_id": token}}})["error"], -201)
    week = 7 * 24 * 3600 * 1000
    z.admin("settings", {"clock_offset_ms": week + 1000, "access_lifetime_s": 10 ** 7})
    z.admin("token", {"access_token": "first-access"})
    z.event()
    same(z.cs(media("image", attachment_id=image))["error"], -100)
    return z


def test_anonymous_visitors_are_answered_with_both_ids(bot):
    z = Standin(webhook=bot.url)
    z.event(user="1ffedc467f179649cf06", kind="anonymous_text", conversation_id="fa8f")
    to = {"anonymous_id": "1ffedc467f179649cf06", "conversation_id": "fa8f"}
    answer = z.api("POST", "/v2.0/oa/message", {"recipient": to, "message": {"text": "8h-21h ạ"}})
    same(dict(answer["data"], message_id=""), dict(to, message_id=""))
    same(bot.named("oa_send_anonymous_text")[0]["json"]["message"]["conversation_id"], "fa8f")
    to["conversation_id"] = "other"
    same(z.api("POST", "/v2.0/oa/message", {"recipient": to, "message": {"text": "a"}})["error"], -201)
    same(z.cs("a", user="1ffedc467f179649cf06")["error"], -201)
    return z


def test_reactions_go_both_ways(bot):
    z = Standin(webhook=bot.url)
    msg_id = z.event()["msg_id"]

    def react(icon, on=msg_id):
        return z.api("POST", "/v2.0/oa/message", {"recipient": {"user_id": "u1"}, "sender_action": {"react_icon": icon, "react_message_id": on}})
    same((react("/-strong")["error"], react("nice")["error"], react("/-heart", "x")["error"]), (0, -201, -201))
    same(bot.named("oa_reacted_message")[0]["json"]["message"], {"msg_id": msg_id, "react_icon": "/-strong"})
    sent = z.cs("a")["data"]["message_id"]
    z.event(kind="reaction", icon="/-heart")
    same(bot.named("user_reacted_message")[0]["json"]["message"], {"msg_id": sent, "react_icon": "/-heart"})
    return z


def test_the_conversation_call_tells_what_was_said(bot):
    z = Standin()
    z.event(text="hỏi")
    sent = z.cs("đáp")["data"]["message_id"]
    rows = z.get("/v2.0/oa/conversation", {"user_id": "u1", "offset": 0, "count": 10})["data"]
    same([(r["src"], r["message"], r["type"]) for r in rows], [(0, "đáp", "text"), (1, "hỏi", "text")])
    same((rows[0]["message_id"], isinstance(rows[0]["time"], int), rows[0]["from_id"]), (sent, True, OA_ID))
    same(z.get("/v2.0/oa/conversation", {"user_id": "u1", "offset": 0, "count": 11})["error"], -201)
    z.event(user="u2", text="tôi")
    same([r["from_id"] for r in z.get("/v2.0/oa/listrecentchat", {"offset": 0, "count": 10})["data"]], ["u2", OA_ID])
    return z


def test_user_tag_and_quota_calls(bot):
    z = Standin()
    z.event(kind="follow")
    z.admin("person", {"user": "u1", "name": "Nguyễn Thị Lan"})
    detail = z.get("/v3.0/oa/user/detail", {"user_id": "u1"})["data"]
    same((detail["display_name"], detail["user_is_follower"], len(detail["user_last_interaction_date"])), ("Nguyễn Thị Lan", True, 10))
    same(z.get("/v3.0/oa/user/detail", {"user_id": "x"})["error"], -201)
    same(z.api("POST", "/v2.0/oa/tag/tagfollower", {"user_id": "u1", "tag_name": "thợ"})["error"], 0)
    same(z.get("/v2.0/oa/tag/gettagsofoa")["data"], ["thợ"])
    same(z.get("/v3.0/oa/user/getlist", {"offset": 0, "count": 50, "tag_name": "thợ"})["data"]["users"], [{"user_id": "u1"}])
    same(z.api("POST", "/v2.0/oa/tag/rmfollowerfromtag", {"user_id": "u1", "tag_name": "thợ"})["error"], 0)
    same(z.get("/v2.0/oa/tag/gettagsofoa")["data"], [])
    check(z.api("POST", "/v3.0/oa/quota/message", {"user_id": "u1"})["data"]["last_interaction"].isdigit(), "string of digits")
    check(z.get("/v2.0/oa/getoa")["data"]["is_verified"], "the OA is verified")
    z.event(kind="unfollow")
    same(z.api("POST", "/v2.0/oa/tag/tagfollower", {"user_id": "u1", "tag_name": "thợ"})["error"], -213)
    return z
