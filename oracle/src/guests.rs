//! The guest fixtures of the repository.

use std::path::Path;

/// A guest ELF.
pub struct Guest {
    /// Name of the file without `.elf`.
    pub name: String,
    /// The file.
    pub elf: Vec<u8>,
}

impl Guest {
    /// What `run` returns, if it is a workload.
    pub fn checksum(&self) -> Option<u64> {
        let name = self.name.strip_suffix("-32").unwrap_or(&self.name);
        workloads::WORKLOADS.iter().find(|workload| workload.name == name).map(|workload| workload.checksum)
    }

    /// Whether registers are 64 bits wide: the class in the ELF header.
    pub fn is_64_bit(&self) -> bool {
        self.elf.get(4) == Some(&2)
    }
}

/// Fixtures that need files, arguments or functions of a host of their own.
const HOSTED: [&str; 6] = ["libc", "libcxx", "sdk", "sdk-32", "abi-rust", "abi-rust-32"];

/// All fixtures, by name, but for those of [`HOSTED`].
pub fn guests() -> Vec<Guest> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest/fixtures");
    let entries = std::fs::read_dir(&folder).expect("the fixtures are in the repository");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "elf"));
    paths.retain(|path| path.file_stem().is_none_or(|name| !HOSTED.iter().any(|hosted| name == *hosted)));
    paths.sort();
    paths
        .into_iter()
        .map(|path| Guest {
            name: path.file_stem().expect("a fixture has a name").to_string_lossy().into_owned(),
            elf: std::fs::read(&path).expect("a fixture can be read"),
        })
        .collect()
}
