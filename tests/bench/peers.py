"""Who is measured: fairlead, the relay, and the peers of Debian with settings
that an expert would choose for the scenario.  Each subject says whether it
can do a scenario, writes its configuration into a directory, and names its
command.

A stage is what a scenario gives to all of them: `port', `admin' (a port for
metrics), `servers' (ports), `directory', `certificates' (a directory), and
`generation', the text that /generation answers where there is a reload."""
import os
import shutil
import subprocess

# Each balancer of fairlead by the words of others; one that they have not is
# measured without them.
POLICIES = {
    "round_robin": {"nginx": "", "haproxy": "roundrobin"},
    "least_connections": {"nginx": "least_conn;", "haproxy": "leastconn"},
}


class Subject:
    name = program = None
    is_peer = True
    version_word = "-v"
    env = {}

    def is_there(self):
        return shutil.which(self.program) is not None

    def version(self):
        """What it says of itself, in one line."""
        said = subprocess.run([self.program, self.version_word], text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT).stdout
        return said.partition("\n")[0]

    def does(self, s):
        """Nothing but plain load, if not said otherwise."""
        return (s.servers == 1 and s.event is None and s.routes == 1 and
                s.workers == 1 and not s.is_open)

    def files(self, s, stage):
        return {}

    def command(self, s, stage):
        raise NotImplementedError

    def reload(self, process):
        raise NotImplementedError


class Relay(Subject):
    """The limit: it moves bytes and reads none."""
    name, is_peer = "relay", False

    def __init__(self, programs):
        self.program = programs + "/relay"

    def version(self):
        return None

    def does(self, s):
        return s.workers == 1

    def command(self, s, stage):
        command = [self.program]
        if s.fresh:
            command.append("-g")
        if s.servers > 1:
            command.append("-a")
        if s.bulk and not s.tls:
            command.append("-s")
        if s.tls:
            c = stage.certificates
            command += ["-c", c + "/cert.pem", "-k", c + "/key.pem", "-n", "1"]
        return command + [str(stage.port)] + [str(p) for p in stage.servers]


class Fairlead(Subject):
    name, is_peer, version_word = "fairlead", False, "--version"

    def __init__(self, program):
        self.program = program

    def does(self, s):
        return True

    def files(self, s, stage):
        listener = 'address: "127.0.0.1:%d", limits: { max_connections: ' \
            '20000 }' % stage.port
        if s.tls:
            listener += ", tls: { certificates: [ { cert: %s/cert.pem, " \
                "key: %s/key.pem } ] }" % ((stage.certificates,) * 2)
        upstream = "balance: { policy: %s }, pool: { max_idle: 4096 }" % \
            s.policy
        if s.event == "probes":
            upstream += ", health_check: { path: /, interval: 1s, " \
                "jitter: 0% }"
        hosts = ["  - { name: v%d, host: v%d.test, to: main }" % (i, i)
                 for i in range(s.routes)] if s.routes > 1 else []
        if s.event == "reload":
            hosts.append("  - { host: generation.test, respond: { body: "
                         '"%s" } }' % stage.generation)
        return {"fairlead.yaml": "\n".join([
            "workers: %d" % s.workers,
            "listeners: { bench: { %s } }" % listener,
            'admin: { address: "127.0.0.1:%d" }' % stage.admin,
            "access_log: " + ("{ output: access.json }" if s.log else "off"),
            "upstreams:",
            "  main: { %s, servers: [%s] }" % (upstream, ", ".join(
                '"127.0.0.1:%d"' % p for p in stage.servers)),
            "routes:"] + hosts + ["  - { name: all, to: main }", ""])}

    def command(self, s, stage):
        return [self.program, "-c", stage.directory + "/fairlead.yaml"]

    def reload(self, process):
        os.kill(process.pid, 1)


