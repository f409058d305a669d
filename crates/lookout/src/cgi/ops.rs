//! The CGIs that need code of their own, each in at most 15 lines.

mod alarm;
mod head;
mod network;
mod parcel;
mod picture;
mod serial;
mod setting;
mod sight;
mod stream;
mod system;

use lookout_core::{
    profile::{
        commands::{Op, Parcel},
        forms, openapi,
        reply::Failure,
        settings::Settings,
    },
    query::Query,
};

use self::sight::Sight;
use crate::{
    accounts::Accounts,
    app::App,
    doorman::Caller,
    http::{Answer, Request, Status, Upload},
};

/// What a handler may look at.
pub struct Ask<'a> {
    /// Everything that a request can reach.
    pub app: &'a App,
    /// The settings when it came in.
    pub settings: &'a Settings,
    /// Its parameters.
    pub query: &'a Query,
    /// The request.
    pub request: &'a Request,
    /// Who asks.
    pub caller: &'a Caller,
}

impl Ask<'_> {
    /// Returns the accounts as they are from here on.
    pub fn accounts(&self) -> Accounts {
        Accounts::new(self.app.store.follow())
    }
}

/// Runs a handler.
pub async fn run(op: Op, ask: &Ask<'_>) -> Result<Answer, Failure> {
    match op {
        Op::CheckUser => Ok(setting::check_user(ask)),
        Op::Snapshot => picture::snapshot(ask, sight::own(ask)?).await,
        Op::Stream => Ok(stream::multipart(ask, sight::own(ask)?)),
        Op::Asf => stream::asf(ask, sight::own(ask)?),
        Op::Wav => stream::wav(ask),
        Op::DeviceSnapshot => picture::snapshot(ask, sight::device(ask)?).await,
        Op::DeviceStream => Ok(stream::multipart(ask, sight::device(ask)?)),
        Op::CameraControl => setting::camera_control(ask).await,
        Op::SetDatetime => setting::set_datetime(ask).await,
        Op::SetDdns => network::set_ddns(ask).await,
        Op::WifiScan => network::wifi_scan(ask),
        Op::WifiScanResult => Ok(network::wifi_scan_result(ask)),
        Op::Reboot => Ok(system::reboot(ask)),
        Op::RestoreFactory => system::restore_factory(ask).await,
        Op::BuiltInPages => system::restore_htmls(ask).await,
        Op::TestMail => alarm::test_mail(ask).await,
        Op::TestFtp => alarm::test_ftp(ask).await,
        Op::Input => alarm::input(ask),
        Op::Drill => alarm::drill(ask).await,
        Op::Events => Ok(alarm::events(ask)),
        Op::Decoder => head::decoder_control(ask).await,
        Op::CommWrite => serial::comm_write(ask).await,
        Op::SetPreset => head::set_preset(ask).await,
        Op::PresetPicture => head::preset_picture(ask).await,
        Op::Head => Ok(head::head(ask)),
        Op::Log => Ok(Answer::text(ask.app.journal.listing())),
        Op::Backup => system::backup_params(ask).await,
        Op::Now => Ok(system::now(ask)),
        Op::Forms => Ok(Answer::whole(Status::Ok, "application/json", forms::document())),
        Op::OpenApi => Ok(Answer::whole(Status::Ok, "application/json", openapi::document())),
        Op::Metrics => Ok(system::metrics(ask)),
        Op::Health => ask.app.watchdog.healthy().map(|()| Answer::text("ok\n")).map_err(Failure::Unavailable),
        Op::File => system::file(ask),
    }
}

/// Takes a file.
pub async fn take(parcel: Parcel, ask: &Ask<'_>, upload: Upload<'_>) -> Result<Answer, Failure> {
    match parcel {
        Parcel::Params => parcel::restore_params(ask, upload).await,
        Parcel::Pages => parcel::upgrade_htmls(ask, upload).await,
        Parcel::Firmware => parcel::upgrade_firmware(ask, upload).await,
    }
}
