//! `pvm build`: from a project to a program.
//!
//! ```text
//! Cargo.toml -> cargo build --target, build-std      --+
//!                                                      +--> ELF -> linker, in this process -> NAME.polkavm
//! src/*.c, *.cc -> pvm-cc of the C SDK, built once   --+
//! ```

use crate::failure::{Cause, Failure, Outcome};
use crate::link::{self, ProjectLink, Target};
use crate::project::Project;
use crate::sdk::{Sdk, target_name};
use crate::toolchain::{RustToolchain, c_advice, missing_c_tools, rust_advice, shown};
use clap::Args;
use indicatif::ProgressBar;
use pvm_program::JamMetadata;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// The package that guests depend on.
const SDK_PACKAGE: &str = "pvm-guest";
/// The first line of a configuration of cargo that is ours to change.
const CONFIG_MARK: &str = "# Written by pvm, for this machine alone: where cargo finds pvm-guest.";
/// Where the C SDK has the standard library of C++.
const LIBCXX: &str = "include/c++/v1";

/// Arguments of `pvm build`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  pvm build                               release build of the project in this folder, into NAME.polkavm here
  pvm build --debug --verbose             quick to compile, and shows each command
  pvm build --target 32                   registers of 32 bits
  pvm build ../service --target jam-spi   a standard program, NAME.jam
  pvm build --libcxx                      a C++ project with the standard library

A folder with a Cargo.toml is a Rust project: each of its binaries becomes a program. In another one every C and C++ file in src
is compiled, with CFLAGS, CXXFLAGS and LDFLAGS of the environment. `pvm doctor` tells what toolchains there are.")]
pub(crate) struct BuildArgs {
    /// The project's folder
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    path: PathBuf,
    /// Optimised (the default)
    #[arg(long, conflicts_with = "debug")]
    release: bool,
    /// Not optimised much, with everything for debugging
    #[arg(long)]
    debug: bool,
    /// The instruction set and container; 64 and 32 are latest64 and latest32 [default: what Cargo.toml says under
    /// package.metadata.pvm, else latest64]
    #[arg(long, value_enum)]
    target: Option<Target>,
    /// Where to write the program [default: NAME.polkavm or, for jam-spi, NAME.jam in the project's folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The binary to build [default: all]
    #[arg(long, value_name = "NAME")]
    bin: Option<String>,
    /// Leave out debug information
    #[arg(short, long)]
    strip: bool,
    /// For C++: with its standard library, which is built into the C SDK the first time and used from then on
    #[arg(long)]
    libcxx: bool,
    /// Show the commands that are run
    #[arg(short, long)]
    verbose: bool,
    /// Further arguments for cargo
    #[arg(last = true, value_name = "ARGUMENT")]
    cargo_arguments: Vec<String>,
}

