#!/usr/bin/env python3
"""Uses the chat page in a real browser, as its people do: types, taps, quotes, sends pictures, adds a phone.

usage: test_page.py PATH/TO/zalo-standin [CHROMIUM] [FOLDER for screenshots]
Prints one line per check; exits 1 when any failed, 77 (skipped) when there is no Chromium.
"""
import http.server
import json
import shutil
import subprocess
import sys
import threading
import urllib.request

from chromium import Broken, Browser

LAN, MINH = "246845883529197922", "186729651760683225"
EVIL = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


class Bot(http.server.BaseHTTPRequestHandler):
    """Answers every text with a menu, "evil" with markup everywhere; remembers what it was told."""
    protocol_version = "HTTP/1.1"
    heard, api, news = [], "", threading.Condition()

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.wfile.flush()
        with Bot.news:
            Bot.heard.append(event)
            Bot.news.notify_all()
        if event["event_name"].startswith("user_send_"):
            self.reply(event["sender"]["id"], event["message"].get("text", ""))

    def reply(self, user, text):
        title = EVIL if text == "evil" else "Đăng ký sáng kiến"
        buttons = [{"title": title, "type": "oa.query.hide", "payload": "#b1:hide"},
                   {"title": "Hướng dẫn", "type": "oa.query.show", "payload": "#b1:show"}]
        message = {"text": EVIL if text == "evil" else "Em nghe: " + text,
                   "attachment": {"type": "template", "payload": {"buttons": buttons}}}
        body = json.dumps({"recipient": {"user_id": user}, "message": message}).encode()
        urllib.request.urlopen(urllib.request.Request(Bot.api + "/v3.0/oa/message/cs", body,
                                                      {"access_token": "t", "Content-Type": "application/json"}), timeout=10).read()

    def log_message(self, *args):
        pass


def phone(i):
    return "document.querySelectorAll('.phone')[%d]" % i


def bubbles(i, side):
    return "[...%s.querySelectorAll('.line.%s .bubble > .text')].map(e => e.textContent)" % (phone(i), side)


def write(b, i, text):
    b.click(phone(i) + ".querySelector('textarea')")
    b.type(text)


def check(ok, what):
    if not ok:
        raise Broken(what)


def hears(name, that=lambda e: True, timeout_s=8):
    """The newest event of that name for which `that` holds; the page shows what it sent before the bot gets it, so this waits."""
    def newest():
        return next((e for e in reversed(Bot.heard) if e["event_name"] == name and that(e)), None)
    with Bot.news:
        event = Bot.news.wait_for(newest, timeout_s)
    check(event, "the bot did not get " + name)
    return event


def test_a_newcomer_is_shown_how_to_begin(b):
    b.until("document.querySelectorAll('.phone').length === 3")
    b.until(phone(0) + ".querySelector('.welcome') && document.querySelectorAll('.welcome').length === 3")
    b.click(phone(0) + ".querySelector('[data-welcome=hello]')")
    b.until(bubbles(0, "mine") + "[0] === 'xin chào'")
    b.until(bubbles(0, "theirs") + "[0] === 'Em nghe: xin chào'")
    check(not b.js(phone(0) + ".querySelector('.welcome')"), "the card goes away")
    check(b.js("document.querySelectorAll('.welcome').length") == 2, "the others keep theirs")


def test_enter_sends_and_shift_enter_breaks_the_line(b):
    write(b, 0, "dòng một")
    b.key("Enter", modifiers=8)
    b.type("dòng hai")
    b.key("Enter")
    b.until(bubbles(0, "mine") + ".includes('dòng một\\ndòng hai')")
    check(b.js(phone(0) + ".querySelector('textarea').value") == "", "the field is empty again")
    b.until(phone(0) + ".querySelector('.last-mine .tick.delivered')")


def test_an_enter_of_the_input_method_does_not_send(b):
    write(b, 0, "đang gõ")
    b.js(phone(0) + ".querySelector('textarea').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))")
    check(b.js(phone(0) + ".querySelector('textarea').value") == "đang gõ", "still being written")
    b.key("Enter")
    b.until(bubbles(0, "mine") + ".includes('đang gõ')")


def test_a_hidden_tap_is_not_shown_and_a_shown_one_is(b):
    b.click(phone(0) + ".querySelector('.line.theirs .row')")  # the oldest message: its buttons still work
    b.until(bubbles(0, "theirs") + ".includes('Em nghe: #b1:hide')")
    check("#b1:hide" not in b.js(bubbles(0, "mine")), "hidden")
    b.click(phone(0) + ".querySelectorAll('.line.theirs .row')[1]")
    b.until(bubbles(0, "mine") + ".includes('#b1:show')")


def test_what_is_said_never_becomes_markup(b):
    write(b, 0, "evil")
    b.key("Enter")
    b.until(bubbles(0, "theirs") + ".includes(%s)" % json.dumps(EVIL))
    write(b, 0, EVIL)
    b.key("Enter")
    b.until(bubbles(0, "mine") + ".includes(%s)" % json.dumps(EVIL))
    b.until(bubbles(0, "theirs") + ".includes(%s)" % json.dumps("Em nghe: " + EVIL))
    check(b.js("window.hacked === undefined && !document.querySelector('.bubble script, .bubble img[src=x]')"), "nothing ran")


