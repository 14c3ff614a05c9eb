//! Arguments, variables, and how a program ends.

use crate::calls;
use crate::error::check;
use crate::prelude::*;
use core::fmt::Display;

/// The program's arguments; the first one is its name. Bytes that are no UTF-8 are replaced.
pub fn args() -> Vec<String> {
    texts(calls::arguments)
}

/// The variables of the environment: name and value.
pub fn vars() -> Vec<(String, String)> {
    let split = |text: String| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    texts(calls::environment).into_iter().filter_map(split).collect()
}

/// The value of a variable.
pub fn var(name: &str) -> Option<String> {
    vars().into_iter().find_map(|(found, value)| (found == name).then_some(value))
}

fn texts(get: fn(&mut [u8]) -> i64) -> Vec<String> {
    let size = |result: i64| check(result).ok().and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
    let mut bytes = vec![0; size(get(&mut []))];
    let size = size(get(&mut bytes)).min(bytes.len());
    let all = bytes[..size].strip_suffix(&[0]);
    all.map_or_else(Vec::new, |all| {
        all.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into()).collect()
    })
}

/// Ends the program with this exit code.
pub fn exit(code: i32) -> ! {
    calls::exit(code)
}

/// What `main` may return: `()`, an exit code, or a result, whose error is printed and gives 1.
pub trait Report {
    /// The exit code.
    fn report(self) -> i32;
}

impl Report for () {
    fn report(self) -> i32 {
        0
    }
}

impl Report for i32 {
    fn report(self) -> i32 {
        self
    }
}

impl<T: Report, E: Display> Report for Result<T, E> {
    fn report(self) -> i32 {
        match self {
            Ok(value) => value.report(),
            Err(error) => {
                crate::eprintln!("error: {error}");
                1
            }
        }
    }
}

/// Runs the function of `#[pvm::main]` in a guest.
pub fn entry<T: Report>(main: fn() -> T) -> i32 {
    main().report()
}

/// Runs it on the host.
pub fn native_entry<T: Report>(main: fn() -> T) {
    match main().report() {
        0 => {}
        code => exit(code),
    }
}
