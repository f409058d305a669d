//! The picture shown while a source is lost: calm and dark, and it says what is lost, since when, and what time it is.
//!
//! The running time shows that the stream lives although the camera does not.

use super::{
    canvas::{At, Canvas, Colour, Face},
    frame::Size,
};

const PALE: Colour = Colour::rgb(226, 230, 236);
const GREY: Colour = Colour::rgb(142, 150, 162);
/// The only colour; lines of text one pixel wide would lose it, as chroma is coarser than luma.
const AMBER: Colour = Colour::rgb(236, 172, 72);

/// Paints the picture: `lost` says why in a sentence, the two times are shown as they are given, `since_text` behind
/// the word "since". An empty text shows nothing; a reason too long for the picture ends in `...`.
pub fn paint(size: Size, lost: &str, since_text: &str, now_text: &str) -> Canvas {
    let mut canvas = Canvas::new(size);
    let (width, height) = canvas.extent();
    for y in 0..canvas.size().height {
        let colour = Colour::rgb(40, 46, 58).mix(Colour::rgb(20, 23, 30), y as f32 / height);
        canvas.rect((0.0, y as f32), (width, 1.0), colour);
    }
    let margin = (width / 16.0).round();
    let title = Face::fit((height / 11.0).max(15.0).min((width - 2.0 * margin) / 5.0));
    let body = Face::fit((height / 24.0).max(10.0));
    let icon = if height >= 200.0 { height / 6.0 } else { 0.0 };
    let since = if since_text.is_empty() { String::new() } else { format!("since {since_text}") };

    let gap = (body.height() * 0.6).round();
    let line = body.height() * 1.25;
    let others = icon + title.height() + 2.0 * gap + line + now_line(body);
    let room = ((height - margin - others) / line).max(1.0) as usize;
    let columns = ((width - 2.0 * margin) / body.advance()).max(1.0) as usize;
    let reason = wrap(lost, columns, room);

    let used = others - now_line(body) + line * reason.len() as f32;
    let mut top = ((height - now_line(body) - used) / 2.0).max(0.0).round();
    if icon > 0.0 {
        camera(&mut canvas, (width / 2.0, top + icon / 2.0 - gap / 2.0), icon / 100.0);
    }
    top += icon;
    let mut centred = |text: &str, face: Face, top: f32, colour: Colour| {
        canvas.text(((width - face.width(text)) / 2.0, top), text, face, colour);
    };
    centred("No picture", title, top, PALE);
    top += title.height() + gap;
    for text in &reason {
        centred(text, body, top, PALE);
        top += line;
    }
    centred(&since, body, top + gap / 2.0, GREY);
    centred(now_text, body, height - now_line(body), GREY);
    canvas
}

/// Returns the height of the strip at the bottom that shows the time.
fn now_line(body: Face) -> f32 {
    (body.height() * 1.5).round()
}

/// Draws a camera that is struck through, 100 units high.
fn camera(canvas: &mut Canvas, (x, y): At, unit: f32) {
    let at = |right: f32, down: f32| (x + right * unit, y + down * unit);
    let size = |width: f32, height: f32| (width * unit, height * unit);
    let (body, hole) = (Colour::rgb(86, 94, 108), Colour::rgb(36, 41, 52));
    canvas.rect(at(-22.0, -36.0), size(44.0, 14.0), body);
    canvas.rect(at(-56.0, -26.0), size(112.0, 66.0), body);
    canvas.disc(at(0.0, 7.0), 25.0 * unit, hole);
    canvas.disc(at(0.0, 7.0), 16.0 * unit, body);
    canvas.line(at(-58.0, 46.0), at(52.0, -46.0), 16.0 * unit, hole);
    canvas.line(at(-58.0, 46.0), at(52.0, -46.0), 7.0 * unit, AMBER);
}

/// Breaks a text into at most `most` lines of at most `columns` characters, at blanks where there are any.
fn wrap(text: &str, columns: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut room = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if let Some(line) = lines.last_mut().filter(|_| length < room) {
            line.push(' ');
            line.push_str(word);
            room -= length + 1;
        } else {
            let letters: Vec<char> = word.chars().collect();
            lines.extend(letters.chunks(columns).map(String::from_iter));
            room = columns - lines.last().map_or(0, |line| line.chars().count());
        }
        if lines.len() > most {
            lines.truncate(most);
            if let Some(last) = lines.last_mut() {
                *last = last.chars().take(columns.saturating_sub(3)).chain("...".chars().take(columns)).collect();
            }
            break;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZES: [Size; 4] = [Size::QQVGA, Size::QVGA, Size::VGA, Size::new(1920, 1080)];

    #[test]
    fn the_reason_and_both_times_can_be_told_from_the_picture_at_every_size() {
        for size in SIZES {
            let pictures = [
                paint(size, "unplugged", "14:03:22", "14:05:01"),
                paint(size, "no answer", "14:03:22", "14:05:01"),
                paint(size, "unplugged", "14:03:23", "14:05:01"),
                paint(size, "unplugged", "14:03:22", "14:05:02"),
                paint(size, "", "", ""),
            ];
            for (at, picture) in pictures.iter().enumerate() {
                assert!(!pictures[..at].contains(picture), "{size}: {at}");
            }
        }
    }

    #[test]
    fn the_picture_is_dark_and_its_text_stands_out() {
        for size in SIZES {
            let canvas = paint(size, "unplugged", "14:03:22", "14:05:01");
            let bright = canvas.luma().iter().filter(|&&luma| luma > 200).count();
            assert!(bright > 100, "{size}");
            assert!(bright * 10 < canvas.luma().len(), "{size}");
        }
    }

    #[test]
    fn a_long_reason_is_wrapped_at_blanks_and_cut_with_dots() {
        assert_eq!(wrap("the camera does not answer", 12, 9), ["the camera", "does not", "answer"]);
        assert_eq!(wrap("the camera does not answer", 12, 2), ["the camera", "does not..."]);
        assert_eq!(wrap("a /dev/v4l/by-id/usb b", 8, 9), ["a", "/dev/v4l", "/by-id/u", "sb b"]);
        assert_eq!(wrap(" \n", 8, 9), [""; 0]);
    }

    proptest! {
        #[test]
        fn no_line_is_longer_or_missing(text: String, columns in 1..40_usize, most in 1..5_usize) {
            let lines = wrap(&text, columns, most);
            prop_assert!(lines.len() <= most);
            prop_assert!(lines.iter().all(|line| (1..=columns).contains(&line.chars().count())));
        }

        #[test]
        fn no_size_or_text_panics(width in 0..300_u32, height in 0..300_u32, texts: [String; 3]) {
            paint(Size::new(width, height), &texts[0], &texts[1], &texts[2]);
        }
    }
}
