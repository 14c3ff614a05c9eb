//! From a function to what stands in its place.

use crate::options::{Export, Import, Main};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, FnArg, ForeignItem, Ident, ItemFn, ItemForeignMod, LitStr, Pat, Result, ReturnType, Safety, Signature,
};
use syn::{Token, Type};

/// Arguments and result, as the host sees them.
struct Prototype {
    names: Vec<Ident>,
    types: Vec<Type>,
    result: Type,
}

impl Prototype {
    /// # Errors
    /// If a host could not call it so.
    fn of(signature: &Signature) -> Result<Prototype> {
        let refuse = |tokens: &dyn quote::ToTokens, text: &str| Err(syn::Error::new_spanned(tokens, text));
        if !signature.generics.params.is_empty() {
            return refuse(&signature.generics, "a function between guest and host cannot be generic");
        }
        if let Some(token) = &signature.asyncness {
            return refuse(token, "a function between guest and host cannot be async");
        }
        if let Some(variadic) = &signature.variadic {
            return refuse(variadic, "a function between guest and host has a fixed number of arguments");
        }
        let (mut names, mut types) = (Vec::new(), Vec::new());
        for (number, input) in signature.inputs.iter().enumerate() {
            let FnArg::Typed(argument) = input else {
                return refuse(input, "a function between guest and host is not a method");
            };
            names.push(match &*argument.pat {
                Pat::Ident(name) => name.ident.clone(),
                _ => format_ident!("argument_{number}"),
            });
            types.push((*argument.ty).clone());
        }
        let result = match &signature.output {
            ReturnType::Default => syn::parse_quote!(()),
            ReturnType::Type(_, result) => (**result).clone(),
        };
        Ok(Prototype { names, types, result })
    }