class HAProxy(Subject):
    name = program = "haproxy"

    def does(self, s):
        return "haproxy" in POLICIES.get(s.policy, {})

    def files(self, s, stage):
        bind = "bind 127.0.0.1:%d backlog 4096" % stage.port
        if s.tls:
            bind += " ssl crt %s/both.pem" % stage.certificates
        check = " check inter 1s" if s.event == "probes" else ""
        lines = [
            "global", "  nbthread %d" % s.workers,
            "  maxconn %d" % (4000 if s.bulk else 9200),
            "  spread-checks 0",
            "defaults", "  mode http", "  timeout connect 5s",
            "  timeout client 300s", "  timeout server 60s",
            "  http-reuse always"]
        if s.bulk and not s.tls:
            lines.append("  option splice-response")
        lines += ["frontend bench", "  " + bind]
        if s.log:
            lines += self.log_lines()
        if s.event == "reload":
            lines.append(
                "  http-request return status 200 content-type text/plain "
                'string "%s" if { hdr(host) generation.test }' %
                stage.generation)
        lines.append("  default_backend main" if s.routes == 1 else
                     "  use_backend %[req.hdr(host),lower,map_str(" +
                     stage.directory + "/hosts.map,main)]")
        if s.event == "scrape":
            lines += ["frontend metrics",
                      "  bind 127.0.0.1:%d" % stage.admin,
                      "  http-request use-service prometheus-exporter"]
        lines += ["backend main",
                  "  balance " + POLICIES[s.policy]["haproxy"]]
        lines += ["  server s%d 127.0.0.1:%d%s" % (i, port, check)
                  for i, port in enumerate(stage.servers)]
        return {"haproxy.cfg": "\n".join(lines + [""]),
                "hosts.map": "".join("v%d.test main\n" % i
                                     for i in range(s.routes))}

    @staticmethod
    def log_lines():
        return [
            "  log stdout format raw local0",
            "  capture request header Host len 64",
            "  capture request header User-Agent len 128",
            "  unique-id-format %{+X}o%ci:%cp_%fi:%fp_%Ts_%rt:%pid",
            "  unique-id-header X-Request-Id",
            '  log-format \'{"ts":"%[date,ltime(%FT%TZ)]",'
            '"request_id":"%ID","client_ip":"%ci","method":"%HM",'
            '"host":"%[capture.req.hdr(0),json]","path":"%HP",'
            '"status":%ST,"upstream":"%b","server":"%s","bytes_in":%U,'
            '"bytes_out":%B,"duration_ms":%Ta,"ttfb_ms":%Tr,'
            '"user_agent":"%[capture.req.hdr(1),json]"}\'']

    def command(self, s, stage):
        mode = "-W" if s.event == "reload" else "-db"
        return [self.program, mode, "-f", stage.directory + "/haproxy.cfg"]

    def reload(self, process):
        os.kill(process.pid, 12)  # SIGUSR2, to the master


