//! The table of CGIs: a row each. Login, privilege, guard and what runs come from the row alone.
//!
//! To add a CGI: a row here and, where no `Run` fits, an `Op` with a handler of at most 15 lines in `lookout::cgi`.

/// What a user may do; a higher one may all that a lower one may (PROFILE 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Privilege {
    /// Anyone, without login.
    Nobody,
    /// Sees pictures.
    Visitor,
    /// Moves the camera.
    Operator,
    /// Changes everything.
    Manager,
}

/// Where a request's query carries the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// In `user` and `pwd`.
    Query,
    /// In `cam_user` and `cam_pwd`, because `user` and `pwd` are payload.
    Cam,
}

impl Login {
    /// Returns the names of the two parameters.
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Query => ("user", "pwd"),
            Self::Cam => ("cam_user", "cam_pwd"),
        }
    }
}

/// What a foreign page could do with a CGI (PROFILE 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// It only shows something.
    Read,
    /// It moves the camera or changes the picture.
    Move,
    /// It stores, restarts, uploads, sends or drives an output.
    Change,
}

/// The parameters that a CGI sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named after its CGI")]
pub enum Group {
    Alias,
    Datetime,
    Users,
    Devices,
    Network,
    Wifi,
    Pppoe,
    Upnp,
    Ddns,
    Ftp,
    Mail,
    Alarm,
    Forbidden,
    Privacy,
    Setup,
    Misc,
    Decoder,
    Mac,
    FactoryDdns,
    /// `camera_control.cgi`.
    Image,
    /// No CGI: state that outlives a restart.
    Stored,
}

impl Group {
    /// Says whether the values belong to the device or to the moment, so that a backup of another one does not bring
    /// them along (Q44).
    pub const fn stays(self) -> bool {
        match self {
            Self::Privacy | Self::Mac | Self::FactoryDdns | Self::Stored => true,
            Self::Alias
            | Self::Datetime
            | Self::Users
            | Self::Devices
            | Self::Network
            | Self::Wifi
            | Self::Pppoe
            | Self::Upnp
            | Self::Ddns
            | Self::Ftp
            | Self::Mail
            | Self::Alarm
            | Self::Forbidden
            | Self::Setup
            | Self::Misc
            | Self::Decoder
            | Self::Image => false,
        }
    }
}

/// A listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// `get_params.cgi`.
    Params,
    /// `get_status.cgi`.
    Status,
    /// `get_camera_params.cgi`.
    Camera,
    /// `get_forbidden.cgi`.
    Forbidden,
    /// `get_misc.cgi`.
    Misc,
}

impl Page {
    /// Says whether the listing names its values as their CGI does.
    pub fn by_wire_name(self) -> bool {
        match self {
            Self::Params | Self::Status => false,
            Self::Camera | Self::Forbidden | Self::Misc => true,
        }
    }
}

/// What a CGI does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// Sets parameters.
    Set(Group),
    /// Lists values.
    List(Page),
    /// Something of its own.
    Do(Op),
    /// Takes a file.
    Take(Parcel),
}

impl Run {
    /// Returns what it sets, if that is all that it does.
    pub const fn sets(self) -> Option<Group> {
        match self {
            Self::Set(group) => Some(group),
            Self::Do(SetDatetime) => Some(Group::Datetime),
            Self::Do(SetDdns) => Some(Group::Ddns),
            Self::Do(_) | Self::List(_) | Self::Take(_) => None,
        }
    }

    /// Says whether an open page asks it again and again, so that the journal is told of none who did: it would hold nothing else
    /// (Q87).
    pub const fn polled(self) -> bool {
        matches!(self, Self::Do(Now | Events))
    }

    /// Says whether the answer holds a picture or sound, before which the privacy gate stands (PROFILE 5.6).
    pub const fn shows(self) -> bool {
        match self {
            Self::Do(op) => op.shows(),
            Self::Set(_) | Self::List(_) | Self::Take(_) => false,
        }
    }
}

