//! Toolchains for guests: which there are, whether they suit, and what to install if none does.
//!
//! A Rust guest needs a compiler, the source of its very own library, and LLVM's linker: rustup's nightly with the component
//! `rust-src`, or Debian's packages `rustc-web` and `rust-web-src`. A hosted C guest needs clang and what builds the C library.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest compiler that takes our target specifications and compiles the SDK.
const RUST_MIN: Version = Version(1, 91);
/// The releases of LLVM whose linker is looked for, the one that is tested first.
const LLVM_RELEASES: [u32; 8] = [19, 20, 21, 22, 23, 24, 18, 17];
/// What the script of the C SDK calls.
const C_TOOLS: [&str; 9] =
    ["bash", "clang-19", "clang++-19", "ld.lld-19", "llvm-ar-19", "llvm-ranlib-19", "make", "sha256sum", "tar"];
/// The compiler that the C SDK takes its run-time functions from.
const DEBIAN_BIN: &str = "/usr/bin";

/// Environment variables that would change what a toolchain builds: those of a cargo around us, and of the user's host builds.
const FOREIGN_VARIABLES: [&str; 11] = [
    "CARGO",
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MANIFEST_DIR",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "RUST_RECURSION_COUNT",
];

/// Major and minor number of a release.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Version(u32, u32);

impl Version {
    /// The version in `1.96.0`, `1.97.0-nightly`, whatever follows.
    fn parse(text: &str) -> Option<Version> {
        let mut parts = text.trim().split(['.', '-', ' ']);
        Some(Version(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// A Rust toolchain.
pub(crate) struct RustToolchain {
    /// Its name with rustup, or the folder of its programs.
    pub(crate) name: String,
    /// What `rustc` calls its release.
    pub(crate) release: String,
    /// LLVM's linker.
    pub(crate) linker: Option<PathBuf>,
    /// What is wrong with it for guests.
    pub(crate) problems: Vec<String>,
    cargo: PathBuf,
    rustc: PathBuf,
    is_nightly: bool,
    version: Option<Version>,
}

impl RustToolchain {
    /// All that are found, the best first.
    pub(crate) fn all() -> Vec<RustToolchain> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for (name, folder) in rustup_toolchains().into_iter().chain(folders_with_rustc()) {
            let place = folder.canonicalize().unwrap_or_else(|_| folder.clone());
            if seen.insert(place) {
                found.extend(RustToolchain::in_folder(name, &folder));
            }
        }
        found.sort_by_key(|toolchain| {
            (!toolchain.problems.is_empty(), !toolchain.is_nightly, std::cmp::Reverse(toolchain.version))
        });
        found
    }

    fn in_folder(name: String, folder: &Path) -> Option<RustToolchain> {
        let (cargo, rustc) = (folder.join("cargo"), folder.join("rustc"));
        let told = output_of(Command::new(&rustc).arg("-vV"))?;
        let field = |field: &str| told.lines().find_map(|line| line.strip_prefix(field)).map(str::trim);
        let release = field("release:")?.to_owned();
        let sysroot = PathBuf::from(output_of(Command::new(&rustc).args(["--print", "sysroot"]))?.trim());
        let version = Version::parse(&release);
        let bundled = sysroot.join("lib/rustlib").join(field("host:")?).join("bin/rust-lld");
        let linker = if bundled.is_file() { Some(bundled) } else { lld() };
        let mut problems = Vec::new();
        if version.is_none_or(|version| version < RUST_MIN) {
            problems.push(format!("older than {RUST_MIN}"));
        }
        if !sysroot.join("lib/rustlib/src/rust/library/Cargo.toml").is_file() {
            problems.push("without the source of its library".to_owned());
        }
        if linker.is_none() {
            problems.push("without LLVM's linker".to_owned());
        }
        let is_nightly = release.contains("nightly");
        Some(RustToolchain { name, release, linker, problems, cargo, rustc, is_nightly, version })
    }

    /// The first that suits.
    pub(crate) fn usable() -> Option<RustToolchain> {
        RustToolchain::all().into_iter().next().filter(|toolchain| toolchain.problems.is_empty())
    }

    /// `cargo` of this toolchain, with unstable options, and deaf to settings for the host.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(&self.cargo);
        for variable in FOREIGN_VARIABLES {
            command.env_remove(variable);
        }
        command.env("RUSTC", &self.rustc).env("RUSTC_BOOTSTRAP", "1");
        command
    }
}

/// Names and folders of rustup's toolchains.
fn rustup_toolchains() -> Vec<(String, PathBuf)> {
    let Some(list) = output_of(Command::new("rustup").args(["toolchain", "list"])) else { return Vec::new() };
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    let folder = |name: &str| {
        let rustc = output_of(Command::new("rustup").args(["which", "--toolchain", name, "rustc"]))?;
        Some((format!("rustup's {name}"), Path::new(rustc.trim()).parent()?.to_owned()))
    };
    names.filter_map(folder).collect()
}

/// Folders with a compiler that is not rustup's stand-in for one.
fn folders_with_rustc() -> Vec<(String, PathBuf)> {
    let has = |folder: &Path, name: &str| folder.join(name).is_file();
    search_path()
        .into_iter()
        .filter(|folder| has(folder, "rustc") && has(folder, "cargo") && !has(folder, "rustup"))
        .map(|folder| (folder.display().to_string(), folder))
        .collect()
}

fn search_path() -> Vec<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).filter(|folder| folder.is_absolute()).collect()
}

