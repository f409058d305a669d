//! Who has found the way.

use super::*;

#[tokio::test(start_paused = true)]
async fn q34_whoever_comes_over_https_confirms_a_port_and_whoever_comes_by_the_old_one_confirms_nothing() {
    for (port, secure, kept) in [(80, false, false), (8443, true, true)] {
        let rig = Rig::new();
        sleep(S(1)).await;
        rig.set(|new| {
            new.network.port.take("81").unwrap();
            new.network.ip.take("10.0.0.9").unwrap();
            new.network.mask.take("255.255.255.0").unwrap();
        })
        .await;
        sleep(S(5)).await;
        rig.network.seen(by("10.0.0.9", port, secure));
        sleep(S(300)).await;
        assert_eq!(rig.store.get().network.port.get() == 81, kept, "{port}");
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
        rig.settle_at("10.0.0.9").await;
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

#[tokio::test(start_paused = true)]
async fn q74_a_request_from_before_a_change_that_keeps_the_address_does_not_confirm_it() {
    // A second after this it is set, a second later in force, and it has settled three after that.
    for (accepted, kept) in [(500, false), (1900, false), (4900, false), (5100, true)] {
        let rig = Rig::new();
        sleep(S(1)).await;
        rig.settle_at("10.0.0.9").await;
        assert_eq!(rig.noted(), ["network settings kept"]);
        let before = Instant::now();
        sleep(S(1)).await;
        rig.set(|new| new.network.gateway.take("10.0.0.77").unwrap()).await;
        sleep(S(6)).await;
        let moment = before.into_std() + MS(accepted);
        rig.network.seen(here("10.0.0.9").map(|came| Came { accepted: moment, ..came }));
        sleep(S(300)).await;
        assert_eq!(rig.store.get().network.gateway.0.is_some(), kept, "let in at {accepted} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn q34_a_request_from_before_a_port_was_moved_does_not_confirm_it() {
    for (accepted, kept) in [(900, false), (1100, true)] {
        let rig = Rig::new();
        sleep(S(1)).await;
        let set = Instant::now();
        rig.set(|new| new.network.port.take("81").unwrap()).await;
        sleep(S(5)).await;
        let accepted_at = set.into_std() + MS(accepted);
        rig.network.seen(by("192.168.1.2", 8443, true).map(|came| Came { accepted: accepted_at, ..came }));
        sleep(S(300)).await;
        assert_eq!(rig.store.get().network.port.get() == 81, kept, "let in {accepted} ms behind the change");
    }
}

#[tokio::test(start_paused = true)]
async fn q73_nonsense_from_before_there_was_a_backend_is_mended_one_group_after_the_other() {
    let rig = Rig::with(tempfile::tempdir().unwrap(), Arc::default(), Arc::default(), false);
    rig.set(|new| (new.wifi.enable, new.pppoe.enable) = (true, true)).await;
    sleep(S(5)).await;
    let Rig { state, store, keeper, .. } = rig;
    keeper.abort();
    let _ = keeper.await;
    drop(store);
    let rig = Rig::with(state, Arc::default(), Arc::default(), true);
    sleep(S(5)).await;
    assert_eq!(rig.host.last(), Some(None));
    for group in [Group::Wifi, Group::Pppoe] {
        let change = move |new: &mut Settings| {
            if group == Group::Wifi { new.wifi.ssid.take("sea").unwrap() } else { new.pppoe.enable = false }
        };
        let mut new = (*rig.store.get()).clone();
        change(&mut new);
        assert_eq!(rig.network.fits(group, &new), Ok(()), "{group:?}");
        rig.set(change).await;
        sleep(S(5)).await;
        let wanted = rig.host.last().flatten().unwrap();
        assert!(wanted.wifi.is_some() && wanted.pppoe.is_none(), "{group:?}");
        rig.network.seen(here("192.168.1.2"));
        sleep(S(300)).await;
        assert_eq!(rig.noted(), ["network settings kept"], "{group:?}");
    }
}
