//! System calls that a camera never needs, refused by seccomp (`seccomp(2)`).
//!
//! What is listed is refused, all else passes. A list of what is allowed would be shorter than safe: the C library, ALSA's
//! plugins and the next version of Lookout, which may have to run behind the filter of this one, each ask for calls that nobody
//! foresees, and a camera that dies of one years later is worse than the call.
//!
//! Refused is `EPERM`, as without privileges: whoever asks for such things must be prepared for that. Only `clone3`, and what is
//! of another architecture, "does not exist" (`ENOSYS`): the flags of `clone3` are in memory, where no filter can read them, and
//! the C library then asks by `clone`. A family of sockets is `EAFNOSUPPORT`, as in a kernel without it. Nothing is killed.
//!
//! The program is written here, as the library for that (seccompiler) knows no 32-bit ARM and one error a filter, and lets the
//! calls of x32 pass a list of what is refused.

use std::io;

use libc::{c_long, sock_filter, sock_fprog};

/// Refused whatever is asked of them. Of each line: what somebody could do by it who has taken the camera over.
#[rustfmt::skip]
const REFUSED: &[c_long] = &[
    // Look into other processes, and change them.
    libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev, libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd, libc::SYS_kcmp,
    // Rearrange what is a file.
    libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root, libc::SYS_chroot, libc::SYS_fsopen, libc::SYS_fsconfig,
    libc::SYS_fsmount, libc::SYS_fspick, libc::SYS_open_tree, OPEN_TREE_ATTR, libc::SYS_move_mount,
    libc::SYS_mount_setattr, libc::SYS_swapon, libc::SYS_swapoff,
    // Leave or make namespaces.
    libc::SYS_unshare, libc::SYS_setns,
    // Replace the kernel, extend it, or end it.
    libc::SYS_kexec_load, KEXEC_FILE_LOAD, libc::SYS_init_module, libc::SYS_finit_module, libc::SYS_delete_module,
    libc::SYS_reboot,
    // Reach parts of the kernel in which most of its holes were.
    libc::SYS_bpf, libc::SYS_perf_event_open, libc::SYS_userfaultfd, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register, libc::SYS_add_key, libc::SYS_request_key, libc::SYS_keyctl, libc::SYS_fanotify_init,
    // Take back protections of memory.
    libc::SYS_personality,
    // Set the machine's clock and name, which timedated does where it is wanted.
    libc::SYS_settimeofday, libc::SYS_clock_settime, libc::SYS_adjtimex, libc::SYS_clock_adjtime, libc::SYS_sethostname,
    libc::SYS_setdomainname,
    // Go round the rights of files, make devices, read the kernel's log.
    libc::SYS_open_by_handle_at, libc::SYS_mknodat, libc::SYS_acct, libc::SYS_quotactl, libc::SYS_quotactl_fd,
    libc::SYS_syslog, libc::SYS_vhangup,
    // Run a file that has no name; a restart names its program.
    libc::SYS_execveat,
];

/// Likewise, and only on some architectures.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS_mknod, libc::SYS_fork, libc::SYS_vfork,
];
#[cfg(target_arch = "arm")]
#[rustfmt::skip]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_mknod, libc::SYS_fork, libc::SYS_vfork,
    // clock_settime64 and clock_adjtime64, of which libc has no names.
    404, 405,
];
#[cfg(not(any(target_arch = "x86_64", target_arch = "arm")))]
const REFUSED_HERE: &[c_long] = &[];

// Calls of which libc has no name, or not for every C library.
const OPEN_TREE_ATTR: c_long = 467;
#[cfg(target_arch = "x86_64")]
const KEXEC_FILE_LOAD: c_long = 320;
#[cfg(target_arch = "arm")]
const KEXEC_FILE_LOAD: c_long = 401;
#[cfg(not(any(target_arch = "x86_64", target_arch = "arm")))]
const KEXEC_FILE_LOAD: c_long = 294;

/// The architecture for which this program was built, as the kernel tells it to a filter (`linux/audit.h`).
const ARCHITECTURE: Option<u32> = if cfg!(target_endian = "big") {
    None
} else if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) {
    Some(0xc000_003e)
} else if cfg!(target_arch = "aarch64") {
    Some(0xc000_00b7)
} else if cfg!(target_arch = "arm") {
    Some(0x4000_0028)
} else if cfg!(target_arch = "riscv64") {
    Some(0xc000_00f3)
} else {
    None
};

/// From here on calls are of x32, which are those of x86-64 by other numbers.
const X32: u32 = 0x4000_0000;

/// Flags of `clone` that make namespaces, which starts no thread.
const NAMESPACES: i32 = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;

