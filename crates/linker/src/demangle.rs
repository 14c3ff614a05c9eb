//! Names of symbols as their language has them.

use crate::limits::DEBUG_TEXT_SIZE_MAX;
use std::fmt::{self, Write};

/// The name that a mangled name of Rust or C++ stands for: without Rust's hashes, without the parameters of C++'s. None if
/// the name is not mangled.
///
/// ```
/// assert_eq!(pvm_linker::demangle("_ZN4core3fmt5write17h0123456789abcdefE").as_deref(), Some("core::fmt::write"));
/// assert_eq!(pvm_linker::demangle("_ZN3foo3barEi").as_deref(), Some("foo::bar"));
/// assert_eq!(pvm_linker::demangle("memcpy"), None);
/// ```
pub fn demangle(symbol: &str) -> Option<String> {
    demangle_rust(symbol).or_else(|| demangle_cpp(symbol))
}

/// The name that a mangled name of Rust stands for.
pub(crate) fn demangle_rust(symbol: &str) -> Option<String> {
    let name = rustc_demangle::try_demangle(symbol).ok()?;
    written(|out| write!(out, "{name:#}"))
}

fn demangle_cpp(symbol: &str) -> Option<String> {
    // Names are what the file says: one that is too long is not looked at, and one that goes deep is not followed.
    if !symbol.starts_with("_Z") || symbol.len() > DEBUG_TEXT_SIZE_MAX {
        return None;
    }
    let name = cpp_demangle::Symbol::new(symbol).ok()?;
    let options = cpp_demangle::DemangleOptions::new().no_params().no_return_type();
    written(|out| name.structured_demangle(out, &options))
}

/// What is written, as far as names may be long.
fn written(write: impl FnOnce(&mut Bounded) -> fmt::Result) -> Option<String> {
    let mut out = Bounded(String::new());
    let _ = write(&mut out);
    Some(out.0).filter(|name| !name.is_empty())
}

/// Takes no more than names may have.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > DEBUG_TEXT_SIZE_MAX {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(symbol: &str, name: &str) {
        assert_eq!(demangle(symbol).as_deref(), Some(name), "{symbol}");
    }

    #[test]
    fn names_of_rust_lose_their_hashes() {
        check(
            "_RNvNtNvCskzf6AOmpGcL_3fib3run16___polkavm_export10trampoline",
            "fib::run::__polkavm_export::trampoline",
        );
        check("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write");
        assert_eq!(demangle_rust("_ZN3foo3barEv"), None, "C++");
    }

    #[test]
    fn names_of_cpp_lose_their_parameters() {
        check("_ZN3foo3barEv", "foo::bar");
        check("_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<int, std::allocator<int> >::push_back");
        check("_ZSt4moveIRiEONSt16remove_referenceIT_E4typeEOS2_", "std::move<int&>");
        check("_ZTV4Base", "{vtable(Base)}");
        check("_ZN12_GLOBAL__N_13runEv", "(anonymous namespace)::run");
    }

    #[test]
    fn other_names_are_none() {
        for symbol in ["main", "", "_Z", "_R", "_ZN", "_ZNSt"] {
            assert_eq!(demangle(symbol), None, "{symbol}");
        }
    }

    #[test]
    fn names_that_would_explode_end() {
        // Each template names the one before twice.
        let nested: String = (0..40).fold("i".into(), |inner: String, _| format!("1aI{inner}S_E"));
        for symbol in [format!("_Z1f{nested}"), format!("_Z{}", "N".repeat(5000)), "_ZN".repeat(1000)] {
            assert!(demangle(&symbol).is_none_or(|name| name.len() <= DEBUG_TEXT_SIZE_MAX));
        }
    }
}
