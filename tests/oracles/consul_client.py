"""consul_client.py PORT TOKEN [CA]: what Debian's python3-consul finds in the double
of Consul, which wants that token; with a CA by TLS.  A traceback tells what
was not as it must be."""
import sys
import threading

import consul
import requests

port, token = int(sys.argv[1]), sys.argv[2]
secure = {"scheme": "https", "verify": sys.argv[3]} if sys.argv[3:] else {}


def client(token=token):
    return consul.Consul("localhost", port, token, **secure)


def ids(found):
    return sorted(entry["Service"]["ID"] for entry in found)


def fails(kind, act, *arguments, **named):
    try:
        act(*arguments, **named)
    except kind:
        return
    raise AssertionError(f"{act} did not fail with {kind}")


c = client()
health = c.health.service

# It comes.  What takes it away again brings no token and no PUT here.
register = c.agent.service.register
assert register("api", "api1", "10.1.0.1", 8080, ["v1"],
                check=consul.Check.ttl("1h"))
assert register("api", "api2", "10.1.0.2", 8080,
                check={"ttl": "1h", "status": "passing"})
index, found = health("api")
assert ids(found) == ["api1", "api2"], found
assert found[0]["Service"]["Address"] == "10.1.0.1"
assert found[0]["Checks"][1]["Status"] == "critical"
assert ids(health("api", passing=True)[1]) == ["api2"]
assert ids(health("api", tag="v1")[1]) == ["api1"]
assert ids(health("api", dc="dc1", near="_agent")[1]) == ["api1", "api2"]
assert "api" in c.catalog.services()[1]

# It blocks: without news until the time is over, with news until they come.
again, found = health("api", index=index, wait="200ms")
assert again == index and len(found) == 2
threading.Timer(0.2, register, ["other", "other1"]).start()
threading.Timer(0.4, register, ["api", "api3"]).start()
again, found = health("api", index=index, wait="300s")
assert int(again) > int(index) and len(found) == 3

# It refuses.
fails(consul.ACLPermissionDenied, client("wrong").health.service, "api")
fails(consul.ConsulException, health, "api", dc="nowhere")
assert client(None).health.service("api")[1] == []

# It goes wrong.  Whether a lost connection or a lost body, it cannot always tell.
lost = (ValueError, requests.exceptions.RequestException)
for fault, kind in {"error": consul.ConsulException, "half": lost,
                    "reset": lost, "garbage": ValueError,
                    "no-index": KeyError}.items():
    session = c.http.session
    assert session.put(f"{c.http.base_uri}/double/fault/{fault}",
                       headers={"X-Consul-Token": token},
                       verify=c.http.verify).ok
    fails(kind, health, "api")
assert session.put(f"{c.http.base_uri}/double/fault/well",
                   headers={"X-Consul-Token": token}, verify=c.http.verify).ok
assert len(health("api")[1]) == 3
if not secure:
    sys.exit(0)

# A check that nobody speaks for becomes critical, and then its service goes.
assert register("brief", check={
    "ttl": "100ms", "status": "passing",
    "DeregisterCriticalServiceAfter": "300ms"})
index = 0
seen = []
while seen[-1:] != [0]:
    index, found = health("brief", index=index, wait="60s")
    seen.append(len(found) and found[0]["Checks"][1]["Status"])
assert "critical" in seen, seen
