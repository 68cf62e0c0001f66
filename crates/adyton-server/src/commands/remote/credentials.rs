//! Where a user's tokens for a server are: one file for each server, below the user's own
//! configuration.

use crate::config_file::Environment;
use adyton_client::BaseUrl;
use anyhow::{Context, Result};
use std::fmt::Write;
use std::path::PathBuf;

/// `$XDG_CONFIG_HOME/adyton/servers`, else `~/.config/adyton/servers`, with a name that no other
/// server has.
pub(super) fn path(server: &BaseUrl, environment: &Environment) -> Result<PathBuf> {
    let variable = |name: &str| {
        let mut found = environment.iter().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| PathBuf::from(value)).filter(|path| path.is_absolute())
    };
    let folder = variable("XDG_CONFIG_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".config")))
        .context("cannot tell where to keep tokens: neither HOME nor XDG_CONFIG_HOME is set")?;
    Ok(folder.join("adyton/servers").join(file_name(server)))
}

fn file_name(server: &BaseUrl) -> String {
    let mut name = String::new();
    for byte in server.to_string().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => name.push(char::from(byte)),
            // Writing to a text cannot fail.
            other => drop(write!(name, "%{other:02X}")),
        }
    }
    name + ".json"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_in(environment: &[(&str, &str)], server: &str) -> Option<String> {
        let environment = environment.iter().map(|(name, value)| (name.into(), value.into()));
        let path = path(&server.parse().unwrap(), &environment.collect()).ok()?;
        Some(path.to_str().unwrap().to_owned())
    }

    #[test]
    fn each_server_has_a_file_of_its_own() {
        let home = [("HOME", "/home/ada")];
        let file = |server| path_in(&home, server).unwrap();
        let folder = "/home/ada/.config/adyton/servers/";
        let expected = format!("{folder}https%3A%2F%2Fa.example%2Fapi%2Fauth.json");
        assert_eq!(file("https://a.example"), expected);
        let others = ["http://a.example", "https://a.example:8443", "https://a.example/api_auth"];
        for other in others {
            assert_ne!(file(other), expected);
        }
    }

    #[test]
    fn the_users_own_folder_is_taken() {
        let path = |environment| path_in(environment, "https://a.example");
        let both = [("HOME", "/home/ada"), ("XDG_CONFIG_HOME", "/etc/ada")];
        assert!(path(&both).unwrap().starts_with("/etc/ada/adyton/servers/"));
        // The specification has relative ones ignored.
        let relative = [("HOME", "/home/ada"), ("XDG_CONFIG_HOME", "ada")];
        assert!(path(&relative).unwrap().starts_with("/home/ada/.config/adyton/"));
        assert_eq!(path(&[]), None);
    }
}