class Nginx(Subject):
    name = program = "nginx"

    def does(self, s):
        return ("nginx" in POLICIES.get(s.policy, {}) and
                s.event in (None, "reload"))

    def files(self, s, stage):
        d = stage.directory
        http = [
            "access_log off;" if not s.log else self.log_lines(),
            "keepalive_requests 1000000000; keepalive_timeout 300s;",
            "client_max_body_size 0; client_body_buffer_size 128k;",
            "server_names_hash_max_size 65536;",
            "server_names_hash_bucket_size 128;",
            "ssl_protocols TLSv1.3; ssl_session_cache none;"]
        http += ["%s_temp_path %s/temp;" % (kind, d) for kind in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
        if s.bulk:
            http.append("proxy_buffering off; proxy_buffer_size 64k; "
                        "proxy_buffers 8 64k;")
        http.append("upstream main { %s %s keepalive %d; "
                    "keepalive_requests 1000000000; }" % (
                        POLICIES[s.policy]["nginx"],
                        " ".join("server 127.0.0.1:%d max_fails=0;" % p
                                 for p in stage.servers),
                        max(1024, 4 * len(stage.servers))))
        http += self.hosts(s, stage)
        root = "user root; " if os.getuid() == 0 else ""
        return {"nginx.conf":
                "%sdaemon off; worker_processes %d; pid %s/pid; "
                "error_log %s/error.log crit;\n"
                "events { worker_connections 19000; }\nhttp {\n%s\n}\n" % (
                    root, s.workers, d, d, "\n".join(http))}

    @staticmethod
    def log_lines():
        return (
            "log_format json escape=json '{\"ts\":\"$time_iso8601\","
            "\"request_id\":\"$request_id\",\"client_ip\":\"$remote_addr\","
            "\"method\":\"$request_method\",\"host\":\"$host\","
            "\"path\":\"$uri\",\"status\":$status,"
            "\"server\":\"$upstream_addr\",\"bytes_in\":$request_length,"
            "\"bytes_out\":$bytes_sent,\"duration\":$request_time,"
            "\"ttfb\":$upstream_header_time,"
            "\"user_agent\":\"$http_user_agent\"}';\n"
            "access_log access.json json buffer=64k flush=1s;")

    @staticmethod
    def hosts(s, stage):
        listen = "listen 127.0.0.1:%d%s" % (
            stage.port, " ssl" if s.tls else "")
        tls = "ssl_certificate %s/cert.pem; ssl_certificate_key " \
            "%s/key.pem;" % ((stage.certificates,) * 2) if s.tls else ""
        pass_on = 'location / { proxy_pass http://main; ' \
            'proxy_http_version 1.1; proxy_set_header Connection ""; ' \
            'proxy_set_header Host $http_host; %s}' % (
                "proxy_set_header X-Request-Id $request_id; "
                if s.log else "")
        server = "server { %s; server_name %s; %s %s }"
        all = [server % (listen + " reuseport backlog=4096", "_", tls,
                         pass_on)]
        if s.routes > 1:
            all += [server % (listen, "v%d.test" % i, tls, pass_on)
                    for i in range(s.routes)]
        if s.event == "reload":
            all.append(server % (
                listen, "generation.test", tls,
                'location / { return 200 "%s"; }' % stage.generation))
        return all

    def command(self, s, stage):
        return [shutil.which(self.program), "-p", stage.directory, "-c",
                stage.directory + "/nginx.conf"]

    def reload(self, process):
        os.kill(process.pid, 1)


class H2O(Subject):
    name = program = "h2o"

    def does(self, s):
        # 2.2 knows one server only.
        return s.servers == 1 and s.event is None

    def files(self, s, stage):
        lines = ["num-threads: %d" % s.workers, "max-connections: 19000",
                 "pid-file: %s/pid" % stage.directory,
                 "error-log: %s/error.log" % stage.directory]
        if os.getuid() == 0:
            lines.append("user: root")
        if s.log:
            lines += [
                "access-log:", "  path: %s/access.json" % stage.directory,
                "  escape: json",
                "  format: '{\"ts\":\"%{%FT%TZ}t\",\"client_ip\":\"%h\","
                "\"method\":\"%m\",\"host\":\"%V\",\"path\":\"%U\","
                "\"status\":%s,\"bytes_out\":%b,\"duration\":"
                "%{duration}x,\"user_agent\":\"%{User-Agent}i\"}'"]
        lines += ["listen:", "  host: 127.0.0.1", "  port: %d" % stage.port]
        if s.tls:
            lines += ["  ssl:", "    neverbleed: OFF"] + [
                "    %s-file: %s/%s.pem" % (
                    long, stage.certificates, short)
                for long, short in (("certificate", "cert"), ("key", "key"))]
        lines += ["http1-request-timeout: 300",
                  "proxy.timeout.keepalive: 60000",
                  "proxy.preserve-host: ON", "hosts:"]
        hosts = ["default"] if s.routes == 1 else [
            "v%d.test" % i for i in range(s.routes)]
        for host in hosts:
            lines += ['  "%s":' % host, "    paths:", '      "/":',
                      '        proxy.reverse.url: "http://127.0.0.1:%d/"' %
                      stage.servers[0]]
        return {"h2o.conf": "\n".join(lines + [""])}

    def command(self, s, stage):
        return [self.program, "-m", "worker", "-c",
                stage.directory + "/h2o.conf"]


class Caddy(Subject):
    name = program = "caddy"
    version_word = "version"
    env = {"GOMAXPROCS": "1"}

    def files(self, s, stage):
        site = "%s://:%d {\n bind 127.0.0.1\n" % (
            "https" if s.tls else "http", stage.port)
        if s.tls:
            site += " tls %s/cert.pem %s/key.pem\n" % (
                (stage.certificates,) * 2)
        if s.log:
            site += " log {\n  output file %s/access.json\n }\n" % \
                stage.directory
        return {"Caddyfile":
                "{\n admin off\n auto_https off\n servers {\n"
                "  protocols h1\n }\n}\n" + site +
                " reverse_proxy 127.0.0.1:%d {\n  transport http {\n"
                "   keepalive 60s\n   keepalive_idle_conns 8192\n"
                "   keepalive_idle_conns_per_host 1024\n"
                "   compression off\n  }\n }\n}\n" % stage.servers[0]}

    def command(self, s, stage):
        return [self.program, "run", "--adapter", "caddyfile", "--config",
                stage.directory + "/Caddyfile"]


def subjects(fairlead, programs):
    return [Relay(programs), Fairlead(fairlead), HAProxy(), Nginx(), H2O(),
            Caddy()]
