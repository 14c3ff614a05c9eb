//! `pvm new`, `pvm build`, `pvm doctor`, and `pvm run` in a project: with a toolchain that only pretends, so that no real one is
//! needed. `cargo xtask guests` does the same with real ones.

#![cfg(unix)]

mod common;

use common::{Folder, Ran, fixture};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Runs `pvm` in a subfolder, where a search path is the test's own and so is the cache.
fn pvm_in(folder: &Folder, sub: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_pvm"))
        .args(arguments)
        .current_dir(folder.path().join(sub))
        .env("PATH", folder.path().join("bin"))
        .env("XDG_CACHE_HOME", folder.path().join("cache"))
        .env_remove("PVM_SDK")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    Ran { code: output.status.code(), stdout: output.stdout, stderr: String::from_utf8(output.stderr).unwrap() }
}

fn script(folder: &Folder, name: &str, text: &str) {
    let path = folder.path().join("bin").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A compiler that only tells its release.
fn pretend_rustc(folder: &Folder, release: &str, has_source: bool) {
    let sysroot = folder.path().join("sysroot");
    let text = format!(
        "case $1 in -vV) echo 'host: machine'; echo 'release: {release}';; *) echo {};; esac",
        sysroot.display()
    );
    script(folder, "rustc", &text);
    let mut files = vec!["lib/rustlib/machine/bin/rust-lld"];
    files.extend(has_source.then_some("lib/rustlib/src/rust/library/Cargo.toml"));
    for file in files {
        let path = sysroot.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
}

/// A cargo whose packages have these binaries, and which builds `elf` for each; it keeps what it was called with.
fn pretend_cargo(folder: &Folder, project: &str, bins: &[&str], target: Option<&str>, elf: &str) {
    let manifest = folder.path().join(project).join("Cargo.toml").canonicalize().unwrap();
    let targets: Vec<Value> = bins.iter().map(|name| json!({ "name": name, "kind": ["bin"] })).collect();
    let package = json!({
        "name": project, "version": "1.2.3", "license": "MIT", "authors": ["somebody"], "targets": targets,
        "manifest_path": manifest, "metadata": target.map(|target| json!({ "pvm": { "target": target } })),
        "dependencies": [{ "name": "pvm-guest" }],
    });
    let metadata = json!({ "packages": [package] });
    let artifact = |name: &&str| {
        let reason = "compiler-artifact";
        json!({ "reason": reason, "manifest_path": manifest, "target": { "name": name }, "executable": elf })
            .to_string()
    };
    let artifacts: Vec<String> = bins.iter().map(artifact).collect();
    let log = folder.path().join("log").display().to_string();
    let text = format!(
        "echo \"$*\" >>{log}\nif [ $1 = metadata ]; then echo '{metadata}'; else echo '{}'; fi",
        artifacts.join("\n")
    );
    script(folder, "cargo", &text);
}

fn log(folder: &Folder) -> String {
    String::from_utf8(folder.read("log")).unwrap()
}

#[test]
fn every_template_makes_a_project() {
    for (lang, files) in [
        ("rust", &["Cargo.toml", "src/main.rs"][..]),
        ("c", &["src/main.c"]),
        ("c++", &["src/main.cc"]),
        ("jam-service", &["Cargo.toml", "src/main.rs"]),
    ] {
        let folder = Folder::new();
        let ran = folder.pvm(&["new", "--lang", lang, "a/my-guest"]);
        assert!(ran.check(0).stderr.contains("cd a/my-guest && pvm build"), "{}", ran.stderr);
        for file in files.iter().chain(&[".gitignore"]) {
            let text = String::from_utf8(folder.read(&format!("a/my-guest/{file}"))).unwrap();
            assert!(!text.contains("NAME"), "{file}");
            assert!(!file.ends_with(".toml") || text.contains("name = \"my-guest\""), "{text}");
        }
        folder.pvm(&["new", "a/my-guest"]).fails(2, &["a/my-guest: exists already"]);
    }
}

#[test]
fn a_project_needs_a_name_and_a_place() {
    let folder = Folder::new();
    folder.file("file", "");
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    folder.pvm(&["new", "empty"]).check(0);
    folder.pvm(&["new", "file"]).fails(2, &["file: exists already"]);
    folder.pvm(&["new", "file/x"]).fails(2, &["file/x: exists already"]);
    folder.pvm(&["new", "1st"]).fails(2, &["1st: a project's name consists of letters"]);
    folder.pvm(&["new", "core"]).fails(2, &["core: a crate that every guest is built with has this name"]);
    folder.pvm(&["new", ".."]).fails(2, &["a project's name consists of letters"]);
    folder.pvm(&["new", "x", "--lang", "cobol"]).fails(2, &["cobol", "jam-service"]);
}

#[test]
fn a_rust_project_is_built_and_run() {
    let folder = Folder::new();
    folder.pvm(&["new", "guest"]).check(0);
    pretend_rustc(&folder, "1.97.0-nightly", true);
    pretend_cargo(&folder, "guest", &["guest"], None, &fixture("hello.elf"));
    let pvm = |arguments: &[&str]| pvm_in(&folder, "guest", &[], arguments);
    pvm(&["run"]).fails(104, &["nothing is built yet: pvm build"]);
    let ran = pvm(&["build", "--verbose"]);
    assert!(ran.check(0).stderr.contains("Linked guest.polkavm ("), "{}", ran.stderr);
    assert!(ran.stderr.contains("/bin/cargo build --manifest-path"), "{}", ran.stderr);
    assert_eq!(pvm(&["run"]).check(0).text(), "Hello from a Rust guest!\n");
    let calls = log(&folder);
    for text in [
        "-Zbuild-std=core,alloc -Zjson-target-spec --target",
        "guest/targets/riscv64emac-unknown-none-polkavm.json --config target.riscv64emac-unknown-none-polkavm.linker=",
        "rust-lld",
        "--release --bin guest",
    ] {
        assert!(calls.contains(text), "{text:?} is not in {calls}");
    }

    // The SDK lies in the cache, and the project's configuration of cargo leads there.
    let config = String::from_utf8(folder.read("guest/.cargo/config.toml")).unwrap();
    let place = config.split('"').nth(1).unwrap();
    assert!(place.contains("/cache/pvm/sdk-") && Path::new(place).join("src/lib.rs").is_file(), "{config}");
    let table = Path::new(place).join("../../crates/guest-abi/src/system.rs");
    assert!(table.is_file(), "the SDK compiles the host's table");
    let mode = std::fs::metadata(Path::new(place).join("../c/cc")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "scripts can be run");

    std::fs::write(folder.path().join("guest/.cargo/config.toml"), "[build]\n").unwrap();
    pvm(&["build", "--debug", "--target", "32", "-o", "other.polkavm"]).fails(3, &["64-bit"]);
    assert_eq!(folder.read("guest/.cargo/config.toml"), b"[build]\n", "the user's stays");
    let last = log(&folder).lines().last().unwrap().to_owned();
    assert!(last.contains("riscv32emac") && last.contains("patch.crates-io.pvm-guest.path="), "{last}");
    assert!(!last.contains("--release"), "{last}");
}

#[test]
fn several_programs_have_to_be_told_apart() {
    let folder = Folder::new();
    folder.pvm(&["new", "guest"]).check(0);
    pretend_rustc(&folder, "1.96.0", true);
    pretend_cargo(&folder, "guest", &["one", "two"], None, &fixture("hello.elf"));
    let pvm = |arguments: &[&str]| pvm_in(&folder, "guest", &[], arguments);
    pvm(&["build", "-o", "x"]).fails(2, &["2 binaries; --bin names one"]);
    pvm(&["build", "--bin", "three"]).fails(3, &["no binary three; there is one, two"]);
    pvm(&["build"]).check(0);
    pvm(&["run"]).fails(104, &["more than one program here", "one.polkavm two.polkavm"]);
    pvm(&["run", "two.polkavm"]).check(0);
}

#[test]
fn a_service_becomes_a_standard_program() {
    let folder = Folder::new();
    folder.pvm(&["new", "service", "--lang", "jam-service"]).check(0);
    pretend_rustc(&folder, "1.96.0", true);
    pretend_cargo(&folder, "service", &["service"], Some("jam-spi"), &fixture("abi-rust.elf"));
    let ran = pvm_in(&folder, ".", &[], &["build", "service"]);
    assert!(ran.check(0).stderr.contains("Linked service/service.jam ("), "{}", ran.stderr);
    let told = folder.pvm(&["inspect", "service/service.jam", "--json"]).json();
    assert_eq!(told["kind"], "JAM standard program");
    let text = told.to_string();
    for field in ["\"service\"", "\"1.2.3\"", "\"MIT\"", "\"somebody\""] {
        assert!(text.contains(field), "{field} is not in {text}");
    }
    pretend_cargo(&folder, "service", &["service"], Some("other"), &fixture("abi-rust.elf"));
    pvm_in(&folder, ".", &[], &["build", "service"]).fails(3, &["package.metadata.pvm: target is none of those"]);
}

#[test]
fn what_is_missing_is_said() {
    let folder = Folder::new();
    folder.pvm(&["new", "guest"]).check(0);
    folder.pvm(&["new", "c", "--lang", "c"]).check(0);
    let build = |project: &str| pvm_in(&folder, project, &[], &["build"]);
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    build("guest").fails(5, &["no toolchain for Rust guests: none found", "rustup toolchain install nightly"]);
    build("c").fails(5, &["no toolchain for C guests: bash, clang-19, ", "clang-19 lld-19 llvm-19"]);
    script(&folder, "apt-get", "exit 1");
    build("guest").fails(5, &["sudo apt-get install --no-install-recommends rustc-web cargo-web rust-web-src"]);
    build("c").fails(5, &["sudo apt-get install --no-install-recommends clang-19"]);

    script(&folder, "cargo", "exit 1");
    pretend_rustc(&folder, "1.90.0", true);
    build("guest").fails(5, &["rustc 1.90.0, older than 1.91"]);
    pretend_rustc(&folder, "1.97.0", true);
    build("guest").fails(3, &["cargo failed, see above"]);
    std::fs::remove_dir_all(folder.path().join("sysroot")).unwrap();
    pretend_rustc(&folder, "1.97.0", false);
    build("guest").fails(5, &["rustc 1.97.0, without the source of its library"]);
    script(&folder, "rustc", "echo nonsense");
    build("guest").fails(5, &["none found"]);
}

#[test]
fn doctor_tells_what_is_missing() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    let ran = pvm_in(&folder, ".", &[], &["doctor"]);
    assert!(ran.check(5).text().contains("MISSING Rust guests"), "{}", ran.text());
    let ran = pvm_in(&folder, ".", &[], &["doctor", "--json"]);
    let checks: Value = serde_json::from_slice(&ran.check(5).stdout).unwrap();
    let check = |name: &str| checks.as_array().unwrap().iter().find(|check| check["name"] == name).unwrap().clone();
    assert_eq!(check("Rust guests")["state"], "missing");
    assert!(check("Rust guests")["advice"].as_str().unwrap().contains("rustup toolchain install nightly"));
    assert!(check("C and C++ guests")["found"].as_str().unwrap().contains("clang-19, clang++-19, ld.lld-19"));
    assert_eq!(
        check("interpreter"),
        json!({
            "name": "interpreter", "state": "ok", "found": "runs everywhere", "advice": null,
        })
    );

    pretend_rustc(&folder, "1.97.0-nightly", true);
    script(&folder, "cargo", "");
    let ran = pvm_in(&folder, ".", &[], &["doctor"]);
    assert!(ran.check(5).text().contains("rustc 1.97.0-nightly, linker "), "{}", ran.text());
}

#[test]
fn a_folder_that_is_no_project_is_refused() {
    let folder = Folder::new();
    let pvm = |variables: &[(&str, &str)], arguments: &[&str]| pvm_in(&folder, ".", variables, arguments);
    pvm(&[], &["build"]).fails(3, &["no project: there is neither a Cargo.toml nor a C or C++ file in src"]);
    pvm(&[], &["build", "no/such/place"]).fails(3, &["no/such/place: no project"]);
    pvm(&[], &["run"]).fails(104, &["no FILE, and this folder is no project"]);
    pvm(&[], &["build", "--release", "--debug"]).fails(2, &["cannot be used with"]);
    folder.pvm(&["new", "guest"]).check(0);
    pretend_rustc(&folder, "1.96.0", true);
    script(&folder, "cargo", "");
    pvm(&[("PVM_SDK", "/")], &["build", "guest"]).fails(2, &["PVM_SDK: / is not a checkout of PVM"]);
    pvm(&[("XDG_CACHE_HOME", "/dev/null")], &["build", "guest"]).fails(1, &["cannot write /dev/null/pvm/sdk-"]);
    pvm(&[], &["build", "guest"]).fails(3, &["guest/Cargo.toml: cargo's description of it is not JSON"]);
}
