//! Whatever strangers can send or leave behind, and what must hold of it besides that nothing panics.
//!
//! A target is a function over any bytes. `cargo xtask fuzz` lets libFuzzer look for bytes that break it; `cargo test`
//! replays what lies in `fuzz/corpus/NAME`: seeds by hand, and every input that broke one once.
#![forbid(unsafe_code)]

mod asf;
mod sound;
mod window;

use std::{net::Ipv4Addr, ops::ControlFlow, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use lookout_core::{
    access::{credentials::Credentials, hosts::Hosts},
    ddns,
    form::Form,
    head::{self, Head},
    journal::{self, Ring},
    media::{
        avi,
        jpeg::{self, LONGEST},
        multipart::Cutter,
    },
    pack::{
        self,
        vendor::{Found, MAGIC, Reader},
        zip::{Directory, LOCAL, TAIL},
    },
    profile::{
        backup::{self, Backup, Wish},
        change::Rules,
        settings::Settings,
        stored,
        view::Secrets,
    },
    public,
    query::Query,
    queue, sntp,
    upgrade::{self, choice::Record, manifest::Manifest, version::Version},
    upnp::{device, search, soap::Answer},
};

/// A target.
pub struct Target {
    /// Its name, and that of its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Looks at an input; panics if something does not hold.
    pub check: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "query", check: query },
    Target { name: "head", check: request_head },
    Target { name: "basic", check: basic },
    Target { name: "host", check: host },
    Target { name: "form", check: form },
    Target { name: "settings", check: settings },
    Target { name: "journal", check: journal },
    Target { name: "queue", check: waiting },
    Target { name: "pack", check: pack },
    Target { name: "zip", check: archive },
    Target { name: "params", check: params },
    Target { name: "sntp", check: time_server },
    Target { name: "ddns", check: dynamic_dns },
    Target { name: "gateway", check: gateway },
    Target { name: "mjpeg", check: mjpeg },
    Target { name: "jpeg", check: picture },
    Target { name: "window", check: window::window },
    Target { name: "avi", check: film },
    Target { name: "asf", check: asf::muxer },
    Target { name: "asf_reader", check: asf::reader },
    Target { name: "track", check: sound::track },
    Target { name: "upgrade", check: upgrade },
];

/// Whatever a gateway names lies on its own machine.
fn gateway(data: &[u8]) {
    const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    let (head, rest) = data.split_at(data.iter().position(|byte| *byte == 0).unwrap_or(data.len()));
    let text = String::from_utf8_lossy(rest.strip_prefix(b"\0").unwrap_or_default());
    if let Ok(Some(place)) = search::read(head, OWN) {
        assert_eq!(*place.at.ip(), OWN);
        for service in device::read(&text, &place).unwrap_or_default() {
            assert_eq!(*service.place.at.ip(), OWN, "{}", service.place);
            assert!(
                service.place.path.starts_with('/') && service.place.path.bytes().all(|byte| byte.is_ascii_graphic())
            );
        }
    }
    let _ = Answer::read(&text, "AddPortMapping").map(|answer| (answer.outside(), answer.entry()));
}

/// What is read of a query can be written, and reads the same again.
fn query(data: &[u8]) {
    let Ok(read) = Query::parse(data) else { return };
    let written = read.encode_without("");
    assert!(written.is_ascii() && Query::parse(written.as_bytes()).as_ref() == Ok(&read), "{written}");
    let _ = Query::parse_binary(data, "data");
}

/// A head ends where it ends, however it arrives; its path is canonical.
fn request_head(data: &[u8]) {
    let whole = head::end(data, 0);
    if let Some(end) = whole {
        assert!((0..end).all(|part| head::end(&data[..part], 0).is_none()), "it ended earlier");
    }
    let Ok(head) = Head::parse(&data[..whole.unwrap_or(data.len())]) else { return };
    let path = head.path.exact();
    assert!(path.starts_with('/') && !path.split('/').any(|part| part == "." || part == ".."), "{path}");
    assert!(!path.contains("//") && !path.contains(['\\', '\0']), "{path}");
}

