//! Who comes in: verifies passwords, remembers for ten minutes that they were right, and slows down who guesses.
//!
//! A request may bring two sets of credentials, header and query; one good one is enough, and the higher privilege
//! counts (PROFILE 1.3). A wrong one counts as a failure also beside a good one: else whoever has a visitor's login could
//! guess at the manager's password as fast as he likes.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hmac::{Hmac, Mac as _};
use lookout_core::{
    access::{
        confirm::{Act, Confirmations},
        credentials::Credentials,
        digest::{self, Verdict},
        guard::VerifiedBy,
        throttle::Throttle,
    },
    profile::{
        commands::{Login, Privilege},
        settings::{Level, Settings, User},
        wire::{Mac, Password},
    },
    query::Query,
};
use sha2::Sha256;
use tokio::sync::Semaphore;

use crate::{
    http::Request,
    password::{self, NoRandom},
};

/// How long a verified login is remembered; a poll then costs no hash.
const REMEMBERED: Duration = Duration::from_secs(600);
/// How many are remembered.
const MOST_REMEMBERED: usize = 256;
/// How many passwords are hashed at once: each takes 7 MiB and a core for a while.
const HASHES: usize = 2;

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account; without a name for nobody.
    pub user: User,
    /// What it may do.
    pub privilege: Privilege,
    /// Which credentials were good.
    pub verified_by: VerifiedBy,
    /// The password that the request itself brought, if it did.
    pub brought: Option<Credentials>,
    /// The name of other credentials in the request that were not good.
    pub failed: Option<String>,
}

impl Caller {
    /// Returns the password that the request itself brought.
    pub fn pwd(&self) -> Option<&str> {
        self.brought.as_ref().map(Credentials::pwd)
    }

    /// Somebody without login.
    pub fn nobody() -> Self {
        Self {
            user: User::default(),
            privilege: Privilege::Nobody,
            verified_by: VerifiedBy::Nobody,
            brought: None,
            failed: None,
        }
    }
}

/// Why the door stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// No credentials.
    Nothing,
    /// Wrong ones.
    Wrong,
    /// Right ones, computed over a challenge that is too old: the client may try again without asking its user.
    Stale,
    /// Too many wrong ones; seconds to wait.
    Wait(u64),
}

/// Decides who comes in.
pub struct Doorman {
    realm: String,
    key: [u8; 32],
    throttle: Mutex<Throttle>,
    remembered: Mutex<HashMap<[u8; 32], Instant>>,
    confirmations: Mutex<Confirmations>,
    hashes: Semaphore,
    offer_digest: bool,
    started: Instant,
    logged: Mutex<(Option<Instant>, u64)>,
}