/// What needs code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Tells the caller who he is.
    CheckUser,
    /// One picture.
    Snapshot,
    /// The push stream.
    Stream,
    /// Pictures and sound.
    Asf,
    /// Sound alone.
    Wav,
    /// One image setting, by number.
    CameraControl,
    /// The clock's settings, and the clock itself.
    SetDatetime,
    /// Dynamic DNS, tried anew where that is asked for.
    SetDdns,
    /// Starts looking for wireless networks.
    WifiScan,
    /// The wireless networks that were found.
    WifiScanResult,
    /// Restarts the camera.
    Reboot,
    /// Goes back to the factory state.
    RestoreFactory,
    /// The journal.
    Log,
    /// Sends a mail as the settings say.
    TestMail,
    /// Uploads a file as the settings say.
    TestFtp,
    /// Stands in for the alarm input.
    Input,
    /// Sends a marked alarm through the whole chain.
    Drill,
    /// What was decided of alarms in the last day.
    Events,
    /// All settings as a file.
    Backup,
    /// A picture of another camera.
    DeviceSnapshot,
    /// The push stream of another camera.
    DeviceStream,
    /// Brings the built-in web UI back.
    BuiltInPages,
    /// The description of all of this for programs.
    OpenApi,
    /// Counters for Prometheus.
    Metrics,
    /// Whether the loops still turn.
    Health,
    /// Moves the head, drives the output.
    Decoder,
    /// Writes to a serial port.
    CommWrite,
    /// Keeps where the head is as a preset, names one, forgets one.
    SetPreset,
    /// What a preset shows.
    PresetPicture,
    /// How the head stands, and its presets.
    Head,
    /// How the camera stands right now, as the web UI shows it.
    Now,
    /// The forms of the settings.
    Forms,
    /// A file of the web UI in force, by its path.
    File,
}

impl Op {
    /// Says whether the answer holds a picture or sound.
    pub const fn shows(self) -> bool {
        match self {
            Self::Snapshot
            | Self::Stream
            | Self::Asf
            | Self::Wav
            | Self::DeviceSnapshot
            | Self::DeviceStream
            | Self::PresetPicture => true,
            Self::CheckUser
            | Self::CameraControl
            | Self::SetDatetime
            | Self::SetDdns
            | Self::WifiScan
            | Self::WifiScanResult
            | Self::Reboot
            | Self::RestoreFactory
            | Self::Log
            | Self::TestMail
            | Self::TestFtp
            | Self::Input
            | Self::Drill
            | Self::Events
            | Self::Backup
            | Self::BuiltInPages
            | Self::OpenApi
            | Self::Metrics
            | Self::Health
            | Self::Decoder
            | Self::CommWrite
            | Self::SetPreset
            | Self::Head
            | Self::Now
            | Self::Forms
            | Self::File => false,
        }
    }
}

/// What is sent to the camera as a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parcel {
    /// Settings (`params.bin`).
    Params,
    /// A web UI.
    Pages,
    /// Another version of the program.
    Firmware,
}

/// A row of the table.
#[derive(Debug)]
pub struct Command {
    /// Canonical paths, in lower case: the name of the profile, then its aliases.
    pub paths: &'static [&'static str],
    /// Whether it is a POST with `multipart/form-data`; all others are GET.
    pub post: bool,
    /// Who may.
    pub needs: Privilege,
    /// Where the query carries the login.
    pub login: Login,
    /// What a foreign page could do with it.
    pub guard: Guard,
    /// What it does.
    pub run: Run,
    /// What it does, for the manual.
    pub doc: &'static str,
}

impl Command {
    /// Returns the name of the parameter whose value may be any bytes; that of all others is text.
    pub fn binary(&self) -> Option<&'static str> {
        (self.run == Do(CommWrite)).then_some("data")
    }
}

