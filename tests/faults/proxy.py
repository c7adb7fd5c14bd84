"""A TCP proxy before PostgreSQL that breaks connections where it hurts: just before a COMMIT reaches the server, or when its answer comes back."""
import random
import selectors
import socket
import threading

COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"  # CommandComplete
ASKED = b"COMMIT\x00"                        # inside Parse
SHARE = 1 / 3  # of the commits: were each one cut, nothing could be done at all


class Proxy:
    """`server`: the path of a Unix socket.  cut(n): of the commits from now on one in three loses its connection, before or behind it, until n have."""

    def __init__(self, server):
        self.server, self.lock, self.dice = server, threading.Lock(), random.Random(4)
        self.to_cut = self.cuts_before = self.cuts_after = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, n):
        with self.lock:
            self.to_cut += n

    def left(self):
        with self.lock:
            return self.to_cut

    def _take(self, after):
        with self.lock:
            if self.to_cut == 0 or self.dice.random() >= SHARE / 2:
                return False
            self.to_cut -= 1
            if after:
                self.cuts_after += 1
            else:
                self.cuts_before += 1
            return True

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client):
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            server.connect(self.server)
        except OSError:
            client.close()
            return
        with selectors.DefaultSelector() as ready, client, server:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in ready.select():
                    try:
                        data = key.fileobj.recv(1 << 16)
                        if not data:
                            return
                        if key.fileobj is client and ASKED in data and self._take(after=False):
                            return
                        if key.fileobj is server and COMMITTED in data and self._take(after=True):
                            return
                        key.data.sendall(data)
                    except OSError:
                        return

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # whoever waits in accept() hears of it
        self.listener.close()
