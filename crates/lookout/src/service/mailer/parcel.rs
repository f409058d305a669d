//! A mail as it waits: what it says and shows. To whom it goes, and from whom, is what the settings say when it leaves.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lettre::{
    Address, Message,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use lookout_core::{
    hex,
    names::FileName,
    profile::settings::Settings,
    smtp::{Failure, Fault},
};
use serde_json::{Value, json};

use crate::{clock::camera_time, queue::Item};

/// A mail.
#[derive(Clone, Debug, PartialEq)]
pub struct Parcel {
    /// Tells it from all others: what does not change when it is sent once more.
    pub key: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// Its pictures, by their names.
    pub pictures: Vec<(FileName, Bytes)>,
    /// When it was written, in seconds since 1970 on the host's clock.
    pub written: i64,
    /// Who has it already, or is not to get it any more.
    pub served: Vec<String>,
    /// How often it was put behind others because it was refused.
    pub rounds: u64,
}

impl Parcel {
    /// Writes one.
    pub fn new(subject: String, text: String, written: i64) -> Self {
        let mut key = [0; 12];
        // Without random numbers the key is less unique; the mail is sent all the same.
        let _ = getrandom::fill(&mut key);
        let (pictures, served) = (Vec::new(), Vec::new());
        Self { key: hex::show(&key), subject, text, pictures, written, served, rounds: 0 }
    }

    /// Puts it into the form in which it waits on the disk.
    pub fn pack(&self) -> Item {
        let pictures: Vec<_> = self.pictures.iter().map(|(name, jpeg)| json!([name.as_str(), jpeg.len()])).collect();
        let head = json!({
            "key": self.key, "subject": self.subject, "text": self.text, "pictures": pictures,
            "written": self.written, "served": self.served, "rounds": self.rounds,
        });
        let body = self.pictures.iter().flat_map(|(_, jpeg)| jpeg.iter().copied()).collect::<Vec<_>>();
        Item { head, body: body.into() }
    }

    /// Takes it out of that form; none if it is damaged.
    pub fn unpack(item: &Item) -> Option<Self> {
        let Item { head, body } = item;
        let text = |name: &str| head[name].as_str().map(str::to_owned);
        let mut body = body.clone();
        let mut picture = |entry: &Value| {
            let length = usize::try_from(entry[1].as_u64()?).ok().filter(|length| *length <= body.len())?;
            Some((FileName::parse(entry[0].as_str()?)?, body.split_to(length)))
        };
        let pictures = head["pictures"].as_array()?.iter().map(&mut picture).collect::<Option<_>>()?;
        let served = head["served"].as_array()?.iter().map(|address| address.as_str().map(str::to_owned));
        Some(Self {
            key: text("key")?,
            subject: text("subject")?,
            text: text("text")?,
            pictures,
            written: head["written"].as_i64()?,
            served: served.collect::<Option<_>>()?,
            rounds: head["rounds"].as_u64()?,
        })
    }

    /// Returns the receivers who are still to get it.
    pub fn receivers(&self, settings: &Settings) -> Vec<String> {
        let mut receivers: Vec<String> = Vec::new();
        for receiver in settings.mail.receivers.iter().map(|receiver| receiver.as_str()) {
            let new = !self.served.iter().chain(&receivers).any(|known| known == receiver);
            if new && !receiver.is_empty() {
                receivers.push(receiver.to_owned());
            }
        }
        receivers
    }

    /// Writes it as it goes over the line: every header encoded, and nothing in it beyond ASCII unless an address is.
    ///
    /// # Errors
    /// An address of the settings is none.
    pub fn letter(&self, settings: &Settings) -> Result<Vec<u8>, Failure> {
        let sender = settings.mail.sender.as_str();
        let domain = sender.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let alias = Some(settings.alias.as_str().to_owned()).filter(|alias| !alias.is_empty());
        let mut letter = Message::builder()
            .from(Mailbox::new(alias, address(sender)?))
            .subject(&*self.subject)
            .date(date(camera_time(settings, self.written_at())))
            .message_id(Some(format!("<{}@{domain}>", self.key)))
            // Nobody who is on holiday answers a machine (RFC 3834).
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()));
        for receiver in settings.mail.receivers.iter().map(|receiver| receiver.as_str()).filter(|text| !text.is_empty())
        {
            // Whoever has no address that a header can say is refused by the server.
            if let Ok(address) = address(receiver) {
                letter = letter.to(Mailbox::new(None, address));
            }
        }
        let jpeg = || ContentType::parse("image/jpeg").unwrap_or(ContentType::TEXT_PLAIN);
        let text = SinglePart::plain(self.text.clone());
        let whole = if self.pictures.is_empty() {
            letter.singlepart(text)
        } else {
            let attach = |all: MultiPart, (name, picture): &(FileName, Bytes)| {
                all.singlepart(Attachment::new(name.to_string()).body(picture.to_vec(), jpeg()))
            };
            letter.multipart(self.pictures.iter().fold(MultiPart::mixed().singlepart(text), attach))
        };
        whole.map(|letter| letter.formatted()).map_err(|error| Failure::lasting(Fault::Body, error.to_string()))
    }

    fn written_at(&self) -> SystemTime {
        date(self.written)
    }
}