use Guard::{Change, Move, Read};
use Login::{Cam, Query};
use Op::{
    Asf, Backup, BuiltInPages, CameraControl, CheckUser, CommWrite, Decoder, DeviceSnapshot, DeviceStream, Drill,
    Events, File, Forms, Head, Health, Input, Log, Metrics, Now, OpenApi, PresetPicture, Reboot, RestoreFactory,
    SetDatetime, SetDdns, SetPreset, Snapshot, Stream, TestFtp, TestMail, Wav, WifiScan, WifiScanResult,
};
use Privilege::{Manager, Nobody, Operator, Visitor};
use Run::{Do, List, Set, Take};

const fn get(
    paths: &'static [&'static str],
    needs: Privilege,
    login: Login,
    guard: Guard,
    run: Run,
    doc: &'static str,
) -> Command {
    Command { paths, post: false, needs, login, guard, run, doc }
}

const fn post(paths: &'static [&'static str], run: Run, doc: &'static str) -> Command {
    Command { paths, post: true, needs: Manager, login: Query, guard: Change, run, doc }
}

/// The profile's CGIs, in the order of PROFILE 3.
#[rustfmt::skip]
pub static PROFILE: &[Command] = &[
    get(&["/check_user.cgi"], Visitor, Query, Read, Do(CheckUser), "Tells the caller's user, password and privilege (1-3)."),
    get(&["/snapshot.cgi", "/snapshot.jpg"], Visitor, Query, Read, Do(Snapshot), "One picture, captured after the request came in."),
    get(&["/videostream.cgi", "/video.cgi"], Visitor, Query, Read, Do(Stream), "The push stream: one JPEG after the other."),
    get(&["/videostream.asf"], Visitor, Query, Read, Do(Asf), "Pictures and, if there is a microphone, sound: an ASF broadcast."),
    get(&["/get_status.cgi"], Nobody, Query, Read, List(Page::Status), "How the camera stands."),
    get(&["/get_camera_params.cgi"], Visitor, Query, Read, List(Page::Camera), "The image settings."),
    get(&["/decoder_control.cgi"], Operator, Query, Move, Do(Decoder), "Moves the head, drives the output."),
    get(&["/camera_control.cgi"], Operator, Query, Move, Do(CameraControl), "Sets one image setting: `param` and `value`."),
    get(&["/reboot.cgi"], Manager, Query, Change, Do(Reboot), "Restarts the camera (Q8)."),
    get(&["/restore_factory.cgi"], Manager, Query, Change, Do(RestoreFactory), "Restores the factory settings."),
    get(&["/get_params.cgi"], Manager, Query, Read, List(Page::Params), "All settings."),
    post(&["/upgrade_firmware.cgi"], Take(Parcel::Firmware), "Installs another version, a package signed by a pinned key, and restarts; where none is pinned, nobody can (`upgrade.keys`, Q88)."),
    post(&["/upgrade_htmls.cgi"], Take(Parcel::Pages), "Installs another web UI, a pack of the vendor's tools or a zip (Q47), where the machine's operator allows it (`web.packs`)."),
    get(&["/set_alias.cgi"], Manager, Query, Change, Set(Group::Alias), "Names the camera."),
    get(&["/set_datetime.cgi"], Manager, Query, Change, Do(SetDatetime), "Sets time zone and NTP, and with `now` (seconds since 1970 UTC) the camera's clock; `ntp_enable=1` asks the time server at once."),
    get(&["/set_users.cgi"], Manager, Query, Change, Set(Group::Users), "Sets all eight accounts."),
    get(&["/set_devices.cgi"], Manager, Query, Change, Set(Group::Devices), "Sets the other cameras of a multi-camera page."),
    get(&["/set_network.cgi"], Manager, Query, Change, Set(Group::Network), "Sets the wired network."),
    get(&["/set_wifi.cgi"], Manager, Query, Change, Set(Group::Wifi), "Sets the wireless network."),
    get(&["/set_pppoe.cgi"], Manager, Cam, Change, Set(Group::Pppoe), "Sets PPPoE."),
    get(&["/set_upnp.cgi"], Manager, Query, Change, Set(Group::Upnp), "Sets the port mapping."),
    get(&["/set_ddns.cgi"], Manager, Cam, Change, Do(SetDdns), "Sets dynamic DNS; `restart_dyndns=1` tries again what had failed for good."),
    get(&["/set_ftp.cgi"], Manager, Cam, Change, Set(Group::Ftp), "Sets uploads."),
    get(&["/set_mail.cgi"], Manager, Cam, Change, Set(Group::Mail), "Sets mail."),
    get(&["/set_alarm.cgi"], Manager, Query, Change, Set(Group::Alarm), "Sets alarms."),
    get(&["/set_forbidden.cgi"], Manager, Query, Change, Set(Group::Forbidden), "Sets the forbidden hours."),
    get(&["/set_misc.cgi"], Manager, Query, Change, Set(Group::Misc), "Sets lamp and head."),
    get(&["/set_decoder.cgi"], Manager, Query, Change, Set(Group::Decoder), "Sets the serial line of the head."),
    get(&["/comm_write.cgi"], Operator, Query, Change, Do(CommWrite), "Writes to a serial port."),
    get(&["/get_forbidden.cgi"], Manager, Query, Read, List(Page::Forbidden), "The forbidden hours."),
    get(&["/get_misc.cgi"], Manager, Query, Read, List(Page::Misc), "Settings of lamp and head (Q16)."),
    get(&["/wifi_scan.cgi"], Manager, Query, Change, Do(WifiScan), "Starts a scan for wireless networks."),
    get(&["/get_wifi_scan_result.cgi"], Manager, Query, Read, Do(WifiScanResult), "The last scan's result."),
    get(&["/get_log.cgi"], Manager, Query, Read, Do(Log), "The journal."),
    get(&["/test_mail.cgi"], Manager, Query, Change, Do(TestMail), "Sends a mail with the stored settings, and says what came of it."),
    get(&["/test_ftp.cgi"], Manager, Query, Change, Do(TestFtp), "Uploads a file with the stored settings, and says what came of it."),
    get(&["/backup_params.cgi"], Manager, Query, Read, Do(Backup), "All settings as a file."),
    post(&["/restore_params.cgi"], Take(Parcel::Params), "Takes settings back from a file."),
    get(&["/set_mac.cgi"], Manager, Query, Change, Set(Group::Mac), "Stores the camera's MAC address."),
    get(&["/set_factory_ddns.cgi"], Manager, Cam, Change, Set(Group::FactoryDdns), "Sets dynamic DNS, also as factory values (Q9)."),
];