/// Builds the project.
///
/// # Errors
/// What is missing or wrong.
pub(crate) fn build(args: &BuildArgs) -> Outcome {
    match Project::in_folder(&args.path)? {
        Project::Rust(manifest) => build_rust(args, &manifest)?,
        Project::C(sources) => build_c(args, &sources)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Links what the toolchain made.
fn finish(args: &BuildArgs, target: Option<Target>, name: &str, elf: &Path, metadata: Option<Vec<u8>>) -> Outcome<()> {
    let is_spi = target == Some(Target::JamSpi);
    let extension = if is_spi { "jam" } else { "polkavm" };
    let output = args.output.clone().unwrap_or_else(|| args.path.join(format!("{name}.{extension}")));
    let output = output.strip_prefix(".").map(Path::to_owned).unwrap_or(output);
    if args.verbose {
        let words = target.map(|target| format!(" --target {}", target.name())).unwrap_or_default();
        let strip = if args.strip { " --strip" } else { "" };
        anstream::eprintln!("pvm link {} -o {}{words}{strip}", elf.display(), output.display());
    }
    let metadata = metadata.filter(|_| is_spi).unwrap_or_default();
    let size = link::link_project(&ProjectLink { elf, output: &output, target, strip: args.strip, metadata })?;
    anstream::eprintln!("{:>12} {} ({size} bytes)", "Linked", output.display());
    Ok(())
}

/// Runs a command that prints for the user.
fn run(command: &mut Command, verbose: bool) -> Outcome<Vec<u8>> {
    if verbose {
        anstream::eprintln!("{}", shown(command));
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::io(format_args!("cannot start {program}"), &error))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(Failure::new(
            Cause::BadInput,
            format_args!("{} failed, see above", Path::new(&program).file_name().unwrap_or_default().to_string_lossy()),
        )),
    }
}

/// The same for a build by cargo, which resolves the library of Rust too and warns that this has no use for the SDK.
fn run_filtered(command: &mut Command, verbose: bool) -> Outcome<Vec<u8>> {
    let is_coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    command.args(["--color", if is_coloured { "always" } else { "never" }]);
    if verbose {
        anstream::eprintln!("{}", shown(command));
    }
    let cannot = |error: &std::io::Error| Failure::io("cannot run cargo", error);
    let streams = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut cargo = streams.spawn().map_err(|error| cannot(&error))?;
    let told = cargo.stderr.take();
    let printer = std::thread::spawn(move || {
        let mut filter = PatchFilter::default();
        for line in told.into_iter().flat_map(|stream| BufReader::new(stream).split(b'\n')).map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if filter.passes(&line) {
                anstream::eprintln!("{line}");
            }
        }
    });
    let output = cargo.wait_with_output().map_err(|error| cannot(&error))?;
    printer.join().expect("it only prints");
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(Failure::new(Cause::BadInput, "cargo failed, see above")),
    }
}

/// Leaves out cargo's warning that a patch was not used: its first line, and the explanation.
#[derive(Default)]
struct PatchFilter {
    /// How many lines of the explanation may still come.
    left: usize,
}

impl PatchFilter {
    /// Its lines, at most.
    const EXPLANATION: usize = 5;

    fn passes(&mut self, line: &str) -> bool {
        if line.contains("atch `pvm-guest ") && line.contains("was not used in the crate graph") {
            self.left = PatchFilter::EXPLANATION;
            return false;
        }
        let is_explanation = self.left > 0;
        self.left = if line.contains("that is not enabled") { 0 } else { self.left.saturating_sub(1) };
        !is_explanation
    }
}

// --- Rust -----------------------------------------------------------------------------------------------------------

/// What a manifest says.
struct Package {
    manifest: String,
    bins: Vec<String>,
    target: Option<Target>,
    /// Does it depend on the SDK, and not from a place of its own?
    wants_sdk: bool,
    /// What stands in front of a JAM standard program.
    metadata: Vec<u8>,
}

