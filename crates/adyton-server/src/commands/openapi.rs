//! `adyton openapi`: prints the description of the endpoints, as `/openapi.json` serves it.

use crate::config_file::Settings;
use anyhow::Result;
use std::io::Write;

pub(crate) fn run(settings: &Settings, out: &mut impl Write) -> Result<()> {
    Ok(out.write_all(adyton::openapi(&settings.config).as_bytes())?)
}
