//! Dynamic DNS: what is said to a service, what its answers mean, and when it is asked (PROFILE 4.5).
//!
//! All three kinds of service take the same request, one `GET` with a login; DynDNS and 3322 by the dyndns2 protocol, Oray by
//! one that is the same but in the numbers that the profile has for its answers. Whoever sends the requests knows no rule: the
//! [`Keeper`] says when and with which address, and is told what came of it.

mod answer;
mod keeper;
mod kept;

use std::net::{IpAddr, Ipv6Addr};

use sha2::{Digest as _, Sha256};

pub use self::{
    answer::{Answer, Fate, Verdict, read},
    keeper::{Keeper, Next, Outcome},
    kept::Kept,
};
use crate::{
    hex,
    profile::{
        settings::{Ddns, DdnsService},
        wire::Secret,
    },
    query,
};

/// Who keeps the camera's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Oray.
    Oray,
    /// DynDNS, or whoever speaks its protocol.
    DynDns(System),
    /// 3322.
    Dyn3322(System),
}

/// What kind of name it is: the `system` of dyndns2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// One whose address changes.
    Dynamic,
    /// One whose address seldom does.
    Static,
    /// One in a domain of the user's own.
    Custom,
}

impl Service {
    /// Returns the service of a setting; none for those that do nothing.
    pub fn of(setting: DdnsService) -> Option<Self> {
        match setting {
            DdnsService::Oray => Some(Self::Oray),
            DdnsService::DynDns => Some(Self::DynDns(System::Dynamic)),
            DdnsService::StatDns => Some(Self::DynDns(System::Static)),
            DdnsService::Custom => Some(Self::DynDns(System::Custom)),
            DdnsService::Dyn3322 => Some(Self::Dyn3322(System::Dynamic)),
            DdnsService::Stat3322 => Some(Self::Dyn3322(System::Static)),
            DdnsService::None
            | DdnsService::Reserved5
            | DdnsService::Reserved6
            | DdnsService::Reserved7
            | DdnsService::Reserved10
            | DdnsService::Reserved11
            | DdnsService::Reserved12 => None,
        }
    }

    /// Returns the number of the company that is asked, which is one for all kinds of names.
    fn company(self) -> usize {
        match self {
            Self::Oray => 0,
            Self::DynDns(_) => 1,
            Self::Dyn3322(_) => 2,
        }
    }

    /// Returns the parameter by which the protocol tells kinds of names apart.
    fn system(self) -> Option<&'static str> {
        match self {
            Self::Oray => None,
            Self::DynDns(system) | Self::Dyn3322(system) => Some(match system {
                System::Dynamic => "dyndns",
                System::Static => "statdns",
                System::Custom => "custom",
            }),
        }
    }

    /// Returns `ddns_status` for an answer of this service.
    pub fn number(self, verdict: Verdict) -> u8 {
        match self {
            Self::DynDns(_) => 3 + verdict.step(),
            Self::Dyn3322(_) => 29 + verdict.step(),
            Self::Oray => match verdict {
                Verdict::Good | Verdict::NoChange => 17,
                Verdict::BadAuth => 15,
                Verdict::NotFqdn | Verdict::NoHost | Verdict::NotYours | Verdict::NumHost => 16,
                Verdict::DnsError
                | Verdict::Donator
                | Verdict::Abuse
                | Verdict::Down
                | Verdict::Agent
                | Verdict::Elsewhere
                | Verdict::Unheard
                | Verdict::Other => 14,
            },
        }
    }
}

/// An account at a service, and the name that it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Who keeps the name.
    pub service: Service,
    /// User.
    pub user: String,
    /// Password.
    pub pwd: Secret,
    /// The name.
    pub host: String,
    /// The HTTP proxy to ask through, and its port (services 2 to 4 alone).
    pub proxy: Option<(String, u16)>,
}

/// The port of a proxy that was set without one.
const PROXY_PORT: u16 = 8080;

impl Account {
    /// Returns the account of the settings; none where there is nothing to do.
    pub fn of(settings: &Ddns) -> Option<Self> {
        let service = Service::of(settings.service)?;
        let proxy = match (service, settings.proxy_svr.as_str(), settings.proxy_port.get()) {
            (Service::Oray | Service::Dyn3322(_), _, _) | (Service::DynDns(_), "", _) => None,
            (Service::DynDns(_), svr, port) => {
                Some((svr.to_owned(), u16::try_from(port).ok().filter(|port| *port != 0).unwrap_or(PROXY_PORT)))
            }
        };
        Some(Self {
            service,
            user: settings.user.as_str().to_owned(),
            pwd: settings.pwd.secret().clone(),
            host: settings.host.as_str().trim_end_matches('.').to_owned(),
            proxy,
        })
    }

    /// Says what any service would answer to a request that cannot be right, which is not sent (Dyn's policies: input is checked
    /// before an update).
    pub fn refused(&self) -> Option<Verdict> {
        let whole =
            |name: &str| name.contains('.') && name.split('.').all(|label| !label.is_empty()) && !name.contains(':');
        if !whole(&self.host) {
            return Some(Verdict::NotFqdn);
        }
        (self.user.is_empty() || self.pwd.expose().is_empty()).then_some(Verdict::BadAuth)
    }

    /// Returns a mark that no other account has. A proxy is the way there, and no part of it.
    fn mark(&self) -> String {
        let mut hash = Sha256::new();
        let system = self.service.system().unwrap_or("oray");
        let kind = match self.service {
            Service::Oray => "1",
            Service::DynDns(_) => "2",
            Service::Dyn3322(_) => "8",
        };
        for part in [kind, system, &self.user, self.pwd.expose(), &self.host] {
            // None of them holds a control character.
            hash.update(part);
            hash.update([0]);
        }
        hex::show(&hash.finalize())
    }
}

/// A request for a new address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What to get.
    pub url: String,
    /// User, for Basic authentication.
    pub user: String,
    /// Password.
    pub pwd: Secret,
    /// The proxy to ask through, as `http://HOST:PORT`.
    pub proxy: Option<String>,
}

impl Request {
    /// Makes the request to the service at `base`; without an address, the service takes the one from which it is asked.
    pub fn new(account: &Account, base: &str, address: Option<IpAddr>) -> Self {
        let address = address.map(|address| address.to_canonical().to_string());
        let host = (!account.host.is_empty()).then_some(account.host.as_str());
        let pairs = [("system", account.service.system()), ("hostname", host), ("myip", address.as_deref())];
        let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let proxy = account.proxy.as_ref().map(|(host, port)| match host.parse::<Ipv6Addr>() {
            Ok(address) => format!("http://[{address}]:{port}"),
            Err(_) => format!("http://{host}:{port}"),
        });
        Self {
            url: format!("{base}?{}", query::encode(pairs)),
            user: account.user.clone(),
            pwd: account.pwd.clone(),
            proxy,
        }
    }
}

#[cfg(test)]
mod tests;
