"""The whole daemon over HTTP against vivid and a real uvcvideo camera; camera.sh starts it in the lab.

Every test plugs its own cameras and starts its own daemon, which must end without a panic. Times are the machine's own
and are printed; emulation is slow, so what is asserted of them is wider than the goal that stands beside it.
"""

import itertools
import os
import statistics
import subprocess
import time
import unittest

from rig import (LOOKOUT, PICTURES, VGA, VIEWER, Daemon, Usb, Viewer, Vivid, bars, control, decoded, eventually, node,
                 pictures, run, shows_usb_bars, shows_vivids_bars)


def measured(text):
    print("    measured:", text, flush=True)


class Camera(unittest.TestCase):
    def usb(self, *options):
        """Plugs in a camera and returns it with its pictures of 640x480."""
        made = pictures(VGA)
        return self.enterContext(Usb("--mjpeg", PICTURES, *options)), made

    def daemon(self, source, **options):
        return self.enterContext(Daemon(source, **options))

    def viewer(self, daemon, *arguments, **options):
        return self.enterContext(Viewer(daemon, *arguments, **options))

    def test_mjpeg_passes_through_untouched_at_30_fps_in_each_size(self):
        for size in [(320, 240), VGA, (1280, 720)]:
            made = pictures(size)
            with Usb("--mjpeg", PICTURES) as usb, Daemon(f"v4l2:{usb.node}", size) as daemon:
                self.assertEqual(daemon.get("/snapshot.cgi")[0], 401)
                self.assertEqual(daemon.get("/videostream.cgi?user=viewer&pwd=wrong")[0], 401)
                with Viewer(daemon, known=made) as viewer:
                    # The first second is for the start to calm down.
                    begin = viewer.first_live().at + 1
                    before = daemon.metrics()
                    time.sleep(5)
                    parts = viewer.since(begin)
                    self.assertTrue(all(viewer.live(part) for part in parts), "byte by byte the camera's own")
                daemon.says(f"MJPEG {size[0]}x{size[1]}, 30 fps")
                self.assertIn(daemon.snapshot(), made)
                counts = daemon.metrics()
            gaps = [b.at - a.at for a, b in itertools.pairwise(parts)]
            skipped = sum((made[b.jpeg] - made[a.jpeg] - 1) % len(made) for a, b in itertools.pairwise(parts))
            size_kb = statistics.mean(map(len, made)) / 1000
            measured(f"{size[0]}x{size[1]}, {size_kb:.0f} KB: {len(gaps) / sum(gaps):.1f} fps, median gap "
                     f"{statistics.median(gaps) * 1000:.1f} ms, longest {max(gaps) * 1000:.0f} ms, {skipped} skipped")
            self.assertEqual(counts["encodes_total"], before["encodes_total"])
            self.assertNotIn("frames_dropped_total", str(counts))
            # How many of the 30 come is for the machine to say: the viewer gets most of what there is.
            captured = counts["frames_captured_total"] - before["frames_captured_total"]
            self.assertGreater(len(parts), captured / 2)

    def test_raw_formats_of_a_usb_camera_are_encoded(self):
        for name in ["yuyv", "nv12", "grey"]:
            with Usb("--formats", name) as usb, Daemon(f"v4l2:{usb.node}") as daemon:
                with Viewer(daemon) as viewer:
                    live = lambda part: shows_usb_bars(part.jpeg, coloured=name != "grey")
                    begin = viewer.first("a live picture", where=live).at
                    time.sleep(2)
                    parts = viewer.since(begin)
                    self.assertTrue(live(parts[-1]))
                counts = daemon.metrics()
                self.assertEqual(decoded(daemon.snapshot())[0], VGA)
                self.assertGreaterEqual(counts["encodes_total"], len(parts))
                measured(f"{name} 640x480: {(len(parts) - 1) / (parts[-1].at - parts[0].at):.1f} fps encoded")

    def test_vivid_is_encoded_and_flips_and_brightens_in_hardware(self):
        vivid = self.enterContext(Vivid())
        daemon = self.daemon(f"v4l2:{vivid.node}")
        viewer = self.viewer(daemon)
        live = viewer.first("a live picture", where=lambda part: shows_vivids_bars(part.jpeg))
        begin, plain = live.at, bars(live.jpeg)
        for param, value in [(1, 64), (2, 5), (5, 3)]:
            done = daemon.camera_control(param, value)
        names = ["brightness", "contrast", "horizontal_flip", "vertical_flip"]
        eventually(lambda: self.as_wanted(vivid, names, [64, 212, 1, 1]), "the controls")
        self.assertEqual(self.but_for_defaults(daemon), {"brightness": 64, "contrast": 5, "flip": 3})
        for param, value in [(1, 128), (2, 3), (5, 2)]:
            done = daemon.camera_control(param, value)
        eventually(lambda: self.as_wanted(vivid, names, [128, 128, 1, 0]), "the controls")
        near = lambda part: all(abs(a - b) <= 3 for a, b in zip(bars(part.jpeg), reversed(plain)))
        mirrored = viewer.first("the mirrored picture", done, near)
        measured(f"mirrored {(mirrored.at - done) * 1000:.0f} ms after ok.")
        parts = viewer.since(begin)
        measured(f"vivid I420 640x480: {(len(parts) - 1) / (parts[-1].at - parts[0].at):.1f} fps encoded")

    def as_wanted(self, camera, names, values):
        return control(camera.node, *names) == values

    def but_for_defaults(self, daemon):
        params = daemon.camera_params()
        defaults = {"resolution": 32, "brightness": 128, "contrast": 3, "mode": 0, "flip": 0, "fps": 0}
        self.assertEqual(params.keys(), defaults.keys())
        return {name: value for name, value in params.items() if value != defaults[name]}

    def test_a_usb_cameras_controls_are_set_and_again_after_a_replug(self):
        usb, made = self.usb()
        daemon = self.daemon(f"v4l2:{usb.node}")
        viewer = self.viewer(daemon, known=made)
        viewer.first_live()
        names = ["brightness", "contrast", "power_line_frequency"]
        self.assertEqual(control(usb.node, *names), [128, 128, 1])
        for param, value in [(1, 200), (2, 5), (3, 1)]:
            daemon.camera_control(param, value)
        wanted = [200, 212, 2]
        eventually(lambda: self.as_wanted(usb, names, wanted), "the controls")
        usb.unplug()
        usb.plug()
        self.assertEqual(self.but_for_defaults(daemon), {"brightness": 200, "contrast": 5, "mode": 1})
        viewer.first_live(time.monotonic())
        self.assertEqual(control(usb.node, *names), wanted)
        daemon.camera_control(3, 2)
        eventually(lambda: self.as_wanted(usb, names, [200, 212, 0]), "the controls")
        self.assertTrue(viewer.live(viewer.first("a picture", time.monotonic())), "nothing is left for software")
        # The placeholder is all that was encoded.
        encodes = daemon.metrics()["encodes_total"]
        self.assertLessEqual(encodes, sum(not viewer.live(part) for part in viewer.since(0)) + 1)

    def test_a_usb_cameras_picture_is_flipped_in_software_without_loss(self):
        usb, made = self.usb()
        daemon = self.daemon(f"v4l2:{usb.node}")
        viewer = self.viewer(daemon, known=made)
        viewer.first_live()
        before = daemon.metrics()
        pixels = {decoded(jpeg)[1] for jpeg in made}
        for value, back in [(1, ["-flip", "vertical"]), (2, ["-flip", "horizontal"]), (3, ["-rotate", "180"])]:
            done = daemon.camera_control(5, value)
            # Pictures made before the change may still be under way.
            turned_back = lambda part: decoded(run("jpegtran", *back, input=part.jpeg))[1] in pixels
            viewer.first("a flipped picture", done, turned_back)
        begin = time.monotonic()
        time.sleep(3)
        parts = viewer.since(begin)
        measured(f"flipped 640x480: {(len(parts) - 1) / (parts[-1].at - parts[0].at):.1f} fps")
        self.assertEqual(daemon.metrics()["encodes_total"], before["encodes_total"])

    def test_a_second_size_is_made_once_for_all_who_watch_it(self):
        usb, made = self.usb()
        daemon = self.daemon(f"v4l2:{usb.node}")
        whole = self.viewer(daemon, known=made)
        live = whole.first_live().at
        small = [self.viewer(daemon, "resolution=8") for _ in range(4)]
        for viewer in small:
            self.assertEqual(decoded(viewer.first("a picture").jpeg)[0], (320, 240))
        before, begin = daemon.metrics(), time.monotonic()
        time.sleep(4)
        received = [len(viewer.since(begin)) for viewer in small]
        after = daemon.metrics()
        captured, encodes = (after[name] - before[name] for name in ["frames_captured_total", "encodes_total"])
        measured(f"in 4 s {captured:.0f} captured, {encodes:.0f} encoded, 4 viewers of 320x240 got {received}, "
                 f"one of 640x480 {len(whole.since(begin))}")
        # What is under way at the two looks at the counters may miss.
        self.assertLessEqual(encodes, captured + 2)
        self.assertGreater(sum(received), 3 * encodes)
        self.assertTrue(all(whole.live(part) for part in whole.since(live)))

    def test_viewers_stay_through_ten_unplugs_and_nothing_grows(self):
        usb, made = self.usb()
        daemon = self.daemon(f"v4l2:{usb.node}")
        viewer = self.viewer(daemon, known=made)
        small = self.viewer(daemon, "resolution=8")
        viewer.first_live()
        gone, back, held = [], [], []
        for cycle in range(10):
            pulled = usb.unplug()
            placeholder = viewer.first_placeholder(pulled)
            gone.append(placeholder.at - pulled)
            if cycle == 0:
                self.assertEqual(decoded(placeholder.jpeg)[0], VGA)
                time.sleep(5)
                at = [part.at for part in viewer.since(placeholder.at)]
                gap = max(later - sooner for sooner, later in itertools.pairwise(at))
                measured(f"placeholder again within {gap:.2f} s at the most (goal 1)")
                self.assertLess(gap, 4)
                self.assertEqual(daemon.get("/snapshot.cgi", VIEWER)[0], 503)
            usb.plug()
            plugged = time.monotonic()
            back.append(viewer.first_live(plugged).at - plugged)
            held.append(daemon.held())
        times = lambda values: f"median {statistics.median(values):.2f} s, longest {max(values):.2f} s"
        measured(f"placeholder after the unplug: {times(gone)} (goal 2)")
        measured(f"live after the camera's node was back: {times(back)} (goal 3)")
        measured(f"descriptors, threads, video buffers, KiB resident, by cycle: {held}")
        small.first("a small picture", time.monotonic())
        self.assertEqual(daemon.metrics()["source_lost_total"], 10)
        self.assertLess(max(gone), 4)
        self.assertLess(max(back), 6)
        self.assertEqual(held[-1][0], held[1][0], "descriptors")
        # A thread or two for work that takes long comes and goes; one leaked at each cycle would be eight more.
        self.assertLessEqual(held[-1][1], held[1][1] + 2, "threads")
        self.assertEqual([kept[2] for kept in held], [4] * 10, "mapped buffers")
        self.assertLess(held[-1][3], held[1][3] + 4096, "resident")

    def test_a_frozen_camera_gives_the_placeholder_until_it_thaws(self):
        usb, made = self.usb()
        daemon = self.daemon(f"v4l2:{usb.node}")
        viewer = self.viewer(daemon, known=made)
        viewer.first_live()
        for _ in range(2):
            frozen = usb.freeze()
            placeholder = viewer.first_placeholder(frozen)
            time.sleep(3)
            thawed = usb.freeze()
            live = viewer.first_live(thawed)
            last = max(part.at for part in viewer.since(0) if viewer.live(part) and part.at < placeholder.at)
            measured(f"placeholder {placeholder.at - frozen:.2f} s after the freeze, {placeholder.at - last:.2f} s "
                     f"after the last picture (goal 2); live {live.at - thawed:.2f} s after the thaw (goal 3)")
            self.assertLess(placeholder.at - frozen, 4)
            self.assertLess(live.at - thawed, 6)
        daemon.says("no picture for 1.5 s")

    def test_cut_pictures_are_counted_and_nobody_gets_them(self):
        usb, made = self.usb("--corrupt", "3")
        daemon = self.daemon(f"v4l2:{usb.node}")
        viewer = self.viewer(daemon, known=made)
        begin = viewer.first_live().at
        before = daemon.metrics()
        time.sleep(4)
        after = daemon.metrics()
        parts = viewer.since(begin)
        cut, captured = (after[name] - before.get(name, 0)
                         for name in ['frames_dropped_total{reason="cut"}', "frames_captured_total"])
        measured(f"{cut:.0f} of {captured:.0f} dropped as cut, {len(parts)} received, all whole")
        self.assertTrue(all(viewer.live(part) for part in parts), "byte by byte a whole picture of the camera")
        self.assertAlmostEqual(cut / captured, 1 / 3, delta=0.1)
        self.assertEqual(after["source_up"], 1)
        self.assertEqual(after["source_lost_total"], 0)

    def test_a_camera_that_sends_only_cut_pictures_counts_as_lost(self):
        usb, made = self.usb("--corrupt", "1")
        daemon = self.daemon(f"v4l2:{usb.node}")
        begin = time.monotonic()
        viewer = self.viewer(daemon, known=made)
        placeholder = viewer.first_placeholder(begin)
        time.sleep(6)
        parts = viewer.since(begin)
        gap = max(later.at - sooner.at for sooner, later in itertools.pairwise(parts))
        measured(f"placeholder {placeholder.at - begin:.2f} s after the viewer came, again within {gap:.2f} s (goal 1)")
        self.assertFalse(any(viewer.live(part) for part in parts))
        self.assertEqual(daemon.metrics()["source_up"], 0)
        daemon.says("sends broken pictures")
        self.assertLess(gap, 4)
        usb.unplug()
        usb.options = usb.options[:2]
        usb.plug()
        plugged = time.monotonic()
        measured(f"live {viewer.first_live().at - plugged:.2f} s after a good camera took its place")

    def test_vivids_errors_lose_the_source_for_a_moment(self):
        vivid = self.enterContext(Vivid())
        daemon = self.daemon(f"v4l2:{vivid.node}")
        viewer = self.viewer(daemon)
        live = lambda part: shows_vivids_bars(part.jpeg)
        viewer.first("a live picture", where=live)
        for error in ["disconnect=1", "inject_fatal_streaming_error=1"]:
            # Who sets it may come back later than the camera.
            begin = time.monotonic()
            vivid.set(error)
            placeholder = viewer.first("the placeholder", begin, lambda part: not live(part))
            back = viewer.first("a live picture", placeholder.at, live)
            measured(f"{error}: placeholder after {placeholder.at - begin:.2f} s, "
                     f"live {back.at - placeholder.at:.2f} s later")
            self.assertLess(placeholder.at - begin, 4)
            self.assertLess(back.at - placeholder.at, 6)
        vivid.set("inject_v4l2_buf_flag_error=1")
        time.sleep(0.5)
        viewer.first("a live picture", time.monotonic(), live)
        self.assertEqual(daemon.metrics()["source_lost_total"], 2)
        daemon.says("was unplugged")

    def test_a_camera_in_use_is_taken_once_it_is_free(self):
        usb, made = self.usb()
        other = subprocess.Popen(["v4l2-ctl", "-d", usb.node, "--stream-mmap", "--stream-count=0"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(1)
            daemon = self.daemon(f"v4l2:{usb.node}")
            viewer = self.viewer(daemon, known=made)
            viewer.first_placeholder(0)
            daemon.says(f"{usb.node} is in use by another program")
            check = self.check(f"v4l2:{usb.node}")
            self.assertEqual(check.returncode, 1)
            self.assertIn("is in use by another program", check.stderr)
        finally:
            other.kill()
            other.wait()
        free = time.monotonic()
        measured(f"live {viewer.first_live(free).at - free:.2f} s after the other program ended")
        self.assertLess(daemon.log().count("in use"), 3, "said once, not at every attempt")

    def test_a_missing_camera_is_named_and_taken_when_it_comes(self):
        missing = "/dev/video0"
        self.assertFalse(os.path.exists(missing))
        check = self.check(f"v4l2:{missing}")
        self.assertEqual((check.returncode, check.stderr), (1, f"lookout: v4l2:{missing}: no such device {missing}\n"))
        made = pictures(VGA)
        daemon = self.daemon(f"v4l2:{missing}")
        viewer = self.viewer(daemon, known=made)
        placeholder = viewer.first_placeholder(0)
        self.assertEqual(decoded(placeholder.jpeg)[0], VGA)
        daemon.says(f"no such device {missing}")
        usb = self.enterContext(Usb("--mjpeg", PICTURES))
        self.assertEqual(usb.node, missing)
        plugged = time.monotonic()
        measured(f"live {viewer.first_live().at - plugged:.2f} s after it was plugged in")

    def test_without_any_camera_there_is_the_demo_scene_and_it_says_so(self):
        self.assertIsNone(node(""))
        daemon = self.daemon(None)
        daemon.says("no camera was found, so this is the demo scene")
        self.assertEqual(decoded(daemon.snapshot())[0], VGA)

    def test_the_first_camera_is_found_and_check_tells_what_it_can(self):
        usb, made = self.usb()
        daemon = self.daemon(None)
        daemon.says(f"v4l2:{usb.node}")
        self.assertIn(daemon.snapshot(), made)
        daemon.program.terminate()
        daemon.program.wait()
        check = self.check(f"v4l2:{usb.node}")
        print(check.stdout)
        self.assertEqual((check.returncode, check.stderr), (0, ""))
        for line in [f"source         v4l2:{usb.node}",
                     'found          USB camera "Lab UVC camera", MJPEG 640x480, 30 fps',
                     "  MJPEG 1280x720 at 30, 15, 5 fps", "  Brightness: 0 to 255, default 128, now 128"]:
            self.assertIn(line + "\n", check.stdout)
        self.assertRegex(check.stdout, r"first picture  640x480, \d+ bytes, after \d+ ms\n")

    def check(self, source):
        return subprocess.run([LOOKOUT, "check", "--source", source], capture_output=True, text=True)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