/// Nobody logs in with nothing.
fn basic(data: &[u8]) {
    let header = [b"Basic ", STANDARD.encode(data).as_bytes()].concat();
    for header in [data, &header] {
        let Some(login) = Credentials::from_basic(header) else { continue };
        assert!(!login.user().is_empty() && !login.pwd().is_empty());
        assert!(![login.user(), login.pwd()].concat().contains(char::is_control));
    }
}

/// A name that is not the camera's is nobody's.
fn host(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let none = Hosts::default();
    let local = |text: &str| text.to_ascii_lowercase().contains("localhost");
    let address = |text: &str| text.contains(|c: char| c.is_ascii_digit() || c == ':');
    if none.allowed(Some(text), false) {
        assert!(local(text) || address(text), "{text:?} passes for an address");
    }
    let _ = Hosts::new([text]).allowed(Some(text), true);
}

/// What a queue reads is what was written, and what it has written it reads.
fn waiting(data: &[u8]) {
    let again = |file: Bytes| queue::decode(&file).ok();
    if let Some(read) = again(Bytes::copy_from_slice(data)) {
        let preface = queue::encode(read.pushed_ms, &read.head, &read.body).expect("it was short enough");
        assert_eq!(again([&preface[..], &read.body[..]].concat().into()), Some(read));
    }
    let (head, body) = data.split_at(data.len() / 2);
    let head = String::from_utf8_lossy(head).into_owned();
    let Ok(preface) = queue::encode(1, &head.clone().into(), body) else { return };
    let read = again([&preface[..], body].concat().into()).expect("it was just written");
    assert!(read.head == head && read.body == body && read.pushed_ms == 1);
}

/// A file comes out of a form the same, however the form is cut.
fn form(data: &[u8]) {
    let read = |piece: usize| {
        let mut form = Form::new("multipart/form-data; boundary=x").expect("a boundary");
        let mut file = Vec::new();
        for piece in data.chunks(piece) {
            match form.feed(piece) {
                Ok(ControlFlow::Continue(more)) => file.extend(more),
                Ok(ControlFlow::Break(last)) => return Some([file, last].concat()),
                Err(_) => return None,
            }
        }
        None
    };
    assert_eq!(read(data.len().max(1)), read(1));
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Form::new(text);
    }
}

/// Settings that can be read can be written, and read the same again.
fn settings(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = stored::decode(text);
    // Else hardly any would get past its checksum.
    let Ok(read) = stored::decode(&stored::seal(text)) else { return };
    let again =
        stored::Read { settings: read.settings, missing: Vec::new(), illegal: Vec::new(), beside: Default::default() };
    assert_eq!(stored::decode(&stored::encode(&again.settings)), Ok(again));
}

/// Of a package only the head is read of strangers; manifest and record are what a builder and a torn disk leave.
fn upgrade(data: &[u8]) {
    let _ = upgrade::signature_length(data);
    let text = String::from_utf8_lossy(data);
    if let Ok(manifest) = Manifest::parse(&text) {
        assert_eq!(Manifest::parse(&manifest.encode()), Ok(manifest));
    }
    let record = Record::decode(&text);
    assert!(record.0.len() <= 2);
    assert_eq!(Record::decode(&record.encode()), record);
    let choice = record.choose(Version(0, 1, 0), true);
    assert_eq!(choice.record.0.len() + choice.dropped.len(), record.0.len());
}

/// What is read of a journal is shown as one bounded line, and reads the same again.
fn journal(data: &[u8]) {
    let (read, _) = Ring::load(&String::from_utf8_lossy(data));
    let shown = read.listing();
    assert!(shown.len() <= journal::LONGEST && shown.find(char::is_control) == Some(shown.len() - 1), "{shown}");
    assert!(!shown.contains('<') && shown.matches('\'').count() == 2, "{shown}");
    let (again, whole) = Ring::load(&read.text());
    assert!(whole && again.text() == read.text());
}

