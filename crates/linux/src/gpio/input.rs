//! A line that is felt.

use std::{sync::Arc, time::Duration};

use gpiocdev::{
    Error, Request,
    line::{self, EdgeDetection, EdgeKind, Value},
};
use lookout_core::port::{InputLine, Lost, Promise};
use tokio::{
    io::{Interest, unix::AsyncFd},
    time::{sleep, timeout},
};

use super::{Bias, CHIPS, Place, is, why};

/// So often the level is read though nothing was heard of it: a chip that went may not say so, and one may miss an edge.
const LOOK: Duration = Duration::from_secs(1);
/// So often it is read on a chip that tells of no edges.
const POLL: Duration = Duration::from_millis(20);

/// How a line is felt, the best way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The kernel tells of edges once the level has settled.
    Settled,
    /// The kernel tells of every edge.
    Edges,
    /// The chip tells of none: the level is read again and again.
    Polled,
}

impl Way {
    const ALL: [Self; 3] = [Self::Settled, Self::Edges, Self::Polled];
}

/// What is wanted of a line.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// What its resistor does.
    pub bias: Bias,
    /// Whether it is high when its voltage is low.
    pub active_low: bool,
    /// How long a level must last.
    pub debounce: Duration,
}

/// A line whose level is felt, held by nobody else as long as this lives.
pub struct Input {
    line: Arc<AsyncFd<Request>>,
    way: Way,
    about: String,
    /// Whether its level was told.
    told: bool,
}

impl Input {
    /// Takes a line.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn open(place: Place, wanted: Wanted) -> Result<Self, Lost> {
        let ways = Way::ALL.into_iter().filter(|way| *way != Way::Settled || !wanted.debounce.is_zero());
        Self::open_by(place, wanted, ways.collect()).await
    }

    /// Takes a line by the first of some ways that works.
    pub(super) async fn open_by(place: Place, wanted: Wanted, ways: Vec<Way>) -> Result<Self, Lost> {
        let (request, way, about) = CHIPS.run(move || take(&place, wanted, &ways)).await?;
        // SAFETY: a request owns its open file, never replaces it, and closes it only when it is dropped.
        let line = unsafe { AsyncFd::register_with_interest(request, Interest::READABLE) };
        let line = line.map_err(|error| Lost(error.to_string()))?;
        Ok(Self { line: Arc::new(line), way, about, told: false })
    }

    async fn read(&self) -> Result<bool, Lost> {
        let line = self.line.clone();
        CHIPS
            .run(move || line.get_ref().lone_value().map(|value| value == Value::Active).map_err(|error| why(&error)))
            .await
    }

    /// Waits for an edge, for a while.
    async fn edge(&self) -> Result<Option<bool>, Lost> {
        let request = self.line.get_ref();
        let edge = async {
            loop {
                let mut ready = self.line.readable().await.map_err(|error| Lost(error.to_string()))?;
                if request.has_edge_event().map_err(|error| why(&error))? {
                    return next(request).map_err(|error| why(&error));
                }
                ready.clear_ready();
            }
        };
        timeout(LOOK, edge).await.ok().transpose()
    }
}

impl InputLine for Input {
    fn level(&mut self) -> Promise<'_, Result<bool, Lost>> {
        Box::pin(async move {
            let edge = match self.way {
                _ if !self.told => None,
                Way::Settled | Way::Edges => self.edge().await?,
                Way::Polled => {
                    sleep(POLL).await;
                    None
                }
            };
            let level = match edge {
                Some(level) => level,
                None => self.read().await?,
            };
            self.told = true;
            Ok(level)
        })
    }

    fn settled(&self) -> bool {
        self.way == Way::Settled
    }

    fn about(&self) -> String {
        let way = match self.way {
            Way::Settled => "debounced by the kernel",
            Way::Edges => "edges told by the kernel",
            Way::Polled => "read 50 times a second",
        };
        format!("{}, {way}", self.about)
    }
}

/// Reads one edge that waits: whether it rises.
///
/// Not by [`Request::read_edge_event`], which takes several edges from the kernel and forgets all but the first.
fn next(request: &Request) -> Result<bool, Error> {
    let mut one = vec![0; request.edge_event_u64_size()];
    let read = request.read_edge_events_into_slice(&mut one)?;
    request.edge_event_from_slice(&one[..read]).map(|event| event.kind == EdgeKind::Rising)
}

/// Takes a line by the first way that works.
fn take(place: &Place, wanted: Wanted, ways: &[Way]) -> Result<(Request, Way, String), Lost> {
    let found = place.find()?;
    let mut refused = Lost("it cannot be felt".into());
    for way in ways {
        let mut request = Request::builder();
        request.with_consumer("lookout").on_chip(&found.chip).with_line(found.info.offset).as_input();
        request.with_bias(match wanted.bias {
            Bias::AsIs => None,
            Bias::PullUp => Some(line::Bias::PullUp),
            Bias::PullDown => Some(line::Bias::PullDown),
            Bias::Off => Some(line::Bias::Disabled),
        });
        if wanted.active_low {
            request.as_active_low();
        }
        match way {
            Way::Settled => {
                request.with_edge_detection(EdgeDetection::BothEdges).with_debounce_period(wanted.debounce);
            }
            Way::Edges => {
                request.with_edge_detection(EdgeDetection::BothEdges);
            }
            Way::Polled => {}
        }
        match request.request() {
            Ok(request) => return Ok((request, *way, found.to_string())),
            Err(error) if hopeless(&error) => return Err(Lost(format!("{found}: {}", why(&error)))),
            Err(error) => refused = Lost(format!("{found}: {}", why(&error))),
        }
    }
    Err(refused)
}

/// Says whether no other way would work either.
fn hopeless(error: &Error) -> bool {
    [libc::EBUSY, libc::EACCES, libc::EPERM, libc::ENODEV, libc::ENOENT].iter().any(|code| is(error, *code))
}
