"""Two PostgreSQL servers, one following the other synchronously: the standby is promoted when the other has died, and the dead one
comes back as its standby."""
import os
import shutil
import signal
import subprocess

from postgres import Postgres
from process import Failure, Process, free_port

OPTIONS = {"listen_addresses": "127.0.0.1", "wal_level": "replica", "max_wal_senders": "8", "hot_standby": "on", "wal_keep_size": "64MB", "shared_buffers": "64MB",
           "max_connections": "60", "timezone": "UTC", "wal_receiver_status_interval": "1s"}


class Server(Postgres):
    """One of the two, on a TCP port of its own."""

    def __init__(self, folder, log, port):
        super().__init__(folder, log)
        self.port = port

    def url(self, database):
        return f"host=127.0.0.1 port={self.port} user=sangkien dbname={database}"

    def ready(self):
        return subprocess.run([self.bin + "/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "sangkien"]).returncode == 0

    def start(self):
        self._make_folder()
        if not os.path.exists(os.path.join(self.data, "PG_VERSION")):
            self._initdb()
        args = [self.bin + "/postgres", "-D", self.data, "-p", self.port]
        for key, value in dict(OPTIONS, unix_socket_directories=self.folder).items():
            args += ["-c", f"{key}={value}"]
        self.process = Process("PostgreSQL", args, self.log, user=self.user, stop_signal=signal.SIGINT, cwd="/").start()
        self.process.wait_until(self.ready, 60, "it accepted connections")
        return self

    def clone(self, primary):
        """Becomes the standby of `primary`, from its base backup."""
        self._make_folder()
        shutil.rmtree(self.data, ignore_errors=True)
        done = subprocess.run([self.bin + "/pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "-h", "127.0.0.1", "-p", str(primary.port),
                               "-U", "sangkien"], cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **self._run_as())
        if done.returncode != 0:
            raise Failure(f"pg_basebackup failed: {done.stdout}")


class Pair:
    def __init__(self, folder, log):
        ports = [free_port(0)]
        ports.append(free_port(0, ports))
        self.servers = [Server(os.path.join(folder, name), log(name), port) for name, port in zip(("pg-a", "pg-b"), ports)]

    @property
    def primary(self):
        return self.servers[0]

    @property
    def standby(self):
        return self.servers[1]

    @property
    def process(self):
        return self.primary.process

    def url(self, database):
        hosts = sorted(self.servers, key=lambda s: s.port)
        return f"host=127.0.0.1,127.0.0.1 port={','.join(str(s.port) for s in hosts)} user=sangkien dbname={database} target_session_attrs=read-write"

    def start(self):
        self.primary.start()
        self.follow()
        return self

    def follow(self):
        """The standby is made anew and commits wait for it from now on."""
        self.standby.clone(self.primary)
        self.standby.start()
        self.wait_for(self.primary, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", "1")
        self.synchronous("*")
        self.wait_for(self.primary, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", "1")

    def synchronous(self, names):
        self.primary.psql("postgres", f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        self.primary.psql("postgres", "SELECT pg_reload_conf()")

    def wait_for(self, server, sql, want):
        server.process.wait_until(lambda: server.psql("postgres", sql).strip() == want, 60, sql)

    def fail_over(self):
        """The primary dies; the standby takes over.  The other is not back yet: follow()."""
        self.primary.process.kill()
        self.servers.reverse()
        with open(os.path.join(self.primary.data, "postgresql.auto.conf"), "a", encoding="ascii") as f:
            f.write("synchronous_standby_names = ''\n")  # nobody follows the new one yet
        self.primary.psql("postgres", "SELECT pg_reload_conf()")
        self.primary.psql("postgres", "SELECT pg_promote(true, 60)")

    def create_database(self, name):
        self.primary.create_database(name)
        # A commit waits until the standby has it on disk, not until it shows: who asks the standby first would be told it does not exist.
        self.wait_for(self.standby, f"SELECT count(*) FROM pg_database WHERE datname = '{name}'", "1")

    def psql(self, database, sql, *options):
        return self.primary.psql(database, sql, *options)

    def stop(self):
        for server in self.servers:
            server.stop()
