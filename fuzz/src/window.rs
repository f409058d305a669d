//! A window of a picture that may be anything.

use bytes::Bytes;
use lookout_core::media::{
    frame::Size,
    jpeg::{self, cut::Cutter},
    transform::{Change, Pipeline},
    window::Window,
};

/// The most pixels of a picture that is decoded here: larger ones are only slower.
const PIXELS: u32 = 1 << 20;

/// What is cut out of a picture passes the check as it is, and decodes if the picture does; so does what is scaled.
///
/// The first bytes say which window, the others are the picture.
pub fn window(data: &[u8]) {
    let Some(([x, y, share, left, top, wide, high, turn], jpeg)) = data.split_first_chunk::<8>() else { return };
    let (corner, size) = ((u32::from(*left) * 8, u32::from(*top) * 8), Size::new((*wide).into(), (*high).into()));
    let mut cutter = Cutter::default();
    // Of anything at all: nothing panics.
    let _ = cutter.cut(jpeg, corner, size);
    let Ok(checked) = jpeg::check(Bytes::copy_from_slice(jpeg)) else { return };
    if checked.size.width * checked.size.height > PIXELS {
        return;
    }
    let mut pipeline = Pipeline::new().expect("memory for libjpeg");
    let whole = pipeline.verify(&checked.jpeg).is_ok();
    if let Ok(cut) = cutter.cut(&checked.jpeg, corner, size) {
        passes(&cut, size);
        assert!(!whole || pipeline.verify(&cut).is_ok(), "the picture is whole, and what was cut out of it is not");
    }
    let part = |byte: u8| f64::from(byte) / 255.0;
    let view = Size::new(u32::from(*wide) + 1, u32::from(*high) + 1);
    let window = Window { x: part(*x), y: part(*y), share: part(*share), view };
    let crop = window.crop(checked.size);
    assert!(crop.is_within(checked.size), "{crop} of {}", checked.size);
    let change = Change { crop: Some(crop), flip: turn & 1 != 0, mirror: turn & 2 != 0, ..Change::default() };
    if let Ok(made) = pipeline.change(&checked.jpeg, &change) {
        passes(&made, view);
    }
}

fn passes(made: &Bytes, size: Size) {
    let again = jpeg::check(made.clone()).expect("it passes");
    assert!(again.jpeg == made && again.size == size, "{} where {size} was due", again.size);
}
