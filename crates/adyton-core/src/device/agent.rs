//! What a user agent tells of its device: a family, a system, a kind. Versions are left out on
//! purpose, since they change under a device that stays the same. Nothing here is proof of
//! anything: clients say what they like.

use super::DeviceKind;
use woothee::parser::{Parser, WootheeResult};

/// So many characters are looked at: no browser says more, and no parser shall have to read it.
const LONGEST: usize = 1024;
/// Longest name that is taken from a user agent which the parser does not know.
const LONGEST_PRODUCT: usize = 40;
/// What the parser calls what it does not know, or knows no name for.
const NAMELESS: [&str; 5] = ["", "UNKNOWN", "HTTP Library", "Indy Library", "misc crawler"];
/// Programs that people type at a prompt.
const COMMANDS: [&str; 4] = ["curl", "Wget", "HTTPie", "xh"];

/// A user agent, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Agent {
    /// The browser or program, without its version.
    pub(super) family: String,
    /// The operating system, without its version.
    pub(super) os: Option<String>,
    pub(super) kind: DeviceKind,
}

impl Agent {
    /// Reads a `User-Agent` header, whatever it holds; `None` when it holds nothing.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let found = Parser::new().parse(text).unwrap_or_default();
        let kind = kind(text, &found);
        Some(Self { family: family(text, found.name, kind), os: os(found.os), kind })
    }

    /// What people would call it: `Safari on iPhone`.
    pub(super) fn name(&self) -> String {
        match &self.os {
            Some(os) => format!("{} on {os}", self.family),
            None => self.family.clone(),
        }
    }
}

fn family(text: &str, found: &str, kind: DeviceKind) -> String {
    match found {
        "SamsungBrowser" => "Samsung Internet".to_owned(),
        // A page inside of an app, which does not say its name.
        "Webview" => "App".to_owned(),
        nameless if NAMELESS.contains(&nameless) => match product(text) {
            Some("Mozilla") if kind == DeviceKind::Bot => "Bot".to_owned(),
            Some("Mozilla") => "Browser".to_owned(),
            Some(product) => product.to_owned(),
            None => "Unknown client".to_owned(),
        },
        name => name.to_owned(),
    }
}

/// The product before the first version (RFC 9110, section 10.1.5), if it can be read as a name.
fn product(text: &str) -> Option<&str> {
    let product = text.split(['/', ' ', '(', ';']).next()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let named = product.bytes().all(plain) && product.bytes().any(|b| b.is_ascii_alphabetic());
    (named && product.len() <= LONGEST_PRODUCT).then_some(product)
}

fn os(found: &str) -> Option<String> {
    Some(match found {
        "" | "UNKNOWN" => return None,
        "Mac OSX" | "Mac OS Classic" => "macOS".to_owned(),
        "Windows Phone OS" => "Windows Phone".to_owned(),
        windows if windows.starts_with("Windows") => "Windows".to_owned(),
        other => other.to_owned(),
    })
}

