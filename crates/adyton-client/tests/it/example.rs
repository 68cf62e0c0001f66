//! The example, run as a program.

use crate::world::{PASSWORD, World};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// `target/…/examples/sign_in`, beside the folder that this test runs from.
fn run(folder: &Path, world: &World, password: &str) -> Output {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("examples/sign_in");
    let (input, output) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut { output }, password.as_bytes()).unwrap();
    let mut command = Command::new(program);
    command.args([world.base().to_string().as_str(), "ada@example.com"]).current_dir(folder);
    command.stdin(Stdio::from(input)).output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_asks_for_a_password_once() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    world.ada().await;
    let wrong = run(folder.path(), &world, "nonsense\n");
    assert!(!wrong.status.success());
    for password in [PASSWORD, ""] {
        let told = run(folder.path(), &world, password);
        let text = String::from_utf8(told.stdout).unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        assert!(text.starts_with("ada is signed in at\n"), "{text}");
        assert!(text.contains("- The example, which is here\n"), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
    }
}
