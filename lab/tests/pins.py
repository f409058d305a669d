"""The whole daemon with a GPIO chip, over HTTP; pins.sh starts it in the lab.

The chip is the kernel's simulated one: DI1 is the alarm input, DO1 the output; what is outside of it is in `Chip`.
"""

import subprocess
import unittest
from pathlib import Path

from rig import ADMIN, LOOKOUT, VIEWER, Daemon, eventually, run

GPIO = """
    [gpio]
    input = "DI1"
    output = "lab:1"
"""


class Chip:
    """The chip with what is wired to it."""

    def __enter__(self):
        self.plug()
        return self

    def __exit__(self, *_):
        run("lab-gpio", "out")

    def plug(self):
        said = run("lab-gpio", text=True)
        self.lines = Path(said.split("LINES=")[1].strip())
        self.open_door(False)

    def open_door(self, is_open=True):
        (self.lines / "sim_gpio0/pull").write_text("pull-up" if is_open else "pull-down")

    def siren(self):
        return (self.lines / "sim_gpio1/value").read_text() == "1\n"


class Pins(unittest.TestCase):
    def setUp(self):
        self.chip = self.enterContext(Chip())

    def armed(self, query="input_armed=1&iolinkage=1"):
        daemon = self.enterContext(Daemon("demo:", config=GPIO))
        daemon.says("input DI1 is felt: ")
        daemon.says("output lab:1 is low: ")
        self.set_alarm(daemon, query)
        return daemon

    def set_alarm(self, daemon, query):
        self.assertEqual(daemon.get(f"/set_alarm.cgi?{query}", ADMIN), (200, b"ok.\n"))

    def alarm(self, daemon, status):
        line = b"var alarm_status=%d;\n" % status
        eventually(lambda: line in daemon.get("/get_status.cgi", VIEWER)[1], f"alarm_status {status}")

    def test_a_door_that_opens_begins_an_alarm_drives_the_siren_and_whatever_ends_the_camera_ends_that(self):
        daemon = self.armed()
        self.alarm(daemon, 0)
        self.assertFalse(self.chip.siren())
        self.chip.open_door()
        self.alarm(daemon, 2)
        eventually(self.chip.siren, "the siren")
        self.assertEqual([daemon.metrics()[f"{name}_level"] for name in ["input", "output"]], [1, 1])
        # A restart in the same process; the door is open at its end, which is no news.
        self.assertEqual(daemon.get("/reboot.cgi", ADMIN), (200, b"ok.\n"))
        eventually(lambda: daemon.log().count("output lab:1 is low: ") == 2, "the line to be taken again")
        eventually(lambda: not self.chip.siren(), "silence")
        eventually(daemon.answers, "the daemon to answer")
        self.alarm(daemon, 0)
        # The end for good.
        self.chip.open_door(False)
        eventually(lambda: daemon.metrics()["input_level"] == 0, "the door to be closed")
        self.chip.open_door()
        eventually(self.chip.siren, "the siren")
        daemon.program.terminate()
        daemon.program.wait()
        self.assertFalse(self.chip.siren())

    def test_a_siren_that_is_on_when_it_is_low_rests_high_until_the_end(self):
        daemon = self.armed("input_armed=1&iolinkage=1&ioout_level=0&ioin_level=0")
        eventually(self.chip.siren, "the line at rest")
        self.chip.open_door()
        eventually(lambda: daemon.metrics()["input_level"] == 1, "the door")
        self.alarm(daemon, 0)
        self.chip.open_door(False)
        self.alarm(daemon, 2)
        eventually(lambda: not self.chip.siren(), "the line to be driven")

    def test_a_chip_that_is_unplugged_is_found_again_and_what_happened_meanwhile_is_felt(self):
        daemon = self.armed()
        run("lab-gpio", "out")
        daemon.says("input DI1: it was unplugged")
        daemon.says("output lab:1: it was unplugged")
        # Nothing else suffers.
        self.assertEqual(daemon.open("/snapshot.cgi", VIEWER).status, 200)
        self.assertEqual([daemon.metrics()[f"{name}_up"] for name in ["input", "output"]], [0, 0])
        self.chip.plug()
        eventually(lambda: daemon.metrics()["input_up"] + daemon.metrics()["output_up"] == 2, "both lines")
        self.alarm(daemon, 0)
        run("lab-gpio", "out")
        eventually(lambda: daemon.metrics()["input_lost_total"] == 2, "the input to be lost")
        self.chip.plug()
        self.chip.open_door()
        self.alarm(daemon, 2)
        eventually(self.chip.siren, "the siren")

    def test_check_says_what_it_finds_on_the_lines_and_leaves_the_siren_alone(self):
        config = Path("/run/pins.toml")
        config.write_text(f'state = "/run/pins"\n{GPIO}')
        self.chip.open_door()
        said = run(LOOKOUT, "check", "--config", str(config), "--source", "demo:", text=True)
        chip = self.chip.lines.name
        self.assertIn(f'alarm input    high: {chip}:0 "DI1" of lab, debounced by the kernel\n', said)
        self.assertIn(f'output         {chip}:1 "DO1" of lab, free\n', said)
        self.assertIn(f"  {chip}  lab, 4 lines\n", said)
        config.write_text(f'state = "/run/pins"\n[gpio]\ninput = "DI7"\n')
        said = subprocess.run([LOOKOUT, "check", "--config", str(config), "--source", "demo:"], capture_output=True, text=True)
        self.assertEqual(said.returncode, 1)
        self.assertIn("alarm input: DI7: no chip has a line of the name DI7", said.stderr)


if __name__ == "__main__":
    unittest.main()
