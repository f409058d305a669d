//! A connection to an FTP server, logged in and in its folder, that stores files (RFC 959, 2428, 4217).
//!
//! The dialogue is driven command by command, so that each refusal is told as what it is. A file is stored under a name
//! that says that it is not whole, and renamed; where the server renames nothing, it is stored under its own name, and
//! removed again if it breaks off. The address that a server gives for passive connections is not looked at: data goes to
//! the machine that was logged in to (RULES R10.2), and in active mode it alone is let in.

use std::net::{IpAddr, SocketAddr};

use lookout_core::{
    ftp::{self, Failure, Step, Trouble},
    names::{FileName, Folder},
    profile::{
        settings::{Ftp, FtpMode, FtpTls},
        wire::Secret,
    },
};
use rustls::pki_types::ServerName;
use suppaftp::{
    FtpError, Status,
    tokio::{AsyncRustlsConnector, AsyncRustlsFtpStream},
    types::Response,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::data::{Data, GOODBYE, Secrecy};
use crate::peer::{self, CONNECT, IDLE};

/// Replies that end a transfer well.
const STORED: &[Status] = &[Status::ClosingDataConnection, Status::RequestedFileActionOk];
/// Replies that end other commands well; some servers mix them up.
const DONE: &[Status] = &[Status::RequestedFileActionOk, Status::CommandOk, Status::PathCreated];

/// Where to, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The server's name.
    pub host: String,
    port: u16,
    user: String,
    password: Secret,
    folder: Option<Folder>,
    active: bool,
    encrypted: bool,
}

impl Account {
    /// Returns the account of the settings; none without a server.
    pub fn of(ftp: &Ftp) -> Option<Self> {
        let host = ftp.svr.as_str().to_owned();
        (!host.is_empty()).then(|| Self {
            host,
            port: u16::try_from(ftp.port.get()).unwrap_or(0),
            user: ftp.user.as_str().to_owned(),
            password: Secret::new(ftp.pwd.expose()),
            folder: Folder::parse(ftp.dir.as_str()),
            active: ftp.mode == FtpMode::Port,
            encrypted: ftp.tls == FtpTls::Explicit,
        })
    }
}

/// A connection that is logged in.
pub struct Session {
    ftp: AsyncRustlsFtpStream,
    here: IpAddr,
    server: IpAddr,
    active: bool,
    secrecy: Option<Secrecy>,
    /// Whether the server was told that names are UTF-8.
    told_utf8: bool,
}

impl Session {
    /// Connects, encrypts if asked to, logs in, and goes to the folder, which is made if it is not there.
    pub async fn open(account: &Account) -> Result<Self, Failure> {
        let failed = |step, trouble| Failure { step, trouble };
        let unreachable = |_| failed(Step::Connect, Trouble::Unreachable);
        let stream = peer::connect(&account.host, account.port).await.map_err(unreachable)?;
        let (here, server) = (stream.local_addr().map_err(unreachable)?, stream.peer_addr().map_err(unreachable)?);
        let greeting = timeout(IDLE, AsyncRustlsFtpStream::connect_with_stream(stream)).await;
        let mut ftp = greeting.map_err(|_| failed(Step::Greeting, Trouble::Late))?.map_err(told(Step::Greeting))?;
        let mut secrecy = None;
        if account.encrypted {
            let untrusted = |_| failed(Step::Encrypt, Trouble::Untrusted);
            let config = peer::trust().await.map_err(|_| failed(Step::Encrypt, Trouble::Untrusted))?;
            let name = ServerName::try_from(account.host.clone()).map_err(untrusted)?;
            let connector = AsyncRustlsConnector::from(TlsConnector::from(config.clone()));
            let encrypted = timeout(IDLE, ftp.into_secure(connector, &account.host)).await;
            ftp = encrypted.map_err(|_| failed(Step::Encrypt, Trouble::Late))?.map_err(told(Step::Encrypt))?;
            secrecy = Some((config, name));
        }
        let (here, server) = (here.ip(), server.ip());
        let mut session = Self { ftp, here, server, active: account.active, secrecy, told_utf8: false };
        session.log_in(account).await?;
        session.say(Step::Setup, "TYPE I", DONE).await?;
        match &account.folder {
            Some(folder) if folder.as_str().is_empty() => {}
            Some(folder) => session.enter(folder).await?,
            None => return Err(failed(Step::Folder, Trouble::Refused(501))),
        }
        Ok(session)
    }

    async fn log_in(&mut self, account: &Account) -> Result<(), Failure> {
        let user = format!("USER {}", account.user);
        let known = self.say(Step::User, &user, &[Status::NeedPassword, Status::LoggedIn]).await?;
        if known.status == Status::NeedPassword {
            let password = format!("PASS {}", account.password.expose());
            self.say(Step::Password, &password, &[Status::LoggedIn, Status::CommandNotImplemented]).await?;
        }
        Ok(())
    }