fn build_rust(args: &BuildArgs, manifest: &Path) -> Outcome<()> {
    if args.libcxx {
        return Err(Failure::usage("--libcxx is for C++ projects"));
    }
    let toolchain = RustToolchain::usable().ok_or_else(no_rust)?;
    let sdk = Sdk::ready()?;
    let package = package(&toolchain, manifest, args.verbose)?;
    let bins: Vec<&String> = match &args.bin {
        Some(bin) => package.bins.iter().filter(|name| *name == bin).collect(),
        None => package.bins.iter().collect(),
    };
    if bins.is_empty() {
        return Err(Failure::new(
            Cause::BadInput,
            format_args!(
                "{}: {}",
                manifest.display(),
                match (&args.bin, &package.bins[..]) {
                    (_, []) => "no binary: a guest is a binary, with src/main.rs".to_owned(),
                    (bin, bins) =>
                        format!("no binary {}; there is {}", bin.as_deref().unwrap_or_default(), bins.join(", ")),
                }
            ),
        ));
    }
    if args.output.is_some() && bins.len() > 1 {
        return Err(Failure::usage(format_args!(
            "--output is one file, and there are {} binaries; --bin names one",
            bins.len()
        )));
    }
    let target = args.target.or(package.target);
    let is_64_bit = target != Some(Target::Latest32);
    let mut command = toolchain.cargo();
    command.args(["build", "--manifest-path", &package.manifest, "--message-format", "json-render-diagnostics"]);
    command.args(["-Zbuild-std=core,alloc", "-Zjson-target-spec"]).arg("--target").arg(sdk.target(is_64_bit));
    if let Some(linker) = &toolchain.linker {
        command.arg("--config").arg(format!("target.{}.linker={}", target_name(is_64_bit), quoted(linker)?));
    }
    if package.wants_sdk {
        let rust = quoted(&sdk.rust())?;
        // Twice the same patch would be a warning.
        if !write_config(&manifest.with_file_name(".cargo/config.toml"), &rust)? {
            command.arg("--config").arg(format!("patch.crates-io.{SDK_PACKAGE}.path={rust}"));
        }
    }
    if !args.debug {
        command.arg("--release");
    }
    for bin in &bins {
        command.args(["--bin", bin]);
    }
    command.args(&args.cargo_arguments);
    let messages = run_filtered(&mut command, args.verbose)?;
    for (name, elf) in executables(&messages, &package.manifest) {
        finish(args, target, &name, &elf, Some(package.metadata.clone()))?;
    }
    Ok(())
}

fn no_rust() -> Failure {
    let found: Vec<String> = RustToolchain::all()
        .iter()
        .map(|toolchain| {
            format!("\n  {}: rustc {}, {}", toolchain.name, toolchain.release, toolchain.problems.join(", "))
        })
        .collect();
    let found = if found.is_empty() { ": none found".to_owned() } else { format!("; found:{}", found.concat()) };
    Failure::new(
        Cause::Missing,
        format_args!("no toolchain for Rust guests{found}\nto install one:\n   {}", rust_advice()),
    )
}

/// A path as a string of TOML.
fn quoted(path: &Path) -> Outcome<String> {
    let text = path.to_str().ok_or_else(|| Failure::usage(format_args!("{}: the path is no UTF-8", path.display())))?;
    Ok(Value::from(text).to_string())
}

/// Tells cargo where the SDK is, for `cargo test` and editors as well. A file of the user's is left alone: false.
fn write_config(path: &Path, sdk: &str) -> Outcome<bool> {
    let wanted = format!("{CONFIG_MARK}\n[patch.crates-io]\n{SDK_PACKAGE} = {{ path = {sdk} }}\n");
    let is_ours = match fs::read_to_string(path) {
        Ok(text) if text == wanted => return Ok(true),
        Ok(text) => text.starts_with(CONFIG_MARK),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if !is_ours {
        return Ok(false);
    }
    let written = fs::create_dir_all(path.with_file_name("")).and_then(|()| fs::write(path, wanted));
    written.map(|()| true).map_err(|error| Failure::io(format_args!("cannot write {}", path.display()), &error))
}

fn package(toolchain: &RustToolchain, manifest: &Path, verbose: bool) -> Outcome<Package> {
    let mut command = toolchain.cargo();
    command.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]).arg(manifest);
    let told = run(&mut command, verbose)?;
    let bad = |problem: &str| Failure::new(Cause::BadInput, format_args!("{}: {problem}", manifest.display()));
    let told: Value = serde_json::from_slice(&told).map_err(|_| bad("cargo's description of it is not JSON"))?;
    let place = manifest.canonicalize().map_err(|error| Failure::io(manifest.display(), &error))?;
    let packages = told["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_this = |package: &&Value| package["manifest_path"].as_str().is_some_and(|path| Path::new(path) == place);
    let package = packages
        .iter()
        .find(is_this)
        .ok_or_else(|| bad("a workspace without a package of its own; name a member's folder"))?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let is_bin = |target: &&Value| list(&target["kind"]).iter().any(|kind| kind == "bin");
    let bins = list(&package["targets"]).iter().filter(is_bin).map(|target| text(&target["name"])).collect();
    let target = match &package["metadata"]["pvm"]["target"] {
        Value::Null => None,
        value => {
            let parsed = <Target as clap::ValueEnum>::from_str(&text(value), false);
            Some(
                parsed
                    .map_err(|_| bad("package.metadata.pvm: target is none of those that `pvm build --help` lists"))?,
            )
        }
    };
    let is_sdk = |dependency: &Value| dependency["name"] == SDK_PACKAGE && dependency["path"].is_null();
    let [name, version, license] = ["name", "version", "license"].map(|field| text(&package[field]));
    let authors: Vec<String> = list(&package["authors"]).iter().map(text).collect();
    let metadata = JamMetadata {
        name: &name,
        version: &version,
        license: &license,
        authors: authors.iter().map(String::as_str).collect(),
    };
    Ok(Package {
        manifest: text(&package["manifest_path"]),
        bins,
        target,
        wants_sdk: list(&package["dependencies"]).iter().any(is_sdk),
        metadata: metadata.to_prefix(),
    })
}

