"""The machine below the benchmark: a network and processes of its own, what
runs on which core, certificates, and what processes look like from outside.

All of it lives in namespaces of its own where the system allows that: then
the loopback is nobody else's, its settings can be chosen, no port is taken,
and whatever way the benchmark ends, everything it started ends with it."""
import ctypes
import fcntl
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

START_S = 60
STOP_S = 3
PROXY_CORE, RIG_CORE = 0, min(1, os.cpu_count() - 1)
INSIDE = "FAIRLEAD_BENCH_INSIDE"
# BBR, the default on some hosts, paces what passes the loopback; new
# connections by the ten thousand want many ports.
SETTINGS = {
    "tcp_congestion_control": "cubic",
    "ip_local_port_range": "10000 65000",
    "tcp_tw_reuse": "1",
}
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """Something of the rig, or a proxy, did not do what it must."""


def enter():
    """Go on inside of the namespaces, or say that there are none."""
    if INSIDE in os.environ:
        raise_loopback()
        for name, value in SETTINGS.items():
            with open("/proc/sys/net/ipv4/" + name, "w") as f:
                f.write(value)
        return
    wall = ["unshare", "--net", "--pid", "--fork", "--kill-child",
            "--mount-proc"]
    if os.getuid() != 0:
        wall[1:1] = ["--map-current-user", "--keep-caps"]
    if subprocess.run(["env"] + wall + ["true"],
                      stderr=subprocess.DEVNULL).returncode:
        print("bench: no namespaces here: the network's settings stay what "
              "they are, and figures are less sure", flush=True)
        return
    inside = subprocess.Popen(
        wall + [sys.executable, "-B"] + sys.argv, preexec_fn=die_with_parent,
        env=dict(os.environ, **{INSIDE: "yes"}))
    # unshare itself hears no signal.
    on_end(lambda n: [os.kill(p, n) for p in tree(inside.pid)[1:2]])
    sys.exit(inside.wait())


def on_end(call):
    for n in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(n, lambda n, _: call(n))


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        get, put, up = 0x8913, 0x8914, 1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP
        request = fcntl.ioctl(s, get, struct.pack("16sh22x", b"lo", 0))
        flags = struct.unpack("16sh22x", request)[1]
        fcntl.ioctl(s, put, struct.pack("16sh22x", b"lo", flags | up))


def cores_for(workers):
    """One core for the proxy; a second worker has another only where neither
    the first nor the load would share it."""
    if workers > 1 and os.cpu_count() >= 2 + workers:
        return {PROXY_CORE} | set(range(2, 1 + workers))
    return {PROXY_CORE}


class Process:
    """Pinned to its cores, if there are any.  Its words go to a file of its
    directory; those of one that talks can be read."""

    def __init__(self, command, cores, directory, env=None, talks=False):
        self.log = tempfile.NamedTemporaryFile(
            "w+", dir=directory, prefix="log.", delete=False)

        def prepare():
            die_with_parent()
            if cores is not None:
                os.sched_setaffinity(0, cores)
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

        self.child = subprocess.Popen(
            command, preexec_fn=prepare, cwd=directory,
            stdin=subprocess.DEVNULL, stderr=self.log, text=True,
            stdout=subprocess.PIPE if talks else self.log,
            env=dict(os.environ, HOME=directory, **(env or {})))
        self.pid = self.child.pid

    def words(self):
        with open(self.log.name, errors="replace") as f:
            return f.read()[-2000:]

    def said(self, pattern):
        """What it says, when it comes."""
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.child.poll() is None:
            if found := re.search(pattern, self.words()):
                return found.group(1)
            time.sleep(0.02)
        raise Failure("does not say %s: %s" % (pattern, self.words()))

    def listens(self, port):
        """Wait for it."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self.child.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Failure("does not listen: " + self.words())

    def stop(self):
        everybody = tree(self.pid)
        for how in signal.SIGTERM, signal.SIGKILL:
            for pid in everybody:
                try:
                    os.kill(pid, how)
                except ProcessLookupError:
                    pass
            try:
                self.child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                continue
            everybody = [p for p in everybody[1:] if is_alive(p)]
            if not everybody:
                break
        if self.child.stdout is not None:
            self.child.stdout.close()
        self.log.close()


def is_alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def tree(pid):
    """The process and all that come from it."""
    children = {}
    for entry in os.listdir("/proc"):
        try:
            with open("/proc/%d/stat" % int(entry)) as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError):
            continue
        children.setdefault(parent, []).append(int(entry))
    all, at = [pid], 0
    while at < len(all):
        all += children.get(all[at], [])
        at += 1
    return all


def memory_kib(pids, field):
    """VmRSS or VmHWM of all of them."""
    sum = 0
    for pid in pids:
        try:
            with open("/proc/%d/status" % pid) as f:
                sum += next((int(line.split()[1]) for line in f
                             if line.startswith(field)), 0)
        except OSError:
            pass
    return sum


def busy_us(pids):
    """Processor time of all their threads so far."""
    ns = 0
    for pid in pids:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
                ns += int(f.read().split()[0])
    return ns / 1000


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Directory:
    """In memory where there is any; gone when the block ends."""

    def __enter__(self):
        memory = "/dev/shm"
        self.path = tempfile.mkdtemp(
            prefix="fairlead-bench.",
            dir=memory if os.access(memory, os.W_OK) else None)
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def make_certificate(directory):
    """cert.pem, key.pem, both.pem; openssl.cnf: one ticket a handshake, for
    whoever takes OpenSSL's defaults."""
    path = directory + "/"
    subprocess.run(
        ["openssl", "req", "-x509", "-days", "2", "-nodes", "-newkey", "ec",
         "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=v0.test",
         "-keyout", path + "key.pem", "-out", path + "cert.pem"],
        check=True, stderr=subprocess.DEVNULL)
    with open(path + "both.pem", "w") as both:
        for name in "cert.pem", "key.pem":
            with open(path + name) as f:
                both.write(f.read())
    with open(path + "openssl.cnf", "w") as f:
        f.write("openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\n"
                "system_default = defaults\n[defaults]\nNumTickets = 1\n")
