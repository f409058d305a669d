mod sound;

use std::io;

use lookout_core::{
    media::pace::Pace,
    profile::{change::Rules, settings::Resolution, view::Secrets},
};
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};

use super::{super::conn::Conn, *};
use crate::{
    guests::{Guest, Guests},
    http::Caps,
    hub::{Hub, Viewer},
    metrics::SoundCounters,
    privacy::testing::Hours,
};

/// Fans behind a gate, and the account that watches.
struct House {
    hours: Hours,
    hub: Arc<Hub>,
    fans: Arc<Fans>,
    counters: Arc<SoundCounters>,
    user: User,
    _dir: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let rules = Rules { secrets: Secrets::Masked, password_min: 8 };
        let store = Arc::new(Store::open(dir.path(), rules).unwrap().store);
        let hours = Hours::default();
        let gate = hours.gate(Arc::default());
        tokio::spawn(gate.clone().keep());
        let user = store.get().users[0].clone();
        let fans = Fans::new(store, Arc::default(), Duration::from_secs(60));
        let counters: Arc<SoundCounters> = Arc::default();
        let hub = Hub::new(gate, Arc::default(), counters.clone());
        Self { hours, hub, fans, counters, user, _dir: dir }
    }

    fn view(&self) -> Viewer {
        self.hub.view(Resolution::Vga).unwrap()
    }

    /// Sends a viewer with an account to a fan, which has not seen him yet.
    fn send(&self, frames: Viewer, user: &User, conn: TcpStream) {
        self.send_form(Form::Multipart(Pictures::new(frames, Resolution::Vga, Pace::FULL)), user, conn);
    }

    fn send_form(&self, form: Form, user: &User, conn: TcpStream) {
        let place = Caps::new(1, 1, Arc::default()).admit([127, 0, 0, 1].into()).unwrap();
        let (fans, user) = (self.fans.clone(), user.clone());
        let (agent, path) = (String::new(), String::new());
        let guest = Guest { user: user.name.as_str().to_owned(), peer: [127, 0, 0, 1].into(), agent, path };
        let watching = Arc::<Guests>::default().watch(guest);
        let push = Push { fans, form, begin: Bytes::new(), user, watching };
        Fans::join(push, Revocable::new(Conn::Plain(conn)).unwrap(), place);
    }

    /// Has a viewer with an account seated, and returns its end of the connection.
    async fn join(&self, frames: Viewer, user: &User) -> TcpStream {
        let (here, there) = connect().await;
        self.send(frames, user, here);
        tokio::time::sleep(Duration::from_millis(1)).await;
        there
    }

    /// Waits until the camera has let go of all viewers.
    async fn all_gone(&self) {
        timeout(Duration::from_secs(5), self.hub.unwatched()).await.expect("somebody watches");
    }
}

/// Connects somebody who takes little in advance; returns both ends, his last.
async fn connect() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = TcpSocket::new_v4().unwrap();
    there.set_recv_buffer_size(2048).unwrap();
    let there = there.connect(listener.local_addr().unwrap()).await.unwrap();
    (listener.accept().await.unwrap().0, there)
}

/// Reads to the end; returns how many bytes came, and whether the end was a reset.
async fn read_out(there: &mut TcpStream) -> (u64, bool) {
    let (mut read, mut buffer) = (0, vec![0; 64 * 1024]);
    loop {
        match timeout(Duration::from_secs(5), there.read(&mut buffer)).await.expect("still open") {
            Ok(0) => return (read, false),
            Ok(more) => read += more as u64,
            Err(error) => return (read, error.kind() == io::ErrorKind::ConnectionReset),
        }
    }
}

/// Waits until the viewer's system takes no more; returns how many bytes it holds.
async fn filled(there: &TcpStream) -> u64 {
    let (mut before, mut looks) = (0, 0);
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let held = rustix::io::ioctl_fionread(there).unwrap();
        looks = if held > 0 && held == before { looks + 1 } else { 0 };
        // TCP tries a full window again after some 200 ms, and may find room.
        if looks == 5 {
            return held;
        }
        before = held;
    }
    panic!("nothing came, or more and more");
}

