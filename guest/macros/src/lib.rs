//! The attributes of `pvm-guest`: `main`, `export`, `import`.
//!
//! For a guest (`target_os = "none"`) they make the records that the linker looks for; on the host they leave functions that
//! tests can call. The crate `pvm` re-exports them; it has the assembly and the records.

mod expand;
mod options;

use proc_macro::TokenStream;
use syn::{ItemFn, ItemForeignMod, parse_macro_input};

/// The entry point: the export `main`, whose result is the exit code.
///
/// The function takes nothing and gives `()`, an `i32`, or a `Result` of one of these, whose error is printed. On the host it is the
/// program's `main`. `#[pvm::main(stack = BYTES)]` asks for another stack than 1 MiB.
///
/// ```ignore
/// #[pvm::main]
/// fn main() -> Result<(), pvm::Error> {
///     pvm::println!("{}", pvm::fs::read_to_string("/greeting.txt")?);
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as options::Main);
    let function = parse_macro_input!(item as ItemFn);
    expand::main(options, &function).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// A function that the host can call, by its name or by another: `#[pvm::export(symbol = "name")]`.
///
/// ```ignore
/// #[pvm::export]
/// fn add(left: u32, right: u32) -> u32 {
///     left.wrapping_add(right)
/// }
/// ```
#[proc_macro_attribute]
pub fn export(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as options::Export);
    let function = parse_macro_input!(item as ItemFn);
    expand::export(options, &function).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Functions of the host, in a block `unsafe extern "C"`. Each is known to the host by its name; `#[pvm::import(symbol = "name")]` on
/// a function gives another, `index = N` a number. Either all imports of a program have an index or none has.
///
/// On the host such a function panics when it is called, unless `native = path` names one that takes its place.
///
/// ```ignore
/// #[pvm::import]
/// unsafe extern "C" {
///     safe fn random() -> u64;
///     #[pvm::import(symbol = "ext_log", index = 7, native = say)]
///     fn log(text: *const u8, length: usize);
/// }
/// ```
#[proc_macro_attribute]
pub fn import(options: TokenStream, item: TokenStream) -> TokenStream {
    if !options.is_empty() {
        let options = proc_macro2::TokenStream::from(options);
        return syn::Error::new_spanned(options, "options of an import stand at the function in the block")
            .into_compile_error()
            .into();
    }
    let block = parse_macro_input!(item as ItemForeignMod);
    expand::import(&block).unwrap_or_else(syn::Error::into_compile_error).into()
}
