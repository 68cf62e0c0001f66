//! Lays `ADYTON_<KEY>` variables over the settings of the file. `__` nests, case does not matter.
//! A variable is text, so what it means is what [`Config`] expects of its key: a string stays one
//! even if it looks like a number. Values never appear in an error about a table or a secret.

use super::{Environment, Origin, insert};
use adyton::core::config::{Config, keys};
use anyhow::{Context, Result, anyhow, bail, ensure};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use toml::{Table, Value};

const PREFIX: &str = "ADYTON_";

pub(super) fn overlay(
    set: &mut Table,
    origins: &mut BTreeMap<String, Origin>,
    environment: &Environment,
) -> Result<()> {
    for (key, (name, raw)) in ours(environment)? {
        let raw = raw.to_str().with_context(|| format!("{name} is not valid UTF-8"))?;
        for (leaf, value) in values(&key, raw).with_context(|| name.clone())? {
            insert(set, &leaf, value);
            origins.insert(leaf, Origin::Variable(name.clone()));
        }
    }
    Ok(())
}

/// Our variables by their keys, a table before its keys.
fn ours(environment: &Environment) -> Result<BTreeMap<String, (String, &OsStr)>> {
    let mut ours = BTreeMap::new();
    for (name, raw) in environment {
        let name = name.to_string_lossy().into_owned();
        let upper = name.to_ascii_uppercase();
        let Some(key) = upper.strip_prefix(PREFIX).filter(|key| !is_foreign(key)) else { continue };
        let key = key.to_ascii_lowercase().replace("__", ".");
        ensure!(keys::is_leaf(&key) || keys::is_table(&key), unknown(&name, &key));
        if let Some((other, _)) = ours.insert(key, (name.clone(), raw.as_os_str())) {
            bail!("{other} and {name} set the same key");
        }
    }
    Ok(ours)
}

/// Variables that orchestrators, tests and `--config` set.
fn is_foreign(key: &str) -> bool {
    key == "CONFIG" || ["TEST_", "SERVICE_", "PORT"].iter().any(|start| key.starts_with(start))
}

fn unknown(name: &str, key: &str) -> String {
    let variable = |key: String| PREFIX.to_owned() + &key.to_ascii_uppercase().replace('.', "__");
    let near = keys::nearest(key).map(variable);
    let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    format!("unknown variable {}{hint}", name.escape_debug())
}

/// The value of a key, or those of a table's keys.
fn values(key: &str, raw: &str) -> Result<Vec<(String, Value)>> {
    if keys::is_leaf(key) {
        return Ok(vec![(key.to_owned(), value(key, raw)?)]);
    }
    let Ok(Value::Table(table)) = raw.parse() else {
        bail!("`{key}` must be a TOML table such as {{ key = \"value\" }}");
    };
    let mut leaves = Vec::new();
    flatten(&format!("{key}."), table, &mut leaves)?;
    Ok(leaves)
}

fn flatten(prefix: &str, table: Table, leaves: &mut Vec<(String, Value)>) -> Result<()> {
    for (key, value) in table {
        let key = format!("{prefix}{}", keys::snake(&key));
        ensure!(leaves.iter().all(|(other, _)| *other != key), "`{key}` is set in both spellings");
        match value {
            Value::Table(inner) if keys::is_table(&key) => {
                flatten(&format!("{key}."), inner, leaves)?;
            }
            value if keys::is_leaf(&key) => {
                fits(&key, &value)?;
                leaves.push((key, value));
            }
            _ => bail!("unknown key `{}`", key.escape_debug()),
        }
    }
    Ok(())
}

/// Reads one value: as the first of a string, a number or truth value, and a list that its key
/// takes.
fn value(key: &str, raw: &str) -> Result<Value> {
    let text = Value::String(raw.to_owned());
    let Err(refusal) = fits(key, &text) else { return Ok(text) };
    let list = Value::Array(Vec::new());
    if fits(key, &list).is_ok() {
        let list = list_of(raw).with_context(|| format!("`{key}` is no list"))?;
        return fits(key, &list).map(|()| list);
    }
    match scalar(raw) {
        Some(scalar) => fits(key, &scalar).map(|()| scalar),
        None => Err(refusal),
    }
}

fn scalar(raw: &str) -> Option<Value> {
    let number = raw.parse().ok().map(Value::Integer);
    number.or_else(|| raw.to_ascii_lowercase().parse().ok().map(Value::Boolean))
}

fn list_of(raw: &str) -> Result<Value> {
    if raw.trim_start().starts_with('[') {
        return raw.trim().parse().map_err(|error: toml::de::Error| anyhow!("{}", error.message()));
    }
    let items = raw.split(',').map(str::trim).filter(|item| !item.is_empty());
    Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
}

/// Asks [`Config`] whether a key takes a value.
fn fits(key: &str, value: &Value) -> Result<()> {
    let mut alone = Table::new();
    insert(&mut alone, key, value.clone());
    let Err(error) = alone.try_into::<Config>() else { return Ok(()) };
    let secret = keys::is_within(key, "connector");
    let problem = if secret { "the value has the wrong form" } else { error.message() };
    bail!("`{key}`: {}", problem.trim_end())
}
