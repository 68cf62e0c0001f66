//! The shell lines of the README work when pasted, and in the order in which they stand.

use crate::world::Place;
use std::fs;
use std::path::Path;
use std::process::Command;

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    fs::read_to_string(path).unwrap()
}

fn shell_blocks() -> Vec<String> {
    let text = readme();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(str::to_owned).collect()
}

#[test]
fn its_two_commands_stand_there() {
    let blocks = shell_blocks();
    assert_eq!(blocks.first().unwrap().trim(), "cargo run --release -- serve");
    assert_eq!(blocks.last().unwrap().trim(), "scripts/test");
}

#[test]
fn its_curl_lines_work() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: curl is not installed");
        return;
    }
    let place = Place::new();
    let server = place.serve();
    let lines = shell_blocks().into_iter().find(|block| block.contains("curl")).unwrap();
    // Each answer on a line of its own, and a failure of any request stops the script.
    let script = lines
        .replace("localhost:8000", &server.address)
        .replace("curl -s ", "curl -s --fail-with-body -w '\\n' ");
    let run = Command::new("bash").args(["-euo", "pipefail", "-c", &script]).output().unwrap();
    let out = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success(), "{out}{}", String::from_utf8_lossy(&run.stderr));
    let answers: Vec<&str> = out.lines().collect();
    assert_eq!(answers.len(), 5, "{out}");
    assert!(answers[0].contains(r#""email":"ada@example.com""#), "{out}");
    assert!(answers[1].starts_with(r#"{"id":1,"#), "{out}");
    assert!(answers[2].contains(r#""name":"deploy""#), "{out}");
    assert!(answers[3].contains(r#""refreshToken":"adr_"#), "{out}");
    assert_eq!(answers[4], "", "{out}");
}
