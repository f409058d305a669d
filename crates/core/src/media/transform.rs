//! Changes a JPEG: windows, flips, sizes, brightness and contrast; and makes one of raw pixels.
//!
//! Each change takes the cheapest road. Flips alone are lossless, on the coefficients, wherever the picture consists of
//! whole MCUs (640×480 does); so is a window that is not scaled and begins on the border of an MCU. Everything else goes
//! over the Y, U and V planes, never over RGB, and sizes are what the decoder can make while decoding: N/8 of the picture.
//! The decoder is strict: a picture that it warns about is refused, except for stray bytes before the end marker, which
//! many USB cameras send.
//!
//! A [`Pipeline`] keeps its buffers, so that a stream of pictures allocates little more than the results. (libjpeg's own
//! work memory, and its transformer, which cannot move between threads and is therefore made for each flip, are the rest.)

mod crop;
mod eighth;
mod planes;

use bytes::Bytes;
use fast_image_resize::Resizer;
use turbojpeg::{
    Colorspace, Compressor, DecompressHeader, Decompressor, Image, OutputBuf, PixelFormat, ScalingFactor, Subsamp,
    Transform, TransformOp, Transformer, YuvImage,
};

use self::crop::Frame;
use super::{
    frame::{Range, Raw, RawFormat, Size},
    jpeg::cut::{Cutter, Uncut},
    window::Crop,
};

pub use self::eighth::Eighth;

/// The JPEG quality of pictures encoded anew, 1-100.
pub const QUALITY: i32 = 80;

/// The most scans of a progressive picture; real ones have about ten. Bounds the time a decoder spends.
const MOST_SCANS: u32 = 100;

/// Why a picture cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It does not decode.
    #[error("the picture does not decode: {0}")]
    Jpeg(#[from] turbojpeg::Error),
    /// A side is 0 or over [`Size::LONGEST`], or the sides of subsampled pixels are odd.
    #[error("a picture of {0} is not possible")]
    Size(Size),
    /// The window does not lie within the picture, or what comes out of it is not possible.
    #[error("no {0} in a picture of {1}")]
    Window(Crop, Size),
    /// The pixels are more or fewer than the size says.
    #[error("{got} bytes of pixels came where {due} were due")]
    Pixels {
        /// How many came.
        got: usize,
        /// How many the format and size ask for.
        due: usize,
    },
}

/// What to do to a picture; the default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The window that is taken, before anything is turned.
    pub crop: Option<Crop>,
    /// Upside down.
    pub flip: bool,
    /// Mirrored left to right.
    pub mirror: bool,
    /// Brightness and contrast.
    pub luma: Option<Luma>,
    /// The width wished for; see [`scaled`] for what comes out. With a window, its view says what comes out, and this is not
    /// looked at.
    pub width: Option<u32>,
}

impl Change {
    /// Returns the size that comes out of a picture.
    pub fn size(&self, picture: Size) -> Size {
        match (self.crop, self.width) {
            (Some(crop), _) => crop.view,
            (None, Some(width)) => scaled(picture, width),
            (None, None) => picture,
        }
    }
}

/// Brightness and contrast as a table over the 256 values of luma.
#[derive(Clone, PartialEq, Eq)]
pub struct Luma([u8; 256]);

impl std::fmt::Debug for Luma {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Luma({}..{}..{})", self.0[0], self.0[128], self.0[255])
    }
}

impl Luma {
    /// Makes the table for a brightness of 0-255 and a contrast of 0-6 (`camera_control.cgi`); `None` if both are
    /// neutral (128 and 3).
    ///
    /// The curve turns about mid-grey: `(y - 128) × 2^((contrast - 3) / 3) + 128 + (brightness - 128)`. Three steps of
    /// contrast double or halve it; brightness 0 turns mid-grey black, 255 turns it white.
    pub fn new(brightness: u8, contrast: u8) -> Option<Self> {
        let contrast = contrast.min(6);
        if (brightness, contrast) == (128, 3) {
            return None;
        }
        let factor = ((f32::from(contrast) - 3.0) / 3.0).exp2();
        let mut table = [0; 256];
        for (y, entry) in (0..=255u8).zip(&mut table) {
            // A cast of a float saturates at 0 and 255.
            *entry = ((f32::from(y) - 128.0) * factor + f32::from(brightness)).round() as u8;
        }
        Some(Self(table))
    }

