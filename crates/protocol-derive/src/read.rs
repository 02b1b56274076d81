//! `FromJson`.

use crate::attributes::{Absent, Container, Field, field_name, is_other, variant_name};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DataEnum, DeriveInput, Error, Fields, FieldsNamed, Result, Variant};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let container = Container::of(&input.attrs)?;
    let body = if container.try_from_text {
        quote! {
            let text = <::std::string::String as ::ponte_protocol::json::FromJson>::from_json(json)?;
            ::core::convert::TryFrom::try_from(text).map_err(|_| ::ponte_protocol::json::Unfit)
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
        impl #impl_generics ::ponte_protocol::json::FromJson for #name #type_generics #bounds {
            fn from_json(
                json: ::ponte_protocol::json::Json,
            ) -> ::core::result::Result<Self, ::ponte_protocol::json::Unfit> {
                #body
            }
        }
    })
}

fn of_struct(input: &DeriveInput, fields: &Fields) -> Result<TokenStream> {
    match fields {
        Fields::Named(fields) => {
            let read = named(fields)?;
            Ok(quote! {
                let mut fields = ::ponte_protocol::json::Fields::of(json)?;
                ::core::result::Result::Ok(Self { #read })
            })
        }
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Ok(quote! {
            ::ponte_protocol::json::FromJson::from_json(json).map(Self)
        }),
        _ => Err(Error::new_spanned(
            &input.ident,
            "fields have names, or there is one",
        )),
    }
}

fn named(fields: &FieldsNamed) -> Result<TokenStream> {
    let mut read = TokenStream::new();
    for field in &fields.named {
        let Some(ident) = &field.ident else { continue };
        let name = field_name(ident);
        read.extend(match Field::of(&field.attrs)?.absent {
            Absent::ByType => quote! { #ident: fields.take(#name)?, },
            Absent::Default => {
                quote! { #ident: fields.take_or(#name, ::core::default::Default::default)?, }
            }
            Absent::Function(path) => quote! { #ident: fields.take_or(#name, #path)?, },
        });
    }
    Ok(read)
}

/// An enum that says its name in a field.
fn of_tagged(container: &Container, tag: &str, data: &DataEnum) -> Result<TokenStream> {
    let mut arms = TokenStream::new();
    for variant in known(data)? {
        let (ident, name) = (&variant.ident, variant_name(container, &variant.ident));
        arms.extend(match &variant.fields {
            Fields::Unit => quote! { #name => Self::#ident, },
            Fields::Named(fields) => {
                let read = named(fields)?;
                quote! { #name => Self::#ident { #read }, }
            }
            Fields::Unnamed(inner) if inner.unnamed.len() == 1 => quote! {
                #name => Self::#ident(::ponte_protocol::json::FromJson::from_json(fields.into_json())?),
            },
            Fields::Unnamed(_) => return Err(Error::new_spanned(ident, "at most one value")),
        });
    }
    let other = other(data)?;
    Ok(quote! {
        let mut fields = ::ponte_protocol::json::Fields::of(json)?;
        let tag: ::std::string::String = fields.take(#tag)?;
        ::core::result::Result::Ok(match tag.as_str() {
            #arms
            _ => #other,
        })
    })
}

/// An enum that is nothing but names.
fn of_names(container: &Container, data: &DataEnum) -> Result<TokenStream> {
    let mut arms = TokenStream::new();
    for variant in known(data)? {
        let (ident, name) = (&variant.ident, variant_name(container, &variant.ident));
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(ident, "an enum with values needs a `tag`"));
        }
        arms.extend(quote! { #name => Self::#ident, });
    }
    let other = other(data)?;
    Ok(quote! {
        let name = <::std::string::String as ::ponte_protocol::json::FromJson>::from_json(json)?;
        ::core::result::Result::Ok(match name.as_str() {
            #arms
            _ => #other,
        })
    })
}

fn known(data: &DataEnum) -> Result<Vec<&Variant>> {
    let mut known = Vec::new();
    for variant in &data.variants {
        // serde reads this one by its own name, too.
        if !is_other(&variant.attrs)? {
            known.push(variant);
        }
    }
    Ok(known)
}

fn other(data: &DataEnum) -> Result<TokenStream> {
    for variant in &data.variants {
        if is_other(&variant.attrs)? {
            let ident = &variant.ident;
            return Ok(quote! { Self::#ident });
        }
    }
    Ok(quote! { return ::core::result::Result::Err(::ponte_protocol::json::Unfit) })
}
