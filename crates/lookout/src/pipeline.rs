//! From what a source hands over to what viewers get: checked, the part that the head sees, the right way round, in the right
//! size.
//!
//! A JPEG that needs no change leaves as the buffer in which it came. Everything else is made once, for all viewers.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use lookout_core::{
    media::{
        frame::{Frame, Grabbed, Picture, Size},
        jpeg::{self, Broken, Checked},
        transform::{self, Change, Luma, Pipeline},
        window::{Crop, Window},
    },
    port::Image,
};

use crate::{
    config::Verify,
    framing::{Framing, Sight},
    metrics::Flow,
};

/// What a picture must be like to be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demands {
    /// Of the camera's own source, which its operator chose: whatever can be made into a whole JPEG.
    Own(Verify),
    /// Of another camera: a JPEG that old clients understand, at most [`DEVICE_PIXELS`]. None is decoded here.
    Device,
}

/// The most pixels of another camera's picture: 3840 × 2160. What is decoded for the smaller sizes stays bounded by it.
pub const DEVICE_PIXELS: u32 = 3840 * 2160;

/// What is left to do for the image settings.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    /// What the device could not do.
    image: Image,
    /// Whether the device itself turns its pictures upside down, and mirrors them.
    turned: (bool, bool),
}

impl Left {
    /// Changes nothing.
    pub const NOTHING: Self = Self { image: Image::NEUTRAL, turned: (false, false) };

    /// Says what is left of `wanted` by a device that could not do `image`.
    pub fn of(wanted: &Image, image: Image) -> Self {
        Self { image, turned: (wanted.flip && !image.flip, wanted.mirror && !image.mirror) }
    }

    fn change(&self, crop: Option<Crop>) -> Change {
        let Image { brightness, contrast, flip, mirror, .. } = self.image;
        Change { crop, flip, mirror, luma: Luma::new(brightness, contrast), width: None }
    }

    /// Returns a window over a picture that the device has turned: poses are places of what it sees.
    fn turn(&self, window: Window) -> Window {
        let turn = |place: f64, turned: bool| if turned { 1.0 - place } else { place };
        Window { x: turn(window.x, self.turned.1), y: turn(window.y, self.turned.0), ..window }
    }
}

/// Makes frames of pictures, for the capture service.
pub struct Developer {
    codec: Pipeline,
    demands: Demands,
    /// What a digital head sees of the pictures.
    framing: Option<Arc<Framing>>,
    flow: Arc<Flow>,
    seq: u64,
}

/// A picture that was made: the JPEG, its size, and the view of the head that it shows.
type Made = (Bytes, Size, Option<u64>);

impl Developer {
    /// Makes one; fails only without memory.
    pub fn new(demands: Demands, framing: Option<Arc<Framing>>, flow: Arc<Flow>) -> Result<Self, transform::Failed> {
        Ok(Self { codec: Pipeline::new()?, demands, framing, flow, seq: 0 })
    }

    /// Makes a frame; `left` is what the device could not do of the image settings.
    ///
    /// A broken picture is counted by its reason and gives none.
    pub fn develop(&mut self, grabbed: Grabbed, left: &Left) -> Option<Frame> {
        let framing = self.framing.clone();
        self.frame(grabbed, left, framing.as_deref())
    }

    /// Says whether a picture goes through as it is: looked at, and neither decoded nor encoded.
    pub fn passes(&self, grabbed: &Grabbed, left: &Left) -> bool {
        let jpeg = matches!(grabbed.picture, Picture::Jpeg(_));
        let whole = self.framing.as_ref().is_none_or(|framing| framing.sees_all(grabbed.captured));
        jpeg && whole && self.demands != Demands::Own(Verify::Decode) && left.change(None) == Change::default()
    }

    /// Makes a frame of the picture that stands in for a lost source.
    pub fn placeholder(&mut self, grabbed: Grabbed) -> Option<Frame> {
        let frame = self.frame(grabbed, &Left::NOTHING, None)?;
        Some(Frame { live: false, ..frame })
    }

