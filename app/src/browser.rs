//! What the portal asks of the browser, in one place and with every failure turned into "nothing".

pub mod focus;
pub mod listen;
pub mod notify;
pub mod push;
pub mod recorder;
pub mod sound;

use js_sys::Intl::DateTimeFormat;
use js_sys::{Array, Date, Function, Object, Reflect};
use ponte_protocol::UnixMillis;
use std::cell::RefCell;
use wasm_bindgen::JsValue;

/// The browser's clock.
pub fn now() -> UnixMillis {
    UnixMillis(Date::now() as u64)
}

/// A number from 0 up to but not including 1, for jitter.
pub fn random() -> f64 {
    js_sys::Math::random()
}

/// The value kept under `key`; `None` also where the browser forbids storage.
pub fn storage_get(key: &str) -> Option<String> {
    web_sys::window()?.local_storage().ok()??.get_item(key).ok()?
}

/// Keeps `value` for the next visit, where the browser allows it.
pub fn storage_set(key: &str, value: &str) {
    if let Some(Ok(Some(storage))) = web_sys::window().map(|window| window.local_storage()) {
        // A full or forbidden storage costs the setting at the next visit, nothing else.
        let _ = storage.set_item(key, value);
    }
}

/// The reader's languages, the preferred first.
pub fn languages() -> Vec<String> {
    web_sys::window()
        .map(|window| {
            window
                .navigator()
                .languages()
                .iter()
                .filter_map(|tag| tag.as_string())
                .collect()
        })
        .unwrap_or_default()
}

/// Whether the browser believes that it has a network.
pub fn is_online() -> bool {
    web_sys::window().is_none_or(|window| window.navigator().on_line())
}

/// Whether the page can be seen.
pub fn is_visible() -> bool {
    document().is_none_or(|document| document.visibility_state() == web_sys::VisibilityState::Visible)
}

/// The document, in a browser.
pub fn document() -> Option<web_sys::Document> {
    web_sys::window()?.document()
}

/// Sets `lang` of the document.
pub fn set_document_language(tag: &str) {
    set_root_attribute("lang", tag);
}

/// Sets an attribute of the root element.
pub fn set_root_attribute(name: &str, value: &str) {
    if let Some(root) = document().and_then(|document| document.document_element()) {
        let _ = root.set_attribute(name, value);
    }
}

/// Sets the title of the window.
pub fn set_title(title: &str) {
    if let Some(document) = document() {
        document.set_title(title);
    }
}

/// Puts the keyboard focus on the element with this id; `false` where there is none.
pub fn focus(id: &str) -> bool {
    use wasm_bindgen::JsCast;
    let element = document().and_then(|document| document.get_element_by_id(id));
    element
        .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok())
        .is_some_and(|element| element.focus().is_ok())
}

/// Calls a method of a JavaScript object; `None` where there is none, or it fails.
fn call(object: &JsValue, method: &str, arguments: &js_sys::Array) -> Option<JsValue> {
    use wasm_bindgen::JsCast;
    let method: js_sys::Function = Reflect::get(object, &method.into()).ok()?.dyn_into().ok()?;
    Reflect::apply(&method, object, arguments).ok()
}

/// The file that was chosen in a field; it can be chosen again after that.
pub fn chosen_file(field: &JsValue) -> Option<JsValue> {
    let files = Reflect::get(field, &"files".into()).ok()?;
    let file = Reflect::get_u32(&files, 0).ok()?;
    let _ = Reflect::set(field, &"value".into(), &"".into());
    (!file.is_falsy()).then_some(file)
}

/// How large a file is, in bytes.
pub fn file_size(file: &JsValue) -> f64 {
    let size = Reflect::get(file, &"size".into()).ok();
    size.and_then(|size| size.as_f64()).unwrap_or(f64::INFINITY)
}

/// The text of a file; `None` where it cannot be read.
pub async fn file_text(file: &JsValue) -> Option<String> {
    use wasm_bindgen::JsCast;
    let text: js_sys::Promise = call(file, "text", &js_sys::Array::new())?.dyn_into().ok()?;
    wasm_bindgen_futures::JsFuture::from(text).await.ok()?.as_string()
}

