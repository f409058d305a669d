//! The vendor's blocks: a table of those fields that at least one source knows; all other bytes are zero when we write,
//! and not looked at when we read. Where each field is known from is in ADR 0010.

use std::net::Ipv4Addr;

use super::Refused;
use crate::profile::{
    change::{self, Rules, is_netmask},
    params::{Param, params},
    settings::Settings,
    view::{Secrets, Version, View},
    wire::{Kind, Value},
};

/// Length of a vendor's file, the head included.
pub const LENGTH: usize = 0x14e8;

const ID: usize = 0x0c;
const SYS_VER: usize = 0x19;
const APP_VER: usize = 0x1d;
const MASK: usize = 0x112;

/// A setting that the vendor's file has.
struct Field {
    at: usize,
    shape: Shape,
    /// Its name in the table of settings.
    name: &'static str,
    block: Block,
}

/// How a value is written.
#[derive(Clone, Copy)]
enum Shape {
    /// UTF-8, filled with NUL, in so many bytes.
    Text(usize),
    /// A number in a byte.
    Byte,
    /// The lowest bit of a byte.
    Bit,
    /// A number in two bytes, little-endian.
    Word,
    /// An IPv4 address.
    Address,
}

impl Shape {
    /// Writes a value. One of another shape would be 0; the types of the settings leave no such value.
    fn encode(self, text: String) -> Vec<u8> {
        match self {
            Self::Text(_) => text.into_bytes(),
            Self::Byte | Self::Bit => vec![text.parse().unwrap_or(0)],
            Self::Word => text.parse().unwrap_or(0_u16).to_le_bytes().into(),
            Self::Address => text.parse().unwrap_or(Ipv4Addr::UNSPECIFIED).octets().into(),
        }
    }
}

/// What a field belongs to: accounts and network are taken only if asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Camera,
    Users,
    Network,
}

/// What is taken of a vendor's file besides the camera's name and mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// The accounts: their passwords are short, or blank.
    pub users: bool,
    /// Addresses, and the logins of PPPoE and Wi-Fi, though not their switches.
    pub network: bool,
}

macro_rules! user {
    ($n:literal) => {{
        const AT: usize = 0x36 + 27 * ($n - 1);
        [
            Field { at: AT, shape: Shape::Text(13), name: concat!("user", $n, "_name"), block: Block::Users },
            Field { at: AT + 13, shape: Shape::Text(13), name: concat!("user", $n, "_pwd"), block: Block::Users },
            Field { at: AT + 26, shape: Shape::Byte, name: concat!("user", $n, "_pri"), block: Block::Users },
        ]
    }};
}

const fn field(at: usize, shape: Shape, name: &'static str, block: Block) -> Field {
    Field { at, shape, name, block }
}

#[rustfmt::skip]
static USERS: [[Field; 3]; 8] = [user!(1), user!(2), user!(3), user!(4), user!(5), user!(6), user!(7), user!(8)];

static OTHERS: [Field; 20] = [
    field(0x21, Shape::Text(21), "alias", Block::Camera),
    field(0x10e, Shape::Address, "ip", Block::Network),
    field(MASK, Shape::Address, "mask", Block::Network),
    field(0x116, Shape::Address, "gateway", Block::Network),
    field(0x11a, Shape::Address, "dns", Block::Network),
    field(0x122, Shape::Word, "port", Block::Network),
    field(0x125, Shape::Text(65), "pppoe_user", Block::Network),
    field(0x166, Shape::Text(65), "pppoe_pwd", Block::Network),
    field(0x1a8, Shape::Text(41), "wifi_ssid", Block::Network),
    field(0x252, Shape::Text(65), "wifi_wpa_psk", Block::Network),
    field(0x518, Shape::Bit, "mail_inet_ip", Block::Camera),
    field(0x519, Shape::Text(65), "mail_sender", Block::Camera),
    field(0x55a, Shape::Text(65), "mail_receiver1", Block::Camera),
    field(0x59b, Shape::Text(65), "mail_receiver2", Block::Camera),
    field(0x5dc, Shape::Text(65), "mail_receiver3", Block::Camera),
    field(0x61d, Shape::Text(65), "mail_receiver4", Block::Camera),
    field(0x65e, Shape::Text(65), "mail_svr", Block::Camera),
    field(0x69f, Shape::Word, "mail_port", Block::Camera),
    field(0x6a1, Shape::Text(65), "mail_user", Block::Camera),
    field(0x6e2, Shape::Text(65), "mail_pwd", Block::Camera),
];

