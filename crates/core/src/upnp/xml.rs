//! As much XML as gateways speak: elements and their text, one after the other.
//!
//! There is no document type, so there are no entities but the five of XML and numbers; one that is neither stays as it is
//! written, which is how many gateways write an "&". Prefixes of names are left out. What follows the root is not looked at.

use std::borrow::Cow;

/// How deep elements may lie in each other.
const DEEPEST: usize = 32;

/// It is no XML, or more of it than is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The next of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// An element begins.
    Begin(&'a str),
    /// Text within the innermost element.
    Text(Cow<'a, str>),
    /// The element ends.
    End(&'a str),
}

/// Reads a text piece by piece.
pub struct Reader<'a> {
    rest: &'a str,
    /// The elements that are open, as they are written.
    open: Vec<&'a str>,
    /// Whether the root is behind us.
    over: bool,
    /// An element that ends where it began.
    empty: bool,
}

impl<'a> Reader<'a> {
    /// Begins.
    pub fn new(text: &'a str) -> Self {
        Self { rest: text.trim_start_matches('\u{feff}'), open: Vec::new(), over: false, empty: false }
    }

    /// Returns the name of the innermost element.
    pub fn inside(&self) -> &'a str {
        self.open.last().map_or("", |name| local(name))
    }

    /// Returns what comes next; none behind the root.
    ///
    /// # Errors
    /// The text goes on as no XML does.
    pub fn next(&mut self) -> Result<Option<Piece<'a>>, Malformed> {
        loop {
            if self.empty {
                self.empty = false;
                return self.close().map(Some);
            }
            if self.over {
                return Ok(None);
            }
            let Some(markup) = self.rest.strip_prefix('<') else {
                let text = self.until("<")?;
                match self.open.is_empty() {
                    true if text.trim().is_empty() => continue,
                    true => return Err(Malformed),
                    false => return Ok(Some(Piece::Text(unescaped(text)))),
                }
            };
            self.rest = markup;
            if self.skip("?") {
                self.past("?>")?;
            } else if self.skip("!--") {
                self.past("-->")?;
            } else if !self.open.is_empty() && self.skip("![CDATA[") {
                return Ok(Some(Piece::Text(self.past("]]>")?.into())));
            } else if self.skip("!") {
                // A document type, in which entities are made.
                return Err(Malformed);
            } else if self.skip("/") {
                let name = self.past(">")?.trim_ascii_end();
                return if self.open.last() == Some(&name) { self.close().map(Some) } else { Err(Malformed) };
            } else {
                return self.begin().map(Some);
            }
        }
    }

    fn begin(&mut self) -> Result<Piece<'a>, Malformed> {
        let tag = self.rest;
        let mut quote = None;
        let end = tag.bytes().position(|byte| match quote {
            Some(open) => {
                quote = quote.filter(|_| byte != open);
                false
            }
            None if matches!(byte, b'"' | b'\'') => {
                quote = Some(byte);
                false
            }
            None => byte == b'>',
        });
        let end = end.ok_or(Malformed)?;
        self.rest = &tag[end + 1..];
        let inner = &tag[..end];
        self.empty = inner.ends_with('/');
        let name = inner.split(|next: char| next.is_ascii_whitespace() || next == '/').next().unwrap_or_default();
        if name.is_empty() || name.contains(['<', '"', '\'']) || self.open.len() == DEEPEST {
            return Err(Malformed);
        }
        self.open.push(name);
        Ok(Piece::Begin(local(name)))
    }

    fn close(&mut self) -> Result<Piece<'a>, Malformed> {
        let name = self.open.pop().ok_or(Malformed)?;
        self.over = self.open.is_empty();
        Ok(Piece::End(local(name)))
    }

    fn skip(&mut self, mark: &str) -> bool {
        let behind = self.rest.strip_prefix(mark);
        self.rest = behind.unwrap_or(self.rest);
        behind.is_some()
    }

    /// Takes what comes before a mark.
    fn until(&mut self, mark: &str) -> Result<&'a str, Malformed> {
        let (before, from) = self.rest.split_at(self.rest.find(mark).ok_or(Malformed)?);
        self.rest = from;
        Ok(before)
    }

    /// Takes what comes before a mark, and goes on behind it.
    fn past(&mut self, mark: &str) -> Result<&'a str, Malformed> {
        let before = self.until(mark)?;
        self.skip(mark);
        Ok(before)
    }
}

