use std::{collections::VecDeque, future::pending};

use lookout_core::{
    port::{Lost, Promise, SerialLine},
    profile::settings::Misc,
    ptz::{Order, Way},
};
use tokio::{sync::Notify, task::yield_now, time::sleep};

use super::*;
use crate::service::head::{Body, Wired};

/// What happened to a port, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Opened,
    Speed(u32),
    Wrote(Vec<u8>),
    Discarded,
    Closed,
}

use Told::{Closed, Discarded, Opened, Speed, Wrote};

/// How a port misbehaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum How {
    #[default]
    Well,
    /// It cannot be opened.
    Missing,
    /// It takes nothing.
    Deaf,
    /// It takes everything and sends nothing.
    Stuck,
    /// The open line is gone, which nobody was told.
    Dead,
}

#[derive(Default)]
struct State {
    told: Vec<(Millis, Told)>,
    how: How,
}

/// Milliseconds since the beginning of the test.
type Millis = u128;

/// A port that is a double.
struct Port {
    begin: Instant,
    state: Mutex<State>,
    hung_up: Notify,
}

impl Port {
    fn tell(&self, told: Told) {
        let at = self.begin.elapsed().as_millis();
        self.state.lock().unwrap().told.push((at, told));
    }

    fn how(&self) -> How {
        self.state.lock().unwrap().how
    }

    fn is(&self, how: How) {
        self.state.lock().unwrap().how = how;
    }

    /// Takes what happened.
    fn told(&self) -> Vec<Told> {
        std::mem::take(&mut self.state.lock().unwrap().told).into_iter().map(|(_, told)| told).collect()
    }

    /// Takes what happened with the milliseconds since the beginning.
    fn timed(&self) -> Vec<(Millis, Told)> {
        std::mem::take(&mut self.state.lock().unwrap().told)
    }
}

struct Double(Arc<Port>);

impl SerialLine for Double {
    fn speed(&mut self, rate: u32) -> Promise<'_, Result<(), Lost>> {
        self.0.tell(Speed(rate));
        Box::pin(async { Ok(()) })
    }

    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Promise<'a, Result<(), Lost>> {
        Box::pin(async move {
            match self.0.how() {
                How::Deaf => pending().await,
                How::Dead => {
                    self.0.is(How::Well);
                    return Err(Lost("gone".into()));
                }
                How::Well | How::Missing | How::Stuck => {}
            }
            self.0.tell(Wrote(bytes.to_vec()));
            Ok(())
        })
    }

    fn waiting(&self) -> Result<usize, Lost> {
        Ok(usize::from(self.0.how() == How::Stuck))
    }

    fn discard(&mut self) -> Promise<'_, ()> {
        self.0.tell(Discarded);
        Box::pin(async {})
    }

    fn gone(&mut self) -> Promise<'_, Lost> {
        Box::pin(async {
            self.0.hung_up.notified().await;
            Lost("hung up".into())
        })
    }

    fn about(&self) -> String {
        "double".into()
    }

    fn lacks(&self) -> Option<&str> {
        None
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.0.tell(Closed);
    }
}

/// Ports of which the first is a double.
fn ports() -> (Arc<Ports>, Arc<Port>) {
    let port = Arc::new(Port { begin: Instant::now(), state: Mutex::default(), hung_up: Notify::new() });
    let double = port.clone();
    let open: Open = Box::new(move || {
        let port = double.clone();
        Box::pin(async move {
            if port.how() == How::Missing {
                return Err(Lost("missing".into()));
            }
            port.tell(Opened);
            Ok(Box::new(Double(port)) as Box<dyn SerialLine>)
        })
    });
    (Arc::new(Ports::of(vec![("double".into(), open)], Arc::default())), port)
}

/// Has somebody write, who does not wait for the others.
fn write(ports: &Arc<Ports>, baud: Baud, bytes: &[u8]) -> tokio::task::JoinHandle<Result<(), Failure>> {
    let (ports, bytes) = (ports.clone(), bytes.to_vec());
    tokio::spawn(async move { ports.write(0, baud, &bytes).await })
}