/// Names and places of the binaries of a package, from cargo's messages.
fn executables(messages: &[u8], manifest: &str) -> Vec<(String, PathBuf)> {
    let messages = messages.split(|byte| *byte == b'\n');
    let messages = messages.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let executable = |message: Value| {
        let is_ours = message["reason"] == "compiler-artifact" && message["manifest_path"] == manifest;
        let path = message["executable"].as_str().filter(|_| is_ours)?;
        Some((message["target"]["name"].as_str()?.to_owned(), PathBuf::from(path)))
    };
    messages.filter_map(executable).collect()
}

// --- C and C++ ------------------------------------------------------------------------------------------------------

fn build_c(args: &BuildArgs, sources: &[PathBuf]) -> Outcome<()> {
    if args.target == Some(Target::Latest32) {
        return Err(Failure::usage("--target: the C library is for guests of 64 bits"));
    }
    if args.bin.is_some() || !args.cargo_arguments.is_empty() {
        return Err(Failure::usage("--bin and arguments for cargo are for Rust projects"));
    }
    let folder = args.path.canonicalize().map_err(|error| Failure::io(args.path.display(), &error))?;
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or("program").to_owned();
    let sdk = c_sdk(args.libcxx, args.verbose)?;
    let build = args.path.join("target/pvm").join(if args.debug { "debug" } else { "release" });
    fs::create_dir_all(&build)
        .map_err(|error| Failure::io(format_args!("cannot write {}", build.display()), &error))?;
    let is_cxx = |source: &Path| source.extension().is_none_or(|extension| extension != "c");
    let compiler = |is_cxx: bool| sdk.join("bin").join(if is_cxx { "pvm-c++" } else { "pvm-cc" });
    let mut objects = Vec::new();
    for source in sources {
        let file = source.file_name().unwrap_or_default().to_string_lossy();
        let object = build.join(format!("{file}.o"));
        let mut command = Command::new(compiler(is_cxx(source)));
        command.args([if args.debug { "-O0" } else { "-O2" }, "-g", "-Wall"]);
        command.args(flags(if is_cxx(source) { "CXXFLAGS" } else { "CFLAGS" }));
        command.arg("-c").arg(source).arg("-o").arg(&object);
        anstream::eprintln!("{:>12} {}", "Compiling", source.display());
        run(&mut command, args.verbose).map_err(|mut failure| {
            if is_cxx(source) && !sdk.join(LIBCXX).exists() {
                failure.message += "; the standard library of C++ comes with --libcxx";
            }
            failure
        })?;
        objects.push(object);
    }
    let elf = build.join(format!("{name}.elf"));
    let mut command = Command::new(compiler(sources.iter().any(|source| is_cxx(source))));
    command.args(&objects).args(flags("LDFLAGS")).arg("-lm").arg("-o").arg(&elf);
    run(&mut command, args.verbose)?;
    finish(args, args.target, &name, &elf, None)
}

