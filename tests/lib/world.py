"""PostgreSQL, the stand-in and the bot together, in one folder: for the demo, the chats and whoever needs a running bot."""
import os

from bot import Bot
from pgbouncer import PgBouncer
from postgres import Postgres
from process import Failure, free_port
from standin import Standin

DATABASE = "sangkien"


def root():
    """The checkout."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class World:
    """`folder` holds all data and logs.  `extra` are further settings of the bot as environment.
    `pooled`: the bot sees PostgreSQL through pgbouncer in transaction pooling only."""

    def __init__(self, folder, build, fast=False, ports=(0, 0), state=None, extra=None, standin_extra=(), pooled=False):
        self.folder, self.extra = folder, extra
        self.logs = os.path.join(folder, "log")
        os.makedirs(self.logs, mode=0o700, exist_ok=True)
        self.bot_binary = os.path.join(build, "bot", "sangkien")
        standin_binary = os.path.join(build, "tests", "zalo", "zalo-standin")
        for binary in (self.bot_binary, standin_binary):
            if not os.access(binary, os.X_OK):
                raise Failure(f"{binary} is missing: build first (./run build)")
        self.postgres = Postgres(os.path.join(folder, "pg"), self.log("postgres"), fast)
        self.standin = Standin(standin_binary, self.log("standin"), free_port(ports[0]), state, standin_extra)
        self.bot_port = free_port(ports[1], (self.standin.port,))
        self.bot = None
        self.pooler = PgBouncer(os.path.join(folder, "pgbouncer"), self.postgres, self.log("pgbouncer")) if pooled else None

    def log(self, name):
        return os.path.join(self.logs, name + ".log")

    def start(self):
        self.postgres.start()
        self.postgres.create_database(DATABASE)
        self.bot = Bot(self.bot_binary, self.log("bot"), self.folder, self.postgres.url(DATABASE), self.standin.port, self.bot_port,
                       self.extra)
        self.bot.command("migrate")
        if self.pooler:
            self.pooler.start()
            self.bot.env.update({"SANGKIEN_DATABASE_URL": self.pooler.url(DATABASE), "SANGKIEN_DATABASE_NAMED_STATEMENTS": "no"})
        with open(os.path.join(root(), "tests", "data", "demo-units.sql"), encoding="utf-8") as f:
            self.postgres.psql(DATABASE, f.read())
        self.standin.start(self.bot.webhook)
        self.bot.start()
        return self

    def processes(self):
        return [p for p in (self.postgres.process, self.standin.process, self.bot and self.bot.process) if p]

    def stop(self):
        """In the order that lets the bot finish what it has begun.  @return the bot's exit status."""
        status = self.bot.stop() if self.bot else None
        self.standin.stop()
        if self.pooler:
            self.pooler.stop()
        self.postgres.stop()
        return status
