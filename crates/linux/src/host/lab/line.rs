//! A line that is dialled up, by NetworkManager's pppd and the pppoe-server of the lab.

use lookout_core::{host::Pppoe, profile::wire::Secret};

use super::*;

fn dial(pwd: &str) -> Wanted {
    Wanted { pppoe: Some(Pppoe { user: "camera".into(), pwd: Secret::new(pwd) }), ..wanted(DHCP) }
}

fn host() -> NetworkManager {
    NetworkManager::new(Some("wan0".into()), None)
}

async fn dialled(host: &NetworkManager, address: [u8; 4]) -> bool {
    // While it ends a session, it may not answer for seconds.
    let Ok(standing) = host.standing().await else { return false };
    standing.pppoe && standing.addresses.contains(&IpAddr::V4(address.into()))
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_line_is_dialled_up_kept_up_and_hung_up() {
    root("lab-pppoe chap camera 's3c\"r\\et #1'");
    let host = host();
    eventually("the other end", async || host.abilities().await.is_ok_and(|can| can.pppoe)).await;
    let wanted = dial("s3c\"r\\et #1");
    apply(&host, Some(&wanted)).await;
    eventually("the line", async || dialled(&host, [11, 1, 0, 10]).await).await;
    assert!(root("ip route show default | head -1").contains("dev lookout-ppp0"));
    assert!(on("wan0").contains("lookout-wired"));
    let first = activations();
    apply(&host, Some(&wanted)).await;
    assert_eq!(activations(), first);
    // Another address at the next call, which it makes by itself.
    root("lab-pppoe address 11.1.0.77");
    eventually("another address", async || dialled(&host, [11, 1, 0, 77]).await).await;
    // A line that is cut is noticed, and dialled anew when it is whole.
    root("lab-pppoe cut");
    eventually("hung up", async || host.standing().await.is_ok_and(|standing| !standing.pppoe)).await;
    root("lab-pppoe mend");
    eventually("up again", async || host.standing().await.is_ok_and(|standing| standing.pppoe)).await;
    apply(&host, Some(&super::wanted(DHCP))).await;
    eventually("hung up", async || host.standing().await.is_ok_and(|standing| !standing.pppoe)).await;
    eventually("one profile", async || profiles().len() == 1).await;
    apply(&host, None).await;
    root("lab-pppoe out; nmcli con del lookout-stand-in >/dev/null 2>&1 || true");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_wrong_password_is_no_line_and_the_right_one_is() {
    root("lab-pppoe pap");
    let host = host();
    eventually("the other end", async || host.abilities().await.is_ok_and(|can| can.pppoe)).await;
    apply(&host, Some(&dial("wrong"))).await;
    for _ in 0..10 {
        assert!(!standing(&host).await.pppoe);
        sleep(Duration::from_secs(1)).await;
    }
    apply(&host, Some(&dial("s3cret"))).await;
    eventually("the line", async || dialled(&host, [11, 1, 0, 10]).await).await;
    apply(&host, None).await;
    eventually("hung up", async || host.standing().await.is_ok_and(|standing| !standing.pppoe)).await;
    root("lab-pppoe out; nmcli con del lookout-stand-in >/dev/null 2>&1 || true");
}
