//! A picture to paint on: planes Y, U, V as the JPEG encoder takes them, so that nothing is converted on the way.
//!
//! Bargains: shapes clip at the picture's edges, and no coordinate, text or size panics. Luma is smoothed along a
//! shape's left and right edge; a chroma cell takes the colour of its top left pixel. That is cheap, and at the
//! distance from which people look at pictures of this size it is enough.

use std::convert::Infallible;

use embedded_graphics::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Point},
    mono_font::{MonoFont, MonoTextStyle, iso_8859_1 as latin},
    pixelcolor::BinaryColor,
    text::{Baseline, renderer::TextRenderer},
};

use super::frame::{Range, Raw, RawFormat, Size};

/// A place on the canvas, or a width and a height, in pixels from the top left.
pub type At = (f32, f32);

/// A colour in the JPEG's own terms: full-range BT.601.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    y: u8,
    u: u8,
    v: u8,
}

impl Colour {
    /// White.
    pub const WHITE: Self = Self::rgb(255, 255, 255);
    /// Black.
    pub const BLACK: Self = Self::rgb(0, 0, 0);

    /// Converts a colour as screens name it (JFIF 1.02, page 3).
    pub const fn rgb(r: u8, g: u8, b: u8) -> Self {
        let (r, g, b) = (r as i32, g as i32, b as i32);
        // No part leaves 0-255: the weights of luma add up to 256, those of chroma reach 128 either way.
        Self {
            y: ((77 * r + 150 * g + 29 * b) / 256) as u8,
            u: ((128 * b - 43 * r - 85 * g) / 256 + 128) as u8,
            v: ((128 * r - 107 * g - 21 * b) / 256 + 128) as u8,
        }
    }

    /// Returns the colour between `self` (`share` 0) and `other` (`share` 1).
    pub fn mix(self, other: Self, share: f32) -> Self {
        Self { y: mix(self.y, other.y, share), u: mix(self.u, other.u, share), v: mix(self.v, other.v, share) }
    }
}

fn mix(from: u8, to: u8, share: f32) -> u8 {
    (f32::from(from) + (f32::from(to) - f32::from(from)) * share).round() as u8
}

/// A bitmap font at a whole multiple of its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    font: &'static MonoFont<'static>,
    scale: u32,
}

impl Face {
    /// The fonts, from the smallest to the largest, and how often each may be enlarged before it looks coarse.
    const FONTS: [(&MonoFont<'static>, u32); 6] = [
        (&latin::FONT_4X6, 1),
        (&latin::FONT_5X8, 1),
        (&latin::FONT_6X10, 1),
        (&latin::FONT_8X13_BOLD, 1),
        (&latin::FONT_9X15_BOLD, 2),
        (&latin::FONT_10X20, Size::LONGEST / 20),
    ];

    /// Returns the largest face at most `height` pixels high, or the smallest that there is.
    pub fn fit(height: f32) -> Self {
        let mut best = Self { font: &latin::FONT_4X6, scale: 1 };
        for (font, most) in Self::FONTS {
            let scale = (height / font.character_size.height as f32) as u32;
            let face = Self { font, scale: scale.min(most) };
            if face.height() > best.height() {
                best = face;
            }
        }
        best
    }

    /// Returns the height of a line in pixels.
    pub fn height(self) -> f32 {
        (self.font.character_size.height * self.scale) as f32
    }

    /// Returns the width of one character in pixels.
    pub fn advance(self) -> f32 {
        (self.font.character_size.width * self.scale) as f32
    }

    /// Returns the width of a text in pixels.
    pub fn width(self, text: &str) -> f32 {
        text.chars().count() as f32 * self.advance()
    }
}

/// An I420 picture being painted; even sides.
///
/// `Canvas::default()` is an empty one, for [`Canvas::copy_from`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas {
    raw: Raw,
}

impl Default for Canvas {
    fn default() -> Self {
        Self { raw: Raw { format: RawFormat::I420, range: Range::Full, size: Size::new(0, 0), pixels: Vec::new() } }
    }
}

impl Canvas {
    /// Makes a black picture. An odd side loses its last pixel; sides end at [`Size::LONGEST`].
    pub fn new(size: Size) -> Self {
        let even = |side: u32| side.clamp(2, Size::LONGEST) & !1;
        let size = Size::new(even(size.width), even(size.height));
        let luma = size.width as usize * size.height as usize;
        let mut pixels = vec![Colour::BLACK.y; RawFormat::I420.bytes(size)];
        pixels[luma..].fill(Colour::BLACK.u);
        Self { raw: Raw { format: RawFormat::I420, range: Range::Full, size, pixels } }
    }

