//! A guest. `pvm build` and `pvm run` run it; `cargo test` tests it on this machine.
#![cfg_attr(target_os = "none", no_std, no_main)]

use pvm::prelude::*;

#[pvm::main]
fn main() {
    let arguments = pvm::args();
    println!("{}", greeting(arguments.get(1).map_or("world", String::as_str)));
}

fn greeting(name: &str) -> String {
    format!("Hello, {name}!")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_greets() {
        assert_eq!(greeting("guest"), "Hello, guest!");
    }
}
