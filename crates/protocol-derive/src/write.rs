//! `ToJson`.

use crate::attributes::{Container, Field, field_name, is_other, variant_name};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DataEnum, DeriveInput, Error, Fields, Result};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let container = Container::of(&input.attrs)?;
    let body = if container.into_text {
        quote! {
            let text: ::std::string::String = ::core::convert::Into::into(::core::clone::Clone::clone(self));
            ::ponte_protocol::json::ToJson::to_json(&text, out);
        }
    } else {
        match &input.data {
            Data::Struct(data) => of_struct(input, &data.fields)?,
            Data::Enum(data) => match &container.tag {
                Some(tag) => of_tagged(&container, tag, data)?,
                None => of_names(&container, data)?,
            },
            Data::Union(_) => return Err(Error::new_spanned(&input.ident, "a union has no JSON")),
        }
    };
    let name = &input.ident;
    let (impl_generics, type_generics, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics ::ponte_protocol::json::ToJson for #name #type_generics #bounds {
            fn to_json(&self, out: &mut ::std::string::String) {
                #body
            }
        }
    })
}

fn of_struct(input: &DeriveInput, fields: &Fields) -> Result<TokenStream> {
    match fields {
        Fields::Named(named) => {
            let mut write = TokenStream::new();
            for field in &named.named {
                let Some(ident) = &field.ident else { continue };
                write.extend(one(field, quote! { &self.#ident })?);
            }
            Ok(quote! {
                out.push('{');
                #write
                out.push('}');
            })
        }
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Ok(quote! {
            ::ponte_protocol::json::ToJson::to_json(&self.0, out);
        }),
        _ => Err(Error::new_spanned(
            &input.ident,
            "fields have names, or there is one",
        )),
    }
}

/// Writes one field; `value` is a reference to it.
fn one(field: &syn::Field, value: TokenStream) -> Result<TokenStream> {
    let Some(ident) = &field.ident else {
        return Err(Error::new_spanned(field, "fields have names"));
    };
    let name = field_name(ident);
    let write = quote! { ::ponte_protocol::json::write_field(out, #name, #value); };
    Ok(match Field::of(&field.attrs)?.skip_if {
        Some(skip) => quote! { if !#skip(#value) { #write } },
        None => write,
    })
}

/// An enum that says its name in a field.
fn of_tagged(container: &Container, tag: &str, data: &DataEnum) -> Result<TokenStream> {
    let mut arms = TokenStream::new();
    for variant in &data.variants {
        // The one for unknown names is written by its own; looking for it finds attributes that nobody knows.
        is_other(&variant.attrs)?;
        let (ident, name) = (&variant.ident, variant_name(container, &variant.ident));
        arms.extend(match &variant.fields {
            Fields::Unit => quote! {
                Self::#ident => ::ponte_protocol::json::write_tag(out, #tag, #name),
            },
            Fields::Named(fields) => {
                let mut names = Vec::new();
                let mut write = TokenStream::new();
                for field in &fields.named {
                    let Some(field_ident) = &field.ident else { continue };
                    let bound = format_ident!("field_{}", field_name(field_ident));
                    write.extend(one(field, quote! { #bound })?);
                    names.push(quote! { #field_ident: #bound });
                }
                quote! {
                    Self::#ident { #(#names),* } => {
                        ::ponte_protocol::json::write_tag(out, #tag, #name);
                        #write
                    }
                }
            }
            Fields::Unnamed(inner) if inner.unnamed.len() == 1 => quote! {
                Self::#ident(inner) => {
                    ::ponte_protocol::json::write_tag(out, #tag, #name);
                    ::ponte_protocol::json::write_fields_of(out, inner);
                }
            },
            Fields::Unnamed(_) => return Err(Error::new_spanned(ident, "at most one value")),
        });
    }
    Ok(quote! {
        out.push('{');
        match self { #arms }
        out.push('}');
    })
}

/// An enum that is nothing but names.
fn of_names(container: &Container, data: &DataEnum) -> Result<TokenStream> {
    let mut arms = TokenStream::new();
    for variant in &data.variants {
        // The one for unknown names is written by its own; looking for it finds attributes that nobody knows.
        is_other(&variant.attrs)?;
        let (ident, name) = (&variant.ident, variant_name(container, &variant.ident));
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(ident, "an enum with values needs a `tag`"));
        }
        arms.extend(quote! { Self::#ident => #name, });
    }
    Ok(quote! {
        let name: &str = match self { #arms };
        ::ponte_protocol::json::ToJson::to_json(name, out);
    })
}