#[tokio::test]
async fn when_the_hours_begin_half_a_picture_stays_half_a_picture_and_the_kernel_throws_the_rest_away() {
    let house = House::new();
    let mut there = house.join(house.view(), &house.user).await;
    // More than any socket's buffers take.
    house.hub.publish(house.hours.frame(1, vec![b'x'; 16 << 20]));
    let held = filled(&there).await;
    house.hours.forbid(true);
    house.all_gone().await;
    assert_eq!(read_out(&mut there).await, (held, true));
}

#[tokio::test]
async fn a_whole_picture_that_waits_in_the_kernel_alone_is_thrown_away_too() {
    let house = House::new();
    let mut there = house.join(house.view(), &house.user).await;
    // The viewer sits, its socket took everything.
    house.hub.publish(house.hours.frame(1, vec![b'x'; 100_000]));
    let held = filled(&there).await;
    assert!(held < 100_000);
    house.hours.forbid(true);
    house.all_gone().await;
    assert_eq!(read_out(&mut there).await, (held, true));
}

#[tokio::test]
async fn a_viewer_who_has_everything_is_not_reset_and_sees_nothing_after_the_hours() {
    let house = House::new();
    let mut there = house.join(house.view(), &house.user).await;
    house.hub.publish(house.hours.frame(1, vec![b'x'; 100]));
    filled(&there).await;
    house.hours.forbid(true);
    house.all_gone().await;
    house.hours.forbid(false);
    house.hub.publish(house.hours.frame(2, vec![b'x'; 100]));
    assert!(read_out(&mut there).await.0 < 300);
}

#[tokio::test]
async fn who_was_let_in_before_the_hours_and_comes_in_them_or_after_them_is_not_seated() {
    let house = House::new();
    let early = house.view();
    house.hours.forbid(true);
    assert_eq!(read_out(&mut house.join(early.clone(), &house.user).await).await.0, 0);
    house.hours.forbid(false);
    assert_eq!(read_out(&mut house.join(early.clone(), &house.user).await).await.0, 0);
    // Nor where others watch behind every door.
    let doors = house.fans.doors[0].len();
    let mut seated = Vec::new();
    for _ in 0..doors {
        seated.push(house.join(house.view(), &house.user).await);
    }
    for _ in 0..doors {
        assert_eq!(read_out(&mut house.join(early.clone(), &house.user).await).await.0, 0);
    }
    for stays in &mut seated {
        let more = timeout(Duration::from_millis(20), stays.read(&mut [0])).await;
        assert!(more.is_err(), "closed");
    }
}

#[tokio::test]
async fn who_comes_when_the_hours_were_short_is_not_thrown_out_with_those_before_them() {
    let house = House::new();
    let doors = house.fans.doors[0].len();
    let (mut before, mut behind) = (Vec::new(), Vec::new());
    for _ in 0..doors {
        before.push(house.join(house.view(), &house.user).await);
        behind.push(connect().await);
    }
    // No fan has a turn until all are there.
    house.hours.forbid(true);
    assert!(house.hub.view(Resolution::Vga).is_err());
    house.hours.forbid(false);
    let mut seated = Vec::new();
    for (here, there) in behind {
        house.send(house.view(), &house.user, here);
        seated.push(there);
    }
    for there in &mut before {
        assert_eq!(read_out(there).await, (0, false));
    }
    house.hours.wait_out_the_guard().await;
    house.hub.publish(house.hours.frame(1, vec![b'x'; 100]));
    for there in &mut seated {
        assert!(timeout(Duration::from_secs(5), there.read(&mut [0])).await.unwrap().unwrap() > 0);
    }
}

#[tokio::test]
async fn an_account_that_was_changed_while_its_request_was_answered_gets_no_stream() {
    let house = House::new();
    let frames = house.view();
    let known = &house.user;
    let gone = User { pri: lookout_core::profile::settings::Level::Manager, ..known.clone() };
    // The first at a door starts a fan, who comes later joins one: there are as many doors as cores, up to 8.
    let mut seated = Vec::new();
    for _ in 0..9 {
        let mut refused = house.join(frames.clone(), &gone).await;
        let end = timeout(Duration::from_secs(5), refused.read(&mut [0])).await;
        assert_eq!(end.expect("still open").unwrap(), 0);
        seated.push(house.join(frames.clone(), known).await);
    }
    for stays in &mut seated {
        let more = timeout(Duration::from_millis(20), stays.read(&mut [0])).await;
        assert!(more.is_err(), "closed");
    }
}
