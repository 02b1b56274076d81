//! JSON for programs whose size counts: the portal.
//!
//! serde makes code of its own for every type and every way to read it, a fifth of the whole portal. Here a text becomes
//! a tree once, by one function, and each type takes its fields out of it. The derives of [`FromJson`] and [`ToJson`]
//! read serde's attributes, so that both write and read the same; edge and gateway keep to serde.
//!
//! It reads what serde reads, but for three things that no neighbour sends: a name that stands twice in an object counts
//! once, numbers that are too large for serde are passed over in fields nobody reads, and an enum is never told by the
//! number of its variant.

mod parse;
mod values;

pub use parse::parse;
pub use ponte_protocol_derive::{FromJson, ToJson};

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    Null,
    Bool(bool),
    /// A number without sign, fraction and exponent, up to 2^64 - 1.
    Whole(u64),
    /// Any other number: no field of the protocol is one.
    OtherNumber,
    Text(String),
    List(Vec<Json>),
    /// As they stand in the text.
    Object(Vec<(String, Json)>),
}

/// The JSON is well formed, but not what was asked for: another type, a field that is missing, a value out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the JSON that was asked for")]
pub struct Unfit;

/// Why a text could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    #[error("no JSON from byte {at} on")]
    Syntax { at: usize },
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

/// What can be read from JSON.
#[diagnostic::on_unimplemented(
    message = "the portal cannot read `{Self}`",
    note = "derive `ponte_protocol::json::FromJson` beside serde's `Deserialize`"
)]
pub trait FromJson: Sized {
    /// # Errors
    /// [`Unfit`] where the value is something else.
    fn from_json(json: Json) -> Result<Self, Unfit>;

    /// What a field of this type is that is not there.
    ///
    /// # Errors
    /// [`Unfit`] where it may not be absent.
    fn absent() -> Result<Self, Unfit> {
        Err(Unfit)
    }
}

/// What can be written as JSON.
#[diagnostic::on_unimplemented(
    message = "the portal cannot write `{Self}`",
    note = "derive `ponte_protocol::json::ToJson` beside serde's `Serialize`"
)]
pub trait ToJson {
    /// Appends the value to `out`.
    fn to_json(&self, out: &mut String);
}

/// Reads a value.
///
/// # Errors
/// [`JsonError`].
pub fn read<T: FromJson>(text: &str) -> Result<T, JsonError> {
    Ok(T::from_json(parse(text)?)?)
}

/// Writes a value.
pub fn write(value: &dyn ToJson) -> String {
    let mut out = String::new();
    value.to_json(&mut out);
    out
}

/// The fields of an object, to be taken out one by one.
#[derive(Debug)]
pub struct Fields(Vec<(String, Json)>);

impl Fields {
    /// # Errors
    /// [`Unfit`] for what is no object.
    pub fn of(json: Json) -> Result<Self, Unfit> {
        match json {
            Json::Object(fields) => Ok(Self(fields)),
            _ => Err(Unfit),
        }
    }

    /// Takes a field.
    ///
    /// # Errors
    /// [`Unfit`] where it is something else, or is missing and may not be.
    pub fn take<T: FromJson>(&mut self, name: &str) -> Result<T, Unfit> {
        match self.remove(name) {
            Some(value) => T::from_json(value),
            None => T::absent(),
        }
    }

    /// Takes a field that has a value where it is missing.
    ///
    /// # Errors
    /// [`Unfit`] where it is something else.
    pub fn take_or<T: FromJson>(&mut self, name: &str, absent: fn() -> T) -> Result<T, Unfit> {
        match self.remove(name) {
            Some(value) => T::from_json(value),
            None => Ok(absent()),
        }
    }

    /// The fields that are left.
    pub fn into_json(self) -> Json {
        Json::Object(self.0)
    }

    fn remove(&mut self, name: &str) -> Option<Json> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(place).1)
    }
}

/// Appends a field to an object that is open; for the derives.
pub fn write_field(out: &mut String, name: &'static str, value: &dyn ToJson) {
    // A value never ends in a brace that opens, so that this one is the object's.
    if !out.ends_with('{') {
        out.push(',');
    }
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
    value.to_json(out);
}

/// Appends the field that names a variant; for the derives.
pub fn write_tag(out: &mut String, tag: &'static str, variant: &str) {
    write_field(out, tag, &variant);
}

/// Appends all fields of a struct to an object that is open and has some; for the derives.
pub fn write_fields_of(out: &mut String, value: &dyn ToJson) {
    let fields = write(value);
    let inner = fields.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    if let Some(inner) = inner.filter(|inner| !inner.is_empty()) {
        out.push(',');
        out.push_str(inner);
    }
}