    fn frame(&mut self, grabbed: Grabbed, left: &Left, framing: Option<&Framing>) -> Option<Frame> {
        let Grabbed { captured, wall, picture } = grabbed;
        let look = |size, mcu| look(framing, left, size, mcu, captured);
        let encodes = self.codec.encodes();
        let made = self.make(picture, left, look);
        self.flow.encodes.inc_by(self.codec.encodes() - encodes);
        let (jpeg, size, view) = made.inspect_err(|reason| self.flow.dropped(reason)).ok()?;
        self.seq += 1;
        Some(Frame { seq: self.seq, captured, wall, size, jpeg, live: true, view })
    }

    /// Makes a picture; `look` says what is seen of one with such a size and such MCUs.
    fn make(
        &mut self,
        picture: Picture,
        left: &Left,
        look: impl FnOnce(Size, Size) -> (Option<Crop>, Option<u64>),
    ) -> Result<Made, &'static str> {
        match picture {
            Picture::Raw(raw) => {
                // Colours are of two pixels each way at most.
                let (crop, view) = look(raw.size, Size::new(2, 2));
                let change = left.change(crop);
                let made = self.codec.encode_raw(&raw, &change, transform::QUALITY);
                made.map(|jpeg| (jpeg, change.size(raw.size), view)).map_err(|_| "pixels")
            }
            Picture::Jpeg(jpeg) => {
                let checked = match jpeg::check(jpeg.clone()) {
                    Err(Broken::Foreign(_)) if self.demands != Demands::Device => self.encode_anew(&jpeg)?,
                    other => other.map_err(Broken::reason)?,
                };
                match self.demands {
                    Demands::Own(Verify::Structure) => {}
                    Demands::Own(Verify::Decode) => self.codec.verify(&checked.jpeg).map_err(|_| "data")?,
                    Demands::Device if checked.size.width * checked.size.height <= DEVICE_PIXELS => {}
                    Demands::Device => return Err(Broken::Size.reason()),
                }
                let (crop, view) = look(checked.size, checked.mcu);
                let change = left.change(crop);
                if change == Change::default() {
                    return Ok((checked.jpeg, checked.size, view));
                }
                let made = self.codec.change(&checked.jpeg, &change).map_err(|_| "data")?;
                Ok((made, change.size(checked.size), view))
            }
        }
    }

    fn encode_anew(&mut self, jpeg: &[u8]) -> Result<Checked, &'static str> {
        let made = self.codec.encode_anew(jpeg).map_err(|_| "data")?;
        jpeg::check(made).map_err(Broken::reason)
    }
}

/// Says which part of a picture is taken, none for all of it, and which view of the head that is.
fn look(
    framing: Option<&Framing>,
    left: &Left,
    size: Size,
    mcu: Size,
    captured: Instant,
) -> (Option<Crop>, Option<u64>) {
    let Some(framing) = framing else { return (None, Some(0)) };
    let Sight { window, view } = framing.sight(size, mcu, captured);
    let crop = left.turn(window).crop(size);
    ((!crop.is_whole(size)).then_some(crop), view)
}

/// Makes a smaller size of frames, on a thread that may compute.
pub struct Resizer {
    width: u32,
    codec: Option<Pipeline>,
    flow: Arc<Flow>,
}

impl Resizer {
    /// Makes one for a width in pixels.
    pub fn new(width: u32, flow: Arc<Flow>) -> Self {
        Self { width, codec: None, flow }
    }