fn address(text: &str) -> Result<Address, Failure> {
    text.parse().map_err(|_| Failure::lasting(Fault::Sender, format!("{text} is no mail address")))
}

/// Returns a moment, in seconds since 1970, that a header can say.
fn date(unix: i64) -> SystemTime {
    /// The last second of the year 9999.
    const LAST: u64 = 253_402_300_799;
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(unix).unwrap_or_default().min(LAST))
}

#[cfg(test)]
mod tests {
    use lookout_core::profile::wire::Wire as _;

    use super::*;

    fn settings() -> Settings {
        let mut settings = Settings::factory();
        settings.mail.sender.take("cam@example.org").unwrap();
        settings.mail.receivers[0].take("one@example.org").unwrap();
        settings.mail.receivers[2].take("two@example.org").unwrap();
        settings.mail.receivers[3].take("one@example.org").unwrap();
        settings
    }

    fn parcel() -> Parcel {
        let picture = |name: &str, bytes: &[u8]| (FileName::parse(name).unwrap(), Bytes::copy_from_slice(bytes));
        let pictures = vec![picture("a(Küche)_1.jpg", b"\xff\xd8one\xff\xd9"), picture("b.jpg", b"\xff\xd8\xff\xd9")];
        Parcel { pictures, served: vec!["two@example.org".into()], ..Parcel::new("s".into(), "t".into(), 7) }
    }

    fn text(letter: &[u8]) -> String {
        String::from_utf8(letter.to_vec()).unwrap()
    }

    #[test]
    fn what_waits_is_what_was_written() {
        let parcel = parcel();
        let item = parcel.pack();
        assert_eq!(Parcel::unpack(&item), Some(parcel));
        let cut = Item { body: item.body.slice(1..), ..item.clone() };
        assert_eq!(Parcel::unpack(&cut), None);
        for name in ["key", "subject", "text", "pictures", "written", "served", "rounds"] {
            let mut damaged = item.clone();
            damaged.head[name] = Value::Null;
            assert_eq!(Parcel::unpack(&damaged), None, "{name}");
        }
    }

    #[test]
    fn each_receiver_gets_it_once() {
        assert_eq!(parcel().receivers(&settings()), ["one@example.org"]);
        assert_eq!(
            Parcel { served: Vec::new(), ..parcel() }.receivers(&settings()),
            ["one@example.org", "two@example.org"]
        );
    }

    #[test]
    fn no_header_is_more_than_it_should_be_whatever_the_camera_is_called() {
        let mut settings = settings();
        for alias in ["Gäte\", <x@y>", "Bcc: x@y", "日本語の名前"] {
            settings.alias.take(alias).unwrap();
            let written = Parcel { subject: format!("({alias})\r\nBcc: evil@example.org"), ..parcel() };
            let letter = text(&written.letter(&settings).unwrap());
            assert!(letter.is_ascii(), "{letter}");
            let (head, _) = letter.split_once("\r\n\r\n").unwrap();
            assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head}");
            assert!(head.lines().all(|line| line.len() < 200), "{head}");
        }
    }

    #[test]
    fn it_is_the_same_mail_when_it_is_sent_once_more_and_dated_by_the_cameras_clock() {
        let (parcel, mut settings) = (parcel(), settings());
        settings.clock.offset_s.take("86400").unwrap();
        let [one, other] = [(); 2].map(|()| text(&parcel.letter(&settings).unwrap()));
        let line = |letter: &str, name: &str| letter.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        assert_eq!(line(&one, "Message-ID: "), line(&other, "Message-ID: "));
        assert_eq!(line(&one, "Date: "), "Date: Fri, 02 Jan 1970 00:00:07 +0000");
    }

    #[test]
    fn a_clock_beyond_all_calendars_makes_no_mail_impossible() {
        for written in [i64::MIN, -1, i64::MAX] {
            assert!(Parcel { written, ..parcel() }.letter(&settings()).is_ok());
        }
    }
}
