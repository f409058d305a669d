use proptest::prelude::*;

use super::*;

const COOKIE: Cookie = *b"\x80cookie!";
/// 1 December 2026, 12:00:00.25.
const NOON: u64 = ((1_796_126_400 + TO_1970_S as u64) << 32) + (1 << 30);

/// A good answer of a server that thought for a quarter of a second.
fn answer() -> [u8; LENGTH] {
    let mut packet = [0; LENGTH];
    (packet[0], packet[1]) = (4 << 3 | 4, 2);
    packet[24..32].copy_from_slice(&COOKIE);
    stamp(&mut packet, NOON);
    packet
}

fn stamp(packet: &mut [u8], sent: u64) {
    packet[32..40].copy_from_slice(&sent.wrapping_sub(1 << 30).to_be_bytes());
    packet[40..48].copy_from_slice(&sent.to_be_bytes());
}

fn of(packet: &[u8]) -> Result<Reading, Refusal> {
    read(packet, COOKIE, Duration::from_millis(350))
}

#[test]
fn a_request_shows_nothing_but_its_cookie() {
    let packet = request(COOKIE);
    assert_eq!(packet[0], 0x23, "no warning, version 4, client");
    assert_eq!((&packet[1..40], &packet[40..]), (&[0; 39][..], &COOKIE[..]));
}

#[test]
fn the_time_is_the_servers_when_it_answered_and_half_of_the_way() {
    let read = of(&answer()).unwrap();
    assert_eq!(read.delay, Duration::from_millis(100));
    assert_eq!(read.time, Duration::new(1_796_126_400, 300_000_000));
    let mut longer = [answer().as_slice(), &[7; 20]].concat();
    assert_eq!(of(&longer), Ok(read), "what follows, such as a signature, is not looked at");
    longer[0] = 3 << 3 | 4;
    assert_eq!(of(&longer), Ok(read), "old servers answer in version 3");
}

#[test]
fn a_packet_that_is_not_the_answer_is_waited_past() {
    for (what, at, byte) in [
        ("another originate timestamp", 31, 0),
        ("a broadcast", 0, 4 << 3 | 5),
        ("a request", 0, 4 << 3 | 3),
        ("version 2", 0, 2 << 3 | 4),
        ("version 5", 0, 5 << 3 | 4),
    ] {
        let mut packet = answer();
        packet[at] = byte;
        assert_eq!(of(&packet), Err(Refusal::Stray), "{what}");
    }
    for length in 0..LENGTH {
        assert_eq!(of(&answer()[..length]), Err(Refusal::Stray), "{length} bytes");
    }
    assert_eq!(of(&request(COOKIE)), Err(Refusal::Stray), "our own request, sent back");
}

#[test]
fn a_kiss_is_heeded_from_whoever_knows_the_cookie_and_from_nobody_else() {
    for (code, refusal) in [
        (b"DENY", Refusal::Denied),
        (b"RSTR", Refusal::Denied),
        (b"RATE", Refusal::Slower),
        (b"INIT", Refusal::Unsynchronised),
    ] {
        let mut packet = answer();
        (packet[0], packet[1]) = (3 << 6 | 4 << 3 | 4, 0);
        packet[12..16].copy_from_slice(code);
        assert_eq!(of(&packet), Err(refusal), "{code:?}");
        packet[24] = 0;
        assert_eq!(of(&packet), Err(Refusal::Stray), "{code:?}");
    }
}

#[test]
fn a_server_that_is_not_synchronised_sets_no_clock() {
    for stratum in 0..=255 {
        let mut packet = answer();
        packet[1] = stratum;
        assert_eq!(of(&packet).is_ok(), (1..=15).contains(&stratum), "stratum {stratum}");
        packet[0] |= 3 << 6;
        assert_eq!(of(&packet), Err(Refusal::Unsynchronised), "leap 3, stratum {stratum}");
    }
}