    async fn enter(&mut self, folder: &Folder) -> Result<(), Failure> {
        self.speak_utf8(folder.as_str()).await?;
        let go = format!("CWD {}", folder.as_str());
        if self.tried(Step::Folder, &go, DONE).await? {
            return Ok(());
        }
        for step in folder.steps() {
            // Refused also where it is there already.
            self.tried(Step::Folder, &format!("MKD {step}"), DONE).await?;
        }
        self.say(Step::Folder, &go, DONE).await.map(drop)
    }

    /// Stores a file under its name; while it is not whole, under the name of a part.
    pub async fn store(&mut self, name: &FileName, part: &FileName, file: &[u8]) -> Result<(), Failure> {
        self.speak_utf8(name.as_str()).await?;
        self.transfer(part, file).await?;
        if !self.rename(part, name).await? {
            self.remove(part).await?;
            self.transfer(name, file).await?;
        }
        Ok(())
    }

    /// Clears up what an attempt that broke off may have left; says whether it had stored the file after all.
    ///
    /// The part is removed rather than overwritten: a server may be taking the rest of the old connection still, and what it
    /// writes then goes into a file that has no name any more. `once` says that no other file has this name.
    pub async fn resume(
        &mut self,
        name: &FileName,
        part: &FileName,
        length: usize,
        once: bool,
    ) -> Result<bool, Failure> {
        self.speak_utf8(name.as_str()).await?;
        let there = if once { self.size(name).await? } else { None };
        if there.is_some_and(|there| there == length as u64) {
            return Ok(true);
        }
        if there.is_some() {
            self.remove(name).await?;
        }
        self.remove(part).await.map(|()| false)
    }

    /// Removes a file, if the server lets that be done.
    pub async fn remove(&mut self, name: &FileName) -> Result<(), Failure> {
        self.tried(Step::Setup, &format!("DELE {name}"), DONE).await.map(drop)
    }

    /// Says good-bye, within a second: not a part of any upload, whose outcome is known by then.
    pub async fn close(mut self) {
        let _ = timeout(GOODBYE, self.ftp.custom_command("QUIT", &[Status::Closing])).await;
    }