    /// Becomes the same as `other`, in the memory it already has if that is enough.
    pub fn copy_from(&mut self, other: &Self) {
        self.raw.size = other.raw.size;
        self.raw.pixels.clone_from(&other.raw.pixels);
    }

    /// Returns the size.
    pub fn size(&self) -> Size {
        self.raw.size
    }

    /// Returns width and height as numbers to paint with.
    pub fn extent(&self) -> At {
        (self.raw.size.width as f32, self.raw.size.height as f32)
    }

    /// Returns the luma plane.
    pub fn luma(&self) -> &[u8] {
        &self.raw.pixels[..self.width() * self.height()]
    }

    /// Lends the picture as the encoder takes it.
    pub fn as_raw(&self) -> &Raw {
        &self.raw
    }

    /// Hands the picture over as a source delivers it.
    pub fn into_raw(self) -> Raw {
        self.raw
    }

    /// Returns the colour at a place, that of the nearest pixel for a place outside; black if there is no pixel.
    pub fn colour_at(&self, at: At) -> Colour {
        let (x, y) = (index(at.0, self.width().saturating_sub(1)), index(at.1, self.height().saturating_sub(1)));
        let luma = self.width() * self.height();
        let cell = y / 2 * (self.width() / 2) + x / 2;
        let part = |at: usize| self.raw.pixels.get(at).copied();
        match (part(y * self.width() + x), part(luma + cell), part(luma + luma / 4 + cell)) {
            (Some(y), Some(u), Some(v)) => Colour { y, u, v },
            _ => Colour::BLACK,
        }
    }

    /// Fills a rectangle; its edges are rounded to whole pixels.
    pub fn rect(&mut self, (left, top): At, (width, height): At, colour: Colour) {
        let (from, to) = (left.round(), (left + width).round());
        for y in self.rows(top.round(), (top + height).round()) {
            self.span(y, from, to, colour);
        }
    }

    /// Lays a translucent colour over a rectangle: `share` 0 leaves it, 1 fills it.
    pub fn veil(&mut self, (left, top): At, (width, height): At, colour: Colour, share: f32) {
        let (x0, x1) = (index(left.round(), self.width()), index((left + width).round(), self.width()));
        for y in self.rows(top.round(), (top + height).round()) {
            let [luma, u, v] = self.row(y);
            let blend = |part: &mut [u8], to: u8| part.iter_mut().for_each(|from| *from = mix(*from, to, share));
            blend(luma.get_mut(x0..x1).unwrap_or_default(), colour.y);
            if y.is_multiple_of(2) {
                blend(u.get_mut(x0.div_ceil(2)..x1.div_ceil(2)).unwrap_or_default(), colour.u);
                blend(v.get_mut(x0.div_ceil(2)..x1.div_ceil(2)).unwrap_or_default(), colour.v);
            }
        }
    }

    /// Fills a disc.
    pub fn disc(&mut self, centre: At, radius: f32, colour: Colour) {
        self.ellipse(centre, (radius, radius), colour);
    }

    /// Fills an upright ellipse with the half axes `(a, b)`.
    pub fn ellipse(&mut self, (x, y): At, (a, b): At, colour: Colour) {
        for row in self.rows((y - b).floor(), (y + b).ceil()) {
            let off = (row as f32 + 0.5 - y) / b;
            if off.abs() < 1.0 {
                let half = a * (1.0 - off * off).sqrt();
                self.span(row, x - half, x + half, colour);
            }
        }
    }