    /// The number of registers that the arguments take.
    fn inputs(&self) -> TokenStream {
        let types = &self.types;
        quote!(const { ::pvm::expansion::sum(&[#(<#types as ::pvm::Value>::REGISTERS),*]) })
    }

    /// The metadata record.
    fn metadata(&self, symbol: &LitStr, index: &TokenStream) -> TokenStream {
        let (inputs, result) = (self.inputs(), &self.result);
        quote!(::pvm::expansion::Metadata::new(#symbol, #inputs, <#result as ::pvm::Value>::REGISTERS, #index))
    }
}

/// The records of an export of `function`, which has the C calling convention.
fn record(prototype: &Prototype, symbol: &LitStr, function: &TokenStream) -> TokenStream {
    let metadata = prototype.metadata(symbol, &quote!(::core::option::Option::None));
    let inputs = prototype.inputs();
    quote! {
        #[used]
        #[unsafe(link_section = ".polkavm_metadata")]
        static METADATA: ::pvm::expansion::Metadata = #metadata;
        #[unsafe(naked)]
        extern "C" fn record() {
            ::pvm::export_record!(METADATA, #function, #inputs)
        }
        // Nothing else refers to it.
        #[used]
        static RECORD: extern "C" fn() = record;
    }
}

pub(crate) fn main(options: Main, function: &ItemFn) -> Result<TokenStream> {
    let signature = &function.sig;
    if !signature.inputs.is_empty() {
        return Err(syn::Error::new_spanned(
            &signature.inputs,
            "the entry point takes no arguments; `pvm::args()` gives them",
        ));
    }
    Prototype::of(signature)?;
    let (name, attributes) = (&signature.ident, &function.attrs);
    let stack = options.stack.map_or_else(|| quote!(1 << 20), |bytes| quote!(#bytes));
    let entry = Prototype { names: Vec::new(), types: Vec::new(), result: syn::parse_quote!(i32) };
    let record = record(&entry, &LitStr::new("main", Span::call_site()), &quote!(entry));
    Ok(quote! {
        #[cfg(not(target_os = "none"))]
        #(#attributes)*
        fn #name() {
            #function
            ::pvm::expansion::native_entry(#name)
        }
        #[cfg(target_os = "none")]
        const _: () = {
            #function
            extern "C" fn entry() -> i32 {
                ::pvm::expansion::entry(#name)
            }
            ::pvm::min_stack_size!(#stack);
            #record
        };
    })
}

pub(crate) fn export(options: Export, function: &ItemFn) -> Result<TokenStream> {
    let signature = &function.sig;
    let prototype = Prototype::of(signature)?;
    let name = &signature.ident;
    let symbol = options.symbol.unwrap_or_else(|| LitStr::new(&name.to_string(), name.span()));
    let Prototype { names, types, result } = &prototype;
    let call = match signature.safety {
        // SAFETY in what this expands to: who exports an unsafe function lets the host answer for its contract.
        Safety::Unsafe(_) => quote!(unsafe { #name(#(#names),*) }),
        _ => quote!(#name(#(#names),*)),
    };
    let record = record(&prototype, &symbol, &quote!(entry));
    Ok(quote! {
        #[cfg_attr(not(target_os = "none"), allow(dead_code))]
        #function
        #[cfg(target_os = "none")]
        const _: () = {
            extern "C" fn entry(#(#names: #types),*) -> #result {
                #call
            }
            #record
        };
    })
}

pub(crate) fn import(block: &ItemForeignMod) -> Result<TokenStream> {
    let is_c = block.abi.name.as_ref().is_none_or(|name| name.value() == "C");
    if !is_c {
        return Err(syn::Error::new_spanned(&block.abi, "imports have the convention of \"C\""));
    }
    block.items.iter().map(import_item).collect()
}

fn import_item(item: &ForeignItem) -> Result<TokenStream> {
    let ForeignItem::Fn(function) = item else {
        return Err(syn::Error::new_spanned(item, "only functions can be imported"));
    };
    let signature = &function.sig;
    let prototype = Prototype::of(signature)?;
    let (options, attributes) = import_options(&function.attrs)?;
    let (name, visibility) = (&signature.ident, &function.vis);
    let symbol = options.symbol.unwrap_or_else(|| LitStr::new(&name.to_string(), name.span()));
    let index = match &options.index {
        Some(index) => quote!(::core::option::Option::Some(#index)),
        None => quote!(::core::option::Option::None),
    };
    let safety = match signature.safety {
        Safety::Safe(_) => quote!(),
        _ => quote!(unsafe),
    };
    let Prototype { names, types, result } = &prototype;
    let (metadata, inputs) = (prototype.metadata(&symbol, &index), prototype.inputs());
    let native = match &options.native {
        Some(native) => quote!(#native(#(#names),*)),
        None => quote! {
            #(let _ = #names;)*
            ::core::panic!("the host function {} is not here; `native = path` at the import gives another", #symbol)
        },
    };
    Ok(quote! {
        #(#attributes)*
        #[inline]
        #visibility #safety fn #name(#(#names: #types),*) -> #result {
            #[cfg(target_os = "none")]
            {
                #[unsafe(link_section = ".polkavm_metadata")]
                static METADATA: ::pvm::expansion::Metadata = #metadata;
                #[unsafe(naked)]
                unsafe extern "C" fn site(#(#names: #types),*) -> #result {
                    ::pvm::import_site!(METADATA, #inputs)
                }
                // SAFETY: by calling a function of the host, or declaring it as safe, one answers for its contract.
                unsafe { site(#(#names),*) }
            }
            #[cfg(not(target_os = "none"))]
            { #native }
        }
    })
}

/// The options in `#[pvm::import(...)]` at a function, and its other attributes.
fn import_options(attributes: &[Attribute]) -> Result<(Import, Vec<&Attribute>)> {
    let mut options = Import::default();
    let mut others = Vec::new();
    for attribute in attributes {
        let path: &Punctuated<_, Token![::]> = &attribute.path().segments;
        if path.last().is_some_and(|segment| segment.ident == "import") {
            options = attribute.parse_args()?;
        } else {
            others.push(attribute);
        }
    }
    Ok((options, others))
}