    /// Renames a file, over one that is there; false: this server does not.
    async fn rename(&mut self, from: &FileName, to: &FileName) -> Result<bool, Failure> {
        for last in [false, true] {
            let there = self.tried(Step::Store, &format!("RNFR {from}"), &[Status::RequestFilePending]).await?;
            if !there {
                return Ok(false);
            }
            if self.tried(Step::Store, &format!("RNTO {to}"), DONE).await? {
                return Ok(true);
            }
            // Some rename over no file that is there.
            if !last && !self.tried(Step::Setup, &format!("DELE {to}"), DONE).await? {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Stores bytes under a name; what is refused or broken off is removed again.
    async fn transfer(&mut self, name: &FileName, file: &[u8]) -> Result<(), Failure> {
        let outcome = self.send(name, file).await;
        let outcome = match outcome {
            Ok(()) => match self.size(name).await? {
                Some(there) if there != file.len() as u64 => {
                    Err(Failure { step: Step::Store, trouble: Trouble::Short })
                }
                Some(_) | None => Ok(()),
            },
            Err(failure) => Err(failure),
        };
        if outcome.is_err_and(|failure| !failure.is_loss()) {
            // What stopped the file may stop this too.
            let _ = self.remove(name).await;
        }
        outcome
    }

    async fn send(&mut self, name: &FileName, file: &[u8]) -> Result<(), Failure> {
        let store = format!("STOR {name}");
        let begun = &[Status::AboutToSend, Status::AlreadyOpen];
        let stream = if self.active {
            let listener = self.listen().await?;
            self.say(Step::Store, &store, begun).await?;
            self.accept(&listener).await?
        } else {
            let stream = self.connect().await?;
            self.say(Step::Store, &store, begun).await?;
            stream
        };
        let mut data = Data::begin(stream, self.secrecy.as_ref()).await;
        let sent = match &mut data {
            Ok(data) => data.send(file).await,
            Err(trouble) => Err(*trouble),
        };
        let verdict = self.ftp.read_response_in(STORED);
        let verdict = match sent {
            // The last of the file may be with a slow server for longer than nothing may come; all of it has a deadline.
            Ok(()) => verdict.await.map_err(|error| self.refusal(Step::Store, error)),
            // Whoever ends a data connection early mostly says why.
            Err(trouble) => match timeout(IDLE, verdict).await {
                Ok(Err(error @ FtpError::UnexpectedResponse(_))) => Err(self.refusal(Step::Store, error)),
                Ok(_) | Err(_) => Err(Failure { step: Step::Store, trouble }),
            },
        };
        if let (Ok(_), Ok(data)) = (&verdict, data) {
            data.arrived();
        }
        verdict.map(drop)
    }

    /// Connects to where the server waits for data.
    async fn connect(&mut self) -> Result<TcpStream, Failure> {
        let port = if self.server.is_ipv4() {
            let reply = self.say(Step::Passive, "PASV", &[Status::PassiveMode]).await?;
            ftp::passive_port(&String::from_utf8_lossy(&reply.body))
        } else {
            let reply = self.say(Step::Passive, "EPSV", &[Status::ExtendedPassiveMode]).await?;
            ftp::extended_port(&String::from_utf8_lossy(&reply.body))
        };
        let failed = |trouble| Failure { step: Step::Passive, trouble };
        let port = port.ok_or(failed(Trouble::Garbage))?;
        let connected = timeout(CONNECT, TcpStream::connect((self.server, port))).await;
        connected.map_err(|_| failed(Trouble::Late))?.map_err(|_| failed(Trouble::Unreachable))
    }

    /// Waits for data connections, and tells the server where.
    async fn listen(&mut self) -> Result<TcpListener, Failure> {
        let failed = |_| Failure { step: Step::Active, trouble: Trouble::Lost };
        let listener = TcpListener::bind((self.here, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let command = match address {
            SocketAddr::V4(v4) => {
                let ([a, b, c, d], [high, low]) = (v4.ip().octets(), v4.port().to_be_bytes());
                format!("PORT {a},{b},{c},{d},{high},{low}")
            }
            SocketAddr::V6(v6) => format!("EPRT |2|{}|{}|", v6.ip(), v6.port()),
        };
        self.say(Step::Active, &command, DONE).await?;
        Ok(listener)
    }

    async fn accept(&mut self, listener: &TcpListener) -> Result<TcpStream, Failure> {
        let server = self.server;
        let accepting = async {
            loop {
                let (stream, from) = listener.accept().await.map_err(|_| Trouble::Lost)?;
                if from.ip() == server {
                    return Ok(stream);
                }
            }
        };
        tokio::select! {
            accepted = timeout(IDLE, accepting) => {
                accepted.unwrap_or(Err(Trouble::Late)).map_err(|trouble| Failure { step: Step::Active, trouble })
            }
            // It has said that it is about to; what it says now is that it cannot.
            reply = self.ftp.read_response_in(&[]) => match reply {
                Err(error) => Err(self.refusal(Step::Active, error)),
                Ok(_) => Err(Failure { step: Step::Active, trouble: Trouble::Garbage }),
            }
        }
    }

    async fn size(&mut self, name: &FileName) -> Result<Option<u64>, Failure> {
        match self.say(Step::Setup, &format!("SIZE {name}"), &[Status::File]).await {
            Ok(reply) => Ok(ftp::size(&String::from_utf8_lossy(&reply.body))),
            Err(failure) if failure.is_loss() => Err(failure),
            Err(_) => Ok(None),
        }
    }

    /// Tells the server once that names are UTF-8, before the first that is more than ASCII (RFC 2640); most know it.
    async fn speak_utf8(&mut self, text: &str) -> Result<(), Failure> {
        if !text.is_ascii() && !self.told_utf8 {
            self.told_utf8 = true;
            self.tried(Step::Setup, "OPTS UTF8 ON", DONE).await?;
        }
        Ok(())
    }

    /// Gives a command; says whether it was done. That the server refuses it is no failure.
    async fn tried(&mut self, step: Step, command: &str, good: &[Status]) -> Result<bool, Failure> {
        match self.say(step, command, good).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_loss() => Err(failure),
            Err(_) => Ok(false),
        }
    }

    async fn say(&mut self, step: Step, command: &str, good: &[Status]) -> Result<Response, Failure> {
        let answered = timeout(IDLE, self.ftp.custom_command(command, good)).await;
        let answered = answered.map_err(|_| Failure { step, trouble: Trouble::Late })?;
        answered.map_err(|error| self.refusal(step, error))
    }

    fn refusal(&self, step: Step, error: FtpError) -> Failure {
        let failure = told(step)(error);
        match (step, failure.trouble) {
            (Step::Store, Trouble::Refused(reply)) => Failure::storing(self.active, reply),
            _ => failure,
        }
    }
}

/// Makes a failure of what the library found.
fn told(step: Step) -> impl Fn(FtpError) -> Failure {
    move |error| {
        let trouble = match error {
            FtpError::ConnectionError(_) => Trouble::Lost,
            FtpError::UnexpectedResponse(reply) => ftp::code(&reply.body).map_or(Trouble::Garbage, Trouble::Refused),
            FtpError::SecureError(_) => Trouble::Untrusted,
            FtpError::BadResponse | FtpError::InvalidAddress(_) | FtpError::DataConnectionAlreadyOpen => {
                Trouble::Garbage
            }
        };
        Failure { step, trouble }
    }
}
