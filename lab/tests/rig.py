"""What tests of the daemon stand on: virtual cameras, pictures, the daemon with its counters, viewers.

All of it runs in the lab; whatever is plugged in or started is gone at the end of a `with`.
"""

import contextlib
import functools
import http.client
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

LOOKOUT = "/host/bin/lookout"
ADMIN = "user=admin&pwd=adminadmin"
VIEWER = "user=viewer&pwd=viewerviewer"
PASSWORDS = {"LOOKOUT_ADMIN_PASSWORD": "adminadmin", "LOOKOUT_VIEWER_PASSWORD": "viewerviewer"}
# No daemon of a test asks the Internet for the time or for its public address, or tells a service of dynamic DNS.
NO_CLOCK = """
[clock]
ntp = false
"""
NOBODY = """
[ddns]
check_urls = []
dyndns_url = "http://127.0.0.1:9/"
dyn3322_url = "http://127.0.0.1:9/"
oray_url = "http://127.0.0.1:9/"
"""
# How long anything is waited for, s: the machine is emulated, and others may have the processors.
PATIENCE = 120
VGA = (640, 480)
PICTURES = tempfile.mkdtemp()
ports = itertools.count(8081)


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, **options).stdout


def eventually(attempt, what, patience=PATIENCE, pause=0.02, witnesses=()):
    """Waits until an attempt gives something, and returns that; witnesses are asked what they know when it was in vain."""
    give_up = time.monotonic() + patience
    while time.monotonic() < give_up:
        if found := attempt():
            return found
        time.sleep(pause)
    raise AssertionError("\n".join([f"waited in vain for {what}", *(witness() for witness in witnesses)]))


# --- cameras ----------------------------------------------------------------------
def node(card):
    """Finds the capture node of a card; its sibling of a higher index delivers metadata."""
    for entry in Path("/sys/class/video4linux").glob("*"):
        device = Path("/dev") / entry.name
        with contextlib.suppress(OSError):
            told = (entry / "name").read_text().startswith(card), (entry / "index").read_text()
            if told == (True, "0\n") and device.exists():
                return str(device)
    return None


def control(device, *names):
    """Reads controls of a device as numbers."""
    text = run("v4l2-ctl", "-d", device, "-C", ",".join(names), text=True)
    return [int(re.search(rf"^{name}: (-?\d+)", text, re.M)[1]) for name in names]


class Usb:
    """A USB camera in software, plugged in until unplugged."""

    def __init__(self, *options):
        self.options = options
        run("modprobe", "-a", "vhci_hcd", "uvcvideo")
        self.plug()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.program.poll() is None:
            self.unplug()

    def plug(self):
        self.program = subprocess.Popen(["lab-uvc-cam", *self.options], stdout=subprocess.DEVNULL)
        self.node = eventually(lambda: node("Lab UVC"), "the camera's node")

    def unplug(self):
        """Returns when it began; the program ends at once, which is the plug leaving the socket."""
        pulled = time.monotonic()
        self.program.terminate()
        self.program.wait()
        eventually(lambda: not node("Lab UVC"), "the node to go")
        return pulled

    def freeze(self):
        """Freezes it, or lets it go on."""
        self.program.send_signal(signal.SIGUSR1)
        return time.monotonic()

    def deafen(self):
        """Has it answer no control, or answer again."""
        self.program.send_signal(signal.SIGUSR2)


class Vivid:
    """The kernel's test camera, with a still picture of colour bars and no text in it."""

    def __enter__(self):
        run("modprobe", "vivid", "n_devs=1", "node_types=0x1", "num_inputs=1", "input_types=0x0")
        self.node = eventually(lambda: node("vivid"), "vivid")
        self.set("osd_text_mode=2")
        return self

    def __exit__(self, *_):
        run("modprobe", "-r", "vivid")

    def set(self, setting):
        run("v4l2-ctl", "-d", self.node, "-c", setting)
        return time.monotonic()