/// The words of an environment variable.
fn flags(variable: &str) -> Vec<String> {
    std::env::var(variable).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// The C SDK, built if it is not there, with the standard library of C++ if that is wanted.
fn c_sdk(with_libcxx: bool, verbose: bool) -> Outcome<PathBuf> {
    let missing = missing_c_tools();
    if !missing.is_empty() {
        return Err(Failure::new(
            Cause::Missing,
            format_args!(
                "no toolchain for C guests: {} missing\nto install it:\n   {}",
                missing.join(", "),
                c_advice()
            ),
        ));
    }
    let mut command = Command::new("bash");
    command.arg(Sdk::ready()?.c_script()).args(with_libcxx.then_some("--libcxx"));
    let progress = match std::io::stderr().is_terminal() && !verbose {
        true => ProgressBar::new_spinner()
            .with_message("looking for the C SDK; the first time it is built, which takes minutes"),
        false => ProgressBar::hidden(),
    };
    progress.enable_steady_tick(Duration::from_millis(100));
    let told = run(&mut command, verbose);
    progress.finish_and_clear();
    let told = told?;
    let path = String::from_utf8_lossy(&told);
    match path.lines().last() {
        Some(path) if Path::new(path).join("bin/pvm-cc").exists() => Ok(path.into()),
        _ => Err(Failure::new(Cause::Bug, "the script of the C SDK did not say where it is")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_those_of_the_package() {
        let messages = [
            r#"{"reason":"compiler-artifact","manifest_path":"/p/Cargo.toml","target":{"name":"a"},"executable":"/t/a"}"#,
            r#"{"reason":"compiler-artifact","manifest_path":"/p/Cargo.toml","target":{"name":"p"},"executable":null}"#,
            r#"{"reason":"compiler-artifact","manifest_path":"/q/Cargo.toml","target":{"name":"q"},"executable":"/t/q"}"#,
            "not JSON",
            r#"{"reason":"build-finished","success":true}"#,
        ];
        let found = executables(messages.join("\n").as_bytes(), "/p/Cargo.toml");
        assert_eq!(found, [("a".to_owned(), PathBuf::from("/t/a"))]);
    }

    #[test]
    fn a_patch_that_the_library_has_no_use_for_is_not_told() {
        let told = "   Updating index\n\
            warning: patch `pvm-guest v0.1.0 (/sdk)` was not used in the crate graph\n\
            help: Check that the patched package version and available features are compatible\n\
            \x20     version. This may also occur with an optional dependency that is not enabled.\n\
            warning: patch `other v0.1.0` was not used in the crate graph\n";
        let mut filter = PatchFilter::default();
        let kept: Vec<&str> = told.lines().filter(|line| filter.passes(line)).collect();
        assert_eq!(kept, ["   Updating index", "warning: patch `other v0.1.0` was not used in the crate graph"]);
    }

    #[test]
    fn a_configuration_of_the_users_is_left_alone() {
        let folder = std::env::temp_dir().join(format!("pvm-config-{}", std::process::id()));
        let path = folder.join(".cargo/config.toml");
        for (before, after) in [
            (None, format!("{CONFIG_MARK}\n[patch.crates-io]\npvm-guest = {{ path = \"/sdk\" }}\n")),
            (
                Some(format!("{CONFIG_MARK}\nold")),
                format!("{CONFIG_MARK}\n[patch.crates-io]\npvm-guest = {{ path = \"/sdk\" }}\n"),
            ),
            (Some("[build]\n".to_owned()), "[build]\n".to_owned()),
        ] {
            if let Some(before) = before {
                fs::write(&path, before).unwrap();
            }
            let is_ours = write_config(&path, "\"/sdk\"").map_err(|failure| failure.message).unwrap();
            assert_eq!(is_ours, after.contains("/sdk"));
            assert_eq!(fs::read_to_string(&path).unwrap(), after);
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
