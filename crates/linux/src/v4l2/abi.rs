//! The kernel's side of V4L2: numbers and structs of `linux/videodev2.h`, as far as they are used.
//!
//! Unions are written as their widest used member, so that reading needs no `unsafe`. Times in `Buffer` are 64 bits wide
//! on every machine: 32-bit ones need Linux 5.6, and pass the year 2038.

use std::{ffi::c_int, marker::PhantomData, mem::MaybeUninit};

/// A type of which every pattern of bytes is a value, and which holds no pointer.
///
/// # Safety
/// Only for `repr(C)` structs of integers, and integers.
pub(super) unsafe trait Plain: Copy {
    /// Returns the value whose bytes are all zero, as the kernel wants reserved fields.
    fn zeroed() -> Self {
        // SAFETY: every pattern of bytes is a value of `Self`, all zero too.
        unsafe { MaybeUninit::zeroed().assume_init() }
    }
}

/// An ioctl's number together with the type of its argument, whose size is part of the number.
#[derive(Clone, Copy)]
pub(super) struct Request<T> {
    pub(super) number: libc::Ioctl,
    argument: PhantomData<T>,
}

impl<T> Request<T> {
    const fn read(number: u32) -> Self {
        Self { number: libc::_IOR::<T>(b'V' as u32, number), argument: PhantomData }
    }
    const fn write(number: u32) -> Self {
        Self { number: libc::_IOW::<T>(b'V' as u32, number), argument: PhantomData }
    }
    const fn both(number: u32) -> Self {
        Self { number: libc::_IOWR::<T>(b'V' as u32, number), argument: PhantomData }
    }
}

pub(super) const QUERYCAP: Request<Capability> = Request::read(0);
pub(super) const ENUM_FMT: Request<FormatEntry> = Request::both(2);
pub(super) const G_FMT: Request<Format> = Request::both(4);
pub(super) const S_FMT: Request<Format> = Request::both(5);
pub(super) const REQBUFS: Request<RequestBuffers> = Request::both(8);
pub(super) const QUERYBUF: Request<Buffer> = Request::both(9);
pub(super) const QBUF: Request<Buffer> = Request::both(15);
pub(super) const DQBUF: Request<Buffer> = Request::both(17);
pub(super) const STREAMON: Request<c_int> = Request::write(18);
pub(super) const STREAMOFF: Request<c_int> = Request::write(19);
pub(super) const S_PARM: Request<StreamParm> = Request::both(22);
pub(super) const G_CTRL: Request<ControlValue> = Request::both(27);
pub(super) const S_CTRL: Request<ControlValue> = Request::both(28);
pub(super) const QUERYCTRL: Request<ControlEntry> = Request::both(36);
pub(super) const S_EXT_CTRLS: Request<ValueSet> = Request::both(72);
pub(super) const ENUM_FRAMESIZES: Request<SizeEntry> = Request::both(74);
pub(super) const ENUM_FRAMEINTERVALS: Request<IntervalEntry> = Request::both(75);

pub(super) const CAP_VIDEO_CAPTURE: u32 = 0x0000_0001;
pub(super) const CAP_STREAMING: u32 = 0x0400_0000;
/// The node is one of many of a media pipeline that someone must set up first.
pub(super) const CAP_IO_MC: u32 = 0x2000_0000;
pub(super) const CAP_DEVICE_CAPS: u32 = 0x8000_0000;

/// `V4L2_BUF_TYPE_VIDEO_CAPTURE`.
pub(super) const CAPTURE: u32 = 1;
/// `V4L2_MEMORY_MMAP`.
pub(super) const MMAP: u32 = 1;
/// `V4L2_FIELD_NONE`: progressive.
pub(super) const FIELD_NONE: u32 = 1;

/// `V4L2_PIX_FMT_PRIV_MAGIC`.
pub(super) const PIX_FMT_MAGIC: u32 = 0xfeed_cafe;
pub(super) const COLORSPACE_JPEG: u32 = 7;
pub(super) const QUANTIZATION_FULL: u32 = 1;
pub(super) const QUANTIZATION_LIMITED: u32 = 2;

pub(super) const BUF_FLAG_ERROR: u32 = 0x0040;
pub(super) const BUF_FLAG_TIMESTAMP_MASK: u32 = 0xe000;
pub(super) const BUF_FLAG_TIMESTAMP_MONOTONIC: u32 = 0x2000;

/// `V4L2_FRMSIZE_TYPE_DISCRETE` and `V4L2_FRMIVAL_TYPE_DISCRETE`; other types are ranges.
pub(super) const DISCRETE: u32 = 1;

