"""What the stand-in's tests share: the stand-in as a process, a bot at the other end of its webhook, checks with a sentence."""
import hashlib
import http.client
import http.server
import json
import signal
import subprocess
import threading
import urllib.parse

BINARY = ""  # set by the runner
APP_ID, OA_ID = "360846524940903967", "388613280878808645"
OA_SECRET, APP_SECRET = "demo-oa-secret", "demo-app-secret"
WAIT_S = 10


class Bot:
    """The other end of the webhook: records what comes and answers what `answer` says."""

    def __init__(self):
        bot = self
        self.seen, self.changed, self.answer, self.hang_up = [], threading.Condition(), lambda hook: 200, False

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook = {"body": body, "signature": self.headers.get("X-ZEvent-Signature"),
                        "num_retry": self.headers.get("num_retry"), "json": json.loads(body)}
                with bot.changed:
                    bot.seen.append(hook)
                    bot.changed.notify_all()
                status = bot.answer(hook)
                self.close_connection = bot.hang_up  # without saying so
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"{}")
                except OSError:
                    pass  # the stand-in did not wait any longer, as it should

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass  # a connection the stand-in gave up

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d/webhook" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def wait(self, wanted, count=1):
        """The first `count` recorded webhooks that `wanted` accepts."""
        with self.changed:
            ok = self.changed.wait_for(lambda: len([h for h in self.seen if wanted(h)]) >= count, WAIT_S)
            found = [h for h in self.seen if wanted(h)]
        check(ok, "waited for %d webhooks, got %d" % (count, len(found)))
        return found[:count]

    def named(self, name, count=1):
        return self.wait(lambda h: h["json"].get("event_name") == name, count)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Standin:
    running = []

    def __init__(self, *options, webhook=None):
        self.process = subprocess.Popen(
            [BINARY, "--listen", "127.0.0.1:0", "--quiet", "--access-token", "first-access", "--refresh-token", "first-refresh",
             *(["--webhook", webhook] if webhook else []), *options], stdout=subprocess.PIPE, text=True)
        Standin.running.append(self.process)
        line = self.process.stdout.readline()
        self.port = int(line.rsplit(":", 1)[1])
        self.con = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)

    def raw(self, method, path, body=None, headers=None, fresh=False):
        con = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S) if fresh else self.con
        con.request(method, path, body, headers or {})
        r = con.getresponse()
        return r.status, r.headers, r.read()

    def admin(self, name, wish=None, method=None, fresh=False):
        status, _, body = self.raw(method or ("GET" if wish is None else "POST"), "/_admin/" + name,
                                   None if wish is None else json.dumps(wish), fresh=fresh)
        out = json.loads(body)
        if status != 200:
            raise Failed("admin call %s: %s" % (name, out))
        return out

    def event(self, user="u1", kind="text", fresh=False, **more):
        if kind in ("text", "anonymous_text", "group_text"):
            more.setdefault("text", "xin chào")
        return self.admin("event", dict(more, user=user, kind=kind), fresh=fresh)

    def api(self, method, path, body=None, token="first-access", fresh=False, **headers):
        headers["access_token"] = token
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        status, head, answer = self.raw(method, path, body, {k.replace("_T", "-T"): v for k, v in headers.items() if v}, fresh)
        check(status == 200, "application errors come with HTTP 200, not %d" % status)
        self.head = head
        return json.loads(answer)

    def get(self, path, data=None, **more):
        query = "?data=" + urllib.parse.quote(json.dumps(data)) if data is not None else ""
        return self.api("GET", path + query, **more)

    def cs(self, message, user="u1", **more):
        if isinstance(message, str):
            message = {"text": message}
        return self.api("POST", "/v3.0/oa/message/cs", {"recipient": {"user_id": user}, "message": message}, **more)

    def oauth(self, secret=APP_SECRET, app=APP_ID, **form):
        status, _, body = self.raw("POST", "/v4/oa/access_token", urllib.parse.urlencode(dict(form, app_id=app)),
                                   {"secret_key": secret, "Content-Type": "application/x-www-form-urlencoded"})
        check(status == 200, "OAuth answers are HTTP 200")
        return json.loads(body)

    def refresh(self, token, **more):
        return self.oauth(grant_type="refresh_token", refresh_token=token, **more)

    def upload(self, kind, name, content):
        body = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode() + \
               b'"\r\nContent-Type: application/octet-stream\r\n\r\n' + content + b"\r\n--xyz--\r\n"
        return self.api("POST", "/v2.0/oa/upload/" + kind, body, **{"Content_Type": "multipart/form-data; boundary=xyz"})

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(WAIT_S)
        self.process.stdout.close()
        self.con.close()
        return code


class Failed(Exception):
    pass


def check(ok, what):
    if not ok:
        raise Failed(what)


def same(got, want, what=""):
    check(got == want, "%s: got %r, want %r" % (what or "differs", got, want))


def signed_by(hook, app=APP_ID, secret=OA_SECRET):
    digest = hashlib.sha256(app.encode() + hook["body"] + str(hook["json"]["timestamp"]).encode() + secret.encode()).hexdigest()
    return hook["signature"] == "mac=" + digest


def buttons(*rows):
    return {"text": "Chọn", "attachment": {"type": "template", "payload": {"buttons": list(rows)}}}


def query(title="Nút", payload="#b1:x", kind="oa.query.hide"):
    return {"title": title, "type": kind, "payload": payload}


def refused(act):
    """Whether an admin call is answered with an error."""
    try:
        act()
    except Failed:
        return True
    return False
