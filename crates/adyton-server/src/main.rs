//! The binary: hands arguments and environment over, and exits with the answer.

use std::process::ExitCode;

/// It gives back what a flood of sign-ins has left, which glibc's keeps.
#[cfg(all(feature = "jemalloc", target_os = "linux", target_arch = "x86_64"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    adyton_server::main(std::env::args_os(), &std::env::vars_os().collect())
}