/// A web pack of the vendor's gives the same files however it is cut, each as long as it says, under names that are paths.
fn pack(data: &[u8]) {
    let read = |pack: &[u8], piece: usize| {
        let (mut reader, mut files) = (Reader::default(), Vec::<(String, u64, Vec<u8>)>::new());
        for mut bytes in pack.chunks(piece) {
            while let Some(found) = reader.next(&mut bytes).ok()? {
                match found {
                    Found::File { name, size } => files.push((name, size, Vec::new())),
                    Found::Content(content) => files.last_mut().expect("a file began").2.extend_from_slice(content),
                }
            }
        }
        reader.end().ok().map(|version| (version, files))
    };
    let body = [b"\x01\x02\x03\x04", data].concat();
    let sum: u32 = body.iter().map(|byte| u32::from(*byte)).sum();
    let Ok(length) = u32::try_from(body.len() + 12) else { return };
    let sealed = [&MAGIC[..], &sum.to_le_bytes(), &length.to_le_bytes(), &body].concat();
    for pack in [data, &sealed] {
        let whole = read(pack, pack.len().max(1));
        assert_eq!(whole, read(pack, 1));
        for (name, size, content) in whole.into_iter().flat_map(|(_, files)| files) {
            assert_eq!(size, content.len() as u64, "{name}");
            is_a_name(&name);
        }
    }
}

/// The files of a zip lie side by side before its directory, under names that are paths.
fn archive(data: &[u8]) {
    let cut = |from: u64, to: u64| data.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?);
    let tail = &data[data.len().saturating_sub(TAIL)..];
    let Ok(directory) = Directory::find(tail, data.len() as u64) else { return };
    let bytes = cut(directory.at.start, directory.at.end).expect("it lies in the zip");
    let Ok(entries) = directory.read(bytes) else { return };
    assert!(entries.iter().map(|entry| entry.size).sum::<u64>() <= pack::MOST_BYTES);
    let mut last = 0;
    for entry in &entries {
        is_a_name(&entry.name);
        let head = cut(entry.head_at, entry.head_at + LOCAL as u64).and_then(|head| head.first_chunk());
        let Some(Ok(packed)) = head.map(|head| entry.packed(head)) else { continue };
        assert!(last <= entry.head_at && entry.head_at < packed.start && packed.start <= packed.end);
        assert!(packed.end <= directory.at.start);
        last = packed.end;
    }
}

fn is_a_name(name: &str) {
    let plain = |segment: &str| !["", ".", ".."].contains(&segment) && !segment.contains(['\\', ':', '\0', '\n']);
    assert!(name.len() <= pack::LONGEST_NAME && name.split('/').all(plain), "{name:?}");
}

/// Whatever is taken of a backup, a vendor's or ours, can be kept.
fn params(data: &[u8]) {
    const RULES: Rules = Rules { secrets: Secrets::Masked, password_min: 8 };
    let wish = Wish { users: true, network: true };
    let signed = |content: &[u8]| {
        let size = u32::try_from(content.len() + 12).expect("no input is as long");
        let sum = content.iter().fold(0_u32, |sum, byte| sum.wrapping_add((*byte).into()));
        [b"\xbd\x9a\x0c\x44", &sum.to_le_bytes()[..], &size.to_le_bytes(), content].concat()
    };
    let mut blocks = data.to_vec();
    blocks.resize(0x14e8 - 12, 0);
    let ours = [&[0; 0x14e8 - 12], &b"Lookout\0\x01"[..], data].concat();
    for file in [data, &signed(&blocks), &signed(&ours)] {
        let taken = match backup::decode(file) {
            Ok(Backup::Vendor(vendor)) => vendor.restore(&Settings::factory(), wish, &RULES),
            Ok(Backup::Clear(text)) => backup::restore(&Settings::factory(), &text, &RULES),
            Ok(Backup::Sealed(..)) | Err(_) => continue,
        };
        let Ok(settings) = taken else { continue };
        let again = stored::Read { settings, missing: Vec::new(), illegal: Vec::new(), beside: Default::default() };
        assert_eq!(stored::decode(&stored::encode(&again.settings)), Ok(again));
    }
}