/// Leaves the prefix of a name out.
fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Reads the entities that XML itself has.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    let mut read = String::with_capacity(text.len());
    let mut pieces = text.split('&');
    read.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let entity = piece.split_once(';').and_then(|(name, rest)| Some((entity(name)?, rest)));
        match entity {
            Some((character, rest)) => {
                read.push(character);
                read.push_str(rest);
            }
            None => {
                read.push('&');
                read.push_str(piece);
            }
        }
    }
    read.into()
}

fn entity(name: &str) -> Option<char> {
    let number = |digits: &str, radix| {
        let digits = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        digits.and_then(|digits| u32::from_str_radix(digits, radix).ok()).and_then(char::from_u32)
    };
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match name.strip_prefix("#x") {
            Some(hex) => number(hex, 16),
            None => number(name.strip_prefix('#')?, 10),
        },
    }
}

/// Writes text so that it stands in an element.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<String, Malformed> {
        let mut reader = Reader::new(text);
        let mut shown = String::new();
        while let Some(piece) = reader.next()? {
            match piece {
                Piece::Begin(name) => shown += &format!("({name} "),
                Piece::Text(text) => shown += &text,
                Piece::End(name) => shown += &format!(" {name})"),
            }
        }
        Ok(shown)
    }

    #[test]
    fn elements_and_their_text_are_read_whatever_is_between_them() {
        let text = "\u{feff}<?xml version=\"1.0\"?>\n<!-- <a> --><s:a x='>' y=\"'/>\"><b/>&lt;c&gt; AT&T &#65;&#x42;<d >\
                    <![CDATA[<&amp;]]></d\n></s:a> and \0 whatever <";
        assert_eq!(read(text).unwrap(), "(a (b  b)<c> AT&T AB(d <&amp; d) a)");
    }

    #[test]
    fn r10_3_a_document_type_is_refused_and_no_entity_is_made() {
        for laughs in [
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
            "<a><!ENTITY b \"c\">&b;</a>",
            "<!doctype a SYSTEM \"file:///etc/passwd\"><a/>",
        ] {
            assert_eq!(read(laughs), Err(Malformed), "{laughs}");
        }
        assert_eq!(
            read("<a>&b;&#xffffffff;&#x110000;&#+65;&;&</a>").unwrap(),
            "(a &b;&#xffffffff;&#x110000;&#+65;&;& a)"
        );
    }

    #[test]
    fn what_is_no_xml_is_malformed() {
        for bad in
            ["", " ", "a", "<a>", "<a></b>", "</a>", "<a", "<a x='>", "<>", "<a><", "<!-- ", "<? ", "<a><b></a></b>"]
        {
            assert_eq!(read(bad), Err(Malformed), "{bad}");
        }
        let deep = |levels: usize| "<a>".repeat(levels) + &"</a>".repeat(levels);
        assert!(read(&deep(DEEPEST)).is_ok());
        assert_eq!(read(&deep(DEEPEST + 1)), Err(Malformed));
    }

    proptest! {
        #[test]
        fn any_text_stands_in_an_element(text in ".*") {
            prop_assert_eq!(read(&format!("<a>{}</a>", escaped(&text))).unwrap(), format!("(a {text} a)"));
        }

        #[test]
        fn no_text_makes_it_panic_or_goes_on_for_ever(text in "[<>/!?&;#a\"'\\-\\[\\] \u{e9}]{0,200}") {
            let _ = read(&text);
        }
    }
}
