//! What is asked of a gateway, and what it answers (WANIPConnection:1 and :2, WANPPPConnection:1).

use std::net::Ipv4Addr;

use super::{
    LONGEST, Trouble,
    device::Kind,
    xml::{Malformed, Piece, Reader, escaped},
};

/// The longest text that an answer gives, in bytes: a longer one is cut.
const LONGEST_TEXT: usize = 256;
/// How many texts of an answer are read.
const MOST: usize = 32;

/// Something to ask of a gateway. Ports are those of TCP, for whoever calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask<'a> {
    /// Which address it has outside.
    Outside,
    /// To whom a port of it leads.
    Entry {
        /// The port outside.
        port: u16,
    },
    /// To have a port lead to a machine, on the same port there.
    Add {
        /// The port, outside and inside.
        port: u16,
        /// The machine.
        client: Ipv4Addr,
        /// For how long, in seconds; 0: until somebody removes it.
        lease_s: u32,
        /// What it is called in the gateway's list.
        name: &'a str,
    },
    /// To have a port lead nowhere.
    Remove {
        /// The port outside.
        port: u16,
    },
}

impl Ask<'_> {
    /// Returns the name of the action.
    pub const fn action(self) -> &'static str {
        match self {
            Self::Outside => "GetExternalIPAddress",
            Self::Entry { .. } => "GetSpecificPortMappingEntry",
            Self::Add { .. } => "AddPortMapping",
            Self::Remove { .. } => "DeletePortMapping",
        }
    }

    /// Writes the request's body.
    pub fn body(self, kind: Kind) -> String {
        let (action, service) = (self.action(), kind.name());
        let arguments = match self {
            Self::Outside => String::new(),
            Self::Entry { port } | Self::Remove { port } => which(port),
            Self::Add { port, client, lease_s, name } => format!(
                "{}<NewInternalPort>{port}</NewInternalPort><NewInternalClient>{client}</NewInternalClient>\
                 <NewEnabled>1</NewEnabled><NewPortMappingDescription>{}</NewPortMappingDescription>\
                 <NewLeaseDuration>{lease_s}</NewLeaseDuration>",
                which(port),
                escaped(name)
            ),
        };
        format!(
            "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><u:{action} xmlns:u=\"{service}\">\
             {arguments}</u:{action}></s:Body></s:Envelope>\r\n"
        )
    }
}

fn which(port: u16) -> String {
    format!("<NewRemoteHost></NewRemoteHost><NewExternalPort>{port}</NewExternalPort><NewProtocol>TCP</NewProtocol>")
}

/// Why an answer gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is no answer to what was asked.
    Nonsense,
    /// None came.
    Silence,
    /// The gateway does not do it, and says so by this code.
    Refused(u16),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Nonsense => Self::Nonsense("answers what was not asked"),
            Failure::Silence => Self::Unreached,
            // ConflictInMappingEntry, ConflictWithOtherMechanisms.
            Failure::Refused(718 | 729) => Self::Taken,
            Failure::Refused(code) => Self::Refused(code),
        }
    }
}

/// The texts of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    texts: Vec<(String, String)>,
}

impl Answer {
    /// Reads the answer to an action.
    ///
    /// # Errors
    /// It is none, or a refusal.
    pub fn read(text: &str, action: &str) -> Result<Self, Failure> {
        let (texts, well) = texts(text, action).map_err(|Malformed| Failure::Nonsense)?;
        let answer = Self { texts };
        if well {
            return Ok(answer);
        }
        let code = answer.text("errorCode").and_then(|code| code.parse().ok());
        Err(code.map_or(Failure::Nonsense, Failure::Refused))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(own, _)| own == name).map(|(_, text)| text.trim())
    }

    /// Returns the address that the gateway has outside; none where it says none.
    pub fn outside(&self) -> Option<Ipv4Addr> {
        let address = self.text("NewExternalIPAddress")?.parse().ok();
        address.filter(|address: &Ipv4Addr| !address.is_unspecified())
    }

    /// Returns whom an entry leads to; none where it does not say so.
    pub fn entry(&self) -> Option<Entry> {
        Some(Entry {
            client: self.text("NewInternalClient")?.to_owned(),
            port: self.text("NewInternalPort")?.parse().ok()?,
            name: self.text("NewPortMappingDescription").unwrap_or_default().to_owned(),
            on: !self.text("NewEnabled").is_some_and(|on| on == "0" || on.eq_ignore_ascii_case("false")),
        })
    }
}

/// An entry of a gateway's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The machine that it leads to.
    pub client: String,
    /// The port there.
    pub port: u16,
    /// What it is called.
    pub name: String,
    /// Whether it leads there now.
    pub on: bool,
}

