//! What a window over a larger picture costs: on borders of blocks, moving, and scaled; of JPEGs and of pixels.

use std::hint::black_box;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use lookout_core::media::{
    frame::{Range, Raw, RawFormat, Size},
    jpeg::cut::Cutter,
    transform::{Change, Pipeline, QUALITY},
    window::Crop,
};
use turbojpeg::{
    Compressor, Decompressor, Image, OutputBuf, PixelFormat, Subsamp, Transform, TransformCrop, Transformer, YuvImage,
};

use super::{Cost, Work, cost, in_turns};

/// What viewers see.
const VIEW: Size = Size::VGA;

/// Measures it.
pub fn measure(rounds: usize) -> Result<Vec<Work>> {
    let sizes = [
        (Size::new(1280, 960), "640×480 cut out of a JPEG of 1280×960, on borders of blocks"),
        (Size::new(1920, 1080), "640×480 cut out of a JPEG of 1920×1080, on borders of blocks"),
        (Size::new(3840, 2160), "640×480 cut out of a JPEG of 3840×2160, on borders of blocks"),
    ];
    let (libjpeg, whole) = ("libjpeg's own cut", "the whole decoded, 640×480 encoded");
    let mut all = Vec::new();
    for (size, title) in sizes {
        let jpeg = picture(size)?;
        let middle = |side: u32, view: u32| (side - view) / 2 / 16 * 16;
        let (left, top) = (middle(size.width, VIEW.width), middle(size.height, VIEW.height));
        let cut = plain(left, top);
        all.push(in_turns(rounds, [title, "µs", libjpeg], by_libjpeg(&jpeg, cut)?, cut_of(&jpeg, cut)?)?);
        if size.height == 960 {
            all.push(in_turns(rounds, [title, "µs", whole], decoded(&jpeg, cut)?, cut_of(&jpeg, cut)?)?);
            for (title, window) in [
                ("640×480 of a JPEG of 1280×960, on any pixel", plain(left + 5, top + 3)),
                ("320×240 of a JPEG of 1280×960, made 640×480", window(left + 160, top + 120, 320, 240)),
                ("800×600 of a JPEG of 1280×960, made 640×480", window(240, 180, 800, 600)),
                ("a JPEG of 1280×960, made 640×480", window(0, 0, 1280, 960)),
            ] {
                all.push(in_turns(rounds, [title, "µs", whole], decoded(&jpeg, cut)?, changed(&jpeg, window)?)?);
            }
        }
    }
    for (format, title) in [
        (RawFormat::Yuyv, "640×480 of 1280×960 pixels (YUYV), encoded"),
        (RawFormat::Nv12, "640×480 of 1280×960 pixels (NV12), encoded"),
    ] {
        let (large, small) = (raw(format, Size::new(1280, 960)), raw(format, VIEW));
        let cut = || encoded(&large, Some(plain(322, 242)));
        all.push(in_turns(rounds, [title, "µs", "all of them encoded"], encoded(&large, None)?, cut()?)?);
        all.push(in_turns(rounds, [title, "µs", "no more pixels than that"], encoded(&small, None)?, cut()?)?);
    }
    Ok(all)
}

fn window(left: u32, top: u32, width: u32, height: u32) -> Crop {
    Crop { left, top, size: Size::new(width, height), view: VIEW }
}

fn plain(left: u32, top: u32) -> Crop {
    window(left, top, VIEW.width, VIEW.height)
}

/// The samples of a scene: shades, textures here and there, and some noise; `channel` of three.
fn sample(at: usize, size: Size, channel: usize, random: &mut u32) -> u8 {
    let (x, y) = (at % size.width as usize, at / size.width as usize);
    // xorshift: the same picture in every run
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    let texture = if (x / 97 + y / 61) % 3 == 0 { ((x * 5) ^ (y * 3)) % 32 } else { 0 };
    let shade = [x * 180 / size.width as usize, y * 180 / size.height as usize, 180 - x * 180 / size.width as usize];
    (shade[channel] + texture) as u8 + (*random % 13) as u8
}

/// Encodes a picture as cameras do: 4:2:0, standard tables.
fn picture(size: Size) -> Result<Bytes> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut random = 0x2545_F491_u32;
    let pixels: Vec<u8> = (0..width * height * 3).map(|at| sample(at / 3, size, at % 3, &mut random)).collect();
    let mut compressor = Compressor::new()?;
    compressor.set_quality(QUALITY)?;
    compressor.set_subsamp(Subsamp::Sub2x2)?;
    let image = Image { pixels: &pixels[..], width, pitch: width * 3, height, format: PixelFormat::RGB };
    Ok(compressor.compress_to_vec(image)?.into())
}

