//! The attributes of serde that the protocol uses.

use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, Ident, LitStr, Path, Result};

/// Of a struct or an enum.
#[derive(Default)]
pub(crate) struct Container {
    /// The field that names the variant.
    pub(crate) tag: Option<String>,
    /// Variants are named in `snake_case`, the only case there is.
    pub(crate) snake_case: bool,
    /// It is read through `TryFrom<String>`.
    pub(crate) try_from_text: bool,
    /// It is written through `Into<String>`.
    pub(crate) into_text: bool,
}

/// What a field that is not there stands for.
pub(crate) enum Absent {
    /// What its type says: nothing but an `Option` may be absent.
    ByType,
    Default,
    Function(Path),
}

/// Of a field.
pub(crate) struct Field {
    pub(crate) absent: Absent,
    pub(crate) skip_if: Option<Path>,
}

impl Container {
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut found = Self::default();
        each(attributes, |meta| {
            if meta.path.is_ident("tag") {
                found.tag = Some(meta.value()?.parse::<LitStr>()?.value());
            } else if meta.path.is_ident("rename_all") {
                let case = meta.value()?.parse::<LitStr>()?;
                if case.value() != "snake_case" {
                    return Err(syn::Error::new(case.span(), "only `snake_case` is known here"));
                }
                found.snake_case = true;
            } else if meta.path.is_ident("try_from") {
                text_only(&meta)?;
                found.try_from_text = true;
            } else if meta.path.is_ident("into") {
                text_only(&meta)?;
                found.into_text = true;
            } else if !meta.path.is_ident("transparent") {
                return Err(unknown(&meta));
            }
            Ok(())
        })?;
        Ok(found)
    }
}

impl Field {
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut found = Self {
            absent: Absent::ByType,
            skip_if: None,
        };
        each(attributes, |meta| {
            if meta.path.is_ident("default") {
                found.absent = match meta.value() {
                    Ok(value) => Absent::Function(value.parse::<LitStr>()?.parse()?),
                    Err(_) => Absent::Default,
                };
            } else if meta.path.is_ident("skip_serializing_if") {
                found.skip_if = Some(meta.value()?.parse::<LitStr>()?.parse()?);
            } else {
                return Err(unknown(&meta));
            }
            Ok(())
        })?;
        Ok(found)
    }
}

/// Whether a variant stands for all names that are not known.
pub(crate) fn is_other(attributes: &[Attribute]) -> Result<bool> {
    let mut other = false;
    each(attributes, |meta| {
        if !meta.path.is_ident("other") {
            return Err(unknown(&meta));
        }
        other = true;
        Ok(())
    })?;
    Ok(other)
}

/// The name of a field in JSON.
pub(crate) fn field_name(field: &Ident) -> String {
    field.unraw().to_string()
}

/// The name of a variant in JSON.
pub(crate) fn variant_name(container: &Container, variant: &Ident) -> String {
    let name = variant.unraw().to_string();
    if !container.snake_case {
        return name;
    }
    let mut snake = String::with_capacity(name.len() + 4);
    for (place, letter) in name.char_indices() {
        if place > 0 && letter.is_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn each(attributes: &[Attribute], mut take: impl FnMut(ParseNestedMeta<'_>) -> Result<()>) -> Result<()> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
        .try_for_each(|attribute| attribute.parse_nested_meta(&mut take))
}

fn text_only(meta: &ParseNestedMeta<'_>) -> Result<()> {
    let through = meta.value()?.parse::<Expr>()?;
    let is_text = matches!(&through, Expr::Lit(literal) if matches!(&literal.lit, syn::Lit::Str(text) if text.value() == "String"));
    if is_text {
        return Ok(());
    }
    Err(meta.error("only `String` is known here"))
}

fn unknown(meta: &ParseNestedMeta<'_>) -> syn::Error {
    meta.error("an attribute that `FromJson` and `ToJson` do not know; see crates/protocol-derive")
}
