"""The stand-in as a tool: faults, what tests look at, its state file, its page, its command line."""
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading

import harness
from harness import WAIT_S, Failed, Standin, buttons, check, query, refused, same


def broken(act):
    try:
        act()
    except (OSError, http.client.HTTPException, ValueError):
        return True
    return False


def sent_texts(z):
    return [m["text"] for m in z.admin("sent?user=u1")["messages"]]


def test_faults_strike_before_or_after_the_message_is_taken(bot):
    z = Standin()
    z.event()
    path = "/v3.0/oa/message/cs"
    for do, taken in (("reset_before", False), ("reset_after", True), ("close", False), ("stall", False), ("stall_after", True),
                      ("garbage", False), ("bad_http", False), ("truncated", True)):
        z.admin("fault", {"path": path, "do": do, "ms": 20})
        check(broken(lambda: z.cs(do, fresh=True)), do + " breaks the answer")
        same(do in sent_texts(z), taken, do + " leaves a message")
    same(z.cs("afterwards")["error"], 0)
    return z


def test_a_reset_is_a_tcp_reset(bot):
    z = Standin()
    z.admin("fault", {"path": "/v2.0", "do": "reset_before"})
    con = socket.create_connection(("127.0.0.1", z.port), WAIT_S)
    con.sendall(b"GET /v2.0/oa/getoa HTTP/1.1\r\nHost: x\r\n\r\n")
    try:
        con.recv(1)
        raise Failed("the connection was closed politely")
    except ConnectionResetError:
        con.close()
    return z


def test_faults_answer_with_status_and_error_codes(bot):
    z = Standin()
    z.event()
    path = "/v3.0/oa/message/cs"
    z.admin("fault", {"path": path, "do": "http503", "times": 2, "skip": 1})
    body, headers = json.dumps({"recipient": {"user_id": "u1"}, "message": {"text": "a"}}), \
        {"access_token": "first-access", "Content-Type": "application/json"}
    same([z.raw("POST", path, body, headers)[0] for _ in range(4)], [200, 503, 503, 200])
    z.admin("fault", {"path": path, "do": "error", "code": -216, "user": "u2"})
    same((z.cs("b")["error"], z.api("POST", path, {"recipient": {"user_id": "u2"}})["error"]), (0, -216))
    z.admin("fault", {"path": "/v4/oa/", "do": "error", "code": -14014})
    check("error_name" in z.refresh("first-refresh"), "OAuth errors keep their shape")
    z.admin("fault", {"path": path, "do": "error", "code": 0, "times": -1})
    z.admin("fault", method="DELETE")
    same(z.admin("fault"), [])
    same(z.cs("c")["error"], 0)
    return z


def test_slow_and_endless_bodies(bot):
    z = Standin()
    z.event()
    z.admin("fault", {"path": "/v3.0", "do": "slow_body", "ms": 1})
    same(z.cs("slow", fresh=True)["error"], 0)
    z.admin("fault", {"path": "/v3.0", "do": "delay", "ms": 20})
    same(z.cs("late", fresh=True)["error"], 0)
    z.admin("fault", {"path": "/v2.0", "do": "endless"})
    con = socket.create_connection(("127.0.0.1", z.port), WAIT_S)
    con.sendall(b"GET /v2.0/oa/getoa HTTP/1.1\r\nHost: x\r\naccess_token: first-access\r\n\r\n")
    got = 0
    while got < 1 << 20:
        got += len(con.recv(1 << 16))
    con.close()
    same(z.cs("still there")["error"], 0)
    return z


def test_a_tap_sends_the_payload_as_text(bot):
    z = Standin(webhook=bot.url)
    z.event()
    z.cs(buttons(query("Ẩn", "#b1:h"), query("Hiện", "#b1:s", "oa.query.show"),
                 {"title": "Web", "type": "oa.open.url", "payload": {"url": "https://a.example/"}}))
    z.cs("one more message")
    same(z.event(kind="tap", label="Ẩn")["status"], 200, "old buttons stay tappable")
    same(bot.named("user_send_text", 2)[1]["json"]["message"]["text"], "#b1:h")
    same(z.event(kind="tap", label="Hiện")["status"], 200)
    same(z.event(kind="tap", label="Web")["status"], 0, "opening a page is no webhook")
    check(refused(lambda: z.event(kind="tap", label="Không có")), "an unknown button is refused")
    shown = [(m["text"], m.get("hidden", False)) for m in z.admin("history?user=u1")["messages"] if m["from"] == "user"]
    same(shown[1:], [("#b1:h", True), ("#b1:s", False)])
    return z