def test_a_message_can_be_quoted_and_reacted_to(b):
    b.js(phone(0) + ".querySelector('.line.theirs .act[aria-label^=Trả]').click()")
    write(b, 0, "ý này ạ")
    b.key("Enter")
    b.until(phone(0) + ".querySelector('.mine .quote')")
    b.until(bubbles(0, "theirs") + ".includes('Em nghe: ý này ạ')")
    hears("user_send_text", lambda e: e["message"]["text"] == "ý này ạ" and e["message"].get("quote_msg_id"))
    b.js(phone(0) + ".querySelector('.line.theirs .face').click()")
    b.until(phone(0) + ".querySelector('.line.theirs .reactions')")
    check(hears("user_reacted_message")["message"]["react_icon"] == "/-heart", "the bot gets the icon")


def test_a_dropped_picture_and_a_sticker_are_sent(b):
    b.js("""(async () => { const c = document.createElement('canvas'); c.width = c.height = 40; c.getContext('2d').fillRect(5, 5, 30, 30);
      const blob = await new Promise(done => c.toBlob(done)); const data = new DataTransfer();
      data.items.add(new File([blob], 'đồ gá.png', {type: 'image/png'}));
      %s.querySelector('.device').dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})); })()""" % phone(1))
    b.until(phone(1) + ".querySelector('.line.mine .picture.image img')?.naturalWidth === 40")
    image = hears("user_send_image")["message"]["attachments"][0]["payload"]
    check(urllib.request.urlopen(image["url"], timeout=10).read()[:4] == b"\x89PNG", "the bot can fetch it")
    b.click(phone(1) + ".querySelector('[data-tool=sticker]')")
    b.click(phone(1) + ".querySelector('.sticker')")
    b.until(phone(1) + ".querySelector('.line.mine .picture.sticker img')?.naturalWidth > 0")
    hears("user_send_sticker")


def test_following_and_receipts_reach_the_bot(b):
    b.click(phone(1) + ".querySelector('.oa-follow')")
    b.until(phone(1) + ".querySelector('.oa-sub').textContent.includes('Đang quan tâm')")
    b.until(phone(1) + ".querySelector('.line.theirs')")
    hears("follow", lambda e: e["follower"]["id"] == MINH)
    b.until("fetch('/_admin/history?user=%s').then(r => r.json()).then(h => h.messages.every(m => m.from === 'user' || m.seen))" % MINH)
    hears("user_received_message")
    hears("user_seen_message")


def test_a_phone_can_be_added_and_everything_is_there_after_a_reload(b):
    before = b.js(bubbles(0, "mine"))
    b.click("document.querySelector('.bar-add')")
    b.until("document.querySelector('.ask').open")
    b.type("Phạm Văn Tư")
    b.key("Enter")
    b.until("document.querySelectorAll('.phone').length === 4")
    write(b, 0, "chưa gửi")
    b.call("Page.reload")
    b.until("document.querySelectorAll('.phone').length === 4 && %s.length === %d" % (bubbles(0, "mine"), len(before)))
    check(b.js(bubbles(0, "mine")) == before, "the same messages in the same order")
    check(b.js(phone(0) + ".querySelector('textarea').value") == "chưa gửi", "what was being written is kept")
    check(b.js(phone(3) + ".querySelector('.owner-name').textContent") == "Phạm Văn Tư", "the new phone")


def test_a_narrow_screen_shows_one_phone_and_tabs(b):
    b.size(390, 844, mobile=True)
    b.until("[...document.querySelectorAll('.phone')].filter(p => p.offsetParent).length === 1")
    b.click("document.querySelectorAll('.tab')[1]")
    b.until(phone(1) + ".offsetParent")
    check(b.js("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out")
    b.size(1280, 800)
    b.until("[...document.querySelectorAll('.phone')].filter(p => p.offsetParent).length === 4")


def test_every_control_has_a_name(b):
    nameless = b.js("[...document.querySelectorAll('button, textarea, input, [role=log]')].filter(e => e.offsetParent && "
                    "!(e.getAttribute('aria-label') || e.textContent.trim())).map(e => e.className)")
    check(nameless == [], "without a name: %s" % nameless)


def test_the_browser_had_nothing_to_complain_about(b):
    b.js("1")
    complaints = [e for e in b.log if e["method"] != "Log.entryAdded" or e["params"]["entry"]["level"] == "error"]
    check(complaints == [], json.dumps(complaints)[:400])


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    chromium = sys.argv[2] if len(sys.argv) > 2 else shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        print("no Chromium, skipped")
        return 77
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bot)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    z = subprocess.Popen([sys.argv[1], "--listen", "127.0.0.1:0", "--access-token", "t", "--quiet",
                          "--webhook", "http://127.0.0.1:%d/webhook" % server.server_port], stdout=subprocess.PIPE, text=True)
    Bot.api = "http://127.0.0.1:" + z.stdout.readline().strip().rsplit(":", 1)[1]
    failed, b = 0, None
    try:
        b = Browser(chromium)
        b.size(1280, 800)
        b.open(Bot.api + "/")
        for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_")]:
            words = name[5:].replace("_", " ")
            try:
                test(b)
                print("ok   " + words)
            except (Broken, OSError, IndexError, KeyError) as e:
                failed += 1
                print("FAIL %s: %s" % (words, e))
            if len(sys.argv) > 3:
                b.screenshot("%s/%s.png" % (sys.argv[3], name))
    finally:
        if b:
            b.close()
        z.terminate()
        if z.wait(20) != 0:
            failed += 1
            print("FAIL the stand-in ended with status %d" % z.returncode)
        z.stdout.close()
        server.shutdown()
        server.server_close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