/// Gives the user a file to keep; `None` where the browser does not let it.
pub fn save_file(name: &str, kind: &str, text: &str) -> Option<()> {
    use wasm_bindgen::JsCast;
    let global = js_sys::global();
    let class = |name: &str| Reflect::get(&global, &name.into()).ok();
    let options = Object::new();
    Reflect::set(&options, &"type".into(), &kind.into()).ok()?;
    let parts = js_sys::Array::of1(&text.into());
    let blob: js_sys::Function = class("Blob")?.dyn_into().ok()?;
    let blob = Reflect::construct(&blob, &js_sys::Array::of2(&parts, &options)).ok()?;
    let url = class("URL")?;
    let address = call(&url, "createObjectURL", &js_sys::Array::of1(&blob))?;
    let link = document()?.create_element("a").ok()?;
    link.set_attribute("href", &address.as_string()?).ok()?;
    link.set_attribute("download", name).ok()?;
    link.dyn_into::<web_sys::HtmlElement>().ok()?.click();
    call(&url, "revokeObjectURL", &js_sys::Array::of1(&address))?;
    Some(())
}

/// Scrolls as little as needed to show the element.
pub fn bring_into_view(element: &web_sys::Element) {
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Nearest);
    options.set_behavior(web_sys::ScrollBehavior::Smooth);
    element.scroll_into_view_with_scroll_into_view_options(&options);
}

/// Shows the element with this id where it lies outside of what is scrolled into view, at once.
pub fn reveal(id: &str) {
    let Some(element) = document().and_then(|document| document.get_element_by_id(id)) else {
        return;
    };
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&options);
}

/// Puts the keyboard focus on the element with this id, and scrolls to where it begins.
pub fn show_start(id: &str) {
    if focus(id)
        && let Some(element) = document().and_then(|document| document.get_element_by_id(id))
    {
        element.scroll_into_view();
    }
}

/// Scrolls what the element with this id lies in sideways, so that it stands in the middle of it.
pub fn show_in_middle(id: &str) {
    use wasm_bindgen::JsCast;
    let element = document().and_then(|document| document.get_element_by_id(id));
    let Some(element) = element.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) else {
        return;
    };
    if let Some(around) = element.parent_element() {
        let middle = element.offset_left() + element.offset_width() / 2;
        around.set_scroll_left(middle - around.client_width() / 2);
    }
}

/// Loads another program in the place of this one.
pub fn open(path: &str) {
    if let Some(window) = web_sys::window() {
        let _ = window.location().set_href(path);
    }
}

/// The part of the address after `?`, without it, still percent-encoded.
pub fn query() -> String {
    let search = web_sys::window()
        .and_then(|window| window.location().search().ok())
        .unwrap_or_default();
    search.strip_prefix('?').unwrap_or(&search).to_owned()
}

/// The part of the address after `#`, without it.
pub fn fragment() -> String {
    let hash = web_sys::window()
        .and_then(|window| window.location().hash().ok())
        .unwrap_or_default();
    hash.strip_prefix('#').unwrap_or(&hash).to_owned()
}

/// The path of the address.
pub fn path() -> String {
    web_sys::window()
        .and_then(|window| window.location().pathname().ok())
        .unwrap_or_default()
}

/// Scrolls to the start of the page.
pub fn scroll_to_top() {
    if let Some(window) = web_sys::window() {
        window.scroll_to_with_x_and_y(0.0, 0.0);
    }
}

/// Shows another address, without loading anything; the way back leads to the one before.
pub fn push_address(path: &str) {
    if let Some(Ok(history)) = web_sys::window().map(|window| window.history()) {
        let _ = history.push_state_with_url(&JsValue::NULL, "", Some(path));
    }
}

/// Replaces the address shown, without loading anything.
pub fn replace_address(path: &str) {
    if let Some(Ok(history)) = web_sys::window().map(|window| window.history()) {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(path));
    }
}

/// Puts text where the user can paste it from; `false` where the browser does not allow it.
pub async fn copy(text: &str) -> bool {
    let Some(window) = web_sys::window() else {
        return false;
    };
    // Absent on a page that is not secure.
    let clipboard = Reflect::get(&window.navigator(), &JsValue::from_str("clipboard"));
    if clipboard.is_ok_and(|clipboard| clipboard.is_undefined()) {
        return false;
    }
    let written = window.navigator().clipboard().write_text(text);
    wasm_bindgen_futures::JsFuture::from(written).await.is_ok()
}

/// The moment as the language writes it, e.g. `23/11/2026, 05:40`.
pub fn date_time(tag: &str, at: UnixMillis) -> String {
    let parts = [("dateStyle", "short"), ("timeStyle", "medium")];
    localized(tag, at, &parts, |date, tag, options| {
        date.to_locale_string(tag, options)
    })
}

/// Loads the page anew.
pub fn reload() {
    if let Some(window) = web_sys::window() {
        let _ = window.location().reload();
    }
}