/// Where a program is.
fn find(name: &str) -> Option<PathBuf> {
    search_path().into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn lld() -> Option<PathBuf> {
    LLVM_RELEASES.iter().find_map(|release| find(&format!("ld.lld-{release}"))).or_else(|| find("ld.lld"))
}

/// What a program prints, if it succeeds.
fn output_of(command: &mut Command) -> Option<String> {
    for variable in FOREIGN_VARIABLES {
        command.env_remove(variable);
    }
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The tools that building C guests needs and that are not there.
pub(crate) fn missing_c_tools() -> Vec<String> {
    let mut missing: Vec<String> =
        C_TOOLS.iter().filter(|name| find(name).is_none()).map(|name| (*name).to_owned()).collect();
    let debian = RustToolchain::in_folder(DEBIAN_BIN.to_owned(), Path::new(DEBIAN_BIN));
    if debian.is_none_or(|toolchain| !toolchain.problems.is_empty()) {
        missing.push(format!("{DEBIAN_BIN}/rustc with the source of its library"));
    }
    missing
}

/// How to get what Rust guests need, a command a line.
pub(crate) fn rust_advice() -> String {
    let mut lines = Vec::new();
    if find("rustup").is_some() {
        lines.push("rustup toolchain install nightly --component rust-src");
    }
    if find("apt-get").is_some() {
        lines
            .push("sudo apt-get install --no-install-recommends rustc-web cargo-web rust-web-src lld-19   (Debian 12)");
    }
    if lines.is_empty() {
        lines.push("https://rustup.rs, then: rustup toolchain install nightly --component rust-src");
    }
    lines.join("\nor ")
}

/// How to get what C and C++ guests need.
pub(crate) fn c_advice() -> String {
    const PACKAGES: &str = "clang-19 lld-19 llvm-19 make rustc-web cargo-web rust-web-src";
    match find("apt-get") {
        Some(_) => format!("sudo apt-get install --no-install-recommends {PACKAGES}   (Debian 12)"),
        None => format!("the programs of Debian 12's packages {PACKAGES}"),
    }
}

/// A command as a user would type it.
pub(crate) fn shown(command: &Command) -> String {
    let word = |word: OsString| {
        let text = word.to_string_lossy().into_owned();
        let is_plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=+,:@%".contains(c));
        if is_plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
    };
    let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let set = set.map(|(name, value)| format!("{}={}", name.to_string_lossy(), word(value.to_owned())));
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(|text| word(text.to_owned()));
    set.chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_whatever_follows() {
        assert_eq!(Version::parse("1.96.0"), Some(Version(1, 96)));
        assert_eq!(Version::parse("1.97.0-nightly"), Some(Version(1, 97)));
        assert_eq!(Version::parse(" 1.97-beta.3 (built from a source tarball)"), Some(Version(1, 97)));
        assert_eq!(Version::parse("nightly"), None);
        assert!(Version(1, 100) > RUST_MIN && Version(1, 90) < RUST_MIN && Version(2, 0) > RUST_MIN);
    }

    #[test]
    fn commands_can_be_copied_into_a_shell() {
        let mut command = Command::new("/usr/bin/cargo");
        command.env("RUSTC", "/a b/rustc").env_remove("RUSTFLAGS").args(["build", "--config", "a.b=\"it's\"", ""]);
        assert_eq!(shown(&command), r#"RUSTC='/a b/rustc' /usr/bin/cargo build --config 'a.b="it'\''s"' ''"#);
    }
}