/// Reads the texts within the answer to an action, or within a fault; says which.
fn texts(text: &str, action: &str) -> Result<(Vec<(String, String)>, bool), Malformed> {
    if text.len() > LONGEST {
        return Err(Malformed);
    }
    let (mut reader, mut texts, mut inside, mut well) = (Reader::new(text), Vec::new(), false, false);
    while let Some(piece) = reader.next()? {
        match piece {
            Piece::Begin(name) if inside && texts.len() < MOST => texts.push((name.to_owned(), String::new())),
            Piece::Begin("Fault") => inside = true,
            Piece::Begin(name) if name.strip_suffix("Response") == Some(action) => (inside, well) = (true, true),
            Piece::Text(more) if inside => {
                let last = texts.last_mut().filter(|(name, _)| name == reader.inside());
                if let Some((_, text)) = last {
                    let fits = |at: &usize| text.len() + at <= LONGEST_TEXT;
                    let end = more.char_indices().map(|(at, next)| at + next.len_utf8()).take_while(fits).last();
                    text.push_str(&more[..end.unwrap_or_default()]);
                }
            }
            Piece::Begin(_) | Piece::Text(_) | Piece::End(_) => {}
        }
    }
    if inside { Ok((texts, well)) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn envelope(body: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?>\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{body}\
             </s:Body></s:Envelope>"
        )
    }

    fn fault(code: &str) -> String {
        envelope(&format!(
            "<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail><UPnPError \
             xmlns=\"urn:schemas-upnp-org:control-1-0\">{code}</UPnPError></detail></s:Fault>"
        ))
    }

    #[test]
    fn a_mapping_is_asked_for_with_all_arguments_in_their_order() {
        let ask = Ask::Add { port: 8443, client: Ipv4Addr::new(192, 168, 1, 5), lease_s: 3600, name: "A <& B>" };
        let body = ask.body(Kind::Ip);
        let arguments = body.split_once("WANIPConnection:1\">").unwrap().1;
        assert_eq!(
            arguments,
            "<NewRemoteHost></NewRemoteHost><NewExternalPort>8443</NewExternalPort><NewProtocol>TCP</NewProtocol>\
             <NewInternalPort>8443</NewInternalPort><NewInternalClient>192.168.1.5</NewInternalClient><NewEnabled>1\
             </NewEnabled><NewPortMappingDescription>A &lt;&amp; B&gt;</NewPortMappingDescription><NewLeaseDuration>3600\
             </NewLeaseDuration></u:AddPortMapping></s:Body></s:Envelope>\r\n"
        );
        assert!(
            Ask::Outside
                .body(Kind::Ppp)
                .contains("<u:GetExternalIPAddress xmlns:u=\"urn:schemas-upnp-org:service:WANPPP")
        );
        assert!(Ask::Remove { port: 1 }.body(Kind::Ip2).contains("<NewExternalPort>1</NewExternalPort>"));
    }

    #[test]
    fn an_answer_says_the_address_outside_or_none() {
        let outside = |text: &str| {
            let body = format!(
                "<u:GetExternalIPAddressResponse xmlns:u=\"x\"><NewExternalIPAddress>{text}</NewExternalIPAddress>\
                 </u:GetExternalIPAddressResponse>"
            );
            Answer::read(&envelope(&body), "GetExternalIPAddress").unwrap().outside()
        };
        assert_eq!(outside(" 11.0.0.2\n"), Some(Ipv4Addr::new(11, 0, 0, 2)));
        assert_eq!(["", "0.0.0.0", "::1", "256.1.1.1", "a"].map(outside), [None; 5]);
    }

    #[test]
    fn an_entry_says_whom_it_leads_to() {
        let entry = |texts: &str| {
            let name = "GetSpecificPortMappingEntry";
            let body = format!("<m:{name}Response xmlns:m='x'>{texts}</m:{name}Response>");
            Answer::read(&envelope(&body), name).unwrap().entry()
        };
        let texts = "<NewInternalPort>8443</NewInternalPort><NewInternalClient>192.168.1.5</NewInternalClient>\
                     <NewEnabled>1</NewEnabled><NewPortMappingDescription>A &amp; B</NewPortMappingDescription>\
                     <NewLeaseDuration>12</NewLeaseDuration>";
        let read = entry(texts).unwrap();
        assert_eq!(read, Entry { client: "192.168.1.5".into(), port: 8443, name: "A & B".into(), on: true });
        assert!(!entry(&texts.replace("<NewEnabled>1", "<NewEnabled>0")).unwrap().on);
        assert_eq!(entry(&texts.replace("NewInternalClient", "X")), None);
        assert_eq!(entry(&texts.replace("8443", "99999")), None);
        let long = entry(&texts.replace("A &amp; B", &"n".repeat(10_000))).unwrap();
        assert!(long.name.len() <= LONGEST_TEXT);
    }

    #[test]
    fn a_refusal_is_told_by_its_code_with_words_or_without() {
        let read = |text: &str| Answer::read(text, "AddPortMapping");
        let code = "<errorCode>718</errorCode><errorDescription>ConflictInMappingEntry</errorDescription>";
        assert_eq!(read(&fault(code)), Err(Failure::Refused(718)));
        assert_eq!(read(&fault("<errorCode> 725 </errorCode>")), Err(Failure::Refused(725)));
        for nonsense in [
            fault(""),
            fault("<errorCode>ouch</errorCode>"),
            envelope(""),
            envelope("<u:DeletePortMappingResponse/>"),
            envelope("<u:AddPortMapping/>"),
            "<html>".to_owned(),
            String::new(),
            envelope("<u:AddPortMappingResponse/>") + &" ".repeat(LONGEST),
        ] {
            assert_eq!(read(&nonsense), Err(Failure::Nonsense), "{nonsense}");
        }
        assert!(read(&envelope("<u:AddPortMappingResponse xmlns:u=\"x\"/>")).is_ok());
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in ".{0,200}", cut in 0..200_usize) {
            let fault = fault(&text);
            let _ = Answer::read(&fault, "AddPortMapping");
            let _ = Answer::read(fault.get(..cut).unwrap_or(&text), "AddPortMapping");
        }
    }
}
