//! The values that fields are made of.

use super::{FromJson, Json, ToJson, Unfit};
use uuid::Uuid;

impl FromJson for bool {
    fn from_json(json: Json) -> Result<Self, Unfit> {
        match json {
            Json::Bool(value) => Ok(value),
            _ => Err(Unfit),
        }
    }
}

impl FromJson for String {
    fn from_json(json: Json) -> Result<Self, Unfit> {
        match json {
            Json::Text(text) => Ok(text),
            _ => Err(Unfit),
        }
    }
}

impl FromJson for Uuid {
    fn from_json(json: Json) -> Result<Self, Unfit> {
        Self::try_parse(&String::from_json(json)?).map_err(|_| Unfit)
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn from_json(json: Json) -> Result<Self, Unfit> {
        T::from_json(json).map(Self::new)
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: Json) -> Result<Self, Unfit> {
        match json {
            Json::Null => Ok(None),
            json => T::from_json(json).map(Some),
        }
    }

    fn absent() -> Result<Self, Unfit> {
        Ok(None)
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: Json) -> Result<Self, Unfit> {
        let Json::List(items) = json else {
            return Err(Unfit);
        };
        // A loop of one's own: `collect` into a `Result` is several times the code for each type.
        let mut all = Self::with_capacity(items.len());
        for item in items {
            all.push(T::from_json(item)?);
        }
        Ok(all)
    }
}

macro_rules! whole_numbers {
    ($($type:ty)*) => {$(
        impl FromJson for $type {
            fn from_json(json: Json) -> Result<Self, Unfit> {
                match json {
                    Json::Whole(value) => Self::try_from(value).map_err(|_| Unfit),
                    _ => Err(Unfit),
                }
            }
        }

        impl ToJson for $type {
            fn to_json(&self, out: &mut String) {
                out.push_str(&self.to_string());
            }
        }
    )*};
}

whole_numbers!(u8 u16 u32 u64 usize);

impl ToJson for bool {
    fn to_json(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

impl ToJson for str {
    fn to_json(&self, out: &mut String) {
        out.push('"');
        for letter in self.chars() {
            match letter {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\0'..=' ' if letter != ' ' => {
                    out.push_str("\\u00");
                    for digit in [letter as u32 / 16, letter as u32 % 16] {
                        out.extend(char::from_digit(digit, 16));
                    }
                }
                _ => out.push(letter),
            }
        }
        out.push('"');
    }
}

impl ToJson for String {
    fn to_json(&self, out: &mut String) {
        self.as_str().to_json(out);
    }
}

impl ToJson for Uuid {
    fn to_json(&self, out: &mut String) {
        self.hyphenated()
            .encode_lower(&mut Self::encode_buffer())
            .to_json(out);
    }
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn to_json(&self, out: &mut String) {
        (**self).to_json(out);
    }
}

impl<T: ToJson> ToJson for Box<T> {
    fn to_json(&self, out: &mut String) {
        (**self).to_json(out);
    }
}

impl<T: ToJson> ToJson for Option<T> {
    fn to_json(&self, out: &mut String) {
        match self {
            Some(value) => value.to_json(out),
            None => out.push_str("null"),
        }
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn to_json(&self, out: &mut String) {
        out.push('[');
        for (place, item) in self.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            item.to_json(out);
        }
        out.push(']');
    }
}