/// Where a filter finds the call's number, the architecture, and the lower half of an argument (`struct seccomp_data`).
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

const fn refuse(error: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | error.cast_unsigned()
}

const fn load(offset: u32) -> sock_filter {
    sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: offset }
}

const fn answer(k: u32) -> sock_filter {
    sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k }
}

/// Keeps some bits of what was loaded.
const fn mask(k: u32) -> sock_filter {
    sock_filter { code: (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16, jt: 0, jf: 0, k }
}

/// Skips so many instructions if a test succeeds, and so many if not.
const fn skip(test: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: (libc::BPF_JMP | test | libc::BPF_K) as u16, jt, jf, k }
}

/// Does the next instruction only if what was loaded is `k`.
const fn only_if(k: u32) -> sock_filter {
    skip(libc::BPF_JEQ, k, 0, 1)
}

/// Appends what is done for one call, which must end with answers.
fn on(program: &mut Vec<sock_filter>, call: c_long, block: &[sock_filter]) {
    let length = u8::try_from(block.len()).expect("a block is a few instructions");
    program.push(skip(libc::BPF_JEQ, number(call), 0, length));
    program.extend(block);
}

fn number(call: c_long) -> u32 {
    u32::try_from(call).expect("numbers of calls are small")
}

/// Writes the program for an architecture.
fn program(architecture: u32) -> Vec<sock_filter> {
    let no_such_call = answer(refuse(libc::ENOSYS));
    let (refused, allowed) = (answer(refuse(libc::EPERM)), answer(ALLOW));
    let mut program = vec![load(ARCH), skip(libc::BPF_JEQ, architecture, 1, 0), no_such_call, load(NUMBER)];
    if cfg!(target_arch = "x86_64") {
        program.extend([skip(libc::BPF_JGE, X32, 0, 1), no_such_call]);
    }
    // What a frame's way asks for stands first.
    let input =
        [load(argument(1)), only_if(low(libc::TIOCSTI)), refused, only_if(low(libc::TIOCLINUX)), refused, allowed];
    on(&mut program, libc::SYS_ioctl, &input);
    let internet = [load(argument(1)), mask(0xf), only_if(1), allowed, only_if(2), allowed, refused];
    let mut socket = vec![load(argument(0))];
    for family in [libc::AF_UNIX, libc::AF_NETLINK] {
        socket.extend([only_if(family.cast_unsigned()), allowed]);
    }
    let others = answer(refuse(libc::EAFNOSUPPORT));
    socket.extend([
        skip(libc::BPF_JEQ, libc::AF_INET.cast_unsigned(), 2, 0),
        skip(libc::BPF_JEQ, libc::AF_INET6.cast_unsigned(), 1, 0),
        others,
    ]);
    // TCP and UDP: raw sockets hear what is said to others on this machine, and SOCK_PACKET is AF_PACKET by another name.
    socket.extend(internet);
    on(&mut program, libc::SYS_socket, &socket);
    // A thread, but no process: without `exec:` nothing is started.
    let thread = [
        load(argument(0)),
        skip(libc::BPF_JSET, NAMESPACES.cast_unsigned(), 1, 0),
        skip(libc::BPF_JSET, libc::CLONE_THREAD.cast_unsigned(), 1, 0),
        refused,
        allowed,
    ];
    on(&mut program, libc::SYS_clone, &thread);
    on(&mut program, libc::SYS_clone3, &[no_such_call]);
    for call in REFUSED.iter().chain(REFUSED_HERE) {
        on(&mut program, *call, &[refused]);
    }
    program.push(allowed);
    program
}

/// Gives a number of an ioctl as the kernel compares it: its lower half.
const fn low(request: libc::Ioctl) -> u32 {
    request as u32
}

/// Has the kernel refuse them to this thread; returns how many are refused in all.
pub fn restrict() -> Result<usize, String> {
    let Some(architecture) = ARCHITECTURE else { return Err("not written for this processor".into()) };
    let mut program = program(architecture);
    let length = u16::try_from(program.len()).map_err(|error| error.to_string())?;
    let filter = sock_fprog { len: length, filter: program.as_mut_ptr() };
    // Without SPEC_ALLOW kernels before 5.16 make the whole process slower, which is for those that run the code of others.
    let flags = libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    // SAFETY: the kernel copies the program, `length` instructions that live until it has returned, and checks it.
    let done = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const filter) };
    if done == 0 {
        return Ok(REFUSED.len() + REFUSED_HERE.len());
    }
    let error = io::Error::last_os_error();
    Err(match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EINVAL) => "this kernel has no filters of system calls".into(),
        Some(_) | None => error.to_string(),
    })
}