    /// Draws a straight line with square ends.
    pub fn line(&mut self, from: At, to: At, thickness: f32, colour: Colour) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        if length > 0.0 {
            let (x, y) = (-dy / length * thickness / 2.0, dx / length * thickness / 2.0);
            let corners =
                [(from.0 + x, from.1 + y), (to.0 + x, to.1 + y), (to.0 - x, to.1 - y), (from.0 - x, from.1 - y)];
            self.convex(&corners, colour);
        }
    }

    /// Fills a convex polygon, the corners in order either way round.
    pub fn convex(&mut self, corners: &[At], colour: Colour) {
        let top = corners.iter().fold(f32::INFINITY, |top, corner| top.min(corner.1));
        let bottom = corners.iter().fold(f32::NEG_INFINITY, |bottom, corner| bottom.max(corner.1));
        let edges = || corners.iter().zip(corners.iter().cycle().skip(1));
        for row in self.rows(top.floor(), bottom.ceil()) {
            let middle = row as f32 + 0.5;
            let (mut from, mut to) = (f32::INFINITY, f32::NEG_INFINITY);
            for (a, b) in edges().filter(|(a, b)| (a.1 <= middle) != (b.1 <= middle)) {
                let x = a.0 + (middle - a.1) / (b.1 - a.1) * (b.0 - a.0);
                (from, to) = (from.min(x), to.max(x));
            }
            self.span(row, from, to, colour);
        }
    }

    /// Writes one line of text, `at` being its top left corner.
    ///
    /// Characters beyond Latin-1, line breaks and other control characters appear as `?`.
    pub fn text(&mut self, at: At, text: &str, face: Face, colour: Colour) {
        self.faint_text(at, text, face, colour, 1.0);
    }

    /// Writes as [`Canvas::text`] does, translucent: `share` 0 is invisible, 1 covers.
    pub fn faint_text(&mut self, (left, top): At, text: &str, face: Face, colour: Colour, share: f32) {
        let (left, top) = (left.round(), top.round());
        let fitting = ((self.extent().0 - left) / face.advance()).ceil().max(0.0) as usize;
        let end = text.char_indices().nth(fitting).map_or(text.len(), |(at, _)| at);
        let mut ink = Ink { canvas: self, left, top, scale: face.scale as f32, colour, share };
        let style = MonoTextStyle::new(face.font, BinaryColor::On);
        let Ok(_) = style.draw_string(&text[..end], Point::zero(), Baseline::Top, &mut ink);
    }

    fn width(&self) -> usize {
        self.raw.size.width as usize
    }

    fn height(&self) -> usize {
        self.raw.size.height as usize
    }

    /// Returns the rows from `top` to `bottom` as far as they lie in the picture.
    fn rows(&self, top: f32, bottom: f32) -> std::ops::Range<usize> {
        index(top, self.height())..index(bottom, self.height())
    }

    /// Borrows row `y` of the luma plane, and of the planes U and V what lies under it; empty if there is no such row.
    fn row(&mut self, y: usize) -> [&mut [u8]; 3] {
        let (width, height) = (self.width(), self.height());
        let (luma, chroma) = self.raw.pixels.split_at_mut(width * height);
        let (u, v) = chroma.split_at_mut(width * height / 4);
        let cell = width / 2;
        [
            luma.chunks_exact_mut(width.max(1)).nth(y).unwrap_or_default(),
            u.chunks_exact_mut(cell.max(1)).nth(y / 2).unwrap_or_default(),
            v.chunks_exact_mut(cell.max(1)).nth(y / 2).unwrap_or_default(),
        ]
    }

    /// Fills a row from `from` to `to`, the pixels in which they lie by the share that is covered.
    fn span(&mut self, y: usize, from: f32, to: f32, colour: Colour) {
        let width = self.width();
        let (from, to) = (from.clamp(0.0, width as f32), to.clamp(0.0, width as f32));
        if from >= to || from.is_nan() || to.is_nan() {
            return;
        }
        let [luma, u, v] = self.row(y);
        let mut cover = |x: usize, share: f32| {
            if let Some(pixel) = luma.get_mut(x).filter(|_| share > 0.0) {
                *pixel = mix(*pixel, colour.y, share);
            }
        };
        let (first, end) = (from.ceil() as usize, to.floor() as usize);
        if first > end {
            return cover(end, to - from);
        }
        cover(first.wrapping_sub(1), first as f32 - from);
        cover(end, to - end as f32);
        luma[first..end].fill(colour.y);
        if y.is_multiple_of(2) {
            let cells = (from.round() as usize).div_ceil(2)..(to.round() as usize).div_ceil(2);
            u[cells.clone()].fill(colour.u);
            v[cells].fill(colour.v);
        }
    }
}

/// Turns a coordinate into an index from 0 to `end`; what is no number becomes 0.
fn index(at: f32, end: usize) -> usize {
    // `as` saturates, and turns NaN into 0.
    (at as usize).min(end)
}

/// The canvas as a font sees it: one font pixel is a square of `scale`.
struct Ink<'a> {
    canvas: &'a mut Canvas,
    left: f32,
    top: f32,
    scale: f32,
    colour: Colour,
    share: f32,
}

