"""A crowd of workers who chat: signed events over kept connections, each person's in order, every answer checked."""
import hashlib
import http.client
import json
import threading

from process import Failure
from standin import IDS, SECRETS

CONNECTIONS = 24  # the bot batches what comes at the same time
TRIES = 60        # an event is sent again until it is taken, as Zalo does; a restart takes about a second
PAUSE_S = 0.1


def event_body(user, name, message, at_ms):
    return json.dumps({"app_id": IDS["app_id"], "event_name": name, "timestamp": str(at_ms), "sender": {"id": user},
                       "recipient": {"id": IDS["oa_id"]}, "message": message}, ensure_ascii=False).encode()


def signature(body, at_ms):
    secret = IDS["app_id"].encode() + body + str(at_ms).encode() + SECRETS["oa_secret"].encode()
    return "mac=" + hashlib.sha256(secret).hexdigest()


class Crowd:
    """`now_ms()` is the time the people live in."""

    def __init__(self, port, now_ms):
        self.port, self.now_ms, self.sent, self.again = port, now_ms, 0, 0
        self._stopped = threading.Event()

    def _post(self, conn, body, at_ms):
        for _ in range(TRIES):
            try:
                conn.request("POST", "/webhook", body, {"Content-Type": "application/json", "X-ZEvent-Signature": signature(body, at_ms)})
                answer = conn.getresponse()
                answer.read()
                if answer.status == 200:
                    return
            except (OSError, http.client.HTTPException):
                conn.close()
            self.again += 1
            self._stopped.wait(PAUSE_S)
        raise Failure(f"an event was not taken in {TRIES} tries")

    def say(self, talks, at_ms=None):
        """`talks`: (user id, [texts]) in any number; one person's texts go out one after the other.  `at_ms`: signed at that moment."""
        talks, lock, errors = iter(talks), threading.Lock(), []

        def work():
            conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                while not errors:
                    with lock:
                        talk = next(talks, None)
                    if talk is None:
                        return
                    user, texts = talk
                    for text in texts:
                        signed_ms = at_ms or self.now_ms()
                        with lock:
                            self.sent += 1
                            number = self.sent
                        self._post(conn, event_body(user, "user_send_text", {"msg_id": f"r{number:012d}", "text": text}, signed_ms), signed_ms)
            except Failure as e:
                errors.append(e)
            finally:
                conn.close()
        threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if errors:
            raise errors[0]
