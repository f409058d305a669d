//! The host over the real D-Bus, polkit and NetworkManager, in the virtual hardware lab (`cargo xtask lab host`).
//!
//! The tests run as the camera's user, whom polkit lets do what the shipped rule says; `root` is for what others do: the
//! operator, the network, the provider. They share one machine, so they run one at a time, and each leaves it as it was.

mod line;
mod wifi;

use std::{
    net::{IpAddr, Ipv4Addr},
    process::Command,
};

use lookout_core::{host::Addressing, profile::wire::Mac};
use rustix::process::geteuid;
use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(240);
const DHCP: Addressing = Addressing::Dhcp { vendor: String::new() };
/// Set, and not one that the DHCP server gives.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 200);

/// The host by its cable `eth0`.
fn host() -> NetworkManager {
    NetworkManager::new(Some("eth0".into()), None)
}

fn wanted(addressing: Addressing) -> Wanted {
    Wanted { addressing, wifi: None, pppoe: None, mac: None }
}

fn set(ip: Ipv4Addr) -> Wanted {
    let gateway = Some(Ipv4Addr::new(192, 168, 77, 1));
    wanted(Addressing::Static { ip, prefix: 24, gateway, dns: gateway })
}

/// Runs a command of the shell as root and gives what it prints.
fn root(command: &str) -> String {
    let mut shell = if geteuid().is_root() {
        let mut shell = Command::new("bash");
        shell.args(["-c", command]);
        shell
    } else {
        // Made by lab/tests/host.sh: a shell that is root's whoever calls it.
        let mut shell = Command::new("/usr/local/bin/lab-root");
        shell.args(["-p", "-c", "exec setpriv --reuid=0 --regid=0 --clear-groups bash -c \"$0\"", command]);
        shell
    };
    let done = shell.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{command}: {said}{}", String::from_utf8_lossy(&done.stderr));
    said
}

/// The camera's profiles, as `nmcli` lists them.
fn profiles() -> Vec<String> {
    let all = root("nmcli -t -f NAME,ACTIVE con show");
    let mut own: Vec<_> = all.lines().filter(|line| line.starts_with("lookout-")).map(str::to_owned).collect();
    own.sort();
    own
}

/// Which activation of the camera's profiles it is, a line each: another, if one was activated anew.
fn activations() -> String {
    root("nmcli -t -f NAME,ACTIVE-PATH con show --active | grep ^lookout- | sort")
}

/// The profile that is active on an interface.
fn on(interface: &str) -> String {
    root(&format!("nmcli -g GENERAL.CONNECTION dev show {interface}")).trim().to_owned()
}

async fn eventually(what: &str, mut reached: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !reached().await {
        assert!(Instant::now() < end, "in vain: {what}\n{}", root("nmcli dev; nmcli con; ip addr"));
        // Each look starts programs, which is slow in the lab.
        sleep(Duration::from_millis(500)).await;
    }
}

/// Asks the host until it answers: NetworkManager may not do so for seconds while it begins or ends a session, nor timedated
/// while it starts; and where polkit is slow, NetworkManager takes its silence for a no.
async fn answered<T>(mut ask: impl AsyncFnMut() -> Result<T, Lost>) -> T {
    let mut answer = None;
    eventually("an answer", async || {
        let late = |why: &str| why.ends_with(" does not answer") || why.ends_with("a polkit rule is missing");
        answer = Some(ask().await).filter(|answer| !matches!(answer, Err(Lost(why)) if late(why)));
        answer.is_some()
    })
    .await;
    answer.unwrap().unwrap()
}

async fn apply(host: &NetworkManager, wanted: Option<&Wanted>) {
    answered(async || host.apply(wanted).await).await;
}

async fn standing(host: &NetworkManager) -> Standing {
    answered(async || host.standing().await).await
}

/// What the camera would need and may not. polkit is slow in such a machine, and NetworkManager asks it for every action.
async fn lacks(host: &NetworkManager) -> Vec<String> {
    let mut lacks = None;
    eventually("an answer of polkit's", async || {
        lacks = host.look().await.ok().map(|(_, lacks)| lacks);
        lacks.is_some()
    })
    .await;
    lacks.unwrap_or_default()
}