#[test]
fn a_server_far_from_a_clock_of_reference_is_not_believed() {
    let distant = |delay: u16, dispersion: u16| {
        let mut packet = answer();
        packet[4..6].copy_from_slice(&delay.to_be_bytes());
        packet[8..10].copy_from_slice(&dispersion.to_be_bytes());
        of(&packet).is_err()
    };
    assert_eq!(
        [(0, 15), (10, 10), (0, 16), (32, 0), (12, 10)].map(|(a, b)| distant(a, b)),
        [false, false, true, true, true]
    );
    assert!(distant(u16::MAX, u16::MAX));
}

#[test]
fn a_server_that_contradicts_itself_is_not_believed() {
    for (what, received, sent) in [
        ("never received", 0, NOON),
        ("never sent", NOON, 0),
        ("sent before it was received", NOON, NOON - 1),
        ("thought for two seconds", NOON - (2 << 32), NOON),
    ] {
        let mut packet = answer();
        packet[32..40].copy_from_slice(&received.to_be_bytes());
        packet[40..48].copy_from_slice(&sent.to_be_bytes());
        assert!(matches!(of(&packet), Err(Refusal::Implausible(_))), "{what}");
    }
}

#[test]
fn the_era_that_ends_in_2036_is_followed_by_the_next_and_no_other_time_can_be() {
    let says = |unix: i64| {
        let mut packet = answer();
        // A stamp of zero, as at the first instant of an era, says nothing.
        stamp(&mut packet, ((unix + TO_1970_S) as u64) << 32 | 1);
        of(&packet).map(|read| read.time.as_secs()).ok()
    };
    let end = 2_085_978_496; // 7 February 2036, 06:28:16
    for known in [EARLIEST_S, end - 1, end, end + 1, i32::MAX.into(), 1 << 31, u32::MAX.into()] {
        assert_eq!(says(known), u64::try_from(known).ok(), "{known}");
    }
    for absurd in [0, 1, 946_684_800, EARLIEST_S - 1, 1 << 32] {
        assert_eq!(says(absurd), None, "{absurd}");
    }
}

#[test]
fn an_era_may_end_while_the_server_thinks() {
    let mut packet = answer();
    stamp(&mut packet, 1 << 29);
    let read = of(&packet).unwrap();
    assert_eq!((read.time.as_secs(), read.delay), (2_085_978_496, Duration::from_millis(100)));
}

#[test]
fn an_hour_after_an_answer_and_ever_later_after_failures() {
    let mut rhythm = Rhythm::default();
    let mut pause = |outcome| rhythm.pause(outcome, 0).as_secs();
    assert_eq!(pause(Outcome::Read), 3600);
    let failed: Vec<_> = (0..12).map(|_| pause(Outcome::Failed)).collect();
    assert_eq!(failed, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]);
    assert_eq!([Outcome::Read, Outcome::Failed].map(&mut pause), [3600, 5]);
    assert_eq!([Outcome::Slower, Outcome::Denied].map(&mut pause), [3600, 86_400]);
}

#[test]
fn cameras_that_were_switched_on_together_drift_apart() {
    let pause = |random| Rhythm::default().pause(Outcome::Read, random).as_secs();
    assert_eq!([0, 255].map(pause), [3600, 3150]);
    assert!((1..=255).all(|random| pause(random) < pause(random - 1)));
}

proptest! {
    #[test]
    fn no_bytes_panic(packet: Vec<u8>, cookie: Cookie, took: u64) {
        let _ = read(&packet, cookie, Duration::from_micros(took));
    }

    #[test]
    fn no_answer_panics_and_what_is_believed_can_be(
        mut packet: [u8; LENGTH], stratum in 0_u8..17, took: u32, thought: u32,
    ) {
        (packet[0], packet[1]) = (packet[0] & 0xc0 | 4 << 3 | 4, stratum);
        packet[24..32].copy_from_slice(&COOKIE);
        let received = u64::from_be_bytes(packet[32..40].try_into().unwrap());
        packet[40..48].copy_from_slice(&received.wrapping_add(thought.into()).to_be_bytes());
        if let Ok(read) = read(&packet, COOKIE, Duration::from_micros(took.into())) {
            let time = i64::try_from(read.time.as_secs()).unwrap();
            prop_assert!((EARLIEST_S..=i64::from(u32::MAX) + i64::from(took)).contains(&time));
            prop_assert!(read.delay <= Duration::from_micros(took.into()));
        }
    }
}