pub(super) const CID_BRIGHTNESS: u32 = 0x0098_0900;
pub(super) const CID_CONTRAST: u32 = 0x0098_0901;
pub(super) const CID_HFLIP: u32 = 0x0098_0914;
pub(super) const CID_VFLIP: u32 = 0x0098_0915;
pub(super) const CID_POWER_LINE: u32 = 0x0098_0918;
pub(super) const CID_PAN_RELATIVE: u32 = 0x009a_0904;
pub(super) const CID_TILT_RELATIVE: u32 = 0x009a_0905;
pub(super) const CID_PAN_ABSOLUTE: u32 = 0x009a_0908;
pub(super) const CID_TILT_ABSOLUTE: u32 = 0x009a_0909;
pub(super) const CID_ZOOM_ABSOLUTE: u32 = 0x009a_090d;
pub(super) const CID_ZOOM_RELATIVE: u32 = 0x009a_090e;
pub(super) const CID_ZOOM_CONTINUOUS: u32 = 0x009a_090f;
pub(super) const CID_PAN_SPEED: u32 = 0x009a_0920;
pub(super) const CID_TILT_SPEED: u32 = 0x009a_0921;
pub(super) const CTRL_FLAG_DISABLED: u32 = 0x0001;
pub(super) const CTRL_FLAG_READ_ONLY: u32 = 0x0004;
pub(super) const CTRL_FLAG_WRITE_ONLY: u32 = 0x0040;
pub(super) const CTRL_FLAG_NEXT: u32 = 0x8000_0000;
/// Integer, boolean, menu: the types with a number as value.
pub(super) const CTRL_TYPES_WITH_NUMBER: [u32; 3] = [1, 2, 3];

/// `struct v4l2_capability`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Capability {
    pub driver: [u8; 16],
    pub card: [u8; 32],
    pub bus_info: [u8; 32],
    pub version: u32,
    pub capabilities: u32,
    pub device_caps: u32,
    pub reserved: [u32; 3],
}

/// `struct v4l2_fmtdesc`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct FormatEntry {
    pub index: u32,
    pub kind: u32,
    pub flags: u32,
    pub description: [u8; 32],
    pub pixel_format: u32,
    pub mbus_code: u32,
    pub reserved: [u32; 3],
}

/// `struct v4l2_frmsizeenum`: `sides` is width, height (discrete) or least, greatest and step of the width, then the height.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct SizeEntry {
    pub index: u32,
    pub pixel_format: u32,
    pub kind: u32,
    pub sides: [u32; 6],
    pub reserved: [u32; 2],
}

/// `struct v4l2_fract`, here always seconds a picture.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    pub numerator: u32,
    pub denominator: u32,
}

/// `struct v4l2_frmivalenum`: `intervals` is one (discrete) or shortest, longest and step.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct IntervalEntry {
    pub index: u32,
    pub pixel_format: u32,
    pub width: u32,
    pub height: u32,
    pub kind: u32,
    pub intervals: [Fraction; 3],
    pub reserved: [u32; 2],
}

/// `struct v4l2_pix_format`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct PixFormat {
    pub width: u32,
    pub height: u32,
    pub pixel_format: u32,
    pub field: u32,
    pub bytes_per_line: u32,
    pub size_image: u32,
    pub colorspace: u32,
    /// [`PIX_FMT_MAGIC`] if the kernel knows the fields below, else they mean nothing; called `priv` there.
    pub magic: u32,
    pub flags: u32,
    pub ycbcr_encoding: u32,
    pub quantization: u32,
    pub transfer: u32,
}

/// `struct v4l2_format`: its union holds pointers, hence the alignment, and takes 200 bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Format {
    pub kind: u32,
    pub align: [usize; 0],
    pub pix: PixFormat,
    pub rest: [u8; 200 - size_of::<PixFormat>()],
}

/// `struct v4l2_streamparm` with its `v4l2_captureparm`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct StreamParm {
    pub kind: u32,
    pub capability: u32,
    pub mode: u32,
    pub interval: Fraction,
    pub rest: [u8; 200 - 16],
}

/// `struct v4l2_requestbuffers`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct RequestBuffers {
    pub count: u32,
    pub kind: u32,
    pub memory: u32,
    pub capabilities: u32,
    pub flags: u32,
}

/// `struct v4l2_buffer`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Buffer {
    pub index: u32,
    pub kind: u32,
    pub bytes_used: u32,
    pub flags: u32,
    pub field: u32,
    /// `struct timeval` with 64-bit members.
    pub seconds: i64,
    pub microseconds: i64,
    pub timecode: [u32; 4],
    pub sequence: u32,
    pub memory: u32,
    pub align: [usize; 0],
    /// The union's member for `MMAP`.
    pub offset: u32,
    pub rest: [u8; size_of::<usize>() - 4],
    pub length: u32,
    pub reserved: [u32; 2],
}