async fn has(host: &NetworkManager, wanted: impl Fn(IpAddr) -> bool) -> bool {
    host.standing().await.is_ok_and(|standing| standing.addresses.into_iter().any(wanted))
}

/// An address that the DHCP server of the lab gives.
fn leased(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if (50..=99).contains(&address.octets()[3]) && address.octets()[2] == 77)
}

/// Sees to it that the operator's profile is what there is, and gives the text of its file.
async fn operators(host: &NetworkManager) -> String {
    apply(host, None).await;
    root(
        "nmcli -g NAME con | grep '^Wired connection' | while read -r name; do nmcli con del \"$name\" >/dev/null; done
        nmcli con show operator >/dev/null 2>&1 || nmcli con add con-name operator type ethernet ifname eth0 >/dev/null
        [ \"$(nmcli -g GENERAL.CONNECTION dev show eth0)\" = operator ] || nmcli con up operator >/dev/null",
    );
    eventually("the operator's own profile", async || on("eth0") == "operator" && has(host, leased).await).await;
    operators_file()
}

fn operators_file() -> String {
    root("grep -v ^timestamp= /etc/NetworkManager/system-connections/operator.nmconnection")
}

/// Has NetworkManager end, and start anew after something else.
fn restart(meanwhile: &str) {
    root(&format!("systemctl stop NetworkManager; {meanwhile}; systemctl start NetworkManager"));
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn what_the_host_has_is_told() {
    let host = host();
    let about = host.about().await.unwrap();
    assert!(about.starts_with("NetworkManager 1.") && about.contains(", cable eth0"), "{about}");
    assert_eq!(lacks(&host).await, Vec::<String>::new());
    let other = NetworkManager::new(Some("eth7".into()), None);
    assert_eq!(other.about().await, Err(Lost("there is no network interface eth7".into())));
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn an_address_that_is_set_is_had_and_the_operators_own_profile_comes_back() {
    let host = host();
    let file = operators(&host).await;
    apply(&host, Some(&set(ADDRESS))).await;
    assert_ne!(on("eth0"), "operator", "what was there is gone when it is done");
    eventually("the address", async || has(&host, |address| address == ADDRESS).await && !has(&host, leased).await)
        .await;
    assert_eq!(on("eth0"), "lookout-wired");
    assert!(root("ip route").contains("default via 192.168.77.1 dev eth0"));
    assert!(root("nmcli dev show eth0").contains("IP4.DNS[1]:"));
    assert_eq!(operators_file(), file);
    apply(&host, None).await;
    eventually("the lease", async || has(&host, leased).await && !has(&host, |address| address == ADDRESS).await).await;
    assert_eq!((on("eth0").as_str(), profiles().len()), ("operator", 0));
    assert_eq!(operators_file(), file);
    // Once more is nothing.
    apply(&host, None).await;
    assert_eq!(on("eth0"), "operator");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn what_is_as_wanted_is_left_alone_and_of_what_changes_one_profile_is_left() {
    let host = host();
    operators(&host).await;
    let mut last = String::new();
    for addressing in [set(ADDRESS).addressing, DHCP, Addressing::Dhcp { vendor: "Lookout camera".into() }] {
        let wanted = wanted(addressing);
        apply(&host, Some(&wanted)).await;
        let first = activations();
        assert_ne!(first, last);
        for _ in 0..3 {
            apply(&host, Some(&wanted)).await;
        }
        assert_eq!(activations(), first, "{wanted:?}");
        eventually("an address", async || profiles() == ["lookout-wired:yes"]).await;
        eventually("an address", async || !standing(&host).await.addresses.is_empty()).await;
        apply(&host, Some(&wanted)).await;
        assert_eq!(activations(), first, "{wanted:?}");
        last = first;
    }
    // The other one is what it is over a start of another daemon, too.
    self::host().apply(Some(&wanted(Addressing::Dhcp { vendor: "Lookout camera".into() }))).await.unwrap();
    assert_eq!(activations(), last);
    apply(&host, None).await;
    eventually("the operator's", async || on("eth0") == "operator").await;
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_dhcp_server_is_told_the_vendor_class() {
    let host = host();
    operators(&host).await;
    root("truncate -s 0 /run/lab/lan-dnsmasq.log");
    apply(&host, Some(&wanted(Addressing::Dhcp { vendor: "acme \"cam\" 7".into() }))).await;
    eventually("the vendor class", async || {
        root("cat /run/lab/lan-dnsmasq.log").contains("vendor class: acme \"cam\" 7")
    })
    .await;
    eventually("the lease", async || has(&host, leased).await).await;
    apply(&host, None).await;
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn the_card_has_the_address_that_is_wanted_and_its_own_again() {
    let host = host();
    operators(&host).await;
    let mac = || root("cat /sys/class/net/eth0/address").trim().to_owned();
    let own = mac();
    let wanted = Wanted { mac: Some(Mac([0x02, 0xab, 0xcd, 0, 0x12, 0xfe])), ..wanted(DHCP) };
    apply(&host, Some(&wanted)).await;
    eventually("the MAC", async || mac() == "02:ab:cd:00:12:fe" && has(&host, leased).await).await;
    let active = activations();
    apply(&host, Some(&wanted)).await;
    assert_eq!(activations(), active);
    apply(&host, None).await;
    eventually("its own MAC", async || mac() == own && has(&host, leased).await).await;
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_profile_that_was_activated_by_hand_comes_back_and_so_does_nothing() {
    let host = host();
    operators(&host).await;
    // The other one would be taken by itself.
    root(
        "nmcli con add con-name byhand type ethernet ifname eth0 autoconnect no >/dev/null && nmcli con up byhand >/dev/null",
    );
    apply(&host, Some(&set(ADDRESS))).await;
    apply(&host, Some(&wanted(DHCP))).await;
    apply(&host, None).await;
    eventually("the one by hand", async || on("eth0") == "byhand" && has(&host, leased).await).await;
    root(
        "nmcli con del byhand >/dev/null; nmcli con mod operator autoconnect no; nmcli dev disconnect eth0 >/dev/null",
    );
    apply(&host, Some(&set(ADDRESS))).await;
    apply(&host, None).await;
    eventually("nothing", async || on("eth0").is_empty()).await;
    assert_eq!(profiles(), Vec::<String>::new());
    root("nmcli con mod operator autoconnect yes; nmcli con up operator >/dev/null");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_profile_that_network_manager_made_by_itself_has_a_stand_in_once_it_is_gone() {
    let host = host();
    operators(&host).await;
    root("nmcli con del operator >/dev/null");
    restart("rm -f /var/lib/NetworkManager/no-auto-default.state");
    eventually("a profile by NetworkManager", async || on("eth0").starts_with("Wired connection")).await;
    apply(&host, Some(&set(ADDRESS))).await;
    apply(&host, None).await;
    eventually("the same", async || on("eth0").starts_with("Wired connection") && has(&host, leased).await).await;
    apply(&host, Some(&set(ADDRESS))).await;
    eventually("the address", async || has(&host, |address| address == ADDRESS).await).await;
    // As in a host that starts anew: what was made by itself is forgotten, and as there is a profile, none is made.
    root("nmcli con del 'Wired connection 1' >/dev/null");
    restart("rm -rf /run/NetworkManager/system-connections");
    eventually("the address", async || has(&host, |address| address == ADDRESS).await).await;
    assert_eq!(profiles(), ["lookout-wired:yes"]);
    apply(&host, None).await;
    eventually("the stand-in", async || on("eth0") == "lookout-stand-in" && has(&host, leased).await).await;
    apply(&host, Some(&set(ADDRESS))).await;
    eventually("one profile", async || profiles() == ["lookout-wired:yes"]).await;
    operators(&host).await;
    root("nmcli con del lookout-stand-in >/dev/null 2>&1 || true");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn whatever_is_cancelled_is_made_good_by_the_next_who_is_not() {
    let host = host();
    operators(&host).await;
    for round in 0..40_u8 {
        let wanted = if round % 5 == 4 { None } else { Some(set(Ipv4Addr::new(192, 168, 77, 210 + round % 3))) };
        let _ = timeout(Duration::from_millis(u64::from(round) * 3), host.apply(wanted.as_ref())).await;
    }
    apply(&host, Some(&set(ADDRESS))).await;
    eventually("the address", async || has(&host, |address| address == ADDRESS).await).await;
    assert_eq!(profiles(), ["lookout-wired:yes"]);
    apply(&host, None).await;
    eventually("the operator's", async || on("eth0") == "operator" && has(&host, leased).await).await;
    assert_eq!(profiles(), Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn without_a_cable_a_profile_waits_for_it_and_goes_without_a_trace() {
    let host = host();
    operators(&host).await;
    root("lab-lan cut");
    eventually("no carrier", async || on("eth0").is_empty()).await;
    apply(&host, Some(&set(ADDRESS))).await;
    assert_eq!(profiles(), ["lookout-wired:no"]);
    root("lab-lan mend");
    eventually("the address", async || has(&host, |address| address == ADDRESS).await).await;
    root("lab-lan cut");
    eventually("no carrier", async || on("eth0").is_empty()).await;
    apply(&host, None).await;
    root("lab-lan mend");
    eventually("the operator's", async || on("eth0") == "operator" && has(&host, leased).await).await;
    root("nmcli con del lookout-stand-in >/dev/null 2>&1 || true");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn changes_are_heard_also_over_a_restart_of_network_manager() {
    let host = host();
    operators(&host).await;
    let quiet = async || while timeout(Duration::from_secs(3), host.changed()).await.is_ok() {};
    host.changed().await.unwrap();
    quiet().await;
    apply(&host, Some(&set(ADDRESS))).await;
    timeout(PATIENCE, host.changed()).await.unwrap().unwrap();
    eventually("the address", async || has(&host, |address| address == ADDRESS).await).await;
    quiet().await;
    restart("true");
    timeout(PATIENCE, host.changed()).await.unwrap().unwrap();
    eventually("the address", async || has(&host, |address| address == ADDRESS).await).await;
    quiet().await;
    apply(&host, None).await;
    timeout(PATIENCE, host.changed()).await.unwrap().unwrap();
    eventually("the operator's", async || on("eth0") == "operator").await;
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn whatever_is_not_there_or_not_allowed_is_said_in_words() {
    let host = host();
    operators(&host).await;
    root("systemctl stop NetworkManager");
    let lost = host.apply(Some(&set(ADDRESS))).await.unwrap_err();
    assert!(lost.0.starts_with("NetworkManager "), "{lost}");
    assert!(host.standing().await.is_err());
    root("systemctl start NetworkManager");
    operators(&host).await;
    root("nmcli dev set eth0 managed no");
    assert_eq!(host.apply(Some(&set(ADDRESS))).await, Err(Lost("NetworkManager does not manage eth0".into())));
    assert_eq!(lacks(&host).await, ["NetworkManager does not manage eth0"]);
    root("nmcli dev set eth0 managed yes");
    operators(&host).await;
    if geteuid().is_root() {
        return;
    }
    root("mv /etc/polkit-1/rules.d/50-lookout.rules /run/lab/");
    eventually("no rule", async || !lacks(&host).await.is_empty()).await;
    assert_eq!(lacks(&host).await.len(), NEEDED.len());
    let refused = |of: &str| Lost(format!("{of} does not let the camera's user do that: a polkit rule is missing"));
    assert_eq!(host.apply(Some(&set(ADDRESS))).await, Err(refused("NetworkManager")));
    assert_eq!(host.set_clock(SystemTime::now()).await, Err(refused("timedated")));
    assert_eq!(host.restart().await, Err(refused("logind")));
    assert_eq!(on("eth0"), "operator");
    root("mv /run/lab/50-lookout.rules /etc/polkit-1/rules.d/");
    eventually("the rule", async || lacks(&host).await.is_empty()).await;
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn the_hosts_clock_is_set() {
    if geteuid().is_root() && std::fs::metadata("/run/systemd/system").is_err() {
        return;
    }
    let host = host();
    let at = SystemTime::now() + Duration::from_secs(86_400);
    answered(async || host.set_clock(at).await).await;
    let off = SystemTime::now().duration_since(at).unwrap();
    assert!(off < Duration::from_secs(60), "{off:?}");
    answered(async || host.set_clock(SystemTime::now() - Duration::from_secs(86_400)).await).await;
}
