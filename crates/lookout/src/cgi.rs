//! The one road of every request: row, host, login, privilege, foreign page, then what the row says.
//!
//! Nothing else checks a privilege, words a failure, or tells the journal of a request. What a CGI does itself is in `ops`,
//! each in a few lines.

mod ops;
mod pages;

use std::fmt::Display;

use lookout_core::{
    access::{
        confirm::Act,
        guard::{Mode, Signs, Verdict, VerifiedBy, judge},
    },
    head::Method,
    host::chosen::Chosen,
    journal::Event,
    profile::{
        commands::{self, Command, Group, Guard, Op, Parcel, Privilege, Run},
        listing::listing,
        reply::{Failure, OK},
        settings::Settings,
    },
    ptz::{self, Order},
    query::Query,
};

use crate::{
    app::App,
    config::{Csrf, PlainFrom},
    doorman::{Caller, Closed, Doorman},
    guests::Guest,
    http::{Answer, Body, Refused, Request, Status, Upload},
    service::network::Came,
    store::By,
    web::Ui,
};

/// Answers a request.
pub async fn answer(app: &App, request: &Request, upload: Upload<'_>) -> Answer {
    let path = request.head.path.folded();
    // The table comes first: no file of a pack stands in front of a CGI.
    let file = || app.web.now().has(path.trim_start_matches('/')).then_some(&commands::FILE);
    let Some(command) = commands::find(path).or_else(file) else {
        return Answer::page(Status::NotFound, "The camera has no such page.");
    };
    if !method_fits(command, request.head.method) {
        return Answer::page(Status::NotImplemented, "The camera does not do that.");
    }
    let settings = app.store.get();
    if !app.hosts(&settings).allowed(request.head.text("host"), request.head.http_1_0) {
        return pages::wrong_host();
    }
    let Ok(query) = &request.head.query else { return fail(app, Failure::IllegalParam) };
    let caller = match enter(app, &settings, command, query, request).await {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let ask = ops::Ask { app, settings: &settings, query, request, caller: &caller };
    let answer = match act(command, &ask, upload).await {
        Ok(answer) => {
            if command.run.shows() {
                app.guests.came(Guest::of(request, &caller));
            }
            note(command, &ask).await;
            answer
        }
        Err(failure) => fail(app, failure),
    };
    reachable(app, request, command, &caller, answer)
}

/// Lets a caller in: login, privilege, clear text, foreign page.
async fn enter(
    app: &App,
    settings: &Settings,
    command: &Command,
    query: &Query,
    request: &Request,
) -> Result<Caller, Answer> {
    let plain = !request.secure && app.config.http.plain_from == PlainFrom::Private && !request.near;
    if plain && (command.needs > Privilege::Nobody || Doorman::brings_credentials(command.login, query, request)) {
        return Err(pages::only_tls(app.https_port));
    }
    let refused = |name: &str| denied(app, command, request, name);
    let caller = match app.doorman.admit(settings, command.login, query, request).await {
        Ok(caller) => caller,
        Err(closed) => {
            // Every browser asks without a login first: that is no refused login.
            if matches!(closed, Closed::Wait(_) | Closed::Wrong) {
                refused(&app.doorman.claimed(command.login, query, request).unwrap_or_default());
            }
            if command.needs > Privilege::Nobody {
                return Err(match closed {
                    Closed::Wait(seconds) => pages::later(seconds),
                    Closed::Nothing | Closed::Wrong => pages::login(app, false),
                    Closed::Stale => pages::login(app, true),
                });
            }
            Caller::nobody()
        }
    };
    // Whoever guesses beside a good login of his own has come in, and is told of all the same.
    caller.failed.iter().for_each(|name| refused(name));
    let (user, peer) = (caller.user.name.as_str(), request.peer);
    if caller.privilege < command.needs {
        refused(user);
        return Err(pages::login(app, false));
    }
    if caller.privilege == Privilege::Manager {
        let Request { peer, secure, accepted, .. } = *request;
        app.network.seen(request.here.map(|here| Came { peer, here, secure, accepted }));
    }
    if command.needs > Privilege::Nobody {
        tracing::debug!(target: "lookout::journal", user, %peer, cgi = command.paths[0], "access");
        if !command.run.polled() {
            app.journal.note_by(user, peer, &Event::Access);
        }
    }
    guard(app, command, query, request, &caller)?;
    Ok(caller)
}

/// Keeps foreign pages from acting through their reader's browser (PROFILE 1.3).
fn guard(app: &App, command: &Command, query: &Query, request: &Request, caller: &Caller) -> Result<(), Answer> {
    let mode = match app.config.http.csrf {
        Csrf::Compat => Mode::Compat,
        Csrf::Strict => Mode::Strict,
        Csrf::Off => Mode::Off,
    };
    let what = if request.head.method == Method::Head { Guard::Read } else { guarded(app, command, query) };
    let mut signs = Signs::from_headers(|name| request.head.header(name));
    (signs.secure, signs.verified_by) = (request.secure, caller.verified_by);
    let act = Act { user: caller.user.name.as_str(), path: request.head.path.folded(), query };
    match judge(what, mode, &signs, &app.origins) {
        Verdict::Allow => Ok(()),
        Verdict::Refuse => Err(pages::foreign()),
        // A file cannot be sent a second time by a button, nor can any bytes (Q68).
        Verdict::Confirm if command.post || !query.fits_a_form() => Err(pages::foreign()),
        Verdict::Confirm if app.doorman.confirmed(act) => Ok(()),
        Verdict::Confirm => Err(pages::confirm(act, &app.doorman.ask(act))),
    }
}

/// Says what a request does: what its row says, but for an order to the head that stores something or drives an output.
fn guarded(app: &App, command: &Command, query: &Query) -> Guard {
    let stores = || ptz::command::asked(query, app.head.column()).is_ok_and(Order::stores);
    if command.run == Run::Do(Op::Decoder) && stores() { Guard::Change } else { command.guard }
}

/// Does what the row says.
async fn act(command: &Command, ask: &ops::Ask<'_>, upload: Upload<'_>) -> Result<Answer, Failure> {
    if command.post && !is_multipart(ask.request) {
        return Err(Failure::IllegalFrame);
    }
    // HEAD changes nothing (PROFILE 1.1).
    if ask.request.head.method == Method::Head && command.guard != Guard::Read {
        return Ok(Answer::text(OK));
    }
    // An illegal page refuses the request before anything is changed.
    // The two that bring another web UI look for the page in that one, themselves.
    let other_ui = matches!(command.run, Run::Take(Parcel::Pages) | Run::Do(Op::BuiltInPages));
    let no_page = command.guard == Guard::Read || other_ui;
    let next = if no_page { None } else { next_page(&ask.app.web.now(), ask.query)? };
    let answer = if command.run.shows() { show(command, ask, upload).await } else { run(command, ask, upload).await }?;
    let said_ok = matches!(&answer.body, Body::Whole(body) if body == OK);
    Ok(match next {
        Some(page) if said_ok => Answer { then: answer.then, ..page },
        Some(_) | None => answer,
    })
}

/// Shows something, if the privacy gate is open and as long as it is (PROFILE 5.6).
async fn show(command: &Command, ask: &ops::Ask<'_>, upload: Upload<'_>) -> Result<Answer, Failure> {
    let pass = ask.app.privacy.pass()?;
    let answer = run(command, ask, upload).await;
    // A viewer that waits for a frame is woken when the gate closes; whatever its handler makes of that, this is why.
    if !pass.holds() {
        return Err(Failure::Forbidden);
    }
    // A picture is waited for as long as seconds (RULES W12).
    if !ask.accounts().have(&ask.caller.user) {
        return Err(Failure::Gone);
    }
    Ok(Answer { pass: Some(pass), ..answer? })
}

async fn run(command: &Command, ask: &ops::Ask<'_>, upload: Upload<'_>) -> Result<Answer, Failure> {
    match command.run {
        Run::List(page) => Ok(Answer::text(listing(page, &ask.app.view(ask.settings), ask.app.store.secrets()))),
        Run::Set(group) => {
            let network = ask.app.network.clone();
            let fits = move |new: &Settings| network.fits(group, new);
            ask.app.store.set_if(By::User(&ask.caller.user), group, ask.query, fits).await.map(|()| Answer::text(OK))
        }
        Run::Do(op) => ops::run(op, ask).await,
        Run::Take(parcel) => ops::take(parcel, ask, upload.of(ask.accounts(), ask.caller.user.clone())).await,
    }
}

/// Notes what a request has done, as its row says (PROFILE 5.9).
async fn note(command: &'static Command, ask: &ops::Ask<'_>) {
    let (user, peer, journal) = (ask.caller.user.name.as_str(), ask.request.peer, &ask.app.journal);
    // HEAD has done nothing.
    let Some(event) = Event::of(command).filter(|_| ask.request.head.method != Method::Head) else { return };
    if event == Event::Factory {
        return journal.forget(user, peer).await;
    }
    journal.note_by(user, peer, &event);
    if let (Event::Set(cgi), Run::Set(Group::Network | Group::Wifi | Group::Pppoe)) = (event, command.run)
        && !applied(ask)
    {
        journal.note_by(user, peer, &Event::NotApplied(cgi));
    }
}

/// Says whether what was set of the network takes effect. Without a host backend only the port does (PROFILE 4.7).
fn applied(ask: &ops::Ask<'_>) -> bool {
    let chosen = |settings: &Settings| Chosen::of(settings, settings.id, settings.mac_set);
    let (old, new) = (chosen(ask.settings), chosen(&ask.app.store.get()));
    ask.app.network.managed() || (old != new && old.same_host(&new))
}

/// Returns the file of a web UI that `next_url` names, to be sent in place of `ok.` (PROFILE 1.4).
fn next_page(ui: &Ui, query: &Query) -> Result<Option<Answer>, Failure> {
    let name = query.get("next_url").filter(|name| !name.is_empty());
    name.map(|name| ui.file(name).ok_or(Failure::IllegalParam)).transpose()
}

/// Says which pages may read the answer (PROFILE 1.3).
fn reachable(app: &App, request: &Request, command: &Command, caller: &Caller, answer: Answer) -> Answer {
    if command.guard != Guard::Read {
        return answer;
    }
    let policy = if caller.verified_by == VerifiedBy::Query { "cross-origin" } else { "same-origin" };
    let answer = answer.with("Cross-Origin-Resource-Policy", policy);
    let origin = request.head.text("origin");
    let listed = |text: &&str| {
        lookout_core::access::origin::Origin::parse(text).is_some_and(|origin| app.origins.contains(&origin))
    };
    match origin.filter(listed) {
        Some(origin) => answer
            .with("Access-Control-Allow-Origin", origin)
            .with("Access-Control-Allow-Credentials", "true")
            .with("Vary", "Origin"),
        None => answer,
    }
}

/// Tells journal and log why a file is bad.
fn bad_package(ask: &ops::Ask<'_>, what: &str, refused: Refused<impl Display>) -> Failure {
    match refused {
        Refused::Failed(failure) => failure,
        Refused::Bad(why) => {
            tracing::warn!("{what} is refused: {why}");
            let event = Event::BadPackage(why.to_string());
            ask.app.journal.note_by(ask.caller.user.name.as_str(), ask.request.peer, &event);
            Failure::BadPackage
        }
    }
}

/// Counts a refused login, and says so in journal and log, though not line after line.
fn denied(app: &App, command: &Command, request: &Request, name: &str) {
    app.metrics.logins_refused.inc();
    app.journal.note_by(name, request.peer, &Event::Denied);
    if let Some(hidden) = app.doorman.may_log() {
        let cgi = command.paths[0];
        tracing::info!(target: "lookout::journal", peer = %request.peer, cgi, hidden, "access denied");
    }
}

fn fail(app: &App, failure: Failure) -> Answer {
    match failure {
        Failure::NotFound => Answer::page(Status::NotFound, "The camera has no such page."),
        Failure::Unavailable(why) => Answer::page(Status::Unavailable, why),
        Failure::Gone => pages::login(app, false),
        Failure::Forbidden => Answer::page(Status::Forbidden, &failure.to_string()),
        Failure::IllegalParam
        | Failure::IllegalFrame
        | Failure::Busy
        | Failure::NotSupported
        | Failure::BadPackage
        | Failure::TooLarge
        | Failure::WrongPassword
        | Failure::Off(_)
        | Failure::Internal => Answer::text(failure.to_string()),
    }
}

fn method_fits(command: &Command, method: Method) -> bool {
    match method {
        Method::Get | Method::Head => !command.post,
        Method::Post => command.post,
        Method::Other => false,
    }
}

fn is_multipart(request: &Request) -> bool {
    request.head.text("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"))
}