/// What stands beside the profile.
#[rustfmt::skip]
pub static BESIDE: &[Command] = &[
    get(&["/", "/index.htm", "/index.html"], Nobody, Query, Read, Do(File), "The web UI; its other files, and the names of the old cameras' pages, stand beside it (Q85)."),
    get(&["/device/2/snapshot.cgi", "/device/3/snapshot.cgi", "/device/4/snapshot.cgi", "/device/5/snapshot.cgi", "/device/6/snapshot.cgi", "/device/7/snapshot.cgi", "/device/8/snapshot.cgi", "/device/9/snapshot.cgi"], Visitor, Query, Read, Do(DeviceSnapshot), "One picture of another camera, as set_devices.cgi names it."),
    get(&["/device/2/videostream.cgi", "/device/3/videostream.cgi", "/device/4/videostream.cgi", "/device/5/videostream.cgi", "/device/6/videostream.cgi", "/device/7/videostream.cgi", "/device/8/videostream.cgi", "/device/9/videostream.cgi"], Visitor, Query, Read, Do(DeviceStream), "The push stream of another camera."),
    get(&["/audio.wav"], Visitor, Query, Read, Do(Wav), "Sound alone: a WAV without an end, 8000 samples a second, one channel; 503 without a microphone (Q55)."),
    get(&["/input.cgi"], Operator, Query, Change, Do(Input), "Stands in for the alarm input: `level` is what it shows from now on (Q58)."),
    get(&["/set_privacy.cgi"], Manager, Query, Change, Set(Group::Privacy), "Closes the privacy gate at once, or leaves it to the forbidden hours again (Q63)."),
    get(&["/set_setup.cgi"], Manager, Query, Change, Set(Group::Setup), "Notes that the first settings are made (Q86)."),
    get(&["/drill.cgi"], Manager, Query, Change, Do(Drill), "Sends a marked alarm through the whole chain, and says of each link what came of it (Q61)."),
    get(&["/events.json"], Visitor, Query, Read, Do(Events), "What was decided of alarms in the last day, and why, also that there was none."),
    get(&["/set_preset.cgi"], Operator, Query, Change, Do(SetPreset), "Keeps where the head is as a preset, names or forgets one, or goes to one (Q67)."),
    get(&["/preset.jpg"], Operator, Query, Read, Do(PresetPicture), "What a preset showed when it was set."),
    get(&["/head.json"], Operator, Query, Read, Do(Head), "What kind of head there is, how it stands, and its presets."),
    get(&["/now.json"], Visitor, Query, Read, Do(Now), "How the camera stands right now: viewers, motion, what waits; managers are told more (Q87)."),
    get(&["/restore_htmls.cgi"], Manager, Query, Change, Do(BuiltInPages), "Brings the built-in web UI back."),
    get(&["/openapi.json"], Nobody, Query, Read, Do(OpenApi), "The description of these CGIs for programs (OpenAPI 3.1)."),
    get(&["/forms.json"], Visitor, Query, Read, Do(Forms), "The forms of the settings: what each CGI sets, and what it takes."),
    get(&["/metrics"], Visitor, Query, Read, Do(Metrics), "Counters for Prometheus."),
    get(&["/healthz"], Nobody, Query, Read, Do(Health), "200 while the loops that make frames and serve HTTP turn, else 503."),
];