    /// Makes the table that takes luma from limited to full range and then through `luma`: still one look a sample.
    fn from_limited(luma: Option<&Self>) -> Self {
        let expanded = expansion(16, 0, 219);
        Self(luma.map_or(expanded, |luma| expanded.map(|y| luma.0[usize::from(y)])))
    }

    fn apply(&self, plane: &mut [u8]) {
        look_up(&self.0, plane);
    }
}

/// Makes the table that takes samples from limited to full range: `zero` becomes `full_zero`, and `steps` become 255.
fn expansion(zero: i32, full_zero: i32, steps: i32) -> [u8; 256] {
    std::array::from_fn(|sample| {
        let above = ((sample as i32 - zero) * 255 + steps / 2).div_euclid(steps);
        (above + full_zero).clamp(0, 255) as u8
    })
}

fn look_up(table: &[u8; 256], samples: &mut [u8]) {
    for sample in samples {
        *sample = table[usize::from(*sample)];
    }
}

/// Returns the size that comes out for a wished width: N/8 of the picture, N from 1 to 8, whichever is nearest by ratio.
pub fn scaled(size: Size, width: u32) -> Size {
    let factor = factor(size.width, Some(width));
    Size::new(factor.scale(size.width as usize) as u32, factor.scale(size.height as usize) as u32)
}

fn factor(width: u32, wished: Option<u32>) -> ScalingFactor {
    let Some(wished) = wished else { return ScalingFactor::ONE };
    let away = |eighths: usize| (f64::from(width) * eighths as f64 / 8.0 / f64::from(wished.max(1))).ln().abs();
    let nearest = (1..=8).min_by(|a, b| away(*a).total_cmp(&away(*b)));
    nearest.map_or(ScalingFactor::ONE, |eighths| ScalingFactor::new(eighths, 8))
}

/// The encoder, the decoder and their buffers: one for each thread or road that changes pictures.
#[derive(Debug)]
pub struct Pipeline {
    decompressor: Decompressor,
    compressor: Compressor,
    /// Planes Y, U, V, one behind the other.
    pixels: Vec<u8>,
    /// The same, before a window is taken out of them.
    whole: Vec<u8>,
    resizer: Resizer,
    cutter: Cutter,
    /// Where JPEGs are written before their length is known.
    output: Vec<u8>,
    /// How often it has encoded pixels.
    encodes: u64,
}

impl Pipeline {
    /// Makes one.
    ///
    /// # Errors
    /// Only when libjpeg finds no memory.
    pub fn new() -> Result<Self, Failed> {
        let mut decompressor = Decompressor::new()?;
        decompressor.set_scan_limit(MOST_SCANS)?;
        let compressor = Compressor::new()?;
        let [pixels, whole, output] = [const { Vec::new() }; 3];
        Ok(Self {
            decompressor,
            compressor,
            pixels,
            whole,
            resizer: Resizer::new(),
            cutter: Cutter::default(),
            output,
            encodes: 0,
        })
    }

    /// Returns how often it has encoded pixels: what moved whole blocks of a JPEG, or nothing, is not counted.
    pub const fn encodes(&self) -> u64 {
        self.encodes
    }

    /// Changes a picture that [`super::jpeg::check`] let pass; without a change it is the same buffer.
    ///
    /// # Errors
    /// [`Failed::Jpeg`] for a picture with damaged data.
    pub fn change(&mut self, jpeg: &Bytes, change: &Change) -> Result<Bytes, Failed> {
        if *change == Change::default() {
            return Ok(jpeg.clone());
        }
        let header = self.header(jpeg)?;
        if let Some(crop) = change.crop {
            return self.crop(jpeg, &header, &crop, change);
        }
        let factor = factor(header.width as u32, change.width);
        if factor == ScalingFactor::ONE && change.luma.is_none() {
            if !change.flip && !change.mirror {
                return Ok(jpeg.clone());
            }
            if moves_whole_mcus(size_of(&header), header.subsamp, change) {
                return self.flip(jpeg, &header, change);
            }
        }
        if is_ycc(&header) {
            self.over_planes(jpeg, &header, factor, change, QUALITY)
        } else {
            let plain = self.encode_anew(jpeg)?;
            let header = self.header(&plain)?;
            self.over_planes(&plain, &header, factor, change, QUALITY)
        }
    }

