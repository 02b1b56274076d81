//! The frames of both sockets: portal and edge, gateway and edge.

use ponte_protocol::{ClientFrame, EdgeFrame, GatewayFrame, ServerFrame};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Reads the bytes as each kind of frame.
///
/// # Panics
/// Where a frame that was read is another one after it was written and read again.
pub fn run(data: &[u8]) {
    same_again::<ClientFrame>(data);
    same_again::<ServerFrame>(data);
    same_again::<GatewayFrame>(data);
    same_again::<EdgeFrame>(data);
}

fn same_again<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: &[u8]) {
    let Ok(frame) = serde_json::from_slice::<T>(data) else {
        return;
    };
    // Names and numbers must not print: Debug is what reaches logs, so it is exercised too.
    assert!(!format!("{frame:?}").is_empty());
    let text = serde_json::to_string(&frame).expect("what was read can be written");
    let again: T = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(frame, again);
}