    /// Makes the smaller frame; none of a picture whose data are broken.
    pub async fn resize(&mut self, frame: &Frame) -> Option<Frame> {
        let size = transform::scaled(frame.size, self.width);
        if size == frame.size {
            return Some(frame.clone());
        }
        let frame = frame.clone();
        let change = Change { width: Some(self.width), ..Change::default() };
        let codec = self.codec.take();
        let work = move || {
            let mut codec = codec.map_or_else(Pipeline::new, Ok)?;
            let made = codec.change(&frame.jpeg, &change);
            Ok::<_, transform::Failed>((codec, made.map(|jpeg| Frame { size, jpeg, ..frame })))
        };
        let (codec, made) = tokio::task::spawn_blocking(work).await.ok()?.ok()?;
        self.codec = Some(codec);
        self.flow.encodes.inc();
        made.inspect_err(|_| self.flow.dropped("data")).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use lookout_core::{
        media::{
            canvas::Canvas,
            frame::{Range, Raw, RawFormat},
            scene::Scene,
        },
        profile::settings::Settings,
        ptz::{Order, Way},
    };
    use tokio::sync::watch;

    use super::*;
    use crate::{config::Config, metrics::Metrics};

    fn grey(size: Size) -> Vec<u8> {
        let pixels = vec![128; (size.width * size.height) as usize];
        let raw = Raw { format: RawFormat::Grey, range: Range::Full, size, pixels };
        Pipeline::new().unwrap().encode_raw(&raw, &Change::default(), 80).unwrap().to_vec()
    }

    #[test]
    fn of_a_device_only_pictures_of_bounded_size_that_need_no_decoding_are_passed_on() {
        let metrics = Metrics::new();
        let mut developer = Developer::new(Demands::Device, None, metrics.devices.clone()).unwrap();
        let mut passed_on = |jpeg: Vec<u8>| {
            let picture = Picture::Jpeg(Bytes::from(jpeg));
            let grabbed = Grabbed { captured: Instant::now(), wall: SystemTime::now(), picture };
            developer.develop(grabbed, &Left::NOTHING).map(|frame| frame.size)
        };
        let most = Size { width: 3840, height: 2160 };
        assert_eq!(passed_on(grey(most)), Some(most));
        assert_eq!(passed_on(grey(Size { height: 2161, ..most })), None);
        let mut progressive = grey(Size::VGA);
        let frame = progressive.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
        progressive[frame + 1] = 0xc2;
        assert_eq!(passed_on(progressive), None);
        for reason in ["size", "foreign"] {
            let line = format!("lookout_devices_frames_dropped_total{{reason=\"{reason}\"}} 1\n");
            assert!(metrics.text(None).contains(&line), "{}", metrics.text(None));
        }
    }

    #[test]
    fn a_head_sees_the_same_of_the_scene_whoever_turns_the_pictures() {
        let (mut config, mut canvas) = (Config::default(), Canvas::default());
        config.ptz.view = Some(Size::new(160, 120));
        let settings = watch::Sender::new(Arc::new(Settings::factory()));
        let now = Instant::now();
        let framing = Arc::new(Framing::new(&config, settings.subscribe(), now).unwrap());
        // Away from the middle, which is where it is in every turned picture.
        framing.sight(Size::QVGA, Size::new(2, 2), now);
        for way in [Way::Right, Way::Up] {
            framing.order(Order::Step(way, None), None, now).unwrap();
        }
        Scene::new(Size::QVGA).paint(&mut canvas, 1, Duration::ZERO, "12:00:00");
        let upright: Vec<u8> = canvas.luma().to_vec();
        let rows = || upright.chunks_exact(320);
        let turned: [(bool, bool, Vec<u8>); 3] = [
            (true, false, rows().rev().flatten().copied().collect()),
            (false, true, rows().flat_map(|row| row.iter().rev().copied()).collect()),
            (true, true, upright.iter().rev().copied().collect()),
        ];
        let mut developer = Developer::new(Demands::Own(Verify::Structure), Some(framing), Arc::default()).unwrap();
        let mut made = |pixels: &[u8], left: Left| {
            let pixels = pixels.to_vec();
            let picture = Picture::Raw(Raw { format: RawFormat::Grey, range: Range::Full, size: Size::QVGA, pixels });
            let captured = now + Duration::from_secs(9);
            let frame = developer.develop(Grabbed { captured, wall: SystemTime::now(), picture }, &left).unwrap();
            assert_eq!(frame.size, Size::new(160, 120));
            frame.jpeg
        };
        let plain = made(&upright, Left::NOTHING);
        for (flip, mirror, pixels) in turned {
            let wanted = Image { flip, mirror, ..Image::NEUTRAL };
            let by_device = made(&pixels, Left::of(&wanted, Image::NEUTRAL));
            let by_software = made(&upright, Left::of(&wanted, wanted));
            assert!(by_device == by_software, "flip {flip}, mirror {mirror}");
            assert!(by_software != plain);
        }
    }
}