/// `struct v4l2_queryctrl`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct ControlEntry {
    pub id: u32,
    pub kind: u32,
    pub name: [u8; 32],
    pub minimum: i32,
    pub maximum: i32,
    pub step: i32,
    pub default: i32,
    pub flags: u32,
    pub reserved: [u32; 2],
}

/// `struct v4l2_control`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct ControlValue {
    pub id: u32,
    pub value: i32,
}

/// `struct v4l2_ext_control` with a number as value; its size is 0 then, and it holds no pointer.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct SetValue {
    pub id: u32,
    pub size: u32,
    pub reserved: u32,
    pub value: i32,
    /// The rest of the union, of eight bytes; the struct is packed there.
    pub rest: u32,
}

/// `struct v4l2_ext_controls`: values that are set together. The kernel follows its pointer.
#[repr(C)]
pub(super) struct ValueSet {
    /// 0: the values now (`V4L2_CTRL_WHICH_CUR_VAL`).
    pub which: u32,
    pub count: u32,
    pub error_index: u32,
    pub request: i32,
    pub reserved: u32,
    pub values: *mut SetValue,
}

macro_rules! plain {
    ($($name:ty),+) => {$(
        // SAFETY: an integer, or a `repr(C)` struct of integers.
        unsafe impl Plain for $name {}
    )+};
}
plain!(
    c_int,
    Capability,
    FormatEntry,
    SizeEntry,
    IntervalEntry,
    Format,
    StreamParm,
    RequestBuffers,
    Buffer,
    ControlEntry,
    ControlValue
);

/// Returns the text of a field that ends at a NUL; what a device puts there that could upset a terminal is replaced.
pub(super) fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).replace(|c: char| c.is_control(), "?").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    #[test]
    fn structs_are_as_large_as_the_kernels() {
        let wide = size_of::<usize>() == 8;
        assert_eq!(size_of::<Capability>(), 104);
        assert_eq!(size_of::<FormatEntry>(), 64);
        assert_eq!(size_of::<SizeEntry>(), 44);
        assert_eq!(size_of::<IntervalEntry>(), 52);
        assert_eq!(size_of::<PixFormat>(), 48);
        assert_eq!(size_of::<Format>(), if wide { 208 } else { 204 });
        assert_eq!(offset_of!(Format, pix), size_of::<usize>());
        assert_eq!(size_of::<StreamParm>(), 204);
        assert_eq!(size_of::<RequestBuffers>(), 20);
        assert_eq!(size_of::<ControlEntry>(), 68);
        assert_eq!(size_of::<ControlValue>(), 8);
        assert_eq!(size_of::<SetValue>(), 20);
        assert_eq!(size_of::<ValueSet>(), if wide { 32 } else { 24 });
    }

    #[test]
    fn a_buffers_fields_lie_where_the_kernel_puts_them() {
        let time = 20_usize.next_multiple_of(align_of::<i64>());
        let union = (time + 16 + 16 + 8).next_multiple_of(align_of::<usize>());
        assert_eq!(offset_of!(Buffer, seconds), time);
        assert_eq!(offset_of!(Buffer, offset), union);
        assert_eq!(offset_of!(Buffer, length), union + size_of::<usize>());
        if size_of::<usize>() == 8 {
            assert_eq!((time, union, size_of::<Buffer>()), (24, 64, 88));
        }
    }

    #[test]
    #[cfg(all(
        target_pointer_width = "64",
        any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
    ))]
    fn requests_have_the_kernels_numbers() {
        assert_eq!(QUERYCAP.number, 0x8068_5600);
        assert_eq!(ENUM_FMT.number, 0xc040_5602);
        assert_eq!([G_FMT.number, S_FMT.number], [0xc0d0_5604, 0xc0d0_5605]);
        assert_eq!(REQBUFS.number, 0xc014_5608);
        assert_eq!([QUERYBUF.number, QBUF.number, DQBUF.number], [0xc058_5609, 0xc058_560f, 0xc058_5611]);
        assert_eq!([STREAMON.number, STREAMOFF.number], [0x4004_5612, 0x4004_5613]);
        assert_eq!(S_PARM.number, 0xc0cc_5616);
        assert_eq!([G_CTRL.number, S_CTRL.number, QUERYCTRL.number], [0xc008_561b, 0xc008_561c, 0xc044_5624]);
        assert_eq!(S_EXT_CTRLS.number, 0xc020_5648);
        assert_eq!([ENUM_FRAMESIZES.number, ENUM_FRAMEINTERVALS.number], [0xc02c_564a, 0xc034_564b]);
    }

    #[test]
    fn a_name_ends_at_its_nul_and_cannot_upset_a_terminal() {
        assert_eq!(text(b"HD Webcam\0junk"), "HD Webcam");
        assert_eq!(text(b"\x1b[2Jevil\xff"), "?[2Jevil\u{fffd}");
    }
}
