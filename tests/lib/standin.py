"""The stand-in for Zalo: starting it, and its admin interface (tests/zalo/README.md)."""
import http.client
import json
import threading
import urllib.parse

from process import Failure, Process

IDS = {"app_id": "360846524940903967", "oa_id": "388613280878808645"}
# Invented, and only ever shown to the stand-in.
SECRETS = {"app_secret": "stand-in-app-secret", "oa_secret": "stand-in-oa-secret", "access_token": "stand-in-access-token",
           "refresh_token": "stand-in-refresh-token"}


class Standin:
    def __init__(self, binary, log, port=0, state=None, extra=()):
        self.binary, self.log, self.port, self.state, self.extra = binary, log, port, state, list(extra)
        self.process = None
        self._local = threading.local()

    def start(self, webhook):
        args = [self.binary, "--listen", f"127.0.0.1:{self.port}", "--webhook", webhook, "--app-id", IDS["app_id"],
                "--app-secret", SECRETS["app_secret"], "--oa-id", IDS["oa_id"], "--oa-secret", SECRETS["oa_secret"],
                "--access-token", SECRETS["access_token"], "--refresh-token", SECRETS["refresh_token"]]
        if self.state:
            args += ["--state", self.state]
        self.process = Process("the stand-in for Zalo", args + self.extra, self.log).start()
        self.port = int(self.process.wait_for_line(r"listening on (?:http://)?[\d.]+:(\d+)", 20).group(1))
        return self

    def stop(self):
        if self.process:
            self.process.stop()

    def call(self, method, path, body=None, timeout=90):
        """One call; the connection of a thread is kept.  `body` is JSON, or bytes.  @return the JSON answered."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        for attempt in (1, 2):  # a kept connection may have been closed meanwhile
            conn = getattr(self._local, "conn", None)
            if not conn:
                conn = self._local.conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
            try:
                conn.request(method, path, data, {"Content-Type": "application/json"} if data else {})
                answer = conn.getresponse()
                text = answer.read().decode()
                break
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError, http.client.CannotSendRequest) as e:
                conn.close()
                self._local.conn = None
                if attempt == 2:
                    raise Failure(f"the stand-in does not answer {path}: {e}") from e
            except OSError as e:
                raise Failure(f"the stand-in cannot be reached: {e}") from e
        if answer.status != 200:
            raise Failure(f"the stand-in refused {method} {path} {body}: {answer.status} {text}")
        return json.loads(text) if text.strip() else {}

    def event(self, user, kind, **fields):
        """Something the person does.  @return what the webhook answered: {"status": 200, "ms": .., "msg_id": ..}."""
        return self.call("POST", "/_admin/event", dict(fields, user=user, kind=kind))

    def upload(self, name, content):
        """A file that an event may then send.  @return its id."""
        return self.call("POST", "/_admin/media?" + urllib.parse.urlencode({"name": name}), content)["media"]

    def settings(self):
        return self.call("GET", "/_admin/settings")

    def calm(self, settings):
        """Ends all trouble: no faults, and those settings."""
        self.call("DELETE", "/_admin/fault")
        self.call("POST", "/_admin/settings", settings)

    def sent(self, user, after, wait_ms, count=1):
        """What the bot sent to that person behind sequence number `after`; waits until there are `count` or the time is up."""
        query = urllib.parse.urlencode({"user": user, "after": after, "wait_ms": wait_ms, "count": count})
        answer = self.call("GET", "/_admin/sent?" + query)
        return answer["messages"] if isinstance(answer, dict) else answer
