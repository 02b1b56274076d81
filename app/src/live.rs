//! Closures of one type, so that the code that follows them is made once.

/// What a view shows and follows. A view is compiled anew for each type of closure in it; behind a pointer, all that yield
/// the same are one type (docs/adr/0014).
pub fn live<T>(shown: impl Fn() -> T + Send + Sync + 'static) -> Box<dyn Fn() -> T + Send + Sync> {
    Box::new(shown)
}
