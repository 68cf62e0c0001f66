//! The server as a process: it logs for machines, outlives a shortage of files and ends in order.

use crate::world::Place;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

struct Process {
    child: Child,
    log: BufReader<ChildStderr>,
    address: String,
    _place: TempDir,
}

impl Process {
    /// Starts the server with that many files to open, and reads its address from its log.
    fn start(files: usize) -> Self {
        let place = tempfile::tempdir().unwrap();
        let script = format!("ulimit -n {files} && exec \"$0\" serve");
        let mut child = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_adyton")])
            .env_clear()
            .env("ADYTON_SERVER__LISTEN", "127.0.0.1:0")
            .current_dir(place.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let line: serde_json::Value = serde_json::from_str(&next(&mut log)).unwrap();
        assert_eq!(line["message"], "serving");
        let address = line["address"].as_str().unwrap().to_owned();
        Self { child, log, address, _place: place }
    }

    fn is_healthy(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(&self.address) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
        let head = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let mut text = String::new();
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.read_to_string(&mut text);
        text.starts_with("HTTP/1.1 200")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn next(log: &mut impl BufRead) -> String {
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    line
}

/// Reads on until a line tells this, or there are no more.
fn tells(log: &mut impl BufRead, text: &str) -> bool {
    std::iter::repeat_with(|| next(log))
        .take_while(|line| !line.is_empty())
        .any(|line| line.contains(text))
}

#[test]
fn it_serves_until_it_is_told_to_stop() {
    let mut process = Process::start(256);
    assert!(process.is_healthy());
    let _idle = TcpStream::connect(&process.address).unwrap();
    let pid = process.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let start = Instant::now();
    assert_eq!(process.child.wait().unwrap().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(3));
    assert!(tells(&mut process.log, "stopped"));
}

#[test]
fn it_tells_systemd_when_it_is_ready_and_when_it_stops() {
    let place = Place::new();
    let manager = UnixDatagram::bind(place.path("notify")).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let told = || {
        let mut text = [0; 64];
        let length = manager.recv(&mut text).unwrap();
        String::from_utf8(text[..length].to_vec()).unwrap()
    };
    let socket = place.path("notify").display().to_string();
    let mut server = place.serve_with(&[("NOTIFY_SOCKET", &socket)]);
    assert_eq!(told(), "READY=1\n");
    assert!(TcpStream::connect(&server.address).is_ok());
    assert!(server.term().success());
    assert_eq!(told(), "STOPPING=1\n");
    // A manager that is gone keeps nobody from serving.
    drop(manager);
    assert!(place.serve_with(&[("NOTIFY_SOCKET", &socket)]).term().success());
}

#[test]
fn it_outlives_a_shortage_of_files() {
    let mut process = Process::start(32);
    let crowd: Vec<_> = (0..60).map(|_| TcpStream::connect(&process.address)).collect();
    assert!(tells(&mut process.log, "cannot accept connections"));
    drop(crowd);
    let start = Instant::now();
    while !process.is_healthy() && start.elapsed() < Duration::from_secs(8) {}
    assert!(process.is_healthy());
}
