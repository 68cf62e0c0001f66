//! `scripts/services`, tried with Redis alone, which starts in a moment: nothing may be left behind,
//! whatever becomes of the command.

use crate::world::{Place, told};
use std::path::Path;
use std::process::{Command, Output};

/// The script in a folder of its own, with PostgreSQL and MySQL given.
fn services(folder: &Path, arguments: &[&str]) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/services");
    let mut command = Command::new("timeout");
    command.args(["--signal=INT", "10", script]).args(arguments).env("TMPDIR", folder);
    command.env_remove("ADYTON_TEST_SERVICES").env_remove("ADYTON_TEST_REDIS_URL");
    command.env("ADYTON_TEST_POSTGRES_URL", "given").env("ADYTON_TEST_MYSQL_URL", "given");
    command.output().unwrap()
}

fn has_redis() -> bool {
    let found = Command::new("redis-server").arg("--version").output().is_ok();
    if !found {
        println!("skipped: needs redis-server");
    }
    found
}

fn left_in(folder: &Path) -> usize {
    folder.read_dir().unwrap().count()
}

/// A folder that an ordinary user may look through, as `/tmp` is.
fn open_folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().permissions(mode).tempdir().unwrap()
}

#[test]
fn a_command_runs_with_what_is_not_given_and_leaves_nothing_behind() {
    if !has_redis() {
        return;
    }
    let folder = open_folder();
    let run = |command: &str| services(folder.path(), &["run", "bash", "-c", command]);
    let done = run("echo $ADYTON_TEST_POSTGRES_URL $ADYTON_TEST_REDIS_URL; cat $ADYTON_TEST_CA");
    let out = String::from_utf8(done.stdout).unwrap();
    assert!(out.starts_with("given redis://127.0.0.1:"), "{out}");
    assert!(out.contains("BEGIN CERTIFICATE"), "{out}");
    assert_eq!((done.status.code(), left_in(folder.path())), (Some(0), 0));

    assert_eq!(run("exit 7").status.code(), Some(7));
    assert_eq!(run("kill -INT $PPID; sleep 1").status.code(), Some(130));
    assert_eq!(left_in(folder.path()), 0);
}

#[test]
fn two_can_start_at_once_and_a_stop_ends_one_of_them() {
    if !has_redis() {
        return;
    }
    let folders = [open_folder(), open_folder()];
    let started = std::thread::scope(|scope| {
        let starts = folders
            .each_ref()
            .map(|folder| scope.spawn(|| services(folder.path(), &["start", "--need"])));
        starts.map(|start| String::from_utf8(start.join().unwrap().stdout).unwrap())
    });
    let stops = |at: usize| {
        let name = "export ADYTON_TEST_SERVICES=";
        let folder = started[at].lines().find_map(|line| line.strip_prefix(name)).unwrap();
        services(folders[at].path(), &["stop", folder]).status.success()
    };
    assert_eq!(started.each_ref().map(|exports| listens(exports)), [true, true]);
    assert!(stops(0));
    assert_eq!(started.each_ref().map(|exports| listens(exports)), [false, true]);
    assert!(stops(1) && stops(1), "a second stop finds nothing to do");
    assert_eq!(folders.each_ref().map(|folder| left_in(folder.path())), [0, 0]);
}

fn listens(exports: &str) -> bool {
    let address = exports.split_once("redis://").unwrap().1.split_once('/').unwrap().0;
    std::net::TcpStream::connect(address).is_ok()
}

#[test]
fn what_it_did_not_make_is_not_removed() {
    let folder = open_folder();
    let refused = services(folder.path(), &["stop", folder.path().to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(folder.path().exists());
    for usage in [&["run"][..], &[], &["stop", "a", "b"], &["start", "now"]] {
        assert_eq!(services(folder.path(), usage).status.code(), Some(2), "{usage:?}");
    }
}

/// Docker is not to be had here: that the file is YAML, names what it uses and configures a server is
/// all that is tried.
#[test]
fn the_file_for_docker_is_sound() {
    let read = "import json, yaml; print(json.dumps(yaml.safe_load(open('compose.yaml'))))";
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let python = Command::new("python3").current_dir(root).args(["-c", read]).output();
    let Some(out) = python.ok().filter(|out| out.status.success()) else {
        println!("skipped: needs python3 with yaml (Debian: python3-yaml)");
        return;
    };
    let file: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let services = file["services"].as_object().unwrap();
    let names: Vec<_> = services.keys().map(String::as_str).collect();
    assert_eq!(names, ["adyton", "migrate", "postgres", "redis"]);
    for service in services.values() {
        assert!(service["image"].is_string() || service["build"] == ".", "{service}");
        for name in service["depends_on"].as_object().into_iter().flatten().map(|(name, _)| name) {
            assert!(services.contains_key(name), "{name}");
        }
    }
    let place = Place::new();
    let words = services["migrate"]["command"].as_array().unwrap().iter();
    let words: Vec<_> = words.map(|word| word.as_str().unwrap()).collect();
    place.done(&format!("{} --help", words.join(" ")));
    let mut check = place.adyton("config check");
    for (name, value) in services["adyton"]["environment"].as_object().unwrap() {
        check.env(name, value.as_str().unwrap().replace("${POSTGRES_PASSWORD:?set it}", "secret"));
    }
    let (code, out, error) = told(check);
    assert_eq!((code, out.starts_with("ok: ")), (0, true), "{error}");
}