/// The row of every file of the web UI that has none of its own.
pub static FILE: Command = get(&["/*"], Nobody, Query, Read, Do(File), "A file of the web UI.");

/// Finds the row for a canonical path; ASCII case is ignored (PROFILE 1.1).
pub fn find(path: &str) -> Option<&'static Command> {
    PROFILE.iter().chain(BESIDE).find(|command| command.paths.iter().any(|known| known.eq_ignore_ascii_case(path)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_path_is_unique_and_canonical() {
        let mut seen = HashSet::new();
        for path in PROFILE.iter().chain(BESIDE).flat_map(|command| command.paths) {
            assert!(seen.insert(path), "{path} twice");
            assert!(path.starts_with('/') && path.to_ascii_lowercase() == **path, "{path}");
            assert!(find(&path.to_ascii_uppercase()).is_some());
        }
    }

    #[test]
    fn all_forty_cgis_of_the_profile_have_a_row() {
        assert_eq!(PROFILE.len(), 40);
    }

    #[test]
    fn only_the_status_the_health_and_the_description_are_open_to_anyone() {
        let open = PROFILE.iter().chain(BESIDE).filter(|command| command.needs == Nobody);
        let no_file = open.filter(|command| !matches!(command.run, Do(File))).map(|command| command.paths[0]);
        assert_eq!(no_file.collect::<Vec<_>>(), ["/get_status.cgi", "/openapi.json", "/healthz"]);
    }

    #[test]
    fn whoever_sets_an_account_elsewhere_logs_in_with_cam_names() {
        let cam = PROFILE.iter().filter(|command| command.login == Cam).map(|command| command.paths[0]);
        let five = ["/set_pppoe.cgi", "/set_ddns.cgi", "/set_ftp.cgi", "/set_mail.cgi", "/set_factory_ddns.cgi"];
        assert_eq!(cam.collect::<Vec<_>>(), five);
    }
}
