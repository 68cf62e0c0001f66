//! Who may read what stands on disk, and whether more can be written there.

use super::Finding;
use super::codes::*;
use crate::config_file::Settings;
use adyton::core::config::{Config, Place};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What a busy server writes in a few seconds.
const ROOM: usize = 1 << 20;

pub(super) fn examine(settings: &Settings) -> Vec<Finding> {
    let config = &settings.config;
    let mut findings = Vec::new();
    let file = settings.file.as_ref().map(PathBuf::from).filter(|_| holds_a_password(config));
    if let Some(file) = file.filter(|file| open_to_others(file)) {
        findings.push(Finding::new(&CONFIGURATION_READABLE, told(&file)));
    }
    let Ok(Place::File(database)) = config.connector.place() else { return findings };
    for end in ["", "-wal", "-shm"] {
        let file = PathBuf::from(format!("{}{end}", database.display()));
        if open_to_others(&file) {
            findings.push(Finding::new(&DATABASE_READABLE, told(&file)));
        }
    }
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if folder.is_dir() {
        if open_to_others(folder) {
            findings.push(Finding::new(&FOLDER_OPEN, told(folder)));
        }
        if let Err(error) = write_beside(folder) {
            let detail = format!("{}: {error}", folder.display());
            findings.push(Finding::new(&FOLDER_NOT_WRITABLE, detail));
        }
    }
    findings
}

fn holds_a_password(config: &Config) -> bool {
    let within = |url: &str| url.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    let connector = &config.connector;
    connector.options.as_ref().is_some_and(|options| options.password.is_some())
        || connector.url.as_deref().is_some_and(within)
        || within(&config.rate_limiting.store)
}

fn mode(path: &Path) -> Option<u32> {
    Some(fs::metadata(path).ok()?.permissions().mode() & 0o777)
}

fn open_to_others(path: &Path) -> bool {
    mode(path).is_some_and(|mode| mode & 0o077 != 0)
}

fn told(path: &Path) -> String {
    format!("{} has mode {:04o}", path.display(), mode(path).unwrap_or_default())
}

/// Writes as much as a server soon needs, and takes it away again. The system's own figure of free
/// space knows neither quotas nor who may write.
fn write_beside(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".adyton-doctor-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    let written = file.write_all(&vec![0; ROOM]).and_then(|()| file.sync_all());
    fs::remove_file(&path)?;
    written
}
