"""The bot under test or on show: the real binary, told by environment where PostgreSQL and the stand-in are."""
import http.client
import os
import subprocess

from process import Failure, Process
from standin import IDS, SECRETS


class Bot:
    def __init__(self, binary, log, folder, database_url, standin_port, port, extra=None, options=()):
        self.binary, self.log, self.port, self.options = binary, log, port, list(options)
        base = f"http://127.0.0.1:{standin_port}"
        for name in ("spool", "evidence"):
            os.makedirs(os.path.join(folder, name), mode=0o700, exist_ok=True)
        # Nothing of ours gets in, and a proxy of this machine is not for the stand-in.
        ours = {k: v for k, v in os.environ.items() if not k.startswith("SANGKIEN_")}
        self.env = {
            **ours,
            "no_proxy": "127.0.0.1",
            "SANGKIEN_SERVER_LISTEN": f"127.0.0.1:{port}",
            "SANGKIEN_DATABASE_URL": database_url,
            "SANGKIEN_ZALO_API_URL": base,
            "SANGKIEN_ZALO_OAUTH_URL": base,
            "SANGKIEN_ZALO_APP_ID": IDS["app_id"],
            "SANGKIEN_ZALO_APP_SECRET": SECRETS["app_secret"],
            "SANGKIEN_ZALO_OA_ID": IDS["oa_id"],
            "SANGKIEN_ZALO_OA_SECRET_KEY": SECRETS["oa_secret"],
            "SANGKIEN_ZALO_ACCESS_TOKEN": SECRETS["access_token"],
            "SANGKIEN_ZALO_REFRESH_TOKEN": SECRETS["refresh_token"],
            "SANGKIEN_SPOOL_PATH": os.path.join(folder, "spool"),
            "SANGKIEN_EVIDENCE_PATH": os.path.join(folder, "evidence"),
            "SANGKIEN_EVIDENCE_ALLOW_HOSTS": f"127.0.0.1:{standin_port}",
            "SANGKIEN_CHAT_PER_MINUTE": "0",  # tests type faster than people
            **(extra or {}),
        }
        self.process = None

    @property
    def webhook(self):
        return f"http://127.0.0.1:{self.port}/webhook"

    def command(self, *args, stdin=""):
        """Another command of the binary with the same settings.  @return its output."""
        done = subprocess.run([self.binary, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=self.env)
        if done.returncode != 0:
            raise Failure(f"sangkien {' '.join(args)} ended with status {done.returncode}:\n{done.stderr.strip()[-3000:]}")
        return done.stdout

    def start(self, database=True):
        """`database` False: it is ready to take events, though PostgreSQL is away."""
        self.process = Process("the bot", [self.binary, "serve", *self.options], self.log, env=self.env).start()
        self.process.wait_until(self.ready if database else self.alive, 30, "it was ready")
        return self

    def get(self, path):
        """@return (status, body), (None, "") when it does not answer."""
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            conn.request("GET", path)
            answer = conn.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return None, ""
        finally:
            conn.close()

    def alive(self):
        return self.get("/healthz")[0] == 200

    def ready(self):
        status, body = self.get("/readyz")
        return status == 200 and "degraded: the database" not in body

    def metric(self, name):
        """A number of /metrics; `name` may end with labels."""
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(f"sangkien_{name} "):
                return int(line.split()[-1])
        return None

    def stop(self):
        return self.process.stop() if self.process else None

    def kill(self):
        """Like a power cut of the process: no time to say goodbye."""
        if self.process:
            self.process.kill()