impl OriginDimensions for Ink<'_> {
    fn size(&self) -> embedded_graphics::geometry::Size {
        let Size { width, height } = self.canvas.size();
        embedded_graphics::geometry::Size::new(width, height)
    }
}

impl DrawTarget for Ink<'_> {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, _) in pixels.into_iter().filter(|pixel| pixel.1.is_on()) {
            let place = (self.left + at.x as f32 * self.scale, self.top + at.y as f32 * self.scale);
            let square = (self.scale, self.scale);
            if self.share < 1.0 {
                self.canvas.veil(place, square, self.colour, self.share);
            } else {
                self.canvas.rect(place, square, self.colour);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn primary_colours_become_what_jfif_says() {
        let parts = |c: Colour| (c.y, c.u, c.v);
        assert_eq!(parts(Colour::WHITE), (255, 128, 128));
        assert_eq!(parts(Colour::BLACK), (0, 128, 128));
        for (colour, (y, u, v)) in [
            (Colour::rgb(255, 0, 0), (76, 85, 255)),
            (Colour::rgb(0, 255, 0), (150, 44, 21)),
            (Colour::rgb(0, 0, 255), (29, 255, 107)),
        ] {
            let near = |a: u8, b: u8| a.abs_diff(b) <= 1;
            assert!(near(colour.y, y) && near(colour.u, u) && near(colour.v, v), "{colour:?}");
        }
    }

    #[test]
    fn a_rectangle_fills_its_pixels_and_no_others() {
        let mut canvas = Canvas::new(Size::new(8, 4));
        canvas.rect((2.0, 1.0), (3.0, 2.0), Colour::WHITE);
        assert_eq!(canvas.luma()[8..16], [0, 0, 255, 255, 255, 0, 0, 0]);
        assert_eq!(canvas.luma()[..8], [0; 8]);
        assert_eq!(canvas.luma()[24..], [0; 8]);
    }

    #[test]
    fn a_half_covered_pixel_becomes_half_as_bright() {
        let mut canvas = Canvas::new(Size::new(8, 2));
        canvas.convex(&[(1.5, 0.0), (4.5, 0.0), (4.5, 1.0), (1.5, 1.0)], Colour::WHITE);
        assert_eq!(canvas.luma()[..8], [0, 128, 255, 255, 128, 0, 0, 0]);
    }

    #[test]
    fn an_unknown_character_is_a_question_mark() {
        let written = |text: &str| {
            let mut canvas = Canvas::new(Size::new(40, 20));
            canvas.text((0.0, 0.0), text, Face::fit(20.0), Colour::WHITE);
            canvas
        };
        assert_eq!(written("漢a\n"), written("?a?"));
        assert_ne!(written("ä"), written("?"), "Latin-1 has its own letters");
    }

    #[test]
    fn a_face_is_as_high_as_fits() {
        for (wanted, height) in [(0.0, 6.0), (9.0, 8.0), (20.0, 20.0), (29.0, 20.0), (30.0, 30.0), (79.0, 60.0)] {
            assert_eq!(Face::fit(wanted).height(), height, "{wanted}");
        }
        assert_eq!(Face::fit(60.0).advance(), 30.0, "the largest font enlarged, not a smaller one");
    }

    fn coordinate() -> impl Strategy<Value = f32> {
        prop_oneof![-50.0..200.0_f32, proptest::num::f32::ANY]
    }

    proptest! {
        #[test]
        fn no_shape_panics_anywhere(
            (width, height) in (0..100_u32, 0..100_u32),
            a in (coordinate(), coordinate()), b in (coordinate(), coordinate()), c in (coordinate(), coordinate()),
        ) {
            for mut canvas in [Canvas::new(Size::new(width, height)), Canvas::default()] {
                canvas.rect(a, b, Colour::WHITE);
                canvas.veil(a, b, Colour::WHITE, 0.5);
                canvas.ellipse(a, b, Colour::WHITE);
                canvas.line(a, b, c.0, Colour::WHITE);
                canvas.convex(&[a, b, c], Colour::WHITE);
                canvas.colour_at(a);
            }
        }

        #[test]
        fn no_text_panics_anywhere(
            (width, height) in (0..100_u32, 0..100_u32), at in (coordinate(), coordinate()),
            text in any::<String>(), high in coordinate(),
        ) {
            for mut canvas in [Canvas::new(Size::new(width, height)), Canvas::default()] {
                canvas.text(at, &text, Face::fit(high), Colour::WHITE);
            }
        }
    }
}