    /// Decodes a picture of any kind and encodes it as a baseline JPEG (for [`super::jpeg::Broken::Foreign`]).
    ///
    /// # Errors
    /// [`Failed::Jpeg`] for what libjpeg-turbo does not decode into colours: CMYK, other than 8 bits, damage.
    pub fn encode_anew(&mut self, jpeg: &[u8]) -> Result<Bytes, Failed> {
        let header = self.header(jpeg)?;
        if is_ycc(&header) {
            return self.over_planes(jpeg, &header, ScalingFactor::ONE, &Change::default(), QUALITY);
        }
        let (width, height) = (header.width, header.height);
        self.pixels.resize(width * height * 3, 0);
        self.decompressor.set_scaling_factor(ScalingFactor::ONE)?;
        let pixels = &mut self.pixels[..];
        let image = Image { pixels, width, pitch: width * 3, height, format: PixelFormat::RGB };
        forgive(self.decompressor.decompress(jpeg, image))?;
        self.encodes += 1;
        self.compressor.set_quality(QUALITY)?;
        self.compressor.set_subsamp(Subsamp::Sub2x2)?;
        self.output.resize(turbojpeg::compressed_buf_len(width, height, Subsamp::Sub2x2)?, 0);
        let image = Image { pixels: &self.pixels[..], width, pitch: width * 3, height, format: PixelFormat::RGB };
        let length = self.compressor.compress_to_slice(image, &mut self.output)?;
        Ok(Bytes::copy_from_slice(&self.output[..length]))
    }

    /// Decodes a picture as far as its data must be read, and keeps nothing: finds what [`super::jpeg::check`] cannot.
    ///
    /// # Errors
    /// [`Failed::Jpeg`] for data that end early or make no sense.
    pub fn verify(&mut self, jpeg: &[u8]) -> Result<(), Failed> {
        let header = self.header(jpeg)?;
        let eighth = ScalingFactor::ONE_EIGHTH;
        let (width, height) = (eighth.scale(header.width), eighth.scale(header.height));
        self.pixels.resize(width * height, 0);
        self.decompressor.set_scaling_factor(eighth)?;
        let image = Image { pixels: &mut self.pixels[..], width, pitch: width, height, format: PixelFormat::GRAY };
        Ok(forgive(self.decompressor.decompress(jpeg, image))?)
    }

    /// Makes a JPEG of raw pixels, whose limited range becomes a JPEG's full one; `change.width` is not looked at. Of a
    /// window's, nothing around it is touched.
    ///
    /// `quality` is 1-100.
    ///
    /// # Errors
    /// [`Failed::Size`] and [`Failed::Pixels`] for pixels that contradict their description, [`Failed::Window`] for a window
    /// that is not within them, or odd where colour is subsampled.
    pub fn encode_raw(&mut self, raw: &Raw, change: &Change, quality: i32) -> Result<Bytes, Failed> {
        let Size { width, height } = raw.size;
        let odd = raw.format != RawFormat::Grey && (width % 2 != 0 || height % 2 != 0);
        if odd || [width, height].iter().any(|side| !(1..=Size::LONGEST).contains(side)) {
            return Err(Failed::Size(raw.size));
        }
        let (got, due) = (raw.pixels.len(), raw.format.bytes(raw.size));
        if got != due {
            return Err(Failed::Pixels { got, due });
        }
        let subsamp = match raw.format {
            RawFormat::Yuyv => Subsamp::Sub2x1,
            RawFormat::Nv12 | RawFormat::I420 => Subsamp::Sub2x2,
            RawFormat::Grey => Subsamp::Gray,
        };
        let already_planes = matches!(raw.format, RawFormat::I420 | RawFormat::Grey);
        let full = raw.range == Range::Full;
        let whole = Crop { left: 0, top: 0, size: raw.size, view: raw.size };
        let crop = change.crop.unwrap_or(whole);
        let odd =
            raw.format != RawFormat::Grey && !(crop.size.width.is_multiple_of(2) && crop.size.height.is_multiple_of(2));
        if odd || !crop.is_within(raw.size) {
            return Err(Failed::Window(crop, raw.size));
        }
        if full && already_planes && crop == whole && !change.flip && !change.mirror && change.luma.is_none() {
            self.encodes += 1;
            return encode(&mut self.compressor, &raw.pixels, raw.size, subsamp, quality, &mut self.output);
        }
        if crop.is_one_to_one() {
            planes::separate(raw, &crop, subsamp, &mut self.pixels);
        } else {
            planes::separate(raw, &crop, subsamp, &mut self.whole);
            let frame = Frame::new(&crop, (crop.left, crop.top), ScalingFactor::ONE);
            frame.take(&mut self.whole, crop.size, subsamp, &mut self.pixels, &mut self.resizer)?;
        }
        if full {
            return self.finish(crop.view, subsamp, change, quality);
        }
        let chroma = expansion(128, 128, 224);
        let [_, u, v] = planes::of(&mut self.pixels, crop.view, subsamp);
        look_up(&chroma, u.samples);
        look_up(&chroma, v.samples);
        let luma = Some(Luma::from_limited(change.luma.as_ref()));
        self.finish(crop.view, subsamp, &Change { luma, ..*change }, quality)
    }

