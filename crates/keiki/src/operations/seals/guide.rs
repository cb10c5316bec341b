//! How a bundle is checked by hand, as it lies in the bundle.

/// In English.
pub(super) const ENGLISH: &str = include_str!("guide/VERIFY.md");
/// In Japanese.
pub(super) const JAPANESE: &str = include_str!("guide/VERIFY.ja.md");
