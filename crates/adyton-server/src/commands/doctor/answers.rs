//! What the server answers: at its own address, and through the URL that people see.

use super::Finding;
use super::codes::*;
use super::database::TOLERANCE;
use super::request::{Answer, Url};
use adyton::RequestIds;
use adyton::core::clock::{Clock, SystemClock, Timestamp};
use adyton::core::config::Config;

/// What comes back if a trusted proxy passes it on.
const PROBE: &str = "adyton-doctor";

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings: Vec<_> = own(config).into_iter().collect();
    let Some(url) = config.server.public_url.as_deref().and_then(Url::read) else {
        return findings;
    };
    let unreachable =
        |error| vec![Finding::new(&PUBLIC_URL_UNREACHABLE, format!("{url}: {error}"))];
    findings.extend(if url.https {
        let connected =
            url.connect().map(|_| vec![Finding::new(&TLS_NOT_CHECKED, url.to_string())]);
        connected.unwrap_or_else(unreachable)
    } else {
        public(config, &url).unwrap_or_else(unreachable)
    });
    findings
}

/// The server at its own address.
fn own(config: &Config) -> Option<Finding> {
    let mut address = config.server.listen;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            [0, 0, 0, 0, 0, 0, 0, 1].into()
        });
    }
    let url = Url::read(&format!("http://{address}"))?;
    match url.get("/readyz", &[]) {
        Err(error) => Some(Finding::new(&SERVER_NOT_RUNNING, format!("{address}: {error}"))),
        Ok(Answer { status, body, .. }) => {
            let body: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
            let checks = body.get("checks").map(ToString::to_string).unwrap_or_default();
            let code = match status {
                200 if body.get("status").is_some_and(|status| status == "degraded") => {
                    &SERVER_DEGRADED
                }
                200 => return None,
                _ => &SERVER_NOT_READY,
            };
            Some(Finding::new(code, format!("{address}: {status} {checks}")))
        }
    }
}

/// The same through the URL that people see.
fn public(config: &Config, url: &Url) -> std::io::Result<Vec<Finding>> {
    let health = url.get("/healthz", &[])?;
    if (300..400).contains(&health.status) {
        let to = health.header("location").unwrap_or("nowhere");
        return Ok(vec![Finding::new(&PUBLIC_URL_REDIRECTS, format!("{url} leads to {to}"))]);
    }
    let path = format!("{}/session", config.server.base_path);
    let session = url.get(&path, &[(RequestIds::HEADER.as_str(), PROBE)])?;
    let guest = session.status == 200 && session.body.contains(r#""user":null"#);
    if health.status != 200 || !guest {
        let (first, second) = (health.status, session.status);
        let detail = format!("{url} answers /healthz with {first} and {path} with {second}");
        return Ok(vec![Finding::new(&PUBLIC_URL_FOREIGN, detail)]);
    }
    let skewed = skewed(&session, url);
    Ok(skewed.into_iter().chain(unrecognised(config, &session, url)).collect())
}

fn skewed(answer: &Answer, url: &Url) -> Option<Finding> {
    let (now, there) =
        (SystemClock::default().now(), Timestamp::from_http_date(answer.header("date")?)?);
    let apart = there.seconds_after(now).max(now.seconds_after(there));
    let detail = || format!("it is {now} here, and {there} at {url}");
    (apart > TOLERANCE).then(|| Finding::new(&CLOCK_SKEWED, detail()))
}

/// Only a trusted proxy's word for a request's id is taken.
fn unrecognised(config: &Config, answer: &Answer, url: &Url) -> Option<Finding> {
    let trusted = &config.server.trusted_proxies;
    let taken = answer.header(RequestIds::HEADER.as_str()) == Some(PROBE);
    let detail = || format!("{url}; trusted are {}", trusted.join(", "));
    (!trusted.is_empty() && !taken).then(|| Finding::new(&PROXY_UNRECOGNISED, detail()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_whose_word_is_not_taken_is_named_if_one_should_be_trusted() {
        let url = Url::read("http://a.example").unwrap();
        let found = |trusted: &[&str], id: &str| {
            let mut config = Config::default();
            config.server.trusted_proxies = trusted.iter().map(ToString::to_string).collect();
            let text = format!("HTTP/1.1 200 OK\r\nX-Request-Id: {id}\r\n\r\n");
            unrecognised(&config, &Answer::read(&text).unwrap(), &url).is_some()
        };
        assert!(found(&["10.0.0.1"], "k3Jd82Lm-1f"));
        assert!(!found(&["10.0.0.1"], PROBE) && !found(&[], "k3Jd82Lm-1f"));
    }
}