    fn header(&mut self, jpeg: &[u8]) -> Result<DecompressHeader, Failed> {
        header(&mut self.decompressor, jpeg)
    }

    /// Takes a window, and turns it.
    fn crop(&mut self, jpeg: &Bytes, header: &DecompressHeader, crop: &Crop, change: &Change) -> Result<Bytes, Failed> {
        let picture = size_of(header);
        if crop.is_whole(picture) {
            return self.change(jpeg, &Change { crop: None, width: None, ..change.clone() });
        }
        if !crop.is_within(picture) {
            return Err(Failed::Window(*crop, picture));
        }
        if !is_ycc(header) {
            let plain = self.encode_anew(jpeg)?;
            let header = self.header(&plain)?;
            return self.crop(&plain, &header, crop, change);
        }
        let blocks = crop::enclosing(crop, picture, header.subsamp);
        let as_it_is = *crop == blocks && change.luma.is_none();
        let worth = as_it_is || crop::is_worth_cutting(blocks.size, picture);
        let cut = worth.then(|| self.cutter.cut(jpeg, (blocks.left, blocks.top), blocks.size));
        let (cut, origin) = match cut {
            Some(Ok(cut)) if as_it_is && moves_whole_mcus(crop.view, header.subsamp, change) => {
                return self.change(&cut, &Change { crop: None, width: None, ..change.clone() });
            }
            Some(Ok(cut)) => (cut, (blocks.left, blocks.top)),
            // What is of an unusual kind, or damaged, is for a decoder to judge.
            Some(Err(Uncut)) | None => (jpeg.clone(), (0, 0)),
        };
        let (factor, header) = (crop::shrinking(crop), self.header(&cut)?);
        let DecompressHeader { width, height, subsamp, .. } = header.scaled(factor);
        self.whole.resize(turbojpeg::yuv_pixels_len(width, 1, height, subsamp)?, 0);
        self.decompressor.set_scaling_factor(factor)?;
        let image = YuvImage { pixels: &mut self.whole[..], width, align: 1, height, subsamp };
        forgive(self.decompressor.decompress_to_yuv(&cut, image))?;
        let size = Size::new(width as u32, height as u32);
        let frame = Frame::new(crop, origin, factor);
        frame.take(&mut self.whole, size, subsamp, &mut self.pixels, &mut self.resizer)?;
        self.finish(crop.view, subsamp, change, QUALITY)
    }

    /// Flips on the coefficients; [`moves_whole_mcus`] must hold.
    fn flip(&mut self, jpeg: &[u8], header: &DecompressHeader, change: &Change) -> Result<Bytes, Failed> {
        let mut transform = Transform::op(match (change.flip, change.mirror) {
            (true, true) => TransformOp::Rot180,
            (true, false) => TransformOp::Vflip,
            (false, true) => TransformOp::Hflip,
            (false, false) => TransformOp::None,
        });
        transform.perfect = true;
        // Twice the input as well, because new Huffman tables may fit a picture of high quality worse than its own.
        let worst = turbojpeg::compressed_buf_len(header.width, header.height, header.subsamp)?;
        self.output.resize(worst.max(jpeg.len() * 2), 0);
        let mut output = OutputBuf::borrowed(&mut self.output);
        forgive(Transformer::new()?.transform(&transform, jpeg, &mut output))?;
        Ok(Bytes::copy_from_slice(&output))
    }

