//! A file that only its owner can read, replaced as a whole.

use super::{Promise, Storage, StorageError, Stored};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroizing;

/// Keeps it as JSON in a file, for programs that run more than once.
///
/// The tokens stand there in plain text: whoever can read the file is signed in until the session
/// ends. It is made with mode 0600, its folder, where it is missing, with 0700 (on Unix; elsewhere
/// with the rights of their folder). It is replaced by renaming, so that a reader, or a crash, finds
/// the old text or the new one and never a part.
///
/// Programs may share a file: two that refresh at the same time get the same pair within the
/// server's `rotation_grace`. With a `rotation_grace` of 0 each needs a file of its own.
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
        let folder = self.0.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or(Ok(()), make_folder)?;
        let new = self.beside();
        let written = write_new(&new, &text).and_then(|()| fs::rename(&new, &self.0));
        Ok(written.inspect_err(|_| drop(fs::remove_file(&new)))?)
    }

    /// A name that nobody else writes to.
    fn beside(&self) -> PathBuf {
        static WRITTEN: AtomicU64 = AtomicU64::new(0);
        let count = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let mut name = self.0.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.{count}.new", std::process::id()));
        self.0.with_file_name(name)
    }
}

impl Storage for File {
    fn load(&self) -> Promise<'_, Option<Stored>> {
        Box::pin(async { self.read().map_err(|error| self.named(error)) })
    }

    fn save<'a>(&'a self, stored: &'a Stored) -> Promise<'a, ()> {
        Box::pin(async { self.replace(stored).map_err(|error| self.named(error)) })
    }
}

impl File {
    fn named(&self, source: StorageError) -> StorageError {
        FileError { path: self.0.clone(), source }.into()
    }
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

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
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
