//! Whether this host can dial up: NetworkManager does it by a plug-in, which some distributions pack by itself, and by pppd.
//! Neither is told over D-Bus, so they are looked for where they are installed.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{sync::Mutex, task::spawn_blocking, time::Instant};

/// How long what was found is believed. Whoever installs something does not wait longer for it.
const GOOD: Duration = Duration::from_secs(60);

/// What was found last, of which version of NetworkManager, and when.
#[derive(Debug, Default)]
pub(super) struct Dial(Mutex<Option<(String, Instant, bool)>>);

impl Dial {
    /// Says whether NetworkManager of a version can dial up.
    pub(super) async fn can(&self, version: &str) -> bool {
        self.asked(version, installed).await
    }

    /// Looks at most once a minute, for how the network stands is asked often; and disks may be slow.
    async fn asked(&self, version: &str, look: impl FnOnce(&str) -> bool + Send + 'static) -> bool {
        let mut known = self.0.lock().await;
        if let Some((of, at, can)) = &*known
            && of == version
            && at.elapsed() < GOOD
        {
            return *can;
        }
        let of = version.to_owned();
        let can = spawn_blocking(move || look(&of)).await.unwrap_or(false);
        *known = Some((version.to_owned(), Instant::now(), can));
        can
    }
}

fn installed(version: &str) -> bool {
    let there = |path: &str| Path::new(path).exists();
    let pppd = ["/usr/sbin/pppd", "/sbin/pppd", "/usr/bin/pppd", "/usr/local/sbin/pppd"].into_iter().any(there);
    let homes = ["/usr/lib", "/usr/lib64"].into_iter().map(PathBuf::from);
    let multiarch = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path()).take(4096);
    let plugins: Vec<PathBuf> = homes
        .chain(multiarch.filter(|path| path.to_string_lossy().contains("-linux-")))
        .map(|home| home.join("NetworkManager").join(version))
        .filter(|plugins| plugins.is_dir())
        .collect();
    // Where its plug-ins are not found at all, pppd alone decides.
    pppd && (plugins.is_empty() || plugins.iter().any(|plugins| plugins.join("libnm-ppp-plugin.so").exists()))
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn the_disk_is_looked_at_once_for_each_version_and_not_at_every_look_at_the_network() {
        let (dial, looks) = (Dial::default(), Arc::<AtomicUsize>::default());
        for (version, can) in [("1.42.4", true), ("1.42.4", true), ("1.44.2", false), ("1.44.2", false)] {
            let looks = looks.clone();
            let asked = dial.asked(version, move |of| {
                looks.fetch_add(1, Ordering::Relaxed);
                of == "1.42.4"
            });
            assert_eq!(asked.await, can);
        }
        assert_eq!(looks.load(Ordering::Relaxed), 2);
        let old = Instant::now().checked_sub(GOOD).unwrap();
        *dial.0.lock().await = Some(("1.44.2".into(), old, false));
        assert!(dial.asked("1.44.2", |_| true).await, "what was installed since is found");
    }
}