# --- pictures ---------------------------------------------------------------------
@functools.cache
def pictures(size, count=6):
    """Makes JPEGs for a camera, in PICTURES, and returns each with its place in the order.

    No two are alike, and none is like its mirror image. A quarter is noise, which makes them about as long as a real
    camera's.
    """
    width, height = size
    ramp = bytes(x * 200 // width for x in range(width) for _ in range(3))
    noise = random.Random(7).randbytes(width * 3 * (height // 4))
    made = {}
    for number in range(count):
        box = bytes(3 * 40 * number) + b"\xff\xff\x20" * 60
        rows = [(box + ramp[len(box):]) * (height // 4), ramp * (height - 2 * (height // 4)), noise]
        ppm = b"P6 %d %d 255\n" % size + b"".join(rows)
        jpeg = run("cjpeg", "-quality", "80", input=ppm)
        Path(f"{PICTURES}/{width}x{height}-{number}.jpg").write_bytes(jpeg)
        made[jpeg] = number
    return made


def decoded(jpeg, *options):
    """Decodes a picture, of which libjpeg must have nothing to say, into its size and samples."""
    done = subprocess.run(["djpeg", "-pnm", *options], input=jpeg, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    head = re.match(rb"P[56]\s(\d+) (\d+)\s255\s", done.stdout)
    return (int(head[1]), int(head[2])), done.stdout[head.end():]


def bars(jpeg):
    """Returns the brightness in the middle of each of eight bars."""
    (width, height), luma = decoded(jpeg, "-grayscale")
    return [luma[height // 2 * width + width * (2 * bar + 1) // 16] for bar in range(8)]


def shows_usb_bars(jpeg, coloured):
    """Says whether these are the bars of the USB camera, which move: white to blue, then dark.

    The camera sends limited range: 235, 210, 170, 145, 106, 81, 41, 43.
    """
    shown, luma = bars(jpeg), [255, 226, 179, 150, 105, 76, 29, 31]
    moved = [moved for moved in range(8) if all(abs(a - b) <= 4 for a, b in zip(shown, luma[moved:] + luma[:moved]))]
    if not moved or not coloured:
        return bool(moved)
    (width, height), samples = decoded(jpeg)
    for bar, bright in enumerate(["RGB", "RG", "GB", "G", "RB", "R", "B", ""]):
        at = height // 2 * width + width * (2 * ((bar - moved[0]) % 8) + 1) // 16
        assert bright == "".join(name for name, light in zip("RGB", samples[3 * at:]) if light > 128), (bar, bright)
    return True


def shows_vivids_bars(jpeg):
    """Says whether these are vivid's bars, which darken to the right."""
    shown = bars(jpeg)
    return all(left > right for left, right in itertools.pairwise(shown))


# --- the daemon -------------------------------------------------------------------
class Daemon:
    """A daemon with factory settings; stopped in the end."""

    def __init__(self, source, size=VGA, microphone="own", config="", outside=(), tls=(), user=None):
        self.folder = tempfile.mkdtemp()
        self.port = next(ports)
        # Passwords are kept plain because an Argon2 hash takes seconds under emulation.
        text = f"""
            state = "{self.folder}/state"
            listen = {[f"127.0.0.1:{self.port}", *outside]}
            tls_listen = {[*tls]}
            [source]
            {f'url = "{source}"' if source else ""}
            size = "{size[0]}x{size[1]}"
            [sound]
            microphone = "{microphone}"
            [profile]
            secrets = "plain"
            {config}
            {"" if "[clock]" in config else NO_CLOCK}
            {"" if "[ddns]" in config else NOBODY}
        """
        self.config = f"{self.folder}/lookout.toml"
        Path(self.config).write_text(text)
        self.user = user
        if user:
            shutil.chown(self.folder, user, user)
        self.start()

    def start(self):
        """Starts it, anew if it ran before, as the user that it has."""
        who = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        with open(f"{self.folder}/log", "a") as log:
            self.program = subprocess.Popen(
                [LOOKOUT, "run", "--config", self.config], env=PASSWORDS, stdout=log, stderr=log, **who)
        eventually(self.answers, "the daemon to answer")

    def kill(self):
        """Ends it with no chance to do anything more."""
        self.program.kill()
        self.program.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(self.log(), flush=True)
        self.program.terminate()
        status = self.program.wait(PATIENCE)
        assert status == 0, f"the daemon ended with {status}:\n{self.log()}"
        assert "panicked" not in self.log(), self.log()
        shutil.rmtree(self.folder)

    def answers(self):
        try:
            return self.get("/healthz")
        except ConnectionRefusedError:
            return None

    def open(self, path, login):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", f"{path}{'&' if '?' in path else '?'}{login}")
        return connection.getresponse()

    def get(self, path, login=""):
        with self.open(path, login) as answer:
            return answer.status, answer.read()

    def camera_control(self, param, value):
        answer = self.get(f"/camera_control.cgi?param={param}&value={value}", ADMIN)
        assert answer == (200, b"ok.\n"), answer
        return time.monotonic()

    def camera_params(self):
        text = self.get("/get_camera_params.cgi", VIEWER)[1].decode()
        return {name: int(value) for name, value in re.findall(r"var (\w+)=(\d+);\n", text)}

    def metrics(self):
        text = self.get("/metrics", VIEWER)[1].decode()
        return {name: float(value) for name, value in re.findall(r"^lookout_(\S+) (\S+)$", text, re.M)}

    def snapshot(self, query=""):
        status, jpeg = self.get(f"/snapshot.cgi?{query}", VIEWER)
        assert status == 200, jpeg
        return jpeg

    def log(self):
        return Path(f"{self.folder}/log").read_text()

    def says(self, words):
        eventually(lambda: words in self.log(), f"{words!r} in the log:\n{self.log()}")

    def held(self):
        """Returns descriptors, threads, mapped video buffers and resident KiB."""
        proc = Path(f"/proc/{self.program.pid}")
        maps = (proc / "maps").read_text().count("/dev/video")
        resident = re.search(r"VmRSS:\s+(\d+)", (proc / "status").read_text())[1]
        return len(os.listdir(proc / "fd")), len(os.listdir(proc / "task")), maps, int(resident)


class Part(NamedTuple):
    at: float
    jpeg: bytes


class Reader(threading.Thread):
    """Somebody who reads a stream that has no end; what they read, `read_part` says."""

    def __init__(self, daemon, path):
        super().__init__(daemon=True)
        self.news = threading.Condition()
        self.why_ended = None
        self.stream = daemon.open(path, VIEWER)
        assert self.stream.status == 200
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.fp.raw._sock.shutdown(2)
        self.join(PATIENCE)

    def run(self):
        try:
            while True:
                self.read_part()
        except (OSError, AssertionError, ValueError, AttributeError) as error:
            with self.news:
                self.why_ended = error
                self.news.notify_all()

    def wait(self, there, what, give_up):
        """Waits, with the news held, until something is there or the stream has ended."""
        came = self.news.wait_for(lambda: there() or self.why_ended, give_up - time.monotonic())
        assert came, f"waited in vain for {what}"
        assert there(), f"the stream ended: {self.why_ended!r}"


class Viewer(Reader):
    """Somebody who watches and keeps all pictures with the times at which they were there whole."""

    def __init__(self, daemon, query="", known=()):
        self.known = {jpeg: jpeg for jpeg in known}
        self.parts = []
        super().__init__(daemon, f"/videostream.cgi?{query}")

    def read_part(self):
        head = [self.stream.readline() for _ in range(4)]
        assert head[:2] == [b"--ipcamera\r\n", b"Content-Type: image/jpeg\r\n"] and head[3] == b"\r\n", head
        jpeg = self.stream.read(int(head[2].removeprefix(b"Content-Length: ")))
        assert jpeg[:2] == b"\xff\xd8" and jpeg[-2:] == b"\xff\xd9", "a picture that is not whole"
        assert self.stream.read(2) == b"\r\n"
        with self.news:
            # One copy of each picture of the camera is enough.
            self.parts.append(Part(time.monotonic(), self.known.get(jpeg, jpeg)))
            self.news.notify_all()

    def live(self, part):
        """Says whether this is a picture of the camera, byte by byte."""
        return part.jpeg in self.known

    def since(self, moment):
        with self.news:
            return [part for part in self.parts if part.at >= moment]

    def first(self, what, moment=0.0, where=lambda _: True):
        """Waits for the first picture since a moment that is as wanted."""
        give_up = time.monotonic() + PATIENCE
        seen = 0
        while True:
            with self.news:
                self.wait(lambda: len(self.parts) > seen, what, give_up)
                parts = self.parts[seen:]
            # A look may take long; whoever watches is not held up by it.
            for part in parts:
                if part.at >= moment and where(part):
                    return part
            seen += len(parts)
            assert time.monotonic() < give_up, f"waited in vain for {what}"

    def first_live(self, moment=0.0):
        return self.first("a live picture", moment, self.live)

    def first_placeholder(self, moment):
        return self.first("the placeholder", moment, lambda part: not self.live(part))
