//! `ponte_protocol::json` reads and writes what serde reads and writes: whatever the one takes, the other takes for the
//! same, and whatever the one refuses, the other refuses.
#![allow(clippy::unwrap_used)]

use ponte_protocol::json::{self, FromJson, Json, JsonError, ToJson};
use ponte_protocol::{ClientFrame, ServerFrame};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;

mod support;

/// Whether it is a `T`, by both.
fn agree<T>(value: &Value) -> bool
where
    T: FromJson + ToJson + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let text = value.to_string();
    let ours = json::read::<T>(&text).ok();
    assert_eq!(ours, serde_json::from_str::<T>(&text).ok(), "{text}");
    if let Some(read) = &ours {
        assert_eq!(json::write(read), serde_json::to_string(read).unwrap());
    }
    ours.is_some()
}

/// The value with one thing changed, in every place: a field gone or new, something else in place of what is there.
fn mutants(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Object(fields) => {
            for name in fields.keys() {
                let mut without = fields.clone();
                without.remove(name);
                all.push(Value::Object(without));
            }
            let mut with = fields.clone();
            with.insert("of_a_newer_version".into(), json!([{ "deep": 1.5 }, null]));
            all.push(Value::Object(with));
            for (name, field) in fields {
                let is_tag = matches!(name.as_str(), "type" | "of");
                for changed in mutants(field).into_iter().chain(others(field, is_tag)) {
                    let mut mutant = fields.clone();
                    mutant.insert(name.clone(), changed);
                    all.push(Value::Object(mutant));
                }
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                for changed in mutants(item).into_iter().chain(others(item, false)) {
                    let mut mutant = items.clone();
                    mutant[place] = changed;
                    all.push(Value::Array(mutant));
                }
            }
        }
        _ => {}
    }
    all
}

fn others(value: &Value, is_tag: bool) -> Vec<Value> {
    let mut others = vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(1.5),
        json!("\"e\\scaped\u{1}\u{7f}\n/ è 🦀"),
        json!("201"),
        json!(""),
        json!({}),
    ];
    // serde takes the number of a variant for its name, and a list for the fields of a struct in order; no neighbour
    // sends such things.
    if !is_tag {
        others.extend([json!(7), json!(300), json!(70_000), json!(u64::MAX)]);
    }
    if !value.is_object() {
        others.push(json!([]));
    }
    others
}

#[test]
fn what_the_page_shows_is_read_and_written_as_by_serde() {
    let (mut from_server, mut from_client) = (0, 0);
    for (_, example) in support::examples() {
        from_server += usize::from(agree::<ServerFrame>(&example));
        from_client += usize::from(agree::<ClientFrame>(&example));
    }
    assert!(from_server > 10, "{from_server}");
    assert!(from_client > 10, "{from_client}");
}

#[test]
fn what_is_changed_in_one_place_is_taken_or_refused_as_by_serde() {
    let (mut taken, mut refused) = (0, 0);
    for (_, example) in support::examples() {
        let mutants = mutants(&example);
        let mut count = |taken_by_both: bool| *(if taken_by_both { &mut taken } else { &mut refused }) += 1;
        if agree::<ServerFrame>(&example) {
            mutants.iter().map(agree::<ServerFrame>).for_each(&mut count);
        }
        if agree::<ClientFrame>(&example) {
            mutants.iter().map(agree::<ClientFrame>).for_each(&mut count);
        }
    }
    assert!(taken > 300, "{taken}");
    assert!(refused > 1_000, "{refused}");
}

/// What the tree keeps of a value.
fn tree(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(number) => number.as_u64().map_or(Json::OtherNumber, Json::Whole),
        Value::String(text) => Json::Text(text.clone()),
        Value::Array(items) => Json::List(items.iter().map(tree).collect()),
        Value::Object(fields) => Json::Object(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), tree(value)))
                .collect(),
        ),
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_becomes_its_tree(value in values()) {
        prop_assert_eq!(json::parse(&value.to_string()), Ok(tree(&value)));
        prop_assert_eq!(json::parse(&format!("{value:#}\r\n\t ")), Ok(tree(&value)));
    }

    #[test]
    fn every_text_is_written_as_by_serde(text in any::<String>()) {
        prop_assert_eq!(json::write(&text), serde_json::to_string(&text).unwrap());
    }

    #[test]
    fn what_is_nearly_json_is_refused_as_by_serde(
        text in r#"([\[\]{}:,"]|true|nul|null|-|0|7|12|\.5|[eE][+-]?1|\\[nux"]|\\u(00e8|d83e|dd80)| |è){0,9}"#
    ) {
        let serde = serde_json::from_str::<Value>(&text);
        // The tree keeps nothing of such a number but that it is there.
        prop_assume!(!matches!(&serde, Err(error) if error.to_string().starts_with("number out of range")));
        prop_assert_eq!(json::parse(&text).is_ok(), serde.is_ok(), "{}", text);
    }
}

#[test]
fn what_stands_too_deep_does_not_end_the_stack() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [1, 127, 128, 129, 100_000] {
        let by_serde = serde_json::from_str::<Value>(&nested(depth)).is_ok();
        assert_eq!(json::parse(&nested(depth)).is_ok(), by_serde, "{depth}");
    }
    assert_eq!(json::parse("[7, ü]"), Err(JsonError::Syntax { at: 4 }));
}
