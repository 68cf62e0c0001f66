//! A file that only its owner can read, replaced as a whole.

use super::{Promise, Storage, StorageError, StorageLock, Stored};
use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use zeroize::Zeroizing;

/// Whoever holds the lock asks the server, and gives up after 10 seconds.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// Keeps it as JSON in a file, for programs that run more than once.
///
/// The tokens stand there in plain text: whoever can read the file is signed in until the session
/// ends. It is made with mode 0600, its folder, where it is missing, with 0700 (on Unix; elsewhere
/// with the rights of their folder). It is replaced by renaming, so that a reader, or a crash, finds
/// the old text or the new one and never a part.
///
/// Programs may share a file: whoever changes it holds an advisory lock on an empty file beside it,
/// whose name ends in `.lock`, and so does not use a refresh token that another has used. The lock
/// ends with its process. Whoever waits for it for 30 seconds is told so. A file system without locks
/// leaves them to the server's `rotation_grace`.
#[derive(Clone, Debug)]
pub struct File(PathBuf);

impl File {
    /// The file at this path, which need not be there.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    fn read(&self) -> Result<Option<Stored>, StorageError> {
        let text = match fs::read(&self.0) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(serde_json::from_slice(&text).map_err(|error| damaged(&error))?))
    }

    fn replace(&self, stored: &Stored) -> Result<(), StorageError> {
        let text = Zeroizing::new(serde_json::to_vec(stored)?);
        make_folder_of(&self.0)?;
        let new = self.beside();
        let written = write_new(&new, &text).and_then(|()| fs::rename(&new, &self.0));
        Ok(written.inspect_err(|_| drop(fs::remove_file(&new)))?)
    }

    /// A name that nobody else writes to.
    fn beside(&self) -> PathBuf {
        static WRITTEN: AtomicU64 = AtomicU64::new(0);
        let count = WRITTEN.fetch_add(1, Ordering::Relaxed);
        self.with_ending(&format!(".{}.{count}.new", std::process::id()))
    }

    /// Not the file itself, since that is replaced.
    fn lock_path(&self) -> PathBuf {
        self.with_ending(".lock")
    }

    fn with_ending(&self, ending: &str) -> PathBuf {
        let mut name = self.0.file_name().unwrap_or_default().to_owned();
        name.push(ending);
        self.0.with_file_name(name)
    }
}

impl Storage for File {
    fn load(&self) -> Promise<'_, Option<Stored>> {
        Box::pin(async { self.read().map_err(|error| named(&self.0, error)) })
    }

    fn save<'a>(&'a self, stored: &'a Stored) -> Promise<'a, ()> {
        Box::pin(async { self.replace(stored).map_err(|error| named(&self.0, error)) })
    }

    fn lock(&self) -> Promise<'_, StorageLock> {
        Box::pin(async {
            let path = self.lock_path();
            let lock = locked(&path).await.map_err(|error| named(&path, error.into()))?;
            Ok(Box::new(lock) as StorageLock)
        })
    }
}

fn named(path: &Path, source: StorageError) -> StorageError {
    FileError { path: path.to_owned(), source }.into()
}

/// Which file it was.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used", path.display())]
struct FileError {
    path: PathBuf,
    source: StorageError,
}

/// The words of `serde_json` may quote what it read.
fn damaged(error: &serde_json::Error) -> io::Error {
    let place = format!("it is damaged at line {}, column {}", error.line(), error.column());
    io::Error::new(ErrorKind::InvalidData, place)
}

/// The file at this path, locked until it is closed. It is tried again and again: a thread that waits
/// for a lock cannot be called back.
async fn locked(path: &Path) -> io::Result<fs::File> {
    make_folder_of(path)?;
    let file = for_its_owner().create(true).truncate(false).open(path)?;
    for _ in 0..LONGEST_WAIT.as_millis() / PAUSE.as_millis() {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
            Err(TryLockError::Error(error)) if error.kind() != ErrorKind::Unsupported => {
                return Err(error);
            }
            _ => return Ok(file),
        }
    }
    let seconds = LONGEST_WAIT.as_secs();
    let told = format!("other programs have held it for {seconds} seconds; is one of them stuck?");
    Err(io::Error::new(ErrorKind::TimedOut, told))
}

fn make_folder_of(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

fn for_its_owner() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = for_its_owner();
    options.create_new(true);
    let mut file = match options.open(path) {
        // Left by a process that had our number and died.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            options.open(path)?
        }
        opened => opened?,
    };
    file.write_all(text)?;
    // Without it a crash of the machine could leave the new name on an empty file.
    file.sync_all()
}
