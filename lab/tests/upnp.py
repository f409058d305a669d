"""The whole daemon and a router with miniupnpd, over HTTP; upnp.sh starts it in the lab.

The camera is 192.168.77.9, the router 192.168.77.1 inside and 11.0.0.2 outside. What is mapped is seen by upnpc, which asks the
router by itself, and from outside by whoever reaches the camera.
"""

import re
import signal
import subprocess
import time
import unittest

from rig import ADMIN, LOOKOUT, PASSWORDS, Daemon, eventually, run

DEMO = "demo:?size=160x120&fps=2"
OWN, OTHER = "192.168.77.9", "192.168.77.10"
HTTPS, HTTP = 8443, 8080


def within(attempt, what):
    # Each look asks the router.
    return eventually(attempt, what, pause=0.5)


def upnpc(*arguments, own=OWN):
    """Asks the router as one of this machine's addresses: it opens ports to whoever asks, and to nobody else."""
    route = ["ip", "route", "change", "192.168.77.0/24", "dev", "eth0", "proto", "kernel", "scope", "link", "src"]
    run(*route, own)
    try:
        return subprocess.run(["upnpc", "-m", own, *arguments], capture_output=True, text=True, timeout=60).stdout
    finally:
        if own == OTHER:
            run(*route, OWN)


def flush():
    """Has the router forget what it opened."""
    for chain in ["miniupnpd", "prerouting_miniupnpd", "postrouting_miniupnpd"]:
        run("ip", "netns", "exec", "router", "nft", "flush", "chain", "inet", "filter", chain)


def mapped():
    """Returns the ports that lead somewhere: to whom, what it is called, and for how many seconds."""
    line = re.compile(r"^ *\d+ TCP +(\d+)->(\S+):(\d+) +'(.*)' '' (\d+)", re.M)
    return {int(port): (client, int(inner), name, int(lease)) for port, client, inner, name, lease in line.findall(upnpc("-l"))}


def reached(url):
    """Asks from outside; returns what is answered, if anything is."""
    curl = ["ip", "netns", "exec", "inet", "curl", "-sk", "-m", "10", url]
    return subprocess.run(curl, capture_output=True, text=True).stdout


def igd(*arguments):
    run("lab-lan", "igd", *arguments)


