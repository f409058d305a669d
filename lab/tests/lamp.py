"""The whole daemon with LEDs of the kernel, over HTTP; lamp.sh starts it in the lab.

They are those of the machine's keyboard: caps lock is the lamp, scroll lock the output. The kernel itself plays with both,
by a trigger each.
"""

import re
import subprocess
import time
import unittest
from pathlib import Path

from rig import ADMIN, LOOKOUT, VIEWER, Daemon, eventually, run

CLASS = Path("/sys/class/leds")
KEYBOARD = Path("/sys/bus/serio/drivers/atkbd")


class Led:
    """A LED, found anew each time: a keyboard that is plugged in again has another number."""

    def __init__(self, key):
        self.key = key

    def folder(self):
        return next(CLASS.glob(f"*::{self.key}"))

    def lit(self):
        return (self.folder() / "brightness").read_text() == "1\n"

    def dark(self):
        return not self.lit()

    def trigger(self):
        return re.search(r"\[(.*?)\]", (self.folder() / "trigger").read_text())[1]


LAMP, OUTPUT = Led("capslock"), Led("scrolllock")


class Lamps(unittest.TestCase):
    def setUp(self):
        self.assertEqual([LAMP.trigger(), OUTPUT.trigger()], ["kbd-capslock", "kbd-scrolllock"])
        self.addCleanup(lambda: (OUTPUT.folder() / "trigger").write_text("kbd-scrolllock"))

    def daemon(self, gpio):
        return self.enterContext(Daemon("demo:?size=160x120&fps=10", config=f"[gpio]\n{gpio}\n[ptz]\nhead = 'none'"))

    def set(self, daemon, query):
        self.assertEqual(daemon.get(f"/{query}", ADMIN), (200, b"ok.\n"))

    def test_a_lamp_shows_what_led_mode_says_and_the_kernel_has_it_back_at_the_end(self):
        daemon = self.daemon(f'led = "{LAMP.folder().name}"')
        eventually(LAMP.lit, "light")
        self.assertEqual(LAMP.trigger(), "none")
        with daemon.open("/videostream.cgi", VIEWER) as stream:
            stream.read(1000)
            eventually(LAMP.dark, "it to blink")
            eventually(LAMP.lit, "it to blink")
            self.set(daemon, "set_misc.cgi?led_mode=1")
            time.sleep(0.3)
            self.assertTrue(all(LAMP.lit() or time.sleep(0.02) for _ in range(60)), "it blinks")
        eventually(LAMP.dark, "it to be dark when nobody watches")
        self.assertEqual(daemon.get("/snapshot.cgi", VIEWER)[0], 200)
        eventually(LAMP.lit, "light after a snapshot")
        self.set(daemon, "set_misc.cgi?led_mode=2")
        eventually(LAMP.dark, "it to be off")
        self.set(daemon, "set_misc.cgi?led_mode=0")
        eventually(LAMP.lit, "light")
        # A restart in the same process gives it back and takes it again.
        self.set(daemon, "reboot.cgi")
        eventually(lambda: len(re.findall("LED .* is lit: LED .*, until now with kbd-capslock", daemon.log())) == 2, "it again")
        eventually(daemon.answers, "the daemon to answer")
        self.assertEqual(LAMP.trigger(), "none")
        daemon.program.terminate()
        daemon.program.wait()
        self.assertEqual((LAMP.trigger(), LAMP.lit()), ("kbd-capslock", False))

    def test_an_output_that_is_a_led_is_driven_by_alarms_and_by_hand_and_rests_at_the_end(self):
        daemon = self.daemon(f'output = "led:{OUTPUT.folder().name}"')
        eventually(lambda: OUTPUT.trigger() == "none", "it to be taken")
        self.assertTrue(OUTPUT.dark())
        self.set(daemon, "decoder_control.cgi?command=94")
        eventually(OUTPUT.lit, "light")
        self.set(daemon, "decoder_control.cgi?command=95")
        eventually(OUTPUT.dark, "none")
        self.set(daemon, "set_alarm.cgi?input_armed=1&iolinkage=1")
        self.set(daemon, "input.cgi?level=1")
        eventually(OUTPUT.lit, "the alarm's light")
        self.set(daemon, "reboot.cgi")
        eventually(lambda: daemon.log().count(" is low: LED") == 2, "it to be taken again")
        eventually(daemon.answers, "the daemon to answer")
        self.assertTrue(OUTPUT.dark())
        self.set(daemon, "set_alarm.cgi?ioout_level=0")
        eventually(OUTPUT.lit, "it to rest lit")
        daemon.program.terminate()
        daemon.program.wait()
        self.assertEqual((OUTPUT.trigger(), OUTPUT.lit()), ("none", True))
        (OUTPUT.folder() / "brightness").write_text("0")

    def test_a_lamp_that_is_unplugged_is_missed_by_nobody_and_taken_again_when_it_is_back(self):
        place = Path("/run/lamp")
        place.symlink_to(LAMP.folder())
        self.addCleanup(place.unlink)
        daemon = self.daemon(f'led = "{place}"')
        eventually(LAMP.lit, "light")
        (KEYBOARD / "unbind").write_text("serio0")
        daemon.says(f"LED {place}: there is no LED {place}")
        self.assertEqual(daemon.get("/snapshot.cgi", VIEWER)[0], 200)
        self.assertEqual(daemon.metrics()["led_up"], 0)
        (KEYBOARD / "bind").write_text("serio0")
        eventually(lambda: list(CLASS.glob("*::capslock")), "the keyboard")
        place.unlink()
        place.symlink_to(LAMP.folder())
        eventually(LAMP.lit, "light")
        self.assertEqual(daemon.log().count("there is no LED"), 1, "it is said once")

    def test_check_says_what_it_finds_and_leaves_it_alone(self):
        config, name = Path("/run/lamp.toml"), LAMP.folder().name
        config.write_text(f'state = "/run/lamps"\n[gpio]\nled = "{name}"\noutput = "led:{OUTPUT.folder().name}"\n')
        said = run(LOOKOUT, "check", "--config", str(config), "--source", "demo:", text=True)
        self.assertIn("output         trigger kbd-scrolllock, 0 of 1\n", said)
        self.assertIn("LED            trigger kbd-capslock, 0 of 1\n", said)
        self.assertIn(f"  {name}  trigger kbd-capslock, 0 of 1\n", said)
        self.assertEqual(LAMP.trigger(), "kbd-capslock")
        config.write_text('state = "/run/lamps"\n[gpio]\nled = "ACT"\n')
        said = subprocess.run([LOOKOUT, "check", "--config", str(config), "--source", "demo:"], capture_output=True, text=True)
        self.assertEqual(said.returncode, 1)
        self.assertIn("LED: ACT: there is no LED /sys/class/leds/ACT", said.stderr)


if __name__ == "__main__":
    unittest.main()
