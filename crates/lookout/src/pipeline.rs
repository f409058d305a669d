//! From what a source hands over to what viewers get: checked, the right way round, in the right size.
//!
//! A JPEG that needs no change leaves as the buffer in which it came. Everything else is made once, for all viewers.

use std::sync::Arc;

use lookout_core::{
    media::{
        frame::{Frame, Grabbed, Picture, Size},
        jpeg::{self, Broken, Checked},
        transform::{self, Change, Luma, Pipeline},
    },
    port::Image,
};

use crate::{config::Verify, metrics::Flow};

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

/// Makes frames of pictures, for the capture service.
pub struct Developer {
    codec: Pipeline,
    demands: Demands,
    flow: Arc<Flow>,
    seq: u64,
}

impl Developer {
    /// Makes one; fails only without memory.
    pub fn new(demands: Demands, flow: Arc<Flow>) -> Result<Self, transform::Failed> {
        Ok(Self { codec: Pipeline::new()?, demands, flow, seq: 0 })
    }

    /// Makes a frame; `left` is what the device could not do of the image settings.
    ///
    /// A broken picture is counted by its reason and gives none.
    pub fn develop(&mut self, grabbed: Grabbed, left: &Image) -> Option<Frame> {
        let made = self.make(grabbed.picture, left);
        let made = made.inspect_err(|reason| self.flow.dropped(reason)).ok()?;
        self.seq += 1;
        let Grabbed { captured, wall, .. } = grabbed;
        Some(Frame { seq: self.seq, captured, wall, size: made.size, jpeg: made.jpeg, live: true, view: Some(0) })
    }

    /// Says whether a picture goes through as it is: looked at, and neither decoded nor encoded.
    pub fn passes(&self, grabbed: &Grabbed, left: &Image) -> bool {
        let jpeg = matches!(grabbed.picture, Picture::Jpeg(_));
        jpeg && self.demands != Demands::Own(Verify::Decode) && change(left) == Change::default()
    }

    /// Makes a frame of the picture that stands in for a lost source.
    pub fn placeholder(&mut self, grabbed: Grabbed) -> Option<Frame> {
        let frame = self.develop(grabbed, &Image::NEUTRAL)?;
        Some(Frame { live: false, ..frame })
    }

    fn make(&mut self, picture: Picture, left: &Image) -> Result<Checked, &'static str> {
        let change = change(left);
        match picture {
            Picture::Raw(raw) => {
                let made = self.codec.encode_raw(&raw, &change, transform::QUALITY);
                self.flow.encodes.inc();
                made.map(|jpeg| Checked { jpeg, size: raw.size, mcu: Size::new(2, 2) }).map_err(|_| "pixels")
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
                if change == Change::default() {
                    return Ok(checked);
                }
                if change.luma.is_some() {
                    self.flow.encodes.inc();
                }
                let made = self.codec.change(&checked.jpeg, &change).map_err(|_| "data")?;
                Ok(Checked { jpeg: made, ..checked })
            }
        }
    }

    fn encode_anew(&mut self, jpeg: &[u8]) -> Result<Checked, &'static str> {
        self.flow.encodes.inc();
        let made = self.codec.encode_anew(jpeg).map_err(|_| "data")?;
        jpeg::check(made).map_err(Broken::reason)
    }
}

fn change(left: &Image) -> Change {
    Change {
        flip: left.flip,
        mirror: left.mirror,
        luma: Luma::new(left.brightness, left.contrast),
        ..Change::default()
    }
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
    use std::time::{Instant, SystemTime};

    use bytes::Bytes;
    use lookout_core::media::frame::{Range, Raw, RawFormat, Size};

    use super::*;
    use crate::metrics::Metrics;

    fn grey(size: Size) -> Vec<u8> {
        let pixels = vec![128; (size.width * size.height) as usize];
        let raw = Raw { format: RawFormat::Grey, range: Range::Full, size, pixels };
        Pipeline::new().unwrap().encode_raw(&raw, &Change::default(), 80).unwrap().to_vec()
    }

    #[test]
    fn of_a_device_only_pictures_of_bounded_size_that_need_no_decoding_are_passed_on() {
        let metrics = Metrics::new();
        let mut developer = Developer::new(Demands::Device, metrics.devices.clone()).unwrap();
        let mut passed_on = |jpeg: Vec<u8>| {
            let picture = Picture::Jpeg(Bytes::from(jpeg));
            let grabbed = Grabbed { captured: Instant::now(), wall: SystemTime::now(), picture };
            developer.develop(grabbed, &Image::NEUTRAL).map(|frame| frame.size)
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
}
