"""The whole daemon with a serial port, over HTTP; serial.sh starts it in the lab.

ttyS1 is the camera's, at the other end of the wire, ttyS2, is whoever hears it.
"""

import fcntl
import os
import termios
import time
import unittest
from urllib.parse import quote_from_bytes

from rig import ADMIN, PATIENCE, Daemon, eventually

# The codes of set_decoder.cgi, and the speeds.
BAUDS = {9: 1200, 11: 2400, 12: 4800, 13: 9600, 14: 19200, 15: 38400, 4097: 57600, 4098: 115200}
SERIAL = """
    [serial]
    ports = ["/dev/ttyS1"]
"""
# Pelco-D: camera 1, to the right at half speed; stop.
RIGHT = b"\xff\x01\x00\x02\x20\x00\x23"
STOP = b"\xff\x01\x00\x00\x00\x00\x01"
ANY = bytes(range(255))


class Far:
    """The far end of the wire."""

    def __enter__(self):
        self.port = os.open("/dev/ttyS2", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        control = termios.CS8 | termios.CREAD | termios.CLOCAL
        settings = termios.tcgetattr(self.port)
        settings[:6] = [0, 0, control, 0, termios.B115200, termios.B115200]
        termios.tcsetattr(self.port, termios.TCSANOW, settings)
        termios.tcflush(self.port, termios.TCIOFLUSH)
        return self

    def __exit__(self, *_):
        os.close(self.port)

    def hear(self, count):
        heard = b""
        give_up = time.monotonic() + PATIENCE
        while len(heard) < count and time.monotonic() < give_up:
            try:
                heard += os.read(self.port, 4096)
            except BlockingIOError:
                time.sleep(0.01)
        return heard

    def silent(self):
        time.sleep(0.5)
        try:
            return os.read(self.port, 4096) == b""
        except BlockingIOError:
            return True


def near_speed():
    """Returns the speed to which the camera has set its port; root may look though it is held alone."""
    port = os.open("/dev/ttyS1", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        code = termios.tcgetattr(port)[5]
    finally:
        os.close(port)
    return next(rate for rate in BAUDS.values() if getattr(termios, f"B{rate}") == code)


class SerialLine(unittest.TestCase):
    def setUp(self):
        self.far = self.enterContext(Far())

    def write(self, daemon, baud, data):
        path = f"/comm_write.cgi?port=0&baud={baud}&bytes={len(data)}&data={quote_from_bytes(data, safe='')}"
        return daemon.get(path, ADMIN)

    def test_exact_bytes_come_out_at_every_speed(self):
        daemon = self.enterContext(Daemon("demo:", config=SERIAL))
        for code, rate in BAUDS.items():
            for data in (RIGHT, STOP):
                self.assertEqual(self.write(daemon, code, data), (200, b"ok.\n"))
                self.assertEqual(self.far.hear(7), data, rate)
            self.assertEqual(near_speed(), rate)
            time.sleep(0.3)
        self.assertEqual(self.write(daemon, 13, ANY), (200, b"ok.\n"))
        self.assertEqual(self.far.hear(255), ANY)
        self.assertTrue(self.far.silent())

    def test_a_uart_without_rs485_is_warned_of_once_and_used(self):
        daemon = self.enterContext(Daemon("demo:", config=SERIAL + "rs485 = true\n"))
        for _ in range(3):
            self.assertEqual(self.write(daemon, 11, RIGHT), (200, b"ok.\n"))
            self.assertEqual(self.far.hear(7), RIGHT)
        daemon.says("does not switch the direction of RS-485")
        self.assertEqual(daemon.log().count("does not switch the direction of RS-485"), 1)

    def test_a_pelco_d_head_moves_and_stops_and_takes_turns_with_others(self):
        daemon = self.enterContext(Daemon("demo:", config=SERIAL + '[ptz]\nhead = "pelco-d"\naddress = 1\n'))
        for code in (9, 11, 13, 4098):
            self.assertEqual(daemon.get(f"/set_decoder.cgi?baud={code}", ADMIN), (200, b"ok.\n"))
            self.assertEqual(daemon.get("/decoder_control.cgi?command=6", ADMIN), (200, b"ok.\n"))
            right = self.far.hear(7)
            # To the right, at whatever speed the setting says; the checksum is that of the bytes.
            self.assertEqual((right[:4], sum(right[1:6]) % 256), (b"\xff\x01\x00\x02", right[6]))
            self.assertEqual(near_speed(), BAUDS[code])
            self.assertEqual(self.write(daemon, 13, b"others"), (200, b"ok.\n"))
            self.assertEqual(self.far.hear(6), b"others")
            self.assertEqual(daemon.get("/decoder_control.cgi?command=1", ADMIN), (200, b"ok.\n"))
            self.assertEqual(self.far.hear(7), STOP)

    def test_whoever_holds_the_port_is_told_of_and_then_it_works(self):
        daemon = self.enterContext(Daemon("demo:", config=SERIAL))
        other = os.open("/dev/ttyS1", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        fcntl.flock(other, fcntl.LOCK_EX)
        self.assertEqual(self.write(daemon, 11, RIGHT), (200, b"error: internal."))
        daemon.says("somebody else uses it")
        os.close(other)
        eventually(lambda: self.write(daemon, 11, STOP) == (200, b"ok.\n"), "the port to be free")
        self.assertEqual(self.far.hear(7), STOP)


if __name__ == "__main__":
    unittest.main()
