use lookout_testkit::{Gateways, Plays};

use super::*;
use crate::tls;

const ONE: Ipv4Addr = Ipv4Addr::new(127, 78, 0, 1);
const TWO: Ipv4Addr = Ipv4Addr::new(127, 78, 0, 2);

/// Searches among gateways that do this; returns the address of the one that was found.
async fn found(gateways: &Gateways, router: Option<Ipv4Addr>) -> Result<Ipv4Addr, Trouble> {
    tls::install_provider();
    let lan = Lan { group: gateways.group };
    lan.find(Ipv4Addr::LOCALHOST, router).await.map(|service| *service.place.at.ip())
}

/// Searches where there is a gateway that does this alone, for each at the same time; returns which was found.
async fn alone(plays: impl IntoIterator<Item = Plays>) -> Vec<(Plays, Result<Ipv4Addr, Trouble>)> {
    let alone = |plays: Plays| async move {
        let found = found(&Gateways::start(&[(ONE, plays.clone())]), None).await;
        (plays, found)
    };
    plays.into_iter().map(alone).collect::<JoinSet<_>>().join_all().await
}

#[tokio::test]
async fn a_gateway_is_found_and_asked() {
    let gateways = Gateways::start(&[(ONE, Plays::Fine("11.0.0.2"))]);
    assert_eq!(found(&gateways, Some(ONE)).await, Ok(ONE));
    let asked = gateways.asked();
    assert!(search::TARGETS.iter().any(|target| asked.contains(&format!("search {target}"))), "{asked:?}");
    assert!(asked.contains(&"127.78.0.1 GET /d.xml HTTP/1.1 ".to_owned()), "{asked:?}");
    assert!(asked.contains(&"127.78.0.1 POST /c HTTP/1.1 GetExternalIPAddress".to_owned()), "{asked:?}");
}

#[tokio::test]
async fn where_nobody_answers_there_is_no_gateway() {
    assert_eq!(found(&Gateways::start(&[]), None).await, Err(Trouble::NoGateway));
}

#[tokio::test]
async fn r10_3_whoever_names_another_machine_is_not_followed_there() {
    let other = std::net::TcpListener::bind((TWO, 0)).unwrap();
    let address = other.local_addr().unwrap();
    other.set_nonblocking(true).unwrap();
    let plays = [
        Plays::Location(format!("http://{address}/d.xml")),
        Plays::Location("http://localhost/d.xml".to_owned()),
        Plays::Location("file:///etc/passwd".to_owned()),
        Plays::Control(format!("http://{address}/c")),
        Plays::Status(302, format!("http://{address}/d.xml")),
    ];
    for (plays, found) in alone(plays).await {
        assert!(matches!(found, Err(Trouble::Nonsense(_))), "{plays:?}");
    }
    assert!(other.accept().is_err(), "somebody was sent there and went");
}

#[tokio::test]
async fn f16_whatever_a_gateway_sends_it_ends_and_is_told_as_what_it_is() {
    let nonsense = Trouble::Nonsense("has a description that cannot be read");
    let troubles = [
        (Plays::Endless, nonsense),
        (Plays::Laughs, nonsense),
        (Plays::Cut, nonsense),
        (Plays::Garbage, nonsense),
        (Plays::Drop, nonsense),
        (Plays::Status(500, String::new()), Trouble::Nonsense("has no description")),
        (Plays::Hang, Trouble::Unreached),
        (Plays::HangLater, Trouble::Unreached),
    ];
    for (plays, found) in alone(troubles.clone().map(|(plays, _)| plays)).await {
        let trouble = troubles.iter().find(|(one, _)| *one == plays).map(|(_, trouble)| *trouble);
        assert_eq!(found.err(), trouble, "{plays:?}");
    }
}

#[tokio::test]
async fn one_that_hangs_keeps_nobody_from_the_gateway() {
    let beside = |bad: Plays| async move {
        let gateways = Gateways::start(&[(ONE, bad.clone()), (TWO, Plays::Fine("11.0.0.2"))]);
        assert_eq!(found(&gateways, Some(TWO)).await, Ok(TWO), "{bad:?}");
    };
    let bad = [Plays::Hang, Plays::HangLater, Plays::Endless, Plays::Garbage];
    bad.into_iter().map(beside).collect::<JoinSet<_>>().join_all().await;
}

#[tokio::test]
async fn q82_of_two_gateways_the_router_is_believed_and_else_the_one_that_is_connected() {
    let both = || Gateways::start(&[(ONE, Plays::Fine("11.0.0.1")), (TWO, Plays::Fine("11.0.0.2"))]);
    assert_eq!(found(&both(), Some(TWO)).await, Ok(TWO));
    let unconnected = Gateways::start(&[(ONE, Plays::Refuse(501)), (TWO, Plays::Fine("11.0.0.2"))]);
    assert_eq!(found(&unconnected, None).await, Ok(TWO));
    let router = Gateways::start(&[(ONE, Plays::Fine("11.0.0.1")), (TWO, Plays::Fine("0.0.0.0"))]);
    assert_eq!(found(&router, Some(TWO)).await, Ok(TWO));
}

#[test]
fn a_crowd_of_answers_leaves_room_for_the_router() {
    let place = |ip: [u8; 4], path: &str| {
        let ip = Ipv4Addr::from(ip);
        let target = search::TARGETS[0];
        let packet = format!("HTTP/1.1 200 OK\r\nST: {target}\r\nLOCATION: http://{ip}/{path}\r\n\r\n");
        search::read(packet.as_bytes(), ip).unwrap().unwrap()
    };
    let router = Some(Ipv4Addr::new(10, 0, 0, 1));
    let mut places = Vec::new();
    for host in 2..=255 {
        for path in ["a", "b", "c"] {
            let place = place([10, 0, 0, host], path);
            if is_new(&places, &place, router) {
                places.push(place);
            }
        }
    }
    assert_eq!(places.len(), MOST);
    assert_eq!(places.iter().filter(|place| place.path == "/c").count(), 0);
    assert!(is_new(&places, &place([10, 0, 0, 1], "d.xml"), router));
    assert!(!is_new(&places, &places[0], router));
}

#[tokio::test]
async fn a_gateway_answers_what_it_is_asked_or_says_its_code() {
    tls::install_provider();
    for (plays, answer) in [
        (Plays::Fine("11.0.0.2"), Ok(Some(Ipv4Addr::new(11, 0, 0, 2)))),
        (Plays::Refuse(606), Err(Failure::Refused(606))),
    ] {
        let gateways = Gateways::start(&[(ONE, plays)]);
        let lan = Lan { group: gateways.group };
        let service = lan.find(Ipv4Addr::LOCALHOST, None).await.unwrap();
        let asked = lan.ask(Ipv4Addr::LOCALHOST, &service, Ask::Outside).await;
        assert_eq!(asked.map(|answer| answer.outside()), answer);
    }
}