    /// Decodes into planes, changes them and encodes them; [`is_ycc`] must hold.
    fn over_planes(
        &mut self,
        jpeg: &[u8],
        header: &DecompressHeader,
        factor: ScalingFactor,
        change: &Change,
        quality: i32,
    ) -> Result<Bytes, Failed> {
        let DecompressHeader { width, height, subsamp, .. } = header.scaled(factor);
        self.pixels.resize(turbojpeg::yuv_pixels_len(width, 1, height, subsamp)?, 0);
        self.decompressor.set_scaling_factor(factor)?;
        let image = YuvImage { pixels: &mut self.pixels[..], width, align: 1, height, subsamp };
        forgive(self.decompressor.decompress_to_yuv(jpeg, image))?;
        self.finish(Size::new(width as u32, height as u32), subsamp, change, quality)
    }

    /// Changes the planes in `pixels` and encodes them.
    fn finish(&mut self, size: Size, subsamp: Subsamp, change: &Change, quality: i32) -> Result<Bytes, Failed> {
        let mut planes = planes::of(&mut self.pixels, size, subsamp);
        if let Some(luma) = &change.luma {
            luma.apply(planes[0].samples);
        }
        for plane in &mut planes {
            plane.turn(change.flip, change.mirror);
        }
        self.encodes += 1;
        encode(&mut self.compressor, &self.pixels, size, subsamp, quality, &mut self.output)
    }
}

/// Reads the header and refuses sizes that are out of bounds.
fn header(decompressor: &mut Decompressor, jpeg: &[u8]) -> Result<DecompressHeader, Failed> {
    let header = decompressor.read_header(jpeg)?;
    let longest = Size::LONGEST as usize;
    if !(1..=longest).contains(&header.width) || !(1..=longest).contains(&header.height) {
        return Err(Failed::Size(Size::new(header.width as u32, header.height as u32)));
    }
    Ok(header)
}

/// Encodes planes that lie one behind the other.
fn encode(
    compressor: &mut Compressor,
    pixels: &[u8],
    size: Size,
    subsamp: Subsamp,
    quality: i32,
    output: &mut Vec<u8>,
) -> Result<Bytes, Failed> {
    let (width, height) = (size.width as usize, size.height as usize);
    output.resize(turbojpeg::compressed_buf_len(width, height, subsamp)?, 0);
    compressor.set_quality(quality.clamp(1, 100))?;
    let mut jpeg = OutputBuf::borrowed(output);
    compressor.compress_yuv(YuvImage { pixels, width, align: 1, height, subsamp }, &mut jpeg)?;
    Ok(Bytes::copy_from_slice(&jpeg))
}

/// Says whether the decoder can give the planes of a picture as they are.
fn is_ycc(header: &DecompressHeader) -> bool {
    matches!(header.colorspace, Colorspace::YCbCr | Colorspace::Gray) && header.subsamp != Subsamp::Unknown
}

/// Says whether the flips move whole MCUs only: partial ones, right or below, cannot go to the left or the top.
fn moves_whole_mcus(size: Size, subsamp: Subsamp, change: &Change) -> bool {
    subsamp != Subsamp::Unknown
        && (!change.mirror || size.width.is_multiple_of(subsamp.mcu_width() as u32))
        && (!change.flip || size.height.is_multiple_of(subsamp.mcu_height() as u32))
}

fn size_of(header: &DecompressHeader) -> Size {
    Size::new(header.width as u32, header.height as u32)
}

/// Lets a warning pass that says nothing about the picture: stray bytes between its data and its end marker.
///
/// libjpeg keeps the text of the first warning alone, and this one is always the last that can come.
fn forgive(result: turbojpeg::Result<()>) -> turbojpeg::Result<()> {
    match result {
        Err(turbojpeg::Error::TurboJpegError(text)) if text.ends_with("extraneous bytes before marker 0xd9") => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