/// Gives every field with its row of the table of settings.
fn fields() -> impl Iterator<Item = (&'static Field, &'static Param)> {
    let row = |field: &Field| params().find(|row| row.name == field.name);
    USERS.iter().flatten().chain(&OTHERS).filter_map(move |field| Some((field, row(field)?)))
}

/// Writes the blocks behind a head of zeros.
pub(super) fn encode(view: &View, secrets: Secrets) -> Vec<u8> {
    let mut file = vec![0; LENGTH];
    put(&mut file, ID, view.id.to_string().as_bytes());
    put(&mut file, SYS_VER, &view.sys_ver.parse::<Version>().unwrap_or_default().0);
    put(&mut file, APP_VER, &view.app_ver.0);
    for (field, row) in fields() {
        // An account without its password would be one that lets everybody in, wherever such a file is believed.
        let hidden = field.block == Block::Users || matches!(row.kind, Kind::Secret(_));
        if secrets == Secrets::Masked && hidden {
            continue;
        }
        let text = match (row.show)(view) {
            Value::Int(number) => number.to_string(),
            Value::Text(text) => text,
            Value::Secret(secret) => secret.expose().to_owned(),
            // The hash of a password is no password.
            Value::Sealed(_) => String::new(),
        };
        put(&mut file, field.at, &field.shape.encode(text));
    }
    file
}

fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

/// The blocks of a vendor's file that is whole.
pub struct Vendor(Vec<u8>);

impl Vendor {
    pub(super) fn new(blocks: &[u8]) -> Self {
        Self(blocks.to_vec())
    }

    /// Takes what is known and wished for; all other settings stay as they are.
    ///
    /// # Errors
    /// One illegal value, or all of them together, and nothing is taken.
    pub fn restore(&self, old: &Settings, wish: Wish, rules: &Rules) -> Result<Settings, Refused> {
        let mut new = old.clone();
        let wanted = |field: &Field| match field.block {
            Block::Camera => true,
            Block::Users => wish.users,
            Block::Network => wish.network,
        };
        for (field, row) in fields().filter(|(field, _)| wanted(field)) {
            let illegal = || Refused::Value(row.name);
            let text = self.text(field).ok_or_else(illegal)?;
            let take = row.edit.as_ref().map(|edit| edit.take);
            take.map_or(Ok(()), |take| take(&mut new, &text)).map_err(|_| illegal())?;
        }
        change::check(old, &new, rules).map_err(|_| Refused::Together)?;
        Ok(new)
    }

    fn text(&self, field: &Field) -> Option<String> {
        let byte = self.0[field.at];
        Some(match field.shape {
            Shape::Text(length) => {
                let text = &self.0[field.at..field.at + length];
                let end = text.iter().position(|byte| *byte == 0).unwrap_or(length);
                String::from_utf8(text[..end].to_vec()).ok()?
            }
            Shape::Byte => byte.to_string(),
            Shape::Bit => (byte & 1).to_string(),
            Shape::Word => u16::from_le_bytes([byte, self.0[field.at + 1]]).to_string(),
            Shape::Address => self.address(field.at).to_string(),
        })
    }

    /// No source says in which order the bytes of an address stand. The file's own netmask does: its ones come first in
    /// one order alone.
    fn address(&self, at: usize) -> Ipv4Addr {
        let number = |at: usize| u32::from_be_bytes(std::array::from_fn(|i| self.0[at + i]));
        let (mask, address) = (number(MASK), number(at));
        let reversed = !is_netmask(mask.into()) && is_netmask(mask.swap_bytes().into());
        if reversed { address.swap_bytes() } else { address }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_a_setting_that_fits_and_none_lies_over_another() {
        let mut end = APP_VER + 4;
        let mut all: Vec<_> = fields().collect();
        assert_eq!(all.len(), 8 * 3 + OTHERS.len(), "each has a row");
        all.sort_by_key(|(field, _)| field.at);
        for (field, row) in all {
            assert!(end <= field.at, "{}", field.name);
            let length = match field.shape {
                Shape::Text(length) => length,
                Shape::Byte | Shape::Bit => 1,
                Shape::Word => 2,
                Shape::Address => 4,
            };
            if let Kind::Text(max) | Kind::Secret(max) | Kind::Host(max) | Kind::Mail(max) = row.kind {
                assert_eq!(length, max + 1, "{}: with a NUL", field.name);
            }
            end = field.at + length;
        }
        assert!(end <= LENGTH);
    }
}