/// Whoever does not know the cookie sets no clock.
fn time_server(data: &[u8]) {
    for cookie in [[0; 8], *b"\xaa\xbb\xcc\xdd\x01\x02\x03\x04"] {
        let Ok(reading) = sntp::read(data, cookie, Duration::from_millis(20)) else { continue };
        assert!(data[24..32] == cookie && reading.time > Duration::from_secs(1_700_000_000));
    }
}

/// What is good says so, and what is kept reads the same again; of who says the public address, one that was there is read.
fn dynamic_dns(data: &[u8]) {
    for sent in [None, Some([1, 2, 3, 4].into())] {
        let answer = ddns::read(200, data, sent);
        let says = |word: &[u8]| data.to_ascii_lowercase().windows(word.len()).any(|at| at == word);
        assert!(answer.verdict.fate() != ddns::Fate::Well || says(b"good") || says(b"nochg"));
    }
    let text = String::from_utf8_lossy(data);
    if let Ok(kept) = text.parse::<ddns::Kept>() {
        assert_eq!(kept.to_string().parse(), Ok(kept));
    }
    if let Some(address) = public::read(data) {
        assert!(text.contains(&address.to_string()));
    }
}

/// A stream is cut into pieces that are bounded, whatever it holds.
fn mjpeg(data: &[u8]) {
    let mut cutter = Cutter::default();
    for piece in data.chunks(7) {
        cutter.feed(piece);
        while let Some(picture) = cutter.cut() {
            assert!(picture.starts_with(&[0xff, 0xd8]) && picture.len() <= LONGEST + 7);
        }
    }
}

/// A picture that passes passes again as it came out.
fn picture(data: &[u8]) {
    let Ok(checked) = jpeg::check(Bytes::copy_from_slice(data)) else { return };
    let again = jpeg::check(checked.jpeg.clone()).map(|again| (again.jpeg, again.size));
    assert!(again == Ok((checked.jpeg, checked.size)));
}

/// A film gives pictures and sound until it ends or is bad; whoever wants its sound alone hears the same.
fn film(data: &[u8]) {
    let read = |mut reader: avi::Reader| {
        let (mut pictures, mut samples) = (0, Vec::new());
        for piece in data.chunks(11) {
            reader.feed(piece);
            while let Ok(Some(piece)) = reader.cut() {
                match piece {
                    avi::Piece::Picture(picture) => pictures += picture.len(),
                    avi::Piece::Repeat => {}
                    avi::Piece::Sound(sound) => samples.extend(sound),
                }
            }
        }
        if let Some(sound) = reader.head().and_then(|head| head.sound) {
            assert!(sound.rate > 0 && sound.channels > 0 && reader.unheard().is_none());
        }
        (pictures, samples)
    };
    let (pictures, samples) = read(avi::Reader::default());
    // ADPCM has two samples in a byte, and a head whose sample is one more.
    assert!(pictures + samples.len() / 2 <= data.len());
    assert_eq!(read(avi::Reader::of_sound()).1, samples);
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn whatever_broke_a_target_once_does_so_no_more() {
        for target in TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
            let inputs: Vec<_> = fs::read_dir(&folder).expect("every target has a corpus").collect();
            assert!(!inputs.is_empty(), "{} has no seed", target.name);
            for input in inputs.into_iter().flatten() {
                println!("{}", input.path().display());
                (target.check)(&fs::read(input.path()).expect("a file"));
            }
        }
    }
}
