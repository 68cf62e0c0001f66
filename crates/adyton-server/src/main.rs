//! The binary: hands arguments and environment over, and exits with the answer.

use std::process::ExitCode;

fn main() -> ExitCode {
    adyton_server::main(std::env::args_os(), &std::env::vars_os().collect())
}
