"""The whole daemon with a sound card, over HTTP; sound.sh starts it in the lab.

The card is the kernel's loopback: what is played on hw:Loopback,1 the daemon hears from hw:Loopback,0.
"""

import array
import itertools
import math
import os
import statistics
import subprocess
import time
import unittest
from pathlib import Path

from rig import PATIENCE, PICTURES, VGA, Daemon, Reader, Usb, Viewer, pictures, run

RATE = 8000
TONE = 440
PEAK = 16384


def measured(text):
    print("    measured:", text, flush=True)


class Card:
    """The sound card, with a tone that is played on it until it is taken away."""

    def __enter__(self):
        second = array.array("h")
        # As the daemon likes it best: whoever opens the card first, the daemon or the player, sets it up for both.
        for at in range(RATE):
            second.append(round(PEAK * math.sin(2 * math.pi * TONE * at / RATE)))
        Path("/run/tone.raw").write_bytes(second.tobytes() * 60)
        self.plug()
        return self

    def __exit__(self, *_):
        self.player.kill()
        self.player.wait()

    def plug(self):
        if not Path("/proc/asound/Loopback").exists():
            run("lab-audio")
        played = ["-D", "hw:Loopback,1", "-t", "raw", "-f", "S16_LE", "-r", str(RATE), "-c", "1", "/run/tone.raw"]
        # A long buffer, because the machine may be held up.
        self.player = subprocess.Popen(["aplay", "-q", "--buffer-time=2000000", *played], stderr=subprocess.DEVNULL)

    def unplug(self):
        run("lab-audio", "out")
        self.player.wait(PATIENCE)


class Listener(Reader):
    """Somebody who listens to /audio.wav and keeps all samples."""

    def __init__(self, daemon):
        self.samples = array.array("h")
        self.headed = False
        super().__init__(daemon, "/audio.wav")

    def read_part(self):
        if not self.headed:
            head = self.stream.read(44)
            assert (head[:4], head[8:16], head[36:40]) == (b"RIFF", b"WAVEfmt ", b"data"), head
            self.headed = True
        piece = self.stream.read(2 * RATE // 10)
        assert piece, "no more sound"
        with self.news:
            self.samples.frombytes(piece)
            self.news.notify_all()

    def heard(self):
        """Says how many samples there are, which is also their place in time."""
        with self.news:
            return len(self.samples)

    def first(self, what, begin, where):
        """Waits for the first half second, of those that begin at tenths of a second, that is as wanted."""
        give_up = time.monotonic() + PATIENCE
        for at in itertools.count(begin, RATE // 10):
            with self.news:
                self.wait(lambda: len(self.samples) >= at + RATE // 2, what, give_up)
                samples = self.samples[at:at + RATE // 2]
            if where(samples):
                return at


class AsfViewer(Reader):
    """Somebody who watches with sound, which is encoded for them, and counts the pictures."""

    def __init__(self, daemon):
        self.pictures = 0
        super().__init__(daemon, "/videostream.asf")

    def read_part(self):
        piece = self.stream.read(1 << 14)
        assert piece, "no more packets"
        with self.news:
            self.pictures += piece.count(b"\xff\xd8\xff")
            self.news.notify_all()

    def go_on(self):
        """Waits for ten more pictures."""
        with self.news:
            enough = self.pictures + 10
            self.wait(lambda: self.pictures >= enough, "pictures with sound", time.monotonic() + PATIENCE)


def is_silent(samples):
    return not any(samples)


def is_the_tone(samples):
    """Says whether these are the tone: its height by its zeros, its strength by its peak."""
    zeros = sum((a < 0) != (b < 0) for a, b in itertools.pairwise(samples))
    return abs(zeros - len(samples) * 2 * TONE / RATE) <= 2 and abs(max(samples) - PEAK) < PEAK / 20


class Sound(unittest.TestCase):
    def watched(self, microphone):
        """Starts a daemon with a camera and a viewer, whose pictures must not notice what becomes of the microphone."""
        made = pictures(VGA)
        usb = self.enterContext(Usb("--mjpeg", PICTURES))
        daemon = self.enterContext(Daemon(f"v4l2:{usb.node}", microphone=microphone))
        viewer = self.enterContext(Viewer(daemon, known=made))
        return daemon, viewer, viewer.first_live().at + 1

    def unaffected(self, daemon, viewer, begin):
        viewer.first_live(time.monotonic())
        parts = viewer.since(begin)
        gaps = [b.at - a.at for a, b in itertools.pairwise(parts)]
        self.assertTrue(all(viewer.live(part) for part in parts))
        measured(f"{len(gaps) / sum(gaps):.1f} fps, median gap {statistics.median(gaps) * 1000:.1f} ms, "
                 f"longest {max(gaps) * 1000:.0f} ms")
        # How many there are in a second is for the machine to say: the viewer gets most of what there is.
        self.assertGreater(len(viewer.since(0)), daemon.metrics()["frames_captured_total"] / 2)
        # Whoever waits for a sound device waits longer.
        self.assertLess(max(gaps), 2)

    def test_a_card_is_heard_is_silent_while_it_is_away_and_is_heard_again_and_no_picture_notices(self):
        card = self.enterContext(Card())
        daemon, viewer, begin = self.watched("alsa:hw:Loopback,0")
        listener = self.enterContext(Listener(daemon))
        asf = self.enterContext(AsfViewer(daemon))
        at = listener.first("the tone", 0, is_the_tone)
        asf.go_on()
        away = listener.heard()
        card.unplug()
        daemon.says("sound device hw:Loopback,0 was unplugged")
        at = listener.first("silence", at, is_silent)
        measured(f"silent {(at - away) / RATE * 1000:.0f} ms after the card was pulled")
        # It goes on at its pace: as much of it comes as time passes, once what was waiting has been read.
        time.sleep(2)
        began, before = time.monotonic(), listener.heard()
        time.sleep(2)
        passed, there = time.monotonic() - began, (listener.heard() - before) / RATE
        measured(f"{there:.2f} s of silence in {passed:.2f} s")
        self.assertLess(abs(there - passed), 0.5)
        self.assertTrue(is_silent(listener.samples[before:]))
        asf.go_on()
        back = listener.heard()
        card.plug()
        again = listener.first("the tone again", back, is_the_tone)
        measured(f"heard again {(again - back) / RATE * 1000:.0f} ms after it was plugged in")
        asf.go_on()
        self.unaffected(daemon, viewer, begin)
        self.assertNotIn("ALSA lib", daemon.log())

    def test_a_device_that_hangs_when_it_is_opened_is_silent_and_neither_pictures_nor_the_end_notice(self):
        # Its sound is a pipe: it waits, as it is opened, until somebody writes into that.
        os.mkfifo("/run/hang")
        hang = "pcm.hang { type file slave.pcm null file /dev/null infile /run/hang }"
        Path("/etc/asound.conf").write_text(hang)
        daemon, viewer, begin = self.watched("alsa:hang")
        listener = self.enterContext(Listener(daemon))
        time.sleep(2)
        self.assertGreater(listener.heard(), RATE)
        self.assertTrue(is_silent(listener.samples))
        self.unaffected(daemon, viewer, begin)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
