"""How the camera is found: the whole daemon, and avahi on another machine (and beside it) that looks for it."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

from rig import ADMIN, LOOKOUT, NOBODY, PASSWORDS, PATIENCE, eventually, run

OWN = "192.168.77.9"
BUS = "unix:path=/run/peer/bus"
# In this time, s, what is not taken back is still remembered: for 120 s (RFC 6762 section 10).
REMEMBERED = 60


class Camera:
    """A daemon that listens everywhere."""

    def __init__(self, listen="0.0.0.0", more=""):
        self.folder = tempfile.mkdtemp()
        self.port = 8080
        self.config = f"{self.folder}/lookout.toml"
        Path(self.config).write_text(f"""
            state = "{self.folder}/state"
            listen = ["{listen}:8080"]
            tls_listen = ["{listen}:8443"]
            [source]
            url = "demo:?size=160x120&fps=1"
            [clock]
            ntp = false
            [http]
            mdns_name = "porch"
            [profile]
            secrets = "plain"
            {more}
            {NOBODY}
        """)
        with open(f"{self.folder}/log", "w") as log:
            self.program = subprocess.Popen(
                [LOOKOUT, "run", "--config", self.config], env=PASSWORDS, stdout=log, stderr=log)
        eventually(self.answers, "the daemon to answer")
        self.id = re.search(r"id='(\w+)'", self.get("/get_status.cgi"))[1]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(self.log(), flush=True)
        self.end()
        assert "panicked" not in self.log(), self.log()
        shutil.rmtree(self.folder)

    def end(self):
        self.program.terminate()
        assert self.program.wait(PATIENCE) == 0

    def answers(self):
        with contextlib.suppress(OSError):
            return self.get("/healthz")

    def get(self, path, **query):
        query = urllib.parse.urlencode(query)
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}?{ADMIN}&{query}", timeout=10) as answer:
            return answer.read().decode()

    def log(self):
        return Path(f"{self.folder}/log").read_text()

    def threads(self):
        tasks = Path(f"/proc/{self.program.pid}/task").glob("*/comm")
        return [task.read_text().strip() for task in tasks]


class Peer:
    """Another machine in the network, with avahi."""

    def __init__(self, name="peer"):
        self.name = name

    def __enter__(self):
        shutil.rmtree("/run/peer", ignore_errors=True)
        os.makedirs("/run/peer")
        Path("/run/peer/avahi.conf").write_text(
            f"[server]\nhost-name={self.name}\nallow-interfaces=lan\n[publish]\npublish-workstation=no\n[rlimits]\n")
        # The mounts of a namespace are its own: two avahis know nothing of each other.
        begin = (f"mount -t tmpfs none /run/avahi-daemon; dbus-daemon --system --address={BUS} --nopidfile --fork; "
                 "exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f /run/peer/avahi.conf")
        os.makedirs("/run/avahi-daemon", exist_ok=True)
        with open("/run/peer/log", "w") as log:
            self.program = subprocess.Popen(
                ["ip", "netns", "exec", "router", "sh", "-c", begin], stdout=log, stderr=log,
                env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": BUS})
        eventually(lambda: "Server startup complete" in Path("/run/peer/log").read_text(), "avahi to be ready")
        return self

    def __exit__(self, *_):
        self.program.terminate()
        self.program.wait(PATIENCE)
        subprocess.run(["pkill", "-f", f"dbus-daemon.*{BUS}"], check=False)

    def found(self, kind="_http._tcp"):
        """Returns what is found: name, host, address, port, TXT."""
        return browse(["ip", "netns", "exec", "router"], kind, {"DBUS_SYSTEM_BUS_ADDRESS": BUS})

    def resolve(self, name):
        return run("ip", "netns", "exec", "router", "avahi-resolve", "-4", "-n", name, text=True,
                   env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": BUS}).split()[1:]


def browse(within, kind, bus):
    text = subprocess.run([*within, "timeout", "60", "avahi-browse", "-rpt", kind], capture_output=True, text=True,
                          env=os.environ | bus, check=False).stdout
    rows = [line.split(";", 9) for line in text.splitlines() if line.startswith("=") and ";IPv4;" in line]
    unescaped = lambda name: re.sub(
        rb"\\(\d{3}|.)", lambda at: bytes([int(at[1])]) if len(at[1]) == 3 else at[1], name.encode()).decode()
    return [(unescaped(row[3]), row[6], row[7], int(row[8]), row[9]) for row in rows]


class Found(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        run("lab-lan")
        run("ip", "addr", "add", f"{OWN}/24", "dev", "eth0")

    @classmethod
    def tearDownClass(cls):
        run("lab-lan", "out")

    def tearDown(self):
        subprocess.run(["systemctl", "stop", "avahi-daemon.socket", "avahi-daemon"], check=False, capture_output=True)

    def eventually_found(self, peer, *what, kind="_http._tcp"):
        """Returns what is found as soon as that is one camera, which has all this: what it was before is taken back."""
        seen = []

        def look():
            seen[:] = peer.found(kind)
            return seen[0] if len(seen) == 1 and all(part in str(seen[0]) for part in what) else None
        return eventually(look, f"{what} to be found", REMEMBERED, witnesses=[lambda: f"found was {seen}"])

    def test_it_is_found_with_its_name_its_services_and_where_the_pictures_are(self):
        with Peer() as peer, Camera() as camera:
            name = f"ipcamera - {camera.id}"
            for kind, port in ("_http._tcp", 8080), ("_https._tcp", 8443):
                found = self.eventually_found(peer, name, kind=kind)
                self.assertEqual(found[:4], (name, "porch.local", OWN, port))
                for word in ('"path=/"', '"stream=/videostream.cgi"', f'"id={camera.id}"', '"model=Lookout"'):
                    self.assertIn(word, found[4])
            self.assertEqual(peer.resolve("porch.local"), [OWN])
            # It may be called by that name.
            answer = run("ip", "netns", "exec", "router", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                         "--resolve", f"porch.local:8080:{OWN}", "http://porch.local:8080/get_status.cgi", text=True)
            self.assertEqual(answer, "200")

    def test_it_follows_alias_and_port_and_address_and_says_goodbye(self):
        with Peer() as peer, Camera() as camera:
            self.eventually_found(peer, "ipcamera")
            camera.get("/set_alias.cgi", alias="Tür 2.links")
            self.eventually_found(peer, f"Tür 2.links - {camera.id}")
            camera.get("/set_network.cgi", ip="", mask="", gateway="", dns="", port=8181)
            camera.port = 8181
            eventually(camera.answers, "the port to move")
            self.eventually_found(peer, "8181")
            run("ip", "addr", "del", f"{OWN}/24", "dev", "eth0")
            run("ip", "addr", "add", "192.168.77.10/24", "dev", "eth0")
            try:
                eventually(lambda: peer.resolve("porch.local") == ["192.168.77.10"], "the other address", REMEMBERED)
            finally:
                run("ip", "addr", "del", "192.168.77.10/24", "dev", "eth0")
                run("ip", "addr", "add", f"{OWN}/24", "dev", "eth0")
            camera.get("/reboot.cgi")
            self.eventually_found(peer, "8181")
            camera.end()
            eventually(lambda: not peer.found(), "the goodbye", REMEMBERED)

    def test_the_avahi_of_its_own_machine_may_have_the_same_name(self):
        conf = Path("/etc/avahi/avahi-daemon.conf")
        before = conf.read_text()
        conf.write_text("[server]\nhost-name=porch\nallow-interfaces=eth0\n[publish]\npublish-workstation=no\n")
        try:
            run("systemctl", "start", "avahi-daemon")
            with Peer() as peer, Camera() as camera:
                found = self.eventually_found(peer, "porch.local", OWN)
                self.assertEqual(found[:4], (f"ipcamera - {camera.id}", "porch.local", OWN, 8080))
                # Nobody gives way: ten seconds are five times what a conflict takes.
                time.sleep(10)
                self.assertEqual(peer.resolve("porch.local"), [OWN])
                self.assertNotIn("another machine", camera.log())
                told = run("journalctl", "-u", "avahi-daemon", "-b", "--no-pager", text=True)
                self.assertNotIn("conflict", told)
                eventually(lambda: [row[1] for row in browse([], "_http._tcp", {})] == ["porch.local"], "its own machine to find it")
        finally:
            conf.write_text(before)

    def test_where_another_machine_has_its_name_it_takes_one_that_nobody_has(self):
        with Peer("porch") as peer, Camera() as camera:
            spare = f"lookout-{camera.id.lower()}.local"
            # Until it is told of the other one, it may call itself porch-2.
            found = self.eventually_found(peer, spare)
            self.assertEqual(found[1:4], (spare, OWN, 8080))
            self.assertEqual(peer.resolve(spare), [OWN])
            self.assertEqual(peer.resolve("porch.local"), ["192.168.77.1"], "the other one has kept its name")
            self.assertIn("another machine is called porch.local", camera.log())
            request = urllib.request.Request("http://127.0.0.1:8080/get_status.cgi", headers={"Host": spare})
            self.assertEqual(urllib.request.urlopen(request, timeout=10).status, 200)

    def test_one_that_only_its_machine_reaches_and_one_that_shall_not_say_nothing(self):
        with Peer() as peer:
            for setup in {"listen": "127.0.0.1"}, {"more": "[mdns]\nannounce = false"}:
                with Camera(**setup) as camera:
                    time.sleep(5)
                    self.assertEqual(peer.found(), [])
                    self.assertNotIn("mDNS_daemon", camera.threads())
            with Camera() as camera:
                self.eventually_found(peer, "ipcamera")
                self.assertIn("mDNS_daemon", camera.threads(), "or the test would see nothing")


if __name__ == "__main__":
    unittest.main()
