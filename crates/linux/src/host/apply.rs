//! Making the camera's profiles what is wanted, and taking them away again.
//!
//! Every step leaves something that the same call, made again, goes on from: it may be cancelled between any two, and so may
//! the whole camera end there.

use std::collections::HashMap;

use lookout_core::{host::Wanted, port::Lost};
use zbus::{OwnedObjectPath, OwnedVariant, Variant};

use super::{
    bus::{Bus, Fault, Method},
    profile::{self, Found, Kind, NOTHING, Profile, STAND_IN},
    snapshot::{Device, ROOT, Snapshot, State},
};

const NOWHERE: &str = "/";
const SETTINGS: &str = "/org/freedesktop/NetworkManager/Settings";
const PROFILE_BY_UUID: Method = Method::settings("GetConnectionByUuid");
const ADD: Method = Method { secret: true, ..Method::settings("AddConnection2") };
const READ: Method = Method::profile("GetSettings");
const SECRETS: Method = Method { secret: true, ..Method::profile("GetSecrets") };
const DELETE: Method = Method::profile("Delete");
const ACTIVATE: Method = Method::manager("ActivateConnection");

/// `NMSettingsAddConnection2Flags`.
const TO_DISK: u32 = 0x1;
const IN_MEMORY: u32 = 0x2;

/// NetworkManager, and how it stands.
pub(super) struct Work<'a> {
    pub(super) bus: &'a Bus,
    pub(super) now: &'a Snapshot,
    pub(super) cable: Option<&'a Device>,
    pub(super) wireless: Option<&'a Device>,
}

/// A profile of the camera that was found.
struct Kept {
    place: &'static str,
    path: OwnedObjectPath,
    found: Found,
}

