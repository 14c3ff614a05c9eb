//! The guest SDKs, which the command has in itself: their sources are unpacked into the user's cache when they are needed.
//!
//! ```text
//! $XDG_CACHE_HOME or ~/.cache, pvm/
//!   sdk-HASH/guest/{sdk,macros,c,targets}, crates/guest-abi/...   as in the repository
//!   c-KEY/                                                      what guest/c/sdk.sh built of it
//! ```
//!
//! HASH is of all the sources, so that another release of the command has another folder. `PVM_SDK` names a checkout of the
//! repository to use instead.

use crate::failure::{Failure, Outcome};
use crate::output::hex;
use pvm_num::casts::to_u64;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The variable that names a checkout.
const VARIABLE: &str = "PVM_SDK";

macro_rules! sources {
    ($($path:literal),* $(,)?) => { &[$(($path, include_str!(concat!("../../../", $path)))),*] };
}

/// Paths in the repository, and contents.
const SOURCES: &[(&str, &str)] = sources![
    "crates/guest-abi/src/system.rs",
    "guest/c/cc",
    "guest/c/include/pvm_guest.h",
    "guest/c/include/pvm_v1.h",
    "guest/c/libcxx.sh",
    "guest/c/musl/arch/riscv64/pthread_arch.h",
    "guest/c/musl/arch/riscv64/syscall_arch.h",
    "guest/c/musl/src/setjmp/riscv64/longjmp.S",
    "guest/c/musl/src/setjmp/riscv64/setjmp.S",
    "guest/c/rt/Cargo.lock",
    "guest/c/rt/Cargo.toml",
    "guest/c/rt/src/lib.rs",
    "guest/c/sdk.sh",
    "guest/c/src/files.c",
    "guest/c/src/files.h",
    "guest/c/src/memory.c",
    "guest/c/src/memory.h",
    "guest/c/src/new.cc",
    "guest/c/src/start.c",
    "guest/c/src/syscalls.c",
    "guest/fetch.sh",
    "guest/macros/Cargo.toml",
    "guest/macros/src/expand.rs",
    "guest/macros/src/lib.rs",
    "guest/macros/src/options.rs",
    "guest/sdk/Cargo.toml",
    "guest/sdk/src/atomics.rs",
    "guest/sdk/src/bytes.rs",
    "guest/sdk/src/calls/guest.rs",
    "guest/sdk/src/calls/mod.rs",
    "guest/sdk/src/calls/native.rs",
    "guest/sdk/src/device.rs",
    "guest/sdk/src/environment.rs",
    "guest/sdk/src/error.rs",
    "guest/sdk/src/fs.rs",
    "guest/sdk/src/heap.rs",
    "guest/sdk/src/io.rs",
    "guest/sdk/src/lib.rs",
    "guest/sdk/src/panic.rs",
    "guest/sdk/src/record.rs",
    "guest/sdk/src/time.rs",
    "guest/targets/riscv32emac-unknown-none-polkavm.json",
    "guest/targets/riscv64emac-unknown-none-polkavm.json",
];

/// Where the SDKs are.
pub(crate) struct Sdk(PathBuf);

impl Sdk {
    /// The checkout that `PVM_SDK` names, else the sources in the cache, unpacked if they are not there.
    ///
    /// # Errors
    /// If they cannot be written, or there is no SDK in the checkout.
    pub(crate) fn ready() -> Outcome<Sdk> {
        if let Some(path) = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
            let path = std::path::absolute(&path).map_err(|error| Failure::io(VARIABLE, &error))?;
            return match path.join("guest/sdk/Cargo.toml").is_file() {
                true => Ok(Sdk(path)),
                false => Err(Failure::usage(format_args!(
                    "{VARIABLE}: {} is not a checkout of PVM: it has no guest/sdk/Cargo.toml",
                    path.display()
                ))),
            };
        }
        let folder = cache()?.join(format!("sdk-{}", key()));
        if !folder.is_dir() {
            unpack(&folder).map_err(|error| Failure::io(format_args!("cannot write {}", folder.display()), &error))?;
        }
        Ok(Sdk(folder))
    }

    /// The crate of Rust guests.
    pub(crate) fn rust(&self) -> PathBuf {
        self.0.join("guest/sdk")
    }

    /// The target specification for guests with registers of 64 or 32 bits.
    pub(crate) fn target(&self, is_64_bit: bool) -> PathBuf {
        self.0.join("guest/targets").join(format!("{}.json", target_name(is_64_bit)))
    }

    /// The script that builds the C SDK and prints where it is.
    pub(crate) fn c_script(&self) -> PathBuf {
        self.0.join("guest/c/sdk.sh")
    }
}

/// Name of the target of guests with registers of 64 or 32 bits.
pub(crate) const fn target_name(is_64_bit: bool) -> &'static str {
    if is_64_bit { "riscv64emac-unknown-none-polkavm" } else { "riscv32emac-unknown-none-polkavm" }
}

/// The folder for what can be made again.
///
/// # Errors
/// If the environment names none.
pub(crate) fn cache() -> Outcome<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    let folder = folder.ok_or_else(|| {
        Failure::usage("there is no folder for the SDK: neither XDG_CACHE_HOME nor HOME is set in the environment")
    })?;
    std::path::absolute(folder.join("pvm")).map_err(|error| Failure::io("the cache", &error))
}

fn key() -> String {
    let mut hasher = blake3::Hasher::new();
    for text in SOURCES.iter().flat_map(|(path, text)| [path, text]) {
        hasher.update(&to_u64(text.len()).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hex(&hasher.finalize().as_bytes()[..8])
}

/// Writes all sources beside the folder and moves them there as a whole.
fn unpack(folder: &Path) -> io::Result<()> {
    let beside = folder.with_extension(format!("{}.tmp", std::process::id()));
    let written = SOURCES.iter().try_for_each(|(path, text)| {
        let path = beside.join(path);
        fs::create_dir_all(path.parent().expect("it is in the folder"))?;
        fs::write(&path, text)?;
        if text.starts_with("#!") { make_executable(&path) } else { Ok(()) }
    });
    let moved = written.and_then(|()| fs::rename(&beside, folder));
    if moved.is_err() {
        // The first error tells more than one of removing the rest.
        let _ = fs::remove_dir_all(&beside);
    }
    // Somebody else was faster.
    if folder.is_dir() { Ok(()) } else { moved }
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files_below(&path, found) } else { found.push(path) }
        }
    }

    #[test]
    fn the_sources_are_all_of_the_sdk() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut files = Vec::new();
        for folder in ["guest/c", "guest/macros", "guest/sdk", "guest/targets"] {
            files_below(&root.join(folder), &mut files);
        }
        let mut files: Vec<&str> =
            files.iter().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap()).collect();
        files.extend(["crates/guest-abi/src/system.rs", "guest/fetch.sh"]);
        files.sort_unstable();
        let sources: Vec<&str> = SOURCES.iter().map(|(path, _)| *path).collect();
        assert_eq!(sources, files, "sorted");
    }
}
