use lookout_core::profile::wire::Secret;
use tokio::io::DuplexStream;
use tokio::time::{Instant, sleep};

use super::*;

fn asked() -> Wanted {
    Wanted {
        own: "[127.0.0.1]".into(),
        start_tls: false,
        login: Some(Login { user: "cam".into(), password: Secret::new("sesame") }),
        sender: "cam@example.org".into(),
        receivers: vec!["one@example.org".into()],
        size: 3,
    }
}

async fn no_tls(_: Box<dyn Stream>) -> Result<Box<dyn Stream>, Failure> {
    panic!("nobody asked for encryption");
}

/// The far end of a line.
struct Far {
    stream: DuplexStream,
    heard: Vec<u8>,
}

impl Far {
    async fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Waits until the camera has said something that ends so.
    async fn hear(&mut self, end: &str) -> String {
        while !self.heard.ends_with(end.as_bytes()) {
            let mut piece = [0; 4096];
            let length = self.stream.read(&mut piece).await.unwrap();
            assert_ne!(length, 0, "it ends with {:?}", String::from_utf8_lossy(&self.heard));
            self.heard.extend_from_slice(&piece[..length]);
        }
        String::from_utf8(std::mem::take(&mut self.heard)).unwrap()
    }

    /// Goes through a dialogue up to the mail, and hears it.
    async fn up_to_the_mail(&mut self) {
        self.up_to_data().await;
        self.hear(".\r\n").await;
    }

    /// Goes through a dialogue until the mail is asked for.
    async fn up_to_data(&mut self) {
        for reply in ["220 hi\r\n", "250-x\r\n250 AUTH PLAIN\r\n", "235 in\r\n", "250 ok\r\n", "250 ok\r\n"] {
            self.say(reply).await;
            self.hear("\r\n").await;
        }
        self.say("354 go\r\n").await;
    }
}

/// What the camera makes of a far end: what came of it, whether it is unsure, and how long it took.
async fn with<F: Future<Output = ()> + Send + 'static>(
    mail: Vec<u8>,
    far: impl FnOnce(Far) -> F,
) -> (Result<Delivered, Failure>, bool, Duration) {
    let (near, stream) = tokio::io::duplex(4096);
    let far = tokio::spawn(far(Far { stream, heard: Vec::new() }));
    let (mut dialogue, begin) = (Dialogue::new(asked(), false), Instant::now());
    let outcome = converse(Box::new(near), &mut dialogue, &mail, no_tls).await;
    let took = begin.elapsed();
    far.abort();
    if let Err(error) = far.await {
        assert!(error.is_cancelled(), "{error}");
    }
    (outcome, dialogue.unsure(), took)
}

fn fault(outcome: Result<Delivered, Failure>) -> (Fault, String) {
    let failure = outcome.expect_err("it fails");
    assert!(!failure.lasting);
    (failure.fault, failure.words)
}

#[tokio::test(start_paused = true)]
async fn a_mail_is_sent_whole_and_said_goodbye_to() {
    let (outcome, ..) = with(b".a\r\n".to_vec(), async |mut far: Far| {
        far.up_to_the_mail().await;
        far.say("250 taken\r\n").await;
        assert_eq!(far.hear("QUIT\r\n").await, "QUIT\r\n");
        far.say("221 bye\r\n").await;
    })
    .await;
    assert_eq!(outcome, Ok(Delivered::default()));
}