impl Work<'_> {
    /// Has all be as wanted. What can be done is done, even if something else cannot; told is the first that could not.
    pub(super) async fn apply(&self, wanted: &Wanted) -> Result<(), Lost> {
        let mut done = Ok(());
        match (self.cable.filter(|cable| has_part(cable, wanted)), needs_cable(wanted)) {
            (Some(cable), _) => {
                let wired = || Profile::wired(wanted, &cable.interface);
                done = done.and(self.keep(Kind::Wired, wired, Some(cable)).await);
                if done.is_ok() {
                    done = self.remove(STAND_IN).await;
                }
            }
            (None, true) => done = Err(Lost("the host has no card for a cable".into())),
            (None, false) => {}
        }
        let wifi = match (&wanted.wifi, self.wireless) {
            (None, _) => self.drop(Kind::Wifi, self.wireless).await,
            (Some(_), None) => Err(Lost("the host has no wireless card".into())),
            (Some(wifi), Some(card)) => {
                let profile = || Profile::wifi(wanted, wifi, &card.interface);
                self.keep(Kind::Wifi, profile, Some(card)).await
            }
        };
        let pppoe = match (&wanted.pppoe, self.cable) {
            (None, _) => self.drop(Kind::Pppoe, None).await,
            (Some(_), None) => Ok(()),
            (Some(pppoe), Some(cable)) => {
                self.keep(Kind::Pppoe, || Profile::pppoe(pppoe, &cable.interface), None).await
            }
        };
        done.and(wifi).and(pppoe)
    }

    /// Has all be as it was before the camera came.
    pub(super) async fn release(&self) -> Result<(), Lost> {
        let pppoe = self.drop(Kind::Pppoe, None).await;
        let wifi = self.drop(Kind::Wifi, self.wireless).await;
        self.drop(Kind::Wired, self.cable).await.and(wifi).and(pppoe)
    }

    /// Activates what is there of a wireless network and a line, and neither active nor on its way; says whether anything was.
    /// Neither waits for the other.
    pub(super) async fn mend(&self) -> Result<bool, Lost> {
        let wifi = match self.wireless.filter(|card| card.state == State::Idle) {
            Some(card) => self.again(Kind::Wifi, Some(card), &card.path).await,
            None => Ok(false),
        };
        let pppoe = match self.cable {
            Some(_) => self.again(Kind::Pppoe, None, NOWHERE).await,
            None => Ok(false),
        };
        Ok(wifi? | pppoe?)
    }

    async fn again(&self, kind: Kind, device: Option<&Device>, on: &str) -> Result<bool, Lost> {
        let kept = self.kept(kind).await?;
        let Some(own) = kept.last().filter(|_| !kept.iter().any(|own| self.active(own, device))) else {
            return Ok(false);
        };
        self.activate(own.path.as_str(), on).await?;
        Ok(true)
    }

    /// Sees to it that there is one profile of a kind, as wanted, and that it is active if its device can be.
    async fn keep(&self, kind: Kind, wanted: impl Fn() -> Profile, device: Option<&Device>) -> Result<(), Lost> {
        if let Some(device) = device.filter(|device| device.state == State::Unmanaged) {
            return Err(super::unmanaged(device));
        }
        let (wanted, kept) = (wanted(), self.kept(kind).await?);
        let mut good = None;
        for own in &kept {
            let better = good.is_none() || self.active(own, device);
            if better && self.is(kind, own, &wanted).await? {
                good = Some(own);
            }
        }
        let path = match good {
            Some(own) => own.path.clone(),
            None => self.make(kind, wanted, &kept, device).await?,
        };
        let old = kept.iter().filter(|own| own.path != path);
        let on = device.map_or(NOWHERE, |device| &device.path);
        let usable = device.is_none_or(|device| matches!(device.state, State::Idle | State::Busy));
        if usable && !good.is_some_and(|own| self.active(own, device)) {
            self.activate(path.as_str(), on).await?;
        }
        for old in old {
            self.delete(&old.path).await?;
        }
        Ok(())
    }

    /// Makes a profile in the place that is free, or has what is active least.
    async fn make(
        &self,
        kind: Kind,
        mut wanted: Profile,
        kept: &[Kept],
        device: Option<&Device>,
    ) -> Result<OwnedObjectPath, Lost> {
        let taken = |place: &&str| kept.iter().any(|own| own.place == *place && self.active(own, device));
        let [first, second] = kind.places();
        let place = if taken(&first) { second } else { first };
        let before = device.and_then(|device| {
            let known = kept.iter().find_map(|own| profile::before(&own.found, &device.interface));
            known.or_else(|| before(device))
        });
        if let Some(old) = kept.iter().find(|own| own.place == place) {
            self.delete(&old.path).await?;
        }
        wanted.put(place, before.as_deref());
        self.add(&wanted, TO_DISK).await
    }

    /// Takes the profiles of a kind away, and brings back what was active before them.
    async fn drop(&self, kind: Kind, device: Option<&Device>) -> Result<(), Lost> {
        let kept = self.kept(kind).await?;
        if let Some(device) = device.filter(|_| !kept.is_empty()) {
            let before = kept.iter().find_map(|own| profile::before(&own.found, &device.interface));
            self.bring_back(kind, device, before.as_deref(), &kept).await?;
        }
        for own in kept {
            self.delete(&own.path).await?;
        }
        Ok(())
    }

    async fn bring_back(&self, kind: Kind, device: &Device, before: Option<&str>, kept: &[Kept]) -> Result<(), Lost> {
        if before == Some(NOTHING) {
            return Ok(());
        }
        let known = match before {
            Some(uuid) => self.by_uuid(uuid).await?,
            None => None,
        };
        let Some(known) = known else {
            // NetworkManager makes a profile for a cable by itself only where it starts and finds none.
            return if kind == Kind::Wired { self.stand_in(device).await } else { Ok(()) };
        };
        let ours =
            device.active.as_ref().is_some_and(|active| kept.iter().any(|own| own.path.as_str() == active.profile));
        if ours {
            // Should it not be had now, it or another is taken as soon as ours is gone.
            let _ = self.activate(known.as_str(), &device.path).await;
        }
        Ok(())
    }

    /// Makes a profile for the cable that lasts until the host starts anew, and is for when there is no other.
    async fn stand_in(&self, device: &Device) -> Result<(), Lost> {
        if self.by_uuid(STAND_IN).await?.is_none() {
            self.add(&Profile::stand_in(&device.interface), IN_MEMORY).await?;
        }
        Ok(())
    }

    /// Finds the camera's own profiles of a kind.
    async fn kept(&self, kind: Kind) -> Result<Vec<Kept>, Lost> {
        let mut kept = Vec::new();
        for place in kind.places() {
            if let Some(path) = self.by_uuid(place).await? {
                match self.bus.call(READ, path.as_str(), &()).await {
                    Ok(found) => kept.push(Kept { place, path, found }),
                    Err(fault) if gone(&fault) => {}
                    Err(fault) => return Err(fault.lost),
                }
            }
        }
        Ok(kept)
    }

    async fn by_uuid(&self, uuid: &str) -> Result<Option<OwnedObjectPath>, Lost> {
        match self.bus.call(PROFILE_BY_UUID, SETTINGS, &uuid).await {
            Ok(path) => Ok(Some(path)),
            Err(Fault { name: Some(name), .. }) if name.ends_with(".InvalidConnection") => Ok(None),
            Err(fault) => Err(fault.lost),
        }
    }

    /// Says whether a profile is what is wanted, passwords and all.
    async fn is(&self, kind: Kind, own: &Kept, wanted: &Profile) -> Result<bool, Lost> {
        if !wanted.is(&own.found) {
            return Ok(false);
        }
        // A profile without passwords has no such setting to be asked for.
        let Some(setting) = kind.secrets().filter(|setting| own.found.contains_key(*setting)) else { return Ok(true) };
        let secrets: Found = self.bus.call(SECRETS, own.path.as_str(), &setting).await?;
        Ok(wanted.has(&secrets))
    }

    /// Says whether a profile is active on its device, or getting so.
    fn active(&self, own: &Kept, device: Option<&Device>) -> bool {
        match device {
            Some(device) => device.active.as_ref().is_some_and(|active| active.profile == own.path.as_str()),
            None => self.now.actives().iter().any(|active| active.profile == own.path.as_str()),
        }
    }

    async fn add(&self, profile: &Profile, flags: u32) -> Result<OwnedObjectPath, Lost> {
        let options: HashMap<&str, Variant<'_>> = HashMap::new();
        let added: (OwnedObjectPath, HashMap<String, OwnedVariant>) =
            self.bus.call(ADD, SETTINGS, &(profile.settings(), flags, options)).await?;
        Ok(added.0)
    }

    async fn activate(&self, profile: &str, device: &str) -> Result<(), Lost> {
        let path = |path| zbus::ObjectPath::try_from(path).map_err(|_| Lost("NetworkManager has an odd path".into()));
        let any = path(NOWHERE)?;
        let _: OwnedObjectPath = self.bus.call(ACTIVATE, ROOT, &(path(profile)?, path(device)?, any)).await?;
        Ok(())
    }

    async fn remove(&self, uuid: &str) -> Result<(), Lost> {
        match self.by_uuid(uuid).await? {
            Some(path) => self.delete(&path).await,
            None => Ok(()),
        }
    }

    async fn delete(&self, profile: &OwnedObjectPath) -> Result<(), Lost> {
        match self.bus.call(DELETE, profile.as_str(), &()).await {
            Err(fault) if !gone(&fault) => Err(fault.lost),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Says whether what is wanted cannot be without a cable.
fn needs_cable(wanted: &Wanted) -> bool {
    wanted.pppoe.is_some() || wanted.wifi.is_none()
}

/// Says whether a cable has a part in what is wanted. One that NetworkManager leaves alone is another's, and a wireless network
/// is had without it; but an address of its card is not.
fn has_part(cable: &Device, wanted: &Wanted) -> bool {
    needs_cable(wanted) || wanted.mac.is_some() || cable.state != State::Unmanaged
}

/// Says whether a call failed because its object is no more: others delete profiles, too.
fn gone(fault: &Fault) -> bool {
    let name = fault.name.as_deref().unwrap_or_default();
    ["UnknownObject", "UnknownMethod", "UnknownInterface"].iter().any(|end| name.ends_with(end))
}

/// Says what is active on a device that the camera does not have yet; nothing is said of one that cannot be used.
fn before(device: &Device) -> Option<String> {
    match (&device.active, device.state) {
        (Some(active), _) => Some(active.uuid.clone()),
        (None, State::Idle) => Some(NOTHING.to_owned()),
        (None, State::Unmanaged | State::Unavailable | State::Busy) => None,
    }
}

#[cfg(test)]
mod tests {
    use lookout_core::{
        host::{Addressing, Pppoe, Security, Wifi},
        profile::wire::{Mac, Secret},
    };

    use super::{super::snapshot::Card, *};

    #[test]
    fn a_cable_that_is_anothers_does_not_keep_the_camera_from_a_wireless_network() {
        let cable =
            |state| Device { path: "/1".into(), interface: "eth0".into(), card: Card::Cable, state, active: None };
        let wifi = Wifi { ssid: b"a".to_vec(), security: Security::Open };
        let pppoe = Pppoe { user: "a".into(), pwd: Secret::new("b") };
        let wireless =
            Wanted { addressing: Addressing::Dhcp { vendor: String::new() }, wifi: Some(wifi), pppoe: None, mac: None };
        assert!(!has_part(&cable(State::Unmanaged), &wireless));
        for state in [State::Unavailable, State::Idle, State::Busy] {
            assert!(has_part(&cable(state), &wireless), "{state:?}");
        }
        let needing = [
            Wanted { wifi: None, ..wireless.clone() },
            Wanted { pppoe: Some(pppoe), ..wireless.clone() },
            Wanted { mac: Some(Mac([2, 0, 0, 0, 0, 1])), ..wireless },
        ];
        assert!(needing.iter().all(|wanted| has_part(&cable(State::Unmanaged), wanted)));
    }
}
