//! The timer queue.