#[tokio::test(start_paused = true)]
async fn replies_that_come_byte_by_byte_are_heard() {
    let (outcome, ..) = with(b"a\r\n".to_vec(), async |mut far: Far| {
        for reply in ["220 hi\r\n", "250-x\r\n250 AUTH PLAIN\r\n", "535 no\r\n"] {
            for byte in reply.as_bytes() {
                far.stream.write_all(&[*byte]).await.unwrap();
                sleep(Duration::from_millis(100)).await;
            }
            far.hear("\r\n").await;
        }
    })
    .await;
    assert_eq!(outcome.unwrap_err().fault, Fault::Password);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_left_after_ten_seconds() {
    for silent_at in 0..2 {
        let (outcome, unsure, took) = with(b"a\r\n".to_vec(), async move |mut far: Far| {
            if silent_at == 1 {
                far.say("220 hi\r\n").await;
            }
            sleep(Duration::from_secs(1000)).await;
        })
        .await;
        assert_eq!(fault(outcome), (Fault::Network, "the server says nothing".into()));
        assert!(!unsure && took >= IDLE && took < IDLE + Duration::from_secs(2), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_nothing_is_left_after_ten_seconds() {
    let (outcome, _, took) = with(vec![b'x'; 100_000], async |mut far: Far| {
        far.up_to_data().await;
        sleep(Duration::from_secs(1000)).await;
    })
    .await;
    assert_eq!(fault(outcome).0, Fault::Network);
    assert!(took < IDLE + Duration::from_secs(3), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_may_think_about_a_mail_for_longer_and_is_not_sent_it_again() {
    let (outcome, ..) = with(b"a\r\n".to_vec(), async |mut far: Far| {
        far.up_to_the_mail().await;
        sleep(Duration::from_secs(25)).await;
        far.say("250 taken\r\n").await;
        far.hear("\r\n").await;
    })
    .await;
    assert_eq!(outcome, Ok(Delivered::default()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_away_is_a_network_error_and_unsure_only_when_it_had_all() {
    for had_all in [false, true] {
        let (outcome, unsure, _) = with(b"a\r\n".to_vec(), async move |mut far: Far| match had_all {
            true => far.up_to_the_mail().await,
            false => far.say("220 hi\r\n").await,
        })
        .await;
        assert_eq!(fault(outcome).0, Fault::Network);
        assert_eq!(unsure, had_all);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_why_and_hangs_up_while_it_is_sent_a_mail_is_understood() {
    let (outcome, ..) = with(vec![b'x'; 100_000], async |mut far: Far| {
        far.up_to_data().await;
        far.say("552 too large\r\n").await;
    })
    .await;
    let failure = outcome.unwrap_err();
    assert_eq!((failure.fault, failure.lasting), (Fault::Body, true));
}

#[tokio::test(start_paused = true)]
async fn what_speaks_another_protocol_is_a_server_error() {
    let (outcome, ..) = with(b"a\r\n".to_vec(), async |mut far: Far| far.say("SSH-2.0-OpenSSH_9.2\r\n").await).await;
    assert_eq!(fault(outcome), (Fault::Server, "what answers does not speak SMTP".into()));
}

#[tokio::test(start_paused = true)]
async fn what_was_said_in_clear_before_the_encryption_counts_for_nothing() {
    let (near, stream) = tokio::io::duplex(4096);
    let (over, encrypted) = tokio::io::duplex(4096);
    let far = tokio::spawn(async move {
        let mut clear = Far { stream, heard: Vec::new() };
        clear.say("220 hi\r\n").await;
        clear.hear("\r\n").await;
        clear.say("250-x\r\n250 STARTTLS\r\n").await;
        clear.hear("\r\n").await;
        // Whoever sits between adds what is to be taken for the server's own word.
        clear.say("220 go\r\n250-x\r\n250 AUTH LOGIN\r\n").await;
        let mut encrypted = Far { stream: encrypted, heard: Vec::new() };
        assert_eq!(encrypted.hear("\r\n").await, "EHLO [127.0.0.1]\r\n");
        encrypted.say("250-x\r\n250 AUTH PLAIN\r\n").await;
        assert!(encrypted.hear("\r\n").await.starts_with("AUTH PLAIN "));
        encrypted.say("535 no\r\n").await;
        encrypted.hear("QUIT\r\n").await;
        drop(clear);
    });
    let mut dialogue = Dialogue::new(Wanted { start_tls: true, ..asked() }, false);
    let encrypt = |_| async { Ok(Box::new(over) as Box<dyn Stream>) };
    let outcome = converse(Box::new(near), &mut dialogue, b"a\r\n", encrypt).await;
    assert_eq!(outcome.unwrap_err().fault, Fault::Password);
    far.await.unwrap();
}
