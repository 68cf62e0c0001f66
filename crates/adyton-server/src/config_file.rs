//! Where the configuration comes from: the defaults, then `adyton.toml`, then the environment.
//! Later wins, and every value remembers its origin, so that an error or `adyton config show` can
//! name it. What options there are and which values go together is [`Config`]'s business.

mod environment;
mod file;
mod mask;

use adyton::core::config::{Config, Connector, OPTIONS, keys};
use anyhow::{Context, Result, anyhow, bail};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The process's environment, read once in `main`.
pub type Environment = Vec<(OsString, OsString)>;

/// The name of the file that is read when nothing names one.
pub const DEFAULT_FILE: &str = "adyton.toml";

/// A valid configuration, and where each of its values comes from.
#[derive(Debug)]
pub struct Settings {
    /// The merged and checked values.
    pub config: Config,
    /// The file that was read, as it was named.
    pub file: Option<String>,
    origins: BTreeMap<String, Origin>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A file, and the line of the key.
    File(String, usize),
    /// A variable of the environment.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(name, line) => write!(f, "{}:{line}", name.escape_debug()),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// One value for `adyton config show`.
#[derive(Debug)]
pub struct Entry {
    /// The key, with dots.
    pub key: String,
    /// Its value; a secret is masked.
    pub value: Value,
    /// Who set it.
    pub origin: Origin,
}

impl Settings {
    /// Finds the file (`--config`, else `ADYTON_CONFIG`, else `./adyton.toml` if there is one),
    /// reads it, and lays the environment over it.
    ///
    /// # Errors
    /// A named file that cannot be read, and everything that [`Settings::merge`] refuses.
    pub fn read(flag: Option<&Path>, environment: &Environment) -> Result<Self> {
        let Some(path) = find(flag, environment) else { return Self::merge(None, environment) };
        let name = path.display().to_string();
        let read = std::fs::read_to_string(&path);
        let missing = read.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound);
        let by =
            if flag.is_none() && name != DEFAULT_FILE { ", which ADYTON_CONFIG names" } else { "" };
        let cure = if missing {
            format!("; `adyton config init {name}` writes one")
        } else {
            String::new()
        };
        let text = read.with_context(|| format!("cannot read {name}{by}{cure}"))?;
        Self::merge(Some((&name, &text)), environment)
    }

    /// Merges a file's name and text with an environment.
    ///
    /// # Errors
    /// An unknown key or variable, a value of the wrong type, a key in two spellings, and what
    /// [`Config::validate`] refuses; each with its place.
    pub fn merge(file: Option<(&str, &str)>, environment: &Environment) -> Result<Self> {
        let mut set = Table::new();
        let mut origins = BTreeMap::new();
        if let Some((name, text)) = file {
            let parsed = file::parse(name, text)?;
            set = parsed.table;
            let origin = |(key, line)| (key, Origin::File(name.to_owned(), line));
            origins.extend(parsed.lines.into_iter().map(origin));
        }
        environment::overlay(&mut set, &mut origins, environment)?;
        let config = set.try_into().map_err(|e| anyhow!("{}", e.message()))?;
        let settings = Self { config, file: file.map(|(name, _)| name.to_owned()), origins };
        settings.validate()?;
        Ok(settings)
    }

    fn validate(&self) -> Result<()> {
        let checked = self.config.validate().and_then(|()| adyton::check_shared(&self.config));
        let Err(error) = checked else { return Ok(()) };
        // Of settings that contradict each other, the one that somebody made is the one to mend.
        let keys = [&[error.key], error.beside].concat();
        let set = keys.iter().find(|key| !matches!(self.origin(key), Origin::Default));
        let key = set.copied().unwrap_or(error.key);
        let about = if key == error.key { String::new() } else { format!("`{}` ", error.key) };
        bail!("`{key}` ({}): {about}{}", self.origin(key), error.problem)
    }

    /// Who set a key; for a table, who set the first of its keys.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        let within = |set: &str| keys::is_within(set, key);
        let first = self.origins.iter().find(|(set, _)| within(set));
        first.map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// How many values the file and the environment set.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let in_file = |origin: &&Origin| matches!(origin, Origin::File(..));
        let file = self.origins.values().filter(in_file).count();
        (file, self.origins.len() - file)
    }

    /// Every value, in the order of the reference. Options that have none are left out.
    ///
    /// # Errors
    /// None is known: a configuration can always be written down.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let mut all =
            Table::try_from(&self.config).context("cannot write the configuration down")?;
        let connector = &self.config.connector;
        if connector.name.is_none() {
            insert(&mut all, "connector.name", connector.driver().as_str().into());
        }
        if connector.url.is_none() && connector.options.is_none() {
            insert(&mut all, "connector.options.path", Connector::DEFAULT_PATH.into());
        }
        let mut entries: Vec<Entry> = Vec::new();
        for key in keys::leaves() {
            if let Some(value) = get(&all, &key) {
                let value = mask::masked(&key, value.clone());
                entries.push(Entry { origin: self.origin(&key), key, value });
            }
        }
        Ok(entries)
    }
}

/// A complete `adyton.toml`: every option with its meaning, commented out at its default. A setting
/// is a line that begins with `#` and no blank, so that taking the `#` away puts it in force.
#[must_use]
pub fn template() -> String {
    let mut text = String::from(
        "# Adyton. Take the # before a setting away to change it; each stands at its default.\n\
         # Environment variables win over this file: ADYTON_SERVER__LISTEN for server.listen.\n",
    );
    let mut table = "";
    for option in OPTIONS {
        let (parent, name) = option.key.rsplit_once('.').unwrap_or(("", option.key));
        if parent != table {
            text += &format!("\n[{parent}]\n");
            table = parent;
        }
        let setting = match option.default {
            "" => format!("# {name} has no default\n"),
            default => format!("#{name} = {default}\n"),
        };
        text += &format!("\n# {}\n{setting}", option.meaning);
    }
    text
}

fn find(flag: Option<&Path>, environment: &Environment) -> Option<PathBuf> {
    let named = || {
        let (_, value) = environment.iter().find(|(name, _)| name == "ADYTON_CONFIG")?;
        Some(PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty())
    };
    let default = || Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists());
    flag.map(Path::to_owned).or_else(named).or_else(default)
}

fn get<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        Some((first, rest)) => get(table.get(first)?.as_table()?, rest),
        None => table.get(key),
    }
}

fn insert(table: &mut Table, key: &str, value: Value) {
    let Some((first, rest)) = key.split_once('.') else {
        table.insert(key.to_owned(), value);
        return;
    };
    let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(inner) = inner {
        insert(inner, rest, value);
    }
}
