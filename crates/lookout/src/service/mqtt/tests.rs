//! The service with a broker of a few lines that grants everything and sends what a test wants.

use std::sync::Mutex;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{advance, pause, resume, timeout},
};

use super::*;
use crate::{config, privacy::testing::Hours};

/// Far more than anything here takes.
const BOUND: Duration = Duration::from_secs(30);

/// Reads one packet: its first byte and what is behind its length.
async fn packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let first = stream.read_u8().await.ok()?;
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let byte = stream.read_u8().await.ok()?;
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((first, body))
}

/// A retained message of 2 KiB on a topic.
fn large(topic: &str) -> Vec<u8> {
    let length = 2 + topic.len() + 2048;
    let mut packet = vec![0x31, u8::try_from(length % 128).unwrap() | 0x80, u8::try_from(length / 128).unwrap()];
    packet.extend(u16::try_from(topic.len()).unwrap().to_be_bytes());
    packet.extend(topic.as_bytes());
    packet.resize(packet.len() + 2048, b'x');
    packet
}

/// Serves one connection until it ends; tells whether it asked for commands, and what was published.
async fn serve(mut stream: TcpStream, kept: Option<&str>, told: &mpsc::UnboundedSender<String>) {
    while let Some((first, body)) = packet(&mut stream).await {
        let answer = match first >> 4 {
            1 => vec![0x20, 2, 0, 0],
            3 => {
                let topic = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
                let text = [&body[2..topic], b" ", &body[topic + 2..]].concat();
                drop(told.send(String::from_utf8_lossy(&text).into_owned()));
                vec![0x40, 2, body[topic], body[topic + 1]]
            }
            8 => {
                drop(told.send("subscribed".to_owned()));
                let granted = vec![0x90, 6, body[0], body[1], 1, 1, 1, 1];
                [granted, kept.map(large).unwrap_or_default()].concat()
            }
            12 => vec![0xd0, 0],
            _ => Vec::new(),
        };
        if stream.write_all(&answer).await.is_err() {
            break;
        }
    }
    drop(told.send("ended".to_owned()));
}

/// Waits for something of what the broker was told; returns what came before it.
async fn until(told: &mut mpsc::UnboundedReceiver<String>, wanted: &str) -> Vec<String> {
    let mut before = Vec::new();
    loop {
        let next = timeout(BOUND, told.recv()).await;
        let Ok(Some(next)) = next else { panic!("no {wanted}, but {before:?}") };
        if next == wanted {
            return before;
        }
        before.push(next);
    }
}

#[tokio::test]
async fn a_kept_message_that_is_too_large_costs_the_commands_of_an_hour_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let broker: Broker = format!("mqtt://{}", listener.local_addr().unwrap()).parse().unwrap();
    let id = Mac([0, 1, 2, 3, 4, 5]);
    let topics = Topics::new("lookout", "", id);
    let (status, command) = (topics.status(), topics.command(Switch::Privacy));
    let (tell, mut told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream, Some(&command), &tell).await;
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(dir.path(), crate::rules(&config::Config::default())).unwrap().store);
    let gate = Hours::default().gate(Arc::default());
    let notes = Arc::<Mutex<Vec<String>>>::default();
    let noted = notes.clone();
    let (_drill, drills) = mpsc::channel(1);
    let parts = Parts {
        account: Account::new(&broker, &config::Mqtt::default()).unwrap(),
        topics,
        id,
        version: "1",
        switches: true,
        store,
        alarms: Alarms::new(Arc::default()),
        hub: Hub::new(gate.clone(), Arc::default(), Arc::default()),
        gate,
        drills,
        note: Box::new(move |event| noted.lock().unwrap().push(event.to_string())),
        counters: Arc::default(),
        links: Arc::default(),
    };
    let said = choked(&parts);
    for topic in Switch::ALL.map(|switch| parts.topics.command(switch)) {
        assert!(said.contains(&topic), "{said}");
    }
    let _running = tokio::task::JoinSet::from_iter([run(parts)]);
    let before = until(&mut told, "ended").await;
    assert_eq!(before.first().map(String::as_str), Some("subscribed"));
    let online = format!("{status} online");
    let before = until(&mut told, &online).await;
    assert!(!before.contains(&"subscribed".to_owned()), "nothing is asked for: {before:?}");
    assert!(before.iter().any(|message| message.ends_with("/armed/motion OFF")), "all is told: {before:?}");
    assert_eq!(*notes.lock().unwrap(), ["MQTT failed: message too large"]);
    // An hour later, on the same connection; what is kept ends it, and the next asks for nothing again.
    pause();
    advance(DEAF).await;
    resume();
    let before = until(&mut told, "subscribed").await;
    assert!(!before.contains(&"ended".to_owned()), "{before:?}");
    until(&mut told, "ended").await;
    let before = until(&mut told, &online).await;
    assert!(!before.contains(&"subscribed".to_owned()), "{before:?}");
}
