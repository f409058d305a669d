use std::{fs, time::Duration};

use lookout_core::profile::wire::Wire as _;
use tokio::task::JoinSet;

use super::*;

const RULES: Rules = Rules { secrets: Secrets::Masked, password_min: 8 };

fn open(dir: &Path) -> Arc<Store> {
    Arc::new(Store::open(dir, RULES).unwrap().store)
}

/// A draft that adds a letter to the alias, which must have room for it.
fn letter(letter: char) -> impl FnOnce(&Settings, &Rules) -> Result<Settings, Illegal> + Send + 'static {
    move |old, _| {
        let mut new = old.clone();
        new.alias.take(&format!("{}{letter}", old.alias.as_str()))?;
        Ok(new)
    }
}

/// Orders one change after the other, while the disk is busy.
async fn order(store: &Arc<Store>, letters: &str) -> JoinSet<Result<(), Failure>> {
    let mut tasks = JoinSet::new();
    for (count, each) in letters.chars().enumerate() {
        let orders = store.clone();
        tasks.spawn(async move { orders.change(By::Camera, letter(each)).await });
        let open = || store.waiting().iter().filter(|order| !order.answer.is_closed()).count();
        while open() <= count {
            tokio::task::yield_now().await;
        }
    }
    tasks
}

#[tokio::test]
async fn changes_that_come_while_the_disk_is_busy_are_one_save() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.change(By::Camera, letter('-')).await.unwrap();
    let mut seen = store.follow();
    let busy = store.disk.clone().lock_owned().await;
    // The alias has 20 bytes at most: the last two are refused, and cost the others nothing.
    let tasks = order(&store, "abcdefghijkl+").await;
    assert!(!seen.has_changed().unwrap(), "nothing is announced before it is saved");
    drop(busy);
    let refused = tasks.join_all().await.into_iter().filter(|done| *done == Err(Failure::IllegalParam)).count();
    assert_eq!((store.get().alias.as_str(), refused), ("ipcamera-abcdefghijk", 2));
    assert_eq!(seen.borrow_and_update().alias.as_str(), "ipcamera-abcdefghijk");
    // With a save for each, the previous generation would lack no more than the last letter.
    let previous = fs::read_to_string(dir.path().join("settings.previous.toml")).unwrap();
    assert!(previous.contains("alias = \"ipcamera-\"\n"), "{previous}");
}

#[tokio::test]
async fn a_disk_that_refuses_fails_all_that_it_was_to_save_and_nothing_changes_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (before, mut seen) = (store.get(), store.follow());
    let temporary = dir.path().join("settings.new.toml");
    fs::create_dir(&temporary).unwrap(); // Opening it for writing fails.
    let busy = store.disk.clone().lock_owned().await;
    let tasks = order(&store, "abc").await;
    drop(busy);
    assert_eq!(tasks.join_all().await, [Err(Failure::Internal); 3]);
    assert!(store.get() == before && !seen.has_changed().unwrap());
    fs::remove_dir(&temporary).unwrap();
    store.change(By::Camera, letter('d')).await.unwrap();
    assert_eq!(seen.borrow_and_update().alias.as_str(), "ipcamerad");
}

#[tokio::test]
async fn a_change_given_up_before_its_save_is_never_made_and_one_given_up_later_is_made_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let busy = store.disk.clone().lock_owned().await;
    let mut given_up = order(&store, "a").await;
    given_up.shutdown().await;
    let mut also_given_up = order(&store, "c").await;
    assert_eq!(store.waiting().len(), 1, "what is given up is not gathered");
    also_given_up.shutdown().await;
    drop(busy);
    store.change(By::Camera, letter('b')).await.unwrap();
    assert_eq!(store.get().alias.as_str(), "ipcamerab");

    let (begun, begins) = std::sync::mpsc::channel();
    let (go_on, goes_on) = std::sync::mpsc::channel::<()>();
    let slow = move |old: &Settings, rules: &Rules| {
        begun.send(()).unwrap();
        goes_on.recv().unwrap();
        letter('c')(old, rules)
    };
    let task = {
        let store = store.clone();
        tokio::spawn(async move { store.change(By::Camera, slow).await })
    };
    tokio::task::spawn_blocking(move || begins.recv().unwrap()).await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    go_on.send(()).unwrap();
    let mut seen = store.follow();
    tokio::time::timeout(Duration::from_secs(20), seen.wait_for(|now| now.alias.as_str() == "ipcamerabc"))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn what_changes_nothing_is_not_saved() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.change(By::Camera, |old, _| Ok(old.clone())).await.unwrap();
    assert!(!dir.path().join("settings.toml").exists());
}

#[tokio::test]
async fn a_reset_leaves_no_old_password_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let account = |old: &Settings, _: &Rules| {
        let mut new = old.clone();
        new.users[0].name.take("admin")?;
        new.users[0].pwd.take("old password")?;
        Ok(new)
    };
    store.change(By::Camera, account).await.unwrap();
    store.change(By::Camera, letter('-')).await.unwrap();
    fs::write(dir.path().join("settings.damaged.toml"), "$argon2id$").unwrap();
    store.reset(By::Camera).await.unwrap();
    let files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.iter().all(|path| !fs::read_to_string(path).unwrap().contains("$argon2id$")), "{files:?}");
    drop(store);
    assert!(Store::open(dir.path(), RULES).unwrap().fresh);
}

#[tokio::test]
async fn whoever_is_no_account_any_more_changes_nothing_and_resets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let known = store.get().users[0].clone();
    store.change(By::User(&known), letter('1')).await.unwrap();
    let mut gone = known;
    gone.name.take("gone").unwrap();
    assert_eq!(store.change(By::User(&gone), letter('2')).await, Err(Failure::Gone));
    assert_eq!(store.reset(By::User(&gone)).await, Err(Failure::Gone));
    assert_eq!(store.get().alias.as_str(), "ipcamera1");
}
