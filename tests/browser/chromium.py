"""A headless Chromium driven over its DevTools protocol, with nothing but the standard library."""
import base64
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import urllib.parse

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-extensions", "--hide-scrollbars", "--remote-debugging-port=0"]


class Broken(Exception):
    pass


class WebSocket:
    """RFC 6455 client: text messages only, which is all DevTools sends."""

    def __init__(self, url, timeout_s):
        u = urllib.parse.urlparse(url)
        self.sock = socket.create_connection((u.hostname, u.port), timeout_s)
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(("GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                           "Sec-WebSocket-Version: 13\r\n\r\n" % (u.path, u.netloc, key)).encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            self.rest += self._more()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise Broken("the browser refused the DevTools connection")

    def _more(self):
        data = self.sock.recv(1 << 16)
        if not data:
            raise Broken("the browser closed the DevTools connection")
        return data

    def _take(self, n):
        while len(self.rest) < n:
            self.rest += self._more()
        out, self.rest = self.rest[:n], self.rest[n:]
        return out

    def send(self, text):
        data, mask = text.encode(), os.urandom(4)
        n = len(data)
        head = bytes([0x81]) + (bytes([0x80 | n]) if n < 126 else bytes([0xFE]) + struct.pack(">H", n) if n < 65536
                                else bytes([0xFF]) + struct.pack(">Q", n))
        self.sock.sendall(head + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(data)))

    def receive(self):
        text = b""
        while True:
            first, second = self._take(2)
            n = second & 127
            if n > 125:
                n = struct.unpack(">H" if n == 126 else ">Q", self._take(2 if n == 126 else 8))[0]
            text += self._take(n)
            if first & 0x80:
                return text.decode()


class Browser:
    def __init__(self, binary, timeout_s=30):
        self.profile = tempfile.mkdtemp(prefix="standin-chromium-")
        self.process = subprocess.Popen([binary, *FLAGS, "--user-data-dir=" + self.profile, "about:blank"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if line.startswith("DevTools listening on "):
                url = line.split(" ")[3].strip()
                break
        else:
            raise Broken("the browser did not start")
        self.next_id, self.log = 0, []
        self.ws = WebSocket(url, timeout_s)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")

    def call(self, method, **params):
        self.next_id += 1
        message = {"id": self.next_id, "method": method, "params": params}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        self.ws.send(json.dumps(message))
        while True:
            got = json.loads(self.ws.receive())
            if got.get("id") == self.next_id:
                if "error" in got:
                    raise Broken("%s: %s" % (method, got["error"]["message"]))
                return got["result"]
            if got.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening"):
                self.log.append(got)

    def size(self, width, height, mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if mobile else 1, mobile=mobile)

    def open(self, url):
        self.call("Page.navigate", url=url)

    def js(self, expression):
        """The value of a JavaScript expression; promises are awaited."""
        got = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in got:
            raise Broken("%s: %s" % (expression[:80], got["exceptionDetails"].get("exception", {}).get("description", "failed")))
        return got["result"].get("value")

    def until(self, condition, timeout_ms=8000):
        """Waits in the page until the expression, or what it promises, is true."""
        return self.js("(async () => { const end = performance.now() + %d; for (;;) { let v = null; try { v = await (%s); } catch { } "
                       "if (v) return true; if (performance.now() > end) throw new Error('never came true: ' + %s); "
                       "await new Promise(next => setTimeout(next, 15)); } })()" % (timeout_ms, condition, json.dumps(condition)))

    def click(self, selector):
        at = self.js("(() => { const e = %s; e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); "
                     "return [r.x + r.width / 2, r.y + r.height / 2]; })()" % selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button="left", clickCount=1)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def key(self, key, modifiers=0):
        code = {"Enter": 13, "Escape": 27, "Tab": 9}[key]
        more = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, modifiers=modifiers, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code, modifiers=modifiers)

    def screenshot(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.process.stderr.close()
        self.ws.sock.close()
        shutil.rmtree(self.profile, ignore_errors=True)