fn raw(format: RawFormat, size: Size) -> Raw {
    let mut random = 0x2545_F491_u32;
    let pixels = (0..format.bytes(size)).map(|at| sample(at, size, 0, &mut random)).collect();
    Raw { format, range: Range::Full, size, pixels }
}

/// Cuts without decoding, and shows that it does.
fn cut_of<'a>(jpeg: &'a Bytes, crop: Crop) -> Result<Cost<'a>> {
    let mut cutter = Cutter::default();
    cutter.cut(jpeg, (crop.left, crop.top), crop.size).context("the cutter leaves the measured picture to others")?;
    Ok(cost(1000.0, move || _ = black_box(cutter.cut(black_box(jpeg), (crop.left, crop.top), crop.size))))
}

/// Cuts as libjpeg does: all coefficients decoded, those of the window encoded.
fn by_libjpeg<'a>(jpeg: &'a Bytes, crop: Crop) -> Result<Cost<'a>> {
    let [x, y, width, height] = [crop.left, crop.top, crop.size.width, crop.size.height].map(|side| side as usize);
    let mut transform = Transform::default();
    transform.crop = Some(TransformCrop { x, y, width: Some(width), height: Some(height) });
    let (mut transformer, mut output) = (Transformer::new()?, vec![0; jpeg.len() * 2]);
    Ok(cost(1000.0, move || {
        let mut output = OutputBuf::borrowed(&mut output);
        transformer.transform(&transform, black_box(jpeg), &mut output).expect("it was just encoded");
    }))
}

/// Decodes all of a picture to planes, and encodes what the window's rows are of them.
fn decoded<'a>(jpeg: &'a Bytes, crop: Crop) -> Result<Cost<'a>> {
    let (mut decompressor, mut compressor) = (Decompressor::new()?, Compressor::new()?);
    compressor.set_quality(QUALITY)?;
    let header = decompressor.read_header(jpeg)?;
    let (width, height, subsamp) = (header.width, header.height, header.subsamp);
    ensure!(subsamp == Subsamp::Sub2x2, "not as cameras do");
    let mut pixels = vec![0; turbojpeg::yuv_pixels_len(width, 1, height, subsamp)?];
    let (wide, high) = (crop.size.width as usize, crop.size.height as usize);
    let mut output = vec![0; turbojpeg::compressed_buf_len(wide, high, subsamp)?];
    let (left, top) = (crop.left as usize, crop.top as usize);
    let mut rows = Vec::new();
    Ok(cost(1000.0, move || {
        let image = YuvImage { pixels: &mut pixels[..], width, align: 1, height, subsamp };
        decompressor.decompress_to_yuv(black_box(jpeg), image).expect("it was just encoded");
        rows.clear();
        let (luma, colour) = pixels.split_at(width * height);
        let (u, v) = colour.split_at(colour.len() / 2);
        for (plane, by) in [(luma, 1), (u, 2), (v, 2)] {
            let taken = plane.chunks_exact(width / by).skip(top / by).take(high / by);
            taken.for_each(|row| rows.extend_from_slice(&row[left / by..][..wide / by]));
        }
        let image = YuvImage { pixels: &rows[..], width: wide, align: 1, height: high, subsamp };
        let mut output = OutputBuf::borrowed(&mut output);
        compressor.compress_yuv(image, &mut output).expect("the planes are whole");
    }))
}

fn changed<'a>(jpeg: &'a Bytes, crop: Crop) -> Result<Cost<'a>> {
    let (mut pipeline, change) = (Pipeline::new()?, Change { crop: Some(crop), ..Change::default() });
    pipeline.change(jpeg, &change)?;
    Ok(cost(1000.0, move || _ = black_box(pipeline.change(black_box(jpeg), &change))))
}

fn encoded(raw: &Raw, crop: Option<Crop>) -> Result<Cost<'_>> {
    let (mut pipeline, change) = (Pipeline::new()?, Change { crop, ..Change::default() });
    pipeline.encode_raw(raw, &change, QUALITY)?;
    Ok(cost(1000.0, move || _ = black_box(pipeline.encode_raw(black_box(raw), &change, QUALITY))))
}
