//! Processes that are measured: pinned to a core, watched through `/proc`, and gone with whoever started them.

use std::{
    collections::HashMap,
    env, fs,
    io::{self, BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::{
    process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, set_parent_process_death_signal, setrlimit},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

/// The core the server has to itself, and the one for everything else.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    /// Only the server under test.
    pub server: usize,
    /// The feed and the load generator.
    pub load: usize,
}

impl Cores {
    /// Takes the first two cores that this process may use; with only one, both are that one.
    pub fn choose() -> Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        let server = cores.next().context("no core to run on")?;
        Ok(Self { server, load: cores.next().unwrap_or(server) })
    }
}

/// Pins this thread, and whatever it starts, to one core.
pub fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("cannot run on core {core}"))
}

/// Lets this process, and whatever it starts, open as many descriptors as its hard limit allows.
pub fn raise_descriptor_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?)
}

/// Becomes another program: pinned to a core, and ended when its parent ends.
#[derive(Debug, clap::Args)]
pub struct Exec {
    /// The core to run on.
    #[arg(long)]
    core: usize,
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<String>,
}

impl Exec {
    /// Does not return unless the program cannot be started.
    pub fn run(&self) -> Result<()> {
        set_parent_process_death_signal(Some(Signal::TERM))?;
        pin(self.core)?;
        let [program, arguments @ ..] = self.program.as_slice() else { bail!("no program") };
        let error = Command::new(program).args(arguments).exec();
        Err(error).with_context(|| format!("cannot start {program}"))
    }
}

/// Prepares a command that runs `program` on `core` and ends with this process.
pub fn pinned(core: usize, program: &str) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["bench-exec", "--core", &core.to_string(), "--", program]).stdin(Stdio::null());
    Ok(command)
}

/// A child process that is stopped when dropped.
pub struct Running {
    child: Child,
}

impl Running {
    /// Starts a command.
    pub fn start(command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { child })
    }

    /// Starts a command and waits for the first line it prints; what it prints later is thrown away.
    pub fn start_and_read_line(command: &mut Command, patience: Duration) -> Result<(Self, String)> {
        let mut running = Self::start(command.stdout(Stdio::piped()))?;
        let stdout = running.child.stdout.take().context("stdout is not piped")?;
        let (send, line) = mpsc::channel();
        thread::spawn(move || -> io::Result<u64> {
            let mut reader = BufReader::new(stdout);
            let mut text = String::new();
            reader.read_line(&mut text)?;
            // The receiver may have lost its patience; the child must be drained all the same.
            let _ = send.send(text);
            io::copy(&mut reader, &mut io::sink())
        });
        match line.recv_timeout(patience) {
            Ok(line) if !line.is_empty() => Ok((running, line)),
            _ => bail!("{command:?} printed nothing within {patience:?}"),
        }
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            // It may be gone already, which is as good.
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + Duration::from_secs(3);
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process has used up to one moment.
#[derive(Clone, Debug)]
pub struct Usage {
    /// CPU nanoseconds of each of its threads, by thread id.
    threads: HashMap<String, u64>,
    /// CPU time of the process with all the threads it ever had, in steps of 10 ms.
    whole: Duration,
    /// Resident memory.
    pub rss_kib: u64,
    /// What the core it is pinned to has done for anybody, or was kept from by the machine's host, in steps of 10 ms.
    core: Duration,
}

impl Usage {
    /// Reads what the process has used until now, user and system time together.
    pub fn of(pid: u32) -> Result<Self> {
        let mut threads = HashMap::new();
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let task = task?;
            // A thread may end between the listing and the reading.
            if let Ok(line) = fs::read_to_string(task.path().join("schedstat")) {
                let ran =
                    line.split(' ').next().and_then(|ran| ran.parse().ok()).context("schedstat without a time")?;
                threads.insert(task.file_name().to_string_lossy().into_owned(), ran);
            }
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (_, fields) = stat.rsplit_once(") ").context("no end of the name in stat")?;
        let ticks: u64 = fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS in status")?;
        let rss_kib = rss.trim().trim_end_matches(" kB").parse()?;
        let core = core_of(pid)?;
        let stat = fs::read_to_string("/proc/stat")?;
        let core = stat.lines().find_map(|line| line.strip_prefix(&format!("cpu{core} "))).context("no such core")?;
        // user nice system [idle iowait] irq softirq steal
        let busy = core.split(' ').enumerate().take(8).filter(|(at, _)| !(3..5).contains(at));
        let busy = busy.filter_map(|(_, ticks)| ticks.parse::<u64>().ok()).sum();
        Ok(Self { threads, whole: duration_of(ticks), rss_kib, core: duration_of(busy) })
    }

    /// Returns how long the process's core was busy with something else since `earlier`.
    pub fn others_since(&self, earlier: &Self) -> Duration {
        self.core.saturating_sub(earlier.core).saturating_sub(self.cpu_since(earlier))
    }

    /// Returns the CPU time used since `earlier`.
    ///
    /// The sum over the threads is exact to the microsecond but forgets threads that ended; the total of the process
    /// remembers them but is coarse. So the total counts only where it is more than its own coarseness above the sum.
    pub fn cpu_since(&self, earlier: &Self) -> Duration {
        let ran = |(id, ran): (&String, &u64)| ran.saturating_sub(earlier.threads.get(id).copied().unwrap_or(0));
        let sum = Duration::from_nanos(self.threads.iter().map(ran).sum());
        let whole = self.whole.saturating_sub(earlier.whole);
        if whole > sum + Duration::from_millis(30) { whole } else { sum }
    }
}

/// Returns the first core that a process may use.
fn core_of(pid: u32) -> Result<usize> {
    let allowed = sched_getaffinity(Pid::from_raw(pid.cast_signed()))?;
    (0..CpuSet::MAX_CPU).find(|&core| allowed.is_set(core)).context("no core to run on")
}

/// Returns how long so many ticks of `/proc` are.
fn duration_of(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_as_cpu_time_even_when_its_thread_has_ended() {
        let before = Usage::of(std::process::id()).unwrap();
        let work = || {
            let began = Instant::now();
            let mut sum = 0_u64;
            while began.elapsed() < Duration::from_millis(200) {
                sum = std::hint::black_box(sum.wrapping_add(1));
            }
        };
        thread::spawn(work).join().unwrap();
        let after = Usage::of(std::process::id()).unwrap();
        assert!(after.cpu_since(&before) > Duration::from_millis(20), "{:?}", after.cpu_since(&before));
        assert!(after.rss_kib > 500);
    }

    #[test]
    fn the_first_line_is_read_and_the_process_ends_with_its_guard() {
        let (running, line) = Running::start_and_read_line(
            Command::new("sh").args(["-c", "echo ready; exec sleep 60"]),
            Duration::from_secs(10),
        )
        .unwrap();
        assert_eq!(line, "ready\n");
        let proc = format!("/proc/{}", running.pid());
        assert!(fs::exists(&proc).unwrap());
        drop(running);
        assert!(!fs::exists(&proc).unwrap());
    }
}
