//! Derives `FromJson` and `ToJson` of `ponte_protocol::json` from the attributes that serde's own derives read, so that
//! the wire format of a type is written down once.
//!
//! What serde would do and these derives do not know stops the build: nothing is read in two ways in silence.

mod attributes;
mod read;
mod write;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Reads the type from JSON as serde's `Deserialize` does.
#[proc_macro_derive(FromJson, attributes(serde))]
pub fn from_json(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    read::derive(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Writes the type as serde's `Serialize` does.
#[proc_macro_derive(ToJson, attributes(serde))]
pub fn to_json(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    write::derive(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use syn::{DeriveInput, parse_quote};

    #[test]
    fn what_the_derives_do_not_know_stops_the_build() {
        let unknown: [DeriveInput; 8] = [
            parse_quote! { #[serde(rename_all = "camelCase")] enum Case { One } },
            parse_quote! { #[serde(untagged)] enum Untagged { One } },
            parse_quote! { #[serde(tag = "t", content = "c")] enum Adjacent { One { two: u8 } } },
            parse_quote! { #[serde(try_from = "u64")] struct Through(u64); },
            parse_quote! { struct Flat { #[serde(flatten)] all: Vec<u8> } },
            parse_quote! { enum Renamed { #[serde(rename = "1")] One } },
            parse_quote! { enum WithoutTag { One { two: u8 } } },
            parse_quote! { struct Pair(u8, u8); },
        ];
        for item in unknown {
            let name = item.ident.to_string();
            assert!(read::derive(&item).is_err(), "{name}");
            assert!(write::derive(&item).is_err(), "{name}");
        }
    }

    #[test]
    fn what_they_know_goes_through() {
        let known: [DeriveInput; 3] = [
            parse_quote! { struct Borrowed<'a> { #[serde(default)] r#type: &'a str } },
            parse_quote! {
                #[serde(tag = "type", rename_all = "snake_case")]
                enum Told { Unit, Named { a: u8 }, Inner(Borrowed), #[serde(other)] Unknown }
            },
            parse_quote! { #[serde(try_from = "String", into = "String")] struct Name(String); },
        ];
        for item in known {
            assert!(read::derive(&item).is_ok());
            assert!(write::derive(&item).is_ok());
        }
    }
}