/// Asks the browser to open `tel:` links here; its user is asked. `false` where it knows no such thing, as on mobiles.
pub fn take_telephone_links() -> bool {
    let Some(window) = web_sys::window() else {
        return false;
    };
    let Ok(origin) = window.location().origin() else {
        return false;
    };
    window
        .navigator()
        .register_protocol_handler("tel", &format!("{origin}/?dial=%s"), "Ponte")
        .is_ok()
}

/// `wss://…` or `ws://…` of the page's own origin with this path.
pub fn socket_address(path: &str) -> Option<String> {
    let location = web_sys::window()?.location();
    let scheme = if location.protocol().ok()? == "https:" {
        "wss"
    } else {
        "ws"
    };
    Some(format!("{scheme}://{}{path}", location.host().ok()?))
}

thread_local! {
    /// What writes clock times, with the language and the difference to UTC that it was made for: a long list asks for
    /// many, and making it costs more than all else in a line. Who travels with an open page takes the time of the place.
    static CLOCK: RefCell<Option<(String, i32, Function)>> = const { RefCell::new(None) };
}

/// The clock time, hours and minutes, as the language writes it.
pub fn clock_time(tag: &str, at: UnixMillis) -> String {
    let offset = Date::new_0().get_timezone_offset() as i32;
    CLOCK.with_borrow_mut(|clock| {
        if !matches!(clock, Some((known, there, _)) if known == tag && *there == offset) {
            *clock = None;
        }
        let (.., write) = clock.get_or_insert_with(|| {
            let options = options(&[("hour", "2-digit"), ("minute", "2-digit")]);
            let format = DateTimeFormat::new(&Array::of1(&tag.into()), &options);
            (tag.to_owned(), offset, format.format())
        });
        let written = write.call1(&JsValue::UNDEFINED, &JsValue::from_f64(at.0 as f64));
        written
            .ok()
            .and_then(|written| written.as_string())
            .unwrap_or_default()
    })
}

/// The day in words, e.g. `Friday 20 November`.
pub fn long_day(tag: &str, at: UnixMillis) -> String {
    let parts = [("weekday", "long"), ("day", "numeric"), ("month", "long")];
    localized(tag, at, &parts, |date, tag, options| {
        date.to_locale_date_string(tag, options)
    })
}

/// Days since 1970-01-01 by the browser's time zone: equal for two moments of the same local day.
pub fn local_day(at: UnixMillis) -> i64 {
    let date = Date::new(&JsValue::from_f64(at.0 as f64));
    (at.0.cast_signed() - date.get_timezone_offset() as i64 * 60_000).div_euclid(86_400_000)
}

/// The next moment at which local clocks show this time, `hh:mm`; `None` for what is no time.
pub fn next_at(now: UnixMillis, time: &str) -> Option<UnixMillis> {
    let (hours, minutes) = time.split_once(':')?;
    let (hours, minutes) = (hours.parse::<u32>().ok()?, minutes.get(..2)?.parse::<u32>().ok()?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let date = Date::new(&JsValue::from_f64(now.0 as f64));
    date.set_hours(hours);
    date.set_minutes(minutes);
    date.set_seconds(0);
    date.set_milliseconds(0);
    if date.get_time() as u64 <= now.0 {
        date.set_date(date.get_date() + 1);
    }
    Some(UnixMillis(date.get_time() as u64))
}

/// The local time as a time field holds it, `hh:mm`.
pub fn field_time(at: UnixMillis) -> String {
    let date = Date::new(&JsValue::from_f64(at.0 as f64));
    format!("{:02}:{:02}", date.get_hours(), date.get_minutes())
}

/// The next local midnight.
pub fn next_midnight(at: UnixMillis) -> UnixMillis {
    let date = Date::new(&JsValue::from_f64(at.0 as f64));
    // The day after the last of a month is the first of the next.
    date.set_date(date.get_date() + 1);
    date.set_hours(0);
    date.set_minutes(0);
    date.set_seconds(0);
    date.set_milliseconds(0);
    UnixMillis(date.get_time() as u64)
}

fn localized(
    tag: &str,
    at: UnixMillis,
    parts: &[(&str, &str)],
    write: impl Fn(&Date, &str, &JsValue) -> js_sys::JsString,
) -> String {
    write(&Date::new(&JsValue::from_f64(at.0 as f64)), tag, &options(parts)).into()
}

/// What tells JavaScript how to write a time.
fn options(parts: &[(&str, &str)]) -> Object {
    let options = Object::new();
    for (name, value) in parts {
        let _ = Reflect::set(&options, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    options
}

/// `value` with its `%xx` decoded; `None` where it is not valid.
pub fn percent_decode(value: &str) -> Option<String> {
    js_sys::decode_uri_component(value).ok().map(Into::into)
}