#[tokio::test(start_paused = true)]
async fn a_message_has_the_line_for_its_time_and_the_next_one_comes_after_it() {
    let (ports, port) = ports();
    let writers = ["first", "second", "third"].map(|text| write(&ports, Baud::B2400, text.as_bytes()));
    for writer in writers {
        assert_eq!(writer.await.unwrap(), Ok(()));
    }
    let told = port.timed();
    let [(_, Opened), (_, Speed(2400)), (first, Wrote(one)), (second, Wrote(two)), (third, Wrote(three))] = &told[..]
    else {
        panic!("{told:?}");
    };
    assert_eq!([one, two, three], [b"first", &b"second"[..], b"third"]);
    // Five and six bytes of ten bits at 2400 bit/s.
    assert!(second - first >= 20 && third - second >= 25, "{told:?}");
    assert_eq!(ports.counters.written.get(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_speed_changes_when_everything_has_gone_out() {
    let (ports, port) = ports();
    let writers = [(Baud::B1200, "slow"), (Baud::B115200, "fast"), (Baud::B115200, "fast")];
    for writer in writers.map(|(baud, text)| write(&ports, baud, text.as_bytes())) {
        assert_eq!(writer.await.unwrap(), Ok(()));
    }
    let told = port.timed();
    let [(_, Opened), (_, Speed(1200)), (slow, Wrote(_)), (change, Speed(115_200)), (_, Wrote(_)), (_, Wrote(_))] =
        &told[..]
    else {
        panic!("{told:?}");
    };
    assert!(change - slow >= 33, "four bytes at 1200 bit/s: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn f32_a_port_that_takes_nothing_is_left_in_time_and_what_waited_for_it_is_never_written() {
    let (ports, port) = ports();
    port.is(How::Deaf);
    let begin = Instant::now();
    let writers = ["one", "two", "three"].map(|text| write(&ports, Baud::B2400, text.as_bytes()));
    let [one, two, three] = writers;
    assert_eq!(one.await.unwrap(), Err(Failure::Internal));
    assert_eq!((two.await.unwrap(), three.await.unwrap()), (Err(Failure::Busy), Err(Failure::Busy)));
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    port.is(How::Well);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(port.told(), [Opened, Speed(2400), Discarded, Closed]);
    assert_eq!(ports.write(0, Baud::B2400, b"four").await, Ok(()));
    assert_eq!(port.told(), [Opened, Speed(2400), Wrote(b"four".to_vec())]);
}

#[tokio::test(start_paused = true)]
async fn f32_a_port_that_takes_everything_and_sends_nothing_is_left_in_time_and_emptied() {
    let (ports, port) = ports();
    port.is(How::Stuck);
    let begin = Instant::now();
    assert_eq!(ports.write(0, Baud::B9600, b"stop").await, Err(Failure::Internal));
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    sleep(Duration::from_millis(1)).await;
    assert_eq!(port.told(), [Opened, Speed(9600), Wrote(b"stop".to_vec()), Discarded, Closed]);
    assert_eq!(ports.counters.failed.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn so_many_wait_for_a_port_and_one_more_is_refused_at_once() {
    let (ports, port) = ports();
    port.is(How::Deaf);
    let mut writers = VecDeque::new();
    for _ in 0..=WAITING {
        writers.push_back(write(&ports, Baud::B2400, b"x"));
        yield_now().await;
    }
    let begin = Instant::now();
    assert_eq!(ports.write(0, Baud::B2400, b"x").await, Err(Failure::Busy));
    assert_eq!((begin.elapsed(), ports.counters.refused.get()), (Duration::ZERO, 1));
    while let Some(writer) = writers.pop_front() {
        assert!(writer.await.unwrap().is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_port_that_is_missing_fails_and_is_found_again_by_the_next_write() {
    let (ports, port) = ports();
    port.is(How::Missing);
    assert_eq!(ports.write(0, Baud::B2400, b"x").await, Err(Failure::Internal));
    assert_eq!(port.told(), []);
    port.is(How::Well);
    assert_eq!(ports.write(0, Baud::B2400, b"x").await, Ok(()));
    assert_eq!(ports.write(1, Baud::B2400, b"x").await, Err(Failure::NotSupported));
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_lost_is_let_go_of_at_once_and_opened_anew_by_the_next_write() {
    let (ports, port) = ports();
    assert_eq!(ports.write(0, Baud::B2400, b"x").await, Ok(()));
    port.told();
    port.hung_up.notify_one();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(port.told(), [Closed], "or the device could not come back under its name");
    assert_eq!(ports.write(0, Baud::B2400, b"x").await, Ok(()));
    port.is(How::Dead);
    port.told();
    assert_eq!(ports.write(0, Baud::B2400, b"y").await, Ok(()), "nobody is told of what can be mended");
    assert_eq!(port.told(), [Closed, Opened, Speed(2400), Wrote(b"y".to_vec())]);
}

#[tokio::test(start_paused = true)]
async fn what_takes_the_line_longer_than_anybody_waits_is_answered_when_it_is_taken() {
    let (ports, port) = ports();
    let begin = Instant::now();
    assert_eq!(ports.write(0, Baud::B1200, &[0; 255]).await, Ok(()));
    assert!(begin.elapsed() < PATIENCE);
    // The line is still busy with it.
    assert_eq!(ports.write(0, Baud::B1200, b"x").await, Err(Failure::Busy));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(ports.write(0, Baud::B1200, b"y").await, Ok(()));
    assert_eq!(port.told(), [Opened, Speed(1200), Wrote(vec![0; 255]), Wrote(b"y".to_vec())]);
}

#[tokio::test(start_paused = true)]
async fn a_head_whose_turn_does_not_come_is_busy_and_not_lost() {
    let (ports, port) = ports();
    let for_head = ports.clone();
    let write = move |bytes: Vec<u8>| -> Promise<'static, Result<(), Failure>> {
        let ports = for_head.clone();
        Box::pin(async move { ports.write(0, Baud::B1200, &bytes).await })
    };
    let (line, misc) = (lookout_core::ptz::line::Line::new(1), Misc::default());
    let mut head = Body::Line(Wired::new(line, "head".into(), Box::new(write)));
    assert_eq!(ports.write(0, Baud::B1200, &[0; 255]).await, Ok(()));
    let begin = Instant::now();
    assert_eq!(head.order(Order::Move(Way::Up), None, &misc).await, Err(Failure::Busy));
    assert!(begin.elapsed() < crate::head::PATIENCE, "{:?}", begin.elapsed());
    assert!(head.lost().is_none() && !head.standing(&misc).1);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(head.order(Order::Move(Way::Up), None, &misc).await, Ok(()));
    port.is(How::Deaf);
    assert_eq!(head.order(Order::Stop, None, &misc).await, Err(Failure::Internal));
    assert!(head.lost().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_message_goes_out_whole_though_whoever_wrote_it_is_gone() {
    let (ports, port) = ports();
    let writers = ["first", "second"].map(|text| write(&ports, Baud::B1200, text.as_bytes()));
    yield_now().await;
    writers.iter().for_each(|writer| writer.abort());
    sleep(Duration::from_secs(1)).await;
    assert_eq!(port.told()[2..], [Wrote(b"first".to_vec()), Wrote(b"second".to_vec())]);
}

#[tokio::test(start_paused = true)]
async fn r13_1_ten_writes_of_clients_pass_in_a_second_and_those_of_the_head_do_not_count() {
    let (ports, _port) = ports();
    for _ in 0..10 {
        assert_eq!(ports.write_for_client(0, Baud::B115200, b"x").await, Ok(()));
    }
    assert_eq!(ports.write_for_client(0, Baud::B115200, b"x").await, Err(Failure::Busy));
    assert_eq!(ports.write(0, Baud::B115200, b"x").await, Ok(()));
    assert_eq!(ports.write_for_client(1, Baud::B115200, b"x").await, Err(Failure::NotSupported));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(ports.write_for_client(0, Baud::B115200, b"x").await, Ok(()));
}
