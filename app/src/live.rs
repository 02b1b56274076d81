//! Closures of one type, so that the code that follows them is made once.
//!
//! A view, a memo and a signal are compiled anew for each type of closure in them; behind a pointer, all that yield the same
//! are one type (docs/adr/0014).

use leptos::prelude::{Memo, Signal};

/// What a view shows and follows.
pub fn live<T>(shown: impl Fn() -> T + Send + Sync + 'static) -> Box<dyn Fn() -> T + Send + Sync> {
    Box::new(shown)
}

/// `aria-disabled` of a control that cannot be used while this holds (`browser::focus`).
pub fn barred(
    holds: impl Fn() -> bool + Send + Sync + 'static,
) -> Box<dyn Fn() -> Option<&'static str> + Send + Sync> {
    Box::new(move || holds().then_some("true"))
}

/// What follows from signals, kept until it changes.
pub fn memo<T>(followed: impl Fn() -> T + Send + Sync + 'static) -> Memo<T>
where
    T: PartialEq + Send + Sync + 'static,
{
    let followed = live(followed);
    Memo::new(move |_| followed())
}

/// What follows from signals, asked for each time.
pub fn derived<T>(followed: impl Fn() -> T + Send + Sync + 'static) -> Signal<T>
where
    T: Send + Sync + 'static,
{
    Signal::derive(live(followed))
}
