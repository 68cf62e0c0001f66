//! What is made of the command line's grammar for shells and for `man`.

use crate::world::Place;
use std::fs;
use std::process::Command;

#[test]
fn each_shell_gets_completions_that_it_can_read() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.done(&format!("completions {shell}"));
        for word in ["doctor", "set-password", "demo"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
        fs::write(place.path(shell), script).unwrap();
        if !["bash", "zsh", "fish"].contains(&shell) {
            continue;
        }
        match Command::new(shell).arg("-n").arg(place.path(shell)).status() {
            Ok(status) => assert!(status.success(), "{shell} cannot read its completions"),
            Err(_) => println!("skipped: {shell} is not installed"),
        }
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let place = Place::new();
    fs::write(place.path("adyton.bash"), place.done("completions bash")).unwrap();
    let complete = |line: &str| {
        let words: Vec<_> = line.split(' ').map(|word| format!("'{word}'")).collect();
        let script = format!(
            "source adyton.bash; COMP_WORDS=({}); COMP_CWORD={}; _adyton adyton {} ''; \
             echo \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            words.len() - 1,
            words.last().unwrap(),
        );
        let run = Command::new("bash").args(["-c", &script]).current_dir(place.path("")).output();
        String::from_utf8(run.unwrap().stdout).unwrap()
    };
    assert_eq!(complete("adyton doc").trim(), "doctor");
    assert!(complete("adyton user create --").contains("--email"));
}

#[test]
fn each_command_has_a_page_that_groff_takes_without_a_warning() {
    let place = Place::new();
    place.done("man --dir pages");
    let names: Vec<_> = fs::read_dir(place.path("pages")).unwrap().collect();
    assert!(names.len() > 20, "{names:?}");
    let page = fs::read_to_string(place.path("pages/adyton-user-create.1")).unwrap();
    for part in [".TH adyton-user-create 1", ".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", "email"] {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
    for name in names {
        let path = name.unwrap().path();
        let groff = Command::new("groff").args(["-man", "-ww", "-z", "-Tutf8"]).arg(&path).output();
        let Ok(groff) = groff else {
            println!("skipped: groff is not installed");
            return;
        };
        assert_eq!(String::from_utf8_lossy(&groff.stderr), "", "{}", path.display());
    }
}
