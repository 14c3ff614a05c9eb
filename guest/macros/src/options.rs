//! What stands in the parentheses of an attribute: `name = value, ...`.

use syn::parse::{Parse, ParseStream};
use syn::{Expr, Ident, LitInt, LitStr, Path, Result, Token};

/// Of `main`.
#[derive(Default)]
pub(crate) struct Main {
    /// Bytes of stack.
    pub(crate) stack: Option<Expr>,
}

/// Of `export`.
#[derive(Default)]
pub(crate) struct Export {
    /// The name for the host.
    pub(crate) symbol: Option<LitStr>,
}

/// Of a function in a block of imports.
#[derive(Default)]
pub(crate) struct Import {
    /// The name for the host.
    pub(crate) symbol: Option<LitStr>,
    /// The number for the host.
    pub(crate) index: Option<LitInt>,
    /// What takes its place on the host.
    pub(crate) native: Option<Path>,
}

/// Parses options one by one: `take` parses the value of a name that it knows.
fn each(input: ParseStream<'_>, known: &str, mut take: impl FnMut(&str) -> Result<bool>) -> Result<()> {
    while !input.is_empty() {
        let name: Ident = input.parse()?;
        input.parse::<Token![=]>()?;
        if !take(&name.to_string())? {
            return Err(syn::Error::new(name.span(), format!("unknown option; there is {known}")));
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(())
}

impl Parse for Main {
    fn parse(input: ParseStream<'_>) -> Result<Main> {
        let mut options = Main::default();
        each(input, "`stack = BYTES`", |name| match name {
            "stack" => input.parse().map(|value| options.stack = Some(value)).map(|()| true),
            _ => Ok(false),
        })?;
        Ok(options)
    }
}

impl Parse for Export {
    fn parse(input: ParseStream<'_>) -> Result<Export> {
        let mut options = Export::default();
        each(input, "`symbol = \"name\"`", |name| match name {
            "symbol" => input.parse().map(|value| options.symbol = Some(value)).map(|()| true),
            _ => Ok(false),
        })?;
        Ok(options)
    }
}

impl Parse for Import {
    fn parse(input: ParseStream<'_>) -> Result<Import> {
        let mut options = Import::default();
        each(input, "`symbol = \"name\"`, `index = N`, `native = path`", |name| {
            match name {
                "symbol" => options.symbol = Some(input.parse()?),
                "index" => options.index = Some(input.parse()?),
                "native" => options.native = Some(input.parse()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(options)
    }
}
