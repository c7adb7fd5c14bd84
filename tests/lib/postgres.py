"""A private PostgreSQL: one folder, one Unix socket, no TCP port, never as root, no system cluster touched."""
import glob
import os
import shutil
import signal
import subprocess

from process import Failure, Process, unprivileged_user

# One small server on a shared machine.
SETTINGS = {
    "listen_addresses": "''",
    "shared_buffers": "64MB",
    "log_min_duration_statement": "1000",
    "timezone": "'UTC'",
}
# A lost test database is not missed.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum_naptime": "'10s'"}


def binaries():
    """The folder of initdb and postgres: the newest version installed from 15 on."""
    found = [d for d in glob.glob("/usr/lib/postgresql/*/bin") if os.access(d + "/postgres", os.X_OK)]
    versions = sorted((int(d.split("/")[4]), d) for d in found if d.split("/")[4].isdigit())
    if versions and versions[-1][0] >= 15:
        return versions[-1][1]
    raise Failure("PostgreSQL 15 or newer is not installed: apt-get install postgresql")


class Postgres:
    def __init__(self, folder, log, fast=False):
        self.folder, self.data, self.log = folder, os.path.join(folder, "data"), log
        self.fast, self.process, self.bin = fast, None, binaries()
        self.user = unprivileged_user()
        if len(folder) > 80:
            raise Failure(f"{folder} is too long a name for a Unix socket: use a shorter one")

    def _run_as(self):
        if not self.user:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def _make_folder(self):
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        os.chmod(self.folder, 0o700)  # trust below means: whoever may enter this folder

    def _initdb(self):
        # Data that initdb did not finish is no data.
        shutil.rmtree(self.data + ".new", ignore_errors=True)
        done = subprocess.run([self.bin + "/initdb", "-D", self.data + ".new", "-U", "sangkien", "--auth=trust", "--encoding=UTF8",
                               "--locale=C.UTF-8", "--no-instructions"] + (["--no-sync"] if self.fast else []),
                              cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **self._run_as())
        if done.returncode != 0:
            if "No space left" in done.stdout:
                raise Failure(f"no space left for the database in {self.folder}: free about 200 MB there and run this again")
            raise Failure(f"initdb failed in {self.folder}:\n{done.stdout}")
        os.rename(self.data + ".new", self.data)

    def start(self):
        self._make_folder()
        if not os.path.exists(os.path.join(self.data, "PG_VERSION")):
            self._initdb()
        with open(os.path.join(self.data, "PG_VERSION"), encoding="ascii") as f:
            version = f.read().strip()
        if f"/{version}/" not in self.bin:
            other = f"/usr/lib/postgresql/{version}/bin"
            if not os.path.exists(other + "/postgres"):
                raise Failure(f"the data in {self.folder} belong to PostgreSQL {version}, which is not installed: "
                              f"install postgresql-{version}, or delete that folder to begin anew")
            self.bin = other
        options = dict(SETTINGS, unix_socket_directories="'%s'" % self.folder, **(FAST if self.fast else {}))
        args = [self.bin + "/postgres", "-D", self.data]
        for key, value in options.items():
            args += ["-c", f"{key}={value.strip(chr(39))}"]
        # SIGINT is PostgreSQL's fast shutdown: connections are ended, data are written.
        self.process = Process("PostgreSQL", args, self.log, user=self.user, stop_signal=signal.SIGINT, cwd="/").start()
        self.process.wait_until(self.ready, 60, "it accepted connections")
        return self

    def ready(self):
        return subprocess.run([self.bin + "/pg_isready", "-q", "-h", self.folder, "-U", "sangkien"]).returncode == 0

    def url(self, database):
        return f"host={self.folder} user=sangkien dbname={database}"

    def psql(self, database, sql, *options):
        """Runs SQL text and returns what psql prints (rows as a|b without heading unless options say otherwise)."""
        args = [self.bin + "/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        args += list(options) if options else ["-A", "-t"]
        done = subprocess.run(args, input=sql, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Failure(f"psql said: {done.stderr.strip()}")
        return done.stdout

    def create_database(self, name):
        """Makes the database when it is missing."""
        if not self.psql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{name}'").strip():
            self.psql("postgres", f"CREATE DATABASE {name}")

    def stop(self):
        if self.process:
            self.process.stop(30)


class Session:
    """A psql that stays, for many small queries; one per thread."""

    END = "---end-of-rows---"

    def __init__(self, postgres, database):
        args = [postgres.bin + "/psql", "-X", "-q", "-A", "-t", "-d", postgres.url(database)]
        self.child = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def query(self, sql):
        """@return the rows as lines of a|b."""
        self.child.stdin.write(sql.rstrip().rstrip(";") + f"\n;\n\\echo {self.END}\n")
        self.child.stdin.flush()
        rows = []
        for line in self.child.stdout:
            if line.rstrip("\n") == self.END:
                break
            rows.append(line)
        text = "".join(rows)
        if text.startswith("ERROR"):
            raise Failure(f"PostgreSQL says {text.strip()} to: {sql}")
        return text

    def close(self):
        self.child.stdin.close()
        self.child.wait()