impl Doorman {
    /// Makes one with keys of its own, for the camera of an id.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new(id: Mac, offer_digest: bool) -> Result<Self, NoRandom> {
        Ok(Self {
            realm: format!("ipcamera_{id}"),
            key: password::random()?,
            throttle: Mutex::default(),
            remembered: Mutex::default(),
            confirmations: Mutex::new(Confirmations::new(password::random()?)),
            hashes: Semaphore::new(HASHES),
            offer_digest,
            started: Instant::now(),
            logged: Mutex::default(),
        })
    }

    /// Says whether a refusal may be logged, which it may once a second, and how many before were not.
    pub fn may_log(&self) -> Option<u64> {
        let mut logged = lock(&self.logged);
        if logged.0.is_some_and(|last| last.elapsed() < Duration::from_secs(1)) {
            logged.1 += 1;
            return None;
        }
        let hidden = std::mem::take(&mut logged.1);
        logged.0 = Some(Instant::now());
        Some(hidden)
    }

    /// Says whether a request brings any credentials.
    pub fn brings_credentials(login: Login, query: &Query, request: &Request) -> bool {
        request.head.header("authorization").is_some() || Credentials::from_query(query, login).is_some()
    }

    /// Returns the name that a request gives, be it true or not; that in the header first.
    pub fn claimed(&self, login: Login, query: &Query, request: &Request) -> Option<String> {
        let claim = self.claim_in_header(request).or_else(|| Credentials::from_query(query, login).map(Claim::Query));
        claim.map(|claim| claim.user().to_owned())
    }

    /// Verifies a request's credentials.
    ///
    /// # Errors
    /// None is good, or too many before were not.
    pub async fn admit(
        &self,
        settings: &Settings,
        login: Login,
        query: &Query,
        request: &Request,
    ) -> Result<Caller, Closed> {
        let mut claims = Vec::with_capacity(2);
        claims.extend(self.claim_in_header(request));
        claims.extend(Credentials::from_query(query, login).map(Claim::Query));
        let mut best: Option<Caller> = None;
        let mut closed = if claims.is_empty() { Closed::Nothing } else { Closed::Wrong };
        let (mut wrong, mut waiting) = (Vec::with_capacity(2), None);
        // Kept from the look at the throttle until a failure is counted: else all tries that come at once would pass.
        let mut turn = None;
        for claim in claims {
            let user =
                settings.users.iter().find(|user| user.name.as_str() == claim.user() && !claim.user().is_empty());
            // Stock pages send `user=undefined` beside good Basic credentials: that costs no hash.
            if best.is_some() && user.is_none() {
                continue;
            }
            if turn.is_none() && self.must_hash(user, &claim) {
                // The semaphore is never closed.
                turn = self.hashes.acquire().await.ok();
            }
            if let Err(wait) = self.throttle().may_try(request.peer, claim.user(), self.now()) {
                closed = Closed::Wait(wait.0);
                waiting = Some(claim.user().to_owned());
                continue;
            }
            match (self.verify(user, &claim, request).await, user) {
                (Verdict::Good, Some(user)) => {
                    self.throttle().succeeded(request.peer, claim.user(), self.now());
                    best = Some(better(best, claim.caller(user.clone())));
                }
                (Verdict::Stale, Some(_)) => closed = Closed::Stale,
                (_, _) => wrong.push(claim.user().to_owned()),
            }
        }
        wrong.iter().for_each(|user| self.throttle().failed(request.peer, user, self.now()));
        best.map(|caller| Caller { failed: waiting.or_else(|| wrong.pop()), ..caller }).ok_or(closed)
    }

    fn claim_in_header(&self, request: &Request) -> Option<Claim> {
        let header = request.head.header("authorization")?;
        let answer = || digest::Answer::parse(std::str::from_utf8(header).ok()?).map(Claim::Digest);
        Credentials::from_basic(header).map(Claim::Basic).or_else(|| answer().filter(|_| self.offer_digest))
    }

    /// Judges a claim; takes as long for an account that does not exist.
    async fn verify(&self, user: Option<&User>, claim: &Claim, request: &Request) -> Verdict {
        match claim {
            Claim::Basic(brought) | Claim::Query(brought) => {
                let right = self.verify_password(user.map(|user| &user.pwd), brought).await;
                if right { Verdict::Good } else { Verdict::Bad }
            }
            Claim::Digest(answer) => {
                let password = match user.map(|user| &user.pwd) {
                    Some(Password::Plain(plain)) => plain.expose(),
                    // Digest needs the password itself: without it, another one is tried in vain.
                    Some(Password::Blank | Password::Hash(_)) | None => "",
                };
                let (method, target) = (request.head.method.name(), &request.head.target);
                self.gate().verify(answer, password, method, target, self.now().as_secs())
            }
        }
    }

    async fn verify_password(&self, kept: Option<&Password>, brought: &Credentials) -> bool {
        let seal = self.seal(kept, brought);
        if self.remembers(&seal) {
            return true;
        }
        let (kept, pwd) = (kept.cloned(), brought.pwd().to_owned());
        let right = tokio::task::spawn_blocking(move || password::verify(kept.as_ref(), &pwd)).await.unwrap_or(false);
        if right {
            let mut remembered = self.remembered();
            if remembered.len() >= MOST_REMEMBERED {
                remembered.clear();
            }
            remembered.insert(seal, Instant::now() + REMEMBERED);
        }
        right
    }

    /// Makes a key of a password, as slowly as it is verified; none where that failed, which the log says.
    pub async fn key(&self, pwd: &str, salt: [u8; 16]) -> Option<[u8; 32]> {
        // The semaphore is never closed.
        let _turn = self.hashes.acquire().await.ok();
        let pwd = pwd.to_owned();
        let made = tokio::task::spawn_blocking(move || password::key(&pwd, &salt)).await;
        made.inspect_err(|error| tracing::error!("no key was made: {error}")).ok()
    }

    /// Says whether a claim costs a hash, for which there must be a turn.
    fn must_hash(&self, user: Option<&User>, claim: &Claim) -> bool {
        match claim {
            Claim::Basic(brought) | Claim::Query(brought) => {
                !self.remembers(&self.seal(user.map(|user| &user.pwd), brought))
            }
            Claim::Digest(_) => false,
        }
    }

    fn remembers(&self, seal: &[u8; 32]) -> bool {
        self.remembered().get(seal).is_some_and(|until| Instant::now() < *until)
    }

    /// Makes what a verified login is remembered by; another password of the account makes another.
    fn seal(&self, kept: Option<&Password>, brought: &Credentials) -> [u8; 32] {
        let kept = match kept {
            Some(Password::Hash(secret) | Password::Plain(secret)) => secret.expose(),
            Some(Password::Blank) | None => "",
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        for part in [brought.user(), brought.pwd(), kept] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }

    /// Returns the values of `WWW-Authenticate`, the oldest scheme first.
    pub fn challenges(&self, stale: bool) -> Vec<String> {
        let basic = format!("Basic realm=\"{}\"", self.realm);
        if !self.offer_digest {
            return vec![basic];
        }
        let digest = self.gate().challenges(self.now().as_secs(), stale);
        std::iter::once(basic).chain(digest).collect()
    }

    /// Makes the token of a confirm page.
    pub fn ask(&self, act: Act<'_>) -> String {
        lock(&self.confirmations).issue(act, self.now())
    }

    /// Says whether a request bears a good token, and uses it up.
    pub fn confirmed(&self, act: Act<'_>) -> bool {
        lock(&self.confirmations).accept(act, self.now())
    }

    fn gate(&self) -> digest::Gate {
        digest::Gate::new(&self.realm, self.key)
    }

    /// Returns the time on a clock that never jumps.
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        lock(&self.throttle)
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<[u8; 32], Instant>> {
        lock(&self.remembered)
    }
}

/// Credentials that a request brings, unverified.
enum Claim {
    Basic(Credentials),
    Digest(digest::Answer),
    Query(Credentials),
}

impl Claim {
    fn user(&self) -> &str {
        match self {
            Self::Basic(brought) | Self::Query(brought) => brought.user(),
            Self::Digest(answer) => answer.user(),
        }
    }

    fn caller(self, user: User) -> Caller {
        let privilege = match user.pri {
            Level::Visitor => Privilege::Visitor,
            Level::Operator => Privilege::Operator,
            Level::Manager => Privilege::Manager,
        };
        let (verified_by, brought) = match self {
            Self::Basic(brought) => (VerifiedBy::Header, Some(brought)),
            Self::Digest(_) => (VerifiedBy::Header, None),
            Self::Query(brought) => (VerifiedBy::Query, Some(brought)),
        };
        Caller { user, privilege, verified_by, brought, failed: None }
    }
}

/// Of two good logins the higher privilege counts. That the query was good proves that no foreign page wrote it, but only
/// for what its own account may do: else whoever knows a visitor's password could use it in a manager's browser.
fn better(first: Option<Caller>, second: Caller) -> Caller {
    match first {
        Some(first) if first.privilege > second.privilege => first,
        Some(_) | None => second,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
