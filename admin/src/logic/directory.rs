//! What stands in the fields of the external directory, and what it comes to.

use ponte_protocol::external::NumberAttribute;

/// Names with commas or blanks between them.
pub fn names(typed: &str) -> Vec<String> {
    typed
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// `telephoneNumber=work, mobile=mobile`: attributes, and what their numbers are.
pub fn numbers(typed: &str) -> Vec<NumberAttribute> {
    let parts = typed.split(',').map(str::trim).filter(|part| !part.is_empty());
    let number = |part: &str| {
        let (attribute, label) = part.split_once('=').unwrap_or((part, ""));
        NumberAttribute {
            attribute: attribute.trim().to_owned(),
            label: label.trim().to_owned(),
        }
    };
    parts.map(number).collect()
}

/// The same, as it is typed.
pub fn numbers_text(numbers: &[NumberAttribute]) -> String {
    let part = |number: &NumberAttribute| match number.label.as_str() {
        "" => number.attribute.clone(),
        label => format!("{}={label}", number.attribute),
    };
    numbers.iter().map(part).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ponte_protocol::external::DirectorySettings;

    #[test]
    fn what_is_typed_is_read_and_shown_again() {
        let default = DirectorySettings::default();
        assert_eq!(numbers(&numbers_text(&default.numbers)), default.numbers);
        assert_eq!(names(&default.search.join(", ")), default.search);
        assert_eq!(names(" cn,, sn givenName "), ["cn", "sn", "givenName"]);
        let typed = numbers(" mobile = mobile ,, pager , ipPhone=Desk 2");
        assert_eq!(numbers_text(&typed), "mobile=mobile, pager, ipPhone=Desk 2");
        assert!(names(" ").is_empty() && numbers(" , ").is_empty());
    }
}