class Mapping(unittest.TestCase):
    def setUp(self):
        run("lab-lan", "igd", "out")
        flush()
        igd()
        self.assertEqual(mapped(), {})

    def daemon(self, https=HTTPS, config=""):
        tls = [f"0.0.0.0:{https}"] if https else []
        return self.enterContext(Daemon(DEMO, config=config, outside=[f"0.0.0.0:{HTTP}"], tls=tls))

    def set(self, daemon, query):
        self.assertEqual(daemon.get(f"/{query}", ADMIN), (200, b"ok.\n"))

    def stands(self, daemon, status):
        def shows():
            return f"var upnp_status={status};" in daemon.get("/get_status.cgi")[1].decode()
        try:
            within(shows, f"upnp_status {status}")
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{daemon.log()}") from None

    def switched_on(self, **options):
        daemon = self.daemon(**options)
        self.set(daemon, "set_upnp.cgi?enable=1")
        self.stands(daemon, 1)
        return daemon

    def test_https_is_reached_from_outside_while_it_is_on_and_plain_http_never(self):
        daemon = self.daemon()
        time.sleep(5)
        self.assertEqual(mapped(), {})
        self.set(daemon, "set_upnp.cgi?enable=1")
        self.stands(daemon, 1)
        camera = re.search("id='(.*)'", daemon.get("/get_status.cgi")[1].decode())[1]
        [(port, (client, inner, called, lease))] = mapped().items()
        self.assertEqual((port, client, inner, called), (HTTPS, OWN, HTTPS, f"Lookout {camera}"))
        self.assertTrue(3500 < lease <= 3600, lease)
        self.assertIn("var sys_ver", reached(f"https://11.0.0.2:{HTTPS}/get_status.cgi"))
        self.assertEqual(reached(f"http://11.0.0.2:{HTTP}/get_status.cgi"), "")
        self.assertIn("11.0.0.2 outside", daemon.log())
        self.assertEqual(daemon.metrics()["upnp_mapped"], 1)
        self.set(daemon, "set_upnp.cgi?enable=0")
        self.stands(daemon, 0)
        self.assertEqual(mapped(), {})
        self.assertEqual(reached(f"https://11.0.0.2:{HTTPS}/get_status.cgi"), "")

    def test_plain_http_is_mapped_where_the_operator_says_so_and_nothing_where_there_is_nothing_else(self):
        daemon = self.daemon(https=0)
        self.set(daemon, "set_upnp.cgi?enable=1")
        self.stands(daemon, 2)
        self.assertEqual(mapped(), {})
        self.doCleanups()
        self.switched_on(config="[upnp]\nexpose_plain = true")
        self.assertEqual(list(mapped()), [HTTP])
        self.assertIn("var sys_ver", reached(f"http://11.0.0.2:{HTTP}/get_status.cgi"))

    def test_the_end_of_the_camera_removes_the_mapping_and_a_restart_has_it_again(self):
        daemon = self.switched_on()
        self.set(daemon, "reboot.cgi")
        within(lambda: daemon.log().count("is mapped no more") == 1, "the mapping to be removed")
        within(daemon.answers, "the daemon to answer")
        self.stands(daemon, 1)
        self.assertEqual(list(mapped()), [HTTPS])
        daemon.program.terminate()
        self.assertEqual(daemon.program.wait(30), 0)
        self.assertEqual(mapped(), {})

    def test_a_crash_leaves_a_lease_which_the_next_start_renews(self):
        daemon = self.switched_on()
        daemon.program.send_signal(signal.SIGKILL)
        daemon.program.wait()
        time.sleep(15)
        before = mapped()[HTTPS]
        with open(f"{daemon.folder}/log", "a") as log:
            daemon.program = subprocess.Popen(
                [LOOKOUT, "run", "--config", daemon.config], env=PASSWORDS, stdout=log, stderr=log)
        within(daemon.answers, "the daemon to answer")
        self.stands(daemon, 1)
        after = mapped()[HTTPS]
        self.assertEqual(before[:3], after[:3])
        self.assertGreater(after[3], before[3] + 5)

    def test_a_port_that_leads_to_another_machine_is_left_to_it(self):
        run("ip", "addr", "add", f"{OTHER}/24", "dev", "eth0")
        self.addCleanup(run, "ip", "addr", "del", f"{OTHER}/24", "dev", "eth0")
        upnpc("-e", "console", "-a", OTHER, "2222", str(HTTPS), "tcp", own=OTHER)
        console = mapped()[HTTPS]
        self.assertEqual(console[:3], (OTHER, 2222, "console"))
        daemon = self.daemon()
        self.set(daemon, "set_upnp.cgi?enable=1")
        self.stands(daemon, 5)
        self.set(daemon, "set_upnp.cgi?enable=0")
        self.stands(daemon, 0)
        self.assertEqual(mapped()[HTTPS][:3], (OTHER, 2222, "console"))
        self.assertIn("UPnP failed: port in use", daemon.get("/get_log.cgi", ADMIN)[1].decode())
        upnpc("-d", str(HTTPS), "tcp", own=OTHER)
        self.set(daemon, "set_upnp.cgi?enable=1")
        self.stands(daemon, 1)

    def test_what_the_gateways_rules_do_not_allow_is_refused(self):
        daemon = self.daemon(https=443)
        self.set(daemon, "set_upnp.cgi?enable=1")
        self.stands(daemon, 5)
        self.assertEqual(mapped(), {})

    def test_a_mapping_that_is_lost_is_had_again_and_a_gateway_that_comes_back_finds_it(self):
        daemon = self.switched_on()
        upnpc("-d", str(HTTPS), "tcp")
        self.assertEqual(mapped(), {})
        within(lambda: HTTPS in mapped(), "the mapping to be had again")
        run("lab-lan", "igd", "out")
        self.stands(daemon, 3)
        flush()
        # With its description somewhere else, where lab-lan does not look for it.
        subprocess.run(["lab-lan", "igd", "http_port=5001"], capture_output=True)
        self.stands(daemon, 1)
        self.assertEqual(mapped()[HTTPS][:2], (OWN, HTTPS))
        # The router itself is gone, and its wire with it.
        run("lab-lan", "cut")
        self.addCleanup(run, "lab-lan", "mend")
        self.stands(daemon, 3)
        run("lab-lan", "mend")
        self.stands(daemon, 1)

    def test_an_address_of_this_machine_that_changes_takes_the_mapping_along(self):
        daemon, new = self.switched_on(), "192.168.77.11"

        def move(old, new):
            run("ip", "addr", "del", f"{old}/24", "dev", "eth0")
            run("ip", "addr", "add", f"{new}/24", "dev", "eth0")
            run("ip", "route", "add", "default", "via", "192.168.77.1")

        move(OWN, new)
        self.addCleanup(move, new, OWN)
        # This router lets nobody remove what leads to another address, so that it stays until its lease ends.
        self.stands(daemon, 5)
        run("lab-lan", "igd", "out")
        flush()
        igd()
        self.stands(daemon, 1)
        self.assertIn(f"TCP  {HTTPS}->{new}:{HTTPS}", upnpc("-l", own=new))


if __name__ == "__main__":
    unittest.main()
