//! `adyton doctor`: looks at the configuration and what surrounds it from outside, as somebody who
//! is called for help would, and names what is wrong by a stable code. It mends nothing.

mod answers;
mod codes;
mod database;
mod files;
mod options;
mod request;

pub use codes::{CODES, Code, Level};

use crate::cli::sentence;
use crate::config_file::Settings;
use anyhow::{Result, ensure};
use clap::Args;
use serde_json::json;
use std::io::Write;

/// How to tell what was found.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Something that was found.
#[derive(Debug)]
struct Finding {
    code: &'static Code,
    /// What of it, here.
    detail: String,
}

impl Finding {
    fn new(code: &'static Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

pub(crate) fn run(
    command: &Doctor,
    settings: impl FnOnce() -> Result<Settings>,
    out: &mut impl Write,
) -> Result<()> {
    let mut findings = match settings() {
        Ok(settings) => examine(&settings)?,
        Err(error) => vec![Finding::new(&codes::CONFIGURATION_INVALID, sentence(&error))],
    };
    findings.sort_by_key(|finding| finding.code.level);
    if command.json {
        let all: Vec<_> = findings.iter().map(as_json).collect();
        writeln!(out, "{}", json!({ "findings": all }))?;
    } else {
        findings.iter().try_for_each(|finding| show(finding, out))?;
    }
    let errors = findings.iter().filter(|finding| finding.code.level == Level::Error).count();
    ensure!(errors == 0, "something is wrong ({errors} of {} findings)", findings.len());
    if findings.is_empty() && !command.json {
        writeln!(out, "nothing was found")?;
    }
    Ok(())
}

fn examine(settings: &Settings) -> Result<Vec<Finding>> {
    let config = &settings.config;
    let mut findings = options::examine(config);
    findings.extend(files::examine(settings));
    findings.extend(database::examine(config)?);
    findings.extend(answers::examine(config));
    Ok(findings)
}

fn show(finding: &Finding, out: &mut impl Write) -> Result<()> {
    let Finding { code, detail } = finding;
    let detail = super::terminal::shown(detail);
    writeln!(out, "{} {}: {detail}", code.level.as_str(), code.name)?;
    Ok(writeln!(out, "    {}", code.advice)?)
}

fn as_json(finding: &Finding) -> serde_json::Value {
    let Finding { code, detail } = finding;
    json!({
        "code": code.name,
        "severity": code.level.as_str(),
        "detail": detail,
        "advice": code.advice,
    })
}