fn kind(text: &str, found: &WootheeResult<'_>) -> DeviceKind {
    // Browsers of Android say `Mobile` on phones and nothing on larger screens.
    let large = text.contains("Tablet") || found.os == "Android" && !text.contains("Mobile");
    match found.category {
        "crawler" => DeviceKind::Bot,
        "pc" => DeviceKind::Desktop,
        "smartphone" | "mobilephone" if found.os == "iPad" || large => DeviceKind::Tablet,
        "smartphone" | "mobilephone" => DeviceKind::Phone,
        _ if product(text).is_some_and(|product| COMMANDS.contains(&product)) => DeviceKind::Cli,
        _ => DeviceKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeviceKind::{Bot, Cli, Desktop, Other, Phone, Tablet};
    use proptest::prelude::*;

    /// As the browsers of 2024 to 2026 send them.
    #[test]
    fn user_agents_are_read_as_people_would_call_them() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        let apple = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
        let (win, mac) = ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7");
        let iphone = "iPhone; CPU iPhone OS 18_6 like Mac OS X";
        let ipad = "iPad; CPU OS 18_1 like Mac OS X";
        for (agent, name, kind) in [
            (format!("Mozilla/5.0 ({win}) {webkit} Chrome/131.0.0.0 Safari/537.36"), "Chrome on Windows", Desktop),
            (format!("Mozilla/5.0 ({win}) {webkit} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0"), "Edge on Windows", Desktop),
            (format!("Mozilla/5.0 ({win}; rv:133.0) Gecko/20100101 Firefox/133.0"), "Firefox on Windows", Desktop),
            (format!("Mozilla/5.0 ({win}) {webkit} Chrome/131.0.0.0 Safari/537.36 OPR/116.0.0.0"), "Opera on Windows", Desktop),
            (format!("Mozilla/5.0 ({mac}) {apple} Version/18.1 Safari/605.1.15"), "Safari on macOS", Desktop),
            (format!("Mozilla/5.0 ({mac}) {apple} Version/26.0 Safari/605.1.15"), "Safari on macOS", Desktop),
            (format!("Mozilla/5.0 ({mac}) {webkit} Chrome/141.0.0.0 Safari/537.36"), "Chrome on macOS", Desktop),
            (format!("Mozilla/5.0 ({mac}) {webkit} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0"), "Edge on macOS", Desktop),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:144.0) Gecko/20100101 Firefox/144.0".into(), "Firefox on macOS", Desktop),
            (format!("Mozilla/5.0 (X11; Linux x86_64) {webkit} Chrome/131.0.0.0 Safari/537.36"), "Chrome on Linux", Desktop),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0".into(), "Firefox on Linux", Desktop),
            ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0".into(), "Firefox on Linux", Desktop),
            (format!("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {webkit} Chrome/131.0.0.0 Safari/537.36"), "Chrome on ChromeOS", Desktop),
            (format!("Mozilla/5.0 (Linux; Android 10; K) {webkit} Chrome/141.0.0.0 Mobile Safari/537.36"), "Chrome on Android", Phone),
            (format!("Mozilla/5.0 (Linux; Android 10; K) {webkit} Chrome/141.0.0.0 Safari/537.36"), "Chrome on Android", Tablet),
            (format!("Mozilla/5.0 (Linux; Android 10; K) {webkit} Chrome/131.0.0.0 Mobile Safari/537.36 EdgA/131.0.0.0"), "Edge on Android", Phone),
            (format!("Mozilla/5.0 (Linux; Android 14; SM-S918B) {webkit} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36"), "Samsung Internet on Android", Phone),
            ("Mozilla/5.0 (Android 15; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0".into(), "Firefox on Android", Phone),
            ("Mozilla/5.0 (Android 14; Tablet; rv:133.0) Gecko/133.0 Firefox/133.0".into(), "Firefox on Android", Tablet),
            (format!("Mozilla/5.0 ({iphone}) {apple} Version/26.0 Mobile/15E148 Safari/604.1"), "Safari on iPhone", Phone),
            (format!("Mozilla/5.0 ({iphone}) {apple} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1"), "Chrome on iPhone", Phone),
            (format!("Mozilla/5.0 ({iphone}) {apple} FxiOS/133.0 Mobile/15E148 Safari/605.1.15"), "Firefox on iPhone", Phone),
            (format!("Mozilla/5.0 ({iphone}) {apple} Version/18.0 EdgiOS/131.0.2903.68 Mobile/15E148 Safari/604.1"), "Edge on iPhone", Phone),
            (format!("Mozilla/5.0 ({iphone}) {apple} Mobile/15E148"), "App on iPhone", Phone),
            (format!("Mozilla/5.0 ({ipad}) {apple} Version/18.1 Mobile/15E148 Safari/604.1"), "Safari on iPad", Tablet),
            (format!("Mozilla/5.0 ({ipad}) {apple} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1"), "Chrome on iPad", Tablet),
            ("MyApp/1 CFNetwork/1568.200.51 Darwin/24.1.0".into(), "MyApp on iOS", Phone),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)".into(), "Googlebot", Bot),
            (format!("Mozilla/5.0 {webkit}; compatible; GPTBot/1.2; +https://openai.com/gptbot)"), "Bot", Bot),
            ("curl/8.14.1".into(), "curl", Cli),
            ("Wget/1.21.4".into(), "Wget", Cli),
            ("HTTPie/3.2.2".into(), "HTTPie", Cli),
            ("python-requests/2.32.3".into(), "python-requests", Other),
            ("okhttp/4.12.0".into(), "okhttp", Other),
            ("Java/17.0.2".into(), "Java", Other),
            ("node".into(), "node", Other),
            ("Mozilla/5.0".into(), "Browser", Other),
            ("日本語 / ü".into(), "Unknown client", Other),
            ("<script>alert(1)</script>".into(), "Unknown client", Other),
            ("cu\r\nrl/8.14.1".into(), "curl", Cli),
            ("1.2.3".into(), "Unknown client", Other),
            ("x".repeat(5000), "Unknown client", Other),
        ] {
            let read = Agent::read(&agent).unwrap();
            assert_eq!((&*read.name(), read.kind), (name, kind), "{agent}");
        }
    }

    #[test]
    fn what_tells_nothing_is_none() {
        for agent in ["", "   ", "\r\n\t", "\u{0}\u{7f}\u{85}"] {
            assert_eq!(Agent::read(agent), None, "{agent:?}");
        }
    }

    proptest! {
        #[test]
        fn no_user_agent_panics_or_gets_a_long_or_unprintable_name(
            parts in proptest::collection::vec(
                prop_oneof![
                    "\\PC{0,12}",
                    ".{0,6}",
                    proptest::sample::select(vec![
                        "Mozilla/5.0 (", "Windows NT ", "Windows Phone OS ", "; rv:", ")", "(", ";",
                        "Chrome/", "Safari/", "Version/", "iPhone; ", "iPad; ", " like Mac OS X",
                        "Android ", "FxiOS/", "Edg/", "MSIE ", "Trident/7.0;", "DoCoMo/1.0/",
                        "KDDI-", "SoftBank/1.0/", "WILLCOM;", "BlackBerry", "BB10", "PlayStation 4 ",
                        "PSP (PlayStation Portable); ", "CrOS ", "FreeBSD ", "CFNetwork/", "Opera/",
                        "Google", "Yahoo", "bot", "rss", "HttpClient/", "Nintendo Wii", "é", "\u{0}",
                    ]).prop_map(str::to_owned),
                ],
                0..12,
            ),
        ) {
            if let Some(agent) = Agent::read(&parts.concat()) {
                let name = agent.name();
                prop_assert!(!name.is_empty() && name.len() <= 80, "{name}");
                prop_assert!(!name.chars().any(char::is_control), "{name:?}");
            }
        }
    }
}
