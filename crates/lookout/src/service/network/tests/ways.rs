//! Who has found the way.

use super::*;

#[tokio::test(start_paused = true)]
async fn q34_whoever_comes_over_https_confirms_a_port_and_whoever_comes_by_the_old_one_confirms_nothing() {
    for (came, kept) in [(by("10.0.0.9", 80, false), false), (by("10.0.0.9", 8443, true), true)] {
        let rig = Rig::new();
        sleep(S(1)).await;
        rig.set(|new| {
            new.network.port.take("81").unwrap();
            new.network.ip.take("10.0.0.9").unwrap();
            new.network.mask.take("255.255.255.0").unwrap();
        })
        .await;
        sleep(S(5)).await;
        rig.network.seen(came);
        sleep(S(300)).await;
        assert_eq!(rig.store.get().network.port.get() == 81, kept, "{came:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn q74_whoever_asks_from_the_machine_itself_by_any_of_its_addresses_confirms_nothing() {
    for (peer, kept) in [("127.0.0.1", false), ("::ffff:10.0.0.9", false), ("10.0.0.9", false), ("10.0.0.77", true)] {
        let rig = Rig::new();
        sleep(S(1)).await;
        rig.set_ip("10.0.0.9").await;
        sleep(S(5)).await;
        rig.network.seen(here("10.0.0.9").map(|came| Came { peer: peer.parse().unwrap(), ..came }));
        sleep(S(300)).await;
        assert_eq!(rig.shown() == NEW, kept, "{peer}");
    }
}

#[tokio::test(start_paused = true)]
async fn q74_an_address_that_the_host_does_not_name_is_none_that_anybody_came_to() {
    for (named, kept) in [("10.0.0.10", false), ("10.0.0.9", true)] {
        let rig = Rig::new();
        sleep(S(1)).await;
        rig.set_ip("10.0.0.9").await;
        sleep(S(5)).await;
        let addresses = vec![named.parse().unwrap()];
        rig.network.standing.send_replace(Standing { addresses, ..Standing::default() });
        rig.network.seen(here("10.0.0.9"));
        sleep(S(300)).await;
        assert_eq!(rig.shown() == NEW, kept, "{named}");
    }
}

#[tokio::test(start_paused = true)]
async fn q74_a_port_that_cannot_be_had_back_does_not_keep_the_host_from_its_network() {
    let rig = Rig::new();
    sleep(S(1)).await;
    rig.set(|new| new.network.port.take("81").unwrap()).await;
    sleep(S(5)).await;
    rig.network.seen(by("192.168.1.2", 81, false));
    sleep(S(5)).await;
    rig.set_ip("10.0.0.9").await;
    sleep(S(5)).await;
    assert_eq!(rig.told(), NEW);
    rig.taken.store(81, Ordering::Relaxed);
    sleep(S(300)).await;
    assert_eq!((rig.host.last(), rig.shown()), (Some(None), None));
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_of_what_was_confirmed_tears_no_network_down() {
    for broken in ["", "text"] {
        let rig = Rig::new();
        sleep(S(1)).await;
        rig.set_ip("10.0.0.9").await;
        sleep(S(5)).await;
        rig.network.seen(here("10.0.0.9"));
        sleep(S(5)).await;
        let file = rig.state.path().join("network-confirmed.toml");
        std::fs::write(&file, broken).unwrap();
        rig.host.state().applied.clear();
        let rig = rig.crash().await;
        sleep(S(300)).await;
        assert!(rig.host.state().applied.iter().all(Option::is_some));
        assert_eq!((rig.told(), rig.shown()), (NEW, NEW));
        assert!(std::fs::read_to_string(&file).unwrap().contains("10.0.0.9"), "it is whole again");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_cut_write_left_does_not_outlive_the_next_start() {
    let rig = Rig::new();
    sleep(S(1)).await;
    let half = rig.state.path().join("network-confirmed.toml.new");
    std::fs::write(&half, "half").unwrap();
    let rig = rig.crash().await;
    sleep(S(1)).await;
    assert!(!half.exists());
    drop(rig);
}
