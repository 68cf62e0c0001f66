//! What the book's page on axum tells people to type, typed at the app that it shows.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const PAGE: &str = include_str!("../../../../docs/start/axum.md");

/// `cargo run -p adyton --example minimal`, which ends with its handle.
struct App(Child);

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_five_minutes_of_axum_lead_to_the_first_authenticated_requests() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: curl is not installed");
        return;
    }
    assert!(PAGE.contains("cargo run -p adyton --example minimal"));
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let app = Command::new(built.join("examples/minimal"))
        .args(["127.0.0.1:0", "app.sqlite3"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn();
    let mut app = App(app.unwrap());
    let mut address = String::new();
    BufReader::new(app.0.stdout.take().unwrap()).read_line(&mut address).unwrap();

    let blocks = PAGE.split("```sh,ignore\n").skip(1);
    let typed = blocks.map(|rest| rest.split("```").next().unwrap()).collect::<String>();
    let typed = typed.replace("localhost:3000", address.trim()).replace("curl -s ", "curl -sf ");
    let run = Command::new("bash").args(["-euo", "pipefail", "-c", &typed]).output().unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{told}{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(told, "Hello, Ada!\nnone\n");
}