def test_sent_waits_for_as_many_messages_as_wanted(bot):
    z = Standin()
    seq = z.event()["seq"]
    got = []
    waiter = threading.Thread(target=lambda: got.append(z.admin("sent?user=u1&after=%d&count=2&wait_ms=8000" % seq, fresh=True)))
    waiter.start()
    z.cs("một")
    z.cs("hai")
    waiter.join(WAIT_S)
    same([m["text"] for m in got[0]["messages"]], ["một", "hai"])
    same(z.admin("sent?user=u1&after=%d&wait_ms=1" % got[0]["last"])["messages"], [])
    return z


def test_duplicates_are_counted(bot):
    z = Standin()
    z.event()
    for text in ("a", "b", "a"):
        z.cs(text)
    stats = z.admin("stats")
    same((stats["sends"], stats["duplicates"]), (3, 1))
    same(stats["requests"]["/v3.0/oa/message/cs"], 3)
    same(len(z.admin("log?path=/v3.0/oa/message/cs")), 3)
    return z


def test_state_survives_a_kill(bot):
    with tempfile.TemporaryDirectory() as folder:
        options = ("--state", os.path.join(folder, "state.json"))
        z = Standin(*options)
        media = json.loads(z.raw("POST", "/_admin/media?name=a.png", b"\x89PNG")[2])["media"]
        z.event(kind="image", media=media)
        z.cs(buttons(query()))
        new = z.refresh("first-refresh")  # saved at once
        z.stop(signal.SIGKILL)
        z = Standin(*options)
        same(z.get("/v2.0/oa/getoa", token=new["access_token"])["error"], 0)
        same(z.refresh("first-refresh")["error"], -14014, "the first pair stays dead")
        messages = z.admin("history?user=u1")["messages"]
        same([m["kind"] for m in messages], ["image", "text"])
        same(messages[1]["buttons"], [query()])
        same(z.raw("GET", messages[0]["media"]["url"])[2], b"\x89PNG")
        z.event(text="viết sau")
        saved, end = threading.Event(), WAIT_S * 50
        while end and not saved.is_set():  # everything but tokens is saved within a second
            with open(options[1], encoding="utf-8") as f:
                if "viết sau" in f.read():
                    saved.set()
            end -= not saved.wait(0.02)
        check(saved.is_set(), "messages are saved by themselves")
        z.stop(signal.SIGKILL)
        z = Standin(*options)
        same(len(z.admin("history?user=u1")["messages"]), 3)
        same(z.stop(), 0)
    return None


def test_the_page_and_what_people_upload_cannot_run_foreign_code(bot):
    z = Standin()
    for path in ("/", "/chat.css", "/chat.js", "/message.js", "/icon.svg"):
        status, head, body = z.raw("GET", path)
        same((status, len(body) > 100), (200, True), path)
        check("script-src 'self'" in head["Content-Security-Policy"], path)
    media = json.loads(z.raw("POST", "/_admin/media?name=a.html", b"<script>alert(1)</script>")[2])["media"]
    _, head, _ = z.raw("GET", "/cdn/%s/a.html" % media)
    same((head["Content-Type"], head["Content-Disposition"], head["X-Content-Type-Options"]),
         ("application/octet-stream", "attachment", "nosniff"))
    same(z.raw("GET", "/../etc/passwd")[0], 404)
    return z


def test_the_event_stream_tells_of_messages_as_they_come(bot):
    z = Standin(webhook=bot.url)
    con = http.client.HTTPConnection("127.0.0.1", z.port, timeout=WAIT_S)
    con.request("GET", "/_admin/feed")
    stream = con.getresponse()
    stream.readline()
    z.event(text="dòng\nhai")
    lines = []
    while len(lines) < 2:
        line = stream.readline().decode()
        if line.startswith("data: "):
            lines.append(json.loads(line[6:]))
    same([(m["text"], m["tick"]) for m in lines], [("dòng\nhai", "pending"), ("dòng\nhai", "delivered")])
    con.close()
    z.cs("nobody listens")
    return z


def test_bad_command_lines_are_refused(bot):
    for options in (["--listen", "nonsense"], ["--webhook", "ftp://x"], ["--unknown"], ["extra"]):
        done = subprocess.run([harness.BINARY, "--listen", "127.0.0.1:0", *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=WAIT_S)
        same((done.returncode, bool(done.stderr)), (64, True), " ".join(options))
    return None
