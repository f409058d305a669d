use lookout_core::port::OutputLine as _;
use tempfile::TempDir;

use super::*;

/// The files of a LED, of which none does anything.
struct Fake(TempDir);

impl Fake {
    fn new(triggers: &str) -> Self {
        let fake = Self(tempfile::tempdir().unwrap());
        for (file, text) in [("max_brightness", "255\n"), ("brightness", "3\n"), ("trigger", triggers)] {
            fs::write(fake.0.path().join(file), text).unwrap();
        }
        fake
    }

    fn place(&self) -> Place {
        self.0.path().display().to_string().parse().unwrap()
    }

    fn shows(&self) -> [String; 2] {
        ["trigger", "brightness"].map(|file| fs::read_to_string(self.0.path().join(file)).unwrap().trim().to_owned())
    }
}

#[test]
fn a_led_is_a_name_or_a_folder_and_is_shown_as_it_is_read() {
    for (text, shown) in [
        ("ACT", "ACT"),
        ("input0::capslock", "input0::capslock"),
        ("/sys/class/leds/ACT/", "ACT"),
        ("/sys//class/leds/./ACT", "ACT"),
        ("/var/lamp/", "/var/lamp"),
    ] {
        let place: Place = text.parse().unwrap();
        assert_eq!(place.to_string(), shown);
        assert_eq!(shown.parse(), Ok(place));
    }
    assert_eq!("ACT".parse::<Place>(), "/sys/class/leds/ACT".parse());
    for text in ["", ".", "..", "a/b", "../ACT", "./ACT", "AC\nT", "/sys/\0", &"a".repeat(256)] {
        assert_eq!(text.parse::<Place>(), Err(BadPlace), "{text:?}");
    }
}

#[test]
fn the_trigger_in_force_is_the_one_in_brackets() {
    assert_eq!(chosen("none kbd-scrolllock [mmc0] timer\n"), Some("mmc0"));
    assert_eq!(chosen("[none]\n"), Some("none"));
    assert_eq!(chosen("none mmc0"), None);
    assert_eq!(chosen(""), None);
}

#[tokio::test]
async fn a_lamp_is_lit_and_dark_without_its_trigger_and_gets_that_back_at_the_end() {
    let fake = Fake::new("none [mmc0] timer\n");
    let mut led = lamp(fake.place(), true).await.unwrap();
    assert_eq!(fake.shows(), ["none", "255"]);
    assert_eq!(led.about(), format!("LED {}, until now with mmc0", fake.place()));
    led.drive(false).await.unwrap();
    assert_eq!(fake.shows(), ["none", "0"]);
    led.drive(true).await.unwrap();
    drop(led);
    assert_eq!(fake.shows(), ["mmc0", "0"]);
}

#[tokio::test]
async fn a_lamp_without_a_trigger_is_dark_at_the_end() {
    let fake = Fake::new("[none] mmc0 timer\n");
    let led = lamp(fake.place(), true).await.unwrap();
    assert_eq!(fake.shows(), ["[none] mmc0 timer", "255"], "what is right already is not written");
    drop(led);
    assert_eq!(fake.shows()[1], "0");
    // A kernel may have no triggers at all.
    fs::remove_file(fake.0.path().join("trigger")).unwrap();
    let led = lamp(fake.place(), true).await.unwrap();
    drop(led);
    assert!(!fake.0.path().join("trigger").exists());
}

#[tokio::test]
async fn an_output_rests_at_the_end_and_nothing_plays_with_it_any_more() {
    let fake = Fake::new("none [heartbeat]\n");
    let mut led = output(fake.place(), false, false).await.unwrap();
    assert_eq!(fake.shows(), ["none", "0"]);
    led.drive(true).await.unwrap();
    assert_eq!(fake.shows(), ["none", "255"]);
    drop(led);
    assert_eq!(fake.shows(), ["none", "0"]);
    let mut led = output(fake.place(), false, false).await.unwrap();
    led.rest_at(true);
    drop(led);
    assert_eq!(fake.shows(), ["none", "255"], "one that is on without an alarm");
}

#[tokio::test]
async fn what_cannot_be_had_says_why_and_nothing_is_made() {
    let fake = Fake::new("[none]\n");
    let (place, folder) = (fake.place(), fake.0.path().to_owned());
    let why = async || lamp(place.clone(), true).await.err().map(|lost| lost.0).unwrap_or_default();
    fs::write(folder.join("max_brightness"), "many\n").unwrap();
    assert_eq!(why().await, format!("{place} is no LED"));
    fs::write(folder.join("max_brightness"), "1\n").unwrap();
    let mut led = lamp(place.clone(), true).await.unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let none = format!("there is no LED {place}");
    assert_eq!(led.drive(false).await.unwrap_err().0, none);
    drop(led);
    assert_eq!(why().await, none);
    assert_eq!(look(&place).unwrap_err().0, none);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("max_brightness"), "1\n").unwrap();
    assert_eq!(why().await, none, "half a LED");
    assert!(!folder.join("brightness").exists());
}

#[tokio::test]
async fn a_look_leaves_it_as_it_is() {
    let fake = Fake::new("none [mmc0]\n");
    assert_eq!(look(&fake.place()).unwrap(), "trigger mmc0, 3 of 255");
    assert_eq!(fake.shows(), ["none [mmc0]", "3"]);
}

#[test]
fn every_refusal_is_worded() {
    let said = |code| Folder("/leds/x".into()).why(&io::Error::from_raw_os_error(code)).0;
    assert_eq!(said(libc::ENODEV), "there is no LED /leds/x");
    assert_eq!(said(libc::EBUSY), "somebody else uses it");
    assert!(said(libc::EACCES).starts_with("the camera's user may not use it"));
    assert!(said(libc::EROFS).starts_with("/sys may only be read here"));
}
