"""pgbouncer in transaction pooling in front of a private PostgreSQL: what a hosted database often puts there."""
import os
import shutil

from process import Failure, Process, free_port

SETTINGS = """[databases]
* = host={postgres}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = 6
max_client_conn = 200
server_reset_query_always = 0
ignore_startup_parameters = extra_float_digits
"""


def binary():
    return shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")


class PgBouncer:
    def __init__(self, folder, postgres, log):
        self.folder, self.postgres, self.log, self.port, self.process = folder, postgres, log, free_port(0), None

    def start(self):
        if not binary():
            raise Failure("pgbouncer is not installed: apt-get install pgbouncer")
        os.makedirs(self.folder, mode=0o755, exist_ok=True)
        users, settings = os.path.join(self.folder, "users"), os.path.join(self.folder, "pgbouncer.ini")
        with open(users, "w", encoding="ascii") as f:
            f.write('"sangkien" ""\n')
        with open(settings, "w", encoding="ascii") as f:
            f.write(SETTINGS.format(postgres=self.postgres.folder, port=self.port, users=users))
        self.process = Process("pgbouncer", [binary(), settings], self.log, user=self.postgres.user, cwd="/").start()
        self.process.wait_for_line("process up", 20)
        return self

    def url(self, database):
        return f"host=127.0.0.1 port={self.port} user=sangkien dbname={database}"

    def stop(self):
        if self.process:
            self.process.stop()
